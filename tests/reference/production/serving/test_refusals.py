"""What the service refuses, and how it tells: every error has one body."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.production.serving import create_app
from tests.reference.production.serving.support import (
    APP,
    EMPTY_APP,
    MODELS,
    ROWS_LIMIT,
    ask,
    assert_problem,
    post,
    strict_json,
)

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


@pytest.mark.parametrize(
    "body",
    [
        {"features": dict.fromkeys(map(str, range(10_000)), "")},
        {"features": [""] * 10_000},
        {"features": [{"age": ""}] * 10_000},
        {"features": [1], **dict.fromkeys(map(str, range(10_000)), 0)},
    ],
)
def test_many_errors_are_not_looked_for(body: dict[str, object]) -> None:
    app = create_app({"linear": MODELS["linear"]})
    for path in ("/predict", "/predict/batch"):
        detail = assert_problem(ask(app, "POST", path, json.dumps(body)), 422)
        assert " more" not in detail


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
