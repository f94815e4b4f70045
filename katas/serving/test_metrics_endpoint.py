import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.http import Client, assert_status
from dojo.testing.threads import VisitedText, all_at_once, run_inside, visit
from katas.serving.metrics_endpoint import MetricsRegistry, create_app
from reference.production.serving import metrics

# A sample is its name, its labels by their names, and its number; `le` is a number too.
Sample = tuple[str, tuple[tuple[str, str | float], ...], float]

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\n"])*"'
SAMPLE = re.compile(
    rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    rf"(?:\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}})? (?P<number>\S+)"
)
NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|[+-]Inf|NaN")
ESCAPES = {r"\\": "\\", r"\n": "\n", r"\"": '"'}

# Sums of quarters are exact in binary, whatever their order.
quarters = st.integers(-40, 40).map(lambda n: n / 4)
bounds = st.lists(quarters, min_size=1, max_size=5, unique=True).map(sorted)
words = st.text(st.sampled_from('ab\\"\n,={} é'), max_size=5)
few = settings(max_examples=10)


def read(text: str) -> list[str | Sample]:
    """Take a text apart: comments as they stand, and samples."""
    __tracebackhide__ = True
    claim = "every line of the text is ended by a line feed"
    assert_holds(text == "" or text.endswith("\n"), claim, actual=text)
    return [line if line[:1] == "#" else sample(line) for line in text.split("\n")[:-1]]


def sample(line: str) -> Sample:
    """Take the line of a sample apart."""
    __tracebackhide__ = True
    found = SAMPLE.fullmatch(line)
    claim = 'a sample is written as name{label="value",other="value"} number'
    if found is None:
        assert_holds(False, claim, actual=line)
    assert found is not None
    labels: list[tuple[str, str | float]] = []
    for pair in re.findall(LABEL, found["labels"] or ""):
        name, _, quoted = pair.partition("=")
        value = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], quoted[1:-1])
        labels.append((name, number(value) if name == "le" else value))
    return found["name"], tuple(sorted(labels)), number(found["number"])


def number(text: str) -> float:
    """Read a number as Prometheus writes it."""
    __tracebackhide__ = True
    claim = "a number is decimal, or +Inf, -Inf or NaN"
    assert_holds(NUMBER.fullmatch(text) is not None, claim, actual=text)
    return float(text)


def samples(registry: MetricsRegistry) -> list[Sample]:
    """Return the samples of a registry, without the comments."""
    __tracebackhide__ = True
    return [line for line in read(registry.render()) if not isinstance(line, str)]


def assert_samples(registry: MetricsRegistry, *expected: Sample) -> None:
    """Check all samples, in their order."""
    __tracebackhide__ = True
    assert_equal(samples(registry), list(expected), "the samples")


class VisitedNumber(float):
    """A number that reports a visit when it is added or compared."""

    __slots__ = ()

    def __radd__(self, other: float) -> float:
        visit()
        return float(self) + other

    __add__ = __radd__

    def __le__(self, other: float) -> bool:
        visit()
        return float(self) <= other

    def __lt__(self, other: float) -> bool:
        visit()
        return float(self) < other

    def __ge__(self, other: float) -> bool:
        visit()
        return float(self) >= other

    def __gt__(self, other: float) -> bool:
        visit()
        return float(self) > other


