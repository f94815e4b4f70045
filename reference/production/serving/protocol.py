"""HTTP/1.1 by httptools, with a bound to the head of a request.

uvicorn's own class keeps URL and headers without limit, and waits for them without
limit; that for h11 bounds their size.
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536
HEAD_SECONDS = 30.0


class BoundedProtocol(HttpToolsProtocol):
    """Close with 431 above ``head_bytes``, with 408 after ``head_seconds``.

    Counted is what arrived since the request began or since a piece of its body, so
    trailers and the extensions of chunks are bounded too. A head that ends within the
    same read as it began, of at most 256 KiB, is not looked at.
    """

    head_bytes = HEAD_BYTES
    head_seconds = HEAD_SECONDS

    _unfinished = 0
    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the first request its time."""
        super().connection_made(transport)  # type: ignore[arg-type]  # narrower there
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time that is left."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrived; the callbacks below begin anew."""
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > self.head_bytes:
            self._close(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._unfinished = 0
        self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End the head of a request."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, of which others see the size."""
        self._unfinished = 0
        super().on_body(body)

    def _expect_head(self) -> None:
        self._stop_waiting()
        status = HTTPStatus.REQUEST_TIMEOUT
        self._overdue = self.loop.call_later(self.head_seconds, self._close, status)

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()

    def _close(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        # In the middle of another answer there is no place for this one.
        if self.cycle is None or self.cycle.response_complete:
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            ending = "content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(f"{line}{ending}".encode())
        self.transport.close()
