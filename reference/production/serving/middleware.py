"""Around every request: its id, its place in the queue of the door, log and metrics.

One plain ASGI middleware does it all, since each one more costs every request.
"""

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from math import ceil
from typing import cast

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference.production.serving.instruments import Instruments
from reference.production.serving.problems import problem
from reference.production.serving.rate_limit import RateLimiter
from reference.production.serving.shutdown import GracefulShutdown
from reference.production.serving.transport import find_route

logger = logging.getLogger(__name__)
access = logging.getLogger("reference.production.serving.access")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
_UNMATCHED = "unmatched"
# No status of HTTP's own; nginx writes it for the same.
_CLIENT_LEFT = 499


@dataclass(frozen=True)
class _Refusal:
    """An answer that is given at the door."""

    status: int
    detail: str
    retry_after: int


class Observation:
    """ASGI middleware: ids, logs, metrics, rates, and refusal while shutting down.

    A request with a sound ``X-Request-ID`` keeps it, others get one; it is in the
    answer and in every line of the log. Requests by other methods than GET and HEAD
    are the work: of these no more than the rate limit allows are let in, none once the
    service is shutting down, and those let in are waited for. HEAD is answered as GET
    without the body. An exception that nothing else caught is logged and becomes a 500
    that tells nothing of it, unless ``debug``.
    """

    def __init__(
        self,
        app: ASGIApp,
        instruments: Instruments,
        shutdown: GracefulShutdown,
        limiter: RateLimiter | None,
        clock: Callable[[], float] = time.perf_counter,
        debug: bool = False,
    ) -> None:
        self.app = app
        self._instruments = instruments
        self._shutdown = shutdown
        self._limiter = limiter
        self._clock = clock
        self._debug = debug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = self._clock()
        exchange = _Exchange(scope, send, leaving=not self._shutdown.ready)
        token = request_id.set(exchange.request_id)
        self._instruments.active += 1
        # There is one, as what serves ASGI on asyncio runs each request in a task.
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._shutdown.tasks.add(task)
        try:
            await self._answer(exchange, receive)
        finally:
            self._shutdown.tasks.discard(task)
            self._instruments.active -= 1
            self._record(exchange, self._clock() - started)
            request_id.reset(token)

    async def _answer(self, exchange: "_Exchange", receive: Receive) -> None:
        if exchange.method in {"GET", "HEAD"}:
            await self._guarded(exchange, receive)
            return
        refusal = self._refusal(exchange.scope)
        if refusal is not None:
            await exchange.refuse(refusal)
            return
        try:
            await self._guarded(exchange, receive)
        finally:
            self._shutdown.request_finished()

    def _refusal(self, scope: Scope) -> _Refusal | None:
        """Say why a request is not let in, or let it in and count it."""
        if self._limiter is not None:
            client = scope.get("client")
            decision = self._limiter.allow(client[0] if client else "unknown")
            if not decision.allowed:
                wait = max(1, ceil(decision.retry_after))
                return _Refusal(429, "too many requests", wait)
        if not self._shutdown.request_started():
            return _Refusal(503, "the service is shutting down", 1)
        return None

    async def _guarded(self, exchange: "_Exchange", receive: Receive) -> None:
        try:
            await self.app(exchange.scope, receive, exchange.send)
        except ClientDisconnect:
            logger.debug("the client left")
        except Exception:
            exchange.failed = True
            if self._debug:
                raise
            logger.exception("request failed")
            if exchange.status:
                # The answer has begun: all that is left is to cut it off.
                raise
            await exchange.problem(500, "the service failed to answer", {})

    def _record(self, exchange: "_Exchange", seconds: float) -> None:
        status = 500 if exchange.failed else exchange.status or _CLIENT_LEFT
        route = exchange.route
        self._instruments.answered(exchange.method, route, status, seconds)
        if access.isEnabledFor(logging.INFO):
            access.info(
                "request",
                extra={
                    "method": exchange.method,
                    "route": route,
                    "status": status,
                    "duration_ms": round(seconds * 1e3, 3),
                },
            )


class _Exchange:
    """A request with what is known of its answer."""

    def __init__(self, scope: Scope, send: Send, *, leaving: bool) -> None:
        method = scope["method"]
        self.method = method if method in _METHODS else "other"
        self.head = method == "HEAD"
        self.scope = {**scope, "method": "GET"} if self.head else scope
        self.request_id = _given_id(scope) or secrets.token_hex(16)
        # The connection shall not be idle, and so closed under a request, at the end.
        self.leaving = leaving
        # 0 until the answer begins.
        self.status = 0
        self.failed = False
        self._send = send

    @property
    def route(self) -> str:
        """The template of the route, which the router noted if it was asked."""
        route = self.scope.get("route") or find_route(self.scope)
        return str(getattr(route, "path", _UNMATCHED))

    async def send(self, message: Message) -> None:
        """Pass a message on: with the id in its head, without a body for HEAD."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [(b"x-request-id", self.request_id.encode("ascii"))]
            if self.leaving and self.scope["http_version"] < "2":
                own.append((b"connection", b"close"))
            message["headers"] = [*message.get("headers", ()), *own]
        elif self.head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    async def refuse(self, refusal: _Refusal) -> None:
        """Answer without having asked the application."""
        headers = {"retry-after": str(refusal.retry_after)}
        # The body was not read: what is left of it would be taken for a request.
        if self.scope["http_version"] < "2" and not self.leaving:
            headers["connection"] = "close"
        await self.problem(refusal.status, refusal.detail, headers)

    async def problem(self, status: int, detail: str, headers: dict[str, str]) -> None:
        """Send an error of our own."""
        body = json.dumps(problem(self.scope["path"], status, detail)).encode()
        given = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **headers,
        }
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        await self.send(
            {"type": "http.response.start", "status": status, "headers": raw}
        )
        await self.send({"type": "http.response.body", "body": body})


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode("ascii") if _WELL_FORMED.fullmatch(value) else None
    return None