class VisitedLabel:
    """The value of a label whose text reports a visit when it is hashed or compared."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return repr(self._text)

    def __str__(self) -> str:
        return VisitedText(self._text)


def test_metrics_begin_at_zero() -> None:
    """Without labels there is a zero from the start; with labels there is no series."""
    registry = MetricsRegistry()
    assert_equal(registry.render(), "", "the text without metrics")
    registry.counter("jobs_total", "Jobs.")
    registry.gauge("queue", "Queue.")
    registry.histogram("wait_seconds", "Wait.", [0.5])
    registry.counter("errors_total", "Errors.", ["kind"])
    registry.gauge("size", "Size.", ["kind"])
    registry.histogram("time_seconds", "Time.", [0.5], ["kind"])
    assert_samples(
        registry,
        ("jobs_total", (), 0.0),
        ("queue", (), 0.0),
        ("wait_seconds_bucket", (("le", 0.5),), 0.0),
        ("wait_seconds_bucket", (("le", math.inf),), 0.0),
        ("wait_seconds_sum", (), 0.0),
        ("wait_seconds_count", (), 0.0),
    )


@given(st.lists(quarters.map(abs), max_size=6))
@example([0.25, 2.0])
@example([0.0])
def test_a_counter_adds_up(amounts: list[float]) -> None:
    """A counter is the sum of what was added; without an amount that is one."""
    registry = MetricsRegistry()
    counter = registry.counter("jobs_total", "Jobs.")
    for amount in amounts:
        counter.inc(amount)
    assert_samples(registry, ("jobs_total", (), sum(amounts, 0.0)))
    counter.inc()
    assert_samples(registry, ("jobs_total", (), sum(amounts, 1.0)))


@given(quarters, quarters, quarters)
@example(2.0, 0.5, 4.0)
def test_a_gauge_goes_up_and_down(value: float, more: float, less: float) -> None:
    """A gauge is what was set, plus what was added, minus what was taken away."""
    registry = MetricsRegistry()
    gauge = registry.gauge("queue", "Queue.")
    gauge.inc()
    gauge.inc()
    gauge.dec()
    assert_samples(registry, ("queue", (), 1.0))
    gauge.inc(more)
    assert_samples(registry, ("queue", (), 1.0 + more))
    gauge.set(value)
    assert_samples(registry, ("queue", (), value))
    gauge.dec(less)
    assert_samples(registry, ("queue", (), value - less))


@given(bounds, st.lists(quarters | st.just(math.inf), max_size=8))
@example([0.5, 2.0], [0.25, 0.5, 2.0, 2.25, 1.0, -1.0])
@example([-1.0], [-1.0, 0.0])
def test_buckets_are_cumulative(buckets: list[float], values: list[float]) -> None:
    """Each bucket counts all that is at most its bound; +Inf counts everything."""
    registry = MetricsRegistry()
    histogram = registry.histogram("wait_seconds", "Wait.", buckets)
    for value in values:
        histogram.observe(value)
    assert_samples(
        registry,
        *(
            (
                "wait_seconds_bucket",
                (("le", bound),),
                float(sum(value <= bound for value in values)),
            )
            for bound in [*buckets, math.inf]
        ),
        ("wait_seconds_sum", (), sum(values, 0.0)),
        ("wait_seconds_count", (), float(len(values))),
    )


def test_the_text_line_by_line() -> None:
    """Each metric is a block: its HELP, its TYPE, and its samples in their order."""
    registry = MetricsRegistry()
    wait = registry.histogram("wait_seconds", "Time in the queue.", (0.5, 2), ["queue"])
    jobs = registry.counter("jobs_total", "Jobs done.", iter(("queue", "kind")))
    registry.gauge("up", "Is it up?")
    jobs.inc(kind="new", queue="mail")
    wait.observe(0.5, queue="z")
    jobs.inc(0.5, queue="mail", kind="old")
    wait.observe(1, queue="a")
    jobs.inc(2, queue="mail", kind="new")
    wait.observe(8.25, queue="z")
    jobs.inc(queue="a", kind="old")
    expected = [
        "# HELP wait_seconds Time in the queue.",
        "# TYPE wait_seconds histogram",
        ("wait_seconds_bucket", (("le", 0.5), ("queue", "z")), 1.0),
        ("wait_seconds_bucket", (("le", 2.0), ("queue", "z")), 1.0),
        ("wait_seconds_bucket", (("le", math.inf), ("queue", "z")), 2.0),
        ("wait_seconds_sum", (("queue", "z"),), 8.75),
        ("wait_seconds_count", (("queue", "z"),), 2.0),
        ("wait_seconds_bucket", (("le", 0.5), ("queue", "a")), 0.0),
        ("wait_seconds_bucket", (("le", 2.0), ("queue", "a")), 1.0),
        ("wait_seconds_bucket", (("le", math.inf), ("queue", "a")), 1.0),
        ("wait_seconds_sum", (("queue", "a"),), 1.0),
        ("wait_seconds_count", (("queue", "a"),), 1.0),
        "# HELP jobs_total Jobs done.",
        "# TYPE jobs_total counter",
        ("jobs_total", (("kind", "new"), ("queue", "mail")), 3.0),
        ("jobs_total", (("kind", "old"), ("queue", "mail")), 0.5),
        ("jobs_total", (("kind", "old"), ("queue", "a")), 1.0),
        "# HELP up Is it up?",
        "# TYPE up gauge",
        ("up", (), 0.0),
    ]
    assert_equal(read(registry.render()), expected, "the lines of the text")


@given(words, words, words.filter(bool))
@example("a\\", 'say "a"\nb', 'C:\\new\n"x"')
@example("\\n", "", "\\n")
@example("a,b", '="', '"')
def test_every_text_can_be_told(first: str, second: str, documentation: str) -> None:
    """Whatever a value or the documentation holds is escaped, and can be read back."""
    registry = MetricsRegistry()
    gauge = registry.gauge("size", documentation, ["a", "b"])
    gauge.set(1, a=first, b=second)
    gauge.set(2, a=second + "!", b=7)
    lines = read(registry.render())
    escaped = documentation.replace("\\", r"\\").replace("\n", r"\n")
    expected = [
        f"# HELP size {escaped}",
        "# TYPE size gauge",
        ("size", (("a", first), ("b", second)), 1.0),
        ("size", (("a", second + "!"), ("b", "7")), 2.0),
    ]
    assert_equal(lines, expected, "the lines of the text")


@given(st.floats())
@example(0.1 + 0.2)
@example(1e300)
@example(-math.inf)
@example(math.inf)
@example(math.nan)
@example(123456789.0)
def test_every_number_can_be_told(value: float) -> None:
    """A number is read back as it was, to the last digit; +Inf, -Inf and NaN too."""
    registry = MetricsRegistry()
    gauge = registry.gauge("size", "Size.")
    for same in (value, np.float64(value)):
        gauge.set(same)
        assert_samples(registry, ("size", (), value))


uses = st.tuples(
    st.sampled_from(["jobs", "queue", "wait"]),
    st.sampled_from(["inc", "dec", "set"]),
    quarters,
    st.sampled_from("xyz\n"),
    st.sampled_from([1, 2.5, None, True]),
)


@given(st.lists(uses, max_size=10))
@example([("wait", "inc", 1.0, "x", 1), ("wait", "inc", 9.0, "x", 1)])
@example([("jobs", "inc", 1.0, "\n", True), ("jobs", "inc", 2.0, "x", 1)])
def test_a_client_of_prometheus_reads_the_text(
    steps: list[tuple[str, str, float, str, object]],
) -> None:
    """What a client of Prometheus reads is the same as in the reference's text."""
    families = []
    for registry in (MetricsRegistry(), metrics.MetricsRegistry()):
        names = ("b", "a")
        jobs = registry.counter("jobs_total", "Jobs.", names)
        queue = registry.gauge("queue", "Queue.", names)
        wait = registry.histogram("wait_seconds", "Wait.", (-0.5, 1, 2.25), names)
        for metric, way, value, first, second in steps:
            labels: dict[str, Any] = {"a": first, "b": second}
            if metric == "jobs":
                jobs.inc(abs(value), **labels)
            elif metric == "wait":
                wait.observe(value, **labels)
            else:
                getattr(queue, way)(value, **labels)
        text = registry.render()
        read(text)
        read(text)  # a mismatch where the client's parser would only raise
        families.append(list(text_string_to_metric_families(text)))
    given_ones, expected = families
    assert_equal([f.name for f in given_ones], [f.name for f in expected], "the names")
    for got, wanted in zip(given_ones, expected, strict=True):
        assert_equal(got.type, wanted.type, f"the type of {wanted.name}")
        assert_equal(as_read(got), as_read(wanted), f"the samples of {wanted.name}")


