"""Alerts to several handlers, the same one not too often."""

import copy
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reference.core.validation import require

SEVERITIES = ("info", "warning", "error", "critical")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alert:
    """What a handler is told.

    ``timestamp`` is the manager's clock when the alert came; ``suppressed`` is how many
    equal ones were held back since the last that was let through.
    """

    severity: str
    message: str
    metadata: dict[str, object]
    timestamp: float
    suppressed: int = 0


Handler = Callable[[Alert], None]


@dataclass
class _Past:
    """When an alert was let through last, and how many were held back since."""

    last: float
    held_back: int = 0


class AlertManager:
    """Tell handlers of alerts; hold equal ones back for ``cooldown`` seconds.

    Alerts are equal in severity and message. One is suppressed while
    ``clock() − last < cooldown``, ``last`` being when an equal one was let through;
    those held back do not push that on. An alert past its cool-down is forgotten, with
    its held-back count, when another is let through, so the past is bounded by what
    comes within one cool-down; ``len`` tells how many are remembered. Where the clock
    goes back, cool-downs that began later than its time are over.

    Handlers run in the thread that alerts, in the order in which they were added, and
    outside the lock: a slow one delays its caller and nobody else. One that raises an
    ``Exception`` is logged and counted in ``failures`` and stops no other.

    Raises ``ValueError`` where ``cooldown`` is negative or NaN.
    """

    def __init__(
        self, cooldown: float = 300.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if isinstance(cooldown, bool) or not isinstance(cooldown, int | float):
            raise TypeError(f"cooldown must be a number, got {cooldown!r}")
        valid = cooldown >= 0 and not math.isnan(cooldown)
        require(valid, "cooldown", "at least zero", cooldown)
        self.cooldown = cooldown
        self._clock = clock
        self._lock = threading.Lock()
        self._handlers: list[tuple[int, Handler]] = []
        self._past: OrderedDict[tuple[str, str], _Past] = OrderedDict()
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many calls of handlers raised."""
        return self._failures

    def __len__(self) -> int:
        return len(self._past)

    def add_handler(self, handler: Handler, min_severity: str = "info") -> None:
        """Call ``handler`` for alerts of ``min_severity`` and above."""
        least = _rank("min_severity", min_severity)
        if not callable(handler):
            raise TypeError(f"handler must be callable, got {handler!r}")
        with self._lock:
            self._handlers.append((least, handler))

    def alert(
        self, severity: str, message: str, metadata: Mapping[str, object] | None = None
    ) -> bool:
        """Tell the handlers, each with its own copy of ``metadata`` (None: empty).

        An entry that cannot be copied is told by its ``repr``. Returns False where the
        alert was suppressed. One that no handler wants is let through like any other.
        """
        rank = _rank("severity", severity)
        if not isinstance(message, str):
            raise TypeError(f"message must be text, got {message!r}")
        if metadata is not None and not isinstance(metadata, Mapping):
            raise TypeError(f"metadata must be a mapping or None, got {metadata!r}")
        data = dict(metadata or {})
        with self._lock:
            now = self._clock()
            suppressed = self._let_through((severity, message), now)
            handlers = [handler for least, handler in self._handlers if least <= rank]
        if suppressed is None:
            return False
        for handler in handlers:
            copied = {name: _copied(entry) for name, entry in data.items()}
            told = Alert(severity, message, copied, now, suppressed)
            self._tell(handler, told)
        return True

    def _let_through(self, key: tuple[str, str], now: float) -> int | None:
        """Return how many were held back before, or None where this one is too."""
        past = self._past.get(key)
        if past is not None and self._is_cooling(past, now):
            past.held_back += 1
            return None
        self._past.pop(key, None)
        while self._past:  # the oldest come first
            oldest = next(iter(self._past))
            if self._is_cooling(self._past[oldest], now):
                break
            del self._past[oldest]
        self._past[key] = _Past(now)
        return 0 if past is None else past.held_back

    def _is_cooling(self, past: _Past, now: float) -> bool:
        return 0 <= now - past.last < self.cooldown

    def _tell(self, handler: Handler, alert: Alert) -> None:
        try:
            handler(alert)
        except Exception:
            with self._lock:
                self._failures += 1
            _logger.exception("an alert handler failed: %r", handler)


def _rank(argument: str, severity: str) -> int:
    known = isinstance(severity, str) and severity in SEVERITIES
    require(known, argument, f"one of {', '.join(SEVERITIES)}", severity)
    return SEVERITIES.index(severity)


def _copied(entry: object) -> object:
    """Return a deep copy, or a text: what is told must not fail for what it tells."""
    for copied in (copy.deepcopy, repr):
        try:
            return copied(entry)
        except Exception as error:
            _logger.debug("an entry of an alert has no copy: %s", type(error))
    return object.__repr__(entry)
