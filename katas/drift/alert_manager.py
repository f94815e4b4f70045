"""Alerts with a cool-down.

A monitor that looks every minute at a service that is down finds sixty times an hour
that it is down. Whoever is on call wants to hear it once, and then how often it came
again. So equal alerts, those of the same severity and the same message, are held back
for a while after one was let through:

    suppressed  where  clock() − last < cooldown

with `last` the time at which the last equal alert was let through: the ones held back
do not push it on, or an alert that keeps coming would never be heard again. At exactly
`cooldown` seconds it goes. The next one let through tells how many were held back since
`last`, and the count begins anew.

Write `AlertManager(cooldown=300.0, *, clock)`; `clock` gives seconds.

- `add_handler(handler, min_severity="info")`: `handler(alert)` is called for alerts of
  at least that severity, in the order info < warning < error < critical.
- `alert(severity, message, metadata=None)` calls the handlers in the order in which
  they were added and returns True, or returns False where it was suppressed. Each
  handler gets an `Alert` with a copy of `metadata` of its own (an empty dict for None),
  so that what one does to it reaches neither the others nor the caller; `timestamp` is
  `clock()`, read once; `suppressed` is the number held back.
- A handler that raises an `Exception` stops no other and does not reach the caller: it
  is counted in `failures`. The alert was let through all the same.

An alert is let through, and its cool-down begins, also where no handler wants it. The
past is bounded: an alert whose cool-down is over is forgotten when another is let
through, its held-back count with it. `len(manager)` is the number of those remembered.

`ValueError` that names the argument, before anything changes: `severity` or
`min_severity` that is none of the four; `cooldown` that is negative or NaN.

Source: Beyer, Jones, Petoff, Murphy (editors), Site Reliability Engineering (2016),
chapter 6, "Monitoring Distributed Systems".

In production: handlers send to a pager or a chat with a time-out of their own, and the
pager is told a key of the problem, so that it closes what it opened.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

logger = logging.getLogger(__name__)

SEVERITIES = ("info", "warning", "error", "critical")


@dataclass(frozen=True)
class Alert:
    """What a handler is told."""

    severity: str
    message: str
    metadata: dict[str, object]
    timestamp: float
    suppressed: int


Handler = Callable[[Alert], None]


class AlertManager:
    """Tells handlers what is wrong, and the same thing not too often.

    `failures` counts the calls of handlers that raised.
    """

    def __init__(
        self, cooldown: float = 300.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin without handlers and without a past."""
        raise NotImplementedError

    def add_handler(self, handler: Handler, min_severity: str = "info") -> None:
        """Call `handler` for alerts of `min_severity` and above."""
        raise NotImplementedError

    def alert(
        self, severity: str, message: str, metadata: Mapping[str, object] | None = None
    ) -> bool:
        """Tell the handlers, unless an equal alert was told a moment ago."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return how many alerts are remembered."""
        raise NotImplementedError
