import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import assert_close, assert_dtype, assert_equal, assert_holds
from dojo.testing.http import JSON, Answer, Client, assert_status, new_input
from dojo.testing.openapi import Document, Operation
from katas.serving.predict_endpoint import create_app

Array = NDArray[np.float64]

NAN_AND_INFINITY = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400)
NO_NUMBERS = ("true", "false", '"3"', "null", "[3]", "{}", '"NaN"')
NO_JSON = (
    b"",
    b"{",
    b'{"features": [1, 2]',
    b'{"features": [1, 2]} 1',
    b"{'features': [1, 2]}",
    b'{"features": [1, 2], "model_name": "\xff"}',
    '{"features": [1, 2]}'.encode("utf-16"),
    b'{"features": [1, 2], "model_name": "\\ud800"}',
    b'{"features": [1' + b"0" * 5000 + b", 2]}",
    b"[" * 3000,
)
NOT_OF_THE_SCHEMA: tuple[object, ...] = (
    None,
    5,
    [1, 2],
    {},
    {"features": 5},
    {"features": None},
    {"features": "1, 2"},
    {"model_name": "sum"},
    {"features": [1, 2], "model_name": 1},
    {"features": [1, 2], "model_name": ["sum"]},
    {"features": [1, 2], "model": "sum"},
    {"Features": [1, 2]},
)
PROBLEMS = (404, 413, 415, 422, 500)
# A new application takes some milliseconds.
few = settings(max_examples=10)
POSTS = ("/predict", "/predict/batch")

features = st.floats(-1e6, 1e6)
rows = st.lists(st.tuples(features, features).map(list), min_size=1, max_size=6)


@dataclass
class Weighted:
    """The model Σ wᵢ xᵢ; it keeps what it was given."""

    weights: tuple[float, ...]
    seen: list[Array] = field(default_factory=list, repr=False)

    @property
    def n_features(self) -> int:
        return len(self.weights)

    def predict(self, features: Array, /) -> Array:
        self.seen.append(features)
        return self.answers(features)

    def answers(self, rows: object) -> Array:
        return np.asarray((np.array(rows) * self.weights).sum(axis=1))


@dataclass
class Scripted:
    """A model of one feature that gives what it is told, or raises it."""

    gives: object
    n_features: int = 1

    def predict(self, features: Array, /) -> object:
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


def models() -> dict[str, Weighted]:
    """Return two models of different widths."""
    return {"sum": Weighted((1.0, 1.0)), "mixed": Weighted((1.0, 10.0, 100.0))}


def client(**limits: int) -> Client:
    """Return a client of a new application that serves them."""
    return client_of(models(), **limits)


def client_of(loaded: Mapping[str, Any], **limits: int) -> Client:
    """Return a client of a new application that serves these."""
    new_input()
    return Client(create_app(loaded, **limits))


def assert_answer(answer: Answer, **fields: object) -> None:
    """Check status 200 and the fields; there may be more of them."""
    __tracebackhide__ = True
    assert_status(answer, 200)
    body = answer.json()
    for name, expected in fields.items():
        what = f"{name} in the answer to {answer.request}"
        assert_holds(name in body, f"there is a {what}", actual=body)
        if name.startswith("prediction"):
            assert_close(body[name], expected, what=what)
        else:
            assert_equal(body[name], expected, what)


def assert_problem(answer: Answer, status: int) -> str:
    """Check the status, and that the body is {"detail": text} and of decent size."""
    __tracebackhide__ = True
    assert_status(answer, status)
    body = answer.json()
    what = f"the answer to {answer.request} is {{'detail': text}}"
    sound = isinstance(body, dict) and list(body) == ["detail"]
    sound = sound and isinstance(body["detail"], str)
    assert_holds(sound, what, actual=body)
    length = len(body["detail"])
    claim = f"the detail of the answer to {answer.request} has 1 to 2000 characters"
    assert_holds(0 < length <= 2000, claim, actual=length)
    return str(body["detail"])


