"""A few threads for what must not block an event loop."""

import asyncio
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Workers:
    """At most ``count`` threads, made when they are needed, that run functions.

    Unlike those of ``concurrent.futures`` they are daemons: a function that hangs keeps
    neither the process alive nor, once its ``Workers`` are gone, the idle threads.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._queue: _Queue = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._made = 0
        self._end = weakref.finalize(self, _end, self._queue)

    def run(self, function: Callable[[], Result]) -> "asyncio.Future[Result]":
        """Return a future of the running event loop for what ``function`` returns.

        Cancelling it drops the result; the function goes on. For one thread at a time.
        """
        job = _Job(function)
        if not self._idle.acquire(blocking=False) and self._made < self._count:
            self._made += 1
            threading.Thread(
                target=_work,
                args=(self._queue, self._idle),
                name=f"{self._name}-{self._made}",
                daemon=True,
            ).start()
        self._queue.put(job.do)
        return job.future

    def close(self) -> None:
        """Let the threads end when they have done what was given to them."""
        self._end()


_Queue = SimpleQueue[Callable[[], None] | None]


class _Job(Generic[Result]):
    def __init__(self, function: Callable[[], Result]) -> None:
        self.function = function
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Result] = self.loop.create_future()

    def do(self) -> None:
        """Run the function here, and deliver to the event loop."""
        try:
            result = self.function()
        except BaseException as error:
            self._deliver(self._fail, error)
        else:
            self._deliver(self._succeed, result)

    def _deliver(self, settle: Callable[..., None], outcome: object) -> None:
        try:
            self.loop.call_soon_threadsafe(settle, outcome)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            return

    def _succeed(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _work(queue: _Queue, idle: threading.Semaphore) -> None:
    while (do := queue.get()) is not None:
        do()
        # Without this the last job, and all it refers to, would live while we wait.
        del do
        idle.release()
    _end(queue)


def _end(queue: _Queue) -> None:
    """Let one thread end, which passes it on to the next."""
    queue.put(None)
