import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_close, assert_equal, assert_holds, assert_raises_naming
from dojo.testing.stateful import StateMachine, run_machine
from katas.drift.performance_monitor import PerformanceMetrics, PerformanceMonitor
from reference.production import monitoring

Metrics = dict[str, float | int | None]

QUALITY = ("accuracy", "precision", "recall", "f1_score")
ERRORS = ("mse", "mae")
LATENCIES = ("latency_p50", "latency_p95", "latency_p99")
COUNTS = ("n_predictions", "n_labeled")
ALL = (*QUALITY, *ERRORS, *LATENCIES, "error_rate", *COUNTS)
TASKS = ("classification", "regression")

tasks = st.sampled_from(TASKS)
# Few labels, so that some are only ever predicted; 0 is a label that looks like none.
labels = st.integers(0, 3)
ids = st.sampled_from([0, "", (7, "a")])


@dataclass(frozen=True)
class Record:
    """The arguments of record_prediction."""

    y_true: Hashable = None
    y_pred: Hashable = None
    latency_ms: float | None = None
    error: bool = False
    prediction_id: Hashable = None


# Whole milliseconds, 0 among them, in an order that is not sorted.
milliseconds = st.integers(0, 50).map(float)
records = st.builds(
    Record,
    st.none() | labels,
    st.none() | labels,
    st.none() | milliseconds,
    # One in four fails.
    st.sampled_from([False, False, False, True]),
)
LABELED = st.builds(Record, labels, labels)


def add(monitor: PerformanceMonitor, *given_records: Record) -> None:
    """Record each, without the arguments that have their default."""
    for record in given_records:
        told = {k: v for k, v in vars(record).items() if v != vars(Record())[k]}
        monitor.record_prediction(**told)


def monitor_of(*given_records: Record, window_size: int = 1000) -> PerformanceMonitor:
    """Return a monitor that was given the records."""
    monitor = PerformanceMonitor(window_size)
    add(monitor, *given_records)
    return monitor


def assert_metrics(actual: PerformanceMetrics, expected: Metrics) -> None:
    """Compare the metrics named: means of a few dozen numbers with some ε each."""
    for name, wanted in expected.items():
        value = getattr(actual, name)
        if wanted is None or value is None or name in COUNTS:
            assert_equal(value, wanted, name)
        else:
            assert_close(value, float(wanted), what=name, rtol=1e-12, atol=1e-14)


def mean(values: list[Fraction]) -> float:
    """Return the mean."""
    return float(sum(values, Fraction(0)) / len(values))


def macro(pairs: list[tuple[int, int]]) -> Metrics:
    """Follow the definitions, label by label, in fractions."""
    precision, recall, f1_score = [], [], []
    for c in {label for pair in pairs for label in pair}:
        hits = sum(pair == (c, c) for pair in pairs)
        misses = sum(true == c != predicted for true, predicted in pairs)
        alarms = sum(true != c == predicted for true, predicted in pairs)
        precision.append(Fraction(hits, (hits + alarms) or 1))
        recall.append(Fraction(hits, (hits + misses) or 1))
        f1_score.append(Fraction(2 * hits, 2 * hits + misses + alarms))
    return {
        "accuracy": mean([Fraction(true == predicted) for true, predicted in pairs]),
        "precision": mean(precision),
        "recall": mean(recall),
        "f1_score": mean(f1_score),
    }


def errors(gaps: list[Fraction]) -> Metrics:
    """Follow the definitions of the errors of a regression."""
    return {"mse": mean([g**2 for g in gaps]), "mae": mean([abs(g) for g in gaps])}


def percentile(values: list[float], percent: int) -> float:
    """Follow the definition, in fractions."""
    ordered = [Fraction(value) for value in sorted(values)]
    place = Fraction((len(ordered) - 1) * percent, 100)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def expected_metrics(window: list[Record], task: str) -> Metrics:
    """Compute everything from a plain list of records."""
    expected: Metrics = dict.fromkeys(ALL)
    pairs = [
        (record.y_true, record.y_pred)
        for record in window
        if not record.error and None not in (record.y_true, record.y_pred)
    ]
    if pairs and task == "classification":
        expected |= macro(pairs)
    if pairs and task == "regression":
        gaps = [Fraction(true - predicted) for true, predicted in pairs]
        expected |= {
            "mse": mean([g**2 for g in gaps]),
            "mae": mean(list(map(abs, gaps))),
        }
    latencies = [r.latency_ms for r in window if r.latency_ms is not None]
    if latencies:
        shares = (percentile(latencies, percent) for percent in (50, 95, 99))
        expected |= dict(zip(LATENCIES, shares, strict=True))
    if window:
        expected["error_rate"] = mean([Fraction(record.error) for record in window])
    return expected | {"n_predictions": len(window), "n_labeled": len(pairs)}