def as_batch(body: object) -> object:
    """Make the body of a batch of one row from that of a single row."""
    if not isinstance(body, dict) or "features" not in body:
        return body
    return {**body, "features": [body["features"]]}


@few
@given(features, features)
@example(1.0, 2.0)
@example(3.0, -4.5)
def test_one_row(first: float, second: float) -> None:
    """POST /predict gives the model's prediction for one row, and the model's name."""
    loaded = models()
    app = client_of(loaded)
    expected = float(loaded["sum"].answers([[first, second]])[0])
    for extra in ({}, {"model_name": None}, {"model_name": "sum"}):
        answer = app.post("/predict", {"features": [first, second], **extra})
        assert_answer(answer, prediction=expected, model_name="sum")
    answer = app.post("/predict", {"features": [1, 2, 3], "model_name": "mixed"})
    assert_answer(answer, prediction=321.0, model_name="mixed")


@given(rows)
@example([[3.0, 1.0], [1.0, 1.0], [2.0, 5.0], [1.0, 1.0]])
def test_a_batch_keeps_its_order(batch: list[list[float]]) -> None:
    """POST /predict/batch gives one prediction for each row, in the order of rows."""
    loaded = models()
    app = client_of(loaded)
    expected = loaded["sum"].answers(batch).tolist()
    answer = app.post("/predict/batch", {"features": batch})
    assert_answer(answer, predictions=expected, model_name="sum")
    wide = [[*row, 0.5] for row in batch]
    expected = loaded["mixed"].answers(wide).tolist()
    answer = app.post("/predict/batch", {"features": wide, "model_name": "mixed"})
    assert_answer(answer, predictions=expected, model_name="mixed")


def test_a_batch_is_one_call_of_the_model() -> None:
    """The model gets one float64 array of shape (n, n_features) for a whole batch."""
    loaded = models()
    app = client_of(loaded)
    for path, body in (
        ("/predict/batch", [[1, 2, 3], [4, 5, 6]]),
        ("/predict", [7, 8, 9]),
    ):
        app.post(path, {"features": body, "model_name": "mixed"})
        seen = loaded["mixed"].seen
        assert_equal(len(seen), 1, "the number of calls of predict")
        assert_dtype(seen[0], np.float64, "what the model got")
        expected = np.array(body, dtype=np.float64).reshape(-1, 3)
        assert_equal(seen[0], expected, "what the model got")
        seen.clear()
    assert_equal(len(loaded["sum"].seen), 0, "the number of calls of the other model")


def test_the_models_are_described() -> None:
    """GET /models describes all models in order, GET /models/{model_id} one of them."""
    app = client()
    expected = [
        {"model_id": "sum", "n_features": 2},
        {"model_id": "mixed", "n_features": 3},
    ]
    answer = app.get("/models")
    assert_status(answer, 200)
    listed = answer.json()["models"]
    assert_equal(len(listed), 2, "the number of models")
    for given_one, wanted in zip(listed, expected, strict=True):
        for name, value in wanted.items():
            assert_equal(given_one[name], value, f"{name} in GET /models")
        assert_answer(app.get(f"/models/{wanted['model_id']}"), **wanted)
    assert_equal(client_of({}).get("/models").json(), {"models": []})


def test_health_tells_the_truth() -> None:
    """GET /health is 200 and healthy with models, 200 and degraded without any."""
    answer = client().get("/health")
    assert_answer(answer, status="healthy", models_loaded=2)
    answer = client_of({}).get("/health")
    assert_answer(answer, status="degraded", models_loaded=0)


@few
@given(
    st.text(min_size=1, max_size=4).filter(lambda name: name not in ("sum", "mixed"))
)
@example("other")
@example("Sum")
def test_an_unknown_model_is_404(name: str) -> None:
    """A name that no model has is 404, and no other model answers in its place."""
    app = client()
    body = {"features": [1, 2], "model_name": name}
    assert_problem(app.post("/predict", body), 404)
    assert_problem(app.post("/predict/batch", as_batch(body)), 404)
    if name.isalnum():
        assert_problem(app.get(f"/models/{name}"), 404)


