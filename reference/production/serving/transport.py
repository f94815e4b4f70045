"""What stands between the network and the routes: media types, strict JSON.

Everything wrong with a request ends in a 4xx whose body is that of ``problem``.
"""

import json
from collections.abc import Callable, Coroutine
from typing import NoReturn, get_type_hints

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Match
from starlette.types import Scope

from reference.production.serving.problems import problem

_SHOWN_ERRORS = 10
_SHOWN_PLACE = 80
# Each unknown name is an error, which takes longer than to read it.
_MOST_NAMES = 200

Handler = Callable[[Request], Coroutine[object, object, Response]]


def _header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of that name, which is in lower case."""
    for given, value in scope["headers"]:
        if given == name:
            return bytes(value)
    return None


class StrictJSONRoute(APIRoute):
    """A route that takes ``application/json`` only, and reads it by ``parse_json``."""

    def get_route_handler(self) -> Handler:
        """Return FastAPI's handler behind the check of the media type."""
        handle = super().get_route_handler()

        async def strict_handle(request: Request) -> Response:
            _require_json(request)
            return await handle(_StrictJSONRequest(request.scope, request.receive))

        return strict_handle


class DirectJSONRoute(APIRoute):
    """The same for an ``async def endpoint(body, request)``, with less on the way.

    ``body`` is of a pydantic class, and the answer a ``Response`` or an instance of a
    pydantic class, which is written as it is. FastAPI documents the route by these
    annotations; its dependencies, and its second check of the answer, which take longer
    than a small model, are passed by.
    """

    def get_route_handler(self) -> Handler:
        """Return what reads the body, calls the endpoint and writes its answer."""
        endpoint = self.endpoint
        schema: type[BaseModel] = get_type_hints(endpoint)["body"]

        async def direct_handle(request: Request) -> Response:
            _require_json(request)
            value = _read_json(await request.body())
            if isinstance(value, dict) and len(value) > _MOST_NAMES:
                raise HTTPException(422, f"body must hold at most {_MOST_NAMES} names")
            try:
                body = schema.model_validate(value)
            except ValidationError as error:
                raise _of_the_body(error) from error
            answer = await endpoint(body, request)
            if isinstance(answer, Response):
                return answer
            return Response(answer.model_dump_json(), media_type="application/json")

        return direct_handle


class _StrictJSONRequest(Request):
    async def json(self) -> object:
        return _read_json(await self.body())


def find_route(scope: Scope) -> object:
    """Return the route that would answer a request, None for an unknown path."""
    partial = None
    for route in scope["app"].routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return route
        if match is Match.PARTIAL and partial is None:
            partial = route
    return partial


def is_of_wrong_type(scope: Scope) -> bool:
    """Tell whether the route of a request will refuse it for its media type."""
    strict = isinstance(find_route(scope), StrictJSONRoute | DirectJSONRoute)
    return strict and not _is_json(scope)


def _is_json(scope: Scope) -> bool:
    given = _header(scope, b"content-type") or b""
    return given.partition(b";")[0].strip().lower() == b"application/json"


def _require_json(request: Request) -> None:
    if not _is_json(request.scope):
        raise HTTPException(415, "Content-Type must be application/json")


def _of_the_body(error: ValidationError) -> RequestValidationError:
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    return RequestValidationError(
        [{**entry, "loc": ("body", *entry["loc"])} for entry in errors]
    )


def _read_json(body: bytes) -> object:
    """Parse a body, and raise a 422 that says what is wrong with it."""
    try:
        return parse_json(body)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at character {error.pos}"
        raise HTTPException(422, f"body must be JSON, {where}") from error
    except UnicodeError as error:
        raise HTTPException(422, "body must be text in UTF-8") from error
    except RecursionError as error:
        raise HTTPException(422, "body is nested too deeply") from error
    except ValueError as error:
        raise HTTPException(422, f"body must be strict JSON, {error}") from error


def parse_json(body: bytes) -> object:
    """Parse JSON as RFC 8259 has it: UTF-8, unique names, no NaN or infinity.

    Numbers become floats, also whole ones: Python would refuse whole numbers of more
    than 4,300 digits and could not turn those above 1.8e308 into features. Raises
    ``ValueError`` or one of its subclasses, or ``RecursionError``.
    """
    text = body.decode("utf-8")
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark")
    value: object = _DECODER.decode(text)
    if "\\u" in text:
        # Half of a surrogate pair can be escaped, but not be sent back in UTF-8.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _refuse_constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is not a number in JSON")


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("an object holds the same name twice")
    return mapping


# Made once: json.loads would make a decoder for every body.
_DECODER = json.JSONDecoder(
    parse_int=float,
    parse_constant=_refuse_constant,
    object_pairs_hook=_unique_names,
)


async def explain_invalid_request(
    _: Request, error: RequestValidationError
) -> JSONResponse:
    """Answer 422 in words; the offending values, of any size, are not repeated."""
    errors = error.errors()
    lines = [
        f"{'.'.join(map(str, entry['loc']))[:_SHOWN_PLACE]}: {entry['msg']}"
        for entry in errors[:_SHOWN_ERRORS]
    ]
    if len(errors) > _SHOWN_ERRORS:
        lines.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    return JSONResponse({"detail": "; ".join(lines)}, status_code=422)


async def explain_refusal(request: Request, error: Exception) -> Response:
    """Answer an HTTP exception, also where no route was found, in one shape."""
    if not isinstance(error, StarletteHTTPException):
        raise error
    body = problem(request.scope["path"], error.status_code, str(error.detail))
    return JSONResponse(body, error.status_code, error.headers)
