"""``python -m reference.production.serving [--host HOST] [--port PORT]``."""

import argparse
import sys
from collections.abc import Sequence

import uvicorn

from reference.production.serving.logs import configure_logging
from reference.production.serving.production import make_app
from reference.production.serving.service import RegistryError
from reference.production.serving.settings import SettingsError, read_settings

# What a request may take after a signal, before its connection is cut.
_PATIENCE = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m reference.production.serving",
        description="Serve models over HTTP. Settings come from the environment: "
        "MODEL_PATH, REDIS_URL, DATABASE_URL, PORT, WORKERS, LOG_LEVEL.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: loopback)"
    )
    parser.add_argument("--port", type=int, help="overrides PORT (default: 8000)")
    given = parser.parse_args(arguments)
    try:
        settings = read_settings()
        configure_logging(settings.log_level)
        # Several processes make an application each, from the environment.
        several = settings.workers > 1
        app = "reference.production.serving:app" if several else make_app(settings)
    except (SettingsError, RegistryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    uvicorn.run(
        app,
        host=given.host,
        port=settings.port if given.port is None else given.port,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
