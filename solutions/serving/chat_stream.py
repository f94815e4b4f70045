r"""Chat completions, whole or as server-sent events, in the schema of OpenAI.

A language model gives its answer piece by piece. Who waits for the whole of it looks at
an empty screen for seconds; a stream shows each piece as it comes. Clients that speak
this schema exist in every language, and so a service that speaks it too has clients.

Write `create_app(generate, *, model="small", clock=time.time)`, which returns a FastAPI
application. `generate(messages, temperature, max_tokens)` returns an async generator of
pieces of text; `messages` is a list of `{"role": text, "content": text}`.

`POST /chat/completions`, and `POST /v1/chat/completions` as well, takes

| field | value | without it, or null |
|---|---|---|
| `messages` | a list of at least one `{"role": …, "content": text}` | 400 |
| `model` | text, which changes nothing | |
| `temperature` | a number from 0 to 2 | 0.7 |
| `max_tokens` | an integer from 1 to 4096 | 512 |
| `stream` | true or false | false |

with the roles `system`, `user` and `assistant`. Other fields, in the body and in a
message, are ignored. The answer is, with status 200 and perhaps more fields,

    {"id": text, "object": "chat.completion", "created": integer, "model": text,
     "choices": [{"index": 0, "finish_reason": "stop",
                  "message": {"role": "assistant", "content": text}}],
     "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}}

The `id` is another one for each answer, `created` is `int(clock())`, read once, and
`model` is that of `create_app`. For tokens count the words of all messages, parted by
white space, and the pieces of the answer, empty ones too. Where `max_tokens` pieces
have come, no further one is asked for, and the `finish_reason` is "length", not "stop".

With `"stream": true` the answer has the content type `text/event-stream`, and consists
of events: each is a line `data: `, with JSON in it, and an empty line. The JSON is

    {"id": text, "object": "chat.completion.chunk", "created": integer, "model": text,
     "choices": [{"index": 0, "delta": delta, "finish_reason": null}]}

with the same `id` and `created` in all chunks of an answer. The delta of the first one
is `{"role": "assistant"}`; then comes one with `{"content": piece}` for each piece,
sent before the next piece is asked for; then one with `{}` and the `finish_reason`,
which is null in all others. After that come the event `data: [DONE]` and the end.

The generator is closed, by `aclose` where it has not come to its end, before an answer
ends; and at once when the client of a stream that has begun goes away, even in the
middle of a wait for the next piece. Answers do not wait for each other.

Errors are `{"error": {"message": text, "type": text, "param": text or null, "code":
text or null}}`, with a message that is not empty:

- 400: the body is not JSON or no object (`param` is null), or a field is missing, of
  another type or outside of its range (`param` is that field, one of the five above).
  true and "1" are no numbers, and 1 is not true. The `type` is "invalid_request_error".
- 500, in either mode: the generator raises before the first piece, or at any time in an
  answer that is not streamed. The `type` is "server_error".
- When a stream has begun its status is sent: an event with the error of a 500 takes the
  place of all that would come, `[DONE]` included.

No error tells a word of the exception: that belongs in the log.

Sources: OpenAI API reference, "Chat Completions"; WHATWG, HTML Living Standard, section
9.2, "Server-sent events".

In production: a client that leaves before the first piece is noticed as well, a comment
is sent now and then so that no proxy takes silence for the end, and the number of
answers at one time is bounded.
"""

import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_log = logging.getLogger(__name__)

Generate = Callable[[list[dict[str, str]], float, int], AsyncGenerator[str, None]]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True)
    role: Literal["system", "user", "assistant"]
    content: str


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True)
    messages: Annotated[list[_Message], Field(min_length=1)]
    model: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=4096)] | None = None
    stream: bool | None = None


class _Answer:
    """One answer while it is generated."""

    def __init__(
        self, source: AsyncGenerator[str, None], limit: int, head: dict[str, object]
    ) -> None:
        self._source = source
        self._limit = limit
        self._head = head
        self._count = 0

    async def whole(self, prompt_tokens: int) -> Response:
        content = "".join([piece async for piece in self._pieces()])
        usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": self._count,
            "total_tokens": prompt_tokens + self._count,
        }
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": content},
            "finish_reason": self._finish_reason(),
        }
        kind = {"object": "chat.completion"}
        return JSONResponse(self._head | kind | {"choices": [choice], "usage": usage})

    async def stream(self) -> Response:
        pieces = self._pieces()
        # What fails before there is a piece can still be answered by a status.
        first = await anext(pieces, None)
        events = self._events(first, pieces)
        return StreamingResponse(events, media_type="text/event-stream")

    async def _events(
        self, first: str | None, rest: AsyncIterator[str]
    ) -> AsyncIterator[str]:
        try:
            yield self._chunk({"role": "assistant"})
            if first is not None:
                yield self._chunk({"content": first})
            async for piece in rest:
                yield self._chunk({"content": piece})
            yield self._chunk({}, self._finish_reason())
            yield "data: [DONE]\n\n"
        except Exception:
            yield _event(_failure())

    async def _pieces(self) -> AsyncIterator[str]:
        async with aclosing(self._source):
            async for piece in self._source:
                self._count += 1
                yield piece
                if self._count == self._limit:
                    break

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        kind = {"object": "chat.completion.chunk"}
        return _event(self._head | kind | {"choices": [choice]})

    def _finish_reason(self) -> str:
        return "length" if self._count == self._limit else "stop"


def create_app(
    generate: Generate, *, model: str = "small", clock: Callable[[], float] = time.time
) -> FastAPI:
    """Return the application that answers by `generate`."""
    app = FastAPI()

    @app.post("/chat/completions")
    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        try:
            asked = _Asked.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse(_refusal(error), 400)
        messages = [message.model_dump() for message in asked.messages]
        temperature = 0.7 if asked.temperature is None else asked.temperature
        max_tokens = asked.max_tokens or 512
        head = {"id": f"chatcmpl-{uuid4()}", "created": int(clock()), "model": model}
        source = generate(messages, temperature, max_tokens)
        answer = _Answer(source, max_tokens, head)
        try:
            if asked.stream:
                return await answer.stream()
            words = sum(len(message.content.split()) for message in asked.messages)
            return await answer.whole(words)
        except Exception:
            return JSONResponse(_failure(), 500)

    return app


def _event(value: dict[str, object]) -> str:
    # json.dumps gives one line: a line feed in a text is escaped.
    return f"data: {json.dumps(value)}\n\n"


def _refusal(error: ValidationError) -> dict[str, object]:
    first = error.errors()[0]
    place = [*map(str, first["loc"]), None]
    message = f"{place[0] or 'body'}: {first['msg']}"
    return _problem(message, "invalid_request_error", place[0])


def _failure() -> dict[str, object]:
    _log.exception("the model failed")
    return _problem("the model failed", "server_error", None)


def _problem(message: str, kind: str, param: str | None) -> dict[str, object]:
    detail = {"message": message, "type": kind, "param": param, "code": None}
    return {"error": detail}
