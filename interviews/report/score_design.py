"""Scores of a design round, from estimates, decisions and the clock."""

from interviews.report.evidence_of import RoundLog
from interviews.report.reading import (
    amount,
    count,
    flag,
    line,
    lines,
    names,
    number,
    text,
    whole,
)
from interviews.report.scale import (
    Dimension,
    Scored,
    at_least,
    capped,
    mean,
    share_of,
    table,
)
from interviews.report.score_theory import points_of
from interviews.rounds.base import Event


def design(log: RoundLog) -> Scored:
    """Score a design; what it covers is the candidate's own word."""
    estimates = last_of(log, "estimated")
    wanted = tuple(dict.fromkeys((*names(log.subject, "estimates"), *estimates)))
    credit = _credits(log, frozenset(estimates))
    decisions = last_of(log, "decided")
    right = sum(flag(event, "right") for event in decisions.values())
    earned = right > 0 or any(value > 0 for value in credit.values())
    numbers = _estimates(log, wanted, credit)
    scored = Scored(
        (
            numbers,
            _decisions(log, decisions, right),
            _pace(log, numbers.score, earned=earned),
        ),
        items=max(1, len(wanted) + len(decisions)),
        apart=points_of(log, "coverage", max(0, whole(log.subject, "points"))),
    )
    if not estimates:
        scored = capped(scored, "estimate", "no estimate was given")
    if _split_at_random(decisions):
        why = "data ordered in time was split at random"
        scored = capped(scored, "temporal", why)
    return scored


def last_of(log: RoundLog, name: str) -> dict[str, Event]:
    """Return the last event for each id: what was said last counts."""
    return {text(event, "id"): event for event in log.of(name)}


def _credits(log: RoundLog, given: frozenset[str]) -> dict[str, float]:
    return {
        key: min(1.0, max(0.0, number(event, "credit")))
        for key, event in last_of(log, "scored").items()
        if key in given
    }


def _estimates(
    log: RoundLog, wanted: tuple[str, ...], credit: dict[str, float]
) -> Dimension:
    where = lines(log.of("scored")) or lines([log.closed])
    if not wanted:
        return Dimension("estimates", None, "none was asked for", where)
    earned = mean([credit.get(key, 0.0) for key in wanted])
    basis = (
        f"{count(len(credit), 'estimate')} of {len(wanted)} given, "
        f"credit {amount(earned, 2)} of 1 on average"
    )
    return Dimension("estimates", at_least("estimates", earned), basis, where)


def _decisions(log: RoundLog, decided: dict[str, Event], right: int) -> Dimension:
    offered = set(names(log.subject, "decisions")) | set(decided)
    where = lines(decided.values()) or lines([log.closed])
    if not offered and isinstance(log.subject.get("decisions"), (list, tuple)):
        return Dimension("decisions", None, "there was nothing to decide", where)
    if not decided:
        return Dimension("decisions", 1, "nothing was decided", where)
    share = share_of(right, len(offered))
    basis = f"{right} of {count(len(offered), 'decision')} right"
    return Dimension("decisions", at_least("decisions", share), basis, where)


def _split_at_random(decided: dict[str, Event]) -> bool:
    return any(
        text(event, "cap") == "temporal" and not flag(event, "right")
        for event in decided.values()
    )


def _pace(log: RoundLog, numbers: int | None, *, earned: bool) -> Dimension:
    """Score the stages written before the time; words alone are worth little."""
    stages = set(names(log.subject, "stages"))
    written = written_in_time(log)
    done = {text(event, "stage") for event in written}
    where = lines(written) or lines([log.closed])
    if not earned:
        basis = "no estimate and no decision earned anything to be fast at"
        return Dimension("pace", 1, basis, where)
    total = len(stages | done)
    share = share_of(len(done), total)
    basis = f"{len(done)} of {count(total, 'stage')} written before the time was up"
    score = at_least("stages in time", share)
    if numbers is not None and score > numbers + 1:
        # Nobody here can read the stages: what was measured of them bounds their worth.
        score, basis = numbers + 1, f"{basis}; at most one above the estimates"
    return Dimension("pace", score, basis, where)


def enough(event: Event) -> bool:
    """Tell whether a stage was locked with words enough to count as written."""
    return len(text(event, "text").split()) >= table().evidence["words"]


def written_in_time(log: RoundLog) -> list[Event]:
    """Return the stages that count as written before the time was up."""
    return [event for event in log.of("locked") if _in_time(log, event)]


def _in_time(log: RoundLog, event: Event) -> bool:
    late = text(log.ending, "by") == "time" and line(event) > line(log.ending)
    return enough(event) and not late
