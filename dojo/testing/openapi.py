"""Requests and answers as an application's own OpenAPI document describes them.

Of JSON Schema this knows what FastAPI writes: ``$ref``, ``anyOf``, ``oneOf``,
``enum``, ``const``, ``type``, and the bounds of numbers, texts, lists and objects.
Other keywords are ignored.
"""

import copy
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from hypothesis import strategies as st

__all__ = ["Document", "Operation"]

# A JSON object, whose values may be anything.
Schema = Mapping[str, Any]
Place = tuple[int | str, ...]

# Values that are seldom allowed where they are put.
_JUNK: tuple[object, ...] = (
    None, True, "3", "", -1, 1e999, math.nan, [], {}, [[1]], {"x": 1}, 10**400,
)  # fmt: skip
# Beyond it a sum of products may leave the floats.
_LARGEST = 1e30
_MOST = 3


@dataclass(frozen=True)
class Operation:
    """A method on a path: the schemas of its body and of its answers, by status.

    A schema is None where none is documented. ``needs_body`` tells whether the body is
    documented as required.
    """

    method: str
    path: str
    body: Schema | None
    answers: Mapping[str, Schema | None]
    needs_body: bool = False

    def documents(self, status: int) -> bool:
        """Tell whether that status is documented, by itself or with its class."""
        return self._key(status) in self.answers

    def answer(self, status: int) -> Schema | None:
        """Return the schema of the answer with that status."""
        return self.answers.get(self._key(status))

    def _key(self, status: int) -> str:
        exact = str(status)
        return exact if exact in self.answers else f"{exact[0]}XX"


