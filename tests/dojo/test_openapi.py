"""The reader of OpenAPI documents: against FastAPI's own, and by hand."""

import math
from typing import Annotated, Literal

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dojo.testing.openapi import Document, Operation, Schema
from tests.dojo.searching import smallest


class Part(BaseModel):
    """Something inside."""

    model_config = ConfigDict(strict=True, extra="forbid")

    size: Annotated[int, Field(gt=0, le=9)]
    word: Annotated[str, Field(min_length=1, max_length=3)] = "a"


class Whole(BaseModel):
    """Everything that a schema can say."""

    model_config = ConfigDict(strict=True, extra="forbid")

    kind: Literal["one", "two"]
    # Not Literal[1]: Pydantic takes True for it, which JSON Schema does not.
    version: Literal["3"] = "3"
    rows: Annotated[
        list[
            Annotated[list[Annotated[float, Field(ge=-1, lt=1)]], Field(min_length=1)]
        ],
        Field(max_length=2),
    ]
    part: Part | None = None
    by_name: Annotated[dict[str, bool], Field(min_length=1)] | int = 0


class Problem(BaseModel):
    """What was wrong."""

    detail: str


def document() -> Document:
    app = FastAPI()

    @app.post("/whole", responses={404: {"model": Problem}, "5XX": {"model": Problem}})
    def post(_: Whole) -> Part:
        return Part(size=1)

    @app.get("/part")
    def get() -> Part:
        return Part(size=1)

    return Document(app.openapi())


DOCUMENT = document()
SCHEMA: Schema = {"$ref": "#/components/schemas/Whole"}


def pydantic_takes(value: object) -> bool:
    try:
        TypeAdapter(Whole).validate_python(value)
    except ValidationError:
        return False
    return True


def test_operations_are_those_of_the_application() -> None:
    names = [(one.method, one.path) for one in DOCUMENT.operations()]
    assert names == [("POST", "/whole"), ("GET", "/part")]
    post, get = DOCUMENT.operations()
    assert (post.body, post.needs_body) == (SCHEMA, True)
    assert (get.body, get.needs_body) == (None, False)
    assert DOCUMENT.operation("GET", "/part") == get
    assert DOCUMENT.operation("POST", "/part") is None


def test_statuses_are_documented_by_themselves_or_by_class() -> None:
    post = DOCUMENT.operations()[0]
    problem = {"$ref": "#/components/schemas/Problem"}
    assert [status for status in range(200, 600) if post.documents(status)] == [
        200, 404, 422, *range(500, 600),
    ]  # fmt: skip
    assert post.answer(404) == post.answer(503) == problem
    assert post.answer(405) is None
    assert Operation("GET", "/", None, {"204": None}).documents(204)


@given(DOCUMENT.values(SCHEMA, ["word"]))
def test_values_conform(value: object) -> None:
    assert DOCUMENT.violation(value, SCHEMA) == ""
    assert pydantic_takes(value)


@given(DOCUMENT.broken_values(SCHEMA, ["word"]))
@settings(max_examples=300)
def test_violations_are_those_that_pydantic_sees(value: object) -> None:
    assert (DOCUMENT.violation(value, SCHEMA) == "") == pydantic_takes(value)


@pytest.mark.parametrize("sound", [True, False])
def test_some_broken_values_conform_and_most_do_not(sound: bool) -> None:
    smallest(DOCUMENT.broken_values(SCHEMA, []), lambda x: pydantic_takes(x) is sound)


@pytest.mark.parametrize(
    ("schema", "value", "violation"),
    [
        ({"type": "number"}, True, "body is no number: True"),
        ({"type": "number"}, 1, ""),
        ({"type": "integer"}, 2.0, ""),
        ({"type": "integer"}, 2.5, "body is no integer: 2.5"),
        ({"type": "integer"}, math.inf, "body is no integer: inf"),
        ({"type": ["string", "null"]}, None, ""),
        ({"type": ["string", "null"]}, 1, "body is no string or null: 1"),
        ({"const": 3}, 4, "body is none of [3]: 4"),
        ({"enum": ["a"]}, "b", "body is none of ['a']: 'b'"),
        ({"minimum": 2}, 1, "body is out of bounds: 1"),
        ({"minimum": 2}, 2, ""),
        ({"maximum": 2}, 3, "body is out of bounds: 3"),
        ({"exclusiveMinimum": 2}, 2, "body is out of bounds: 2"),
        ({"exclusiveMaximum": 2}, 2, "body is out of bounds: 2"),
        ({"minLength": 2}, "a", "body has a size of 1, out of bounds"),
        ({"maxItems": 1}, [1, 2], "body has a size of 2, out of bounds"),
        ({"minProperties": 1}, {}, "body has a size of 0, out of bounds"),
        ({"items": {"type": "null"}}, [None, 1], "body[1] is no null: 1"),
        ({"required": ["a"]}, {}, "body has no a"),
        (
            {"additionalProperties": False},
            {"a": 1},
            "body has a, which is not documented",
        ),
        (
            {"additionalProperties": {"type": "null"}},
            {"a": 1},
            "body.a is no null: 1",
        ),
        (
            {"anyOf": [{"type": "null"}, {"type": "string"}]},
            1,
            "body is no null: 1 and body is no string: 1",
        ),
        ({}, "anything", ""),
    ],
)
def test_violations_say_where_and_what(
    schema: Schema, value: object, violation: str
) -> None:
    assert Document({}).violation(value, schema) == violation


@pytest.mark.parametrize(
    ("schema", "least", "greatest"),
    [
        ({"type": "integer", "minimum": 2, "maximum": 4}, 2, 4),
        ({"type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 4}, 3, 3),
        ({"type": "number", "minimum": -0.5, "maximum": 0.5}, -0.5, 0.5),
    ],
)
def test_numbers_reach_their_bounds(
    schema: Schema, least: float, greatest: float
) -> None:
    drawn = Document({}).values(schema, [])
    assert smallest(drawn, lambda x: x == least) == least
    assert smallest(drawn, lambda x: x == greatest) == greatest


def test_words_are_drawn_for_texts() -> None:
    texts = Document({}).values({"type": "string"}, ["sum"])
    assert smallest(texts, lambda text: text == "sum") == "sum"
    assert smallest(texts, lambda text: text not in ("sum", "")) == "0"


@given(st.data())
def test_a_broken_value_leaves_the_drawn_one_alone(data: st.DataObject) -> None:
    fixed = {"rows": [[1.0]]}
    schema = {"const": fixed}
    data.draw(Document({}).broken_values(schema, []))
    assert fixed == {"rows": [[1.0]]}
