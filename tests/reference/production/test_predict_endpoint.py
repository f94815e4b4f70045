"""The prediction service against scikit-learn, hostile bodies and its own schema."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sklearn.linear_model import LinearRegression, LogisticRegression

from reference.core.validation import Array
from reference.production.serving import Model, create_app

Operation = APIOperation[Any, Any, Any, Any]

BODY_LIMIT = 2000
ROWS_LIMIT = 4
NAMES = ["age", "income", "rooms"]


@dataclass
class Fitted:
    """A scikit-learn regressor as a ``Model``."""

    estimator: LinearRegression
    n_features: int = 3
    feature_names: Sequence[str] | None = None

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the estimator's predictions."""
        output: ArrayLike = self.estimator.predict(features)
        return output


@dataclass
class FittedClassifier:
    """A scikit-learn classifier as a ``Model`` with probabilities."""

    estimator: LogisticRegression
    n_features: int = 3

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the estimator's predictions."""
        output: ArrayLike = self.estimator.predict(features)
        return output

    def predict_proba(self, features: Array, /) -> ArrayLike:
        """Return the estimator's probabilities."""
        output: ArrayLike = self.estimator.predict_proba(features)
        return output


@dataclass
class Scripted:
    """A model of one feature that does what it is told, mostly something wrong."""

    respond: Callable[[Array], ArrayLike] = lambda features: features[:, 0]
    n_features: int = 1
    feature_names: Sequence[str] | None = None

    def predict(self, features: Array, /) -> ArrayLike:
        """Return what was asked for."""
        return self.respond(features)


@dataclass
class ScriptedClassifier(Scripted):
    """The same with probabilities."""

    chances: ArrayLike = ((0.5, 0.5),)

    def predict_proba(self, _: Array, /) -> ArrayLike:
        """Return what was asked for, whatever the number of rows."""
        return self.chances


RNG = np.random.default_rng(7)
X = RNG.normal(size=(40, 3))
REGRESSOR = LinearRegression().fit(X, X @ [1.0, -2.0, 0.5] + 3)
CLASSIFIER = LogisticRegression().fit(X, np.where(X[:, 0] > 0, "high", "low"))
MODELS: dict[str, Model] = {
    "linear": Fitted(REGRESSOR, feature_names=NAMES),
    "unnamed": Fitted(REGRESSOR),
    "logistic": FittedClassifier(CLASSIFIER),
}
APP = create_app(MODELS, max_batch_size=ROWS_LIMIT, max_body_bytes=BODY_LIMIT)
EMPTY_APP = create_app()


async def ask_async(
    app: FastAPI,
    method: str,
    path: str,
    content: bytes | str | AsyncIterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        given = {"content-type": "application/json"} if headers is None else headers
        return await client.request(method, path, content=content, headers=given)


def ask(
    app: FastAPI,
    method: str,
    path: str,
    content: bytes | str | AsyncIterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    return asyncio.run(ask_async(app, method, path, content, headers))


def post(path: str, body: object, app: FastAPI = APP) -> httpx.Response:
    return ask(app, "POST", path, json.dumps(body))


def strict_json(response: httpx.Response) -> dict[str, object]:
    """Parse an answer, refusing the NaN and Infinity that Python would accept."""

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} was sent out")

    body = json.loads(response.content.decode("utf-8"), parse_constant=refuse)
    assert isinstance(body, dict)
    return body


def assert_problem(response: httpx.Response, status: int) -> str:
    body = strict_json(response)
    assert response.status_code == status, body
    assert list(body) == ["detail"]
    detail = body["detail"]
    assert isinstance(detail, str)
    assert 0 < len(detail) < BODY_LIMIT
    return detail


# --- what is answered ---------------------------------------------------------


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
    }
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
    ticks = iter([100.0, 103.5, 200.0, 200.25])
    app = create_app({"m": Scripted()}, clock=lambda: next(ticks))
    assert strict_json(ask(app, "GET", "/health"))["uptime_seconds"] == 3.5
    answer = strict_json(post("/predict", {"features": [1]}, app))
    assert (answer["latency_ms"], answer["processing_time"]) == (250.0, 0.25)
    timestamp = datetime.fromisoformat(str(answer["timestamp"]))
    assert timestamp.utcoffset() == timedelta(0)


