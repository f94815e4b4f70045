"""A monitor of the last predictions, whose labels come late.

A service sees its latency at once and its quality much later: whether a loan was paid
back is known after months. Lists side by side, one of predictions and one of labels,
go out of step with the first label that is missing or comes out of turn. Here each
prediction is one record, and a label finds its record by an id.

Write `PerformanceMonitor(window_size=1000)`. Its window is the last `window_size`
records of any kind: labelled or not, with a latency or without, failed or not.

- `record_prediction(y_true=None, y_pred=None, latency_ms=None, error=False,
  prediction_id=None)` adds a record; None stands for what is not known. Where the
  window is full the oldest record leaves it, and its id is forgotten.
- `record_label(prediction_id, y_true)` sets the label of the record with that id,
  whether or not it had one, and returns True. Where the window has no such record (any
  more) it returns False. Both take constant time, however large the window is.
- `get_metrics(task="classification")` returns the `PerformanceMetrics` of the window.

Failed requests: a record with `error=True` counts in the error rate and its latency
counts, but it is never a labelled prediction, whatever else it holds. The n labelled
predictions are the other records whose `y_true` and `y_pred` are both known. With c
ranging over the K labels seen among them, true or predicted:

    accuracy   = #{y_true = y_pred} / n
    precision  = (1/K) Σ_c  Pc,    Pc = #{y_true = y_pred = c} / #{y_pred = c}
    recall     = (1/K) Σ_c  Rc,    Rc = #{y_true = y_pred = c} / #{y_true = c}
    f1_score   = (1/K) Σ_c  2 #{y_true = y_pred = c} / (#{y_pred = c} + #{y_true = c})
    mse        = (1/n) Σ (y_true − y_pred)²
    mae        = (1/n) Σ |y_true − y_pred|

where 0 / 0 counts as 0. `"classification"` gives the first four, `"regression"` (labels
are numbers) the last two; the others are None. Either task gives the rest:

- `latency_p50`, `latency_p95`, `latency_p99`: the 50th, 95th and 99th percentile of the
  latencies. Of sorted values v₀ ≤ … ≤ v_{n−1} the q-th percentile is the value at the
  place h = (n − 1) q / 100, on the straight line between its two neighbours.
- `error_rate`: the share of the records that have `error=True`.
- `n_predictions`: the number of records; `n_labeled`: the n from above.

None is what has nothing to measure: quality where n = 0, percentiles without a latency,
the error rate of an empty window. Zero is a measurement: 0, "" and False are labels and
ids, and 0.0 is a latency.

Labels and ids are hashable, and labels are told apart by equality. `ValueError` that
names the argument, before anything changes: `window_size` below 1; `latency_ms` that is
negative, infinite or NaN; `prediction_id` that a record in the window has, the oldest
one included; `task` that is neither word.

Sources: Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008),
section 13.6, for means over labels; Hyndman and Fan, "Sample quantiles in statistical
packages", The American Statistician 50 (1996), definition 7, for the percentiles.

In production: labels join predictions in a store that outlives the process, and a lock
guards the window. The first labels to arrive are seldom a fair sample of all.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PerformanceMetrics:
    """What the window shows; None where there is nothing to measure."""

    accuracy: float | None
    precision: float | None
    recall: float | None
    f1_score: float | None
    mse: float | None
    mae: float | None
    latency_p50: float | None
    latency_p95: float | None
    latency_p99: float | None
    error_rate: float | None
    n_predictions: int
    n_labeled: int


@dataclass
class _Record:
    y_true: Hashable
    y_pred: Hashable
    latency_ms: float | None
    error: bool


_Pairs = list[tuple[Hashable, Hashable]]
_Numbers = Sequence[float | None]


class PerformanceMonitor:
    """Quality, latency and errors of the last `window_size` records."""

    def __init__(self, window_size: int = 1000) -> None:
        """Begin with an empty window."""
        if window_size < 1:
            raise ValueError(f"window_size must be at least 1, got {window_size}")
        self._window_size = window_size
        # Oldest first; a record without an id has a key that nobody else knows.
        self._records: OrderedDict[Hashable, _Record] = OrderedDict()

    def record_prediction(
        self,
        y_true: Hashable = None,
        y_pred: Hashable = None,
        latency_ms: float | None = None,
        error: bool = False,
        prediction_id: Hashable = None,
    ) -> None:
        """Add a record, of which any part may be unknown."""
        if latency_ms is not None and not 0 <= latency_ms < math.inf:
            raise ValueError(f"latency_ms must be finite and ≥ 0, got {latency_ms}")
        if prediction_id in self._records:
            raise ValueError(f"prediction_id must be new, got {prediction_id!r}")
        key = object() if prediction_id is None else prediction_id
        self._records[key] = _Record(y_true, y_pred, latency_ms, error)
        if len(self._records) > self._window_size:
            self._records.popitem(last=False)

    def record_label(self, prediction_id: Hashable, y_true: Hashable) -> bool:
        """Set the label of a record; False where the window has no such record."""
        if prediction_id not in self._records:
            return False
        self._records[prediction_id].y_true = y_true
        return True

    def get_metrics(self, task: str = "classification") -> PerformanceMetrics:
        """Return the metrics of the window for one of the two tasks."""
        if task not in ("classification", "regression"):
            expected = "'classification' or 'regression'"
            raise ValueError(f"task must be {expected}, got {task!r}")
        records = self._records.values()
        pairs = [
            (record.y_true, record.y_pred)
            for record in records
            if not record.error
            and record.y_true is not None
            and record.y_pred is not None
        ]
        latencies = [r.latency_ms for r in records if r.latency_ms is not None]
        failed = [record.error for record in records]
        classes, numbers = (pairs, []) if task == "classification" else ([], pairs)
        accuracy, precision, recall, f1_score = _scores(classes)
        mse, mae = _errors(numbers)
        p50 = p95 = p99 = None
        if latencies:
            p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
        return PerformanceMetrics(
            accuracy=accuracy,
            precision=precision,
            recall=recall,
            f1_score=f1_score,
            mse=mse,
            mae=mae,
            latency_p50=p50,
            latency_p95=p95,
            latency_p99=p99,
            error_rate=sum(failed) / len(failed) if failed else None,
            n_predictions=len(records),
            n_labeled=len(pairs),
        )


def _scores(pairs: _Pairs) -> _Numbers:
    """Return accuracy and the means over labels of precision, recall and F1."""
    if not pairs:
        return [None] * 4
    true = Counter(y_true for y_true, _ in pairs)
    predicted = Counter(y_pred for _, y_pred in pairs)
    right = Counter(y_true for y_true, y_pred in pairs if y_true == y_pred)
    labels = true.keys() | predicted.keys()
    precision = sum(right[c] / predicted[c] for c in predicted)
    recall = sum(right[c] / true[c] for c in true)
    f1_score = sum(2 * right[c] / (true[c] + predicted[c]) for c in labels)
    k = len(labels)
    return [right.total() / len(pairs), precision / k, recall / k, f1_score / k]


def _errors(pairs: _Pairs) -> _Numbers:
    """Return the mean squared and the mean absolute error."""
    if not pairs:
        return [None] * 2
    gaps = np.diff(np.array(pairs, dtype=np.float64))
    return [(gaps**2).mean(), np.abs(gaps).mean()]
