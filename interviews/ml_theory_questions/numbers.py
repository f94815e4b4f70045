"""Questions with a computed answer: the registry, the draw and the judge.

Each ``<topic>.toml`` here lists ``[[item]]`` entries; the function in ``<topic>.py``
with the item's id (``-`` for ``_``) draws its numbers.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType
from typing import cast

from interviews.ml_theory_questions.question import (
    FORMS,
    Answer,
    Question,
    agree,
    separated,
)
from interviews.quantities import parse, show
from interviews.rounds.base import LEVELS

FOLDER = Path(__file__).parent
# Draws are thrown away in which a distractor coincides; more than this many in a
# row means that the item's numbers are ill-chosen.
DRAWS = 200


class ItemError(ValueError):
    """An entry of a topic file, or an id, that cannot be accepted, in one line."""


@dataclass(frozen=True)
class Item:
    """A parametrised question, as its topic file describes it.

    ``minutes`` is the par time, ``tolerance`` relative, ``unit`` that of the number
    or of each number of the sequence ("" where it has none).
    """

    id: str
    title: str
    topic: str
    level: str
    minutes: float
    source: str
    unit: str
    tolerance: float
    form: str


@dataclass(frozen=True)
class Judged:
    """What became of an answer.

    ``value`` is what was read; ``misconception`` names the mistake that leads to it;
    ``problem`` says in a line why nothing could be read, which is no answer yet.
    """

    correct: bool
    value: Answer | None = None
    misconception: str = ""
    problem: str = ""


@lru_cache
def items() -> tuple[Item, ...]:
    """Return all items, by topic and in the order of the topic files."""
    found = [item for file in sorted(FOLDER.glob("*.toml")) for item in items_in(file)]
    ids = [item.id for item in found]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ItemError(f"items must have ids of their own, got {sorted(twice)} twice")
    return tuple(found)


def items_in(file: Path) -> tuple[Item, ...]:
    """Return the items of one topic file; ItemError names the one that is wrong."""
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("item", [])
    except tomllib.TOMLDecodeError as error:
        raise ItemError(f"{file.name} is no TOML: {error}") from None
    return tuple(_item(file, entry) for entry in entries)


def find(item_id: str) -> Item:
    """Return the item with this id."""
    for item in items():
        if item.id == item_id:
            return item
    raise ItemError(f"item_id must be the id of an item, got {item_id!r}")


def draw(item_id: str, seed: int) -> Question:
    """Return the item's question for this seed; the same for the same seed.

    What is drawn has at least three distractors, finite and apart from each other
    and from the answer by more than the tolerance.
    """
    item = find(item_id)
    return draw_with(_generator(item), item, seed)


def draw_with(make: Callable[[Random], Question], item: Item, seed: int) -> Question:
    """Return what ``make`` draws for this seed, as ``draw`` does."""
    for again in range(DRAWS):
        # The numbers of a practice question guard no secret.
        random = Random(f"{item.id} {seed} {again}")  # noqa: S311
        question = make(random)
        if len(question.distractors) >= 3 and separated(question, item.tolerance):
            return question
    raise ItemError(f"item {item.id}: no distinct distractors in {DRAWS} draws")


def judge_answer(item: Item, question: Question, text: str) -> Judged:
    """Read ``text`` in the item's form and compare it with the answer."""
    try:
        value = _read(item, question.answer, text)
        _check_length(question, value)
    except ValueError as refused:
        return Judged(correct=False, problem=str(refused))
    if agree(value, question.answer, item.tolerance):
        return Judged(correct=True, value=value)
    for distractor in question.distractors:
        if agree(value, distractor.value, item.tolerance):
            return Judged(False, value, distractor.misconception)
    return Judged(correct=False, value=value)


def show_answer(item: Item, answer: Answer) -> str:
    """Return the answer as text that ``judge_answer`` reads."""
    if isinstance(answer, tuple):
        parts = [
            part if isinstance(part, str) else show(part, "").replace(",", "")
            for part in answer
        ]
        return ", ".join(parts) + (f" ({item.unit})" if item.unit else "")
    if isinstance(answer, frozenset):
        return "{" + ", ".join(sorted(answer)) + "}"
    return answer if isinstance(answer, str) else show(answer, item.unit)


def _item(file: Path, entry: dict[str, object]) -> Item:
    """Return the item of an entry; every field must be there and of its type."""
    name = f"{file.name}: item {entry.get('id', '?')}"
    values: dict[str, object] = {**entry, "topic": file.stem}
    for each in fields(Item):
        value = values.get(each.name)
        wanted = (int, float) if each.type is float else str
        if not isinstance(value, wanted) or (value == "" and each.name != "unit"):
            raise ItemError(f"{name}: {each.name} must be given, got {value!r}")
    if unknown := values.keys() - {each.name for each in fields(Item)}:
        raise ItemError(f"{name}: unknown fields {sorted(unknown)}")
    item = Item(**values)  # type: ignore[arg-type]  # each field was checked above
    if item.level not in LEVELS or item.form not in FORMS:
        raise ItemError(f"{name}: level must be in {LEVELS}, form in {FORMS}")
    if not (item.minutes > 0 and 0 <= item.tolerance < 0.1):
        raise ItemError(f"{name}: minutes must be positive, tolerance in [0, 0.1)")
    return item


def _generator(item: Item) -> Callable[[Random], Question]:
    return generator(item, import_module(f"{__package__}.{item.topic}"))


def generator(item: Item, topic: ModuleType) -> Callable[[Random], Question]:
    """Return the function of the topic's module that draws the item."""
    make = getattr(topic, item.id.replace("-", "_"), None)
    if not callable(make):
        raise ItemError(f"item {item.id}: {item.topic}.py has no such function")
    return cast("Callable[[Random], Question]", make)


def _read(item: Item, answer: Answer, text: str) -> Answer:
    """Read ``text`` as an answer of the kind of ``answer``."""
    if item.form == "number":
        return parse(text, item.unit)
    words = _words(text.removesuffix(f"({item.unit})") if item.unit else text)
    if not words:
        raise ValueError(f"nothing to read: write a {item.form}")
    if isinstance(answer, frozenset):
        return frozenset(words)
    if isinstance(answer, tuple):
        if all(isinstance(part, str) for part in answer):
            return tuple(words)
        return tuple(parse(word, item.unit) for word in words)
    return " ".join(words)


def _check_length(question: Question, value: Answer) -> None:
    """Refuse a sequence of a length that no answer to the question can have.

    Where the misconceptions lead to other lengths, the length is part of what is
    asked, and nothing is said about it.
    """
    wanted = {
        len(each)
        for each in (question.answer, *(one.value for one in question.distractors))
        if isinstance(each, tuple)
    }
    if isinstance(value, tuple) and len(wanted) == 1 and len(value) not in wanted:
        count = f"{min(wanted)} value{'s' if wanted != {1} else ''}"
        raise ValueError(f"{count} must be given, got {len(value)}")


def _words(text: str) -> list[str]:
    """Split at commas, semicolons and arrows, or at spaces where there are none."""
    plain = re.sub(r"[\[\](){}\"'`«»]", " ", text)
    between = r",|;|->|→" if re.search(r",|;|->|→", plain) else r"\s"
    words = (" ".join(word.split()) for word in re.split(between, plain))
    return [word for word in words if word]