# --- what is refused ----------------------------------------------------------

BAD_BODIES: dict[str, str | bytes] = {
    "empty": "",
    "not JSON": '{"features": [1, 2, 3',
    "two documents": '{"features": [1, 2, 3]} 1',
    "not an object": "[1, 2, 3]",
    "NaN": '{"features": [1, 2, NaN]}',
    "infinity": '{"features": [1, 2, Infinity]}',
    "minus infinity": '{"features": [1, 2, -Infinity]}',
    "overflow": '{"features": [1, 2, 1e999]}',
    "huge integer": '{"features": [1, 2, 1' + "0" * 400 + "]}",
    "too large": '{"features": [1, 2, 1.1e30]}',
    "boolean": '{"features": [1, 2, true]}',
    "numeric string": '{"features": [1, 2, "3"]}',
    "null": '{"features": [1, 2, null]}',
    "nested": '{"features": [1, 2, [3]]}',
    "boolean by name": '{"features": {"age": 1, "income": 2, "rooms": false}}',
    "no features": '{"model_name": "linear"}',
    "empty features": '{"features": []}',
    "empty mapping": '{"features": {}}',
    "one number": '{"features": 5}',
    "too few": '{"features": [1, 2]}',
    "too many": '{"features": [1, 2, 3, 4]}',
    "missing name": '{"features": {"age": 1, "income": 2}}',
    "unknown name": '{"features": {"age": 1, "income": 2, "rooms": 3, "x": 4}}',
    "names not known": '{"features": {"age": 1}, "model_name": "unnamed"}',
    "name twice": '{"features": {"age": 1, "age": 1, "income": 2, "rooms": 3}}',
    "field twice": '{"features": [1, 2, 3], "features": [1, 2, 3]}',
    "extra field": '{"features": [1, 2, 3], "extra": 1}',
    "both words": '{"features": [1, 2, 3], "model_name": "a", "model_id": "a"}',
    "model number": '{"features": [1, 2, 3], "model_name": 1}',
    "long request id": '{"features": [1, 2, 3], "request_id": "' + "r" * 129 + '"}',
    "deep": "[" * 1999,
    "deep in features": '{"features": ' + "[" * 990 + "]" * 990 + "}",
    "not UTF-8": b'{"features": [1, 2, 3], "request_id": "\xff"}',
    "UTF-16": '{"features": [1, 2, 3]}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"features": [1, 2, 3]}',
    "half a pair": r'{"features": [1, 2, 3], "request_id": "\ud800"}',
    "half a pair as name": r'{"features": {"\udc00": 1}}',
    "half a pair as field": r'{"features": [1, 2, 3], "\udc00": 1}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies_are_422(name: str) -> None:
    assert_problem(ask(APP, "POST", "/predict", BAD_BODIES[name]), 422)


BAD_BATCHES: dict[str, str] = {
    "no rows": '{"features": []}',
    "one row": '{"features": [1, 2, 3]}',
    "empty row": '{"features": [[]]}',
    "ragged": '{"features": [[1, 2, 3], [1, 2]]}',
    "NaN": '{"features": [[1, 2, NaN]]}',
    "overflow": '{"features": [[1, 2, -1e999]]}',
    "string": '{"features": [["1", 2, 3]]}',
    "too many rows": json.dumps({"features": [[1, 2, 3]] * (ROWS_LIMIT + 1)}),
    "many wrong rows": '{"features": [' + "0, " * 500 + "0]}",
    "many extra fields": json.dumps({str(number): 0 for number in range(150)}),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_bad_batches_are_422(name: str) -> None:
    assert_problem(ask(APP, "POST", "/predict/batch", BAD_BATCHES[name]), 422)


def test_messages_name_the_argument_what_was_expected_and_what_was_given() -> None:
    width = assert_problem(post("/predict", {"features": [1, 2]}), 422)
    assert width == "features of row 0 must be 3 numbers for model linear, got 2"
    names = assert_problem(post("/predict", {"features": {"age": 1, "x": 2}}), 422)
    assert "missing ['income', 'rooms'], unknown ['x']" in names
    number = assert_problem(post("/predict", {"features": [1, True, 3]}), 422)
    assert number == "body.features.list.1: Input should be a valid number"
    rows = {"features": [[1, 2, 3]] * (ROWS_LIMIT + 1)}
    batch = assert_problem(post("/predict/batch", rows), 422)
    assert batch == "features must be at most 4 rows, got 5"
    syntax = assert_problem(ask(APP, "POST", "/predict", "[1, 2"), 422)
    assert syntax.startswith("body must be JSON, ")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"x": NaN}', "body must be strict JSON, NaN is not a number in JSON"),
        (
            '{"features": [1' + "0" * 5000 + "]}",
            "body.features.list.0: Input should be a finite number",
        ),
        (
            r'{"features": [1, 2, 3], "model_name": "\ud800"}',
            "body must be text in UTF-8",
        ),
    ],
)
def test_json_is_refused_where_python_is_laxer_or_stricter(
    body: str, detail: str
) -> None:
    app = create_app({"linear": MODELS["linear"]})
    assert assert_problem(ask(app, "POST", "/predict", body), 422) == detail


