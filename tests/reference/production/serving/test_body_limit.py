"""The size of a body is limited, however it comes."""

import json
import socket
import threading
from collections.abc import AsyncIterator

import pytest
import uvicorn

from reference.production.serving import create_app
from tests.reference.production.serving.support import (
    APP,
    BODY_LIMIT,
    MODELS,
    ask,
    assert_problem,
)


def padded(size: int) -> str:
    """Return a good request of exactly ``size`` bytes."""
    return '{"features": [1, 2, 3]}'.ljust(size)


def test_the_limit_of_the_body_is_exact() -> None:
    assert ask(APP, "POST", "/predict", padded(BODY_LIMIT)).status_code == 200
    response = ask(APP, "POST", "/predict", padded(BODY_LIMIT + 1))
    detail = assert_problem(response, 413)
    assert detail == f"body must be at most {BODY_LIMIT} bytes"
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("declared", [None, "5", "-1", "x", "9" * 5000])
def test_an_endless_body_is_refused_as_it_arrives(declared: str | None) -> None:
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        while True:
            pulled += 1
            yield b" " * 100

    headers = {"content-type": "application/json"}
    if declared is not None:
        headers["content-length"] = declared
    assert_problem(ask(APP, "POST", "/predict", endless(), headers), 413)
    assert pulled <= BODY_LIMIT / 100 + 1


def test_a_declared_excess_is_refused_before_anything_is_read() -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    headers = {"content-type": "application/json", "content-length": "2001"}
    assert_problem(ask(APP, "POST", "/predict", body(), headers), 413)
    assert not read


def test_a_real_server_refuses_a_chunked_body_before_its_end() -> None:
    # An application of its own: with the server its work is over.
    app = create_app(MODELS, max_body_bytes=BODY_LIMIT)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.005)
        assert server.started
        address = server.servers[0].sockets[0].getsockname()
        with socket.create_connection(address, timeout=10) as connection:
            size = BODY_LIMIT + 1
            # The last chunk, which would end the body, never comes.
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: t\r\n"
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"%x\r\n%s\r\n"
                % (size, padded(size).encode())
            )
            with connection.makefile("rb") as answer:
                # Ends only because the server closes the connection.
                head, _, body = answer.read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        assert json.loads(body) == {
            "detail": f"body must be at most {BODY_LIMIT} bytes"
        }
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()
