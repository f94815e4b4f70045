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


def test_who_leaves_is_told_how_to_come_back() -> None:
    assert "kata interview --resume 20260101-000000-7" in "\n".join(
        left_behind("20260101-000000-7")
    )
