"""A theory round in a real session: time-up, late answers, a crash."""

from collections.abc import Callable
from pathlib import Path

import pytest

from interviews import ml_theory_questions as theory
from interviews.engine.plan import plan_of
from interviews.engine.session import Session
from interviews.rounds.base import Tools
from interviews.rounds.theory_draw import Paper, draw_paper
from tests.interviews.engine.playing import FakeClock
from tests.interviews.rounds.hosting import NoJudging

PLAN = plan_of(rounds=("theory:20",), level="mid", seed=7)


class Sitting:
    """A session of one theory round of twenty minutes."""

    def __init__(self, folder: Path) -> None:
        """Begin."""
        self.folder = folder
        self.clock = FakeClock()
        self.shown: list[str] = []
        self.session = self._play(
            lambda tools: Session.begin(
                folder, PLAN, clock=self.clock, tools=tools, show=self.shown.append
            )
        )
        self.paper: Paper = draw_paper(PLAN.specs[0], frozenset())

    def _play(self, play: Callable[[Tools], Session]) -> Session:
        return play(Tools(self.folder, NoJudging()))

    def crash(self, away: float) -> None:
        """Lose the process, and go on later."""
        self.session.close()
        self.clock.advance(away)
        self.session = self._play(
            lambda tools: Session.resume(
                self.folder, clock=self.clock, tools=tools, show=self.shown.append
            )
        )

    def type(self, *lines: str) -> None:
        """Type lines, ten seconds each."""
        for line in lines:
            self.clock.advance(10)
            self.session.handle(line)

    def of(self, name: str) -> list[dict[str, object]]:
        """Return the events with this name."""
        return [dict(e) for e in self.session.events if e["event"] == name]

    def right(self) -> str:
        """Return the right answer to the first number."""
        number = self.paper.numbers[0]
        return theory.show_answer(number.item, number.question)


@pytest.fixture
def sitting(tmp_path: Path) -> Sitting:
    return Sitting(tmp_path / "s")


def test_a_round_from_its_first_number_to_its_last_point(sitting: Sitting) -> None:
    question = sitting.paper.open[0]
    sitting.type(sitting.right(), "80", *["/skip"] * (len(sitting.paper.numbers) - 1))
    sitting.type("/next", *question.exemplar.split("\n\n"), "/lock")
    sitting.type(*(f"y {' '.join(point.quote.split())}" for point in question.points))
    sitting.type(*["/skip"] * (len(sitting.paper.open) - 1))
    assert sitting.of("ending")[0]["by"] == "candidate"
    assert all(point["accepted"] for point in sitting.of("point"))
    assert len(sitting.of("point")) == len(question.points)
    assert sitting.session.over
    assert "One good answer:" in sitting.shown


def test_at_time_up_drafts_count_and_later_lines_do_not(sitting: Sitting) -> None:
    sitting.type(sitting.right())
    sitting.clock.advance(14 * 60)
    sitting.type("The variance drops.")
    sitting.clock.advance(6 * 60)
    sitting.type("The bias stays.", "/lock")
    number, own = sitting.of("answered")
    assert (number["correct"], number["confidence"], number["at"]) == (True, None, 840)
    assert (own["text"], own["at"]) == ("The variance drops.", 1200)
    assert sitting.of("point") == []
    assert len(sitting.of("wrote")) == 2


def test_a_round_goes_on_after_a_crash(sitting: Sitting) -> None:
    sitting.type(sitting.right())
    sitting.crash(60)
    sitting.type("90")
    assert sitting.of("answered")[0]["confidence"] == 0.9
    assert sitting.of("answered")[0]["took"] == 80
    sitting.crash(3600)
    assert sitting.session.over
    assert len(sitting.of("answered")) == 1
