"""A few threads for what must not block an event loop."""

import asyncio
import contextvars
import itertools
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, TypeVar

from reference.production.serving.calling import OverdueError

Result = TypeVar("Result")


class Workers:
    """At most ``count`` threads, made when they are needed, that run functions.

    Unlike those of ``concurrent.futures`` they are daemons: a function that hangs keeps
    neither the process alive nor, once its ``Workers`` are gone, the idle threads. A
    thread whose function took too long is replaced, and ends when the function does.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._names = (f"{name}-{number}" for number in itertools.count(1))
        self._queue: _Queue = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._made = 0
        self._stuck: list[threading.Thread] = []
        self._end = weakref.finalize(self, _end, self._queue)

    @property
    def stuck(self) -> int:
        """How many threads were replaced and have not ended yet."""
        self._stuck = [thread for thread in self._stuck if thread.is_alive()]
        return len(self._stuck)

    def run(
        self, function: Callable[[], Result], timeout: float | None = None
    ) -> "asyncio.Future[Result]":
        """Return a future of the running event loop for what ``function`` returns.

        The function sees the context variables of the caller. ``OverdueError`` is the
        outcome where it runs for more than ``timeout`` seconds; nobody can stop it, but
        it takes no thread away from others. Cancelling the future drops the result, and
        the function goes on. For one thread at a time.
        """
        job = _Job(function)
        if not self._idle.acquire(blocking=False) and self._made < self._count:
            self._made += 1
            self._start_thread()
        self._queue.put(job.do)
        if timeout is not None:
            job.timer = job.loop.call_later(timeout, self._look_at, job, timeout)
        return job.future

    def close(self) -> None:
        """Let the threads end when they have done what was given to them."""
        self._end()

    def _start_thread(self) -> None:
        threading.Thread(
            target=_work,
            args=(self._queue, self._idle),
            name=next(self._names),
            daemon=True,
        ).start()

    def _look_at(self, job: "_Job[Result]", timeout: float) -> None:
        """Give a job up if its time is over; one that waits has not begun its time."""
        thread, began = job.begun or (None, time.monotonic())
        left = began + timeout - time.monotonic()
        if thread is None or left > 0:
            job.timer = job.loop.call_later(left, self._look_at, job, timeout)
        elif job.give_up():
            self._stuck.append(thread)
            self._start_thread()


_Queue = SimpleQueue[Callable[[], bool] | None]


class _Job(Generic[Result]):
    def __init__(self, function: Callable[[], Result]) -> None:
        self.function = function
        self.context = contextvars.copy_context()
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Result] = self.loop.create_future()
        self.timer: asyncio.TimerHandle | None = None
        # Which thread took it, and when.
        self.begun: tuple[threading.Thread, float] | None = None
        # Held for good by the first to say how it ended.
        self._ended = threading.Lock()

    def do(self) -> bool:
        """Run the function here; return whether anybody still reckoned with it."""
        self.begun = threading.current_thread(), time.monotonic()
        try:
            result = self.context.run(self.function)
        except BaseException as error:
            return self._deliver(self._fail, error)
        return self._deliver(self._succeed, result)

    def give_up(self) -> bool:
        """Let it fail for the time it takes, unless it has just ended."""
        if not self._ended.acquire(blocking=False):
            return False
        self._fail(OverdueError())
        return True

    def _deliver(self, settle: Callable[..., None], outcome: object) -> bool:
        if not self._ended.acquire(blocking=False):
            return False
        # Where the loop is closed nobody waits any more.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(settle, outcome)
        return True

    def _succeed(self, result: Result) -> None:
        self._stop_timer()
        if not self.future.done():
            self.future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        self._stop_timer()
        if not self.future.done():
            self.future.set_exception(error)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


def _work(queue: _Queue, idle: threading.Semaphore) -> None:
    while (do := queue.get()) is not None:
        if not do():
            # Another thread has its place.
            return
        # Without this the last job, and all it refers to, would live while we wait.
        del do
        idle.release()
    _end(queue)


def _end(queue: _Queue) -> None:
    """Let one thread end, which passes it on to the next."""
    queue.put(None)
