"""Requests to an ASGI application in this process: no server, no socket.

    client = Client(create_app(models))
    answer = client.post("/predict", {"features": [1.0, 2.0]})
    assert_status(answer, 200)

Every request is a line of what the verdict shows as input.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import quote

from dojo.recording import RECORDER
from dojo.testing.mismatch import UNSTATED, fail
from dojo.testing.stateful import step

__all__ = ["JSON", "Answer", "Client", "assert_status", "new_input"]

# The types of the ASGI specification, whose messages hold values of any type.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

JSON = {"content-type": "application/json"}
_SHOWN = 200


@dataclass(frozen=True)
class Answer:
    """What came back; the names of ``headers`` are in lower case.

    ``request`` is the method and the path, ``bytes_read`` how much of the request's
    body the application took, and ``crash`` what it raised: a server would then answer
    500, so that is the ``status`` if none had been sent. It is 0 where the application
    came to its end without an answer.
    """

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    bytes_read: int = 0
    crash: str = ""

    def json(self) -> Any:
        """Parse the body as RFC 8259 has it: a NaN or an infinity is a mismatch."""
        __tracebackhide__ = True
        what = f"the answer to {self.request}"
        media_type = self.headers.get("content-type", "").partition(";")[0]
        if media_type != JSON["content-type"]:
            fail(f"the type of {what}", media_type, JSON["content-type"])
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_refuse)
        except ValueError as error:
            fail(what, self.body, UNSTATED, f"this is not JSON: {error}")


class Client:
    """Asks an application, one request at a time, without waiting for a network."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def get(self, path: str) -> Answer:
        """Send a GET request."""
        return self.request("GET", path)

    def post(self, path: str, value: object) -> Answer:
        """Send ``value`` as JSON; NaN and infinities go out as Python writes them."""
        return self.request("POST", path, json.dumps(value).encode())

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] = JSON,
    ) -> Answer:
        """Send a request and wait for the whole answer.

        A body in pieces goes out without a Content-Length, as if chunked. ``path`` is
        quoted here and has no query.
        """
        pieces = [body] if isinstance(body, bytes) else [*body, b""]
        sent = dict(headers)
        if isinstance(body, bytes):
            sent["content-length"] = str(len(body))
        step(_line(method, path, pieces, headers))
        exchange = _Exchange(pieces)
        crash = asyncio.run(exchange.run(self._app, _scope(method, path, sent)))
        status = 500 if crash and exchange.status == 0 else exchange.status
        content = b"".join(exchange.content)
        return Answer(
            f"{method} {quote(path)}",
            status,
            exchange.headers,
            content,
            exchange.bytes_read,
            crash,
        )


def new_input() -> None:
    """Let the input that the verdict shows begin here: what was before is no part."""
    RECORDER.begin()


def assert_status(answer: Answer, *expected: int) -> None:
    """Check that the status is one of ``expected``."""
    __tracebackhide__ = True
    if answer.status not in expected:
        wanted = expected[0] if len(expected) == 1 else expected
        what = f"the status of the answer to {answer.request}"
        text = answer.body.decode("utf-8", "replace")[:_SHOWN]
        detail = f"the application raised {answer.crash}" if answer.crash else text
        fail(what, answer.status, wanted, detail)


@dataclass
class _Exchange:
    """The server's side of one request."""

    pieces: list[bytes]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: list[bytes] = field(default_factory=list)
    bytes_read: int = 0
    given: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, app: Application, scope: Message) -> str:
        """Let the application answer; return what it raised, if anything."""
        try:
            await app(scope, self._receive, self._send)
        except NotImplementedError:
            raise  # a stub is not a wrong answer
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:_SHOWN]
        return ""

    async def _receive(self) -> Message:
        if self.given < len(self.pieces):
            piece = self.pieces[self.given]
            self.given += 1
            self.bytes_read += len(piece)
            more = self.given < len(self.pieces)
            return {"type": "http.request", "body": piece, "more_body": more}
        # The client stays until it has the whole answer.
        await self.answered.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pairs = message.get("headers", [])
            self.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in pairs
            }
        elif message["type"] == "http.response.body":
            self.content.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                self.answered.set()


def _scope(method: str, path: str, headers: Mapping[str, str]) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode("ascii"),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers.items()
        ],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


def _line(
    method: str, path: str, pieces: list[bytes], headers: Mapping[str, str]
) -> str:
    words = [method, quote(path)]
    content = b"".join(pieces)
    if content and headers != JSON:
        words.append(str(dict(headers)))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = repr(content)
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]}… ({len(content)} bytes)"
    if len(pieces) > 1:
        text += f" (in {len(pieces) - 1} pieces, without Content-Length)"
    return " ".join([*words, text]).strip()


def _refuse(token: str) -> NoReturn:
    raise ValueError(f"{token} is not a number in JSON")
