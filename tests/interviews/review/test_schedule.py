import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.review.evidence import AGAIN, EASY, GOOD, HARD, Review
from interviews.review.schedule import (
    LONGEST,
    ReviewLog,
    Standing,
    card_id,
    due_today,
    plan_days,
    rebuild,
)

START = datetime(2028, 2, 28, 12, 0, tzinfo=UTC)


def review(
    card: str = "kata:knn", day: float = 0, rating: int = GOOD, source: str = ""
) -> Review:
    when = START + timedelta(days=day)
    return Review(card, when, rating, "", source or f"{card} {day} {rating}")


def interval(*reviews: Review, days_left: int | None = None) -> timedelta:
    (standing,) = rebuild(reviews, START, days_left)
    return standing.due - reviews[-1].when


def test_a_better_rating_comes_back_later() -> None:
    intervals = [interval(review(rating=r)) for r in (AGAIN, HARD, GOOD, EASY)]
    assert intervals == sorted(intervals)
    assert intervals[0] < intervals[2] < intervals[3]


def test_the_first_intervals_are_those_of_the_algorithm() -> None:
    # At a retention of 0.9 the interval is the stability itself, whose first values
    # are the parameters w0 to w3 of FSRS-6: 0.212, 1.2931, 2.3065, 8.2956 days.
    days = [interval(review(rating=r)).days for r in (AGAIN, HARD, GOOD, EASY)]
    assert days == [1, 1, 2, 8]


@pytest.mark.parametrize("kind", ["kata", "theory", "design"])
def test_no_interval_is_longer_than_its_kind_allows(kind: str) -> None:
    reviews = [review(f"{kind}:a", day, EASY) for day in range(0, 400, 40)]
    assert interval(*reviews) == timedelta(days=LONGEST[kind])


@given(left=st.integers(1, 400))
def test_with_an_interview_no_gap_is_over_a_third_of_the_days(left: int) -> None:
    reviews = [review(day=day, rating=EASY) for day in (0, 20, 60)]
    assert interval(*reviews, days_left=left) <= timedelta(days=max(1, left // 3))
    assert interval(review(rating=EASY), days_left=90) < interval(review(rating=EASY))


@given(
    st.lists(
        st.tuples(st.sampled_from(["kata:a", "theory:b"]), st.integers(-50, 50),
                  st.integers(1, 4)),
        max_size=12,
    ),
    st.integers(-100, 100),
)  # fmt: skip
def test_times_in_any_order_do_no_harm(
    rows: list[tuple[str, int, int]], today: int
) -> None:
    reviews = [review(card, day, rating) for card, day, rating in rows]
    standings = rebuild(reviews, START + timedelta(days=today))
    assert {s.card for s in standings} == {card for card, _, _ in rows}
    assert all(0 <= s.known <= 1 for s in standings)
    assert rebuild(reviews, START + timedelta(days=today)) == standings
    for standing in standings:
        newest = max(r.when for r in reviews if r.card == standing.card)
        assert standing.due > newest


def test_a_review_before_the_last_one_counts_at_the_last_ones_time() -> None:
    back = [review(day=3), review(day=1, rating=HARD)]
    straight = [review(day=3), review(day=3, rating=HARD)]
    assert [(s.due, s.known) for s in rebuild(back, START)] == [
        (s.due, s.known) for s in rebuild(straight, START)
    ]


def test_a_leap_day_is_a_day() -> None:
    (standing,) = rebuild([review(rating=GOOD)], START)
    assert standing.due.date() == date(2028, 3, 1)


def test_due_is_until_the_local_day_ends() -> None:
    due = datetime(2028, 2, 29, 22, 30, tzinfo=UTC)
    standing = Standing("kata:a", 1, GOOD, due, 0.9)
    late = timezone(timedelta(hours=14))
    evening = datetime(2028, 2, 29, 1, 0, tzinfo=UTC)
    assert due_today([standing], evening) == [standing]
    assert due_today([standing], evening.astimezone(late)) == []
    west = timezone(timedelta(hours=-11))
    assert due_today([standing], due.astimezone(west)) == [standing]
    assert due_today([standing], due.astimezone(west) - timedelta(days=1)) == []


def test_cards_have_the_same_number_in_every_process() -> None:
    assert card_id("kata:knn") == 0x4FC48E9F44F2788
    assert len({card_id(f"kata:{n}") for n in range(1000)}) == 1000


# The log ----------------------------------------------------------------------------


def test_evidence_is_taken_once(tmp_path: Path) -> None:
    log = ReviewLog(tmp_path / "reviews.jsonl")
    assert log.read() == []
    first, second = review(day=2), review(day=1)
    assert log.take([first, second, first]) == 2
    assert log.take([first, second]) == 0
    assert log.read() == [second, first]


def test_what_is_no_review_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "reviews.jsonl"
    log = ReviewLog(file)
    log.take([review()])
    good = file.read_text()
    data = json.loads(good)
    bad = [
        "[]", "{", "{}", json.dumps(data | {"rating": 5}),
        json.dumps(data | {"when": "?"}), json.dumps(data | {"card": "meal:lunch"}),
    ]  # fmt: skip
    file.write_text("\n".join(bad) + "\n" + good + good[:30])
    assert log.read() == [review()]
    log.take([review(day=1)])
    assert log.read() == [review(), review(day=1)]


# The days left ----------------------------------------------------------------------


def test_the_plan_begins_everything_in_time_and_comes_back() -> None:
    unseen = [f"kata:new{n}" for n in range(10)]
    days = plan_days([review("kata:old", -3)], unseen, START, date(2028, 3, 13))
    assert [day.day for day in days] == [
        START.date() + timedelta(days=n) for n in range(14)
    ]
    assert [card for day in days for card in day.new] == unseen
    assert all(len(day.new) <= 2 for day in days)
    assert not any(day.new for day in days[9:])
    for card in ("kata:old", *unseen):
        seen = [n for n, day in enumerate(days) if card in (*day.back, *day.new)]
        assert len(seen) >= 2
        assert max(after - before for before, after in pairwise(seen)) <= 5


def test_one_day_left_has_it_all() -> None:
    days = plan_days([], ["kata:a", "kata:b"], START, date(2028, 2, 29))
    assert [(day.back, day.new) for day in days] == [((), ("kata:a", "kata:b"))]