def as_read(family: Metric) -> list[tuple[str, dict[str, str | float], float]]:
    """Return the samples of a metric; 1 and 1.0 are one bound and one value."""
    return [
        (
            one.name,
            {n: float(v) if n == "le" else v for n, v in one.labels.items()},
            float(one.value),
        )
        for one in family.samples
    ]


def test_registries_are_apart() -> None:
    """What one registry counts is not in another one."""
    first, second = MetricsRegistry(), MetricsRegistry()
    jobs = first.counter("jobs_total", "Jobs.", ["kind"])
    other = second.counter("jobs_total", "Jobs.", ["kind"])
    jobs.inc(kind="a")
    other.inc(2, kind="b")
    assert_samples(first, ("jobs_total", (("kind", "a"),), 1.0))
    assert_samples(second, ("jobs_total", (("kind", "b"),), 2.0))


@few
@given(st.integers(0, 4), st.sampled_from(["counter", "gauge", "histogram"]))
@example(0, "counter")
@example(2, "counter")
@example(0, "gauge")
@example(0, "histogram")
def test_no_increment_is_lost(turn: int, kind: str) -> None:
    """An increment that comes in the midst of another one is not lost, nor is that."""
    registry = MetricsRegistry()
    add, name = adder(registry, kind, ["kind"])
    label = VisitedLabel("a")
    run_inside(
        lambda: add(VisitedNumber(2.0), kind=label),
        lambda: add(0.5, kind="a"),
        turn=turn,
    )
    (total,) = (number for line, _, number in samples(registry) if line == name)
    assert_equal(total, 2.5, "the sum of the increments")


