"""From what was done to how well it went: one review for each piece of evidence.

Katas are rated from the history that ``kata`` keeps and from coding and repair rounds,
theory and design from the logs of interviews. The rating follows the time that was
used against the par time: Again for what failed or whose solution was viewed, Hard
where a hint helped or it took over 1.5 × par, Easy at the first submission within
0.6 × par, Good otherwise.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

Record = Mapping[str, object]

AGAIN, HARD, GOOD, EASY = 1, 2, 3, 4
# An attempt that is left alone for so long has ended.
_LEFT_ALONE = timedelta(hours=12)
# A longer silence between two records is no work on the kata.
_LONGEST_THOUGHT = timedelta(minutes=30)


@dataclass(frozen=True)
class Review:
    """One look at a card: ``card`` is ``kata:…``, ``theory:…`` or ``design:…``.

    ``source`` is the digest of the evidence, by which it is taken once only.
    """

    card: str
    when: datetime
    rating: int
    why: str
    source: str


def source_of(*parts: object) -> str:
    """Return the digest of a piece of evidence."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def moment(text: object) -> datetime | None:
    """Read an ISO time as UTC; None where it is none."""
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def rate(used: float | None, par: float, *, runs: int, hinted: bool = False) -> int:
    """Rate what was solved in ``used`` minutes (None: not known) and ``runs`` runs."""
    if hinted or (used is not None and used > 1.5 * par):
        return HARD
    if used is not None and used <= 0.6 * par and runs == 1:
        return EASY
    return GOOD


# Katas, from the history ------------------------------------------------------------


def kata_reviews(
    history: Iterable[Record], par: Mapping[str, float], now: datetime
) -> Iterator[Review]:
    """Yield a review for each attempt at a kata that has ended."""
    by_kata = sorted(
        (r for r in history if r.get("kata") in par and moment(r.get("when"))),
        key=lambda r: str(r["kata"]),
    )
    for name, records in groupby(by_kata, key=lambda r: str(r["kata"])):
        for episode in _episodes(list(records), now):
            yield _rated(name, episode, par[name])


def _when(record: Record) -> datetime:
    found = moment(record["when"])
    if found is None:
        raise ValueError(f"when must be an ISO time, got {record['when']!r}")
    return found


def _ends(record: Record) -> bool:
    solved = record.get("event") == "attempt" and record.get("state") == "solved"
    return solved or record.get("event") == "peek"


def _of_learner(record: Record) -> bool:
    if record.get("event") == "attempt":
        return record.get("target", "katas") == "katas"
    return record.get("event") in ("hint", "peek", "reset")


def _episodes(records: list[Record], now: datetime) -> Iterator[list[Record]]:
    """Cut the history of a kata where it was solved, shown or left alone."""
    episode: list[Record] = []
    for record in filter(_of_learner, records):
        if episode and _when(record) - _when(episode[-1]) > _LEFT_ALONE:
            yield episode
            episode = []
        episode.append(record)
        if _ends(record):
            yield episode
            episode = []
    if episode and now - _when(episode[-1]) > _LEFT_ALONE:
        yield episode


def _rated(name: str, episode: list[Record], par: float) -> Review:
    last = episode[-1]
    runs = sum(record.get("event") == "attempt" for record in episode)
    hinted = any(record.get("event") == "hint" for record in episode)
    if last.get("event") == "peek":
        rating, why = AGAIN, "the solution was viewed"
    elif not _ends(last):
        rating, why = AGAIN, "not solved"
    else:
        used = _minutes(episode) if len(episode) > 1 else None
        rating = rate(used, par, runs=runs, hinted=hinted)
        why = "solved with a hint" if hinted else "solved"
    source = source_of("kata", name, last.get("when"), last.get("event"), runs)
    return Review(f"kata:{name}", _when(last), rating, why, source)


def _minutes(episode: list[Record]) -> float:
    times = [_when(record) for record in episode]
    gaps = (after - before for before, after in pairwise(times))
    worked = sum((min(max(gap, timedelta(0)), _LONGEST_THOUGHT) for gap in gaps),
                 timedelta(0))  # fmt: skip
    return worked / timedelta(minutes=1)


