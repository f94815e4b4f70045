"""The chat routes, for an application of their own or as a part of another."""

import time
from collections.abc import Callable, Mapping

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from reference.production.serving.body_limit import BodyLimit
from reference.production.serving.chat.answering import ChatAnswer, ChatService
from reference.production.serving.chat.generation import (
    Generate,
    SimpleGenerate,
    with_options,
)
from reference.production.serving.chat.limits import ChatLimits, Places
from reference.production.serving.chat.messages import (
    ChatCompletion,
    ChatRequest,
    ErrorBody,
)
from reference.production.serving.chat.problems import ChatRoute, translate

PATHS = ("/chat/completions", "/v1/chat/completions")

_MEANINGS: dict[int | str, str] = {
    400: "The request is not of this schema or too long.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    500: "The model failed.",
    503: "Too many answers are in progress; `Retry-After` says when to come back.",
    # Keeps FastAPI from documenting a 422 of another shape.
    "4XX": "The request is wrong.",
}


def create_app(
    generate: SimpleGenerate,
    *,
    model: str = "small",
    clock: Callable[[], float] = time.time,
    limits: ChatLimits | None = None,
    max_body_bytes: int = 1_000_000,
) -> FastAPI:
    """Return an ASGI application that chats by ``generate``.

    ``generate(messages, temperature, max_tokens)`` returns an async iterator of
    pieces of text, an async generator best, which is closed as soon as its client is
    gone. ``clock`` gives the seconds since 1970.
    """
    app = FastAPI(title="Chat", version="1.0.0", redirect_slashes=False)
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)
    app.exception_handler(StarletteHTTPException)(_answer_in_shape)
    generate_by_options = with_options(generate)
    router = chat_router(generate_by_options, model=model, clock=clock, limits=limits)
    app.router.routes.extend(router.routes)
    return app


def chat_router(
    generate: Generate,
    *,
    model: str = "small",
    clock: Callable[[], float] = time.time,
    limits: ChatLimits | None = None,
    responses: Mapping[int | str, dict[str, object]] | None = None,
) -> APIRouter:
    """Return the routes of chat; their errors have the OpenAI shape on any app.

    ``generate(messages, Generation)`` is asked for pieces on the event loop and must
    not block it. Any model name in a request is answered by the one model there is.
    ``responses`` documents what else the application may answer.
    """
    limits = ChatLimits() if limits is None else limits
    service = ChatService(generate, model, clock, Places(limits))
    router = APIRouter(route_class=ChatRoute, tags=["chat"])

    async def chat(request: ChatRequest) -> Response:
        """Continue a conversation, whole or, with `stream`, as server-sent events.

        A stream is one `chat.completion.chunk` an event and ends with `[DONE]`, or
        with an error object where the model failed on the way.
        """
        limits.check(request.messages)
        return ChatAnswer(request, service)

    for path in PATHS:
        router.add_api_route(
            path,
            chat,
            methods=["POST"],
            response_model=ChatCompletion,
            responses={**_responses(), **(responses or {})},
        )
    return router


def _responses() -> dict[int | str, dict[str, object]]:
    errors: dict[int | str, dict[str, object]] = {
        status: {"model": ErrorBody, "description": meaning}
        for status, meaning in _MEANINGS.items()
    }
    # OpenAPI 3.2 describes the events of a stream so; 3.1 has no words for them.
    event = {"type": "object", "properties": {"data": {"type": "string"}}}
    answer: dict[str, object] = {
        "description": "The answer.",
        "content": {"text/event-stream": {"itemSchema": event}},
    }
    return {200: answer, **errors}


async def _answer_in_shape(_: Request, error: Exception) -> Response:
    """Also what no route answers, as an unknown path, has the OpenAI shape."""
    if not isinstance(error, StarletteHTTPException):
        raise error
    plain = HTTPException(error.status_code, error.detail, error.headers)
    return translate(plain).response()
