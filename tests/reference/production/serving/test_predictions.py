"""What the service answers to sound requests, against scikit-learn."""

import json
from datetime import datetime, timedelta

import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import ArrayLike

from reference.core.validation import Array
from reference.production.serving import create_app
from tests.reference.production.serving.support import (
    APP,
    CLASSIFIER,
    EMPTY_APP,
    MODELS,
    NAMES,
    REGRESSOR,
    ROWS_LIMIT,
    Scripted,
    ScriptedClassifier,
    X,
    ask,
    assert_problem,
    post,
    strict_json,
)


@pytest.mark.parametrize("word", ["model_name", "model_id"])
def test_predicts_as_scikit_learn_does(word: str) -> None:
    body = {"features": X[0].tolist(), word: "unnamed", "request_id": "r-1 ☂"}
    answer = strict_json(post("/predict", body))
    expected = REGRESSOR.predict(X[:1]).tolist()
    assert answer["prediction"] == expected[0]
    assert answer["predictions"] == expected
    assert answer["probabilities"] is None
    assert answer["confidence"] is None
    assert answer["model_name"] == answer["model_id"] == "unnamed"
    assert answer["model_type"] == "Fitted"
    assert answer["request_id"] == "r-1 ☂"


def test_names_may_come_in_any_order_and_the_first_model_is_the_default() -> None:
    named = dict(reversed(list(zip(NAMES, X[1].tolist(), strict=True))))
    answer = strict_json(post("/predict", {"features": named}))
    assert answer["prediction"] == REGRESSOR.predict(X[1:2])[0]
    assert answer["model_name"] == "linear"
    assert answer["request_id"] is None


def test_classes_come_with_probabilities_and_confidence() -> None:
    body = {"features": X[2].tolist(), "model_name": "logistic"}
    answer = strict_json(post("/predict", body))
    chances = CLASSIFIER.predict_proba(X[2:3])
    assert answer["prediction"] == CLASSIFIER.predict(X[2:3])[0]
    assert answer["probabilities"] == chances.tolist()
    assert answer["confidence"] == chances.max()


@pytest.mark.parametrize("rows", [1, ROWS_LIMIT])
def test_batch_keeps_the_order_of_the_rows(rows: int) -> None:
    body = {"features": X[:rows].tolist(), "model_name": "logistic"}
    answer = strict_json(post("/predict/batch", body))
    assert answer["predictions"] == CLASSIFIER.predict(X[:rows]).tolist()
    assert answer["probabilities"] == CLASSIFIER.predict_proba(X[:rows]).tolist()


def test_batch_rows_may_be_named() -> None:
    rows = [dict(zip(NAMES, row, strict=True)) for row in X[:2].tolist()]
    answer = strict_json(post("/predict/batch", {"features": rows}))
    assert answer["predictions"] == REGRESSOR.predict(X[:2]).tolist()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (np.array([3]), 3),
        (np.array([True]), 1),
        (np.array([0.1], dtype=np.float32), float(np.float32(0.1))),
        (np.array(["a"], dtype=object), "a"),
        ([2.5], 2.5),
    ],
)
def test_numbers_and_words_are_labels(
    output: ArrayLike, expected: int | float | str
) -> None:
    app = create_app({"m": Scripted(lambda _: output)})
    prediction = strict_json(post("/predict", {"features": [0]}, app))["prediction"]
    assert prediction == expected
    assert type(prediction) is type(expected)


def test_rounding_beyond_one_is_not_a_failure() -> None:
    app = create_app({"m": ScriptedClassifier(chances=[[1 + 1e-9, -1e-9]])})
    answer = strict_json(post("/predict", {"features": [0]}, app))
    assert answer["probabilities"] == [[1.0, 0.0]]
    assert answer["confidence"] == 1.0


