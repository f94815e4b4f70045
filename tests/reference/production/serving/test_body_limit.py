"""The size of a body is limited, however it comes, and its time."""

import json
from collections.abc import AsyncIterator

import pytest

from reference.production.serving import create_app
from tests.reference.production.serving.support import (
    APP,
    BODY_LIMIT,
    MODELS,
    ask,
    assert_problem,
    post,
)
from tests.reference.production.serving.threaded import exchange, served


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
    app = create_app(MODELS, max_body_bytes=BODY_LIMIT)
    size = BODY_LIMIT + 1
    # The last chunk, which would end the body, never comes.
    request = (
        b"POST /predict HTTP/1.1\r\nHost: t\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%s\r\n"
        % (size, padded(size).encode())
    )
    with served(app) as address:
        # Ends only because the server closes the connection.
        head, _, body = exchange(address, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body) == {"detail": f"body must be at most {BODY_LIMIT} bytes"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health"), ("POST", "/nowhere"), ("POST", "/models/reload")],
)
def test_a_declared_excess_is_refused_on_any_route(method: str, path: str) -> None:
    response = ask(APP, method, path, padded(BODY_LIMIT + 1))
    assert_problem(response, 413)
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_the_media_type_goes_before_the_size(path: str) -> None:
    headers = {"content-type": "text/plain"}
    response = ask(APP, "POST", path, padded(BODY_LIMIT + 1), headers)
    assert_problem(response, 415)
    assert response.headers["connection"] == "close"


def test_a_body_that_nobody_reads_closes_the_connection() -> None:
    assert ask(APP, "POST", "/nowhere", "{}").headers["connection"] == "close"
    assert "connection" not in ask(APP, "POST", "/nowhere").headers
    assert "connection" not in post("/predict", {"features": [1, 2, 3]}).headers


def test_an_unfinished_body_is_refused_in_time() -> None:
    app = create_app(MODELS, body_seconds=0.05)
    request = (
        b"POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 30\r\n"
        b'Content-Type: application/json\r\n\r\n{"fea'
    )
    with served(app) as address:
        head, _, body = exchange(address, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body) == {"detail": "body must arrive within 0.05 s"}


def test_limits_are_above_zero() -> None:
    with pytest.raises(ValueError, match=r"^max_body_bytes must be "):
        create_app(MODELS, max_body_bytes=0)
    with pytest.raises(ValueError, match=r"^body_seconds must be "):
        create_app(MODELS, body_seconds=0)
