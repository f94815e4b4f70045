"""End a service in order: refuse, drain, clean up.

Under uvicorn, in the lifespan of the application::

    shutdown.install(notice=5.0)
    try:
        yield
    finally:
        await shutdown.shutdown()
        shutdown.uninstall()

On SIGTERM readiness turns false, load balancers have ``notice`` seconds to see it, then
uvicorn stops to accept, lets the open connections finish and ends the lifespan. Its
wait is bounded here too: ``timeout`` seconds after the notice the ``tasks`` that still
run are cancelled, and where that does not end the process either, it shuts down and
ends without the server.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from typing import NamedTuple

from reference.core.validation import require
from reference.production.serving.arguments import checked_callable, checked_number
from reference.production.serving.calling import OverdueError, call_within

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)

Callback = Callable[[], Awaitable[object]] | Callable[[], object]


class ShutdownReport(NamedTuple):
    """How a shutdown went.

    ``drained`` tells whether every request was finished in time, ``abandoned`` how many
    were not, ``failed`` names the cleanups that raised or were cut, as they ran.
    """

    drained: bool
    abandoned: int
    failed: tuple[str, ...]


class GracefulShutdown:
    """Counts requests, and ends the service when they are finished.

    Requests get ``timeout`` seconds to finish, then each cleanup ``cleanup_timeout``
    seconds, on the clock of the event loop. ``tasks`` holds those that answer
    requests: what is overdue after a signal is cancelled. Requests may be counted from
    any thread; the rest belongs to the event loop. Raises ``TypeError`` where a time is
    no number, ``ValueError`` where ``timeout`` is negative or ``cleanup_timeout`` not
    positive.
    """

    def __init__(self, timeout: float = 30, *, cleanup_timeout: float = 5.0) -> None:
        self._timeout = checked_number(timeout, "timeout")
        require(self._timeout >= 0, "timeout", "at least 0 seconds", timeout)
        self._cleanup_timeout = checked_number(cleanup_timeout, "cleanup_timeout")
        above_zero = self._cleanup_timeout > 0
        require(above_zero, "cleanup_timeout", "above 0 seconds", cleanup_timeout)
        self.tasks: set[asyncio.Task[object]] = set()
        self._ready = True
        self._cleanups: list[Callback] = []
        self._lock = threading.Lock()
        self._begun = False
        self._active = 0
        self._on_drained: Callable[[], object] | None = None
        self._task: asyncio.Task[ShutdownReport] | None = None
        self._signals = _Signals(self)

    @property
    def ready(self) -> bool:
        """Whether new requests are wanted: false from the first signal or call on."""
        return self._ready

    @property
    def active(self) -> int:
        """The number of requests that have started and not finished."""
        return self._active

    @property
    def timeouts(self) -> tuple[float, float]:
        """The seconds for the requests and for each cleanup."""
        return self._timeout, self._cleanup_timeout

    def announce(self) -> None:
        """Turn ``ready`` false; requests that come all the same are still accepted."""
        # Without the lock: a signal may come while this very thread holds it.
        self._ready = False

    def add_cleanup(self, callback: Callback) -> None:
        """Have ``callback()`` called after the last request.

        An async function is awaited; a plain one runs in a thread of its own. Raises
        ``TypeError`` where it cannot be called, ``RuntimeError`` once a shutdown began.
        """
        checked_callable(callback, "callback")
        with self._lock:
            if self._begun:
                raise RuntimeError("the shutdown has begun: too late for a cleanup")
            self._cleanups.append(callback)

    def request_started(self) -> bool:
        """Count a request; False where a shutdown has begun, and it is to be refused.

        One that was refused is not counted, and must not be reported as finished.
        """
        with self._lock:
            if self._begun:
                return False
            self._active += 1
            return True

    def request_finished(self) -> None:
        """Count a request as finished; ``RuntimeError`` where none is under way."""
        with self._lock:
            if self._active == 0:
                raise RuntimeError("a request finished that had not started")
            self._active -= 1
            if self._active == 0 and self._on_drained is not None:
                self._on_drained()

    async def shutdown(self) -> ShutdownReport:
        """Refuse new requests, wait for those under way, run the cleanups.

        The cleanups run one after the other, the last added first, also where requests
        had to be abandoned. One that raises or is cut at its time stops no other.
        Several calls share one shutdown; one that is cancelled does not stop it.
        """
        self.announce()
        self._signals.forget_deadline()
        with self._lock:
            self._begun = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._shut_down())
        return await asyncio.shield(self._task)

    def reopen(self) -> bool:
        """Be ready again after a shutdown that is over; False where there was none.

        The cleanups stay, and run again at the next one.
        """
        with self._lock:
            if self._task is None or not self._task.done():
                return False
            self._task = None
            self._begun = False
            self._ready = True
            return True

    def install(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        notice: float = 0.0,
    ) -> bool:
        """Turn ``ready`` false on SIGTERM and SIGINT, before their handlers do theirs.

        The handlers that were there, as a rule the server's, get the signal ``notice``
        seconds later, and a second signal at once. Where a signal had none and would
        end the process, ``shutdown`` runs first. Signals that are ignored stay so.

        Returns whether it was done: only the main thread can handle signals. ``loop``
        is the running one by default. Raises ``ValueError`` where ``notice`` is
        negative, ``RuntimeError`` where it is installed already.
        """
        seconds = checked_number(notice, "notice")
        require(seconds >= 0, "notice", "at least 0 seconds", notice)
        if threading.current_thread() is not threading.main_thread():
            logger.info("not in the main thread: signals are left to others")
            return False
        self._signals.install(loop or asyncio.get_running_loop(), seconds)
        return True

    def uninstall(self) -> None:
        """Put the handlers back that ``install`` found, unless they were replaced."""
        self._signals.uninstall()

    async def _shut_down(self) -> ShutdownReport:
        abandoned = await self._drain()
        if abandoned:
            logger.warning("%d requests were not finished in time", abandoned)
        failed = [
            _name(callback)
            for callback in reversed(self._cleanups)
            if not await self._clean_up(callback)
        ]
        return ShutdownReport(abandoned == 0, abandoned, tuple(failed))

    async def _drain(self) -> int:
        """Wait until no request is under way; return how many still are."""
        loop = asyncio.get_running_loop()
        drained = loop.create_future()
        with self._lock:
            if self._active == 0:
                return 0
            self._on_drained = partial(
                loop.call_soon_threadsafe, drained.set_result, None
            )
        try:
            await asyncio.wait({drained}, timeout=self._timeout)
        finally:
            with self._lock:
                self._on_drained = None
                abandoned = self._active
        return abandoned

    async def _clean_up(self, callback: Callback) -> bool:
        name = _name(callback)
        try:
            await call_within(callback, self._cleanup_timeout)
        except OverdueError:
            logger.error("cleanup %s was cut at %g s", name, self._cleanup_timeout)
            return False
        except Exception:
            logger.exception("cleanup %s failed", name)
            return False
        return True


_Handler = Callable[[int, FrameType | None], object]


class _Signals:
    """Stands before the handlers of the signals that end a process."""

    def __init__(self, shutdown: GracefulShutdown) -> None:
        self._shutdown = shutdown
        self._previous: dict[int, _Handler] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notice = 0.0
        self._noticed = False
        self._handed_over = False
        self._deadline: asyncio.TimerHandle | None = None

    def install(self, loop: asyncio.AbstractEventLoop, notice: float) -> None:
        if self._previous:
            raise RuntimeError("the handlers of the signals are installed already")
        self._loop, self._notice = loop, notice
        self._noticed = self._handed_over = False
        for number in SIGNALS:
            previous = signal.getsignal(number)
            if callable(previous):
                self._previous[number] = previous
            elif previous == signal.SIG_DFL:
                self._previous[number] = self._end_process
            else:
                continue  # ignored, or not Python's to handle
            signal.signal(number, self._on_signal)

    def uninstall(self) -> None:
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._on_signal:
                default = previous == self._end_process
                signal.signal(number, signal.SIG_DFL if default else previous)
        self._previous.clear()
        self.forget_deadline()

    def forget_deadline(self) -> None:
        """Leave the end to the shutdown that has begun, which has bounds of its own."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # This runs between any two instructions of the main thread: no lock, no log.
        self._shutdown.announce()
        if self._notice > 0 and not self._noticed and self._loop is not None:
            self._noticed = True
            self._loop.call_soon_threadsafe(self._give_notice, self._loop, number)
        else:
            self._hand_over(number, frame)

    def _give_notice(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        name = signal.Signals(number).name
        logger.info("%s: not ready; going on in %g s", name, self._notice)
        loop.call_later(self._notice, self._end_notice, number)

    def _end_notice(self, number: int) -> None:
        # After a second signal the server knows; to tell it again would mean "at once".
        if not self._handed_over:
            self._hand_over(number, None)

    def _hand_over(self, number: int, frame: FrameType | None) -> None:
        self._handed_over = True
        previous = self._previous.get(number)
        if previous is None:
            return
        if previous != self._end_process and self._loop is not None:
            self._loop.call_soon_threadsafe(self._set_deadline, self._loop, number)
        previous(number, frame)

    def _set_deadline(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        if self._deadline is None and self._previous:
            timeout, _ = self._shutdown.timeouts
            self._deadline = loop.call_later(timeout, self._cut, loop, number)

    def _cut(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        """Cancel what still runs; where the server waits on, end without it."""
        tasks = tuple(self._shutdown.tasks)
        logger.warning("%d requests are cancelled", len(tasks))
        for task in tasks:
            task.cancel()
        _, patience = self._shutdown.timeouts
        self._deadline = loop.call_later(patience, self._start_shutdown, loop, number)

    def _end_process(self, number: int, _: FrameType | None) -> None:
        """Shut down, then let the signal do what it does by default."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start_shutdown, self._loop, number)

    def _start_shutdown(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        def end(_: "asyncio.Task[ShutdownReport]") -> None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

        loop.create_task(self._shutdown.shutdown()).add_done_callback(end)


def _name(callback: Callback) -> str:
    name = getattr(callback, "__name__", None)
    return name if isinstance(name, str) else repr(callback)
