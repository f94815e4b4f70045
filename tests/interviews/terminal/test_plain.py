import io
import os
from collections.abc import Iterator

import pytest

from interviews.terminal.plain import Plain
from tests.interviews.terminal.fake_sitting import FakeSitting


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    source, writer = os.pipe()
    yield source, writer
    os.close(source)


def run(
    pipe: tuple[int, int],
    typed: bytes,
    changes: tuple[int, ...] = (),
    lasts: int = 1000,
) -> tuple[bool, FakeSitting, list[str]]:
    """Type into a pipe, end it, and run a session on it."""
    source, writer = pipe
    os.write(writer, typed)
    os.close(writer)
    sink = io.StringIO()
    terminal = Plain(source, sink)
    sitting = FakeSitting(terminal.show, changes, lasts)
    over = terminal.run(sitting)
    return over, sitting, sink.getvalue().splitlines()


def test_each_answer_is_followed_by_the_status(pipe: tuple[int, int]) -> None:
    over, _, lines = run(pipe, b"one\ntwo\n")
    assert not over
    status = "[16:40 left · read · /judge /next /help]"
    assert [line for line in lines if not line.startswith("[")] == [
        "heard one",
        "heard two",
    ]
    assert [line.split(" · ")[1] for line in lines if line.startswith("[")] == [
        "read"
    ] * 3
    assert lines[0] == status


def test_lines_end_as_they_may(pipe: tuple[int, int]) -> None:
    _, sitting, _ = run(pipe, "dos\r\n\nümlaut\nbad \xff\nno end".encode("latin-1"))
    assert [text for text, _ in sitting.heard] == [
        "dos",
        "",
        "\ufffdmlaut",
        "bad \ufffd",
        "no end",
    ]


def test_a_line_waits_for_the_judge(pipe: tuple[int, int]) -> None:
    _, sitting, lines = run(pipe, b"/judge\nafter\n")
    asked, after = (tick for _, tick in sitting.heard)
    assert after - asked >= 3
    assert lines.index("judged") < lines.index("heard after")


def test_a_verdict_is_followed_by_the_status(pipe: tuple[int, int]) -> None:
    _, _, lines = run(pipe, b"/judge\n")
    assert " · judging · " in lines[lines.index("heard /judge") + 1]
    following = lines[lines.index("judged") + 1 :]
    assert len(following) == 1
    assert following[0].endswith("left · read · /judge /next /help]")


def test_input_that_ends_waits_for_the_judge(pipe: tuple[int, int]) -> None:
    over, _, lines = run(pipe, b"/judge\n")
    assert not over
    assert "judged" in lines


def test_the_end_of_the_session_ends_the_run(pipe: tuple[int, int]) -> None:
    over, sitting, lines = run(pipe, b"end\nmore\n")
    assert over
    assert [text for text, _ in sitting.heard] == ["end"]
    assert lines[-1] == "heard end"


def test_phases_change_while_nothing_comes(pipe: tuple[int, int]) -> None:
    source, writer = pipe
    sink = io.StringIO()
    terminal = Plain(source, sink)
    over = terminal.run(FakeSitting(terminal.show, changes=(1, 2), lasts=3))
    os.close(writer)
    assert over
    told = [line.split(" · ")[1] for line in sink.getvalue().splitlines()]
    assert told == ["read", "write", "explain"]
