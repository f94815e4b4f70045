"""Around the requests: ids, logs, metrics, rates, and the door at the end."""

import asyncio
import json
import logging
from collections.abc import MutableMapping
from typing import Any

import pytest
from numpy.typing import ArrayLike
from prometheus_client.parser import text_string_to_metric_families

from reference.core.validation import Array
from reference.production.serving import (
    Batching,
    GracefulShutdown,
    RateLimiter,
    create_app,
)
from reference.production.serving.logs import JSONFormatter
from tests.reference.production.serving.support import (
    APP,
    Scripted,
    ask,
    ask_async,
    assert_problem,
    post,
    strict_json,
)

JSON = {"content-type": "application/json"}
ACCESS = "reference.production.serving.access"


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((name, frozenset(labels.items())))


@pytest.mark.parametrize("given", ["abc", "A.b_c-1", "x" * 128])
def test_a_sound_request_id_is_kept(given: str) -> None:
    response = ask(APP, "GET", "/health", headers={"x-request-id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, 'a"b', "<script>"])
def test_another_request_id_is_made(given: str | None) -> None:
    headers = {} if given is None else {"x-request-id": given}
    made = [
        ask(APP, "GET", "/health", headers=headers).headers["x-request-id"]
        for _ in range(2)
    ]
    assert made[0] != made[1]
    assert all(len(one) == 32 and one.isalnum() for one in made)


def test_errors_have_an_id_too() -> None:
    for path in ("/nowhere", "/predict"):
        response = ask(APP, "POST", path, "{", JSON)
        assert len(response.headers["x-request-id"]) == 32


def test_a_request_is_one_line_of_json_without_its_body(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.handler.setFormatter(JSONFormatter())
    app = create_app({"m": Scripted()})
    with caplog.at_level(logging.INFO, ACCESS):
        headers = {**JSON, "x-request-id": "r-1"}
        ask(app, "POST", "/predict", '{"features": [8642.13579]}', headers)
        ask(app, "GET", "/models/m")
        ask(app, "GET", "/secret-path")
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    first, second, third = lines
    assert first["duration_ms"] > 0
    assert first | {"time": "", "duration_ms": 0} == {
        "time": "",
        "level": "info",
        "logger": ACCESS,
        "message": "request",
        "request_id": "r-1",
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "duration_ms": 0,
    }
    assert (second["route"], second["status"]) == ("/models/{model_id}", 200)
    assert (third["route"], third["status"]) == ("unmatched", 404)
    assert "8642" not in caplog.text
    assert "secret" not in caplog.text


def test_a_failure_is_logged_with_the_id_of_its_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = create_app({"m": Scripted()})

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("it broke")

    caplog.handler.setFormatter(JSONFormatter())
    with caplog.at_level(logging.ERROR, "reference.production.serving"):
        response = ask(app, "GET", "/broken", headers={"x-request-id": "r-2"})
    assert assert_problem(response, 500) == "the service failed to answer"
    assert response.headers["x-request-id"] == "r-2"
    [line] = caplog.text.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["request_id"]) == ("error", "r-2")
    assert "RuntimeError: it broke" in entry["exception"]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/predict/stream"])
def test_what_a_model_logs_has_the_id_of_the_request(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    def tell_and_fail(_: Array) -> ArrayLike:
        logging.getLogger("model").warning("told")
        raise RuntimeError

    app = create_app({"m": Scripted(tell_and_fail)})
    caplog.handler.setFormatter(JSONFormatter())
    features = [[1]] if path == "/predict/batch" else [1]
    body = json.dumps({"features": features})
    ask(app, "POST", path, body, {**JSON, "x-request-id": "r-3"})
    told, failed = map(json.loads, caplog.text.splitlines()[:2])
    assert (told["logger"], told["request_id"]) == ("model", "r-3")
    assert (failed["message"], failed["request_id"]) == ("model m failed", "r-3")


@pytest.mark.parametrize("size", [1, 2])
def test_what_a_model_logs_for_several_requests_has_their_ids(
    size: int, caplog: pytest.LogCaptureFixture
) -> None:
    def tell(features: Array) -> ArrayLike:
        logging.getLogger("model").warning("told")
        return features[:, 0]

    app = create_app({"m": Scripted(tell)}, batching=Batching(size=size, window=1.0))
    caplog.handler.setFormatter(JSONFormatter())

    async def scenario() -> None:
        asking = (
            ask_async(
                app,
                "POST",
                "/predict",
                '{"features": [1]}',
                {**JSON, "x-request-id": identity},
            )
            for identity in ("a", "b", "c", "d")
        )
        await asyncio.gather(*asking)

    asyncio.run(scenario())
    told = [json.loads(line)["request_id"] for line in caplog.text.splitlines()]
    assert told == (["a", "b", "c", "d"] if size == 1 else ["a,b", "c,d"])


def test_metrics_count_by_template() -> None:
    app = create_app({"m": Scripted(), "n": Scripted(lambda _: [])})
    for _ in range(3):
        post("/predict", {"features": [1]}, app)
    post("/predict/batch", {"features": [[1], [2]]}, app)
    post("/predict", {"features": [1], "model_name": "n"}, app)
    for number in range(5):
        ask(app, "GET", f"/models/unknown-{number}")
        ask(app, "GET", f"/unknown-{number}")
        ask(app, f"STRANGE{number}", "/health")
    response = ask(app, "GET", "/metrics")
    kind = "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["content-type"] == kind
    text = response.text
    answered = {"method": "POST", "endpoint": "/predict", "status": "200"}
    assert value(text, "http_requests_total", **answered) == 3
    failed = {**answered, "status": "500"}
    assert value(text, "http_requests_total", **failed) == 1
    timed = {"method": "POST", "endpoint": "/predict"}
    assert value(text, "http_request_duration_seconds_count", **timed) == 4
    for endpoint, method, status in (
        ("/models/{model_id}", "GET", "404"),
        ("unmatched", "GET", "404"),
        ("/health", "other", "405"),
    ):
        labels = {"method": method, "endpoint": endpoint, "status": status}
        assert value(text, "http_requests_total", **labels) == 5
    assert value(text, "ml_predictions_total", model="m") == 5
    assert value(text, "ml_prediction_errors_total", model="n") == 1
    assert value(text, "ml_models_loaded") == 2
    assert value(text, "ml_model_info", model="n", version="") == 1
    assert value(text, "ml_canary_share", model="n") == 0
    assert value(text, "ml_canary_rolled_back", model="n") == 0
    assert value(text, "ml_batch_size_sum") == 6
    assert value(text, "ml_queue_depth") == 0
    # The request for the metrics itself.
    assert value(text, "http_requests_in_progress") == 1


def test_a_client_that_asks_too_often_is_told_when_to_come_back() -> None:
    now = 0.0
    limiter = RateLimiter(rate=0.25, burst=2, clock=lambda: now)
    app = create_app({"m": Scripted()}, limiter=limiter)
    body = {"features": [1]}
    assert [post("/predict", body, app).status_code for _ in range(2)] == [200, 200]
    refused = post("/predict", body, app)
    assert assert_problem(refused, 429) == "too many requests"
    assert refused.headers["retry-after"] == "4"
    assert ask(app, "GET", "/health").status_code == 200
    now = 4.0
    assert post("/predict", body, app).status_code == 200
    text = ask(app, "GET", "/metrics").text
    labels = {"method": "POST", "endpoint": "/predict", "status": "429"}
    assert value(text, "http_requests_total", **labels) == 1


def test_the_chat_is_refused_in_its_own_shape() -> None:
    shutdown = GracefulShutdown()
    app = create_app({"m": Scripted()}, shutdown=shutdown)
    asyncio.run(shutdown.shutdown())
    for path in ("/chat/completions", "/v1/chat/completions"):
        refused = ask(app, "POST", path, "{}", JSON)
        assert refused.status_code == 503
        error = strict_json(refused)["error"]
        assert isinstance(error, dict)
        assert error["message"] == "the service is shutting down"
        assert set(error) == {"message", "type", "param", "code"}


def test_a_service_that_ends_lets_no_work_in() -> None:
    shutdown = GracefulShutdown()
    app = create_app({"m": Scripted()}, shutdown=shutdown)
    assert post("/predict", {"features": [1]}, app).status_code == 200
    assert asyncio.run(shutdown.shutdown()).drained
    refused = post("/predict", {"features": [1]}, app)
    assert assert_problem(refused, 503) == "the service is shutting down"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["connection"] == "close"
    assert strict_json(ask(app, "GET", "/health"))["status"] == "healthy"
    ready = ask(app, "GET", "/ready")
    assert ready.status_code == 503
    assert strict_json(ready)["detail"] == "the service is shutting down"


def test_head_sends_no_body() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "HEAD",
        "path": "/models",
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(APP(scope, receive, send))
    start, *bodies = sent
    assert start["status"] == 200
    # The length is that which GET would have.
    [length] = [value for name, value in start["headers"] if name == b"content-length"]
    assert int(length) == len(ask(APP, "GET", "/models").content)
    assert not any(message.get("body") for message in bodies)
