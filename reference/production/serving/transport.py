"""What stands between the network and the routes: sizes, media types, strict JSON.

Everything wrong with a request ends in a 4xx whose body is ``{"detail": str}``.
"""

import json
from collections.abc import Callable, Coroutine
from typing import NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SHOWN_ERRORS = 10
_SHOWN_PLACE = 80


class BodyLimit:
    """ASGI middleware: answer 413 as soon as a body is known to exceed a limit.

    The bytes are counted while they arrive; ``Content-Length``, which may be absent
    or wrong, serves only to refuse earlier.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, with a ``receive`` that raises above the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = _declared_length(scope)
        arrived = 0

        async def limited_receive() -> Message:
            nonlocal arrived
            if declared > self.max_bytes:
                self._refuse(scope)
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self.max_bytes:
                self._refuse(scope)
            return message

        await self.app(scope, limited_receive, send)

    def _refuse(self, scope: Scope) -> NoReturn:
        # Without this HTTP/1 servers go on to read the rest of the body, however
        # long; HTTP/2 has streams instead and forbids the header.
        closing = {"Connection": "close"} if scope["http_version"] < "2" else None
        detail = f"body must be at most {self.max_bytes} bytes"
        raise HTTPException(413, detail, headers=closing)


def _declared_length(scope: Scope) -> int:
    try:
        return int(Headers(scope=scope).get("content-length", "0"))
    except ValueError:
        return 0


class StrictJSONRoute(APIRoute):
    """A route that takes ``application/json`` only, and reads it by ``parse_json``."""

    def get_route_handler(
        self,
    ) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Return FastAPI's handler behind the check of the media type."""
        handle = super().get_route_handler()

        async def strict_handle(request: Request) -> Response:
            given = request.headers.get("content-type", "")
            media_type = given.partition(";")[0].strip().lower()
            if media_type != "application/json":
                raise HTTPException(415, "Content-Type must be application/json")
            return await handle(_StrictJSONRequest(request.scope, request.receive))

        return strict_handle


class _StrictJSONRequest(Request):
    async def json(self) -> object:
        try:
            return parse_json(await self.body())
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
    value: object = json.loads(
        text,
        parse_int=float,
        parse_constant=_refuse_constant,
        object_pairs_hook=_unique_names,
    )
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
