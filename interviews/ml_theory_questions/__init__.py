"""Theory: questions whose answer is computed, and open questions with key points.

Everything is imported when it is asked for: the list of items is read by the plan of
an interview, which must begin at once.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interviews.ml_theory_questions.numbers import Item, Judged
    from interviews.ml_theory_questions.open import OpenQuestion
    from interviews.ml_theory_questions.question import Question


def items() -> "tuple[Item, ...]":
    """Return all parametrised items."""
    from interviews.ml_theory_questions import numbers

    return numbers.items()


def draw(item_id: str, seed: int) -> "Question":
    """Return an item's question for this seed."""
    from interviews.ml_theory_questions import numbers

    return numbers.draw(item_id, seed)


def judge_answer(item: "Item", question: "Question", text: str) -> "Judged":
    """Read an answer, compare it, and name the misconception it shows."""
    from interviews.ml_theory_questions import numbers

    return numbers.judge_answer(item, question, text)


def show_answer(item: "Item", question: "Question") -> str:
    """Return the right answer as text."""
    from interviews.ml_theory_questions import numbers

    return numbers.show_answer(item, question.answer)


def open_questions() -> "tuple[OpenQuestion, ...]":
    """Return all open questions."""
    from interviews.ml_theory_questions import open as open_

    return open_.open_questions()