@few
@given(st.integers(0, 2))
@example(0)
def test_a_number_that_was_set_stays(turn: int) -> None:
    """A number that is set in the midst of an addition comes before it or after it."""
    registry = MetricsRegistry()
    size = registry.gauge("size", "Size.")
    amount = VisitedNumber(2.0)
    run_inside(lambda: size.inc(amount), lambda: size.set(8.0), turn=turn)
    (line,) = samples(registry)
    claim = "what 8 was set to while 2 was added is 8 or 10"
    assert_holds(line[2] in (8.0, 10.0), claim, actual=line[2])


@given(st.sampled_from(["counter", "gauge", "histogram"]))
@settings(max_examples=3)
@example("counter")
@example("gauge")
@example("histogram")
def test_many_threads_lose_nothing(kind: str) -> None:
    """Four threads that add 150 times each have added 600 times."""
    registry = MetricsRegistry()
    add, name = adder(registry, kind)

    def work(_: int) -> None:
        for _ in range(150):
            add(1.0)

    all_at_once(work, 4)
    (total,) = (number for line, _, number in samples(registry) if line == name)
    assert_equal(total, 600.0, "the sum of the increments")


def adder(
    registry: MetricsRegistry, kind: str, labels: list[str] | None = None
) -> tuple[Callable[..., None], str]:
    """Return what adds to a new metric, and the name of the sample with the sum."""
    labels = labels or []
    if kind == "counter":
        return registry.counter("jobs_total", "Jobs.", labels).inc, "jobs_total"
    if kind == "gauge":
        return registry.gauge("queue", "Queue.", labels).inc, "queue"
    wait = registry.histogram("wait_seconds", "Wait.", [1.0], labels)
    return wait.observe, "wait_seconds_sum"


@few
@given(st.integers(0, 4))
@example(0)
@example(1)
def test_a_text_is_of_one_moment(turn: int) -> None:
    """A text made in the midst of an observation shows all of it, or nothing."""
    registry = MetricsRegistry()
    wait = registry.histogram("wait_seconds", "Wait.", [1.0, 4.0])
    wait.observe(0.5)
    _, text = run_inside(
        lambda: wait.observe(VisitedNumber(2.0)), registry.render, turn=turn
    )
    numbers = [line[2] for line in read(text) if not isinstance(line, str)]
    expected = ([1.0, 1.0, 1.0, 0.5, 1.0], [1.0, 2.0, 2.0, 2.5, 2.0])
    claim = "buckets, sum and count are those of the same observations"
    assert_holds(numbers in expected, claim, actual=numbers)


def test_names_have_rules() -> None:
    """A name that Prometheus does not know, or that is taken, is refused."""
    registry = MetricsRegistry()
    refused = ("", "9_total", "a-b_total", "a b_total", "é_total", "a_total\n")
    for name in (*refused, "jobs", "jobs_totals", "total"):
        assert_raises_naming("name", registry.counter, name, "Jobs.")
    for name in ("", "9", "a-b", "a.b", "é", "a\n", "{a}"):
        assert_raises_naming("name", registry.gauge, name, "Size.")
        assert_raises_naming("name", registry.histogram, name, "Size.", [1.0])
    assert_equal(registry.render(), "", "the text after refusals")
    for name in ("A:b_9", "_", ":", "jobs_total_sum", "total"):
        registry.gauge(name, "Size.")
    registry.counter("A:b9_total", "Jobs.")
    names = ["A:b_9", "_", ":", "jobs_total_sum", "total", "A:b9_total"]
    assert_equal([line[0] for line in samples(registry)], names, "the names")


def test_no_name_is_taken_twice() -> None:
    """Two metrics never write samples of the same name."""
    registry = MetricsRegistry()
    registry.counter("jobs_total", "Jobs.")
    registry.gauge("queue", "Queue.")
    registry.gauge("size_sum", "Sum.")
    registry.histogram("wait", "Wait.", [1.0], ["kind"])
    before = registry.render()
    assert_raises_naming("name", registry.counter, "jobs_total", "Other.")
    for name in ("queue", "jobs_total", "wait", "wait_bucket", "wait_sum"):
        assert_raises_naming("name", registry.gauge, name, "Other.")
    assert_raises_naming("name", registry.gauge, "wait_count", "Other.", ["kind"])
    for name in ("wait", "queue", "size"):
        assert_raises_naming("name", registry.histogram, name, "Other.", [1.0])
    assert_equal(registry.render(), before, "the text after refusals")
    for name in ("size", "queue_sum", "wait_total", "wait_max"):
        registry.gauge(name, "Fine.")