def test_no_name_and_an_empty_name_differ() -> None:
    """An empty name is a name that no model has; without models there is no default."""
    body = {"features": [1, 2], "model_name": ""}
    for loaded in (models(), {}):
        app = client_of(loaded)
        assert_problem(app.post("/predict", body), 404)
        assert_problem(app.post("/predict/batch", as_batch(body)), 404)
    for path, value in zip(POSTS, ([1, 2], [[1, 2]]), strict=True):
        assert_problem(client_of({}).post(path, {"features": value}), 404)


@few
@given(st.integers(0, 5).filter(lambda width: width != 2))
@example(1)
@example(3)
@example(0)
def test_the_width_is_checked(width: int) -> None:
    """A row with more or fewer numbers than the model has features is 422."""
    app = client()
    row = [1.0] * width
    assert_problem(app.post("/predict", {"features": row}), 422)
    for batch in ([row], [[1, 2], row], [row, [1, 2]]):
        assert_problem(app.post("/predict/batch", {"features": batch}), 422)


def test_only_finite_numbers_reach_a_model() -> None:
    """NaN, Infinity and numbers beyond float64 are 422, and the answer is JSON."""
    for token in NAN_AND_INFINITY:
        for path, text in zip(POSTS, ("[1, %s]", "[[1, 2], [1, %s]]"), strict=True):
            body = f'{{"features": {text % token}}}'.encode()
            assert_problem(client().request("POST", path, body), 422)
    body = b'{"features": [1, 2], "other": NaN}'
    assert_problem(client().request("POST", "/predict", body), 422)


def test_only_numbers_are_numbers() -> None:
    """true, "3" and null are no numbers, although Python would make numbers of them."""
    for token in NO_NUMBERS:
        for path, text in zip(POSTS, ("[1, %s]", "[[1, 2], [%s, 2]]"), strict=True):
            body = f'{{"features": {text % token}}}'.encode()
            assert_problem(client().request("POST", path, body), 422)


def test_a_body_that_is_no_json_is_422() -> None:
    """Whatever bytes come, nested, cut off or not UTF-8, the answer is a clean 422."""
    for body in NO_JSON:
        for path in POSTS:
            assert_problem(client().request("POST", path, body), 422)


def test_a_body_of_another_schema_is_422() -> None:
    """A field too few, too many, misspelt or of another type is 422."""
    for body in NOT_OF_THE_SCHEMA:
        assert_problem(client().post("/predict", body), 422)
        assert_problem(client().post("/predict/batch", as_batch(body)), 422)
    assert_problem(client().post("/predict", {"features": [[1, 2]]}), 422)
    assert_problem(client().post("/predict/batch", {"features": [1, 2]}), 422)


@few
@given(st.integers(1, 4), st.integers(0, 6))
@example(3, 3)
@example(3, 4)
@example(2, 0)
def test_a_batch_has_a_limit(limit: int, size: int) -> None:
    """A batch of max_batch_size rows is answered; of one more or none it is 422."""
    app = client(max_batch_size=limit)
    answer = app.post("/predict/batch", {"features": [[1, 2]] * size})
    if 0 < size <= limit:
        assert_answer(answer, predictions=[3.0] * size)
    else:
        assert_problem(answer, 422)


def test_the_default_limits() -> None:
    """By default a batch has at most 1000 rows, and a body at most 1,000,000 bytes."""
    app = client()
    answer = app.post("/predict/batch", {"features": [[1, 2]] * 1000})
    assert_answer(answer, predictions=[3.0] * 1000)
    assert_problem(app.post("/predict/batch", {"features": [[1, 2]] * 1001}), 422)
    body = b'{"features": [1, 2]}'.ljust(1_000_000)
    assert_answer(app.request("POST", "/predict", body), prediction=3.0)
    assert_problem(app.request("POST", "/predict", body + b" "), 413)


