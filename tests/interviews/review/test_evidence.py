from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from interviews.review.evidence import (
    AGAIN,
    EASY,
    GOOD,
    HARD,
    Record,
    interview_reviews,
    kata_reviews,
    moment,
    rate,
)

START = datetime(2028, 2, 28, 23, 0, tzinfo=UTC)
PAR = {"softmax": 20.0, "knn": 25.0}


def record(minute: float, event: str = "attempt", **about: object) -> Record:
    when = (START + timedelta(minutes=minute)).isoformat(timespec="seconds")
    return {"event": event, "kata": "softmax", "when": when} | about


def attempt(minute: float, state: str = "wrong", **about: object) -> Record:
    return {**record(minute), "target": "katas", "state": state, **about}


def ratings(history: Sequence[Record], after: timedelta = timedelta(days=9)) -> object:
    return [review.rating for review in kata_reviews(history, PAR, START + after)]


@pytest.mark.parametrize(
    ("used", "runs", "hinted", "rating"),
    [
        (12.0, 1, False, EASY),
        (12.1, 1, False, GOOD),
        (12.0, 2, False, GOOD),
        (30.0, 1, False, GOOD),
        (30.1, 1, False, HARD),
        (1.0, 1, True, HARD),
        (None, 1, False, GOOD),
    ],
)
def test_the_rating_follows_time_runs_and_hints(
    used: float | None, runs: int, hinted: bool, rating: int
) -> None:
    assert rate(used, 20, runs=runs, hinted=hinted) == rating


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], []),
        ([attempt(0, "solved")], [GOOD]),
        ([record(0, "reset"), attempt(10, "solved")], [EASY]),
        ([attempt(0), attempt(10, "solved")], [GOOD]),
        ([attempt(0), attempt(25), attempt(45, "solved")], [HARD]),
        ([attempt(0), record(1, "hint", rung=1), attempt(2, "solved")], [HARD]),
        ([attempt(0), record(1, "peek"), attempt(2, "solved")], [AGAIN, GOOD]),
        ([attempt(0)], [AGAIN]),
        # A night between two sittings is another attempt; a lunch is no work.
        ([attempt(0), attempt(13 * 60, "solved")], [AGAIN, GOOD]),
        ([attempt(0), attempt(10 * 60, "solved")], [GOOD]),
        # Judging the worked solution says nothing of the learner.
        ([record(0, target="solutions", state="solved")], []),
        ([attempt(0, "solved", kata="gone")], []),
    ],
)
def test_attempts_become_reviews(
    history: Sequence[Record], expected: Sequence[int]
) -> None:
    assert ratings(history) == expected


def test_a_long_pause_counts_as_half_an_hour() -> None:
    history = [attempt(0), attempt(10 * 60), attempt(10 * 60 + 1, "solved")]
    assert ratings(history) == [HARD]  # 31 minutes of 20


def test_what_is_still_going_on_is_no_review() -> None:
    assert ratings([attempt(0)], timedelta(hours=11)) == []


def test_evidence_has_one_name_for_ever() -> None:
    history = [attempt(0, "solved"), attempt(60, "solved")]
    first = list(kata_reviews(history[:1], PAR, START + timedelta(hours=1)))
    later = list(kata_reviews(history, PAR, START + timedelta(days=9)))
    assert first == later[:1]
    assert len({review.source for review in later}) == 2


def test_bad_times_are_passed_over() -> None:
    assert moment("yesterday") is None
    assert moment("2028-02-29T01:00:00+02:00") == START
    assert moment("2028-02-28T23:00:00") == START
    assert ratings([{**attempt(0), "when": "?"}]) == []


# Interviews -------------------------------------------------------------------------


def event(name: str, at: float, number: int = 1, **data: object) -> Record:
    wall = (START + timedelta(seconds=at)).isoformat()
    return {"event": name, "at": at, "wall": wall, "round": number} | data


def session(*own: Record, kind: str, subject: object, par: float = 10) -> list[Record]:
    return [
        {"event": "began", "session": "s", "round": 0},
        event("opened", 0, kind=kind, par=par, subject=subject),
        *own,
        event("closed", 1800, by="time", used=30),
    ]


def found(events: Sequence[Record]) -> dict[str, int]:
    return {review.card: review.rating for review in interview_reviews(events)}


def judged(at: float, state: str, **about: object) -> Record:
    return {**event("judged", at, run=1, final=False, state=state), **about}


@pytest.mark.parametrize(
    ("own", "rating"),
    [
        ([judged(300, "solved"), judged(1800, "solved", run=2, final=True)], EASY),
        ([judged(900, "solved"), judged(1800, "solved", run=2, final=True)], GOOD),
        ([judged(901, "solved"), judged(1800, "solved", run=2, final=True)], HARD),
        ([judged(300, "solved"), judged(1800, "wrong", run=2, final=True)], AGAIN),
        ([], AGAIN),
    ],
)
def test_a_coding_round_rates_its_kata(own: Sequence[Record], rating: int) -> None:
    events = session(*own, kind="coding", subject={"kata": "knn"})
    assert found(events) == {"kata:knn": rating}


def test_theory_rates_every_item() -> None:
    items = [
        {"id": name, "form": "number", "minutes": 2, "points": 0} for name in "abcd"
    ]
    items.append({"id": "open", "form": "open", "minutes": 5, "points": 4})
    events = session(
        event("answered", 60, item="a", correct=True, took=60),
        event("answered", 60, item="b", correct=True, took=181),
        event("answered", 60, item="c", correct=False, took=1),
        event("skipped", 60, item="d"),
        event("answered", 60, item="open", correct=None, took=100),
        *(event("point", 90, item="open", accepted=n < 2) for n in range(4)),
        kind="theory",
        subject={"items": items},
    )
    assert found(events) == {
        "theory:a": EASY, "theory:b": HARD, "theory:c": AGAIN, "theory:d": AGAIN,
        "theory:open": HARD,
    }  # fmt: skip


def test_a_round_that_goes_on_is_no_review() -> None:
    events = session(
        event("skipped", 60, item="a"),
        kind="theory",
        subject={"items": [{"id": "a", "minutes": 1}]},
    )
    assert len(list(interview_reviews(events))) == 1
    assert list(interview_reviews(events[:-1])) == []
    assert list(interview_reviews([])) == []


@pytest.mark.parametrize(
    ("credit", "rating"),
    [((), AGAIN), ((0.0, 0.5), AGAIN), ((0.5,), HARD), ((0.75,), GOOD), ((1, 1), EASY)],
)
def test_a_design_is_rated_by_its_estimates(
    credit: Sequence[float], rating: int
) -> None:
    own = [event("scored", 1700, credit=value) for value in credit]
    events = session(*own, kind="design", subject={"prompt_id": "fraud"})
    assert found(events) == {"design:fraud": rating}
