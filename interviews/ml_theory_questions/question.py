"""What a parametrised question is: drawn from a seed, with its answer worked out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

Answer = float | tuple[float | str, ...] | frozenset[str] | str
FORMS = ("number", "sequence", "set", "word")


@dataclass(frozen=True)
class Distractor:
    """The answer that a named misconception leads to."""

    misconception: str
    value: Answer


@dataclass(frozen=True)
class Question:
    """A question with its numbers in place.

    ``given`` holds the drawn numbers from which the answer can be derived again;
    ``steps`` are the working, shown when the answer has been taken.
    """

    prompt: str
    answer: Answer
    steps: tuple[str, ...]
    distractors: tuple[Distractor, ...]
    given: Mapping[str, object] = field(default_factory=dict)


def agree(one: Answer, other: Answer, tolerance: float) -> bool:
    """Tell whether ``one`` is ``other`` within the relative ``tolerance``.

    Numbers in a sequence are compared one by one, words without regard to case. An
    expected zero takes ``tolerance`` as absolute.
    """
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(
            agree(a, b, tolerance) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if isinstance(one, int | float) and isinstance(other, int | float):
        # The slack keeps a value at the very edge of the tolerance inside.
        return abs(one - other) <= tolerance * (abs(other) or 1.0) * (1 + 1e-9) + 1e-15
    return one == other


def apart(one: Answer, other: Answer, tolerance: float) -> bool:
    """Tell whether nothing that a candidate may write agrees with both answers."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) != len(other) or any(
            apart(a, b, tolerance) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, int | float) and isinstance(other, int | float):
        reach = tolerance * ((abs(one) or 1.0) + (abs(other) or 1.0))
        return abs(one - other) > reach * (1 + 1e-6) + 1e-12
    return not agree(one, other, tolerance)


def separated(question: Question, tolerance: float) -> bool:
    """Tell whether the answer and all distractors are finite and apart."""
    values = [question.answer, *(each.value for each in question.distractors)]
    return all(_finite(value) for value in values) and all(
        apart(one, other, tolerance)
        for place, one in enumerate(values)
        for other in values[:place]
    )


def _finite(value: Answer) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(math.isfinite(part) for part in parts if isinstance(part, int | float))
