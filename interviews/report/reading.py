"""Reading fields of events that may lack them, or hold something else.

A report must come out of any log, so a field that is not what it should be reads as
if it were not there.
"""

import math
from collections.abc import Iterable, Mapping

from interviews.rounds.base import Event


def number(event: Event, key: str, default: float = 0.0) -> float:
    """Return a finite number, else ``default``."""
    value = event.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    try:
        found = float(value)
    except OverflowError:
        return default
    return found if math.isfinite(found) else default


def whole(event: Event, key: str, default: int = 0) -> int:
    """Return a whole number, else ``default``."""
    return int(number(event, key, default))


def text(event: Event, key: str) -> str:
    """Return a text, else the empty one."""
    value = event.get(key)
    return value if isinstance(value, str) else ""


def flag(event: Event, key: str) -> bool:
    """Tell whether the field is true and nothing else."""
    return event.get(key) is True


def record(event: Event, key: str) -> Event:
    """Return an object, else the empty one."""
    value = event.get(key)
    return value if isinstance(value, Mapping) else {}


def records(event: Event, key: str) -> tuple[Event, ...]:
    """Return the objects of a list."""
    value = event.get(key)
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(entry for entry in value if isinstance(entry, Mapping))


def names(event: Event, key: str) -> tuple[str, ...]:
    """Return the texts of a list; of objects, their ``id`` or ``name``."""
    value = event.get(key)
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(name for entry in value if (name := _name(entry)))


def _name(entry: object) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Mapping):
        return text(entry, "id") or text(entry, "name")
    return ""


def line(event: Event) -> int:
    """Return the number of the event's line in the log."""
    return whole(event, "line")


def lines(events: Iterable[Event]) -> tuple[int, ...]:
    """Return the numbers of the lines of ``events``, each once, in order."""
    return tuple(sorted({line(event) for event in events} - {0}))


def shown(value: str, most: int = 160) -> str:
    """Return a text on one line without control characters, shortened."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return flat if len(flat) <= most else f"{flat[: most - 1].rstrip()}…"


def count(amount: int, noun: str, plural: str = "") -> str:
    """Return an amount with its noun, as in ``1 run`` and ``2 runs``."""
    return f"{amount} {noun if amount == 1 else plural or noun + 's'}"


def amount(value: float, digits: int = 1) -> str:
    """Return a number without trailing zeros, as in ``4`` and ``4.5``."""
    rounded = f"{value:.{digits}f}"
    return rounded.rstrip("0").rstrip(".") if "." in rounded else rounded
