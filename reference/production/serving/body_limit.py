"""How much a request may send, and in what time."""

import asyncio

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference.production.serving.problems import problem
from reference.production.serving.transport import is_of_wrong_type

BODY_SECONDS = 30.0


class BodyLimit:
    """ASGI middleware: answer 413 to a body that is too large, 408 to one too slow.

    What ``Content-Length`` declares is refused at once, on any route; since it may be
    absent or wrong, the bytes are counted while they arrive as well. ``seconds``, on
    the clock of the event loop, are for the whole body. Where it was not read to its
    end, the connection is closed after the answer.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, seconds: float = BODY_SECONDS
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, with a ``receive`` that raises above the limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive, send, self)
        # The media type goes first: the client would have to mend that before.
        if body.declared > self.max_bytes and not is_of_wrong_type(scope):
            answer = problem(scope["path"], 413, self.too_large)
            await JSONResponse(answer, 413)(scope, receive, body.send)
        else:
            await self.app(scope, body.receive, body.send)

    @property
    def too_large(self) -> str:
        """What the client is told."""
        return f"body must be at most {self.max_bytes} bytes"

    @property
    def too_slow(self) -> str:
        """What the client is told."""
        return f"body must arrive within {self.seconds:g} s"


class _Body:
    """The body of one request while it arrives."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limit: BodyLimit
    ) -> None:
        self.declared = _declared_length(scope)
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._deadline = asyncio.get_running_loop().time() + limit.seconds
        self._arrived = 0
        self._ended = False

    async def receive(self) -> Message:
        """Return the next piece in time, or raise; what follows the body may wait."""
        if self._ended:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, self._limit.too_slow) from error
        self._arrived += len(message.get("body", b""))
        if self._arrived > self._limit.max_bytes:
            raise HTTPException(413, self._limit.too_large)
        self._ended = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on; the head says whether the connection is closed."""
        if message["type"] == "http.response.start" and self._is_left():
            closing = (b"connection", b"close")
            message["headers"] = [*message.get("headers", ()), closing]
        await self._send(message)

    def _is_left(self) -> bool:
        """Tell whether HTTP/1 servers would go on to read the rest, however long.

        HTTP/2 has streams instead and forbids the header.
        """
        if self._ended or self._scope["http_version"] >= "2":
            return False
        return any(
            name == b"transfer-encoding"
            or (name == b"content-length" and value != b"0")
            for name, value in self._scope["headers"]
        )


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            try:
                return int(value)
            except ValueError:
                return 0
    return 0
