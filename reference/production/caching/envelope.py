"""How a value travels to a store that others can write: JSON, marked as ours.

An envelope is the JSON object ``{"format": ..., "deadline": ..., "value": ...}``. Its
format names this layout and its version; the deadline is in seconds on the cache's
clock, null where there is none. A part of an envelope is no JSON, so that a torn one
is never taken for a whole one.
"""

import json
from typing import NamedTuple, NoReturn

_FORMAT = "reference.caching/1"
_FIELDS = {"format", "deadline", "value"}
_EXPECTED = "text, numbers, True, False, None, lists and dicts with text keys"


class Envelope(NamedTuple):
    """A value and the time from which on it has expired."""

    value: object
    deadline: float | None


class ForeignValueError(ValueError):
    """What was read is no envelope of this format; the message says why."""


def seal(value: object, deadline: float | None) -> bytes:
    """Return the envelope of ``value`` as UTF-8.

    Raises ``TypeError`` or ``ValueError``, naming ``value``, where JSON would not give
    back an equal value of the same types: bytes, tuples, keys that are no text,
    subclasses, NaN and infinities, lone surrogates, cycles and too deep a nesting.
    """
    try:
        text = _ENCODER.encode(
            {"format": _FORMAT, "deadline": deadline, "value": value}
        )
        sealed = text.encode()
    except TypeError as error:
        raise TypeError(f"value must be {_EXPECTED}, {_reason(error)}") from error
    except (ValueError, RecursionError) as error:
        message = f"value must be something JSON can carry, got: {_reason(error)}"
        raise ValueError(message) from error
    _check_faithful(value)
    return sealed


def unseal(data: bytes) -> Envelope:
    """Read an envelope; raise ``ForeignValueError`` where ``data`` is none."""
    try:
        content = _DECODER.decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise ForeignValueError(f"no JSON: {_reason(error)}") from error
    if not isinstance(content, dict) or content.keys() != _FIELDS:
        raise ForeignValueError("JSON, but no envelope of this cache")
    if content["format"] != _FORMAT:
        raise ForeignValueError(f"an envelope of format {content['format']!r:.40}")
    deadline = content["deadline"]
    if deadline is not None and type(deadline) not in (int, float):
        raise ForeignValueError("an envelope whose deadline is no number")
    return Envelope(content["value"], deadline)


def _check_faithful(value: object) -> None:
    """Refuse what JSON writes without complaint but reads back as another type."""
    # The encoder has walked this before: there are no cycles any more.
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if type(part) is list:
            waiting.extend(part)
        elif type(part) is dict:
            waiting.extend(part.values())
            _check_names(part)
        elif part is not None and type(part) not in (str, int, float, bool):
            kind = type(part).__name__
            raise TypeError(f"value must be {_EXPECTED}, got {kind} in it")


def _check_names(part: dict[object, object]) -> None:
    for name in part:
        if type(name) is not str:
            kind = type(name).__name__
            raise TypeError(f"value must be {_EXPECTED}, got {kind} as a key")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _reason(error: Exception) -> str:
    # A decoding error repeats its input, which may be long.
    return f"{type(error).__name__}: {error!s:.120}"


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