def test_models_are_listed_and_described() -> None:
    listed = strict_json(ask(APP, "GET", "/models"))["models"]
    assert isinstance(listed, list)
    assert [entry["model_id"] for entry in listed] == list(MODELS)
    assert listed[0] == {
        "model_id": "linear",
        "model_type": "Fitted",
        "n_features": 3,
        "feature_names": NAMES,
        "n_classes": None,
        "version": None,
        "canary": None,
        "metadata": {},
    }
    assert strict_json(ask(APP, "GET", "/metadata")) == listed[0]
    for entry in listed:
        assert strict_json(ask(APP, "GET", f"/models/{entry['model_id']}")) == entry
    assert listed[2]["feature_names"] is None


def test_health_tells_whether_there_is_a_model() -> None:
    healthy = strict_json(ask(APP, "GET", "/health"))
    assert (healthy["status"], healthy["models_loaded"]) == ("healthy", 3)
    degraded = strict_json(ask(EMPTY_APP, "GET", "/health"))
    assert (degraded["status"], degraded["models_loaded"]) == ("degraded", 0)
    assert degraded["components"] == {
        "models": {"status": "degraded", "message": "0 loaded"}
    }


def test_durations_come_from_the_clock_and_timestamps_are_utc() -> None:
    now = 100.0

    def take_a_quarter(features: Array) -> ArrayLike:
        nonlocal now
        now += 0.25
        return features[:, 0]

    app = create_app({"m": Scripted(take_a_quarter)}, clock=lambda: now)
    now = 103.5
    assert strict_json(ask(app, "GET", "/health"))["uptime_seconds"] == 3.5
    answer = strict_json(post("/predict", {"features": [1]}, app))
    assert (answer["latency_ms"], answer["processing_time"]) == (250.0, 0.25)
    timestamp = datetime.fromisoformat(str(answer["timestamp"]))
    assert timestamp.utcoffset() == timedelta(0)


def test_readiness_needs_a_model() -> None:
    ready = ask(APP, "GET", "/ready")
    assert ready.status_code == 200
    assert strict_json(ready) == {"ready": True, "detail": "3 models loaded"}
    empty = ask(EMPTY_APP, "GET", "/ready")
    assert empty.status_code == 503
    assert strict_json(empty) == {"ready": False, "detail": "no model is loaded"}


def test_the_root_says_where_to_go() -> None:
    welcome = strict_json(ask(create_app(title="T", version="2.5"), "GET", "/"))
    assert welcome == {"message": "T", "version": "2.5", "documentation": "/docs"}
    assert ask(APP, "GET", "/docs").status_code == 200


def stages(body: object, app: FastAPI = APP) -> list[dict[str, object]]:
    """Return the lines of a streamed prediction."""
    response = post("/predict/stream", body, app)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.content.endswith(b"\n")
    return [json.loads(line) for line in response.content.splitlines()]


def test_a_stream_tells_the_stages_and_ends_with_the_answer() -> None:
    body = {"features": X[0].tolist(), "model_name": "logistic", "request_id": "r"}
    received, predicting, completed = stages(body)
    told = [line["stage"] for line in (received, predicting, completed)]
    assert told == ["received", "predicting", "completed"]
    assert received["request_id"] == predicting["request_id"] == "r"
    result, plain = completed["result"], strict_json(post("/predict", body))
    assert isinstance(result, dict)
    for name in plain.keys() - {"latency_ms", "processing_time", "timestamp"}:
        assert result[name] == plain[name]


def test_a_stream_of_a_broken_model_ends_with_the_failure() -> None:
    app = create_app({"m": Scripted(lambda _: [])})
    *_, failed = stages({"features": [1]}, app)
    assert (failed["stage"], failed["result"]) == ("failed", None)
    assert failed["detail"] == "the model failed to predict"


def test_a_stream_refuses_before_it_begins() -> None:
    assert_problem(post("/predict/stream", {"features": [1]}), 422)
    unknown = {"features": [1, 2, 3], "model_name": "other"}
    assert_problem(post("/predict/stream", unknown), 404)


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/models", "/metrics"])
def test_head_is_get_without_the_body(path: str) -> None:
    head, get = ask(APP, "HEAD", path), ask(APP, "GET", path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
