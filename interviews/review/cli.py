"""``kata review``: what is due today, and the days up to an interview."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from dojo.catalogue import Catalogue, CatalogueError, catalogue
from dojo.progress import FOLDER, Progress
from interviews.engine.log import altered, read_log
from interviews.review.evidence import Review, interview_reviews, kata_reviews
from interviews.review.schedule import (
    Day,
    ReviewLog,
    Standing,
    due_today,
    plan_days,
    rebuild,
)

_RATINGS = {1: "again", 2: "hard", 3: "good", 4: "easy"}
_SHOWN_DAYS = 14
_WIDTH = 80


def main(argv: Sequence[str], now: datetime | None = None) -> int:
    """Take in new evidence, then tell what is due."""
    try:
        options = _options(argv)
    except SystemExit as ended:
        return int(ended.code or 0)
    now = now or datetime.now().astimezone()
    interview: date | None = options.interview_date
    if interview is not None and interview <= now.date():
        sys.stderr.write(
            f"kata review: the interview's date must be after today, "
            f"{now.date()}, got {interview}\n"
        )
        return 2
    try:
        shelf = catalogue()
        reviews = _reviews(shelf, now)
    except (CatalogueError, OSError) as error:
        sys.stderr.write(f"kata review: {error}\n")
        return 2
    left = (interview - now.date()).days if interview else None
    standings = rebuild(reviews, now.astimezone(UTC), left)
    lines = _due_lines(standings, now)
    if interview is not None:
        seen = {review.card for review in reviews}
        unseen = [f"kata:{k.name}" for k in shelf.katas if f"kata:{k.name}" not in seen]
        lines += _plan_lines(plan_days(reviews, unseen, now, interview), interview)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="kata review",
        description="Show what is due today: katas, theory and design, by FSRS from "
        "what you did. Nothing is asked of you: solving a kata or sitting an "
        "interview is the review.",
    )
    parser.add_argument(
        "--interview-date",
        type=_day,
        metavar="YYYY-MM-DD",
        help="plan the days that are left: 95 %% to be known, no gap longer than a "
        "third of them",
    )
    return parser.parse_args(list(argv))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be a day like 2027-02-28, got '{text}'"
        ) from error


def sessions_folder(root: Path) -> Path:
    """Return where the interviews of this repository are kept."""
    return Path(os.environ.get("INTERVIEW_SESSIONS") or root / "interviews/sessions")


def _reviews(shelf: Catalogue, now: datetime) -> list[Review]:
    """Take new evidence into the review log; return all that is in it."""
    log = ReviewLog(shelf.root / FOLDER / "reviews.jsonl")
    par = {kata.name: float(kata.minutes) for kata in shelf.katas}
    found = list(kata_reviews(Progress(shelf).history(), par, now.astimezone(UTC)))
    log.take([*found, *_of_interviews(sessions_folder(shelf.root))])
    return log.read()


def _of_interviews(folder: Path) -> Iterator[Review]:
    for file in sorted(folder.glob("*/log.jsonl")):
        events = read_log(file)
        if not altered(events):
            yield from interview_reviews(events)


def _due_lines(standings: list[Standing], now: datetime) -> list[str]:
    due = due_today(standings, now)
    if not standings:
        return ["Nothing to review yet: solve a kata or sit an interview first."]
    lines = [f"Due today: {len(due)} of {len(standings)}"]
    for standing in due:
        kind, _, name = standing.card.partition(":")
        about = f"last {_RATINGS[standing.rating]}, known {standing.known:.0%}"
        lines.append(f"  {kind:<7} {name:<34} {about:<24} {_how(kind, name)}".rstrip())
    later = [standing for standing in standings if standing not in due]
    if later:
        following = later[0].due.astimezone(now.tzinfo).date()
        lines.append(f"Next: {later[0].card.partition(':')[2]} on {following}")
    return lines


def _how(kind: str, name: str) -> str:
    return "" if kind != "kata" else f"kata reset {name}"[: _WIDTH - 70]


def _plan_lines(days: list[Day], interview: date) -> list[str]:
    lines = ["", f"Days until {interview}: {len(days)}, if all goes well"]
    for day in days[:_SHOWN_DAYS]:
        back, new = len(day.back), [card.partition(":")[2] for card in day.new]
        text = f"  {day.day:%a %Y-%m-%d}  back to {back:>2}"
        if new:
            text += f"  new: {', '.join(new)}"
        lines.append(text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…")
    if len(days) > _SHOWN_DAYS:
        rest = days[_SHOWN_DAYS:]
        back, new_ones = sum(len(d.back) for d in rest), sum(len(d.new) for d in rest)
        lines.append(f"  … {len(rest)} more days: back to {back}, new {new_ones}")
    return lines
