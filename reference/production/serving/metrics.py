"""Counters, gauges and histograms, and their text for Prometheus.

A thin layer over ``prometheus_client``: a registry of its own, stricter checks, no
series of creation times, and histograms whose buckets, sum and count belong together
in every text. The format is version 0.0.4 of "Exposition formats" in the documentation
of Prometheus.
"""

import math
import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

import prometheus_client
from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from reference.core.validation import describe, require
from reference.production.serving.arguments import checked_number, checked_text

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")

Wrapped = TypeVar("Wrapped", prometheus_client.Counter, prometheus_client.Gauge)


class _Series(Generic[Wrapped]):
    """A metric of ``prometheus_client`` and the names of its labels."""

    def __init__(self, wrapped: Wrapped, labels: tuple[str, ...]) -> None:
        self._wrapped: Wrapped = wrapped
        self._labels = labels

    def _at(self, labels: dict[str, object]) -> Wrapped:
        """Return the series of these labels, which begins here at 0 if it is new."""
        values = _label_values(self._labels, labels)
        return self._wrapped.labels(*values) if values else self._wrapped


class Counter(_Series[prometheus_client.Counter]):
    """A number for each set of labels that only grows."""

    def inc(self, amount: float = 1.0, **labels: object) -> None:
        """Add ``amount``.

        Raises ``ValueError`` where it is negative or not finite, or the labels are not
        those of the metric, and ``TypeError`` where it is no number.
        """
        number = checked_number(amount, "amount")
        require(number >= 0, "amount", "at least 0", amount)
        self._at(labels).inc(number)


class Gauge(_Series[prometheus_client.Gauge]):
    """A number for each set of labels that goes up and down; it may be NaN or infinite.

    The methods raise ``TypeError`` for what is no number, ``ValueError`` where the
    labels are not those of the metric.
    """

    def set(self, value: float, **labels: object) -> None:
        """Set the value."""
        number = checked_number(value, "value", finite=False)
        self._at(labels).set(number)

    def inc(self, amount: float = 1.0, **labels: object) -> None:
        """Add ``amount``."""
        number = checked_number(amount, "amount", finite=False)
        self._at(labels).inc(number)

    def dec(self, amount: float = 1.0, **labels: object) -> None:
        """Take ``amount`` away."""
        self.inc(-checked_number(amount, "amount", finite=False), **labels)

    def set_function(self, function: Callable[[], float], **labels: object) -> None:
        """Ask ``function`` for the value whenever the text is made."""
        self._at(labels).set_function(function)


class Histogram:
    """Counts of observations in buckets, with their sum, for each set of labels."""

    def __init__(self, bounds: tuple[float, ...], labels: tuple[str, ...]) -> None:
        self._bounds = bounds
        self._labels = labels
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, ...], _Tally] = {}
        if not labels:
            self._tallies[()] = _Tally(len(bounds))

    def observe(self, value: float, **labels: object) -> None:
        """Count ``value`` in the first bucket whose upper bound is not below it.

        Raises ``ValueError`` where it is NaN or the labels are not those of the metric,
        ``TypeError`` where it is no number.
        """
        number = checked_number(value, "value", finite=False)
        require(not math.isnan(number), "value", "a number other than NaN", value)
        key = _label_values(self._labels, labels)
        with self._lock:
            tally = self._tallies.get(key)
            if tally is None:
                tally = self._tallies[key] = _Tally(len(self._bounds))
            tally.counts[bisect_left(self._bounds, number)] += 1
            tally.sum += number

    def add_samples(self, metric: Metric) -> None:
        """Add the samples of all series, each of one moment, to ``metric``."""
        with self._lock:
            copies = [
                (key, tuple(tally.counts), tally.sum)
                for key, tally in self._tallies.items()
            ]
        for key, counts, total in copies:
            labels = dict(zip(self._labels, key, strict=True))
            cumulative = list(accumulate(counts))
            for bound, count in zip(self._bounds, cumulative, strict=True):
                edge = {**labels, "le": "+Inf" if math.isinf(bound) else repr(bound)}
                metric.add_sample(f"{metric.name}_bucket", edge, count)
            metric.add_sample(f"{metric.name}_sum", labels, total)
            metric.add_sample(f"{metric.name}_count", labels, cumulative[-1])