@given(tasks)
def test_an_empty_window_measures_nothing(task: str) -> None:
    """Without records every metric is None and both counts are 0."""
    metrics = PerformanceMonitor(3).get_metrics(task)
    assert_metrics(metrics, dict.fromkeys(ALL) | dict.fromkeys(COUNTS, 0))


def test_classification_by_hand() -> None:
    """Precision, recall and F1 are means over the labels seen, true or predicted."""
    for pairs, accuracy, precision, recall, f1_score in (
        ("aa", 1.0, 1.0, 1.0, 1.0),
        ("ab", 0.0, 0.0, 0.0, 0.0),
        # One of two b's is found, and a is right in one of two places.
        ("aa bb ba", 2 / 3, 3 / 4, 3 / 4, 2 / 3),
        # c is never predicted, d is never true.
        ("aa aa ca cd", 1 / 2, (2 / 3) / 3, 1 / 3, (4 / 5) / 3),
        # A rare label weighs as much as a common one.
        ("aa " * 8 + "ba bb", 9 / 10, 17 / 18, 3 / 4, (16 / 17 + 2 / 3) / 2),
    ):
        monitor = monitor_of(*[Record(*pair) for pair in pairs.split()])
        scores = (accuracy, precision, recall, f1_score)
        expected: Metrics = dict(zip(QUALITY, scores, strict=True))
        expected |= {"mse": None, "mae": None, "n_labeled": len(pairs.split())}
        assert_metrics(monitor.get_metrics(), expected)


@given(st.lists(LABELED, min_size=1, max_size=12))
@example([Record(0, 0), Record(1, 0), Record(1, 1), Record(2, 3), Record(0, 0)])
def test_the_means_over_labels_agree_with_the_reference(window: list[Record]) -> None:
    """The four scores are those of the definition, and of the reference."""
    metrics = monitor_of(*window).get_metrics("classification")
    assert_metrics(metrics, expected_metrics(window, "classification"))
    reference = monitoring.PerformanceMonitor()
    for record in window:
        reference.record_prediction(record.y_true, record.y_pred)
    assert_metrics(metrics, vars(reference.get_metrics()))


@given(st.lists(st.tuples(*[st.floats(-100, 100)] * 2), min_size=1, max_size=8))
@example([(1.0, 3.0), (2.0, 1.0), (0.0, 0.0)])
@example([(0.0, 0.5)])
# Whole numbers, whose squares would not fit into 64 bits.
@example([(10**10, 0), (0, -1)])
def test_regression_measures_squares_and_distances(
    pairs: list[tuple[float, float]],
) -> None:
    """Regression gives the mean squared and the mean absolute error, and no scores."""
    metrics = monitor_of(*[Record(*pair) for pair in pairs]).get_metrics("regression")
    gaps = [Fraction(true) - Fraction(predicted) for true, predicted in pairs]
    expected: Metrics = dict.fromkeys(QUALITY)
    expected |= {"n_labeled": len(pairs)}
    assert_metrics(metrics, expected | errors(gaps))


@given(st.lists(milliseconds, min_size=1, max_size=30))
@example([20.0, 10.0])
@example([5.0])
@example([0.0])
@example([9.0, 1.0, 4.0, 2.0])
def test_percentiles_lie_on_lines_between_neighbours(latencies: list[float]) -> None:
    """The q-th percentile is the sorted value at the place (n − 1) q / 100."""
    metrics = monitor_of(*[Record(latency_ms=ms) for ms in latencies]).get_metrics()
    expected = [percentile(latencies, percent) for percent in (50, 95, 99)]
    assert_metrics(metrics, dict(zip(LATENCIES, expected, strict=True)))