def test_only_json_is_taken() -> None:
    """The media type is application/json, whatever its case and parameters, or 415."""
    body = b'{"features": [1, 2]}'
    for given_type in (
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json ;x=y",
    ):
        headers = {"content-type": given_type}
        answer = client().request("POST", "/predict", body, headers)
        assert_answer(answer, prediction=3.0)
    for headers in (
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/json-seq"},
        {"content-type": "text/plain; a=application/json"},
        {"content-type": "application/x-www-form-urlencoded"},
    ):
        for path in POSTS:
            assert_problem(client().request("POST", path, body, headers), 415)


@few
@given(st.integers(20, 200), st.integers(-2, 2))
@example(100, 0)
@example(100, 1)
def test_the_size_of_a_body_is_limited(limit: int, over: int) -> None:
    """A body of max_body_bytes bytes is read; one byte more, and it is 413."""
    app = client(max_body_bytes=limit)
    body = b'{"features": [1, 2]}'.ljust(limit + over)
    for path in POSTS:
        answer = app.request("POST", path, body)
        if over > 0:
            assert_problem(answer, 413)
        elif path == "/predict" and len(body) <= limit:
            assert_answer(answer, prediction=3.0)


@few
@given(st.integers(1, 60))
@example(50)
def test_a_body_in_pieces_is_counted(size: int) -> None:
    """Without Content-Length the bytes are counted, and no more of them are read."""
    app = client(max_body_bytes=200)
    body = b'{"features": [1, 2]}'.ljust(1000)
    pieces = [body[start : start + size] for start in range(0, 1000, size)]
    for path in POSTS:
        answer = app.request("POST", path, pieces)
        assert_problem(answer, 413)
        claim = "no more pieces are read than those that exceed the limit"
        assert_holds(answer.bytes_read <= 200 + size, claim, actual=answer.bytes_read)
    pieces = [body[start : min(start + size, 200)] for start in range(0, 200, size)]
    assert_answer(app.request("POST", "/predict", pieces), prediction=3.0)


def test_the_first_problem_is_the_answer() -> None:
    """Type, then size, then body, then model, then width: the first problem counts."""
    app = client(max_body_bytes=100, max_batch_size=2)
    large, plain = b"{" * 101, {"content-type": "text/plain"}
    assert_problem(app.request("POST", "/predict", large, plain), 415)
    assert_problem(app.request("POST", "/predict", large), 413)
    body: dict[str, object] = {"features": [1, "2"], "model_name": "other"}
    assert_problem(app.post("/predict", body), 422)
    body["features"] = [[1, 2], [1, 2], [1, 2]]
    assert_problem(app.post("/predict/batch", body), 422)
    body["features"] = [1, 2, 3, 4]
    assert_problem(app.post("/predict", body), 404)


def test_a_problem_is_told_in_short() -> None:
    """However much is wrong with a body, the detail has at most 2000 characters."""
    for body in (
        {"features": ["wrong"] * 2000},
        {"features": [1, 2], "model_name": "long" * 2000},
        {"features": [1, 2], "long" * 2000: 1},
        {str(number): number for number in range(2000)},
        {"features": {"long" * 2000: "wrong"}},
        ["wrong"] * 2000,
    ):
        for path in POSTS:
            answer = client().post(path, body)
            assert_problem(answer, 404 if answer.status == 404 else 422)


def test_a_failing_model_keeps_its_secrets() -> None:
    """A model that raises is a 500 that tells nothing of the exception."""
    error = RuntimeError("secret at /srv/model.bin")
    app = client_of({"bad": Scripted(error)})
    for path, value in zip(POSTS, ([1], [[1]]), strict=True):
        detail = assert_problem(app.post(path, {"features": value}), 500)
        for word in ("secret", "RuntimeError", "Traceback", "srv"):
            claim = f"the answer does not tell of the exception ({word!r})"
            assert_holds(word not in detail, claim, actual=detail)


