"""A served model with its queue: rows that arrive together are predicted together.

Models are plain functions, so they run in threads of their own, a few for each
model: the event loop goes on, and a slow model holds up no other. To hand rows to a
thread and back costs more than a small model does, so several calls are made there in
one go, as long as they are short.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reference.core.validation import Array
from reference.production.serving.batching import QueueFull, RequestBatcher
from reference.production.serving.calling import OverdueError
from reference.production.serving.inference import Inference, ServedModel, infer
from reference.production.serving.instruments import Instruments
from reference.production.serving.middleware import request_id
from reference.production.serving.workers import Workers

logger = logging.getLogger(__name__)

Label = int | float | str
# A row, and the id of the request that it came with.
_Asked = tuple[list[float], str | None]

_THREADS = 4
# Further threads that may hang in a model before it is asked no more.
_MOST_STUCK = 16
# Small calls are made in one go: for at most so many rows, and so many seconds.
_ROWS_AT_ONCE = 32
_SHORT = 0.01


class ModelFailedError(Exception):
    """The model raised, or what it gave cannot be sent; the log says more."""


class ModelOverdueError(ModelFailedError):
    """The model took too long; its thread is left to it."""


class OverloadedError(Exception):
    """More rows wait than the queue has room for, or too many calls hang."""


@dataclass(frozen=True)
class Batching:
    """How rows are gathered: at most ``size``, for at most ``window`` seconds.

    With a window of 0 a row that finds the model idle is predicted at once, and those
    that come while it is at work are the next batch. At most ``queue`` rows wait. A
    ``size`` of 1 is a call of its own for each row. A call that has not returned after
    ``timeout`` seconds is given up, be it for rows that were gathered or for a batch
    that came as one.
    """

    size: int = 64
    window: float = 0.0
    queue: int = 1000
    timeout: float = 30.0


@dataclass(frozen=True)
class Prediction:
    """The outcome for one row."""

    label: Label
    probabilities: list[float] | None


class RowCache(Protocol):
    """Remembers predictions; asked and told in the model's thread."""

    def get(
        self, served: ServedModel, rows: Sequence[list[float]]
    ) -> Sequence[Prediction | None]:
        """Return for each row what was predicted, None where that is not known."""

    def put(
        self,
        served: ServedModel,
        rows: Sequence[list[float]],
        predictions: Sequence[Prediction],
    ) -> None:
        """Remember a prediction for each row."""


class Predictor:
    """Predict by one model, rows one by one or many at once.

    It must be closed where an event loop is at hand; unclosed it holds nothing but
    idle threads, which end with it.
    """

    def __init__(
        self,
        served: ServedModel,
        instruments: Instruments,
        batching: Batching | None = None,
        cache: RowCache | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.served = served
        self.info = served.info
        self._instruments = instruments
        self._batching = Batching() if batching is None else batching
        self._cache = cache
        self._clock = clock
        self._workers = Workers(_THREADS, f"model-{self.info.model_id}")
        self._batcher: RequestBatcher[_Asked, Prediction] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._large = 0

    @property
    def queued(self) -> int:
        """How many rows wait."""
        return 0 if self._batcher is None else self._batcher.waiting

    @property
    def stuck(self) -> int:
        """How many calls of the model were given up and still hang."""
        return self._workers.stuck

    async def row(self, row: list[float]) -> Prediction:
        """Predict one row of ``n_features`` numbers.

        Raises ``ModelFailedError``, ``ModelOverdueError`` where it takes too long, and
        ``OverloadedError`` where too many wait already.
        """
        try:
            return await self._batcher_here().submit((row, request_id.get()))
        except QueueFull as error:
            raise OverloadedError(str(error)) from error

    async def rows(self, rows: list[list[float]]) -> Inference:
        """Predict many rows by one call of the model; raises as ``row`` does."""
        if self._large >= self._batching.queue:
            raise OverloadedError(f"{self._large} batches are waiting")
        self._require_threads()
        self._large += 1
        try:
            inference = await self._workers.run(
                lambda: self._infer(rows), self._batching.timeout
            )
        except OverdueError as error:
            self._instruments.failed(self.info.model_id, len(rows))
            raise self._overdue() from error
        except ModelFailedError:
            self._instruments.failed(self.info.model_id, len(rows))
            raise
        finally:
            self._large -= 1
        self._instruments.predicted(self.info.model_id, len(rows))
        return inference

    async def close(self) -> None:
        """Answer what waits, then let the threads go."""
        if self._batcher is not None:
            await self._batcher.close()
        self._workers.close()

    def _batcher_here(self) -> "RequestBatcher[_Asked, Prediction]":
        # Tests run one application in several event loops, one after the other.
        loop = asyncio.get_running_loop()
        if self._batcher is None or self._loop is not loop:
            self._loop = loop
            self._batcher = RequestBatcher(
                self._predict_batch,
                max_batch_size=self._batching.size,
                max_wait=self._batching.window,
                max_queue=self._batching.queue,
            )
        return self._batcher

    async def _predict_batch(
        self, asked: list[_Asked]
    ) -> Sequence[Prediction | Exception]:
        outcomes: list[Prediction | Exception] = []
        while len(outcomes) < len(asked):
            # Once is enough, unless a call hangs: then the others go on without it.
            outcomes += await self._outcomes(asked[len(outcomes) :])
        # Counted by the batch, not by the row: counting is not free.
        predicted = sum(isinstance(outcome, Prediction) for outcome in outcomes)
        failed = sum(isinstance(outcome, ModelFailedError) for outcome in outcomes)
        self._instruments.predicted(self.info.model_id, predicted)
        if failed:
            self._instruments.failed(self.info.model_id, failed)
        return outcomes

    async def _outcomes(self, asked: list[_Asked]) -> Sequence[Prediction | Exception]:
        """Predict in one thread; return the outcomes of the first rows, at least one.

        They are all of them, unless a call hangs: then it is the last.
        """
        request_id.set(_identities(asked))
        done: list[Prediction | Exception] = []
        try:
            self._require_threads()
            seconds = await self._workers.run(
                lambda: self._call_by_call(asked, done), self._batching.timeout
            )
        except OverloadedError as error:
            return [error] * len(asked)
        except OverdueError:
            # A copy: its thread may come back, for all we know.
            finished = tuple(done)
            hanging = asked[len(finished) :][: self._batching.size]
            return [*finished, *[self._overdue()] * len(hanging)]
        self._take_as_many_as(seconds)
        return done

    def _require_threads(self) -> None:
        if self.stuck >= _MOST_STUCK:
            raise OverloadedError(f"{self.stuck} calls of the model hang")

    def _overdue(self) -> ModelOverdueError:
        """Log that a call was given up, and return the error that says so."""
        model, seconds = self.info.model_id, self._batching.timeout
        logger.error("model %s has not answered within %s s", model, seconds)
        return ModelOverdueError(model)

    def _take_as_many_as(self, seconds: float) -> None:
        """Have as many calls made in one go as are short when one takes ``seconds``."""
        batcher, size = self._batcher_here(), self._batching.size
        fitting = size * int(_SHORT / max(seconds, 1e-9))
        # Not all at once: one quick call does not say much.
        most = min(_ROWS_AT_ONCE, 2 * batcher.most_at_once, fitting)
        batcher.most_at_once = max(most, size)

    def _call_by_call(
        self, asked: list[_Asked], done: list[Prediction | Exception]
    ) -> float:
        """Append outcomes to ``done``; return the seconds that one call took."""
        began = self._clock()
        size = self._batching.size
        rows = [row for row, _ in asked]
        cache = self._cache
        known = [None] * len(rows) if cache is None else cache.get(self.served, rows)
        starts = range(0, len(rows), size)
        for start in starts:
            if start and self._clock() > began + self._batching.timeout:
                break
            call = slice(start, start + size)
            request_id.set(_identities(asked[call]))
            done += self._completed(rows[call], known[call])
        if cache is not None:
            fresh = [
                (row, outcome)
                for row, found, outcome in zip(rows, known, done, strict=False)
                if found is None and isinstance(outcome, Prediction)
            ]
            cache.put(self.served, [row for row, _ in fresh], [one for _, one in fresh])
        return (self._clock() - began) / len(starts)

    def _completed(
        self, rows: list[list[float]], known: Sequence[Prediction | None]
    ) -> list[Prediction | Exception]:
        """Predict the rows of which nothing is known."""
        missing = [row for row, found in zip(rows, known, strict=True) if found is None]
        computed = iter(self._predictions(missing) if missing else [])
        return [next(computed) if found is None else found for found in known]

    def _predictions(self, rows: list[list[float]]) -> list[Prediction | Exception]:
        """Predict together, and one by one where that fails: a bad row fails alone."""
        try:
            inference = self._infer(rows, quiet=len(rows) > 1)
        except ModelFailedError as error:
            if len(rows) == 1:
                return [error]
            return [outcome for row in rows for outcome in self._predictions([row])]
        chances: Sequence[list[float] | None] = inference.probabilities or [None] * len(
            rows
        )
        return [
            Prediction(label, row)
            for label, row in zip(inference.predictions, chances, strict=True)
        ]

    def _infer(self, rows: list[list[float]], *, quiet: bool = False) -> Inference:
        self._instruments.batch_size.observe(len(rows))
        matrix: Array = np.array(rows, dtype=np.float64)
        try:
            return infer(self.served.model, matrix)
        except BaseException as error:
            # Of a model nothing is a reason to end the service, SystemExit included.
            if not quiet:
                logger.exception("model %s failed", self.info.model_id)
            raise ModelFailedError(self.info.model_id) from error


def _identities(asked: list[_Asked]) -> str | None:
    """Return what stands for the requests in the log: their ids, with commas."""
    return ",".join(identity for _, identity in asked if identity) or None