# Rounds of interviews, from their logs ----------------------------------------------


def interview_reviews(events: Iterable[Record]) -> Iterator[Review]:
    """Yield a review for each card of a session's rounds that are over."""
    events = list(events)
    session = str(events[0].get("session", "")) if events else ""
    rounds: dict[int, list[Record]] = {}
    for event in events:
        number = event.get("round")
        if isinstance(number, int) and number:
            rounds.setdefault(number, []).append(event)
    for number, own in rounds.items():
        opened = own[0]
        over = any(event.get("event") == "closed" for event in own)
        if opened.get("event") != "opened" or not over:
            continue
        source = (session, number)
        kind = opened.get("kind")
        if kind in ("coding", "repair"):
            yield from _code(own, source)
        elif kind == "theory":
            yield from _theory(own, source)
        elif kind == "design":
            yield from _design(own, source)


def _subject(own: list[Record]) -> Record:
    found = own[0].get("subject")
    return found if isinstance(found, Mapping) else {}


def _closed(own: list[Record]) -> Record:
    return next(event for event in own if event.get("event") == "closed")


def _number(value: object, default: float = 0.0) -> float:
    return float(value) if isinstance(value, int | float) else default


def _review(card: str, event: Record, rating: int, why: str, source: object) -> Review:
    when = moment(event.get("wall")) or datetime(1970, 1, 1, tzinfo=UTC)
    return Review(card, when, rating, why, source_of("interview", source, card))


def _solved(event: Record) -> bool:
    return event.get("event") == "judged" and event.get("state") == "solved"


def _code(own: list[Record], source: object) -> Iterator[Review]:
    name, closed = _subject(own).get("kata"), _closed(own)
    if not name:
        return
    runs = [e for e in own if e.get("event") == "judged" and e.get("run") != 0]
    final = next((e for e in reversed(runs) if e.get("final")), None)
    if final is None or not _solved(final):
        yield _review(f"kata:{name}", closed, AGAIN, "not solved in a round", source)
        return
    first = next(e for e in runs if _solved(e))
    used = (_number(first.get("at")) - _number(own[0].get("at"))) / 60
    rating = rate(used, _number(own[0].get("par"), 1.0), runs=runs.index(first) + 1)
    yield _review(f"kata:{name}", closed, rating, "solved in a round", source)


def _theory(own: list[Record], source: object) -> Iterator[Review]:
    items = _subject(own).get("items")
    known = {
        str(item.get("id")): item
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, Mapping)
    }
    for event in own:
        name = str(event.get("item"))
        par = _number(known.get(name, {}).get("minutes"), 1.0)
        if event.get("event") == "skipped" and name in known:
            yield _review(f"theory:{name}", event, AGAIN, "skipped", source)
        elif event.get("event") == "answered" and name in known:
            if event.get("correct") is None:
                yield _open(own, event, name, known[name], source)
            elif event["correct"]:
                rating = rate(_number(event.get("took")) / 60, par, runs=1)
                yield _review(f"theory:{name}", event, rating, "right", source)
            else:
                yield _review(f"theory:{name}", event, AGAIN, "wrong", source)


def _open(
    own: list[Record], event: Record, name: str, item: Record, source: object
) -> Review:
    """Rate an open question by the points that the candidate could show."""
    shown = sum(
        e.get("event") == "point" and e.get("item") == name and bool(e.get("accepted"))
        for e in own
    )
    share = shown / max(1.0, _number(item.get("points"), 1.0))
    rating = AGAIN if share < 0.5 else HARD if share < 0.75 else GOOD
    return _review(f"theory:{name}", event, rating, "points of one's own word", source)


def _design(own: list[Record], source: object) -> Iterator[Review]:
    name = _subject(own).get("prompt_id")
    credit = [_number(e.get("credit")) for e in own if e.get("event") == "scored"]
    if not name:
        return
    mean = sum(credit) / len(credit) if credit else 0.0
    rating = sum(mean >= bound for bound in (0.0, 0.4, 0.7, 0.9))
    yield _review(f"design:{name}", _closed(own), rating, "its estimates", source)
