"""The performance monitor against scikit-learn, NumPy and a plain list of records.

Tolerance: means of at most a few hundred rounded quotients; 1e-12 relative.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sklearn import metrics as scikit

from reference.production.monitoring import PerformanceMetrics, PerformanceMonitor

REL = 1e-12
HUGE = 10**5000  # beyond float64, and too long to be shown
QUALITY = ("accuracy", "precision", "recall", "f1_score")
LABELS = st.sampled_from(["cat", "dog", "cow", "hen"])
PAIRS = st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=60)
NUMBERS = st.lists(
    st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=60
)
LATENCIES = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


@settings(deadline=None)
@given(PAIRS)
def test_classification_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    monitor = PerformanceMonitor()
    for y_true, y_pred in pairs:
        monitor.record_prediction(y_true, y_pred)
    found = monitor.get_metrics()
    true, predicted = zip(*pairs, strict=True)
    precision, recall, f1_score, _ = scikit.precision_recall_fscore_support(
        true, predicted, average="macro", zero_division=0
    )
    expected = scikit.accuracy_score(true, predicted)
    assert found.accuracy == pytest.approx(expected, rel=REL)
    assert found.precision == pytest.approx(precision, rel=REL)
    assert found.recall == pytest.approx(recall, rel=REL)
    assert found.f1_score == pytest.approx(f1_score, rel=REL)
    assert found.mse is found.mae is None
    assert found.n_predictions == found.n_labeled == len(pairs)


@settings(deadline=None)
@given(NUMBERS)
def test_regression_equals_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    monitor = PerformanceMonitor()
    for y_true, y_pred in pairs:
        monitor.record_prediction(y_true, y_pred)
    found = monitor.get_metrics("regression")
    true, predicted = zip(*pairs, strict=True)
    squared = scikit.mean_squared_error(true, predicted)
    absolute = scikit.mean_absolute_error(true, predicted)
    assert found.mse == pytest.approx(squared, rel=REL)
    assert found.mae == pytest.approx(absolute, rel=REL)
    assert {getattr(found, name) for name in QUALITY} == {None}


@given(LATENCIES)
def test_percentiles_equal_numpy(latencies: list[float]) -> None:
    monitor = PerformanceMonitor()
    for latency in latencies:
        monitor.record_prediction(latency_ms=latency)
        monitor.record_prediction()  # without a latency
    found = monitor.get_metrics()
    expected = np.percentile(latencies, [50, 95, 99])
    assert (found.latency_p50, found.latency_p95, found.latency_p99) == tuple(expected)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_an_empty_window_has_nothing_to_show(task: str) -> None:
    assert PerformanceMonitor().get_metrics(task) == PerformanceMetrics()
    monitor = PerformanceMonitor()
    monitor.record_prediction(y_pred=1)
    monitor.record_prediction(y_true=1)
    assert monitor.get_metrics(task) == PerformanceMetrics(
        error_rate=0.0, n_predictions=2
    )


def test_unlabelled_predictions_never_misalign() -> None:
    monitor = PerformanceMonitor()
    for i in range(10):
        monitor.record_prediction(y_pred=i % 3, prediction_id=i)
    for i in (9, 0, 5):
        assert monitor.record_label(i, i % 3)
    found = monitor.get_metrics()
    assert (found.accuracy, found.n_labeled, found.n_predictions) == (1.0, 3, 10)


def test_a_failed_request_is_no_prediction() -> None:
    monitor = PerformanceMonitor()
    monitor.record_prediction(1, 2, latency_ms=30.0, error=True, prediction_id="x")
    monitor.record_prediction(1, 1, latency_ms=10.0)
    assert monitor.record_label("x", 2)
    found = monitor.get_metrics()
    assert (found.accuracy, found.error_rate, found.latency_p50) == (1.0, 0.5, 20.0)
    assert (found.n_predictions, found.n_labeled) == (2, 1)


def test_labels_may_be_of_any_hashable_kind() -> None:
    monitor = PerformanceMonitor()
    for y_true, y_pred in (("a", "a"), (1, 1.0), ((1, 2), "a"), (np.int64(3), 3)):
        monitor.record_prediction(y_true, y_pred)
    assert monitor.get_metrics().accuracy == 0.75


def test_an_id_is_free_again_when_it_slid_out() -> None:
    monitor = PerformanceMonitor(window_size=2)
    monitor.record_prediction(y_pred=1, prediction_id="a")
    monitor.record_prediction(y_pred=1)
    with pytest.raises(ValueError, match=r"^prediction_id must be new"):
        monitor.record_prediction(y_pred=1, prediction_id="a")
    assert monitor.get_metrics().n_predictions == 2
    monitor.record_prediction(y_pred=1)
    assert not monitor.record_label("a", 1)
    monitor.record_prediction(y_pred=2, prediction_id="a")
    assert monitor.record_label("a", 2)
    assert monitor.get_metrics().accuracy == 1.0


class Machine(RuleBasedStateMachine):
    """The monitor beside the plain list of the last records."""

    ids: Bundle[int] = Bundle("ids")

    @initialize(size=st.integers(1, 6))
    def begin(self, size: int) -> None:
        """Begin with an empty window."""
        self.size = size
        self.monitor = PerformanceMonitor(size)
        self.records: list[dict[str, Hashable]] = []
        self.next_id = 0

    @rule(
        target=ids,
        y_true=st.none() | st.integers(0, 2),
        y_pred=st.none() | st.integers(0, 2),
        latency=st.none() | st.integers(0, 9),
        error=st.booleans(),
    )
    def predict(
        self, y_true: int | None, y_pred: int | None, latency: int | None, error: bool
    ) -> int:
        """Record anything, under a new id."""
        self.next_id += 1
        self.monitor.record_prediction(y_true, y_pred, latency, error, self.next_id)
        record: dict[str, Hashable] = {"id": self.next_id, "true": y_true}
        record |= {"pred": y_pred, "latency": latency, "error": error}
        self.records.append(record)
        self.records = self.records[-self.size :]
        return self.next_id

    @rule(prediction_id=ids, y_true=st.integers(0, 2))
    def label(self, prediction_id: int, y_true: int) -> None:
        """Give a label, early, late or a second time."""
        there = [one for one in self.records if one["id"] == prediction_id]
        assert self.monitor.record_label(prediction_id, y_true) == bool(there)
        for one in there:
            one["true"] = y_true

    @rule(prediction_id=ids)
    def again(self, prediction_id: int) -> None:
        """Use an id that is in the window."""
        if any(one["id"] == prediction_id for one in self.records):
            with pytest.raises(ValueError, match=r"^prediction_id"):
                self.monitor.record_prediction(prediction_id=prediction_id)

    @rule()
    def unknown(self) -> None:
        """Give a label to nobody."""
        assert not self.monitor.record_label("no such id", 1)

    @invariant()
    def agrees(self) -> None:
        """Compare the metrics with those of the list."""
        found = self.monitor.get_metrics()
        labeled = [
            one["true"] == one["pred"]
            for one in self.records
            if None not in (one["true"], one["pred"]) and not one["error"]
        ]
        errors = [bool(one["error"]) for one in self.records]
        assert found.n_predictions == len(self.records)
        assert found.n_labeled == len(labeled)
        assert found.accuracy == (np.mean(labeled) if labeled else None)
        assert found.error_rate == (np.mean(errors) if errors else None)
        times = [one["latency"] for one in self.records if one["latency"] is not None]
        assert found.latency_p50 == (
            np.median(np.array(times, float)) if times else None
        )


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_threads_share_a_monitor() -> None:
    monitor = PerformanceMonitor(window_size=100)

    def work(name: int) -> None:
        for i in range(300):
            monitor.record_prediction(y_pred=1, latency_ms=1.0, prediction_id=(name, i))
            monitor.record_label((name, i), 1)
            monitor.get_metrics()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = asdict(monitor.get_metrics())
    assert (found["n_predictions"], found["accuracy"]) == (100, 1.0)


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda m: m.record_prediction(latency_ms=-1.0), ValueError, "latency_ms"),
        (lambda m: m.record_prediction(latency_ms=np.nan), ValueError, "latency_ms"),
        (lambda m: m.record_prediction(latency_ms="1"), TypeError, "latency_ms"),
        (lambda m: m.record_prediction(latency_ms=HUGE), ValueError, "latency_ms"),
        (lambda m: m.record_prediction(y_true=HUGE), ValueError, "y_true"),
        (lambda m: m.record_prediction(y_pred=-HUGE), ValueError, "y_pred"),
        (lambda m: m.record_label(1, HUGE), ValueError, "y_true"),
        (lambda m: m.record_prediction(error=1), TypeError, "error"),
        (lambda m: m.record_prediction(y_true=[1]), TypeError, "y_true"),
        (lambda m: m.record_prediction(y_pred=[1]), TypeError, "y_pred"),
        (lambda m: m.record_prediction(prediction_id=[]), TypeError, "prediction_id"),
        (lambda m: m.record_label(1, None), ValueError, "y_true"),
        (lambda m: m.get_metrics("ranking"), ValueError, "task"),
        (lambda _: PerformanceMonitor(0), ValueError, "window_size"),
        (lambda _: PerformanceMonitor(True), TypeError, "window_size"),
    ],
)
def test_wrong_arguments_are_named(
    call: Callable[[PerformanceMonitor], object], error: type[Exception], name: str
) -> None:
    monitor = PerformanceMonitor()
    with pytest.raises(error, match=f"^{name} must be"):
        call(monitor)
    assert monitor.get_metrics().n_predictions == 0


def test_regression_wants_numbers() -> None:
    monitor = PerformanceMonitor()
    monitor.record_prediction("a", 1.0)
    with pytest.raises(TypeError, match=r"^y_true must be a number"):
        monitor.get_metrics("regression")
