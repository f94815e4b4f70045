"""Graceful shutdown.

A server that is told to stop must lose no request that it has accepted, take no new
one, and leave nothing open behind it. What matters is the order:

1. It says that it is not ready any more, so that the load balancer looks elsewhere,
   and refuses new requests.
2. It waits for the requests that are in progress, for a bounded time.
3. Only then it closes what they needed: connections, files, models. What was opened
   last may need what was opened before it, so the last one is closed first.

Write `ShutdownReport(drained, abandoned, failed)`, and `GracefulShutdown(timeout=30, *,
cleanup_timeout=5.0)`, times in seconds, for one event loop. It can be made where no
loop runs yet.

- `ready` is a property: True until the shutdown begins, False from then on.
- `request_started()` counts a request as in progress and returns True. From the moment
  the shutdown begins it counts nothing and returns False: the request is refused.
- `request_finished()` tells that one of them is done, also during the shutdown and
  after it. `RuntimeError` if none is in progress.
- `add_cleanup(callback)` keeps an async function without arguments for the end. The
  same one may be added twice. `RuntimeError` once the shutdown has begun.
- `await shutdown()` does the three steps above and returns the report.

The shutdown waits until no request is in progress, and no longer than `timeout`
seconds: it goes on at the moment when the last one is finished. `abandoned` is the
number of requests still in progress when it stops waiting, and `drained` tells whether
there were none.

Cleanups run one after the other, in the reverse of the order in which they were added,
whether all requests were finished or not. One that raises an exception stops no other;
that includes `CancelledError`, which is what `task.cancel(); await task`, the usual end
of a background task, raises. One that still runs after `cleanup_timeout` seconds is
cancelled, and the next one begins at that moment, whatever the cancelled one makes of
it. `failed` is a tuple of the names (`__name__`) of those that raised or were cut, in
the order in which they ran.

Several calls of `shutdown`, at once or later, share one shutdown: everything happens
once, and all get the same report. A call that is cancelled stops nothing for others.

Time is that of the event loop. `ValueError` that names the argument: `timeout` negative
or NaN (0 is allowed: it does not wait at all); `cleanup_timeout` not above 0.

Source: Wiggins, The Twelve-Factor App (2011), factor IX, Disposability.

In production: the signal handler of SIGTERM calls `shutdown`; between «not ready» and
the rest one waits a few seconds more, until every load balancer has asked; and the
platform kills the process some time later, so that both timeouts together must be
shorter than its patience.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple


class ShutdownReport(NamedTuple):
    """How the shutdown went."""

    drained: bool
    abandoned: int
    failed: tuple[str, ...]


class GracefulShutdown:
    """Counts requests, and ends a server in the right order."""

    def __init__(self, timeout: float = 30, *, cleanup_timeout: float = 5.0) -> None:
        """Begin ready, with no request in progress."""
        if not timeout >= 0:
            raise ValueError(f"timeout must be at least 0 seconds, got {timeout}")
        if not cleanup_timeout > 0:
            raise ValueError(
                f"cleanup_timeout must be above 0 seconds, got {cleanup_timeout}"
            )
        self._timeout = timeout
        self._cleanup_timeout = cleanup_timeout
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._cleanups: list[Callable[[], Awaitable[None]]] = []
        self._shutdown: asyncio.Task[ShutdownReport] | None = None

    @property
    def ready(self) -> bool:
        """Whether requests are welcome."""
        return self._shutdown is None

    def add_cleanup(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Let `callback` be run at the end, before all that were added earlier."""
        if not self.ready:
            raise RuntimeError("the shutdown has begun: no cleanup can be added")
        self._cleanups.insert(0, callback)

    def request_started(self) -> bool:
        """Count a request and return True; False if it has to be refused."""
        if not self.ready:
            return False
        self._requests += 1
        self._idle.clear()
        return True

    def request_finished(self) -> None:
        """Count a request as done."""
        if self._requests == 0:
            raise RuntimeError("no request is in progress")
        self._requests -= 1
        if self._requests == 0:
            self._idle.set()

    async def shutdown(self) -> ShutdownReport:
        """Refuse requests, wait for those in progress, clean up, and report."""
        if self._shutdown is None:
            self._shutdown = asyncio.create_task(self._run())
        return await asyncio.shield(self._shutdown)

    async def _run(self) -> ShutdownReport:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._timeout)
        abandoned = self._requests
        failed = []
        for callback in self._cleanups:
            task = asyncio.ensure_future(callback())
            await asyncio.wait([task], timeout=self._cleanup_timeout)
            # True if it had no time left to end by itself.
            if task.cancel() or task.cancelled() or task.exception() is not None:
                failed.append(callback.__name__)
        return ShutdownReport(abandoned == 0, abandoned, tuple(failed))
