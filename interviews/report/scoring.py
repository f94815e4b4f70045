"""The score of a round, by its kind."""

from collections.abc import Callable

from interviews.report.evidence_of import RoundLog
from interviews.report.scale import Scored, unmeasured
from interviews.report.score_code import coding, levels, repair
from interviews.report.score_design import design
from interviews.report.score_tests import own_tests
from interviews.report.score_theory import theory

KINDS: dict[str, Callable[[RoundLog], Scored]] = {
    "coding": coding,
    "levels": levels,
    "repair": repair,
    "tests": own_tests,
    "theory": theory,
    "design": design,
}


def score(log: RoundLog) -> Scored:
    """Return what a round earned; a round that has not ended is not measured."""
    if log.kind not in KINDS:
        return unmeasured(log.kind, "no such kind of round is known")
    if not log.closed:
        return unmeasured(log.kind, "the round has not ended")
    return KINDS[log.kind](log)
