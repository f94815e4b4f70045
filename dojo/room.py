"""The one folder in which tests that are judged may write.

What they could write elsewhere would tell the next run which run it is.
"""

import os
from pathlib import Path

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Audit events, and how many of their arguments name what they change.
CHANGES = {
    "os.mkdir": 1, "os.rmdir": 1, "os.remove": 1, "os.rename": 2, "os.link": 2,
    "os.symlink": 2, "os.truncate": 1, "os.utime": 1, "os.chmod": 1,
    "os.setxattr": 1, "os.removexattr": 1, "sqlite3.connect": 1,
}  # fmt: skip


def is_written(args: tuple[object, ...]) -> bool:
    """Tell whether the arguments of the audit event ``open`` ask to write."""
    flags = args[2] if len(args) > 2 else 0
    return isinstance(flags, int) and bool(flags & _WRITES)


class Room:
    """A folder of a run's own, gone when the run is over."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.realpath(folder)

    def holds(self, path: str | bytes) -> bool:
        """Tell whether a path is in the folder, or is nowhere at all."""
        real = os.path.realpath(os.fsdecode(path))
        inside = real == self._folder or real.startswith(self._folder + os.sep)
        return inside or real == os.devnull or os.fsdecode(path) == ":memory:"
