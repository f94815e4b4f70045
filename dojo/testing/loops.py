"""An event loop whose time is virtual: it jumps, so that no property ever waits.

    async def main() -> None:
        batcher = RequestBatcher(predict, max_wait=0.25)
        assert_equal(await batcher.submit(1), 2)
        assert_equal(now(), START + 0.25, "when the answer came")

    run_virtual(main)

A whole property may be a coroutine:

    @given(st.integers())
    @in_virtual_time
    async def test_an_answer_comes(item: int) -> None: ...

When nothing is ready, the time is set to that of the next timer, exactly. Halves and
quarters are exact in binary, so that times can be compared with ``==``.
"""

import asyncio
import functools
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar, TypeVarTuple, cast

from dojo.testing.mismatch import UNSTATED, fail

__all__ = ["START", "in_virtual_time", "now", "run_virtual", "settle"]

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
Arguments = TypeVarTuple("Arguments")

START = 1000.0
LIMIT = 24 * 3600.0
# Seconds of real time that virtual time stands still for a thread at work.
PATIENCE = 2.0
# The same for threads that somebody else started, of which nobody knows what they do.
_GRACE = 0.02
# Turns of the loop in one moment of virtual time: more, and it is going in circles.
_TURNS = 50_000
_SHOWN = 4


def run_virtual(
    main: Callable[[], Coroutine[Any, Any, Result]],
    *,
    start: float = START,
    limit: float = LIMIT,
) -> Result:
    """Run ``main()`` on an event loop with virtual time, and return its result.

    ``loop.time()`` begins at ``start``. A ``Mismatch`` is raised where nothing is
    ready and no timer is set, where more than ``limit`` virtual seconds pass, and
    where the loop goes round without end in one moment. Work in threads
    (``run_in_executor``, ``to_thread``) takes no virtual time, unless it takes seconds
    of real time. Tasks that are left over are cancelled.
    """
    __tracebackhide__ = True
    loop = _VirtualLoop(start, limit)
    try:
        return loop.run_until_complete(main())
    finally:
        loop.finish()


def in_virtual_time(
    test: Callable[Parameters, Coroutine[Any, Any, None]],
) -> Callable[Parameters, None]:
    """Turn a coroutine function into one that runs it to its end, by run_virtual."""

    @functools.wraps(test)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        run_virtual(lambda: test(*args, **kwargs))

    return run


def now() -> float:
    """Return the time of the running loop, in seconds."""
    return asyncio.get_running_loop().time()


async def settle() -> None:
    """Wait until everything has happened that can happen without time going by."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, _VirtualLoop):
        raise TypeError("settle() needs the event loop of run_virtual")
    await loop.settled()


class _Selector(selectors.DefaultSelector):
    """Asks the loop what to do where it would wait."""

    idle: Callable[[float | None], float | None]

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; wait, in real time, only where the loop wants to."""
        ready = super().select(0)
        if ready:
            return ready
        return super().select(self.idle(timeout))


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, start: float, limit: float) -> None:
        self._now = start
        self._end = start + limit
        self._turns = 0
        self._settling: list[asyncio.Future[None]] = []
        self._working: set[asyncio.Future[Any]] = set()
        self._executor: ThreadPoolExecutor | None = None
        self._errors: list[BaseException] = []
        self._waited_since: float | None = None
        self._others = threading.active_count()
        self._finishing = False
        selector = _Selector()
        selector.idle = self._idle
        super().__init__(selector)
        self.set_exception_handler(self._keep_error)

    def time(self) -> float:
        """Return the virtual time."""
        return self._now

    def settled(self) -> "asyncio.Future[None]":
        """Return a future that is done as soon as nothing else can happen."""
        future: asyncio.Future[None] = self.create_future()
        self._settling.append(future)
        return future

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Arguments], Result],
        *args: *Arguments,
    ) -> "asyncio.Future[Result]":
        """Run in a thread for which time stands still."""
        if executor is None:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(16, "virtual")
            executor = self._executor
        future = super().run_in_executor(executor, func, *args)
        self._working.add(future)
        future.add_done_callback(self._working.discard)
        return future

    def finish(self) -> None:
        """Cancel what is left, and close; what cannot be cancelled is left behind."""
        self._finishing = True
        self._turns = 0
        try:
            for _ in range(_SHOWN):
                tasks = asyncio.all_tasks(self)
                for task in tasks:
                    task.cancel()
                for _ in tasks and range(_SHOWN):
                    self.run_until_complete(asyncio.sleep(0))
                self._forget(tasks)
            self.run_until_complete(self.shutdown_asyncgens())
        finally:
            if self._executor is not None:
                self._executor.shutdown(wait=False, cancel_futures=True)
            self.close()

    def _forget(self, tasks: "set[asyncio.Task[Any]]") -> None:
        for task in tasks:
            # One that failed as it was cancelled is no news now.
            if task.done() and not task.cancelled():
                task.exception()

    def _idle(self, timeout: float | None) -> float | None:
        """Return how long to wait in real time, after jumping if there is a timer."""
        if timeout is not None and timeout <= 0:
            self._turns += 1
            if self._turns > _TURNS:
                self._fail("the event loop goes in circles: a task never waits")
            return 0
        if self._settling:
            self._wake()
            return 0
        if waiting := self._wait_for_threads():
            return waiting
        if timeout is None:
            self._fail("everyone waits, nothing is ready and no timer is set")
        return self._jump()

    def _wake(self) -> None:
        settling, self._settling = self._settling, []
        for future in settling:
            if not future.done():
                future.set_result(None)

    def _wait_for_threads(self) -> float:
        """Return how long to wait for threads at work: 0 if for none."""
        patience = 0.0
        if self._working:
            patience = PATIENCE
        elif threading.active_count() > self._others + self._pool_size():
            patience = _GRACE
        if self._finishing or patience == 0:
            return 0.0
        real = time.monotonic()
        if self._waited_since is None:
            self._waited_since = real
        left = self._waited_since + patience - real
        if left > 0:
            return left
        # They have had their time, and get no more.
        self._waited_since = None
        self._working.clear()
        return 0.0

    def _pool_size(self) -> int:
        return sum(t.name.startswith("virtual") for t in threading.enumerate())

    def _jump(self) -> float:
        # The loop's own list of timers, a heap: the sum of the time and a timeout
        # would be off by rounding.
        self._now = max(self._now, cast("Any", self)._scheduled[0].when())
        self._turns = 0
        self._waited_since = None
        if self._now > self._end:
            self._fail("more time goes by than a property may take")
        return 0

    def _fail(self, detail: str) -> NoReturn:
        __tracebackhide__ = True
        for error in self._errors:
            if isinstance(error, NotImplementedError):
                raise error
        places = {_place(task) for task in asyncio.all_tasks(self)}
        waiting = "; ".join(sorted(filter(None, places))[:_SHOWN])
        if waiting:
            detail += f" ({waiting})"
        if self._errors:
            error = self._errors[0]
            detail += f"; before that came {type(error).__name__}: {error}"
        fail(f"the event loop at {self._now:g} s", UNSTATED, UNSTATED, detail)

    def _keep_error(
        self, _: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        if isinstance(error := context.get("exception"), BaseException):
            self._errors.append(error)


def _place(task: "asyncio.Task[Any]") -> str:
    """Tell where a task waits."""
    stack = task.get_stack(limit=1)
    if not stack:
        return ""
    code = stack[0].f_code
    name = getattr(code, "co_qualname", code.co_name)
    name = name.rpartition("<locals>.")[2]
    return f"{name} waits in line {stack[0].f_lineno} of {Path(code.co_filename).name}"
