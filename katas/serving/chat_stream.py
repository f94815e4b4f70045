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

import time
from collections.abc import AsyncGenerator, Callable

from fastapi import FastAPI

Generate = Callable[[list[dict[str, str]], float, int], AsyncGenerator[str, None]]


def create_app(
    generate: Generate, *, model: str = "small", clock: Callable[[], float] = time.time
) -> FastAPI:
    """Return the application that answers by `generate`."""
    raise NotImplementedError
