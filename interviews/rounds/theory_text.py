"""What a theory round shows, and the file in which open answers may be written."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from interviews.ml_theory_questions.open import OpenQuestion
from interviews.rounds.base import Event
from interviews.rounds.theory_draw import Number, Paper

ANSWERS = "answers.md"
LONGEST_ANSWER = 20_000
WIDTH = 78
SURE = "How sure are you, 50 to 100 %? (-: no statement; = value: another answer)"
_FORMS = {
    "number": "one number; k, M, B, powers of ten and % are read",
    "sequence": "the values in their order, with commas between",
    "set": "the members in any order, with commas between",
    "word": "one word or two",
}


def number_note(number: Number) -> str:
    """Return how the answer is to be written, and how exact it must be."""
    item = number.item
    unit = f" in {item.unit}" if item.unit else ""
    exact = f"; within {100 * item.tolerance:g} %" if item.tolerance else ""
    return f"Answer{unit}: {_FORMS[item.form]}{exact}."


def number_lines(number: Number, place: int, count: int) -> list[str]:
    """Return a question with its unit and tolerance."""
    return [
        "",
        f"Question {place} of {count}: {number.item.title}",
        *folded(number.question.prompt),
        *folded(number_note(number)),
    ]


def open_lines(question: OpenQuestion, place: int, count: int) -> list[str]:
    """Return an open question and how it is answered."""
    return [
        "",
        f"Open question {place} of {count}: {question.title}",
        *folded(question.prompt),
        f"Write your answer line by line here, or in {ANSWERS}; /lock when done.",
    ]


def folded(text: str, indent: str = "") -> list[str]:
    """Break a text into lines; its own line breaks stay."""
    return [
        line
        for part in text.splitlines()
        for line in wrap(part, WIDTH, initial_indent=indent, subsequent_indent=indent)
        or [""]
    ]


def template(questions: Sequence[OpenQuestion]) -> str:
    """Return the file for the open answers, a section for each."""
    sections = (
        f"## {place}. {question.title}\n\n{question.prompt}\n\n"
        for place, question in enumerate(questions, 1)
    )
    return (
        "# Open questions\n\n"
        "Write below each question; what you type in the terminal counts too.\n\n"
        + "".join(sections)
    )


def file_answer(folder: Path, questions: Sequence[OpenQuestion], place: int) -> str:
    """Return what the candidate wrote into the file for question ``place``, from one.

    What the template says does not count; a file that cannot be read is empty.
    """
    try:
        with (folder / ANSWERS).open(encoding="utf-8", errors="replace") as file:
            text = file.read(len(questions) * LONGEST_ANSWER)
    except OSError:
        return ""
    parts = re.split(r"^## (\d+)\..*$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    # Where the headings are gone, the only question has the whole file.
    found = sections.get(str(place), text if len(questions) == 1 else "")
    given = {line.strip() for line in template(questions).splitlines()}
    own = (line for line in found.splitlines() if line.strip() not in given - {""})
    return "\n".join(own).strip()[:LONGEST_ANSWER]


def debrief_lines(
    paper: Paper,
    answers: Mapping[str, Event],
    expected: Mapping[str, str],
    points: Mapping[str, Sequence[Event]],
) -> list[str]:
    """Return what was right, how it is worked out, and the exemplar answers."""
    lines: list[str] = []
    for number in paper.numbers:
        answer = answers.get(number.id)
        lines += _number_debrief(number, answer, expected[number.id])
    for question in paper.open:
        lines += _open_debrief(
            question, question.id in answers, points.get(question.id, ())
        )
    return lines


def _number_debrief(number: Number, answer: Event | None, expected: str) -> list[str]:
    if answer is None:
        verdict = f"not answered; it is {expected}"
    elif answer["correct"]:
        verdict = f"right: {expected}"
    else:
        verdict = f"wrong: you said {answer['text']}, it is {expected}"
    mistaken = str(answer["misconception"]) if answer else ""
    hint = folded(f"What leads there: {mistaken}", "  ") if mistaken else []
    steps = (line for step in number.question.steps for line in folded(step, "  "))
    return ["", *folded(f"{number.item.title}: {verdict}"), *hint, *steps]


def _open_debrief(
    question: OpenQuestion, answered: bool, points: Iterable[Event]
) -> list[str]:
    made = sum(bool(point["accepted"]) for point in points)
    count = len(question.points)
    verdict = f"{made} of {count} points shown by your own words"
    exemplar = (" ".join(part.split()) for part in question.exemplar.split("\n\n"))
    return [
        "",
        *folded(f"{question.title}: {verdict if answered else 'not answered'}"),
        "One good answer:",
        *(line for paragraph in exemplar for line in folded(paragraph, "  ")),
    ]
