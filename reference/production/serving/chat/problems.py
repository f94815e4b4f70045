"""Every error of the chat routes as the OpenAI error object."""

from collections.abc import Callable, Coroutine, Mapping

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from reference.production.serving.chat.messages import ErrorBody, ErrorDetail
from reference.production.serving.transport import StrictJSONRoute

_SHOWN_ERRORS = 10
_SHOWN_PLACE = 80


class ChatError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        kind = "server_error" if status >= 500 else "invalid_request_error"
        detail = ErrorDetail(message=message, type=kind, param=param, code=code)
        self.status = status
        self.body = ErrorBody(error=detail)
        self.headers = headers

    def response(self) -> JSONResponse:
        """Return the error as a response."""
        return JSONResponse(self.body.model_dump(), self.status, self.headers)


class ChatRoute(StrictJSONRoute):
    """A route whose errors all have the OpenAI shape; a bad request is a 400."""

    def get_route_handler(
        self,
    ) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Return the strict handler, with its errors translated."""
        handle = super().get_route_handler()

        async def handle_and_translate(request: Request) -> Response:
            try:
                return await handle(request)
            except ChatError as problem:
                return problem.response()
            except RequestValidationError as error:
                return _explain(error).response()
            except HTTPException as error:
                return translate(error).response()

        return handle_and_translate


def translate(error: HTTPException) -> ChatError:
    """Return a FastAPI error in the OpenAI shape."""
    status = 400 if error.status_code == 422 else error.status_code
    return ChatError(status, str(error.detail), headers=error.headers)


def _explain(error: RequestValidationError) -> ChatError:
    """Say in words what was wrong; ``param`` is the first field that was."""
    errors = error.errors()
    shown = errors[:_SHOWN_ERRORS]
    places = [[str(part) for part in entry["loc"][1:]] for entry in shown]
    lines = [
        f"{'.'.join(place)[:_SHOWN_PLACE] or 'body'}: {entry['msg']}"
        for place, entry in zip(places, shown, strict=True)
    ]
    if len(errors) > _SHOWN_ERRORS:
        lines.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    param = next((place[0] for place in places if place), None)
    return ChatError(400, "; ".join(lines), param=param)
