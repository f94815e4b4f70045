"""A real server in a thread, and bytes as they are sent to it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def served(
    app: ASGIApp, http: "type[asyncio.Protocol] | str" = "auto"
) -> Iterator[tuple[str, int]]:
    """Serve an application, whose work is over afterwards; give the address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="warning", http=http
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.005)
        assert server.started
        yield server.servers[0].sockets[0].getsockname()
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


def exchange(address: tuple[str, int], request: bytes) -> bytes:
    """Return all that is answered until the server closes the connection."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            return answer.read()
