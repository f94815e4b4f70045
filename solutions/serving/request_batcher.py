"""Dynamic batching of requests.

A model answers 32 items in hardly more time than one, but requests come one by one.
A batcher lets each of them wait a moment for company, and runs the model on all that
have come.

Write `QueueFull`, an exception of its own, and `RequestBatcher(predict_batch,
max_batch_size=32, max_wait=0.01, max_queue=1000)` for one event loop. `predict_batch`
is an async function: it takes a list of items and gives a sequence with one result for
each, in the same order. A batcher can be made where no event loop runs yet.

`await submit(item)` puts a request into the queue and gives the result for its item.

- The queue is first come, first served: a batch is the oldest requests that wait, in
  the order in which they came, at most `max_batch_size` of them.
- One batch runs at a time. While none runs, a batch starts at once when
  `max_batch_size` requests wait, and otherwise as soon as the oldest that waits has
  been there for `max_wait` seconds; who comes later does not put that off.
- While a batch runs, requests queue, and their windows go on. When it ends, the next
  one starts by the same rule: at once if it is full or its oldest has waited enough.
- Before it returns, `submit` raises `QueueFull`, at once, if `max_queue` requests wait
  already. Requests in a running batch do not wait any more.

Errors stay with those whom they concern, and the batcher goes on: a result that is an
instance of `Exception` is raised by the `submit` of its item; an exception that
`predict_batch` raises, by every `submit` of that batch; and if the number of results
is not the number of items, every `submit` of that batch raises `RuntimeError`.

Cancellation: a `submit` that is cancelled while it waits leaves the queue. Its item is
not computed, its place is free, and the oldest is then the next one, with its own
window. One that is cancelled while its batch runs disturbs nobody: the batch runs to
its end, and all others get their results.

`await close()` ends the service. From then on `submit` raises `RuntimeError`. Requests
that were accepted are all answered, batch after batch, without waiting for windows;
`close` returns when that is done, however often it is called, and if a `close` is
cancelled, all of this goes on.

Time is that of the event loop, and passes by nothing else.

`ValueError` that names the argument: `max_batch_size` or `max_queue` below 1;
`max_wait` negative or NaN.

Source: Crankshaw, Wang, Zhou, Franklin, Gonzalez, Stoica, Clipper: A Low-Latency
Online Prediction Serving System (NSDI 2017), section 4, on delayed batching.

In production: a full queue becomes 503 with Retry-After, since an answer that comes
after its client has gone was computed for nobody; a second batch is prepared while
the accelerator computes the first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class QueueFull(Exception):  # noqa: N818 - named as asyncio and queue name theirs
    """So many requests wait that one more would wait too long."""


class RequestBatcher(Generic[Item, Result]):
    """Puts requests that come one by one together into batches."""

    def __init__(
        self,
        predict_batch: Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]],
        max_batch_size: int = 32,
        max_wait: float = 0.01,
        max_queue: int = 1000,
    ) -> None:
        """Make a batcher with an empty queue."""
        if max_batch_size < 1:
            raise ValueError(f"max_batch_size must be at least 1, got {max_batch_size}")
        if not max_wait >= 0:
            raise ValueError(f"max_wait must be at least 0 seconds, got {max_wait}")
        if max_queue < 1:
            raise ValueError(f"max_queue must be at least 1, got {max_queue}")
        self._predict_batch = predict_batch
        self._max_batch_size = max_batch_size
        self._max_wait = max_wait
        self._max_queue = max_queue
        # Those who wait, the oldest first.
        self._waiting: dict[asyncio.Future[Result], _Request[Item]] = {}
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, item: Item) -> Result:
        """Wait for a batch, and return the result for `item`."""
        if self._closed:
            raise RuntimeError("the batcher is closed")
        if len(self._waiting) >= self._max_queue:
            raise QueueFull(f"{len(self._waiting)} requests wait already")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        request = self._waiting[answer] = _Request(item)
        loop.call_later(self._max_wait, self._expire, request)
        self._start_if_due()
        try:
            return await answer
        finally:
            self._waiting.pop(answer, None)

    async def close(self) -> None:
        """Take no more requests, and return when all that wait are answered."""
        self._closed = True
        self._start_if_due()
        while self._running is not None:
            await asyncio.wait([self._running])

    def _expire(self, request: "_Request[Item]") -> None:
        request.overdue = True
        self._start_if_due()

    def _start_if_due(self) -> None:
        if self._running is None and self._is_due():
            oldest = list(islice(self._waiting, self._max_batch_size))
            items = [self._waiting.pop(answer).item for answer in oldest]
            self._running = asyncio.create_task(self._run(oldest, items))

    def _is_due(self) -> bool:
        for oldest in self._waiting.values():
            full = len(self._waiting) >= self._max_batch_size
            return full or oldest.overdue or self._closed
        return False

    async def _run(
        self, answers: list[asyncio.Future[Result]], items: list[Item]
    ) -> None:
        results: Sequence[Result | Exception]
        try:
            results = await self._predict_batch(items)
            if len(results) != len(answers):
                raise RuntimeError(f"{len(results)} results for {len(answers)} items")
        except Exception as error:
            results = [error] * len(answers)
        for answer, result in zip(answers, results, strict=True):
            if answer.cancelled():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)
        self._running = None
        self._start_if_due()


@dataclass
class _Request(Generic[Item]):
    item: Item
    overdue: bool = False
