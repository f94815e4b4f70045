"""What the tests of chat share: requests, and what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI

from reference.production.serving.chat import Messages

TALK = [{"role": "user", "content": "what is it?"}]


async def echo(messages: Messages, *_: object) -> AsyncIterator[str]:
    """Say the last message word by word."""
    for word in messages[-1]["content"].split():
        yield f"{word} "


def post(
    app: FastAPI, body: object = None, content: bytes | None = None, path: str = ""
) -> httpx.Response:
    """Post a body, as JSON or as it is, in an event loop of its own."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://chat"
        ) as client:
            raw = json.dumps(body).encode() if content is None else content
            headers = {"content-type": "application/json"}
            where = path or "/chat/completions"
            return await client.post(where, content=raw, headers=headers)

    return asyncio.run(send())


def error_of(response: httpx.Response) -> dict[str, str | None]:
    """Return the error object, which must be all there is and of that shape."""
    body: dict[str, dict[str, str | None]] = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]


def asking(**options: object) -> dict[str, object]:
    return {"messages": TALK, **options}
