"""Call a function, async or plain, from an event loop and within a bounded time."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar, cast

T = TypeVar("T")


class OverdueError(Exception):
    """A call took longer than it was given."""


async def call_within(
    function: Callable[[], Awaitable[T]] | Callable[[], T], seconds: float
) -> T:
    """Return what ``function`` returns within ``seconds``, or raise what it raises.

    A plain function runs in a thread of its own. ``OverdueError`` is raised when the
    time is over: the call is cancelled then, and nobody waits for one that resists; a
    thread cannot be cancelled and goes on, but does not keep the process alive.
    """
    task = asyncio.ensure_future(_call(function))
    task.add_done_callback(_retrieve)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    if not done:
        raise OverdueError
    if task.cancelled():
        raise RuntimeError("the call was cancelled from within")
    return task.result()


async def _call(function: Callable[[], Awaitable[T]] | Callable[[], T]) -> T:
    outcome = function() if is_async(function) else await _in_thread(function)
    # A plain function may give a coroutine, as a lambda around an async one does.
    if isinstance(outcome, Awaitable):
        return cast("T", await outcome)
    return cast("T", outcome)


def is_async(function: Callable[[], object]) -> bool:
    """Tell whether a call of ``function`` gives a coroutine, and so does not block."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        type(function).__call__
    )


async def _in_thread(function: Callable[[], T]) -> T:
    # The threads of an executor are waited for when the process ends, which a call
    # that hangs would prevent: hence a daemon.
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="call", daemon=True).start()
    return await asyncio.wrap_future(future)


def _retrieve(task: "asyncio.Task[T]") -> None:
    """Look at the exception, which else would be logged as never looked at."""
    if not task.cancelled():
        task.exception()
