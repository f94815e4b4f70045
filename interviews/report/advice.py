"""What to do next: what failed, what was misunderstood, what to practise."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from interviews.report.evidence_of import RoundLog, SessionLog
from interviews.report.reading import (
    flag,
    names,
    number,
    record,
    records,
    shown,
    text,
)
from interviews.report.scale import Scored
from interviews.report.score_design import last_of, written_in_time
from interviews.report.score_tests import caught_by
from interviews.report.score_theory import replies

_JUDGED = ("coding", "levels", "repair")
_NAME = re.compile(r"[a-z0-9_/-]{1,80}")
_PRACTISED = 3  # a kata whose round scored less is worth another turn


@dataclass(frozen=True)
class Advice:
    """One thing to do; ``command`` is what to type, if there is one."""

    round: int
    text: str
    command: str = ""


def advise(session: SessionLog, scores: Iterable[Scored]) -> tuple[Advice, ...]:
    """Return what to do next, in the order of the rounds, each thing once."""
    found: dict[tuple[str, str], Advice] = {}
    for log, scored in zip(session.rounds, scores, strict=True):
        for advice in (*_failed(log), *_missed(log), *_misread(log), *_open(log)):
            found.setdefault((advice.text, ""), advice)
        for advice in _practise(log, scored):
            found.setdefault(("", advice.command), advice)
    return tuple(found.values())


def without(scores: Iterable[Scored]) -> str:
    """Return what to say where there is nothing to advise."""
    if any(scored.score is not None for scored in scores):
        return "Nothing that was measured failed."
    return "Nothing was measured, so there is nothing to advise."


def _failed(log: RoundLog) -> list[Advice]:
    if log.kind not in _JUDGED or log.final is None:
        return []
    return [
        Advice(log.number, f"Did not hold: {shown(result.sentence, 300)}")
        for result in log.final.failed
    ]


def _missed(log: RoundLog) -> list[Advice]:
    found = log.of("tested")
    if not found:
        return []
    known = (*names(log.subject, "mistakes"), *names(found[-1], "missed"))
    caught = caught_by(found[-1])
    missed = [shown(name) for name in dict.fromkeys(known) if name not in caught]
    alarms = [shown(name) for name in names(found[-1], "false_alarms")]
    advice = []
    if missed:
        advice.append(Advice(log.number, f"No test caught: {', '.join(missed)}"))
    if alarms:
        said = f"Failed on the solution too: {', '.join(alarms)}"
        advice.append(Advice(log.number, said))
    return advice


def _misread(log: RoundLog) -> list[Advice]:
    if log.kind != "theory":
        return []
    title = {
        text(item, "id"): text(item, "title") for item in records(log.subject, "items")
    }
    answered = {reply.item for reply in replies(log)}
    advice = [
        Advice(log.number, f"{shown(title[text(item, 'id')])}: not answered")
        for item in records(log.subject, "items")
        if text(item, "form") != "open" and text(item, "id") not in answered
        if log.closed
    ]
    for reply in replies(log):
        if reply.right:
            continue
        name = shown(title.get(reply.item) or reply.item)
        why = shown(reply.misconception, 300)
        said = f"{name}: {why}" if why else f"{name}: wrong; read its steps again"
        advice.append(Advice(log.number, said))
    return advice


def _open(log: RoundLog) -> list[Advice]:
    """Tell what a design left open or got wrong, in the words of its prompt."""
    if log.kind != "design" or not log.closed:
        return []
    done = {text(event, "stage") for event in written_in_time(log)}
    stages = [name for name in names(log.subject, "stages") if name not in done]
    said = [*_estimated(log), *_decided(log)]
    if stages:
        said.append(f"Not written in time: {shown(', '.join(stages), 200)}")
    return [Advice(log.number, one) for one in said]


def _estimated(log: RoundLog) -> list[str]:
    given, scored = last_of(log, "estimated"), last_of(log, "scored")
    found = []
    for key in dict.fromkeys((*names(log.subject, "estimates"), *given)):
        earned = scored.get(key, {})
        if key not in given:
            found.append(f"Estimate {_named(log, key)}: not given")
        elif number(earned, "credit") < 1:
            why = shown(text(earned, "why"), 200) or "off"
            found.append(f"Estimate {_named(log, key)}: {why}")
    return found


def _decided(log: RoundLog) -> list[str]:
    taken = last_of(log, "decided")
    found = []
    for key in dict.fromkeys((*names(log.subject, "decisions"), *taken)):
        if key not in taken:
            found.append(f"Decision {_named(log, key)}: not taken")
        elif not flag(taken[key], "right"):
            option = shown(text(taken[key], "option"), 60)
            found.append(f"Decision {_named(log, key)}: {option} is wrong")
    return found


def _named(log: RoundLog, key: str) -> str:
    """Return the name of an estimate or a decision, and what it asks if known."""
    asks = shown(text(record(log.subject, "asks"), key), 200).rstrip("?")
    return f"{shown(key, 60)} ({asks})" if asks else shown(key, 60)


def _practise(log: RoundLog, scored: Scored) -> list[Advice]:
    if log.kind not in (*_JUDGED, "tests"):
        return []
    low = scored.score is not None and scored.score < _PRACTISED
    kata = text(log.subject, "kata")
    wanted = list(names(log.subject, "needs_unmet"))
    if low and kata and text(log.subject, "shelf") != "challenges":
        wanted.append(kata)
    return [
        Advice(log.number, "Practise", f"kata watch {name}")
        for name in wanted
        if _NAME.fullmatch(name)
    ]
