"""The head of a request is limited, in size and in time."""

import socket

import pytest

from reference.production.serving import create_app
from reference.production.serving.protocol import HEAD_BYTES, BoundedProtocol
from tests.reference.production.serving.threaded import exchange, served

LINE = b"GET /health HTTP/1.1\r\nHost: t\r\n"
CHUNKED = b"POST /health HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
# Many times the limit and what the system may hold back.
PIECE, PIECES = 65_536, 1_000


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET /", b"a"),
        (LINE + b"x-a: ", b"a"),
        (LINE, b"x-a: 1\r\n"),
        (CHUNKED + b"0\r\n", b"x-a: 1\r\n"),
        (CHUNKED + b"1;", b"a"),
    ],
    ids=["address", "one header", "many headers", "trailers", "extension"],
)
def test_an_endless_head_is_cut_off(begin: bytes, piece: bytes) -> None:
    with (
        served(create_app(), BoundedProtocol) as address,
        socket.create_connection(address, timeout=20) as connection,
        pytest.raises(ConnectionError),
    ):
        connection.sendall(begin + piece * (PIECE * PIECES // len(piece)))


class Hasty(BoundedProtocol):
    """The same with less patience."""

    head_bytes = 1000
    head_seconds = 0.05


def test_what_was_too_large_is_told() -> None:
    with (
        served(create_app(), Hasty) as address,
        socket.create_connection(address, timeout=20) as connection,
    ):
        connection.sendall(LINE + b"x-a: ")
        # The first piece is not counted, the second is another read.
        answer = b""
        while not answer:
            connection.sendall(b"a" * 600)
            connection.settimeout(0.01)
            try:
                answer = connection.recv(1000)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("begin", [b"", b"GET /hea", LINE, LINE + b"\r\n" + LINE])
def test_a_head_that_does_not_end_is_cut_off_in_time(begin: bytes) -> None:
    with served(create_app(), Hasty) as address:
        assert b"HTTP/1.1 408 " in exchange(address, begin)


def test_what_is_in_the_bounds_is_answered() -> None:
    head = LINE + b"x-a: " + b"a" * (HEAD_BYTES // 2) + b"\r\n"
    requests = (head + b"\r\n") * 3 + head + b"Connection: close\r\n\r\n"
    with served(create_app(), BoundedProtocol) as address:
        assert exchange(address, requests).count(b"HTTP/1.1 200 ") == 4
