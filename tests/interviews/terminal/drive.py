"""``python -m tests.interviews.terminal.drive SPEED ...`` is ``kata interview ...``.

The rounds are echoes, the clock runs SPEED times as fast, and the report is two
lines: what is left is the command line, the terminal and the session.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import interviews.report as report
from interviews import sitting
from interviews.cli import run
from interviews.engine import rounds
from interviews.rounds.base import Event

_BEGAN = time.monotonic()


class FastClock:
    """A clock that runs faster than others."""

    def __init__(self) -> None:
        self._speed = float(sys.argv[1])

    def monotonic(self) -> float:
        """Seconds that run fast."""
        return self._speed * time.monotonic()

    def wall(self) -> datetime:
        """A day that runs fast."""
        passed = self._speed * (time.monotonic() - _BEGAN)
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=passed)

    def boot(self) -> str:
        """Always the same boot."""
        return "one boot"


def _write(folder: Path) -> tuple[Path, Path]:
    return folder / "report.md", folder / "report.html"


def _summary(events: Sequence[Event]) -> list[str]:
    return [f"{len(events) > 0:d} log was summed up"]


if __name__ == "__main__":
    setattr(sitting, "SystemClock", FastClock)  # noqa: B010 - a stand-in
    for kind in ("theory", "design"):
        rounds._CLASSES[kind] = ("tests.interviews.terminal.fake_round", "FakeRound")
    setattr(report, "write", _write)  # noqa: B010 - it may not be written yet
    setattr(report, "summary", _summary)  # noqa: B010
    sys.exit(run(sys.argv[2:]))
