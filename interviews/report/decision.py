"""Hire or no hire, from what was measured and from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from interviews.report.evidence_of import RoundLog, SessionLog
from interviews.report.reading import amount, count, text
from interviews.report.scale import Scored, table

HIRE = "hire"
NO_HIRE = "no hire"
INSUFFICIENT = "insufficient evidence"


@dataclass(frozen=True)
class Decision:
    """The verdict, why, and the mean score beside the bar of the level."""

    verdict: str
    reason: str
    score: float | None
    bar: float
    level: str


def decide(session: SessionLog, scores: Sequence[Scored]) -> Decision:
    """Decide over rounds and their scores, given in the same order."""
    level = text(session.began, "level")
    level = level if level in table().bar else "mid"
    bar = table().bar[level]
    overall = overall_score(session, scores)
    verdict, reason = _verdict(session, scores, overall, bar, level)
    return Decision(verdict, reason, overall, bar, level)


def overall_score(session: SessionLog, scores: Sequence[Scored]) -> float | None:
    """Return the mean of the rounds' scores, weighted by their minutes."""
    pairs = [
        (scored.score, log.minutes or 1.0)
        for log, scored in zip(session.rounds, scores, strict=True)
        if scored.score is not None
    ]
    weight = sum(minutes for _, minutes in pairs)
    return sum(score * minutes for score, minutes in pairs) / weight if pairs else None


def _verdict(
    session: SessionLog,
    scores: Sequence[Scored],
    overall: float | None,
    bar: float,
    level: str,
) -> tuple[str, str]:
    lacking = _lacking(session, scores)
    if lacking or overall is None:
        return INSUFFICIENT, f"{lacking or 'Nothing was measured'}."
    said = f"The measured score is {overall:.2f}; the bar for {level} is {bar:.1f}."
    if overall < bar - 1e-9:
        return NO_HIRE, said
    weak = [
        f"round {log.number} ({log.kind}): {scored.dimensions[0].name}"
        for log, scored in zip(session.rounds, scores, strict=True)
        if scored.core == 1
    ]
    if weak:
        return NO_HIRE, f"{said} But the core of a round scores 1: {'; '.join(weak)}."
    if session.aborted or len(session.rounds) < len(session.planned):
        return (
            INSUFFICIENT,
            f"{said} But the loop was not sat to its end, and a hire needs all of it.",
        )
    return HIRE, f"{said} No round's core scores 1."


def _lacking(session: SessionLog, scores: Sequence[Scored]) -> str:
    """Return what evidence there is too little of; empty where there is enough."""
    need = table().evidence
    if session.altered:
        return f"The log was changed at line {session.altered}; insufficient evidence"
    if not session.over:
        return "The session has not ended"
    share = session.used / session.minutes if session.minutes else 0.0
    if session.aborted and share < need["share"]:
        return (
            f"The session was broken off after {amount(session.used)} of "
            f"{amount(session.minutes)} min"
        )
    pairs = zip(session.rounds, scores, strict=True)
    measured = [(log, scored) for log, scored in pairs if scored.score is not None]
    if len(measured) < need["rounds"]:
        found = count(len(measured), "round")
        return f"{found} measured; {amount(need['rounds'])} are needed"
    minutes = sum(_weight(log) for log, _ in measured)
    if minutes < need["minutes"]:
        return (
            f"Rounds of {amount(minutes)} min were measured; "
            f"{amount(need['minutes'])} are needed"
        )
    items = sum(scored.items for _, scored in measured)
    if items < need["items"]:
        return f"{count(items, 'item')} measured; {amount(need['items'])} are needed"
    return ""


def _weight(log: RoundLog) -> float:
    """Return the planned minutes; of a round broken off, those that were used."""
    return min(log.minutes, log.used) if log.ended_by == "abort" else log.minutes
