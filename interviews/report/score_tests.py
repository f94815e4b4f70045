"""Scores of a round in which the candidate writes the tests."""

from interviews.report.evidence_of import RoundLog
from interviews.report.reading import (
    amount,
    count,
    flag,
    line,
    lines,
    names,
    records,
    shown,
    text,
    whole,
)
from interviews.report.scale import (
    Dimension,
    Scored,
    at_least,
    at_most,
    nothing,
    share_of,
    table,
)
from interviews.rounds.base import Event


def own_tests(log: RoundLog) -> Scored:
    """Score a test file by the mistakes it caught and the alarms it gave falsely."""
    found = log.of("tested")
    final = next((event for event in reversed(found) if flag(event, "final")), None)
    final = final or (found[-1] if found else None)
    if final is None:
        end = lines(event for event in (log.ending, log.closed) if event)
        return nothing("tests", "no tests were run", end, mistakes_of(log, {}))
    total = mistakes_of(log, final)
    why = _worthless(final)
    if why:
        return nothing("tests", why, [line(final)], total)
    caught, alarms = len(caught_by(final)), len(set(names(final, "false_alarms")))
    tests = whole(final, "tests")
    net = max(0, caught - alarms)
    where = (line(final),)
    return Scored(
        (
            Dimension(
                "mistakes caught",
                at_least("mistakes caught", share_of(net, total)),
                f"{caught} of {count(total, 'mistake')} caught, "
                f"minus {count(alarms, 'false alarm')}",
                where,
            ),
            Dimension(
                "precision",
                at_least("precision", share_of(tests - alarms, tests)),
                f"{count(alarms, 'false alarm')} among {count(tests, 'test')}",
                where,
            ),
            Dimension(
                "reach",
                at_least("reach", share_of(caught, total)),
                f"{amount(100 * share_of(caught, total), 0)} % of the mistakes caught",
                where,
            ),
            _pace(log, final, total),
        ),
        items=total,
    )


def caught_by(tested: Event) -> frozenset[str]:
    """Return the mistakes that a test caught which holds on the solution."""
    alarms = set(names(tested, "false_alarms"))
    return frozenset(
        text(entry, "mistake")
        for entry in records(tested, "caught")
        if set(names(entry, "by")) - alarms
    )


def mistakes_of(log: RoundLog, tested: Event) -> int:
    """Return how many mistakes there were to catch."""
    known = set(names(log.subject, "mistakes"))
    judged = {text(entry, "mistake") for entry in records(tested, "caught")}
    return len(known | judged | set(names(tested, "missed")))


def _worthless(tested: Event) -> str:
    """Return why a test file earns nothing; empty where it may."""
    tests, alarms = whole(tested, "tests"), len(set(names(tested, "false_alarms")))
    if text(tested, "refused"):
        return f"refused: {shown(text(tested, 'refused'))}"
    if tests < 1:
        return "there was no test"
    if alarms >= tests:
        return "every test fails on the solution too"
    if not caught_by(tested):
        return "no test tells a mistake from the solution"
    return ""


def _pace(log: RoundLog, final: Event, total: int) -> Dimension:
    """Score the time to the first file that catches most and alarms falsely never."""
    good = next((e for e in log.of("tested") if _good(e, total)), None)
    if good is None or not _good(final, total):
        share = amount(100 * table().evidence["caught"], 0)
        basis = f"never {share} % caught without a false alarm"
        return Dimension("pace", 1, basis, (line(final),))
    minute = log.asked_at(whole(good, "run"), flag(good, "final"), good)
    ratio = minute / log.par if log.par > 0 else 0.0
    return Dimension(
        "pace",
        at_most("pace", ratio),
        f"good after {amount(minute)} min, par is {amount(log.par)}",
        (line(good),),
    )


def _good(tested: Event, total: int) -> bool:
    enough = len(caught_by(tested)) >= table().evidence["caught"] * total
    quiet = not names(tested, "false_alarms") and not text(tested, "refused")
    return quiet and enough and not _worthless(tested)
