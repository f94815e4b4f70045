"""Threads in which an event loop has its backend asked."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from reference.production.caching.forking import forget_in_children

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 8


class Workers:
    """A few threads, started by the first call, that do nothing else.

    The loop's own executor will not do: its threads may all be waiting for what the
    loop can only finish with one more of them.
    """

    def __init__(self) -> None:
        self.forget()
        forget_in_children(self)

    def forget(self) -> None:
        """Begin with no thread."""
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what ``function`` returns, called in a thread, in this context."""
        import asyncio

        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(_THREADS, "cache")
        context = contextvars.copy_context()
        call = partial(context.run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)
