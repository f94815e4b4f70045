r"""Prometheus metrics: counters, gauges, histograms, and the text that is scraped.

Every few seconds Prometheus asks a service for `GET /metrics` and keeps the numbers it
gets. A counter only grows, so that its rate over any time is a difference; a gauge goes
up and down; a histogram counts observations in cumulative buckets, from which quantiles
are estimated, and which can be added over servers, as quantiles cannot:

    bucket(le) = |{observed v : v ≤ le}|      for each bound le, and for le = +Inf

Write `MetricsRegistry()` with

- `counter(name, documentation, labels=())`, which makes and returns a `Counter` with
  `inc(amount=1.0, **labels)`;
- `gauge(name, documentation, labels=())`: a `Gauge` with `set(value, **labels)`,
  `inc(amount=1.0, **labels)` and `dec(amount=1.0, **labels)`;
- `histogram(name, documentation, buckets, labels=())`: a `Histogram` with
  `observe(value, **labels)`; `buckets` are its upper bounds without +Inf, in a list or
  a tuple;
- `render()`, the text of all metrics that it has made;

and `create_app(registry)`, a FastAPI application whose `GET /metrics` gives that text
as it is now, in UTF-8, with the content type
`text/plain; version=0.0.4; charset=utf-8`.

`labels` are names, in any iterable. A metric has a series for each set of their values:
`inc(method="GET", status=200)` changes one of them; values become text by `str`. A
metric without labels has its one series, of zeros, from the start; with labels, a
series begins at zero with its first use. The text is a block of lines for each metric,
in the order in which they were made, each line ended by "\n"; without metrics it is
empty:

    # HELP jobs_total Jobs done.
    # TYPE jobs_total counter
    jobs_total{queue="mail",kind="new"} 3
    jobs_total{queue="mail",kind="old"} 0.5
    # HELP wait_seconds Time in the queue.
    # TYPE wait_seconds histogram
    wait_seconds_bucket{queue="mail",le="0.5"} 1
    wait_seconds_bucket{queue="mail",le="2"} 3
    wait_seconds_bucket{queue="mail",le="+Inf"} 4
    wait_seconds_sum{queue="mail"} 14.25
    wait_seconds_count{queue="mail"} 4

- The types are counter, gauge and histogram. Series stand in the order of their first
  use, labels in any order. Without labels there are no braces.
- A number, be it of Python's or NumPy's, is decimal, in any notation that `float` reads
  back as the same, as 3, 3.0 or 1e+20; others are `+Inf`, `-Inf` and `NaN`.
- In values of labels a backslash is written `\\`, a line feed `\n` (two characters) and
  a quotation mark `\"`; in the documentation, the first two only.

Threads share the metrics. No change is lost, and a text shows of an observation all or
nothing: the count is the bucket +Inf, and the sum is that of what was counted.

`ValueError` that names the argument, with nothing changed and no series begun:

- `name`: not of ASCII letters, digits, `_` and `:`, or with a digit first; a counter's
  that does not end in `_total`; one whose samples would have the same name as those of
  another metric, as `wait_seconds` and `wait_seconds_count` above (a histogram takes
  its own name as well);
- `labels`: the name of one not of ASCII letters, digits and `_`, with a digit first or
  with `__` first; one twice; `le` for a histogram; and in a use of a metric, other
  labels than its own, too few or too many;
- `buckets`: none, or not finite, or not in strictly rising order;
- `amount`: for a counter, negative or not finite; `value` observed: NaN.

Sources: Prometheus documentation, "Exposition formats" (text format 0.0.4), "Data
model" and "Histograms and summaries".

In production: `prometheus_client` does this, and adds memory and processor time of the
process. A label whose values clients choose, as a path or a name, makes a series for
each of them, without bound: the template of the route is the label, not the path.
"""

import math
import re
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from fastapi import FastAPI, Response

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_Labels = Sequence[tuple[str, str]]
# What comes behind the metric's name, further labels, and the number.
_Sample = tuple[str, _Labels, float]


class Counter:
    """A number that only grows, for each set of label values."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str] = ()
    ) -> None:
        """Begin at zero."""
        self._table = _Table("counter", name, documentation, labels)

    def inc(self, amount: float = 1.0, **labels: object) -> None:
        """Add `amount`."""
        if not 0 <= amount < math.inf:
            raise ValueError(f"amount must be finite and at least 0, got {amount}")
        self._table.add(amount, labels)


class Gauge:
    """A number that goes up and down, for each set of label values."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str] = ()
    ) -> None:
        """Begin at zero."""
        self._table = _Table("gauge", name, documentation, labels)

    def set(self, value: float, **labels: object) -> None:
        """Replace the number."""
        self._table.set(value, labels)

    def inc(self, amount: float = 1.0, **labels: object) -> None:
        """Add `amount`."""
        self._table.add(amount, labels)

    def dec(self, amount: float = 1.0, **labels: object) -> None:
        """Take `amount` away."""
        self._table.add(-amount, labels)