@pytest.mark.parametrize("wanted", ["nope", "", "../linear", "\N{SNOWMAN}" * 300])
def test_unknown_models_are_404(wanted: str) -> None:
    one = {"features": [1, 2, 3], "model_name": wanted}
    assert_problem(post("/predict", one), 404)
    batch = {"features": [[1, 2, 3]], "model_id": wanted}
    assert_problem(post("/predict/batch", batch), 404)


@pytest.mark.parametrize("path", ["nope", "", "a/b", "%ff", "%00", "%F0%9F%98%80"])
def test_unknown_model_paths_are_404(path: str) -> None:
    assert_problem(ask(APP, "GET", f"/models/{path}"), 404)


def test_without_models_predictions_are_404() -> None:
    assert_problem(post("/predict", {"features": [1]}, EMPTY_APP), 404)
    assert strict_json(ask(EMPTY_APP, "GET", "/models")) == {"models": []}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/jsonp"},
    ],
)
def test_other_media_types_are_415(headers: dict[str, str]) -> None:
    body = '{"features": [1, 2, 3]}'
    assert_problem(ask(APP, "POST", "/predict", body, headers), 415)


def test_parameters_of_the_media_type_are_allowed() -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    response = ask(APP, "POST", "/predict", '{"features": [1, 2, 3]}', headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/predict"), ("PUT", "/predict/batch"), ("POST", "/health")],
)
def test_other_methods_are_405(method: str, path: str) -> None:
    response = ask(APP, method, path)
    assert_problem(response, 405)
    assert response.headers["allow"] in {"GET", "POST"}


def padded(size: int) -> str:
    """Return a good request of exactly ``size`` bytes."""
    return '{"features": [1, 2, 3]}'.ljust(size)


def test_the_limit_of_the_body_is_exact() -> None:
    assert ask(APP, "POST", "/predict", padded(BODY_LIMIT)).status_code == 200
    response = ask(APP, "POST", "/predict", padded(BODY_LIMIT + 1))
    detail = assert_problem(response, 413)
    assert detail == f"body must be at most {BODY_LIMIT} bytes"
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("declared", [None, "5", "-1", "x", "9" * 5000])
def test_an_endless_body_is_refused_as_it_arrives(declared: str | None) -> None:
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        while True:
            pulled += 1
            yield b" " * 100

    headers = {"content-type": "application/json"}
    if declared is not None:
        headers["content-length"] = declared
    assert_problem(ask(APP, "POST", "/predict", endless(), headers), 413)
    assert pulled <= BODY_LIMIT / 100 + 1


