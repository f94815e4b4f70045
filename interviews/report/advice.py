"""What to do next: what failed, what was misunderstood, what to practise."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from interviews.report.evidence_of import RoundLog, SessionLog
from interviews.report.reading import names, records, shown, text
from interviews.report.scale import Scored
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
        for advice in (*_failed(log), *_missed(log), *_misread(log)):
            found.setdefault((advice.text, ""), advice)
        for advice in _practise(log, scored):
            found.setdefault(("", advice.command), advice)
    return tuple(found.values())


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
