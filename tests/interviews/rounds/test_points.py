from pathlib import Path

import pytest

from interviews.ml_theory_questions.open import Point
from interviews.rounds.points import Reveal
from tests.interviews.rounds.hosting import MemoryHost

POINTS = (
    Point("drop", "The variance drops.", ("variance",), "A book, section 1", ""),
    Point("bias", "The bias stays.", ("bias",), "A book, section 2", ""),
)
ANSWER = "Averaging many trees lets the variance drop. The bias of the mean stays put."
FIRST, SECOND = "trees lets the variance drop", "The bias of the mean stays put"


@pytest.fixture
def host(tmp_path: Path) -> MemoryHost:
    return MemoryHost(tmp_path, Reveal(POINTS, ANSWER, "Why average?", "ensembles"))


def type_(host: MemoryHost, *lines: str) -> Reveal:
    reveal = host.playing
    assert isinstance(reveal, Reveal)
    host.said.clear()
    for line in lines:
        reveal.handle(host, line)
    return reveal


def test_one_point_is_shown_at_a_time_with_its_source(host: MemoryHost) -> None:
    reveal = type_(host)
    shown = "\n".join(reveal.lines)
    assert "Point 1 of 2: The variance drops." in shown
    assert "A book, section 1" in shown
    assert "bias" not in shown


def test_a_quotation_is_accepted_and_the_next_point_shown(host: MemoryHost) -> None:
    reveal = type_(host, f"y «{FIRST}»")
    assert host.said[:2] == ["Accepted.", "Point 2 of 2: The bias stays."]
    assert host.events == [
        {
            "at": 0.0,
            "event": "point",
            "item": "ensembles",
            "point": "drop",
            "text": "The variance drops.",
            "source": "A book, section 1",
            "said": True,
            "quote": FIRST,
            "accepted": True,
            "why": "",
        }
    ]
    assert not reveal.complete


def test_no_is_taken(host: MemoryHost) -> None:
    reveal = type_(host, "n", "No")
    assert reveal.complete
    assert [(e["said"], e["accepted"]) for e in host.events] == [(False, False)] * 2
    assert reveal.lines == ()


def test_a_refused_quotation_may_be_tried_once_more(host: MemoryHost) -> None:
    reveal = type_(host, "y the variance goes up here", f"y {FIRST}")
    assert [event["event"] for event in host.events] == ["refused", "point"]
    assert "do not stand in your answer" in host.events[0]["why"]
    assert reveal.accepted == 1


def test_refused_twice_it_counts_as_no(host: MemoryHost) -> None:
    type_(host, "y the variance goes up here", "y the variance goes down here")
    point = host.of("point")[0]
    assert point["said"]
    assert not point["accepted"]
    assert point["why"] == "these words do not stand in your answer"
    assert "It counts as no." in host.said[1]


def test_each_point_has_two_tries_of_its_own(host: MemoryHost) -> None:
    reveal = type_(host, "y not my words at all", f"y {FIRST}", "y nor are these mine")
    assert not reveal.complete
    assert type_(host, f"y {SECOND}").accepted == 2


@pytest.mark.parametrize("text", ["y", "yes  ", "perhaps", "/lock", "y «»"])
def test_what_is_neither_costs_nothing(host: MemoryHost, text: str) -> None:
    type_(host, text)
    assert host.events == []
    assert host.said[0].startswith("Not understood.")


def test_the_state_comes_back_from_the_events(host: MemoryHost) -> None:
    type_(host, f"y {FIRST}", "y not my words at all")
    again = Reveal(POINTS, ANSWER, "Why average?", "ensembles")
    for event in host.events:
        again.apply(event)
    assert again.accepted == 1
    host.playing = again
    assert type_(host, "y not my words at all").complete


def test_events_of_another_item_are_not_taken(host: MemoryHost) -> None:
    type_(host, "n")
    other = Reveal(POINTS, ANSWER, "Why average?", "another")
    other.apply(host.events[0])
    assert other.lines[0].startswith("Point 1")


@pytest.mark.parametrize("answer", ["", " \n", "..."])
def test_an_answer_without_a_word_reveals_nothing(answer: str) -> None:
    reveal = Reveal(POINTS, answer, "Why average?")
    assert reveal.complete
    assert reveal.lines == ()
