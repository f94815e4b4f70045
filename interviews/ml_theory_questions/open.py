"""The open questions: a text is asked for, and its key points are revealed after.

A topic is ``<topic>.toml`` and ``<topic>.open.toml`` (``[[open]]`` entries, each with
its ``[[open.point]]``) and ``<topic>.md`` (the exemplar answers, each under
``## <id>``).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

from interviews.rounds.base import LEVELS

HERE = Path(__file__).parent
LONGEST_PROMPT = 400


@dataclass(frozen=True)
class Point:
    """One checkable idea of a good answer.

    A quotation for it must contain one of ``terms``; ``quote`` is the span of the
    exemplar answer that makes it.
    """

    id: str
    text: str
    terms: tuple[str, ...]
    source: str
    quote: str


@dataclass(frozen=True)
class OpenQuestion:
    """A question that is answered in one's own words, in about ``minutes``."""

    id: str
    title: str
    topic: str
    level: str
    minutes: float
    prompt: str
    source: str
    points: tuple[Point, ...]
    exemplar: str


@cache
def open_questions(folder: Path = HERE) -> tuple[OpenQuestion, ...]:
    """Return every open question, by topic, in the order of its file.

    Raises:
        ValueError: An entry is not as it should be; the message names its file.
    """
    questions = [
        question
        for file in sorted(folder.glob("*.toml"))
        for question in questions_in(file)
    ]
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            msg = f"the open question {question.id} is there twice"
            raise ValueError(msg)
        seen.add(question.id)
    return tuple(questions)


def questions_in(file: Path) -> Iterable[OpenQuestion]:
    """Return the questions of one topic file; ValueError names what is wrong."""
    try:
        entries = tomllib.loads(file.read_text("utf-8")).get("open", [])
    except tomllib.TOMLDecodeError as error:
        msg = f"{file.name} is no TOML: {error}"
        raise ValueError(msg) from None
    if not entries:
        return
    topic = file.name.partition(".")[0]
    exemplars = _sections(file.with_name(f"{topic}.md"))
    for entry in entries:
        where = f"{file.name}, {entry.get('id', 'an entry without id')}"
        yield _question(entry, topic, exemplars, where)


def _question(
    entry: Mapping[str, object], topic: str, exemplars: Mapping[str, str], where: str
) -> OpenQuestion:
    question = OpenQuestion(
        id=_text(entry, "id", where),
        title=_text(entry, "title", where),
        topic=topic,
        level=_text(entry, "level", where),
        minutes=_minutes(entry, where),
        prompt=_text(entry, "prompt", where),
        source=_text(entry, "source", where),
        points=tuple(_point(point, where) for point in _entries(entry, where)),
        exemplar=exemplars.get(str(entry["id"]), ""),
    )
    if question.level not in LEVELS:
        _fail(where, f"level must be one of {', '.join(LEVELS)}", question.level)
    if len(question.prompt) > LONGEST_PROMPT:
        short = f"prompt must have at most {LONGEST_PROMPT} characters"
        _fail(where, short, len(question.prompt))
    if not question.exemplar:
        _fail(where, f"{topic}.md must have an answer under ## {question.id}", "none")
    ids = [point.id for point in question.points]
    if len(set(ids)) < len(ids):
        _fail(where, "the ids of its points must differ", ", ".join(ids))
    return question


def _point(entry: Mapping[str, object], where: str) -> Point:
    where = f"{where}, {entry.get('id', 'a point without id')}"
    terms = entry.get("terms")
    if not (isinstance(terms, list) and terms and all(map(_is_text, terms))):
        _fail(where, "terms must be a list of words", terms)
    return Point(
        id=_text(entry, "id", where),
        text=_text(entry, "text", where),
        terms=tuple(map(str, terms)),
        source=_text(entry, "source", where),
        quote=_text(entry, "quote", where),
    )


def _entries(entry: Mapping[str, object], where: str) -> list[Mapping[str, object]]:
    points = entry.get("point")
    if not isinstance(points, list) or not points:
        _fail(where, "there must be at least one [[open.point]]", points)
    return points


def _text(entry: Mapping[str, object], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        _fail(where, f"{key} must be a text", value)
    return value.strip()


def _minutes(entry: Mapping[str, object], where: str) -> float:
    value = entry.get("minutes")
    if not isinstance(value, int | float) or not value > 0:
        _fail(where, "minutes must be a number above 0", value)
    return float(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _fail(where: str, expected: str, given: object) -> NoReturn:
    msg = f"{where}: {expected}, got {given!r}"
    raise ValueError(msg)


def _sections(file: Path) -> dict[str, str]:
    """Return the texts under the ``## `` headings of a page, by heading."""
    if not file.exists():
        return {}
    parts = re.split(r"^## (.+)$", file.read_text("utf-8"), flags=re.MULTILINE)
    return {
        heading.strip(): text.strip()
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }
