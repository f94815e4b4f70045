"""A served model with its queue: rows that arrive together are predicted together.

Models are plain functions, so they run in threads of their own, a few for each
model: the event loop goes on, and a slow model holds up no other.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reference.core.validation import Array
from reference.production.serving.batching import QueueFull, RequestBatcher
from reference.production.serving.inference import Inference, ServedModel, infer
from reference.production.serving.instruments import Instruments
from reference.production.serving.workers import Workers

logger = logging.getLogger(__name__)

Label = int | float | str

_THREADS = 4


class ModelFailedError(Exception):
    """The model raised, or what it gave cannot be sent; the log says more."""


class OverloadedError(Exception):
    """More rows wait than the queue has room for."""


@dataclass(frozen=True)
class Batching:
    """How rows are gathered: at most ``size``, for at most ``window`` seconds.

    With a window of 0 a row that finds the model idle is predicted at once, and those
    that come while it is at work are the next batch. At most ``queue`` rows wait. A
    ``size`` of 1 is a batch of its own for each row.
    """

    size: int = 64
    window: float = 0.0
    queue: int = 1000


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
    ) -> None:
        self.served = served
        self.info = served.info
        self._instruments = instruments
        self._batching = Batching() if batching is None else batching
        self._cache = cache
        self._workers = Workers(_THREADS, f"model-{self.info.model_id}")
        self._batcher: RequestBatcher[list[float], Prediction] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._large = 0

    @property
    def queued(self) -> int:
        """How many rows wait."""
        return 0 if self._batcher is None else self._batcher.waiting

    async def row(self, row: list[float]) -> Prediction:
        """Predict one row of ``n_features`` numbers.

        Raises ``ModelFailedError``, ``OverloadedError`` where too many wait already.
        """
        try:
            return await self._batcher_here().submit(row)
        except QueueFull as error:
            raise OverloadedError(str(error)) from error

    async def rows(self, rows: list[list[float]]) -> Inference:
        """Predict many rows by one call of the model; raises as ``row`` does."""
        if self._large >= self._batching.queue:
            raise OverloadedError(f"{self._large} batches are waiting")
        self._large += 1
        try:
            inference = await self._workers.run(lambda: self._infer(rows))
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

    def _batcher_here(self) -> "RequestBatcher[list[float], Prediction]":
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
        self, rows: list[list[float]]
    ) -> Sequence[Prediction | Exception]:
        outcomes = await self._workers.run(lambda: self._remembered(rows))
        failed = sum(isinstance(outcome, Exception) for outcome in outcomes)
        # Counted by the batch, not by the row: counting is not free.
        self._instruments.predicted(self.info.model_id, len(rows) - failed)
        if failed:
            self._instruments.failed(self.info.model_id, failed)
        return outcomes

    def _remembered(self, rows: list[list[float]]) -> list[Prediction | Exception]:
        """Predict the rows that the cache does not know."""
        cache = self._cache
        if cache is None:
            return self._predictions(rows)
        known = cache.get(self.served, rows)
        missing = [row for row, found in zip(rows, known, strict=True) if found is None]
        fresh = self._predictions(missing) if missing else []
        sound = [
            (row, outcome)
            for row, outcome in zip(missing, fresh, strict=True)
            if isinstance(outcome, Prediction)
        ]
        cache.put(self.served, [row for row, _ in sound], [one for _, one in sound])
        computed = iter(fresh)
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
        except Exception as error:
            if not quiet:
                logger.exception("model %s failed", self.info.model_id)
            raise ModelFailedError(self.info.model_id) from error