def test_labels_have_rules() -> None:
    """The names of labels are different ones that Prometheus knows and does not use."""
    registry = MetricsRegistry()
    wrong = (["a", "a"], ["__a"], ["9a"], ["a-b"], ["a:b"], ["é"], [""], ["b", "a\n"])
    for place, labels in enumerate(wrong):
        name = f"m{place}"
        assert_raises_naming("labels", registry.gauge, name, "Size.", labels)
        assert_raises_naming("labels", registry.counter, f"{name}_total", "", labels)
        assert_raises_naming("labels", registry.histogram, name, "", [1.0], labels)
    assert_raises_naming("labels", registry.histogram, "h", "", [1.0], ["le"])
    assert_equal(registry.render(), "", "the text after refusals")
    size = registry.gauge("size", "Size.", ["_a", "A9__", "le"])
    size.set(1, _a="x", A9__="y", le="0")
    labels = [("A9__", "y"), ("_a", "x"), ("le", 0.0)]
    assert_samples(registry, ("size", tuple(labels), 1.0))


def test_a_use_has_all_labels() -> None:
    """A use with other labels than the metric's own is refused, and begins nothing."""
    registry = MetricsRegistry()
    plain = registry.counter("plain_total", "Plain.")
    jobs = registry.counter("jobs_total", "Jobs.", ["a", "b"])
    size = registry.gauge("size", "Size.", ["a", "b"])
    wait = registry.histogram("wait", "Wait.", [1.0], ["a", "b"])
    before = registry.render()
    assert_raises_naming("labels", plain.inc, a="x")
    wrong: tuple[dict[str, object], ...] = (
        {},
        {"a": 1},
        {"a": 1, "c": 2},
        {"a": 1, "b": 2, "c": 3},
    )
    for labels in wrong:
        for use in (jobs.inc, size.inc, size.dec, size.set, wait.observe):
            assert_raises_naming("labels", use, 1.0, **labels)
    assert_equal(registry.render(), before, "the text after refusals")


def test_buckets_rise() -> None:
    """Bounds are finite and in strictly rising order, and there is at least one."""
    registry = MetricsRegistry()
    nan, inf = math.nan, math.inf
    wrong = ([], [1.0, 1.0], [2.0, 1.0], [1.0, 3.0, 2.0], [nan], [1.0, nan, 2.0])
    for buckets in (*wrong, [-inf, 1.0], [inf]):
        assert_raises_naming("buckets", registry.histogram, "wait", "Wait.", buckets)
    assert_equal(registry.render(), "", "the text after refusals")
    registry.histogram("wait", "Wait.", (-1, 0, 1e300))
    le = [line[1][0][1] for line in samples(registry)[:4]]
    assert_equal(le, [-1.0, 0.0, 1e300, math.inf], "the bounds")


def test_a_counter_only_grows() -> None:
    """An amount below zero or not finite is refused, and begins no series."""
    registry = MetricsRegistry()
    jobs = registry.counter("jobs_total", "Jobs.", ["kind"])
    wait = registry.histogram("wait", "Wait.", [1.0], ["kind"])
    before = registry.render()
    for amount in (-1.0, -1e-300, math.nan, math.inf, -math.inf):
        assert_raises_naming("amount", jobs.inc, amount, kind="a")
    assert_raises_naming("value", wait.observe, math.nan, kind="a")
    assert_equal(registry.render(), before, "the text after refusals")
    jobs.inc(0, kind="a")
    assert_samples(registry, ("jobs_total", (("kind", "a"),), 0.0))


def test_metrics_are_served() -> None:
    """GET /metrics gives the text of that moment, in UTF-8, with its content type."""
    registry = MetricsRegistry()
    client = Client(create_app(registry))
    answer = client.get("/metrics")
    assert_status(answer, 200)
    assert_equal(answer.body, b"", "the body without metrics")
    size = registry.gauge("size", "Größe.", ["kind"])
    for kind in ("é", "☃"):
        size.set(1.5, kind=kind)
        answer = client.get("/metrics")
        assert_status(answer, 200)
        expected = "text/plain; version=0.0.4; charset=utf-8"
        assert_equal(answer.headers["content-type"], expected, "the content type")
        text = registry.render().encode()
        assert_equal(answer.body, text, "the body of the answer to GET /metrics")
