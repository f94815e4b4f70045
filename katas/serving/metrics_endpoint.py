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

from collections.abc import Iterable, Sequence

from fastapi import FastAPI


class Counter:
    """A number that only grows, for each set of label values."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str] = ()
    ) -> None:
        """Begin at zero."""
        raise NotImplementedError

    def inc(self, amount: float = 1.0, **labels: object) -> None:
        """Add `amount`."""
        raise NotImplementedError


class Gauge:
    """A number that goes up and down, for each set of label values."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str] = ()
    ) -> None:
        """Begin at zero."""
        raise NotImplementedError

    def set(self, value: float, **labels: object) -> None:
        """Replace the number."""
        raise NotImplementedError

    def inc(self, amount: float = 1.0, **labels: object) -> None:
        """Add `amount`."""
        raise NotImplementedError

    def dec(self, amount: float = 1.0, **labels: object) -> None:
        """Take `amount` away."""
        raise NotImplementedError


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
        raise NotImplementedError

    def observe(self, value: float, **labels: object) -> None:
        """Count `value`, and add it to the sum."""
        raise NotImplementedError


class MetricsRegistry:
    """The metrics of one application."""

    def __init__(self) -> None:
        """Begin without any metric."""
        raise NotImplementedError

    def counter(
        self, name: str, documentation: str, labels: Iterable[str] = ()
    ) -> Counter:
        """Return a new counter."""
        raise NotImplementedError

    def gauge(self, name: str, documentation: str, labels: Iterable[str] = ()) -> Gauge:
        """Return a new gauge."""
        raise NotImplementedError

    def histogram(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[float],
        labels: Iterable[str] = (),
    ) -> Histogram:
        """Return a new histogram with these upper bounds, and +Inf."""
        raise NotImplementedError

    def render(self) -> str:
        """Return all metrics in the text format 0.0.4."""
        raise NotImplementedError


def create_app(registry: MetricsRegistry) -> FastAPI:
    """Return the application that shows the metrics at `GET /metrics`."""
    raise NotImplementedError
