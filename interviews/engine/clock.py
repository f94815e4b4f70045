"""What time it is for a session, whatever happens to its process or its machine.

The clock does not stand still while the process is dead or the machine sleeps: an
interview has no pause. On the same boot the monotonic clock tells how much went by,
otherwise the wall clock, which may have been set and is never taken to run back.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from interviews.engine.log import Event, LogError

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> float:
        """Seconds since some moment of this boot; never falling."""

    def wall(self) -> datetime:
        """The time of day, in UTC."""

    def boot(self) -> str:
        """Name this boot of the machine; "" where that is not known."""


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Seconds since the boot, those that the machine slept among them."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    def wall(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def boot(self) -> str:
        """Name this boot as the kernel does; "" where it does not."""
        try:
            return _BOOT.read_text(encoding="ascii").strip()
        except OSError:
            return ""


class Timekeeper:
    """Seconds since a session began, by a clock."""

    def __init__(self, clock: Clock, at: float = 0.0) -> None:
        self._clock = clock
        self._began = clock.monotonic() - at
        self._last = at

    def now(self) -> float:
        """Return the seconds since the session began; never falling."""
        self._last = max(self._last, self._clock.monotonic() - self._began)
        return self._last

    def wall(self, at: float) -> str:
        """Return the time of day that belongs to ``at``, in UTC."""
        back = timedelta(seconds=max(0.0, self.now() - at))
        # Half a millisecond more, as what is cut off next should be rounded.
        moment = self._clock.wall().astimezone(UTC) - back + timedelta(microseconds=500)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp(clock: Clock) -> dict[str, object]:
    """Return what a later process needs to know of the clock at this moment."""
    return {"monotonic": clock.monotonic(), "boot": clock.boot()}


def away(events: Sequence[Event], clock: Clock) -> tuple[float, str]:
    """Return the seconds since the last event, and a note on how they were measured."""
    last = events[-1]
    at = _number(last, "at")
    anchor = next(e for e in reversed(events) if e["event"] in ("began", "resumed"))
    if anchor["boot"] and anchor["boot"] == clock.boot():
        passed = clock.monotonic() - _number(anchor, "monotonic")
        since = _number(anchor, "at") + _number(anchor, "away") + passed - at
        # A millisecond is what rounding in the log may cost.
        if passed >= 0 and since >= -0.001:
            return max(0.0, since), ""
    try:
        before = datetime.fromisoformat(str(last["wall"]))
        since = (clock.wall() - before).total_seconds()
    except (ValueError, TypeError) as error:
        raise LogError(
            f"line {last['line']}: wall is no time: {last['wall']}"
        ) from error
    if since < 0:
        return 0.0, "the wall clock was set back: the time away is not known"
    return since, "measured by the wall clock, the machine was started anew"


def _number(event: Event, name: str) -> float:
    value = event.get(name, 0.0)
    if not isinstance(value, int | float):
        raise LogError(f"line {event['line']}: {name} must be a number, got {value!r}")
    return float(value)
