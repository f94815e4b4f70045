"""Server-sent events (WHATWG HTML, section 9.2), and clients that go away."""

import asyncio
from collections.abc import Coroutine

from starlette.types import Receive, Send

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # Proxies would collect pieces until a buffer is full.
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """A response of events, each sent as it comes."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def start(self) -> None:
        """Send the head of the response."""
        await self._send(
            {"type": "http.response.start", "status": 200, "headers": _HEADERS}
        )

    async def event(self, data: str) -> None:
        """Send one event; ``data`` is one line."""
        body = f"data: {data}\n\n".encode()
        await self._send(
            {"type": "http.response.body", "body": body, "more_body": True}
        )
        # A model that never waits would leave no turn to others, nor to the one who
        # sees that the client is gone.
        await asyncio.sleep(0)

    async def end(self) -> None:
        """End the response."""
        await self._send({"type": "http.response.body", "body": b""})


async def while_connected(
    receive: Receive, work: Coroutine[object, object, None]
) -> None:
    """Run ``work``; cancel it as soon as the client is gone, and wait for its end.

    The body of the request must have been read. Raises what ``work`` raises.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
