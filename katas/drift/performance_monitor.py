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

from collections.abc import Hashable
from dataclasses import dataclass


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


class PerformanceMonitor:
    """Quality, latency and errors of the last `window_size` records."""

    def __init__(self, window_size: int = 1000) -> None:
        """Begin with an empty window."""
        raise NotImplementedError

    def record_prediction(
        self,
        y_true: Hashable = None,
        y_pred: Hashable = None,
        latency_ms: float | None = None,
        error: bool = False,
        prediction_id: Hashable = None,
    ) -> None:
        """Add a record, of which any part may be unknown."""
        raise NotImplementedError

    def record_label(self, prediction_id: Hashable, y_true: Hashable) -> bool:
        """Set the label of a record; False where the window has no such record."""
        raise NotImplementedError

    def get_metrics(self, task: str = "classification") -> PerformanceMetrics:
        """Return the metrics of the window for one of the two tasks."""
        raise NotImplementedError
