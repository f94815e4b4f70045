"""Scores of a theory round, from the questions that a number answers."""

from dataclasses import dataclass

from interviews.report.evidence_of import RoundLog, SessionLog
from interviews.report.reading import (
    amount,
    count,
    flag,
    line,
    lines,
    number,
    records,
    text,
    whole,
)
from interviews.report.scale import (
    Dimension,
    Scored,
    at_least,
    at_most,
    mean,
    share_of,
    table,
)
from interviews.rounds.base import Event


@dataclass(frozen=True)
class Reply:
    """One answer to a question that a number answers; ``confidence`` 0.5 to 1."""

    item: str
    line: int
    right: bool
    confidence: float | None
    seconds: float
    misconception: str

    @property
    def square(self) -> float:
        """The squared distance of the confidence from what came true."""
        return ((self.confidence or 0.0) - self.right) ** 2


def theory(log: RoundLog) -> Scored:
    """Score a theory round; open questions are told apart."""
    drawn = {
        text(item, "id"): item
        for item in records(log.subject, "items")
        if text(item, "form") != "open"
    }
    asked = _asked(log, drawn)
    given = [reply for reply in replies(log) if reply.item in asked]
    where = tuple(reply.line for reply in given) or lines([log.closed])
    offered = sum(
        max(0, whole(item, "points"))
        for item in records(log.subject, "items")
        if text(item, "form") == "open"
    )
    apart = points_of(log, "depth", offered)
    if not asked:
        basis = "no question with a number was asked"
        unmeasured = (Dimension("accuracy", None, basis, where),)
        return Scored(unmeasured, apart=apart)
    right = sum(reply.right for reply in given)
    wanted = set(drawn) | asked
    accuracy = at_least("accuracy", share_of(right, len(asked)))
    return Scored(
        (
            Dimension(
                "accuracy",
                accuracy,
                f"{right} of {count(len(asked), 'question')} answered right",
                where,
            ),
            _calibration(given, accuracy),
            _pace(given, drawn, len(wanted), where),
        ),
        items=len(asked),
        apart=apart,
    )


def _asked(log: RoundLog, drawn: dict[str, Event]) -> set[str]:
    """Return the items asked; all, where the candidate left before the time."""
    seen = {
        text(event, "item")
        for event in log.of("asked", "answered", "skipped")
        if text(event, "form") != "open"
    }
    opened = {
        text(item, "id")
        for item in records(log.subject, "items")
        if text(item, "form") == "open"
    }
    left = set(drawn) if log.ended_by == "candidate" else set()
    return (seen - opened - {""}) | left


def replies(log: RoundLog) -> tuple[Reply, ...]:
    """Return the first answer to each item that has a right one."""
    found: dict[str, Reply] = {}
    skipped: set[str] = set()
    for event in log.of("answered", "skipped"):
        item = text(event, "item")
        if text(event, "event") == "skipped":
            skipped.add(item)
        elif isinstance(event.get("correct"), bool) and item not in skipped:
            found.setdefault(item, _reply(event))
    return tuple(found.values())


def _reply(event: Event) -> Reply:
    confidence = number(event, "confidence", -1.0)
    return Reply(
        item=text(event, "item"),
        line=line(event),
        right=flag(event, "correct") and bool(text(event, "text").strip()),
        confidence=min(1.0, max(0.5, confidence)) if confidence >= 0 else None,
        seconds=max(0.0, number(event, "took")),
        misconception=text(event, "misconception"),
    )


def _calibration(given: list[Reply], accuracy: int) -> Dimension:
    stated = [reply for reply in given if reply.confidence is not None]
    where = tuple(reply.line for reply in stated)
    least = int(table().evidence["confidences"])
    if len(stated) < least:
        basis = f"not measured: {len(stated)} of at least {least} confidences stated"
        return Dimension("calibration", None, basis, where)
    brier = mean([reply.square for reply in stated])
    score = at_most("calibration", brier)
    basis = f"Brier score {brier:.3f} over {count(len(stated), 'answer')}"
    if score > accuracy + 1:
        # A few sure answers beside many that were left out are no calibration.
        score = accuracy + 1
        basis += "; at most one above the accuracy"
    return Dimension("calibration", score, basis, where)


def _pace(
    given: list[Reply], drawn: dict[str, Event], wanted: int, where: tuple[int, ...]
) -> Dimension:
    timely = [r for r in given if r.right and r.seconds <= _par(drawn.get(r.item))]
    share = share_of(len(timely), wanted)
    basis = f"{len(timely)} of {count(wanted, 'question')} drawn right within par"
    return Dimension("pace", at_least("answers in par", share), basis, where)


def _par(item: Event | None) -> float:
    minutes = number(item, "minutes") if item else 0.0
    return 60 * minutes if minutes > 0 else float("inf")


def points_of(log: RoundLog, name: str, offered: int) -> tuple[Dimension, ...]:
    """Return what share of the points the candidate claims with words of their own.

    ``offered`` is how many there were, those never shown included.
    """
    found = log.of("point")
    total = max(offered, len({_point(event) for event in found}))
    if not total:
        return ()
    claimed = [event for event in found if flag(event, "said")]
    accepted = {_point(event) for event in claimed if flag(event, "accepted")}
    refused = sum(not flag(event, "accepted") for event in claimed)
    basis = f"{len(accepted)} of {count(total, 'point')} claimed with a quotation"
    if refused:
        basis += f", {count(refused, 'claim')} refused"
    score = at_least(name, len(accepted) / total)
    return (Dimension(name, score, basis, lines(found)),)


def _point(event: Event) -> tuple[str, str]:
    return text(event, "item") or text(event, "stage"), text(event, "point")


@dataclass(frozen=True)
class Bin:
    """Answers of about one confidence: the mean of it, and the share that was right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True)
class Calibration:
    """Confidence against right over a whole session."""

    stated: int
    brier: float
    bins: tuple[Bin, ...]
    lines: tuple[int, ...]

    @property
    def enough(self) -> bool:
        """Whether there are answers enough for a curve."""
        return self.stated >= table().evidence["curve"]


def calibration_of(session: SessionLog) -> Calibration:
    """Put all answers with a stated confidence together."""
    given = [
        reply
        for log in session.rounds
        if log.kind == "theory"
        for reply in replies(log)
        if reply.confidence is not None
    ]
    bins = (_bin(given, low / 10, (low + 1) / 10) for low in range(5, 10))
    return Calibration(
        stated=len(given),
        brier=mean([reply.square for reply in given]),
        bins=tuple(found for found in bins if found.count),
        lines=tuple(reply.line for reply in given),
    )


def _bin(given: list[Reply], low: float, high: float) -> Bin:
    last = high > 0.95
    inside = [
        (reply.confidence, reply.right)
        for reply in given
        if reply.confidence is not None
        and low <= reply.confidence
        and (last or reply.confidence < high)
    ]
    return Bin(
        low,
        high,
        len(inside),
        mean([confidence for confidence, _ in inside]),
        mean([float(right) for _, right in inside]),
    )


def percent(share: float) -> str:
    """Return a share as a whole percentage."""
    return f"{amount(100 * share, 0)} %"