class Histogram:
    """Observations counted in buckets, and their sum, for each set of label values."""

    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[float],
        labels: Iterable[str] = (),
    ) -> None:
        """Begin without an observation."""
        bounds = (*buckets, math.inf)
        rising = all(low < high for low, high in pairwise((-math.inf, *bounds)))
        if not (buckets and rising):
            raise ValueError(f"buckets must be finite and rise strictly, got {buckets}")
        self._table = _Table("histogram", name, documentation, labels, bounds)

    def observe(self, value: float, **labels: object) -> None:
        """Count `value`, and add it to the sum."""
        if math.isnan(value):
            raise ValueError(f"value must be a number, got {value}")
        self._table.add(value, labels)


class MetricsRegistry:
    """The metrics of one application."""

    def __init__(self) -> None:
        """Begin without any metric."""
        self._tables: list[_Table] = []
        self._taken: set[str] = set()

    def counter(
        self, name: str, documentation: str, labels: Iterable[str] = ()
    ) -> Counter:
        """Return a new counter."""
        if not name.endswith("_total"):
            raise ValueError(f"name must end in _total, got {name!r}")
        counter = Counter(name, documentation, labels)
        self._add(counter._table)
        return counter

    def gauge(self, name: str, documentation: str, labels: Iterable[str] = ()) -> Gauge:
        """Return a new gauge."""
        gauge = Gauge(name, documentation, labels)
        self._add(gauge._table)
        return gauge

    def histogram(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[float],
        labels: Iterable[str] = (),
    ) -> Histogram:
        """Return a new histogram with these upper bounds, and +Inf."""
        histogram = Histogram(name, documentation, buckets, labels)
        self._add(histogram._table, "_bucket", "_sum", "_count")
        return histogram

    def render(self) -> str:
        """Return all metrics in the text format 0.0.4."""
        return "".join(table.render() for table in self._tables)

    def _add(self, table: "_Table", *suffixes: str) -> None:
        taken = {table.name + suffix for suffix in ("", *suffixes)}
        if taken & self._taken:
            raise ValueError(f"name must be a new one, got {table.name!r}")
        self._taken |= taken
        self._tables.append(table)


def create_app(registry: MetricsRegistry) -> FastAPI:
    """Return the application that shows the metrics at `GET /metrics`."""
    app = FastAPI()

    @app.get("/metrics")
    async def metrics() -> Response:
        media_type = "text/plain; version=0.0.4; charset=utf-8"
        return Response(registry.render(), media_type=media_type)

    return app


class _Table:
    """The series of one metric, by the values of their labels.

    A series is a list: of the counts of the buckets, each by itself, if there are any,
    and at its end the number of a counter or a gauge, the sum of a histogram.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        documentation: str,
        labels: Iterable[str],
        bounds: tuple[float, ...] = (),
    ) -> None:
        if not _METRIC_NAME.fullmatch(name):
            raise ValueError(f"name must be of letters, digits, _ and :, got {name!r}")
        self.name = name
        self._head = f"# HELP {name} {_escaped(documentation)}\n# TYPE {name} {kind}\n"
        self._labels = tuple(labels)
        self._bounds = bounds
        self._lock = threading.Lock()
        self._series: dict[_Labels, list[float]] = {}
        allowed = set(filter(_LABEL_NAME.fullmatch, self._labels))
        if len(allowed) < len(self._labels) or (bounds and "le" in allowed):
            raise ValueError(f"labels must be different names, got {self._labels}")
        if not self._labels:
            self._find(())

    def set(self, value: float, labels: dict[str, object]) -> None:
        pairs = self._pairs(labels)
        with self._lock:
            self._find(pairs)[:] = [value]

    def add(self, amount: float, labels: dict[str, object]) -> None:
        pairs = self._pairs(labels)
        with self._lock:
            series = self._find(pairs)
            series[-1] += amount
            if self._bounds:
                series[bisect_left(self._bounds, amount)] += 1

    def render(self) -> str:
        """Return the block of this metric."""
        with self._lock:
            return self._head + "".join(
                _line(self.name + suffix, [*labels, *le], number)
                for labels, series in self._series.items()
                for suffix, le, number in self._samples(series)
            )

    def _samples(self, series: list[float]) -> Iterator[_Sample]:
        *counts, number = series
        if not counts:
            yield "", [], number
            return
        for place, bound in enumerate(self._bounds, 1):
            yield "_bucket", [("le", _number(bound))], sum(counts[:place])
        yield "_sum", [], number
        yield "_count", [], sum(counts)

    def _pairs(self, labels: dict[str, object]) -> _Labels:
        if set(labels) != set(self._labels):
            raise ValueError(f"labels must be {self._labels}, got {tuple(labels)}")
        return tuple((name, str(labels[name])) for name in self._labels)

    def _find(self, pairs: _Labels) -> list[float]:
        return self._series.setdefault(pairs, [0.0] * (len(self._bounds) + 1))


def _line(name: str, labels: _Labels, number: float) -> str:
    pairs = ",".join(f'{label}="{_quoted(value)}"' for label, value in labels)
    return f"{name}{'{' + pairs + '}' if labels else ''} {_number(number)}\n"


def _number(number: float) -> str:
    if math.isinf(number):
        return f"{number:+}".title()
    return "NaN" if math.isnan(number) else repr(float(number))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')
