from dataclasses import replace

import pytest

from interviews.terminal.words import clock, left_behind, status_line, toolbar
from tests.interviews.terminal.fake_sitting import FakeStatus


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "00:00"),
        (-3, "00:00"),
        (0.01, "00:01"),  # a begun second is still there
        (59.2, "01:00"),
        (872, "14:32"),
        (3599.5, "1:00:00"),
        (7325, "2:02:05"),
    ],
)
def test_the_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told


def test_the_line_of_plain_mode() -> None:
    assert status_line(FakeStatus()) == "[14:32 left · write · /judge /next /help]"
    busy = status_line(FakeStatus(busy=True))
    assert busy == "[14:32 left · write · judging · /judge /next /help]"
    between = FakeStatus(phase="break", left_phase=52, left_round=0)
    assert status_line(between).startswith("[00:52 left · break ")


def test_no_line_is_wider_than_the_screen() -> None:
    keys = tuple((f"/command{number}", "a word or two") for number in range(20))
    crowded = replace(FakeStatus(), keys=keys, title="A title of many words " * 4)
    line = status_line(crowded)
    assert len(line) <= 80
    assert line.startswith("[14:32 left · write · /command0 ")
    assert line.endswith(" …]")
    for columns in range(1, 200):
        for status in (FakeStatus(), crowded):
            assert len(toolbar(status, columns)) <= columns


def test_the_bar_keeps_its_clocks_longest() -> None:
    wide = toolbar(FakeStatus(), 200)
    assert "round 14:32 · write 10:01 · loop 1:12:30 · 2/4 Softmax │ /judge " in wide
    assert "run the judge" in wide
    at_80 = toolbar(FakeStatus(), 80)
    for part in ("14:32", "10:01", "1:12:30", "/judge", "/next", "/help"):
        assert part in at_80
    assert toolbar(FakeStatus(), 50).split(" │ ")[0].strip() == (
        "round 14:32 · write 10:01 · loop 1:12:30"
    )


def _in_a_stage() -> FakeStatus:
    """A status as in a design round, with its many keys."""
    names = ("ask", "facts", "assume", "estimate", "decide", "more", "keys", "still")
    rounds = tuple((f"/{name}", "what it does, in words") for name in names)
    own = tuple((f"/{name}", "word") for name in ("next", "time", "help", "abort"))
    return replace(FakeStatus(), phase="evaluation", keys=(*rounds, *own))


def test_next_and_help_are_never_cut_off() -> None:
    line = status_line(_in_a_stage())
    assert line.startswith("[14:32 left · evaluation · /ask /facts ")
    assert line.endswith(" … /next /help]")
    assert len(line) <= 80
    for columns in (80, 65):
        bar = toolbar(_in_a_stage(), columns)
        assert bar.endswith("… /next /help ")
        assert len(bar) <= columns


@pytest.mark.parametrize("columns", [40, 44, 48])
@pytest.mark.parametrize("busy", [False, True])
def test_a_narrow_bar_drops_keys_and_words_but_no_time(
    columns: int, busy: bool
) -> None:
    bar = toolbar(replace(_in_a_stage(), busy=busy), columns)
    assert len(bar) <= columns
    for left in ("14:32", "10:01", "loop 1:12:30"):
        assert left in bar


def test_who_leaves_is_told_how_to_come_back() -> None:
    assert "kata interview --resume 20260101-000000-7" in "\n".join(
        left_behind("20260101-000000-7")
    )
