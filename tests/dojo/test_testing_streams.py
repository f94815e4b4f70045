"""Answers that are read while they come, clients that hang up, and lifespans."""

import asyncio

import pytest

from dojo.recording import RECORDER
from dojo.testing.http import Client, Message, Receive, Send, lifespan
from dojo.testing.loops import START, now, run_virtual
from tests.dojo.failing import mismatch

HEADERS = [(b"Content-Type", b"text/event-stream")]


class Counting:
    """Sends a number a second; it ends where the client hangs up, unless stubborn."""

    def __init__(self, pieces: int = 3, *, stubborn: bool = False) -> None:
        self.pieces = pieces
        self.stubborn = stubborn
        self.seen: list[str] = []

    async def __call__(self, _: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await receive()
        listening = asyncio.create_task(self._listen(receive))
        start = {"type": "http.response.start", "status": 200, "headers": HEADERS}
        await send(start)
        for piece in range(self.pieces):
            await asyncio.sleep(1.0)
            if self.seen and not self.stubborn:
                return
            content = str(piece).encode()
            await send(
                {"type": "http.response.body", "body": content, "more_body": True}
            )
        await send({"type": "http.response.body"})
        await listening

    async def _listen(self, receive: Receive) -> None:
        self.seen.append((await receive())["type"])


def test_pieces_come_as_they_are_sent() -> None:
    async def main() -> None:
        async with Client(Counting()).stream("GET", "/") as answer:
            head = await answer.start()
            assert (head.status, head.body, now()) == (200, b"", START)
            assert head.headers == {"content-type": "text/event-stream"}
            assert (await answer.piece(), now()) == (b"0", START + 1.0)
            assert (await answer.rest(), now()) == (b"12", START + 3.0)
            assert await answer.piece() == b""
        assert answer.ended
        assert answer.crash == ""

    run_virtual(main)


def test_a_client_hangs_up_in_the_middle() -> None:
    app = Counting(100)

    async def main() -> None:
        RECORDER.begin()
        async with Client(app).stream("GET", "/") as answer:
            assert await answer.piece() == b"0"
        assert answer.ended
        assert now() == START + 2.0

    run_virtual(main)
    assert app.seen == ["http.disconnect"]
    assert RECORDER.script() == ["GET /", "# the client hangs up"]


def test_an_application_that_does_not_end_is_a_mismatch() -> None:
    async def main() -> None:
        async with Client(Counting(100, stubborn=True)).stream("GET", "/") as answer:
            await answer.piece()

    assert "does not come to an end" in mismatch(run_virtual, main).detail


def test_a_crash_in_the_middle_is_kept() -> None:
    async def app(_: Message, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        raise KeyError("oops")

    async def main() -> None:
        async with Client(app).stream("GET", "/") as answer:
            assert await answer.rest() == b"a"
            assert answer.crash == "KeyError: 'oops'"
            assert (await answer.start()).status == 200

    run_virtual(main)


def test_what_is_not_written_yet_is_no_wrong_answer() -> None:
    async def app(_: Message, __: Receive, ___: Send) -> None:
        raise NotImplementedError

    async def streamed() -> None:
        async with Client(app).stream("GET", "/") as answer:
            await answer.piece()

    async def started() -> None:
        async with lifespan(app):
            pass

    for main in (streamed, started):
        with pytest.raises(NotImplementedError):
            run_virtual(main)


def test_requests_run_side_by_side() -> None:
    async def main() -> None:
        client = Client(Counting())
        answers = await asyncio.gather(client.ask("GET", "/"), client.ask("GET", "/"))
        assert [answer.body for answer in answers] == [b"012"] * 2
        assert now() == START + 3.0

    run_virtual(main)


class Living:
    """An application that takes a second to start and answers as it is told."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer as told, and leave."""
        assert scope["type"] == "lifespan"
        for answer in self.answers:
            self.asked.append((await receive())["type"])
            await asyncio.sleep(1.0)
            await send({"type": f"lifespan.{answer}"})


def test_an_application_is_started_and_shut_down() -> None:
    app = Living("startup.complete", "shutdown.complete")

    async def main() -> None:
        async with lifespan(app):
            assert (app.asked, now()) == (["lifespan.startup"], START + 1.0)
        assert now() == START + 2.0

    run_virtual(main)
    assert app.asked == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize(
    ("answers", "failed"),
    [
        (["startup.failed"], "startup"),
        (["startup.complete", "shutdown.failed"], "shutdown"),
    ],
)
def test_a_failing_lifespan_is_a_mismatch(answers: list[str], failed: str) -> None:
    async def main() -> None:
        async with lifespan(Living(*answers)):
            pass

    assert mismatch(run_virtual, main).what == f"the {failed} of the application"


def test_an_application_without_a_lifespan_is_left_alone() -> None:
    async def app(_: Message, __: Receive, ___: Send) -> None:
        raise ValueError("only http")

    async def main() -> bool:
        async with lifespan(app):
            return True

    assert run_virtual(main)
