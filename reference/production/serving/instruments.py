"""The metrics of the service, by the names that Prometheus' conventions ask for.

The label ``endpoint`` is the template of a route, "unmatched" where there is none, so
that no client can make series without end. One process, one registry: with several
workers each answers for itself.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import prometheus_client
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reference.production.serving.metrics import MetricsRegistry

# From half a millisecond, which is an empty answer, to half a minute.
SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 30.0,
)  # fmt: skip
ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)


class ModelState(NamedTuple):
    """What is served under one name at the moment.

    ``versions`` are the stable one and the canary's; "" where a model has none.
    ``share`` is that of the canary, 0 without one and once it was rolled back.
    """

    model: str
    versions: tuple[str, ...]
    share: float
    rolled_back: bool


class Instruments:
    """What is counted and measured, in one registry."""

    def __init__(self, registry: MetricsRegistry | None = None) -> None:
        made = MetricsRegistry() if registry is None else registry
        self.registry = made
        # The two that every request touches are the client's own, as their series can
        # be held on to: to find one by its labels takes longer than to count.
        self._requests = prometheus_client.Counter(
            "http_requests_total",
            "Requests answered.",
            ("method", "endpoint", "status"),
            registry=None,
        )
        made.register(self._requests)
        self._durations = prometheus_client.Histogram(
            "http_request_duration_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ("method", "endpoint"),
            registry=None,
            buckets=SECONDS,
        )
        made.register(self._durations)
        self._series: dict[
            tuple[str, str, int],
            tuple[prometheus_client.Counter, prometheus_client.Histogram],
        ] = {}
        self.active = 0
        made.gauge(
            "http_requests_in_progress", "Requests that are being answered."
        ).set_function(lambda: self.active)
        self._models = _Models()
        made.register(self._models)
        self.predictions = made.counter(
            "ml_predictions_total", "Rows predicted.", ("model",)
        )
        self.prediction_errors = made.counter(
            "ml_prediction_errors_total",
            "Rows that a model failed to predict.",
            ("model",),
        )
        self.batch_size = made.histogram(
            "ml_batch_size", "Rows in one call of a model.", ROWS
        )
        self.queue_depth = made.gauge(
            "ml_queue_depth", "Rows that wait for their model."
        )
        self.cache_requests = made.counter(
            "cache_requests_total", "Questions to a cache.", ("cache", "outcome")
        )

    def show_models(self, states: Callable[[], Iterable[ModelState]]) -> None:
        """Ask ``states`` for what is served whenever the text is made."""
        self._models.states = states

    def answered(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count a request; the arguments take few values, as each makes a series."""
        key = (method, endpoint, status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = (
                self._requests.labels(method, endpoint, str(status)),
                self._durations.labels(method, endpoint),
            )
        count, duration = series
        count.inc()
        duration.observe(seconds)

    def predicted(self, model: str, rows: int) -> None:
        """Count rows that were predicted."""
        self.predictions.inc(rows, model=model)

    def failed(self, model: str, rows: int) -> None:
        """Count rows that a model failed to predict."""
        self.prediction_errors.inc(rows, model=model)

    def cache_answered(self, cache: str, *, hit: bool) -> None:
        """Count a question to a cache."""
        self.cache_requests.inc(cache=cache, outcome="hit" if hit else "miss")


class _Models(Collector):
    """The series that come and go with the models."""

    def __init__(self) -> None:
        self.states: Callable[[], Iterable[ModelState]] = tuple

    def describe(self) -> Iterator[Metric]:
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        loaded = GaugeMetricFamily("ml_models_loaded", "Models that are served.")
        about = GaugeMetricFamily(
            "ml_model_info",
            "Always 1, for each version that is loaded.",
            labels=("model", "version"),
        )
        share = GaugeMetricFamily(
            "ml_canary_share",
            "Share of the clients that the canary answers.",
            labels=("model",),
        )
        ended = GaugeMetricFamily(
            "ml_canary_rolled_back",
            "1 where the canary was rolled back for its errors.",
            labels=("model",),
        )
        states = list(self.states())
        loaded.add_metric((), len(states))
        for state in states:
            for version in state.versions:
                about.add_metric((state.model, version), 1)
            share.add_metric((state.model,), state.share)
            ended.add_metric((state.model,), state.rolled_back)
        yield from (loaded, about, share, ended)