@given(st.lists(records, max_size=10), tasks)
@example([Record(latency_ms=4.0), Record(1, 1)], "classification")
@example([Record(0, 0), Record(1, 1)], "classification")
@example([Record(1, None), Record(None, 1, 2.0)], "regression")
@example([Record(1, 1, 8.0, True), Record(0, 1, 2.0)], "classification")
@example([Record(1, 1, 8.0, True), Record(0, 2, 2.0)], "regression")
@example([Record(error=True)], "classification")
def test_each_metric_takes_the_records_that_have_it(
    window: list[Record], task: str
) -> None:
    """A failed request counts in error rate and latency only; unknown is no value."""
    metrics = monitor_of(*window).get_metrics(task)
    assert_metrics(metrics, expected_metrics(window, task))


def test_zero_is_a_label_and_an_id_and_a_latency() -> None:
    """0, "" and False are values like any other; only None stands for unknown."""
    for nothing in (0, "", False):
        monitor = monitor_of(Record(nothing, nothing, 0.0, prediction_id=nothing))
        expected: Metrics = {"accuracy": 1.0, "latency_p50": 0.0, "n_labeled": 1}
        assert_metrics(monitor.get_metrics(), expected)
        assert_equal(monitor.record_label(nothing, "other"), True)
        assert_metrics(monitor.get_metrics(), {"accuracy": 0.0, "n_labeled": 1})
        assert_raises_naming(
            "prediction_id", monitor.record_prediction, prediction_id=nothing
        )


@given(st.permutations(range(5)), st.integers(0, 5))
@example([4, 2, 0, 1, 3], 3)
def test_late_labels_find_their_prediction(order: list[int], known: int) -> None:
    """Labels that come late, in any order, join the prediction with their id."""
    monitor = PerformanceMonitor()
    for number in range(5):
        monitor.record_prediction(y_pred=number, prediction_id=f"id {number}")
        monitor.record_prediction(latency_ms=1.0)
    for number in order[:known]:
        assert_equal(monitor.record_label(f"id {number}", number), True)
    accuracy = 1.0 if known else None
    expected: Metrics = {"accuracy": accuracy, "n_predictions": 10, "n_labeled": known}
    assert_metrics(monitor.get_metrics(), expected)


def test_a_label_replaces_an_earlier_one() -> None:
    """The last label counts, and a prediction that has one can be relabelled."""
    monitor = monitor_of(Record("cat", "dog", prediction_id=1), Record("cat", "cat"))
    for label, accuracy in (("dog", 1.0), ("cow", 0.5), ("dog", 1.0)):
        assert_equal(monitor.record_label(1, label), True)
        assert_metrics(monitor.get_metrics(), {"accuracy": accuracy, "n_labeled": 2})


def test_labels_of_failed_requests_do_not_count() -> None:
    """A failed request takes its label, and is no labelled prediction all the same."""
    monitor = monitor_of(Record(None, 1, 5.0, True, "a"), Record(prediction_id="b"))
    assert_equal(monitor.record_label("a", 1), True)
    assert_equal(monitor.record_label("b", 1), True)
    expected: Metrics = {"accuracy": None, "error_rate": 0.5, "n_labeled": 0}
    assert_metrics(monitor.get_metrics(), expected | {"latency_p50": 5.0})


@given(st.integers(1, 5), st.integers(0, 4))
@example(3, 0)
@example(3, 1)
@example(1, 1)
def test_every_record_takes_a_place(window_size: int, later: int) -> None:
    """The window is the last records of any kind; what slid out takes no label."""
    monitor = monitor_of(
        Record(None, 1, prediction_id="first"), window_size=window_size
    )
    kinds = (Record(), Record(1, 2), Record(error=True), Record(latency_ms=1.0))
    add(monitor, *kinds[:later])
    held = later < window_size
    assert_equal(monitor.record_label("first", 1), held, "record_label of the oldest")
    window = [*([Record(1, 1)] if held else []), *kinds[:later]][-window_size:]
    expected = expected_metrics(window, "classification")
    assert_metrics(monitor.get_metrics(), expected)


