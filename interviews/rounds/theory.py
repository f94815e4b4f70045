"""The theory round: numbers that are computed, then questions in one's own words.

An answer is locked before anything is told about it: whether a number is right is
said when the round has ended, the key points of an open question appear after
``/lock``. Each typed line is recorded as ``wrote`` first, so that a crash loses none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from interviews import ml_theory_questions as theory
from interviews.engine.lines import no_such_key
from interviews.evidence import words
from interviews.ml_theory_questions.open import OpenQuestion
from interviews.rounds.base import Event, Host, Opening, Phase, Spec, Tools
from interviews.rounds.points import Reveal
from interviews.rounds.theory_draw import (
    NUMBERS_SHARE,
    OPEN_SHARE,
    Number,
    Paper,
    draw_paper,
)
from interviews.rounds.theory_text import (
    ANSWERS,
    LONGEST_ANSWER,
    SURE,
    debrief_lines,
    file_answer,
    folded,
    number_lines,
    number_note,
    open_lines,
    template,
)

NUMBERS = Phase(
    "numbers",
    NUMBERS_SHARE,
    "Answers are locked as they come; right or wrong is told at the end.",
)
OPEN = Phase(
    "open",
    OPEN_SHARE,
    "Answer in your own words; after /lock you say which key points you made.",
)


@dataclass
class Work:
    """How far the candidate is with one question."""

    asked: float | None = None
    typed: list[str] = field(default_factory=list)
    answer: Event | None = None
    skipped: bool = False
    reveal: Reveal | None = None
    points: list[Event] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        if self.reveal is not None:
            return self.reveal.complete
        return self.skipped or self.answer is not None


class TheoryRound:
    """A ``Round`` of theory questions."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        """Draw the questions; see ``draw_paper``."""
        self._spec = spec
        self._paper: Paper = draw_paper(spec, tools.seen)
        self._work = {one.id: Work() for one in self._questions}
        self._phase = ""

    @property
    def _questions(self) -> tuple[Number | OpenQuestion, ...]:
        return (*self._paper.numbers, *self._paper.open)

    def open(self) -> Opening:
        """Return the opening: how many questions of each kind there are."""
        numbers, questions = self._paper.numbers, self._paper.open
        return Opening(
            title="Theory",
            par=self._paper.minutes,
            phases=tuple(
                phase for phase, has in ((NUMBERS, numbers), (OPEN, questions)) if has
            ),
            lines=(
                f"Questions with a computed answer: {len(numbers)}.",
                f"Questions to answer in your own words: {len(questions)}.",
            ),
            files={ANSWERS: template(questions)} if questions else {},
            subject={"items": [_subject(one) for one in self._questions]},
        )

    def apply(self, event: Event) -> None:
        """Take an event of this round into the state."""
        if event["event"] == "phase":
            self._phase = str(event["name"])
        work = self._work.get(str(event.get("item", "")))
        if work is None:
            return
        match event["event"]:
            case "asked":
                work.asked = float(str(event["at"]))
            case "wrote":
                work.typed.append(str(event["text"]))
            case "skipped":
                work.skipped = True
            case "answered":
                self._lock(work, event)
            case "point" | "refused" if work.reveal is not None:
                work.reveal.apply(event)
                if event["event"] == "point":
                    work.points.append(event)

    def _lock(self, work: Work, event: Event) -> None:
        work.answer = event
        for question in self._paper.open:
            if question.id == event["item"]:
                work.reveal = Reveal(
                    question.points, str(event["text"]), question.prompt, question.id
                )

    @property
    def _of_phase(self) -> Sequence[Number | OpenQuestion]:
        """The questions that this phase asks."""
        return self._paper.open if self._phase == OPEN.name else self._paper.numbers

    @property
    def _current(self) -> Number | OpenQuestion | None:
        """The question of this phase that is asked now; None if all are done."""
        undone = (one for one in self._of_phase if not self._work[one.id].done)
        return next(undone, None)

    def enter(self, host: Host, phase: str) -> None:
        """Ask the first open question of the phase, or again the one left at."""
        if phase == OPEN.name:
            self._take_numbers(host)
        self._show(host)

    def _show(self, host: Host) -> None:
        """Ask the present question, or tell that the phase is through."""
        current = self._current
        if current is None:
            if not self.complete:
                host.say("All numbers are done; /next goes on.")
            return
        work = self._work[current.id]
        if work.asked is None:
            host.record("asked", **_asked(current))
        if work.reveal is not None:
            host.say(*work.reveal.lines)
        elif isinstance(current, Number):
            place = self._paper.numbers.index(current) + 1
            host.say(*number_lines(current, place, len(self._paper.numbers)))
            if work.typed:
                host.say(f"Your answer: {work.typed[-1]}", SURE)
        else:
            place = self._paper.open.index(current) + 1
            host.say(*open_lines(current, place, len(self._paper.open)))
            host.say(*(f"  {line}" for line in work.typed))

    def handle(self, host: Host, text: str) -> None:
        """Take a line for the present question."""
        current = self._current
        if current is None:
            host.say("All questions of this phase are done; /next goes on.")
            return
        work = self._work[current.id]
        if work.reveal is not None:
            work.reveal.handle(host, text)
        elif text.strip() == "/skip":
            host.record("skipped", item=current.id)
            host.say("Skipped.")
        elif isinstance(current, OpenQuestion):
            self._handle_open(host, current, work, text)
        elif text.startswith("/"):
            host.say(no_such_key(text))
        elif work.typed:
            self._handle_confidence(host, current, text)
        else:
            self._handle_number(host, current, text.strip())
        if work.done:
            self._show(host)

    def _handle_number(self, host: Host, number: Number, text: str) -> None:
        problem = theory.judge_answer(number.item, number.question, text).problem
        if problem:
            host.say(*folded(f"{problem}. Nothing is locked; answer again."))
            return
        host.record("wrote", item=number.id, text=text)
        host.say(SURE)

    def _handle_confidence(self, host: Host, number: Number, text: str) -> None:
        if text.strip().startswith("="):
            # Nothing is locked yet: what was typed last is the answer.
            self._handle_number(host, number, text.strip()[1:].strip())
            return
        try:
            confidence = _confidence(text)
        except ValueError as error:
            host.say(str(error))
            return
        self._answer_number(host, number, confidence)
        host.say("Locked.")

    def _answer_number(
        self, host: Host, number: Number, confidence: float | None
    ) -> None:
        text = self._work[number.id].typed[-1]
        judged = theory.judge_answer(number.item, number.question, text)
        value = judged.value if isinstance(judged.value, int | float) else None
        host.record(
            "answered",
            item=number.id,
            text=text,
            confidence=confidence,
            correct=judged.correct,
            expected=theory.show_answer(number.item, number.question),
            value=value,
            steps=list(number.question.steps),
            misconception=judged.misconception,
            took=self._took(host, number.id),
        )

    def _handle_open(
        self, host: Host, question: OpenQuestion, work: Work, text: str
    ) -> None:
        if text.strip() == "/lock":
            self._answer_open(host, question)
            if work.reveal is None:
                host.say(f"Nothing to lock: write here or in {ANSWERS}, or /skip.")
            else:
                host.say("Locked.", *work.reveal.lines)
        elif text.startswith("/"):
            host.say(no_such_key(text))
        else:
            host.record("wrote", item=question.id, text=text.rstrip())

    def _answer_open(self, host: Host, question: OpenQuestion) -> None:
        """Lock what was typed and what is in the file; nothing if there is no word."""
        typed = "\n".join(self._work[question.id].typed)
        place = self._paper.open.index(question) + 1
        written = file_answer(host.folder, self._paper.open, place)
        text = "\n\n".join(filter(None, (typed, written)))
        if not words(text):
            return
        host.record(
            "answered",
            item=question.id,
            text=text[:LONGEST_ANSWER],
            confidence=None,
            correct=None,
            expected=question.exemplar,
            value=None,
            steps=[],
            misconception="",
            took=self._took(host, question.id),
        )

    def _took(self, host: Host, item: str) -> float:
        asked = self._work[item].asked
        return round(host.now - (host.now if asked is None else asked), 3)

    def poll(self, host: Host) -> None:
        """Do nothing: nothing goes on elsewhere."""

    def end(self, host: Host) -> None:
        """Lock what was typed and not locked; points that were not asked are no."""
        self._take_numbers(host)
        for question in self._paper.open:
            work = self._work[question.id]
            if work.asked is not None and not work.done and work.reveal is None:
                self._answer_open(host, question)

    def _take_numbers(self, host: Host) -> None:
        for number in self._paper.numbers:
            work = self._work[number.id]
            if work.typed and not work.done:
                self._answer_number(host, number, None)

    @property
    def busy(self) -> bool:
        """Never: nothing goes on elsewhere."""
        return False

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask in this phase or a later one."""
        last = self._phase == self.open().phases[-1].name
        return last and self._current is None

    @property
    def unfinished(self) -> str:
        """What would be left undone if the round ended now."""
        left = sum(not self._work[one.id].done for one in self._of_phase)
        if not left:
            return ""
        return f"{left} {'question is' if left == 1 else 'questions are'} left"

    @property
    def takes_text(self) -> bool:
        """Whether a line of text goes into the answer as it stands."""
        current = self._current
        if not isinstance(current, OpenQuestion):
            return False
        return self._work[current.id].answer is None

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The commands there are now."""
        current = self._current
        if current is None:
            return ()
        if self._work[current.id].reveal is not None:
            return (("y <quote>", "I said so"), ("n", "I did not"))
        skip = ("/skip", "leave it")
        if not isinstance(current, Number):
            return (("/lock", "done"), skip)
        typed = bool(self._work[current.id].typed)
        return (("= <value>", "change it"), skip) if typed else (skip,)

    @property
    def prompt(self) -> str:
        """What is asked for now."""
        current = self._current
        if current is None:
            return ""
        work = self._work[current.id]
        if work.reveal is not None:
            return "y/n> "
        if isinstance(current, Number):
            return "sure> " if work.typed else "answer> "
        return "write> "

    @property
    def debrief(self) -> Sequence[str]:
        """Right and wrong with the working, and an exemplar for each open question."""
        answers = {
            item: work.answer for item, work in self._work.items() if work.answer
        }
        expected = {
            number.id: theory.show_answer(number.item, number.question)
            for number in self._paper.numbers
        }
        points = {item: work.points for item, work in self._work.items()}
        return debrief_lines(self._paper, answers, expected, points)


def _subject(one: Number | OpenQuestion) -> dict[str, object]:
    item = one.item if isinstance(one, Number) else one
    return {
        "id": item.id,
        "form": "number" if isinstance(one, Number) else "open",
        "title": item.title,
        "topic": item.topic,
        "level": item.level,
        "minutes": item.minutes,
        "points": len(one.points) if isinstance(one, OpenQuestion) else 0,
    }


def _asked(one: Number | OpenQuestion) -> dict[str, object]:
    if isinstance(one, Number):
        return {
            "item": one.id,
            "form": "number",
            "prompt": one.question.prompt,
            "unit": one.item.unit,
            "tolerance": one.item.tolerance,
            "note": number_note(one),
        }
    return {
        "item": one.id,
        "form": "open",
        "prompt": one.prompt,
        "unit": "",
        "tolerance": 0.0,
        "note": "",
    }


def _confidence(text: str) -> float | None:
    """Read 50 to 100, with or without %, as a share; None for no statement."""
    plain = text.strip()
    if plain in {"", "-", "–"}:
        return None
    match = re.fullmatch(r"(\d{2,3}(?:\.\d+)?)\s*%?", plain)
    if match is None or not 50 <= float(match[1]) <= 100:
        msg = f"Expected 50 to 100 % or -, got {plain}."
        raise ValueError(msg)
    return float(match[1]) / 100
