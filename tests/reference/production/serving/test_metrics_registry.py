"""Metrics: what the text says, read back by Prometheus's own parser and linter."""

import math
import shutil
import subprocess
from collections.abc import Callable

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from dojo.testing.http import Client
from dojo.testing.threads import all_at_once
from reference.production.serving.metrics import MetricsRegistry, create_app

TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from('\\\n"{},= '))
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def families(registry: MetricsRegistry) -> dict[str, Metric]:
    return {
        metric.name: metric
        for metric in text_string_to_metric_families(registry.render())
    }


def values(metric: Metric) -> dict[tuple[str, ...], float]:
    """Return the value of each sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for sample in metric.samples
    }


def test_the_text_to_the_letter() -> None:
    registry = MetricsRegistry()
    assert registry.render() == ""
    requests = registry.counter("requests_total", "Back\\slash\nline", ["path"])
    waiting = registry.gauge("waiting", "Now")
    seconds = registry.histogram("seconds", "Time", [0.5, 2])
    assert registry.render() == (
        "# HELP requests_total Back\\\\slash\\nline\n"
        "# TYPE requests_total counter\n"
        "# HELP waiting Now\n"
        "# TYPE waiting gauge\n"
        "waiting 0.0\n"
        "# HELP seconds Time\n"
        "# TYPE seconds histogram\n"
        'seconds_bucket{le="0.5"} 0.0\n'
        'seconds_bucket{le="2.0"} 0.0\n'
        'seconds_bucket{le="+Inf"} 0.0\n'
        "seconds_sum 0.0\n"
        "seconds_count 0.0\n"
    )
    requests.inc(path='a\\b"c\nd')
    requests.inc(2.5, path="")
    waiting.set(7)
    waiting.inc(2)
    waiting.dec()
    for value in (0.5, 0.75, 9):
        seconds.observe(value)
    lines = registry.render().splitlines()
    assert lines[2:4] == [
        'requests_total{path="a\\\\b\\"c\\nd"} 1.0',
        'requests_total{path=""} 2.5',
    ]
    assert lines[6] == "waiting 8.0"
    assert [line.split()[-1] for line in lines[9:]] == [
        "1.0",
        "2.0",
        "3.0",
        "10.25",
        "3.0",
    ]


@given(TEXT, TEXT, TEXT)
def test_every_text_comes_back(documentation: str, first: str, second: str) -> None:
    registry = MetricsRegistry()
    gauge = registry.gauge("a_gauge", documentation, ["one", "two"])
    gauge.set(1.5, two=second, one=first)
    text = registry.render()
    text.encode("utf-8")
    # Only line feeds end lines: what else Python takes for one stands in a value.
    help_line, type_line, sample_line, rest = text.split("\n")
    assert (type_line, rest) == ("# TYPE a_gauge gauge", "")
    escaped = help_line.removeprefix("# HELP a_gauge ")
    assert unescaped(escaped, {"\\\\": "\\", "\\n": "\n"}) == documentation
    escapes = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}
    assert sample_line.startswith('a_gauge{one="')
    assert sample_line.endswith('"} 1.5')
    shown = sample_line[len('a_gauge{one="') : -len('"} 1.5')]
    # A quote that is not escaped ends the first value.
    end = next(place for place in range(len(shown)) if is_bare_quote(shown, place))
    assert shown[end:].startswith('",two="')
    assert unescaped(shown[:end], escapes) == first
    assert unescaped(shown[end + len('",two="') :], escapes) == second


def is_bare_quote(text: str, place: int) -> bool:
    before = text[:place]
    backslashes = len(before) - len(before.rstrip("\\"))
    return text[place] == '"' and backslashes % 2 == 0


def unescaped(text: str, escapes: dict[str, str]) -> str:
    plain, place = "", 0
    while place < len(text):
        pair = text[place : place + 2]
        plain += escapes.get(pair, text[place])
        place += 2 if pair in escapes else 1
    return plain


@given(TEXT)
def test_the_parser_reads_every_label(value: str) -> None:
    registry = MetricsRegistry()
    registry.counter("a_total", "A", ["label"]).inc(3, label=value)
    (sample,) = families(registry)["a"].samples
    assert sample.labels == {"label": value}
    assert sample.value == 3


@given(
    st.lists(FINITE, min_size=1, max_size=6, unique=True).map(sorted),
    st.lists(FINITE, max_size=20),
    st.booleans(),
)
def test_histograms_are_cumulative(
    bounds: list[float], observed: list[float], infinite: bool
) -> None:
    registry = MetricsRegistry()
    edges = [*bounds, math.inf]
    histogram = registry.histogram("h", "H", edges if infinite else bounds, ["kind"])
    histogram.observe(0.0, kind="other")
    for value in observed:
        histogram.observe(value, kind="this")
    samples = [
        sample
        for sample in families(registry)["h"].samples
        if sample.labels["kind"] == "this"
    ]
    if not observed:
        assert samples == []
        return
    *buckets, total, count = samples
    assert [(float(sample.labels["le"]), sample.value) for sample in buckets] == [
        (edge, sum(value <= edge for value in observed)) for edge in edges
    ]
    assert (count.name, count.value) == ("h_count", len(observed))
    # The same numbers are added in the same order.
    assert (total.name, total.value) == ("h_sum", float(sum(observed)))


@given(st.lists(st.tuples(st.sampled_from("abc"), FINITE.map(abs)), max_size=20))
def test_agrees_with_the_client(steps: list[tuple[str, float]]) -> None:
    registry, theirs = MetricsRegistry(), CollectorRegistry()
    counter = registry.counter("c_total", "C", ["label"])
    gauge = registry.gauge("g", "G", ["label"])
    histogram = registry.histogram("h", "H", [0.5, 1.0, 100.0], ["label"])
    their_counter = prometheus_client.Counter(
        "c_total", "C", ["label"], registry=theirs
    )
    their_gauge = prometheus_client.Gauge("g", "G", ["label"], registry=theirs)
    their_histogram = prometheus_client.Histogram(
        "h", "H", ["label"], buckets=[0.5, 1.0, 100.0], registry=theirs
    )
    for label, value in steps:
        counter.inc(value, label=label)
        gauge.dec(value, label=label)
        histogram.observe(value, label=label)
        their_counter.labels(label).inc(value)
        their_gauge.labels(label).dec(value)
        their_histogram.labels(label).observe(value)
    expected = text_string_to_metric_families(
        prometheus_client.generate_latest(theirs).decode()
    )
    mine = families(registry)
    for metric in expected:
        if metric.name.endswith("_created"):
            assert metric.name not in mine
        else:
            assert values(mine.pop(metric.name)) == values(metric)
    assert mine == {}


def test_threads_lose_nothing_and_every_text_is_whole() -> None:
    registry = MetricsRegistry()
    counter = registry.counter("c_total", "C", ["label"])
    histogram = registry.histogram("h", "H", [1.0])

    def work(place: int) -> None:
        for turn in range(400):
            counter.inc(label=place % 2)
            histogram.observe(2.0)
            if place == 0 and turn % 10 == 0:
                shown = values(families(registry)["h"])
                assert shown["h_sum",] == 2 * shown["h_count",]

    all_at_once(work)
    assert values(families(registry)["c"]) == {
        ("c_total", "0"): 1600,
        ("c_total", "1"): 1600,
    }
    assert values(families(registry)["h"])["h_sum",] == 6400


def test_gauges_take_any_number_and_functions() -> None:
    registry = MetricsRegistry()
    gauge = registry.gauge("jobs_created", "Not a creation time")
    for value in (math.inf, -math.inf, -0.5):
        gauge.set(value)
        assert values(families(registry)["jobs_created"]) == {("jobs_created",): value}
    gauge.set(math.nan)
    assert "jobs_created NaN" in registry.render()
    depth = [3]
    gauge.set_function(lambda: depth[0])
    depth[0] = 4
    assert "jobs_created 4.0" in registry.render()


def test_what_is_refused_leaves_no_series() -> None:
    registry = MetricsRegistry()
    counter = registry.counter("c_total", "C", ["label"])
    histogram = registry.histogram("h", "H", [1.0], ["label"])
    before = registry.render()
    refused: list[tuple[Callable[[], None], type[Exception], str]] = [
        (lambda: counter.inc(-1, label="a"), ValueError, "amount must be at least 0"),
        (lambda: counter.inc(math.nan, label="a"), ValueError, "amount must be finite"),
        (lambda: counter.inc(True, label="a"), TypeError, "amount must be a number"),
        (counter.inc, ValueError, "labels must be exactly label"),
        (lambda: counter.inc(other="a"), ValueError, "labels must be exactly label"),
        (lambda: counter.inc(label="a", b="c"), ValueError, "labels must be exactly"),
        (lambda: counter.inc(label="\ud800"), ValueError, "label must be text that"),
        (lambda: histogram.observe(math.nan, label="a"), ValueError, "other than NaN"),
        (lambda: histogram.observe(1.0), ValueError, "labels must be exactly label"),
    ]
    for call, error, message in refused:
        with pytest.raises(error, match=message):
            call()
    assert registry.render() == before
    with pytest.raises(ValueError, match="labels must be none"):
        registry.gauge("g", "G").set(1, label="a")


@pytest.mark.parametrize("name", ["", "1a", "a-b", "ä", "a\n", "a b", "__"])
def test_wrong_names(name: str) -> None:
    registry = MetricsRegistry()
    if name != "__":  # reserved for labels only
        with pytest.raises(ValueError, match="name must be letters, digits"):
            registry.gauge(name, "G")
    with pytest.raises(ValueError, match="labels must be named by letters"):
        registry.gauge("g", "G", ["fine", name])
    assert registry.render() == ""
    assert registry.gauge("a:b", "G", ["_c"])


def test_wrong_definitions() -> None:
    registry = MetricsRegistry()
    with pytest.raises(ValueError, match="name must be one that ends in _total"):
        registry.counter("c", "C")
    with pytest.raises(ValueError, match="labels must be different names"):
        registry.gauge("g", "G", ["a", "a"])
    with pytest.raises(TypeError, match="labels must be several names, got 'ab'"):
        registry.gauge("g", "G", "ab")
    with pytest.raises(ValueError, match="labels must be without le"):
        registry.histogram("h", "H", [1.0], ["le"])
    for buckets in ([], [math.inf], [1.0, 1.0], [2.0, 1.0], [math.nan], [-math.inf, 1]):
        with pytest.raises(ValueError, match="buckets must be at least one finite"):
            registry.histogram("h", "H", buckets)
    assert registry.render() == ""
    registry.histogram("h", "H", [1.0])
    registry.counter("c_total", "C")
    for define in (
        lambda: registry.gauge("h", "H"),
        lambda: registry.counter("c_total", "C"),
        lambda: registry.gauge("h_sum", "a series of the histogram"),
    ):
        with pytest.raises(ValueError, match="name must be one that no metric has yet"):
            define()


def test_registries_are_apart() -> None:
    first, second = MetricsRegistry(), MetricsRegistry()
    first.gauge("g", "G").set(1)
    second.gauge("g", "G").set(2)
    assert first.render() != second.render()


def full() -> MetricsRegistry:
    """A registry with something of every kind."""
    registry = MetricsRegistry()
    registry.register_process_metrics()
    registry.counter("http_requests_total", "Requests", ["path"]).inc(path='a"\\\n')
    registry.gauge("queue_depth", "Items that wait").set(2)
    registry.histogram("request_seconds", "Time", [-1.0, 0.1, 1.0]).observe(0.5)
    return registry


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here")
def test_promtool_has_nothing_to_say() -> None:
    outcome = subprocess.run(
        ["promtool", "check", "metrics"],
        input=full().render(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_process_metrics_come_once() -> None:
    registry = full()
    shown = families(registry)
    assert shown["python_info"].samples[0].value == 1
    assert not [line for line in registry.render().splitlines() if "_created" in line]
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register_process_metrics()


def test_route() -> None:
    registry = MetricsRegistry()
    registry.gauge("g", "Größe").set(1)
    answer = Client(create_app(registry)).get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.body.decode("utf-8") == registry.render()
