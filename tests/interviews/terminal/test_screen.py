"""What becomes of a line that is half typed when its phase ends."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.input import DummyInput
from prompt_toolkit.output import DummyOutput

from interviews.terminal.screen import Screen
from tests.interviews.terminal.fake_sitting import FakeSitting, FakeStatus

ENDING = FakeStatus(left_phase=0.1, takes_text=True)


@pytest.fixture
def screen() -> Iterator[Screen]:
    with create_app_session(input=DummyInput(), output=DummyOutput()):
        yield Screen()


def type_into(screen: Screen, text: str) -> None:
    screen._prompt.default_buffer.reset(Document(text))


def test_a_half_typed_text_counts_for_the_phase_that_ends(screen: Screen) -> None:
    sitting = FakeSitting(screen.show)
    type_into(screen, "half a\nthought")
    screen._hand_over(sitting, ENDING)
    assert [text for text, _ in sitting.heard] == ["half a", "thought"]
    assert screen._prompt.default_buffer.text == ""
    assert "write is up" in screen._pending[0]


@pytest.mark.parametrize(
    ("status", "typed"),
    [
        (ENDING, "/lock"),
        (ENDING, "  "),
        (replace(ENDING, takes_text=False), "half"),
        (replace(ENDING, left_phase=1.0), "half"),
        (replace(ENDING, left_phase=0.0), "half"),
    ],
)
def test_what_is_not_handed_over(
    screen: Screen, status: FakeStatus, typed: str
) -> None:
    sitting = FakeSitting(screen.show)
    type_into(screen, typed)
    screen._hand_over(sitting, status)
    assert not sitting.heard
    assert screen._prompt.default_buffer.text == typed


def test_what_is_left_over_is_told_of(screen: Screen) -> None:
    after = replace(ENDING, phase="explain")
    screen._tell_unsent(ENDING, after)
    assert not screen._pending
    type_into(screen, "/jud")
    screen._tell_unsent(ENDING, ENDING)
    assert not screen._pending
    screen._tell_unsent(ENDING, after)
    assert "Enter sends it to explain" in screen._pending[0]
