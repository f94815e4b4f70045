"""Derive every answer again: 500 seeds, another way, from what was given alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from interviews.ml_theory_questions import draw
from interviews.ml_theory_questions.question import Answer

SEEDS = 500


@dataclass(frozen=True)
class Given:
    """The drawn numbers of a question, with their types."""

    numbers: Mapping[str, object]

    def real(self, name: str) -> float:
        """A number."""
        value = self.numbers[name]
        assert isinstance(value, int | float)
        return float(value)

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self.numbers[name]
        assert isinstance(value, int)
        return value

    def reals(self, name: str) -> list[float]:
        """Several numbers."""
        values = self.numbers[name]
        assert isinstance(values, tuple)
        return [float(value) for value in values]

    def wholes(self, name: str) -> list[int]:
        """Several whole numbers."""
        values = self.numbers[name]
        assert isinstance(values, tuple)
        return [int(value) for value in values]

    def table(self, name: str) -> list[list[int]]:
        """Rows of whole numbers."""
        rows = self.numbers[name]
        assert isinstance(rows, tuple)
        return [[int(value) for value in row] for row in rows]


Derivation = Callable[[Given], Answer]


def check(item_id: str, derive: Derivation, relative: float = 1e-9) -> None:
    """Compare 500 drawn answers with a second derivation of each."""
    for seed in range(SEEDS):
        question = draw(item_id, seed)
        again = derive(Given(question.given))
        assert question.answer == pytest.approx(again, rel=relative, abs=1e-12), (
            f"seed {seed}: {question.prompt}"
        )