class Document:
    """An OpenAPI document, as ``/openapi.json`` gives it."""

    def __init__(self, document: Schema) -> None:
        self._document = document

    def operations(self) -> list[Operation]:
        """Return every operation, in the order of the document."""
        return [
            Operation(
                method.upper(),
                path,
                _json_schema(operation.get("requestBody", {})),
                {
                    str(status): _json_schema(answer)
                    for status, answer in operation.get("responses", {}).items()
                },
                operation.get("requestBody", {}).get("required", False),
            )
            for path, methods in self._document.get("paths", {}).items()
            for method, operation in methods.items()
        ]

    def operation(self, method: str, path: str) -> Operation | None:
        """Return one operation, None if it is not documented."""
        wanted = (method, path)
        return next(
            (one for one in self.operations() if (one.method, one.path) == wanted), None
        )

    def violation(self, value: object, schema: Schema, where: str = "body") -> str:
        """Say in one line where ``value`` departs from ``schema``; "" if nowhere."""
        schema = self._resolved(schema)
        return next(self._violations(value, schema, where), "")

    def values(self, schema: Schema, words: Sequence[str]) -> st.SearchStrategy[object]:
        """Draw values that conform; texts are drawn from ``words`` too."""
        schema = self._resolved(schema)
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if options := _options(schema):
            return st.one_of([self.values(option, words) for option in options])
        return st.one_of([self._of(kind, schema, words) for kind in _kinds(schema)])

    def broken_values(
        self, schema: Schema, words: Sequence[str]
    ) -> st.SearchStrategy[object]:
        """Draw conforming values with one place changed; some may still conform."""

        @st.composite
        def broken(draw: st.DrawFn) -> object:
            value = draw(self.values(schema, words))
            place = draw(st.sampled_from(list(_places(value))))
            junk = draw(st.sampled_from(_JUNK))
            if not place:
                return junk
            if draw(st.booleans()):
                return _changed(value, place, operator.delitem)
            return _changed(value, place, lambda x, key: operator.setitem(x, key, junk))

        return broken()

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._document
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            schema = found
        return schema

    def _violations(self, value: object, schema: Schema, where: str) -> Iterator[str]:
        allowed = [schema["const"]] if "const" in schema else schema.get("enum")
        if allowed is not None and value not in allowed:
            yield f"{where} is none of {allowed!r}: {value!r}"
        options = _options(schema)
        found = [self.violation(value, option, where) for option in options]
        if options and all(found):
            yield " and ".join(found)
        if not any(_KINDS[kind](value) for kind in _kinds(schema)):
            yield f"{where} is no {' or '.join(_kinds(schema))}: {value!r}"
            return
        yield from (f"{where} {fault}" for fault in _departures(value, schema))
        for name, item, inner in _parts(value, schema):
            if violation := self.violation(item, inner, f"{where}{name}"):
                yield violation

    def _of(
        self, kind: str, schema: Schema, words: Sequence[str]
    ) -> st.SearchStrategy[object]:
        least, most = _sizes(kind, schema)
        match kind:
            case "array":
                items = self.values(schema.get("items", {"const": None}), words)
                return st.lists(items, min_size=least, max_size=most)
            case "object":
                return self._objects(schema, words)
            case "string":
                text = st.text(min_size=least, max_size=most)
                fitting = [word for word in words if not self.violation(word, schema)]
                return st.one_of(st.sampled_from(fitting), text) if fitting else text
            case "number" | "integer":
                return _numbers(kind, schema)
            case "boolean":
                return st.booleans()
        return st.none()

    def _objects(
        self, schema: Schema, words: Sequence[str]
    ) -> st.SearchStrategy[object]:
        required = schema.get("required", [])
        inner = {
            name: self.values(part, words)
            for name, part in schema.get("properties", {}).items()
        }
        others = schema.get("additionalProperties")
        if isinstance(others, Mapping) and not inner:
            least, most = _sizes("object", schema)
            names = st.text(max_size=_MOST)
            values = self.values(others, words)
            return st.dictionaries(names, values, min_size=least, max_size=most)
        return st.fixed_dictionaries(
            {name: part for name, part in inner.items() if name in required},
            optional={
                name: part for name, part in inner.items() if name not in required
            },
        )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: dict[str, Callable[[object], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value % 1 == 0,
}
_SIZES = {"string": "Length", "array": "Items", "object": "Properties"}


def _json_schema(holder: Schema) -> Schema | None:
    schema: Schema | None = (
        holder.get("content", {}).get("application/json", {}).get("schema")
    )
    return schema


def _options(schema: Schema) -> list[Schema]:
    options: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or []
    return options


def _kinds(schema: Schema) -> list[str]:
    kinds: str | list[str] = schema.get("type", list(_KINDS))
    return [kinds] if isinstance(kinds, str) else kinds


def _sizes(kind: str, schema: Schema) -> tuple[int, int]:
    """Return the least and the greatest size to draw."""
    word = _SIZES.get(kind, "")
    least: int = schema.get(f"min{word}", 0)
    return least, min(schema.get(f"max{word}", least + _MOST), least + _MOST)


def _numbers(kind: str, schema: Schema) -> st.SearchStrategy[object]:
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    low = schema.get("minimum", -_LARGEST if above is None else above)
    high = schema.get("maximum", _LARGEST if below is None else below)
    if kind == "integer":
        return st.integers(int(low) + (above == low), int(high) - (below == high))
    return st.floats(low, high, exclude_min=above == low, exclude_max=below == high)


def _departures(value: object, schema: Schema) -> Iterator[str]:
    """Yield what is wrong with a value of the right type, but not inside it."""
    for kind, word in _SIZES.items():
        if _KINDS[kind](value):
            size = len(cast("str | list[object] | dict[str, object]", value))
            least, most = schema.get(f"min{word}", 0), schema.get(f"max{word}", size)
            if not least <= size <= most:
                yield f"has a size of {size}, out of bounds"
    if _is_number(value) and not _within(value, schema):
        yield f"is out of bounds: {value!r}"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"has no {name}"
        for name in value.keys() - properties.keys():
            if schema.get("additionalProperties") is False:
                yield f"has {name}, which is not documented"


def _within(value: float, schema: Schema) -> bool:
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    above = schema.get("exclusiveMinimum", -math.inf)
    below = schema.get("exclusiveMaximum", math.inf)
    return bool(low <= value <= high and above < value < below)


def _parts(value: object, schema: Schema) -> Iterator[tuple[str, object, Schema]]:
    """Yield what is inside a value, with its name and its schema."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield f"[{index}]", item, schema.get("items", {})
    elif isinstance(value, dict):
        others = schema.get("additionalProperties")
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, others)
            if isinstance(inner, Mapping):
                yield f".{name}", item, inner


def _places(value: object, place: Place = ()) -> Iterator[Place]:
    """Yield the way to a value and to everything inside it."""
    yield place
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*place, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _places(item, (*place, name))


def _changed(value: Any, place: Place, change: Callable[[Any, Any], None]) -> object:
    """Return a copy in which ``change`` got what holds the place, and its key."""
    whole = copy.deepcopy(value)
    holder = whole
    for key in place[:-1]:
        holder = holder[key]
    change(holder, place[-1])
    return whole
