"""Which theory questions a round asks: drawn from its seed, near its level."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar

from interviews import ml_theory_questions as theory
from interviews.engine.plan import derive
from interviews.ml_theory_questions.numbers import Item
from interviews.ml_theory_questions.open import OpenQuestion
from interviews.ml_theory_questions.question import Question
from interviews.rounds.base import LEVELS, Spec

NUMBERS_SHARE, OPEN_SHARE = 0.7, 0.3
# Three stated confidences are the fewest that calibration is measured from.
FEWEST_NUMBERS, FEWEST_OPEN = 3, 1
# Questions further from the level are drawn only if there are too few near it.
NEAR = 1


class Drawable(Protocol):
    """What the draw looks at."""

    @property
    def id(self) -> str:
        """Name it."""

    @property
    def topic(self) -> str:
        """Return the name of its topic file."""

    @property
    def level(self) -> str:
        """Return whom it is for."""

    @property
    def minutes(self) -> float:
        """Return its par time."""


Drawn = TypeVar("Drawn", bound=Drawable)


@dataclass(frozen=True)
class Number:
    """A question with a computed answer, its numbers in place."""

    item: Item
    question: Question

    @property
    def id(self) -> str:
        """The id of the item."""
        return self.item.id


@dataclass(frozen=True)
class Paper:
    """All that a round asks, in order."""

    numbers: tuple[Number, ...]
    open: tuple[OpenQuestion, ...]

    @property
    def minutes(self) -> float:
        """The par time of all questions."""
        numbers = sum(number.item.minutes for number in self.numbers)
        return numbers + sum(question.minutes for question in self.open)


def draw_paper(spec: Spec, seen: frozenset[str]) -> Paper:
    """Draw the questions; the same for the same spec, content and ``seen``.

    ``spec.item`` may name one question, which is then the only one, or a topic.

    Raises:
        ValueError: ``spec.item`` names neither.
    """
    items, questions = theory.items(), theory.open_questions()
    if spec.item:
        items = tuple(item for item in items if spec.item in (item.id, item.topic))
        questions = tuple(one for one in questions if spec.item in (one.id, one.topic))
    if not items and not questions:
        msg = f"item must name a theory question or a topic, got '{spec.item}'"
        raise ValueError(msg)
    numbers_share = NUMBERS_SHARE if questions else 1.0
    open_share = OPEN_SHARE if items else 1.0
    chosen = _choose(items, spec, seen, numbers_share, FEWEST_NUMBERS)
    asked = _choose(questions, spec, seen, open_share, FEWEST_OPEN)
    numbers = (
        Number(item, theory.draw(item.id, derive(spec.seed, "number", item.id)))
        for item in chosen
    )
    return Paper(tuple(numbers), asked)


def _choose(
    candidates: Sequence[Drawn],
    spec: Spec,
    seen: frozenset[str],
    share: float,
    fewest: int,
) -> tuple[Drawn, ...]:
    """Take what fits into its share of the time: unseen, near, of new topics first."""
    # Which questions are asked guards no secret.
    random = Random(derive(spec.seed, "theory"))  # noqa: S311
    left = sorted(candidates, key=lambda one: one.id)
    random.shuffle(left)
    if not spec.item:
        near = [one for one in left if _distance(one, spec) <= NEAR]
        left = near if len(near) >= fewest else left
    chosen: list[Drawn] = []
    while left:
        topics = {one.topic for one in chosen}
        best = min(left, key=_order(spec, seen, topics))
        left.remove(best)
        used = sum(one.minutes for one in chosen)
        if len(chosen) < fewest or used + best.minutes <= spec.minutes * share:
            chosen.append(best)
    return tuple(sorted(chosen, key=lambda one: LEVELS.index(one.level)))


def _order(
    spec: Spec, seen: frozenset[str], topics: Iterable[str]
) -> Callable[[Drawable], tuple[bool, bool, int]]:
    def order(one: Drawable) -> tuple[bool, bool, int]:
        return one.id in seen, one.topic in topics, _distance(one, spec)

    return order


def _distance(one: Drawable, spec: Spec) -> int:
    return abs(LEVELS.index(one.level) - LEVELS.index(spec.level))
