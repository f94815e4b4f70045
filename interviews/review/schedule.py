"""When to come back to what: FSRS, from an append-only log of reviews.

Source: the FSRS algorithm as the package ``fsrs`` has it (version 6 parameters),
without learning steps, so that every interval is in whole days, and without fuzzing,
so that the same log always gives the same dates.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dojo.progress import append_line
from interviews.review.evidence import Review, moment

if TYPE_CHECKING:
    from fsrs import Card, Scheduler

# Days at most between two reviews of a card, by kind.
LONGEST = {"kata": 45, "theory": 90, "design": 90}
_RETENTION = 0.9
# With an interview ahead, more must be there at once and nothing later than it.
_RETENTION_BEFORE_INTERVIEW = 0.95


@dataclass(frozen=True)
class Standing:
    """A card as it stands: its last rating, when it is due, how likely it is known."""

    card: str
    reviews: int
    rating: int
    due: datetime
    known: float


class ReviewLog:
    """The reviews, one JSON object a line; what is in it stays."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[Review]:
        """Return the reviews in the order of the log; torn lines are passed over."""
        try:
            text = self._file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        found = []
        for line in text.splitlines():
            review = _review_of(line)
            if review is not None:
                found.append(review)
        return found

    def take(self, reviews: Iterable[Review]) -> int:
        """Append what is not there yet; return how many."""
        there = {review.source for review in self.read()}
        taken = 0
        for review in sorted(reviews, key=lambda r: (r.when, r.card)):
            if review.source not in there:
                there.add(review.source)
                record = vars(review) | {"when": review.when.isoformat()}
                append_line(self._file, record)
                taken += 1
        return taken


def _review_of(line: str) -> Review | None:
    try:
        data = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not isinstance(data, Mapping):
        return None
    when, rating = moment(data.get("when")), data.get("rating")
    kind = str(data.get("card", "")).partition(":")[0]
    if when is None or rating not in (1, 2, 3, 4) or kind not in LONGEST:
        return None
    card, why = str(data["card"]), str(data.get("why", ""))
    return Review(card, when, int(rating), why, str(data.get("source")))


def card_id(card: str) -> int:
    """Return the stable number of a card: 60 bits of its name's digest."""
    return int(hashlib.sha256(card.encode()).hexdigest()[:15], 16)


def scheduler(kind: str, days_left: int | None = None) -> "Scheduler":
    """Return the scheduler of a kind of card, with an interview so many days ahead."""
    from fsrs import Scheduler

    longest, retention = LONGEST[kind], _RETENTION
    if days_left is not None:
        longest = max(1, min(longest, days_left // 3))
        retention = _RETENTION_BEFORE_INTERVIEW
    return Scheduler(
        desired_retention=retention,
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=longest,
        enable_fuzzing=False,
    )


def rebuild(
    reviews: Iterable[Review], now: datetime, days_left: int | None = None
) -> list[Standing]:
    """Return every card as its reviews left it, what is due first first.

    A review that is dated before the one that the log has before it, since the
    clock was set back, counts as made at that one's time.
    """
    from fsrs import Rating

    cards: dict[str, Card] = {}
    last: dict[str, tuple[int, int]] = {}
    for review in reviews:
        kind = review.card.partition(":")[0]
        card = cards.get(review.card) or new_card(review.card)
        when = max(review.when, card.last_review or review.when)
        cards[review.card], _ = scheduler(kind, days_left).review_card(
            card, Rating(review.rating), when
        )
        count, _rating = last.get(review.card, (0, 0))
        last[review.card] = (count + 1, review.rating)
    found = []
    for name, card in cards.items():
        seen = max(now, card.last_review or now)
        known = scheduler(name.partition(":")[0]).get_card_retrievability(card, seen)
        found.append(Standing(name, *last[name], card.due, float(known)))
    return sorted(found, key=lambda standing: (standing.due, standing.card))


def new_card(card: str) -> "Card":
    """Return a card that was never looked at; FSRS asks for UTC itself."""
    from fsrs import Card

    return Card(card_id=card_id(card), due=datetime(1970, 1, 1, tzinfo=UTC))


def due_today(standings: Iterable[Standing], now: datetime) -> list[Standing]:
    """Return what is due before the local day of ``now`` ends."""
    return [s for s in standings if s.due.astimezone(now.tzinfo).date() <= now.date()]


@dataclass(frozen=True)
class Day:
    """What to do on one day: cards to come back to, and katas to begin."""

    day: date
    back: tuple[str, ...]
    new: tuple[str, ...]


def plan_days(
    reviews: list[Review], unseen: list[str], now: datetime, interview: date
) -> list[Day]:
    """Lay the days before the interview out, as if every review went well.

    What was never done is spread evenly over the first two thirds of the days, so
    that there is time to come back to it.
    """
    left = (interview - now.date()).days
    days_for_new = max(1, left * 2 // 3)
    waiting, simulated = list(unseen), list(reviews)
    days = []
    for ahead in range(left):
        at = now + timedelta(days=ahead)
        standings = rebuild(simulated, at.astimezone(UTC), left - ahead)
        back = tuple(standing.card for standing in due_today(standings, at))
        share = -(-len(waiting) // max(1, days_for_new - ahead))
        new, waiting = tuple(waiting[:share]), waiting[share:]
        days.append(Day(at.date(), back, new))
        for card in (*back, *new):
            done = Review(card, at.astimezone(UTC), 3, "planned", f"{card} {ahead}")
            simulated.append(done)
    return days