def test_the_default_window_holds_a_thousand() -> None:
    """Without an argument the window is of 1000 records."""
    monitor = PerformanceMonitor()
    monitor.record_prediction(prediction_id="first")
    for _ in range(999):
        monitor.record_prediction()
    assert_equal(monitor.get_metrics().n_predictions, 1000, "n_predictions")
    assert_equal(monitor.record_label("first", 1), True)
    monitor.record_prediction()
    assert_equal(monitor.get_metrics().n_predictions, 1000, "n_predictions")
    assert_equal(monitor.record_label("first", 1), False)


class Id:
    """An id that counts how often it is compared with another."""

    compared = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        Id.compared += 1
        return isinstance(other, Id) and self.number == other.number

    def __repr__(self) -> str:
        return f"id {self.number}"


def test_a_label_is_not_searched_for() -> None:
    """Records and labels of a large window compare a few ids, not all of them."""
    window_size = 200
    monitor = PerformanceMonitor(window_size)
    Id.compared = 0
    for number in range(2 * window_size):
        monitor.record_prediction(y_pred=0, prediction_id=Id(number))
        monitor.record_label(Id(number - window_size // 2), 0)
    # A search for every label would compare some 20,000 times.
    few = 20 * window_size
    claim = f"at most {few} comparisons of ids for {2 * window_size} records and labels"
    assert_holds(Id.compared <= few, claim, actual=Id.compared)


class Machine(StateMachine):
    """The monitor beside a plain list of records."""

    @initialize(window_size=st.sampled_from([3, 5, 4, 1]))
    def begin(self, window_size: int) -> None:
        self.window_size = window_size
        self.monitor = PerformanceMonitor(window_size)
        self.window: list[Record] = []

    def place_of(self, prediction_id: Hashable) -> int | None:
        """Return where in the list the id is."""
        known = [record.prediction_id for record in self.window]
        return known.index(prediction_id) if prediction_id in known else None

    @rule(record=records, prediction_id=st.none() | ids)
    def record(self, record: Record, prediction_id: Hashable) -> None:
        """Record, which a live id forbids."""
        full = replace(record, prediction_id=prediction_id)
        if prediction_id is not None and self.place_of(prediction_id) is not None:
            assert_raises_naming("prediction_id", add, self.monitor, full)
            return
        add(self.monitor, full)
        self.window = [*self.window, full][-self.window_size :]
        self.read("regression")

    @rule(predicted=labels, prediction_id=ids)
    def serve(self, predicted: int, prediction_id: Hashable) -> None:
        """Record the common case: a prediction whose label is still to come."""
        self.record(Record(None, predicted, 1.0), prediction_id)

    @rule(prediction_id=ids, label=labels)
    def label(self, prediction_id: Hashable, label: int) -> None:
        """Label what may or may not be in the window."""
        place = self.place_of(prediction_id)
        known = self.monitor.record_label(prediction_id, label)
        assert_equal(known, place is not None, "record_label")
        if place is not None:
            self.window[place] = replace(self.window[place], y_true=label)
        self.read("classification")

    def read(self, task: str) -> None:
        """Compare all metrics."""
        metrics = self.monitor.get_metrics(task)
        assert_metrics(metrics, expected_metrics(self.window, task))


def test_agrees_with_a_plain_list() -> None:
    """In any order of records and labels: no label reaches a wrong prediction."""
    run_machine(Machine)


def test_bad_input_is_refused() -> None:
    """Bad arguments raise, and nothing was recorded."""
    for bad_size in (0, -1):
        assert_raises_naming("window_size", PerformanceMonitor, bad_size)
    monitor = monitor_of(Record(prediction_id="a"), window_size=1)
    call = monitor.record_prediction
    for bad_latency in (-1.0, -1e-9, math.nan, math.inf):
        assert_raises_naming("latency_ms", call, latency_ms=bad_latency)
    # Though this record would push the other one out.
    assert_raises_naming("prediction_id", call, prediction_id="a")
    for bad_task in ("Classification", "ranking", ""):
        assert_raises_naming("task", monitor.get_metrics, bad_task)
    assert_metrics(monitor.get_metrics(), {"n_predictions": 1, "error_rate": 0.0})
    assert_equal(monitor.record_label("a", 1), True, "record_label of the record")
    assert_equal(monitor.record_label(None, 1), False, "record_label without an id")