def test_what_a_model_gives_is_checked() -> None:
    """What a model gives is n finite numbers of any kind, or the answer is a 500."""
    for fine in ([1.5], (1.5,), np.array([1.5], dtype=np.float32)):
        app = client_of({"fine": Scripted(fine)})
        answer = app.post("/predict/batch", {"features": [[1]]})
        assert_answer(answer, predictions=[1.5])
    app = client_of({"bad": Scripted([1.0, math.nan])})
    assert_problem(app.post("/predict/batch", {"features": [[1], [2]]}), 500)
    for wrong in ([math.nan], [math.inf], [], [1.0, 2.0], 1.0, [[1.0]], None, "word"):
        app = client_of({"bad": Scripted(wrong)})
        for path, value in zip(POSTS, ([1], [[1]]), strict=True):
            assert_problem(app.post(path, {"features": value}), 500)


def test_the_document_tells_the_truth() -> None:
    """/openapi.json gives the schema of both bodies, and of every answer."""
    document = Document(client().get("/openapi.json").json())
    problem = {"detail": "what was wrong, in words"}
    for path, sound in zip(POSTS, ([1, 2.5], [[1, 2.5]]), strict=True):
        operation = document.operation("POST", path)
        claim = f"the document has the schema of the body of POST {path}"
        assert_holds(operation is not None and operation.body is not None, claim)
        assert operation is not None
        assert operation.body is not None
        claim = f"the document says that POST {path} needs a body"
        assert_holds(operation.needs_body, claim)
        for body, wanted in (
            ({"features": sound}, True),
            ({"features": sound, "model_name": "sum"}, True),
            ({}, False),
            ({"features": "1, 2"}, False),
        ):
            violation = document.violation(body, operation.body)
            claim = f"by the document {body} is {'right' if wanted else 'wrong'}"
            assert_holds((violation == "") is wanted, claim, detail=violation)
        for status in PROBLEMS:
            schema = operation.answer(status)
            claim = f"the document has the answer {status} to POST {path}"
            assert_holds(schema is not None, claim, actual=sorted(operation.answers))
            violation = document.violation(problem, schema or {})
            claim = f"by the document {status} is {problem}"
            assert_holds(violation == "", claim, detail=violation)


@given(st.data())
def test_no_request_makes_the_server_fail(data: st.DataObject) -> None:
    """Any request, sound or broken, gets an answer that the document foresees."""
    app = client(max_batch_size=2)
    document = Document(app.get("/openapi.json").json())
    operation = data.draw(st.sampled_from(document.operations()), "operation")
    answer = data.draw(requests(app, document, operation), "answer")
    assert_holds(
        answer.status < 500 and operation.documents(answer.status),
        f"{answer.status} is a documented answer to {answer.request}",
        actual=answer.crash or answer.body.decode("utf-8", "replace"),
        expected=sorted(operation.answers),
    )
    schema = operation.answer(answer.status)
    violation = document.violation(answer.json(), schema or {})
    claim = f"the answer to {answer.request} is as documented"
    assert_holds(violation == "", claim, actual=answer.body, detail=violation)


@st.composite
def requests(
    draw: st.DrawFn, app: Client, document: Document, operation: Operation
) -> Answer:
    """Send a request to the operation: mostly a sound one, or one nearly so."""
    names = st.sampled_from(["sum", "mixed", "other", "-"])
    path = operation.path.replace("{model_id}", draw(names))
    if operation.method == "GET":
        return app.get(path)
    schema = operation.body or {}
    words = ["sum", "mixed"]
    kind = draw(st.sampled_from(["sound", "broken", "cut"]))
    if kind == "broken":
        body = draw(document.broken_values(schema, words))
    else:
        body = draw(document.values(schema, words))
    content = json.dumps(body).encode()
    if kind == "cut":
        content = content[: -draw(st.integers(1, len(content)))]
    return app.request(operation.method, path, content, JSON)
