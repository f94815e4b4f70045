"""A real Prometheus scrapes the running service and answers the questions."""

import math
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.deploy.real_prometheus import Prometheus, needs_prometheus, scraping
from tests.deploy.test_expressions import DASHBOARD, RULES
from tests.reference.production.serving.running import Server, poll

pytestmark = needs_prometheus

AVERAGE = (
    "sum(rate(http_request_duration_seconds_sum[1m]))"
    " / sum(rate(http_request_duration_seconds_count[1m]))"
)
PERCENTILE = (
    "histogram_quantile(0.95,"
    " sum by (le) (rate(http_request_duration_seconds_bucket[1m])))"
)
ERRORS = (
    'sum(rate(http_requests_total{status=~"5.."}[1m]))'
    " / sum(rate(http_requests_total[1m]))"
)
BY_ENDPOINT = "sum by (endpoint) (rate(http_requests_total[1m]))"


@pytest.fixture(scope="module")
def prometheus(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    with scraping(server.address, tmp_path_factory.mktemp("prometheus")) as started:
        yield started


def settled(
    prometheus: Prometheus, ask_all: Callable[[], int], expression: str
) -> list[float]:
    """Ask the service until Prometheus answers with numbers, and return them."""
    answers: list[float] = []

    def answered() -> bool:
        ask_all()
        answers[:] = [value for _, value in prometheus.query(expression)]
        return bool(answers) and all(map(math.isfinite, answers))

    poll(answered)
    return answers


def test_the_target_is_up(prometheus: Prometheus) -> None:
    poll(lambda: prometheus.one('up{job="api"}') == 1)
    [target] = prometheus.get("/api/v1/targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")


def test_the_documents_questions_are_answered(
    prometheus: Prometheus, ask_all: Callable[[], int]
) -> None:
    [average] = settled(prometheus, ask_all, AVERAGE)
    assert 0 < average < 30
    [ratio] = settled(prometheus, ask_all, f"({PERCENTILE}) / ({AVERAGE})")
    # Not more than one in twenty takes longer than twenty times the average, and a
    # bucket ends at most at 2.5 times its start.
    assert 0 < ratio <= 50

    def some_errors() -> bool:
        ask_all()
        share = prometheus.one(ERRORS)
        # One of fourteen requests fails; the scrapes do not.
        return share is not None and 0 < share < 2 / 14

    poll(some_errors)

    def rates() -> dict[str, float]:
        found = prometheus.query(BY_ENDPOINT)
        return {labels["endpoint"]: rate for labels, rate in found}

    paths = {"/predict", "/predict/batch", "/models/{model_id}", "unmatched"}

    def all_rates() -> bool:
        ask_all()
        now = rates()
        # Four requests of the one for each of the other.
        return all(now.get(path, 0) > 0 for path in paths) and (
            3 < now["/predict"] / now["/predict/batch"] < 5
        )

    poll(all_rates)


def test_prometheus_counts_what_the_service_counts(
    server: Server, prometheus: Prometheus, ask_all: Callable[[], int]
) -> None:
    ask_all()
    series = 'http_requests_total{endpoint="/predict",method="POST",status="500"}'
    text = httpx.get(f"{server.url}/metrics", timeout=30).text
    [line] = [line for line in text.splitlines() if line.startswith(series)]
    poll(lambda: prometheus.one(series) == float(line.split()[1]))


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda one: one["title"])
def test_every_panel_shows_something(
    panel: dict[str, list[dict[str, str]]],
    prometheus: Prometheus,
    ask_all: Callable[[], int],
) -> None:
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", "1m")
        values = settled(prometheus, ask_all, expression)
        assert min(values) >= 0


def test_the_rules_are_evaluated_and_none_fires(prometheus: Prometheus) -> None:
    def evaluated() -> bool:
        [group] = prometheus.get("/api/v1/rules")["groups"]
        states = [(rule["health"], rule.get("lastError")) for rule in group["rules"]]
        assert len(states) == sum(len(one["rules"]) for one in RULES["groups"])
        assert not any(error for _, error in states), states
        assert not any(rule["state"] == "firing" for rule in group["rules"])
        return all(health == "ok" for health, _ in states)

    poll(evaluated)
