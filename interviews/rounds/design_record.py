"""What has happened in a design round: built from its events alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from interviews.rounds.base import Event
from interviews.rounds.estimation import middle
from interviews.rounds.points import Reveal
from interviews.system_design_questions.prompt import (
    REVIEW,
    Fact,
    Followup,
    Prompt,
    Stage,
)
from interviews.system_design_questions.spoken import spoken


@dataclass
class Record:
    """The state of a round about ``prompt``; changes in ``apply`` alone."""

    prompt: Prompt
    phase: str = ""
    entered: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    assumed: dict[str, float] = field(default_factory=dict)
    estimates: dict[str, tuple[float, float]] = field(default_factory=dict)
    decided: dict[str, str] = field(default_factory=dict)
    fired: list[str] = field(default_factory=list)
    typed: dict[str, list[str]] = field(default_factory=dict)
    locked: dict[str, str] = field(default_factory=dict)
    reveals: dict[str, Reveal] = field(default_factory=dict)
    scored: dict[str, Event] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take an event of the round into the state; others change nothing."""
        take = getattr(self, f"_{event['event']}", None)
        if take is not None:
            take(event)

    @property
    def stage(self) -> Stage | None:
        """The stage that is being answered; None in the review."""
        return self.prompt.stage(self.phase)

    @property
    def reached(self) -> tuple[Stage, ...]:
        """The stages up to the present one; all of them in the review."""
        names = [stage.name for stage in self.prompt.stages]
        count = names.index(self.phase) + 1 if self.phase in names else 0
        return self.prompt.stages[: len(names) if self.phase == REVIEW else count]

    @property
    def reviewed(self) -> Reveal | None:
        """The points that are revealed now; None when all are done with."""
        return next((one for one in self.reveals.values() if not one.complete), None)

    @property
    def unlocked(self) -> tuple[Fact, ...]:
        """The facts that were asked for, in the order of the stages."""
        return tuple(fact for fact in self.prompt.facts if fact.id in self.facts)

    @property
    def assumptions(self) -> dict[str, float]:
        """What the estimates are computed from."""
        return self.prompt.defaults | self.assumed

    def stated(self, followup: Followup) -> float | None:
        """Return the candidate's own number that a follow-up is about."""
        if followup.estimate:
            given = self.estimates.get(followup.estimate)
            return middle(*given) if given else None
        return self.assumed.get(followup.assumption)

    def unit(self, followup: Followup) -> str:
        """Return the unit of the number that a follow-up is about."""
        about = self.prompt.estimate(followup.estimate) or self.prompt.assumption(
            followup.assumption
        )
        return about.unit if about else ""

    def worded(self, followup: Followup) -> str:
        """Return a follow-up's text; "" where it needs a number not given yet."""
        value = self.stated(followup)
        if value is None:
            return "" if "{given}" in followup.text else self.filled(followup.text)
        given = spoken(value, self.unit(followup))
        return self.filled(followup.text).replace("{given}", given)

    def filled(self, text: str) -> str:
        """Return a text with the numbers that follow from the assumptions."""
        return self.prompt.fill(text, self.assumptions)

    def facts_about(self, asked: str) -> Sequence[Fact]:
        """Return the facts that a question is about, the best first.

        Of equals, one of the present stage comes first, then the order of the stages.
        """
        words = {_plain(word) for word in asked.split()}
        own = self.stage.facts if self.stage else ()
        ranked = {
            one.id: len(words & set(map(_plain, one.asked_by)))
            for one in self.prompt.facts
        }
        facts = [*own, *(one for one in self.prompt.facts if one not in own)]
        found = [one for one in facts if ranked[one.id]]
        return sorted(found, key=lambda one: -ranked[one.id])

    def due(self) -> Sequence[Followup]:
        """Return the follow-ups that the candidate's numbers call for by now."""
        return [
            one
            for one in self.prompt.followups
            if one.id not in self.fired
            and (value := self.stated(one)) is not None
            and one.fires(value)
        ]

    def _phase(self, event: Event) -> None:
        self.phase = str(event["name"])

    def _stage(self, event: Event) -> None:
        self.phase = str(event["stage"])
        self.entered.append(self.phase)

    def _wrote(self, event: Event) -> None:
        self.typed.setdefault(str(event["stage"]), []).append(str(event["text"]))

    def _unlocked(self, event: Event) -> None:
        self.facts.append(str(event["fact"]))

    def _assumed(self, event: Event) -> None:
        if event["accepted"]:
            self.assumed[str(event["name"])] = cast("float", event["value"])

    def _estimated(self, event: Event) -> None:
        interval = (cast("float", event["low"]), cast("float", event["high"]))
        self.estimates[str(event["id"])] = interval

    def _decided(self, event: Event) -> None:
        self.decided[str(event["id"])] = str(event["option"])

    def _followup(self, event: Event) -> None:
        self.fired.append(str(event["id"]))

    def _interviewer(self, event: Event) -> None:
        if event["choice"]:
            self.fired.append(str(event["choice"]))

    def _locked(self, event: Event) -> None:
        name, text = str(event["stage"]), str(event["text"])
        self.locked[name] = text
        stage = self.prompt.stage(name)
        if stage is not None and text.strip():
            asked = [self.prompt.text, stage.asks, *(one.text for one in self.unlocked)]
            asked += [option.text for one in stage.decisions for option in one.options]
            self.reveals[name] = Reveal(stage.points, text, "\n".join(asked), name)

    def _point(self, event: Event) -> None:
        if str(event["item"]) in self.reveals:
            self.reveals[str(event["item"])].apply(event)

    _refused = _point

    def _scored(self, event: Event) -> None:
        self.scored[str(event["id"])] = event


def _plain(word: str) -> str:
    return word.strip("?.,;:!\"'").lower().removesuffix("s")
