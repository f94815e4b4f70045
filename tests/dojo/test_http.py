"""The client of the endpoint katas, against applications written out by hand."""

import asyncio
from collections.abc import Iterator

import pytest

from dojo.recording import RECORDER
from dojo.testing.http import (
    Answer,
    Application,
    Client,
    Message,
    Receive,
    Send,
    assert_status,
    new_input,
)
from tests.dojo.failing import mismatch

JSON_HEADER = [(b"Content-Type", b"application/json; charset=utf-8")]


@pytest.fixture(autouse=True)
def _new_record() -> Iterator[None]:
    RECORDER.begin()
    yield
    RECORDER.begin()


async def reply(send: Send, status: int, *pieces: bytes) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": JSON_HEADER}
    )
    for piece in pieces[:-1]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": pieces[-1]})


def replying(status: int, *pieces: bytes) -> Application:
    async def app(_: Message, __: Receive, send: Send) -> None:
        await reply(send, status, *pieces)

    return app


def test_the_application_sees_the_request() -> None:
    seen: list[Message] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.extend([scope, await receive()])
        await reply(send, 201, b"null")

    answer = Client(app).request("PUT", "/a b", b"text", {"X-Word": "yes"})
    scope, message = seen
    assert (scope["method"], scope["path"]) == ("PUT", "/a b")
    assert scope["raw_path"] == b"/a%20b"
    assert scope["headers"] == [(b"x-word", b"yes"), (b"content-length", b"4")]
    assert message == {"type": "http.request", "body": b"text", "more_body": False}
    assert (answer.status, answer.bytes_read, answer.crash) == (201, 4, "")


def test_an_answer_in_pieces_is_put_together() -> None:
    answer = Client(replying(200, b'{"a": ', b"", b"[1]}")).get("/")
    assert answer.body == b'{"a": [1]}'
    assert answer.headers == {"content-type": "application/json; charset=utf-8"}
    assert answer.json() == {"a": [1]}


def test_a_body_in_pieces_has_no_length_and_is_counted_as_it_is_read() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        assert b"content-length" not in dict(scope["headers"])
        first, second = await receive(), await receive()
        assert first["more_body"]
        assert second["more_body"]
        await reply(send, 200, b"null")

    answer = Client(app).request("POST", "/", [b"one", b"three", b"more"])
    assert answer.status == 200
    assert answer.bytes_read == 8


@pytest.mark.parametrize("pieces", [[], [b""], [b"a", b"bc"]])
def test_a_body_in_pieces_comes_to_an_end(pieces: list[bytes]) -> None:
    async def app(_: Message, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await reply(send, 200, body)

    assert Client(app).request("POST", "/", pieces).body == b"".join(pieces)


def test_the_client_hangs_up_after_the_answer_only() -> None:
    events: list[str] = []

    async def app(_: Message, receive: Receive, send: Send) -> None:
        await receive()

        async def wait() -> None:
            events.append((await receive())["type"])

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        events.append("answer")
        await reply(send, 200, b"null")
        await waiting

    Client(app).get("/")
    assert events == ["answer", "http.disconnect"]


def test_a_crash_is_a_500() -> None:
    async def app(_: Message, __: Receive, ___: Send) -> None:
        raise KeyError("oops")

    answer = Client(app).get("/x")
    assert (answer.status, answer.body, answer.crash) == (500, b"", "KeyError: 'oops'")
    failure = mismatch(assert_status, answer, 404)
    assert (failure.actual, failure.expected) == (500, 404)
    assert failure.detail == "the application raised KeyError: 'oops'"


def test_a_crash_behind_an_answer_keeps_its_status() -> None:
    async def app(_: Message, __: Receive, send: Send) -> None:
        await reply(send, 500, b"null")
        raise ValueError

    answer = Client(app).get("/")
    assert (answer.status, answer.body) == (500, b"null")


def test_no_answer_at_all_is_status_0() -> None:
    async def app(_: Message, __: Receive, ___: Send) -> None:
        return

    assert Client(app).get("/").status == 0


def test_what_is_not_written_yet_is_no_wrong_answer() -> None:
    async def app(_: Message, __: Receive, ___: Send) -> None:
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        Client(app).get("/")


def test_the_status_is_one_of_those_expected() -> None:
    answer = Client(replying(404, b'{"detail": "gone"}')).get("/x")
    assert_status(answer, 404)
    assert_status(answer, 200, 404)
    failure = mismatch(assert_status, answer, 200)
    assert failure.what == "the status of the answer to GET /x"
    assert failure.detail == '{"detail": "gone"}'


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b"[-Infinity]", b'"\xff"'])
def test_an_answer_that_is_no_json_is_a_mismatch(body: bytes) -> None:
    assert "this is not JSON" in mismatch(answered(body).json).detail


def test_an_answer_of_another_type_is_a_mismatch() -> None:
    answer = Answer("GET /", 200, {"content-type": "text/html"}, b"{}")
    assert mismatch(answer.json).actual == "text/html"


def answered(body: bytes) -> Answer:
    return Answer("GET /", 200, {"content-type": "application/json"}, body)


def test_each_request_is_a_line_of_the_input() -> None:
    client = Client(replying(200, b"null"))
    client.get("/before")
    new_input()
    client.get("/models/a b")
    client.post("/predict", {"x": [1, float("nan")]})
    client.request("POST", "/", b"\xff")
    client.request("POST", "/", b"text", {"content-type": "text/plain"})
    client.request("POST", "/", [b"ab", b"c"])
    client.request("POST", "/", b"x" * 300)
    assert RECORDER.script() == [
        "GET /models/a%20b",
        'POST /predict {"x": [1, NaN]}',
        r"POST / b'\xff'",
        "POST / {'content-type': 'text/plain'} text",
        "POST / abc (in 2 pieces, without Content-Length)",
        f"POST / {'x' * 200}… (300 bytes)",
    ]