class MetricsRegistry:
    """The metrics of one application, apart from those of any other.

    All methods, and those of the metrics, may be called from several threads.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)

    def counter(
        self, name: str, documentation: str, labels: Iterable[str] = ()
    ) -> Counter:
        """Return a new counter.

        Raises ``ValueError`` where a metric of that name exists, ``name`` does not end
        in ``_total``, or a name is none that Prometheus knows.
        """
        names = self._checked(name, documentation, labels)
        require(name.endswith("_total"), "name", "one that ends in _total", name)
        counter = prometheus_client.Counter(name, documentation, names, registry=None)
        self._claim(name, counter)
        return Counter(counter, names)

    def gauge(self, name: str, documentation: str, labels: Iterable[str] = ()) -> Gauge:
        """Return a new gauge.

        Raises ``ValueError`` where a metric of that name exists or a name is none that
        Prometheus knows.
        """
        names = self._checked(name, documentation, labels)
        gauge = prometheus_client.Gauge(name, documentation, names, registry=None)
        self._claim(name, gauge)
        return Gauge(gauge, names)

    def histogram(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[float],
        labels: Iterable[str] = (),
    ) -> Histogram:
        """Return a new histogram; ``buckets`` are the upper bounds, ``+Inf`` is added.

        Raises ``ValueError`` where a metric of that name exists, a name is none that
        Prometheus knows, a label is named ``le``, or the bounds are none or not in
        strictly rising order.
        """
        names = self._checked(name, documentation, labels)
        require("le" not in names, "labels", "without le", names)
        histogram = Histogram(_bounds(buckets), names)
        self._claim(name, _HistogramCollector(name, documentation, histogram))
        return histogram

    def register(self, collector: Collector) -> None:
        """Add a collector of ``prometheus_client``; ``ValueError`` for a taken name."""
        self._registry.register(collector)

    def register_process_metrics(self) -> None:
        """Add memory, CPU time and open files of the process, and Python's version.

        On systems without ``/proc`` there is only the version. Raises ``ValueError``
        when called again.
        """
        prometheus_client.ProcessCollector(registry=self._registry)
        prometheus_client.PlatformCollector(registry=self._registry)
        prometheus_client.GCCollector(registry=self._registry)

    def render(self) -> str:
        """Return all metrics in the text format 0.0.4 of Prometheus."""
        return generate_latest(_WithoutCreated(self._registry)).decode("utf-8")

    def _claim(self, name: str, collector: Collector) -> None:
        try:
            self.register(collector)
        except ValueError as error:
            message = f"name must be one that no metric has yet, got {describe(name)}"
            raise ValueError(message) from error

    def _checked(
        self, name: str, documentation: str, labels: Iterable[str]
    ) -> tuple[str, ...]:
        """Check what all metrics have in common, and return the names of the labels."""
        known = _METRIC_NAME.fullmatch(checked_text(name, "name")) is not None
        require(known, "name", "letters, digits, _ and :, no digit first", name)
        _check_unicode(checked_text(documentation, "documentation"), "documentation")
        if isinstance(labels, str):
            raise TypeError(f"labels must be several names, got {describe(labels)}")
        names = tuple(checked_text(label, "labels") for label in labels)
        for label in names:
            known = _LABEL_NAME.fullmatch(label) is not None
            require(known, "labels", "named by letters, digits and _, not __", label)
        require(len(set(names)) == len(names), "labels", "different names", names)
        return names


class _Tally:
    """The observations of one series: how many in each bucket, and their sum."""

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.sum = 0.0


class _HistogramCollector(Collector):
    """Shows a histogram to a registry.

    The client's own histogram is not used: it leaves out the sum where a bound is
    negative, and can be collected between the two halves of an observation.
    """

    def __init__(self, name: str, documentation: str, histogram: Histogram) -> None:
        self._name = name
        self._documentation = documentation
        self._histogram = histogram

    def describe(self) -> Iterator[Metric]:
        yield Metric(self._name, self._documentation, "histogram")

    def collect(self) -> Iterator[Metric]:
        metric = Metric(self._name, self._documentation, "histogram")
        self._histogram.add_samples(metric)
        yield metric


class _WithoutCreated(Collector):
    """A registry without series of creation times, which the client adds to counters.

    It can be told not to, but only for all registries of the process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            kept = Metric(metric.name, metric.documentation, metric.type)
            kept.samples = [
                sample
                for sample in metric.samples
                if sample.name != f"{metric.name}_created"
            ]
            yield kept


def create_app(registry: MetricsRegistry) -> FastAPI:
    """Return an ASGI application with ``GET /metrics``."""
    app = FastAPI(title="Metrics", redirect_slashes=False)

    # A plain function runs in a thread: to make a long text delays no request.
    @app.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """Show all metrics in the text format of Prometheus."""
        return Response(registry.render(), media_type=CONTENT_TYPE)

    return app


def _label_values(names: tuple[str, ...], labels: dict[str, object]) -> tuple[str, ...]:
    """Return the values of the labels as text, in the order of ``names``."""
    fitting = len(labels) == len(names) and all(name in labels for name in names)
    expected = f"exactly {', '.join(names)}" if names else "none"
    require(fitting, "labels", expected, tuple(labels))
    values = tuple(str(labels[name]) for name in names)
    for name, value in zip(names, values, strict=True):
        _check_unicode(value, name)
    return values


def _check_unicode(text: str, argument: str) -> None:
    """Refuse half of a surrogate pair: no text with it could be sent any more."""
    whole = not any("\ud800" <= character <= "\udfff" for character in text)
    require(whole, argument, "text that UTF-8 can carry", text)


def _bounds(buckets: Sequence[float]) -> tuple[float, ...]:
    bounds = [checked_number(bound, "buckets", finite=False) for bound in buckets]
    if bounds[-1:] == [math.inf]:
        del bounds[-1]
    finite = all(map(math.isfinite, bounds))
    rising = all(low < high for low, high in pairwise(bounds))
    expected = "at least one finite bound, in strictly rising order"
    require(len(bounds) > 0 and finite and rising, "buckets", expected, buckets)
    return (*bounds, math.inf)