def test_a_declared_excess_is_refused_before_anything_is_read() -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    headers = {"content-type": "application/json", "content-length": "2001"}
    assert_problem(ask(APP, "POST", "/predict", body(), headers), 413)
    assert not read


def test_a_real_server_refuses_a_chunked_body_before_its_end() -> None:
    config = uvicorn.Config(APP, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.005)
        assert server.started
        address = server.servers[0].sockets[0].getsockname()
        with socket.create_connection(address, timeout=10) as connection:
            size = BODY_LIMIT + 1
            # The last chunk, which would end the body, never comes.
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: t\r\n"
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"%x\r\n%s\r\n"
                % (size, padded(size).encode())
            )
            with connection.makefile("rb") as answer:
                # Ends only because the server closes the connection.
                head, _, body = answer.read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        assert json.loads(body) == {
            "detail": f"body must be at most {BODY_LIMIT} bytes"
        }
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


# --- what is the fault of the model -------------------------------------------


def fail(_: Array) -> ArrayLike:
    raise KeyError("secret")


BROKEN: dict[str, Model] = {
    "raises": Scripted(fail),
    "too short": Scripted(lambda _: []),
    "too long": Scripted(lambda _: [1.0, 2.0]),
    "a scalar": Scripted(lambda _: 1.0),
    "a column": Scripted(lambda _: [[1.0]]),
    "NaN": Scripted(lambda _: [np.nan]),
    "infinity": Scripted(lambda _: [-np.inf]),
    "complex": Scripted(lambda _: np.array([1j])),
    "an object": Scripted(lambda _: np.array([None])),
    "probabilities NaN": ScriptedClassifier(chances=[[np.nan, 0.5]]),
    "probabilities too large": ScriptedClassifier(chances=[[1.1, 0.0]]),
    "probabilities negative": ScriptedClassifier(chances=[[1.0, -0.1]]),
    "probabilities flat": ScriptedClassifier(chances=[0.5]),
    "probabilities without classes": ScriptedClassifier(chances=np.empty((1, 0))),
    "probabilities of more rows": ScriptedClassifier(chances=[[1.0], [1.0]]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_a_clean_500(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app({"m": BROKEN[name]})
    with caplog.at_level(logging.ERROR, "reference.production.serving"):
        response = post("/predict", {"features": [1]}, app)
    assert assert_problem(response, 500) == "the model failed to predict"
    [record] = caplog.records
    assert record.getMessage() == "model m failed"
    assert record.exc_info is not None
    assert ask(app, "GET", "/health").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [("/predict", '{"features": [1]}'), ("/predict/batch", '{"features": [[1]]}')],
)
def test_a_slow_model_does_not_block_the_others(path: str, body: str) -> None:
    entered, released = threading.Event(), threading.Event()

    def wait(features: Array) -> ArrayLike:
        entered.set()
        if not released.wait(10):
            raise TimeoutError
        return features[:, 0]

    app = create_app({"m": Scripted(wait)})

    async def scenario() -> tuple[int, int]:
        slow = asyncio.create_task(ask_async(app, "POST", path, body))
        assert await asyncio.to_thread(entered.wait, 10)
        health = await ask_async(app, "GET", "/health")
        assert not slow.done()
        released.set()
        return health.status_code, (await slow).status_code

    assert asyncio.run(scenario()) == (200, 200)


@pytest.mark.parametrize(
    "model_id", ["", "a/b", "..", "a b", "\N{SNOWMAN}", "m\n", "-m"]
)
def test_models_need_a_name_that_fits_a_path(model_id: str) -> None:
    with pytest.raises(ValueError, match=r"^models must be named by letters"):
        create_app({model_id: Scripted()})


def test_models_must_be_described_consistently() -> None:
    with pytest.raises(ValueError, match="n_features of m must be at least 1, got 0"):
        create_app({"m": Scripted(n_features=0)})
    for names in (["a"], ["a", "a"]):
        with pytest.raises(ValueError, match="must be 2 different names"):
            create_app({"m": Scripted(n_features=2, feature_names=names)})


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_batch_size must be at least 1, got 0"):
        create_app(max_batch_size=0)
    with pytest.raises(ValueError, match="max_body_bytes must be at least 1, got 0"):
        create_app(max_body_bytes=0)


# --- what nobody thought of ---------------------------------------------------

PATHS = st.sampled_from(["/predict", "/predict/batch"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NEARLY_REQUESTS = st.fixed_dictionaries(
    {"features": st.lists(st.floats(), min_size=2, max_size=4) | JSON_VALUES},
    optional={
        "model_name": st.sampled_from([*MODELS, None]) | JSON_VALUES,
        "request_id": st.text() | JSON_VALUES,
    },
)


@settings(max_examples=100, deadline=None)
@given(path=PATHS, body=st.binary() | st.text().map(str.encode))
def test_no_bytes_break_it(path: str, body: bytes) -> None:
    response = ask(APP, "POST", path, body)
    assert_problem(response, 422)


@settings(max_examples=200, deadline=None)
@given(path=PATHS, request=NEARLY_REQUESTS)
def test_no_json_breaks_it(path: str, request: dict[str, object]) -> None:
    response = post(path, request)
    if response.status_code == 200:
        assert strict_json(response)["request_id"] == request.get("request_id")
    else:
        assert_problem(response, response.status_code)
        assert response.status_code in {404, 413, 422}


# One feature, so that rows made from the schema, which knows no model, often fit.
SIGN = LogisticRegression().fit([[-1.0], [1.0]], ["minus", "plus"])
SCHEMA_APP = create_app({"m": FittedClassifier(SIGN, n_features=1)})
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", SCHEMA_APP)
OPERATIONS = {
    operation.label: operation
    for operation in (
        found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)
    )
}
# Not positive_data_acceptance: no schema can say how wide the rows of a model are.
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
    negative_data_rejection,
]


# A wrong request can be made only where there is a body: every path is a right one.
MODES = [
    (label, mode)
    for label in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or label.startswith("POST")
]


@pytest.mark.parametrize(("label", "mode"), MODES)
def test_answers_are_as_the_schema_says(label: str, mode: GenerationMode) -> None:
    statuses = set()

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(case=OPERATIONS[label].as_strategy(mode))
    def conforms(case: Case[Operation]) -> None:
        statuses.add(case.call_and_validate(checks=CHECKS).status_code)

    conforms()
    if mode is GenerationMode.POSITIVE and "{" not in label:
        assert 200 in statuses, "nothing but refusals was tried"


def test_a_known_model_is_described_as_the_schema_says() -> None:
    operation = OPERATIONS["GET /models/{model_id}"]
    case = operation.Case(path_parameters={"model_id": "m"})
    assert case.call_and_validate(checks=CHECKS).status_code == 200


def test_every_operation_is_documented() -> None:
    assert set(OPERATIONS) == {
        "POST /predict",
        "POST /predict/batch",
        "GET /models",
        "GET /models/{model_id}",
        "GET /health",
    }
    schemas = APP.openapi()["components"]["schemas"]
    for name in ("PredictionRequest", "BatchPredictionRequest"):
        assert schemas[name]["not"] == {"required": ["model_name", "model_id"]}
        assert schemas[name]["additionalProperties"] is False
    problem = {"$ref": "#/components/schemas/Problem"}
    paths = APP.openapi()["paths"]
    for path in ("/predict", "/predict/batch"):
        responses = paths[path]["post"]["responses"]
        assert set(responses) == {"200", "404", "413", "415", "422", "500"}
        for status in set(responses) - {"200"}:
            assert responses[status]["content"]["application/json"]["schema"] == problem
    assert "at most 4" in paths["/predict/batch"]["post"]["description"]


def test_importing_is_light() -> None:
    heavy = "{'torch', 'scipy', 'sklearn', 'numba'}"
    code = (
        "import sys, reference.production.serving; "
        f"raise SystemExit(' '.join({heavy} & sys.modules.keys()) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
