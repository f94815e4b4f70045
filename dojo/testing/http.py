"""Requests to an ASGI application in this process: no server, no socket.

    client = Client(create_app(models))
    answer = client.post("/predict", {"features": [1.0, 2.0]})
    assert_status(answer, 200)

On an event loop that runs already, ``await client.ask("GET", "/health")``; an answer
that comes in pieces is read as they come, and the client may hang up in the middle:

    async with client.stream("POST", "/chat/completions", body) as answer:
        first = await answer.piece()

An application with a lifespan is started and ended by ``async with lifespan(app)``.
Every request is a line of what the verdict shows as input.
"""

import asyncio
import contextlib
import json
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
)
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import quote

from dojo.recording import RECORDER
from dojo.testing.mismatch import UNSTATED, fail
from dojo.testing.stateful import step

__all__ = [
    "JSON",
    "Answer",
    "Client",
    "StreamedAnswer",
    "assert_status",
    "lifespan",
    "new_input",
]

# The types of the ASGI specification, whose messages hold values of any type.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

JSON = {"content-type": "application/json"}
_SHOWN = 200
# Seconds that an application may take to end once nobody waits for its answer.
_PATIENCE = 5.0


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
    """Asks an application without waiting for a network."""

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
        return asyncio.run(self.ask(method, path, body, headers))

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] = JSON,
    ) -> Answer:
        """Send a request as ``request`` does, on the event loop that runs."""
        exchange, scope = _begin(method, path, body, headers)
        crash = await exchange.run(self._app, scope)
        return exchange.answer(crash)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] = JSON,
    ) -> "AsyncIterator[StreamedAnswer]":
        """Send a request, and read its answer while it comes.

        At the end of the block the client hangs up, if it has not done so before, and
        the application has to end: a ``Mismatch`` says if it does not.
        """
        exchange, scope = _begin(method, path, body, headers)
        task = asyncio.create_task(exchange.run(self._app, scope))
        answer = StreamedAnswer(exchange, task)
        try:
            yield answer
            await answer.hang_up()
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=_PATIENCE)


class StreamedAnswer:
    """An answer that is still on its way."""

    def __init__(self, exchange: "_Exchange", task: "asyncio.Task[str]") -> None:
        self._exchange = exchange
        self._task = task

    async def start(self) -> Answer:
        """Wait for the status and the headers; the body is what has come so far."""
        await self._until(lambda: self._exchange.status != 0)
        return self._exchange.answer(self.crash)

    async def piece(self) -> bytes:
        """Return the next piece of the body, as it was sent; b"" at the end."""
        exchange = self._exchange
        place = exchange.read
        await self._until(lambda: len(exchange.content) > place)
        if len(exchange.content) <= place:
            return b""
        exchange.read += 1
        return exchange.content[place] or await self.piece()

    async def rest(self) -> bytes:
        """Wait for the end, and return what has not been read yet."""
        pieces = []
        while piece := await self.piece():
            pieces.append(piece)
        return b"".join(pieces)

    async def hang_up(self) -> None:
        """Close the connection, and wait until the application has come to its end."""
        __tracebackhide__ = True
        exchange = self._exchange
        if not exchange.answered.is_set():
            step("# the client hangs up")
        exchange.answered.set()
        await asyncio.wait([self._task], timeout=_PATIENCE)
        if not self._task.done():
            what = f"{exchange.request} after the client hung up"
            fail(what, UNSTATED, UNSTATED, "the application does not come to an end")
        self._task.result()

    @property
    def ended(self) -> bool:
        """Whether the application has come to its end."""
        return self._task.done()

    @property
    def crash(self) -> str:
        """What the application has raised, if anything."""
        return self._task.result() if self._task.done() else ""

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition() and not self._task.done():
            self._exchange.changed.clear()
            changed = asyncio.ensure_future(self._exchange.changed.wait())
            await asyncio.wait(
                [changed, self._task], return_when=asyncio.FIRST_COMPLETED
            )
            changed.cancel()
        if self._task.done():
            self._task.result()  # raises where the code is not written yet


@contextlib.asynccontextmanager
async def lifespan(app: Application) -> AsyncIterator[None]:
    """Start an application, and shut it down at the end of the block.

    One that knows no lifespan is left alone; one that reports a failure, or that does
    not answer, is a mismatch.
    """
    __tracebackhide__ = True
    asked: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, asked.get, answers.put))

    async def tell(event: str) -> None:
        await asked.put({"type": f"lifespan.{event}"})
        answer = asyncio.ensure_future(answers.get())
        await asyncio.wait(
            [answer, task], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        if answer.done() and answer.result()["type"] == f"lifespan.{event}.complete":
            return
        answer.cancel()
        said = answer.result() if answer.done() and not answer.cancelled() else None
        if task.done() and said is None and event == "startup":
            error = task.exception()
            if isinstance(error, NotImplementedError):
                raise error
            return
        fail(f"the {event} of the application", said, UNSTATED, "it is not completed")

    try:
        await tell("startup")
        yield
        if not task.done():
            await tell("shutdown")
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=_PATIENCE)
        if task.done() and not task.cancelled():
            task.exception()


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

    request: str
    pieces: list[bytes]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: list[bytes] = field(default_factory=list)
    bytes_read: int = 0
    given: int = 0
    read: int = 0
    # Set by the end of the answer, or by a client that hangs up.
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, crash: str) -> Answer:
        """Return what has come back so far."""
        status = 500 if crash and self.status == 0 else self.status
        content = b"".join(self.content)
        return Answer(
            self.request, status, self.headers, content, self.bytes_read, crash
        )

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
        self.changed.set()
        if self.answered.is_set():
            return  # nobody is there any more
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


def _begin(
    method: str,
    path: str,
    body: bytes | Iterable[bytes],
    headers: Mapping[str, str],
) -> tuple[_Exchange, Message]:
    pieces = [body] if isinstance(body, bytes) else [*body, b""]
    sent = dict(headers)
    if isinstance(body, bytes):
        sent["content-length"] = str(len(body))
    step(_line(method, path, pieces, headers))
    exchange = _Exchange(f"{method} {quote(path)}", pieces)
    return exchange, _scope(method, path, sent)


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
