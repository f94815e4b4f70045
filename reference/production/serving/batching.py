"""Put requests that come one by one together, so that a model runs on many at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from reference.core.validation import require
from reference.production.serving.arguments import (
    checked_callable,
    checked_count,
    checked_number,
)

Item = TypeVar("Item")
Result = TypeVar("Result")


class QueueFull(Exception):  # noqa: N818  # as queue.Full of the standard library
    """So many items wait already that another one is refused."""


class RequestBatcher(Generic[Item, Result]):
    """Answers single items by ``predict_batch``, an async function of a list of them.

    Items are taken in the order in which they came, and one batch runs at a time. It
    starts as soon as ``max_batch_size`` items wait or the oldest of them has waited
    ``max_wait`` seconds; while a batch runs the others wait, and one that is due when
    it ends starts at once. More than ``max_queue`` items never wait; those of the
    batch that runs are not counted.

    A batch is at most ``max_batch_size`` items, or ``most_at_once`` where that is set
    to more: for a ``predict_batch`` that would rather take several batches in one go.

    ``predict_batch`` returns a result for each item, in order. A result that is an
    ``Exception`` is raised for its item alone; an exception that ``predict_batch``
    raises, or a ``RuntimeError`` for a wrong number of results, for each item of that
    batch. The batcher goes on after all of them.

    It belongs to one event loop, whose clock it uses, and can be made before there is
    one. Raises ``TypeError`` for arguments of a wrong type and ``ValueError`` unless
    the counts are at least one and ``max_wait`` is finite and not negative.
    """

    def __init__(
        self,
        predict_batch: Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]],
        max_batch_size: int = 32,
        max_wait: float = 0.01,
        max_queue: int = 1000,
    ) -> None:
        checked_callable(predict_batch, "predict_batch")
        self._predict_batch = predict_batch
        self._max_batch_size = checked_count(max_batch_size, "max_batch_size")
        self._max_wait = checked_number(max_wait, "max_wait")
        require(self._max_wait >= 0, "max_wait", "at least 0 seconds", max_wait)
        self._max_queue = checked_count(max_queue, "max_queue")
        self.most_at_once = self._max_batch_size
        self._queue: deque[_Waiting[Item, Result]] = deque()  # the oldest first
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        """The number of items that wait for their batch to start."""
        if any(waiting.answer.cancelled() for waiting in self._queue):
            kept = [entry for entry in self._queue if not entry.answer.cancelled()]
            self._queue = deque(kept)
        return len(self._queue)

    async def submit(self, item: Item) -> Result:
        """Return the result of ``item``, or raise its exception.

        Raises ``QueueFull`` at once where ``max_queue`` items wait, ``RuntimeError``
        after ``close``. A caller that is cancelled while its item waits takes it out
        of the queue; once its batch has started, the result is dropped.
        """
        if self._closed:
            raise RuntimeError("the batcher is closed")
        if len(self._queue) >= self._max_queue and self.waiting >= self._max_queue:
            raise QueueFull(f"{self._max_queue} items wait already")
        loop = asyncio.get_running_loop()
        answer: _Answer[Result] = loop.create_future()
        self._queue.append(_Waiting(answer, item, loop.time() + self._max_wait))
        self._start_if_due(loop.time())
        try:
            outcome = await answer
        finally:
            # A caller who is closed without a word is cancelled, too.
            answer.cancel()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Refuse new items, answer those that wait without delay, and return then.

        Every call returns when all is answered; one that is cancelled undoes nothing.
        """
        self._closed = True
        self._start_if_due(asyncio.get_running_loop().time())
        await self._idle.wait()

    def _start_if_due(self, now: float) -> None:
        """Start a batch if it is time; if not, see to it that somebody will."""
        if self._running is not None:
            return
        if self._is_due(now):
            # Who was cancelled makes no batch full, nor old.
            self._queue.extendleft(reversed(self._take(self._max_batch_size)))
        loop = asyncio.get_running_loop()
        if self._is_due(now):
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            most = max(self._max_batch_size, self.most_at_once)
            self._running = loop.create_task(self._run(self._take(most)))
        elif self._queue and self._timer is None:
            due = self._queue[0].due
            self._timer = loop.call_at(due, self._on_timer, due)
        if self._running is None and not self._queue:
            self._idle.set()
        else:
            self._idle.clear()

    def _is_due(self, now: float) -> bool:
        if not self._queue:
            return False
        full = len(self._queue) >= self._max_batch_size
        return full or self._closed or now >= self._queue[0].due

    def _on_timer(self, due: float) -> None:
        self._timer = None
        # The clock may be a hair short when a timer fires: what counts is `due`.
        self._start_if_due(due)

    def _take(self, most: int) -> "list[_Waiting[Item, Result]]":
        """Take the first items off the queue, and forget who was cancelled among them.

        Whoever is cancelled is met here once, so that to start a batch takes time for
        the batch, however many wait.
        """
        taken: list[_Waiting[Item, Result]] = []
        while self._queue and len(taken) < most:
            waiting = self._queue.popleft()
            if not waiting.answer.cancelled():
                taken.append(waiting)
        return taken

    async def _run(self, batch: "list[_Waiting[Item, Result]]") -> None:
        # Between the start and this first step, some may have been cancelled.
        batch = [waiting for waiting in batch if not waiting.answer.cancelled()]
        outcomes: Sequence[Result | Exception]
        outcomes = [RuntimeError("the batch was cancelled")] * len(batch)
        try:
            if batch:
                outcomes = await self._outcomes([waiting.item for waiting in batch])
        except Exception as error:
            outcomes = [error] * len(batch)
        finally:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome)
            self._running = None
            self._start_if_due(asyncio.get_running_loop().time())

    async def _outcomes(self, items: list[Item]) -> Sequence[Result | Exception]:
        expected = len(items)
        outcomes = list(await self._predict_batch(items))
        if len(outcomes) != expected:
            raise RuntimeError(
                f"predict_batch must return {expected} results, got {len(outcomes)}"
            )
        return outcomes


# An exception is a result here, to be raised by the caller, if there still is one.
_Answer = asyncio.Future[Result | Exception]


class _Waiting(NamedTuple, Generic[Item, Result]):
    answer: "_Answer[Result]"
    item: Item
    due: float  # when its batch has to start, on the clock of the event loop
