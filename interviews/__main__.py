"""``python -m interviews`` is ``kata interview``."""

import sys

from interviews.cli import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
