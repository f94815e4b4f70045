"""The report as data: all that its two forms say, read from the events alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from interviews.report.advice import Advice, advise, without
from interviews.report.course import Course, course_of
from interviews.report.decision import Decision, decide
from interviews.report.evidence_of import RoundLog, SessionLog, read_session
from interviews.report.reading import (
    amount,
    count,
    flag,
    line,
    lines,
    number,
    shown,
    text,
)
from interviews.report.scale import Scored
from interviews.report.score_theory import Calibration, calibration_of
from interviews.report.scoring import score
from interviews.rounds.base import Event


@dataclass(frozen=True)
class Note:
    """Something that the reader should know, and where the log says so."""

    text: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A point that the candidate says to have made, in words of their own answer."""

    item: str
    text: str
    quote: str
    accepted: bool
    why: str
    line: int


@dataclass(frozen=True)
class RoundReport:
    """One round: what was measured, its course, and what was only said."""

    log: RoundLog
    scored: Scored
    course: Course
    claims: tuple[Claim, ...]
    said: tuple[Note, ...]

    @property
    def name(self) -> str:
        """The heading of the round."""
        kind = shown(self.log.kind, 40) or "round"
        title = shown(self.log.title)
        if title.lower().startswith(kind.lower()):
            # "Design: fraud detection" and "coding, softmax" say their kind already.
            title = title[len(kind) :].lstrip(" :,·")
        return f"{self.log.number}. {kind}" + (f" · {title}" if title else "")


@dataclass(frozen=True)
class Report:
    """The whole report; the same events always make the same one."""

    session: SessionLog
    decision: Decision
    rounds: tuple[RoundReport, ...]
    calibration: Calibration
    advice: tuple[Advice, ...]
    notes: tuple[Note, ...]

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """The headline: what was sat, when and under which rules."""
        began = self.session.began
        used, planned = amount(self.session.used), amount(self.session.minutes)
        seed = began.get("seed")
        return (
            ("Session", shown(text(began, "session")) or "unknown"),
            ("Preset", shown(text(began, "preset")) or "own rounds"),
            ("Level", self.decision.level),
            ("Date", shown(text(began, "wall"))[:10] or "unknown"),
            ("Minutes used", f"{used} of {planned} planned"),
            ("Seed", str(seed) if isinstance(seed, int) else "unknown"),
            ("Assistants", shown(text(began, "ai_policy"), 300) or "not stated"),
        )

    @property
    def no_advice(self) -> str:
        """What stands in the place of advice where there is none."""
        return without(found.scored for found in self.rounds)

    @property
    def cited(self) -> tuple[Event, ...]:
        """The lines of the log that the report rests on, in order."""
        wanted = set(self.calibration.lines)
        for note in self.notes:
            wanted.update(note.lines)
        for found in self.rounds:
            dimensions = (*found.scored.dimensions, *found.scored.apart)
            wanted.update(number for d in dimensions for number in d.lines)
            wanted.update(mark.line for mark in found.course.marks)
            wanted.update(claim.line for claim in found.claims)
            wanted.update(number for note in found.said for number in note.lines)
        return tuple(event for event in self.session.events if line(event) in wanted)


def build(events: Sequence[Event], altered: int = 0) -> Report:
    """Read a report from events; those from line ``altered`` on count for nothing."""
    session = read_session(events, altered)
    scores = tuple(score(log) for log in session.rounds)
    return Report(
        session=session,
        decision=decide(session, scores),
        rounds=tuple(
            RoundReport(log, scored, course_of(log), _claims(log), _said(log))
            for log, scored in zip(session.rounds, scores, strict=True)
        ),
        calibration=calibration_of(session),
        advice=advise(session, scores),
        notes=_notes(session),
    )


def _claims(log: RoundLog) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            item=shown(text(event, "item") or text(event, "stage")),
            text=shown(text(event, "text"), 300),
            quote=shown(text(event, "quote"), 300),
            accepted=flag(event, "accepted"),
            why=shown(text(event, "why"), 200),
            line=line(event),
        )
        for event in log.of("point")
        if flag(event, "said")
    )


def _said(log: RoundLog) -> tuple[Note, ...]:
    """Return what was told in free words, by the candidate or the interviewer."""
    found = []
    for event in log.of("said", "followup", "interviewer"):
        who = {"said": "Said", "followup": "Asked"}.get(text(event, "event"))
        told = shown(text(event, "text"), 300)
        if told:
            found.append(Note(f"{who or 'The interviewer'}: {told}", (line(event),)))
    return tuple(found)


def _notes(session: SessionLog) -> tuple[Note, ...]:
    notes = []
    if session.altered:
        said = (
            f"The log was changed at line {session.altered}; insufficient evidence. "
            "Nothing from that line on scores anything."
        )
        notes.append(Note(said))
    notes.extend(_resumed(event) for event in session.of("resumed"))
    notes.extend(
        Note(f"Repaired: {shown(text(event, 'note'))}", lines([event]))
        for event in session.of("repaired")
    )
    notes.extend(
        Note("The candidate broke the session off.", lines([event]))
        for event in session.of("aborted")
    )
    late = session.of("late")
    if late:
        said = f"{count(len(late), 'line')} came after the time and scored nothing."
        notes.append(Note(said, lines(late)))
    for log in session.rounds:
        notes.extend(_refusals(log))
    left = len(session.planned) - len(session.rounds)
    if left > 0 and session.over:
        said = f"{count(left, 'planned round')} never began."
        notes.append(Note(said))
    return tuple(notes)


def _resumed(event: Event) -> Note:
    away = amount(max(0.0, number(event, "away")) / 60)
    said = f"Resumed after {away} min away; the clock went on"
    if text(event, "note"):
        said += f" ({shown(text(event, 'note'))})"
    return Note(f"{said}.", lines([event]))


def _refusals(log: RoundLog) -> list[Note]:
    events = [event for event in log.of("judged", "tested") if text(event, "refused")]
    why = dict.fromkeys(shown(text(event, "refused")) for event in events)
    return [
        Note(
            f"Round {log.number}: refused by the guard: {said}",
            lines(event for event in events if shown(text(event, "refused")) == said),
        )
        for said in why
    ]
