"""Exit with 0 where the service on ``PORT`` is ready, with 1 where it is not.

Standard library only, and no proxy: it runs beside the service in its container.
"""

import http.client
import os
import sys


def is_ready(port: int) -> bool:
    """Tell whether ``/ready`` answers 200 within two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(os.environ.get("PORT") or 8000)) else 1)
