"""A design round in a real session: the exemplar, time-up, late answers, a crash."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from interviews.engine.plan import plan_of
from interviews.engine.session import Session
from interviews.rounds.base import Tools
from interviews.system_design_questions import Prompt, prompts
from tests.interviews.engine.playing import FakeClock
from tests.interviews.rounds.hosting import NoJudging

MINUTES = 40
STAGES = ["framing", "data", "model", "evaluation", "serving", "estimation"]
PROMPT = next(prompt for prompt in prompts() if prompt.id == "fraud_detection")


class Sitting:
    """A session of one design round of forty minutes."""

    def __init__(self, folder: Path, prompt: Prompt = PROMPT) -> None:
        """Begin."""
        self.folder = folder
        self.files = folder / "1-design"
        self.clock = FakeClock()
        self.shown: list[str] = []
        plan = plan_of(rounds=(f"design:{MINUTES}:{prompt.id}",), level="mid", seed=7)
        self.session = self._play(
            lambda tools: Session.begin(
                folder, plan, clock=self.clock, tools=tools, show=self.shown.append
            )
        )

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
        """Type lines, two seconds each."""
        for line in lines:
            self.clock.advance(2)
            self.session.handle(line)

    def write(self, stage: str, text: str) -> None:
        """Write below the question in a stage's file."""
        file = self.files / f"{stage}.md"
        file.write_text(file.read_text("utf-8") + text, "utf-8")

    def of(self, name: str) -> list[dict[str, object]]:
        """Return the events with this name."""
        return [dict(e) for e in self.session.events if e["event"] == name]


@pytest.mark.parametrize("prompt", prompts(), ids=lambda prompt: prompt.id)
def test_the_exemplar_earns_everything(tmp_path: Path, prompt: Prompt) -> None:
    sitting = Sitting(tmp_path / "s", prompt)
    for stage in prompt.stages:
        sitting.write(stage.name, stage.exemplar)
        for decision in stage.decisions:
            right = next(one.id for one in decision.options if one.right)
            sitting.type(f"/decide {decision.id} {right}")
        for one in prompt.estimates:
            if one.stage == stage.name:
                value = one.expected(prompt.defaults)
                sitting.type(f"/estimate {one.id} {value:.6g} {value:.6g} {one.unit}")
        sitting.type("/next")
    for stage in prompt.stages:
        sitting.type(*(f"y {' '.join(one.quote.split())}" for one in stage.points))
    assert sitting.session.over, "the review is complete, so the round is"
    assert [event["credit"] for event in sitting.of("scored")] == [1.0] * len(
        prompt.estimates
    )
    assert all(event["accepted"] for event in sitting.of("point"))
    assert len(sitting.of("point")) == sum(len(one.points) for one in prompt.stages)
    assert all(event["right"] for event in sitting.of("decided"))
    assert len(sitting.of("decided")) == len(prompt.decisions)
    assert sitting.of("followup")


def test_an_empty_round_earns_nothing(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "s")
    sitting.clock.advance(MINUTES * 60)
    sitting.type("/estimate alerts 3.9M")
    sitting.clock.advance(60)
    sitting.session.tick()
    assert sitting.session.over
    assert [event["text"] for event in sitting.of("locked")] == [""] * 6
    assert [event["credit"] for event in sitting.of("scored")] == [0.0] * 4
    assert not sitting.of("estimated"), "it came after the time"
    assert "counts for nothing" in " ".join(sitting.shown)


def test_phases_advance_by_themselves_and_lock(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "s")
    sitting.type("We minimise the expected cost.")
    sitting.clock.advance(PROMPT.stages[0].share * MINUTES * 60)
    sitting.type("Labels come late.")
    sitting.write("framing", "Too late for this.")
    sitting.type("/next")
    assert [event["text"] for event in sitting.of("locked")] == [
        "We minimise the expected cost.",
        "Labels come late.",
    ]


def test_a_round_goes_on_after_a_crash(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "s")
    sitting.type("/ask latency", "/assume tps 15000", "We minimise expected cost.")
    sitting.crash(30)
    sitting.type("/estimate alerts 5.8M", "/facts")
    assert "100 ms" in " ".join(sitting.shown[-8:])
    assert [event["stage"] for event in sitting.of("stage")] == ["framing"]
    sitting.crash(3600)
    sitting.session.tick()
    assert sitting.session.over
    scored = {str(event["id"]): event for event in sitting.of("scored")}
    assert scored["alerts"]["credit"] == 1.0
    assert sitting.of("locked")[0]["text"] == "We minimise expected cost."


def test_a_decision_ends_with_its_stage(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "s")
    stages = {d.id: s.name for s in PROMPT.stages for d in s.decisions}
    (name, stage), *_ = stages.items()
    decision = next(one for one in PROMPT.decisions if one.id == name)
    wrong = next(one.id for one in decision.options if not one.right)
    right = next(one.id for one in decision.options if one.right)
    for one in PROMPT.stages:
        if one.name == stage:
            sitting.type(f"/decide {name} {wrong}")
        sitting.type("/next")
        if one.name == stage:
            break
    sitting.type(f"/decide {name} {right}")
    assert [event["option"] for event in sitting.of("decided")] == [wrong]
    assert "none in this stage" in " ".join(sitting.shown[-4:])


def test_a_file_that_was_changed_while_away_after_its_stage_counts_for_nothing(
    tmp_path: Path,
) -> None:
    sitting = Sitting(tmp_path / "s")
    sitting.write("framing", "Written in time.")
    sitting.crash(0)
    file = sitting.files / "framing.md"
    late = sitting.clock.wall().timestamp() + 3600
    os.utime(file, (late, late))
    sitting.crash(MINUTES * 60)
    assert sitting.of("locked")[0]["text"] == ""
