"""The application as it is started, in a process of its own."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok

from dojo.testing.redis import RedisServer
from reference.production.serving.examples import train_examples
from tests.reference.production.serving.running import Server, poll, running
from tests.reference.production.serving.test_app_schema import CHECKS

CHURN = {"tenure_months": 3, "support_calls": 5, "monthly_price": 40}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as opened:
        yield opened


def test_every_route_answers(client: httpx.Client) -> None:
    for path in (
        "/", "/health", "/ready", "/models", "/models/churn", "/models/rent",
        "/metadata", "/metrics", "/docs", "/openapi.json",
    ):  # fmt: skip
        assert client.get(path).status_code == 200, path
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b""), path
    one = client.post("/predict", json={"features": CHURN})
    assert one.status_code == 200
    row = [list(CHURN.values())]
    model = train_examples()["churn"]
    assert one.json()["prediction"] == model.predict(row)[0]  # type: ignore[arg-type, index]  # a list serves as well
    many = client.post(
        "/predict/batch",
        json={"features": [[50, 2, 1.5], [90, 3, 0.5]], "model_name": "rent"},
    )
    assert len(many.json()["predictions"]) == 2
    stream = client.post("/predict/stream", json={"features": CHURN})
    assert json.loads(stream.text.splitlines()[-1])["stage"] == "completed"
    assert client.post("/models/reload").json()["models_loaded"] == 2
    for path in ("/chat/completions", "/v1/chat/completions"):
        question = {"messages": [{"role": "user", "content": "What is recall?"}]}
        answer = client.post(path, json={**question, "max_tokens": 5})
        assert answer.json()["choices"][0]["message"]["content"]


def test_many_clients_are_answered_and_batched(
    server: Server, client: httpx.Client
) -> None:
    def ask(number: int) -> int:
        with httpx.Client(base_url=server.url, timeout=30) as own:
            body = {"features": CHURN, "request_id": str(number)}
            answers = [own.post("/predict", json=body) for _ in range(10)]
        assert all(answer.json()["request_id"] == str(number) for answer in answers)
        return sum(answer.status_code == 200 for answer in answers)

    def calls_of_several_rows(text: str) -> float:
        alone = sample(text, 'ml_batch_size_bucket{le="1.0"}')
        return sample(text, "ml_batch_size_count") - alone

    before = client.get("/metrics").text
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(8))) == 80
    after = client.get("/metrics").text
    series = 'ml_predictions_total{model="churn"}'
    assert sample(after, series) - sample(before, series) == 80
    rows = sample(after, "ml_batch_size_sum") - sample(before, "ml_batch_size_sum")
    assert rows == 80
    assert calls_of_several_rows(after) > calls_of_several_rows(before)


def sample(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_log_is_json_and_carries_the_id(
    server: Server, client: httpx.Client
) -> None:
    client.get("/models/rent", headers={"x-request-id": "seen-in-the-log"})
    entry = json.loads(server.wait_for_line("seen-in-the-log"))
    assert entry["request_id"] == "seen-in-the-log"
    assert (entry["route"], entry["status"]) == ("/models/{model_id}", 200)


def test_the_process_is_measured(client: httpx.Client) -> None:
    text = client.get("/metrics").text
    assert sample(text, "process_resident_memory_bytes") > 1e6
    assert sample(text, "ml_models_loaded") == 2


def test_requests_made_from_its_schema_are_answered_as_it_says(
    server: Server,
) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    assert len(found) == 13
    for operation in found:
        for mode in GenerationMode:
            if mode is GenerationMode.POSITIVE or list(operation.body):
                fuzz(operation, mode)


def fuzz(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> None:
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(case=operation.as_strategy(mode))
    def conforms(case: Case[Any]) -> None:
        response = case.call_and_validate(checks=CHECKS, timeout=30)
        assert response.status_code < 500

    conforms()


def test_dependencies_that_are_down_only_degrade(tmp_path: Path) -> None:
    # Nothing listens at port 1, and there is no socket in the folder.
    nobody = "postgresql://user:secret@127.0.0.1:1/name"
    redis = f"unix://{tmp_path}/redis.sock"
    with running(DATABASE_URL=nobody, REDIS_URL=redis) as server:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            health = client.get("/health")
            assert health.status_code == 200
            assert health.json()["status"] == "degraded"
            components = health.json()["components"]
            assert components["models"]["status"] == "healthy"
            assert components["redis"]["status"] == "unhealthy"
            assert components["database"]["status"] == "unhealthy"
            assert client.get("/ready").status_code == 200
            answer = client.post("/predict", json={"features": CHURN})
            assert answer.status_code == 200
            assert "secret" not in health.text
        assert not any("secret" in line for line in server.lines)


def test_processes_share_predictions_by_redis_and_do_without_it() -> None:
    with RedisServer() as redis, running(REDIS_URL=redis.url) as one:
        with running(REDIS_URL=redis.url) as other:
            answers = [
                httpx.post(
                    f"{server.url}/predict", json={"features": CHURN}, timeout=30
                ).json()
                for server in (one, other)
            ]
            for name in ("prediction", "probabilities", "model_version"):
                assert answers[0][name] == answers[1][name]
            outcomes = [
                sample(
                    httpx.get(f"{server.url}/metrics", timeout=30).text,
                    f'cache_requests_total{{cache="predictions",outcome="{outcome}"}}',
                )
                for server, outcome in ((one, "miss"), (other, "hit"))
            ]
            assert outcomes == [1, 1]
        with redis.paused(), httpx.Client(base_url=one.url, timeout=30) as client:
            for number in range(20):
                body = {"features": {**CHURN, "support_calls": number}}
                assert client.post("/predict", json=body).status_code == 200
            health = client.get("/health").json()
            assert health["components"]["redis"]["status"] == "unhealthy"

        def is_healthy() -> bool:
            # What it found last is told for a second.
            health = httpx.get(f"{one.url}/health", timeout=30).json()
            return bool(health["status"] == "healthy")

        poll(is_healthy)


@pytest.mark.parametrize("target", ["serving", "api"])
def test_uvicorn_finds_the_application_by_both_names(target: str) -> None:
    command = ("-m", "uvicorn", f"reference.production.{target}:app", "--port", "0")
    with running(command) as server:
        assert httpx.get(f"{server.url}/ready", timeout=30).status_code == 200
