"""Load for a server: a bounded number of connections, each with one request at a time.

A client of its own on asyncio's protocols, since one with more comfort takes longer for
a request than the servers that it shall measure. It speaks just as much HTTP/1.1 as
their answers to one fixed request need.
"""

import asyncio
import json
import time
from dataclasses import dataclass

import numpy as np

_PATIENCE = 60.0


@dataclass(frozen=True)
class Outcome:
    """Seconds for all requests, and for each of them."""

    seconds: float
    latencies: tuple[float, ...]

    def percentiles(self) -> tuple[float, float, float]:
        """Return p50, p95 and p99 in seconds, by linear interpolation."""
        p50, p95, p99 = np.percentile(self.latencies, [50, 95, 99])
        return float(p50), float(p95), float(p99)


def load(port: int, body: object, *, requests: int, connections: int) -> Outcome:
    """Post ``body`` to ``/predict`` so many times; every answer must be a 200.

    Connections are opened before the clock starts.
    """
    return asyncio.run(_load(_request(body), port, requests, connections))


async def _load(request: bytes, port: int, requests: int, connections: int) -> Outcome:
    loop = asyncio.get_running_loop()
    work = _Work(request, requests, loop.create_future())
    opened = [
        await loop.create_connection(lambda: _Connection(work), "127.0.0.1", port)
        for _ in range(connections)
    ]
    began = time.perf_counter()
    for _, connection in opened:
        connection.ask()
    try:
        async with asyncio.timeout(_PATIENCE):
            await work.done
        seconds = time.perf_counter() - began
    finally:
        for transport, _ in opened:
            transport.close()
    return Outcome(seconds, tuple(work.latencies))


def _request(body: object) -> bytes:
    content = json.dumps(body).encode()
    return (
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(content), content)
    )


class _Work:
    """What all connections share: how many requests are left, and what was measured."""

    def __init__(
        self, request: bytes, requests: int, done: "asyncio.Future[None]"
    ) -> None:
        self.request = request
        self.left = requests
        self.wanted = requests
        self.done = done
        self.latencies: list[float] = []

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))

    def answered(self, seconds: float) -> None:
        self.latencies.append(seconds)
        if len(self.latencies) == self.wanted and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, work: _Work) -> None:
        self._work = work
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        self._work.fail("a connection was lost")

    def ask(self) -> None:
        """Send the next request, if one is left."""
        if self._work.left == 0:
            return
        self._work.left -= 1
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(self._work.request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._buffer = b""
        if not head.startswith(b"HTTP/1.1 200 "):
            self._work.fail(f"an answer was {head[:40]!r} {body[:200]!r}")
            return
        self._work.answered(time.perf_counter() - self._sent)
        self.ask()


def _length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(b"content-length:") + len(b"content-length:")
    return int(lower[start : lower.find(b"\r\n", start) % (len(lower) + 1)])
