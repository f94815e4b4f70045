"""Predictions that were made before, from a cache that processes may share."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from reference.production.caching import CacheStatistics, PredictionCache
from reference.production.serving.inference import ServedModel
from reference.production.serving.instruments import Instruments
from reference.production.serving.predictor import Prediction

_STORED = TypeAdapter(Prediction)
# Once the store has failed, for so many seconds nobody waits for it.
_REST = 5.0

Stored = dict[str, object]


class Store(Protocol):
    """A cache that asks and tells many keys at once, and counts its failures."""

    def get_many(self, keys: Iterable[str]) -> dict[str, Stored]:
        """Return the values of those keys that have one."""

    def set_many(self, items: Mapping[str, Stored], ttl: float | None = None) -> bool:
        """Store values by key."""

    @property
    def statistics(self) -> CacheStatistics:
        """Counts so far."""


class RememberedPredictions:
    """A ``RowCache`` over a store, under the keys of ``PredictionCache``.

    Only models with a version are remembered: of others nobody can tell whether the
    name still means the same model. The version counts together with the digest of the
    model's file, so that services with different registries may share a store. A batch
    of rows is one question and one message; when the store fails, five seconds pass
    before it is asked again, so that one that hangs does not hold up every prediction.
    Predictions are kept ``seconds``.
    """

    def __init__(
        self,
        store: Store,
        instruments: Instruments,
        seconds: float = 300.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._instruments = instruments
        self._seconds = seconds
        self._clock = clock
        self._resting_until = -float("inf")
        # For its keys alone; what it keeps itself stays empty.
        self._key = PredictionCache[Stored]().key

    def get(
        self, served: ServedModel, rows: Sequence[list[float]]
    ) -> list[Prediction | None]:
        """Return for each row what was predicted, None where that is not known."""
        if served.info.version is None or self._is_resting():
            return [None] * len(rows)
        keys = self._keys(served, rows)
        before = self._store.statistics.errors
        found = self._store.get_many(keys)
        self._rest_if_failed(before)
        predictions = [_prediction(found.get(key)) for key in keys]
        for prediction in predictions:
            hit = prediction is not None
            self._instruments.cache_answered("predictions", hit=hit)
        return predictions

    def put(
        self,
        served: ServedModel,
        rows: Sequence[list[float]],
        predictions: Sequence[Prediction],
    ) -> None:
        """Remember a prediction for each row."""
        if not rows or served.info.version is None or self._is_resting():
            return
        items: dict[str, Stored] = {
            key: {"label": one.label, "probabilities": one.probabilities}
            for key, one in zip(self._keys(served, rows), predictions, strict=True)
        }
        before = self._store.statistics.errors
        self._store.set_many(items, self._seconds)
        self._rest_if_failed(before)

    def _keys(self, served: ServedModel, rows: Sequence[list[float]]) -> list[str]:
        info = served.info
        # Others may share the store, and mean another model by the same name.
        version = f"{info.version}@{served.digest}"
        return [self._key(info.model_id, version, row) for row in rows]

    def _is_resting(self) -> bool:
        return self._clock() < self._resting_until

    def _rest_if_failed(self, errors_before: int) -> None:
        if self._store.statistics.errors > errors_before:
            self._resting_until = self._clock() + _REST


def _prediction(stored: Stored | None) -> Prediction | None:
    """Read what was stored; what is of another form counts as nothing."""
    if stored is None:
        return None
    try:
        return _STORED.validate_python(stored)
    except ValidationError:
        return None
