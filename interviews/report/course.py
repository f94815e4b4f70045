"""The course of a round by minute: phases, runs, answers, and how far it had come."""

from dataclasses import dataclass

from interviews.report.evidence_of import RoundLog, Run
from interviews.report.reading import (
    flag,
    names,
    records,
    shown,
    text,
    whole,
)
from interviews.report.scale import share_of
from interviews.report.score_design import enough
from interviews.report.score_tests import caught_by, mistakes_of
from interviews.rounds.base import Event


@dataclass(frozen=True)
class Mark:
    """Something at a minute of the round; ``good`` tells how it went, if it can."""

    minute: float
    kind: str
    label: str
    line: int
    good: bool | None = None


@dataclass(frozen=True)
class Span:
    """A phase from one minute to another."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Course:
    """All that a chart of a round shows; ``length`` is the width, in minutes.

    ``pace`` is the share of ``measure`` reached at a minute, from 0 to 1.
    """

    length: float
    par: float
    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]
    time_up: float | None
    measure: str
    pace: tuple[tuple[float, float], ...]


def course_of(log: RoundLog) -> Course:
    """Read the course of a round from its events."""
    end = log.minute(log.ending) if log.ending else log.used
    if not log.ending and not log.closed:
        end = log.minute(log.events[-1])
    length = max(log.minutes, end, 1e-3)
    measure, pace = _pace(log, end)
    last = pace[-1][1] if pace else 0.0
    return Course(
        length=length,
        par=log.par,
        spans=_spans(log, end),
        marks=_marks(log, end),
        time_up=end if text(log.ending, "by") == "time" else None,
        measure=measure,
        pace=(*pace, (end, last)) if pace else (),
    )


def _spans(log: RoundLog, end: float) -> tuple[Span, ...]:
    phases = [(shown(text(e, "name"), 40), log.minute(e)) for e in log.of("phase")]
    phases = [(name, minute) for name, minute in phases if minute <= end]
    if not phases:
        return (Span(shown(log.kind, 40), 0.0, end),)
    stops = [minute for _, minute in phases[1:]] + [end]
    pairs = zip(phases, stops, strict=True)
    return tuple(Span(name, start, stop) for (name, start), stop in pairs)


def _marks(log: RoundLog, end: float) -> tuple[Mark, ...]:
    found = [*_run_marks(log), *_test_marks(log), *_answer_marks(log)]
    inside = [mark for mark in found if mark.minute <= end + 1e-6]
    return tuple(sorted(inside, key=lambda mark: (mark.minute, mark.line)))


def _run_marks(log: RoundLog) -> list[Mark]:
    return [
        Mark(
            run.minute,
            "run",
            f"{'final run' if run.final else f'run {run.number}'}: "
            f"{len(run.results) - len(run.failed)} of {len(run.results)} held",
            run.lines[-1],
            run.all_held,
        )
        for run in log.submissions
    ]


def _test_marks(log: RoundLog) -> list[Mark]:
    return [
        Mark(
            log.asked_at(whole(event, "run"), flag(event, "final"), event),
            "run",
            f"{len(caught_by(event))} of {mistakes_of(log, event)} mistakes caught, "
            f"{len(names(event, 'false_alarms'))} false alarms",
            whole(event, "line"),
            not names(event, "false_alarms") and bool(caught_by(event)),
        )
        for event in log.of("tested")
    ]


def _answer_marks(log: RoundLog) -> list[Mark]:
    said = {
        "answered": "answered",
        "skipped": "skipped",
        "estimated": "estimate",
        "decided": "decision",
        "locked": "stage",
        "level": "level unlocked",
        "extension": "extension unlocked",
    }
    found = []
    for event in log.of(*said):
        name = text(event, "event")
        good = {"answered": "correct", "decided": "right"}.get(name, "")
        verdict = event.get(good) if good else None
        what = text(event, "item") or text(event, "id") or text(event, "stage")
        what = what or text(event, "title")
        found.append(
            Mark(
                log.minute(event),
                "answer",
                shown(f"{_stage(event) or said[name]} {what}".strip(), 60),
                whole(event, "line"),
                verdict if isinstance(verdict, bool) else None,
            )
        )
    return found


def _stage(event: Event) -> str:
    """Tell how a stage was locked; "" for what is no stage."""
    if text(event, "event") != "locked":
        return ""
    if enough(event):
        return "stage written"
    return "stage too short" if text(event, "text").strip() else "stage left empty"


def _pace(log: RoundLog, end: float) -> tuple[str, tuple[tuple[float, float], ...]]:
    if log.kind == "theory":
        total = len(records(log.subject, "items"))
        return "questions answered", _counted(log, "answered", "item", total, end)
    if log.kind == "design":
        total = len(names(log.subject, "stages"))
        return "stages written", _counted(log, "locked", "stage", total, end)
    if log.kind == "tests":
        return "mistakes caught", (
            (0.0, 0.0),
            *(
                (
                    log.asked_at(whole(e, "run"), flag(e, "final"), e),
                    share_of(len(caught_by(e)), mistakes_of(log, e)),
                )
                for e in log.of("tested")
            ),
        )
    measure = "levels held" if log.kind == "levels" else "properties held"
    first = _held(log, log.baseline) if log.baseline else 0.0
    return measure, (
        (0.0, first),
        *((run.minute, _held(log, run)) for run in log.submissions),
    )


def _held(log: RoundLog, run: Run) -> float:
    """Return the share of the properties that held; of levels, each counts alike."""
    if log.kind != "levels":
        return share_of(len(run.results) - len(run.failed), len(run.results))
    found = {result.level for result in run.results}
    parts = (run.of_level(level) for level in found)
    held = sum(sum(r.held for r in part) / len(part) for part in parts)
    return held / max(len(records(log.subject, "levels")), len(found), 1)


def _counted(
    log: RoundLog, name: str, key: str, total: int, end: float
) -> tuple[tuple[float, float], ...]:
    done: set[str] = set()
    points = [(0.0, 0.0)]
    for event in log.of(name):
        minute = log.minute(event)
        counts = enough(event) if name == "locked" else text(event, "text").strip()
        if counts and minute <= end + 1e-6:
            done.add(text(event, key))
            points.append((minute, share_of(len(done), max(total, len(done)))))
    return tuple(points)
