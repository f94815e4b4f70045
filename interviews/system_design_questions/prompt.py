"""What a system design prompt is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interviews.system_design_questions.spoken import spoken

STAGES = ("framing", "data", "model", "evaluation", "serving", "estimation")
REVIEW = "review"
STATED_FACTOR = 1.5


@dataclass(frozen=True)
class Assumption:
    """A number the estimates rest on; the candidate may state another in range.

    One that the prompt itself states is rounded at most, by ``STATED_FACTOR``.
    """

    name: str
    text: str
    value: float
    low: float
    high: float
    unit: str
    stated: bool = False

    def refusal(self, value: float) -> str:
        """Tell in a line why ``value`` is out of range, or ""."""
        factor = STATED_FACTOR * (1 + 1e-9)  # The border itself is taken.
        if self.stated and not self.value / factor <= value <= self.value * factor:
            return (
                f"the prompt says {spoken(self.value, self.unit)}; {self.name} may "
                f"differ from that by a factor of {STATED_FACTOR:g} at most"
            )
        if self.low <= value <= self.high:
            return ""
        return (
            f"{self.name} must be from {self.low:g} to {self.high:g} {self.unit}, "
            f"got {value:g}"
        ).replace(" ,", ",")


@dataclass(frozen=True)
class Fact:
    """Something the interviewer tells to one who asks with one of the words."""

    id: str
    asked_by: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Point:
    """One checkable idea, and the words of the exemplar that show it."""

    id: str
    text: str
    terms: tuple[str, ...]
    source: str
    quote: str


@dataclass(frozen=True)
class Option:
    """One answer to a decision; ``cap`` names what limits the score, or ""."""

    id: str
    text: str
    right: bool
    cap: str = ""


@dataclass(frozen=True)
class Decision:
    """A choice among options that the candidate has to commit to."""

    id: str
    asks: str
    options: tuple[Option, ...]

    def option(self, wanted: str) -> Option | None:
        """Return the option of that id."""
        return next((one for one in self.options if one.id == wanted), None)


@dataclass(frozen=True)
class Stage:
    """A part of the interview: ``share`` of the round's time, and what it asks."""

    name: str
    share: float
    asks: str
    facts: tuple[Fact, ...]
    points: tuple[Point, ...]
    decisions: tuple[Decision, ...]
    exemplar: str


@dataclass(frozen=True)
class Estimate:
    """A number to estimate; ``function`` computes it from the assumptions it uses."""

    id: str
    stage: str
    asks: str
    unit: str
    formula: str
    uses: tuple[str, ...]
    function: Callable[..., float]

    def expected(self, assumptions: Mapping[str, float]) -> float:
        """Return the number that follows from ``assumptions``."""
        return self.function(**{name: assumptions[name] for name in self.uses})


@dataclass(frozen=True)
class Followup:
    """A question that the candidate's own number calls for.

    It fires when the number given for ``estimate`` (the middle of its interval) or
    for ``assumption`` lies above ``above`` or below ``below``; ``{given}`` in the
    text stands for that number. ``points`` are what a good answer says. The other
    placeholders in both are filled from the candidate's assumptions when it fires.
    """

    id: str
    estimate: str
    assumption: str
    above: float | None
    below: float | None
    text: str
    points: tuple[str, ...] = ()

    def fires(self, value: float) -> bool:
        """Tell whether ``value`` crosses the number."""
        return (self.above is not None and value > self.above) or (
            self.below is not None and value < self.below
        )


@dataclass(frozen=True)
class Prompt:
    """One system design question, its placeholders filled."""

    id: str
    title: str
    topic: str
    level: str
    minutes: float
    temporal: bool
    source: str
    text: str
    assumptions: tuple[Assumption, ...]
    stages: tuple[Stage, ...]
    estimates: tuple[Estimate, ...]
    followups: tuple[Followup, ...]
    fill: Callable[[str, Mapping[str, float]], str]

    @property
    def defaults(self) -> dict[str, float]:
        """The value of each assumption until the candidate states another."""
        return {one.name: one.value for one in self.assumptions}

    @property
    def review(self) -> float:
        """The share of the time that is left for the review."""
        return 1 - sum(stage.share for stage in self.stages)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact, in the order of the stages."""
        return tuple(fact for stage in self.stages for fact in stage.facts)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision, in the order of the stages."""
        return tuple(one for stage in self.stages for one in stage.decisions)

    def stage(self, name: str) -> Stage | None:
        """Return the stage of that name."""
        return next((one for one in self.stages if one.name == name), None)

    def assumption(self, name: str) -> Assumption | None:
        """Return the assumption of that name."""
        return next((one for one in self.assumptions if one.name == name), None)

    def estimate(self, wanted: str) -> Estimate | None:
        """Return the estimate of that id."""
        return next((one for one in self.estimates if one.id == wanted), None)

    def decision(self, wanted: str) -> Decision | None:
        """Return the decision of that id."""
        return next((one for one in self.decisions if one.id == wanted), None)
