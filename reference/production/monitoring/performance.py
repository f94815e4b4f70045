"""Quality and latency of the last predictions, with labels that come late."""

import math
import threading
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reference.core.validation import require, require_one_of
from reference.production.drift.samples import require_whole

_NUMBER = int | float | np.integer | np.floating


@dataclass(frozen=True)
class PerformanceMetrics:
    """What the window shows; None where it has nothing to show, or the task lacks it.

    ``precision``, ``recall`` and ``f1_score`` are means over all labels seen, true or
    predicted, where a division by zero counts as zero. Latencies are in milliseconds.
    ``n_predictions`` counts all records, ``n_labeled`` those with prediction and label.
    """

    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1_score: float | None = None
    mse: float | None = None
    mae: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    latency_p99: float | None = None
    error_rate: float | None = None
    n_predictions: int = 0
    n_labeled: int = 0


@dataclass
class _Record:
    y_true: Hashable
    y_pred: Hashable
    latency_ms: float | None
    error: bool
    prediction_id: Hashable

    @property
    def is_labeled(self) -> bool:
        """Whether it is a prediction whose label is known."""
        known = self.y_true is not None and self.y_pred is not None
        return known and not self.error


class PerformanceMonitor:
    """Metrics over a sliding window of the last ``window_size`` records of any kind.

    A prediction recorded with a ``prediction_id`` can get its label later, by
    ``record_label``; one that never does takes its place in the window and no part in
    the quality. A record with ``error`` is a failed request: it counts in the error
    rate, its latency counts, and it is no prediction whatever it holds.

    Safe for several threads. Raises ``TypeError`` or ``ValueError`` where
    ``window_size`` is no integer ≥ 1.
    """

    def __init__(self, window_size: int = 1000) -> None:
        require_whole("window_size", window_size, 1)
        self.window_size = int(window_size)
        self._lock = threading.Lock()
        self._window: deque[_Record] = deque()
        self._by_id: dict[Hashable, _Record] = {}

    def record_prediction(
        self,
        y_true: Hashable = None,
        y_pred: Hashable = None,
        latency_ms: float | None = None,
        error: bool = False,
        prediction_id: Hashable = None,
    ) -> None:
        """Add a record; all parts may be left out.

        Raises ``ValueError`` where ``prediction_id`` is that of a record in the window,
        ``latency_ms`` is negative or not finite, or a number exceeds float64,
        ``TypeError`` for what cannot be hashed; nothing is recorded then.
        """
        for name, value in (
            ("y_true", y_true),
            ("y_pred", y_pred),
            ("prediction_id", prediction_id),
        ):
            _require_hashable(name, value)
        _require_float64("y_true", y_true)
        _require_float64("y_pred", y_pred)
        if not isinstance(error, bool | np.bool_):
            raise TypeError(f"error must be a truth value, got {error!r}")
        latency = None if latency_ms is None else _as_latency(latency_ms)
        record = _Record(y_true, y_pred, latency, bool(error), prediction_id)
        with self._lock:
            new = prediction_id is None or prediction_id not in self._by_id
            require(new, "prediction_id", "new in the window", prediction_id)
            if len(self._window) == self.window_size:
                oldest = self._window.popleft()
                self._by_id.pop(oldest.prediction_id, None)
            self._window.append(record)
            if prediction_id is not None:
                self._by_id[prediction_id] = record

    def record_label(self, prediction_id: Hashable, y_true: Hashable) -> bool:
        """Give a prediction its label, in the place of any earlier one.

        Returns False where the window has no record of that id (any more).
        """
        _require_hashable("prediction_id", prediction_id)
        _require_hashable("y_true", y_true)
        _require_float64("y_true", y_true)
        require(y_true is not None, "y_true", "a label", y_true)
        with self._lock:
            record = self._by_id.get(prediction_id)
            if record is not None:
                record.y_true = y_true
            return record is not None

    def get_metrics(self, task: str = "classification") -> PerformanceMetrics:
        """Return the metrics of the window for ``classification`` or ``regression``.

        Regression wants numbers, ``TypeError`` otherwise. Percentiles interpolate
        linearly, as ``np.percentile`` does.
        """
        require_one_of("task", task, ("classification", "regression"))
        with self._lock:
            records = list(self._window)
            pairs = [(one.y_true, one.y_pred) for one in records if one.is_labeled]
        quality = _classification if task == "classification" else _regression
        latencies = [one.latency_ms for one in records if one.latency_ms is not None]
        p50, p95, p99 = _percentiles(latencies)
        errors = sum(one.error for one in records)
        return PerformanceMetrics(
            **(quality(pairs) if pairs else {}),
            latency_p50=p50,
            latency_p95=p95,
            latency_p99=p99,
            error_rate=errors / len(records) if records else None,
            n_predictions=len(records),
            n_labeled=len(pairs),
        )


Pairs = Sequence[tuple[Hashable, Hashable]]


def _classification(pairs: Pairs) -> dict[str, float]:
    """Return accuracy and the means over labels of precision, recall and F1."""
    hits = Counter(true for true, predicted in pairs if true == predicted)
    actual = Counter(true for true, _ in pairs)
    claimed = Counter(predicted for _, predicted in pairs)
    labels = {**actual, **claimed}
    return {
        "accuracy": hits.total() / len(pairs),
        "precision": _mean(_share(hits[c], claimed[c]) for c in labels),
        "recall": _mean(_share(hits[c], actual[c]) for c in labels),
        # 2 p r / (p + r), with hits cancelled.
        "f1_score": _mean(_share(2 * hits[c], actual[c] + claimed[c]) for c in labels),
    }


def _regression(pairs: Pairs) -> dict[str, float]:
    """Return the mean squared and the mean absolute error."""
    for name, place in (("y_true", 0), ("y_pred", 1)):
        for pair in pairs:
            if not isinstance(pair[place], _NUMBER):
                raise TypeError(f"{name} must be a number, got {pair[place]!r}")
    table = np.array(pairs, dtype=np.float64)
    errors = table[:, 0] - table[:, 1]
    return {"mse": float(np.mean(errors**2)), "mae": float(np.mean(np.abs(errors)))}


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _percentiles(latencies: list[float]) -> list[float | None]:
    if not latencies:
        return [None] * 3
    return [float(value) for value in np.percentile(latencies, [50, 95, 99])]


def _as_latency(latency_ms: float) -> float:
    if isinstance(latency_ms, bool) or not isinstance(latency_ms, _NUMBER):
        raise TypeError(f"latency_ms must be a number, got {latency_ms!r}")
    _require_float64("latency_ms", latency_ms)
    valid = math.isfinite(latency_ms) and latency_ms >= 0
    require(valid, "latency_ms", "finite and at least zero", latency_ms)
    return float(latency_ms)


def _require_hashable(argument: str, value: object) -> None:
    try:
        hash(value)
    except TypeError as error:
        raise TypeError(f"{argument} must be hashable, got {value!r}") from error


def _require_float64(argument: str, value: object) -> None:
    """Raise ``ValueError`` for an integer that float64 cannot hold."""
    if isinstance(value, int):
        try:
            float(value)
        except OverflowError as error:
            given = f"an integer of {value.bit_length()} bits"
            raise ValueError(
                f"{argument} must be within float64, got {given}"
            ) from error
