"""The numbers of content moderation: flags, reviewers, errors, harm that is seen."""

import math

NUMBERS = {
    "violating": "posts/day",
    "removed": "posts/day",
    "wrongly_removed": "posts/day",
    "flagged": "posts/day",
    "reviewers": "people",
    "affordable": "posts/day",
    "harmful_views": "views/day",
    "measured": "views",
    "peak_load": "posts/s",
    "gpus": "GPUs",
    "appeals": "appeals/day",
    "hashes": "GB",
}
SECONDS_PER_DAY = 86_400


def violating(posts: float, base_rate: float) -> float:
    """Posts in a day that break the rules; ``base_rate`` in percent."""
    return posts * base_rate / 100


def removed(
    posts: float, base_rate: float, auto_recall: float, auto_precision: float
) -> float:
    """Posts removed in a day without a person, rightly or not; shares in percent."""
    return violating(posts, base_rate) * auto_recall / auto_precision


def wrongly_removed(
    posts: float, base_rate: float, auto_recall: float, auto_precision: float
) -> float:
    """Posts removed in a day that broke no rule."""
    whole = removed(posts, base_rate, auto_recall, auto_precision)
    return whole * (1 - auto_precision / 100)


def flagged(
    posts: float, base_rate: float, review_recall: float, review_precision: float
) -> float:
    """Posts in a day in the queue for people: those it catches, over its precision."""
    return violating(posts, base_rate) * review_recall / review_precision


def reviewers(
    posts: float,
    base_rate: float,
    review_recall: float,
    review_precision: float,
    review_seconds: float,
    shift_hours: float,
) -> float:
    """People on shift in a day who look at each flagged post once."""
    seen = flagged(posts, base_rate, review_recall, review_precision)
    return seen * review_seconds / (shift_hours * 3600)


def affordable(team: float, review_seconds: float, shift_hours: float) -> float:
    """Posts that the team there is can look at in a day."""
    return team * shift_hours * 3600 / review_seconds


def harmful_views(daily_views: float, prevalence: float) -> float:
    """Views of posts that break the rules; ``prevalence`` in percent of views."""
    return daily_views * prevalence / 100


def measured(prevalence: float, margin: float) -> float:
    """Views to label for the prevalence within ``margin`` percent of itself, at 95 %.

    The normal approximation: 1.96^2 (1 - p) / (p margin^2).
    """
    share = prevalence / 100
    return math.pow(1.96 / (margin / 100), 2) * (1 - share) / share


def peak_load(posts: float, peak_factor: float) -> float:
    """Posts a second in the busiest hour."""
    return posts / SECONDS_PER_DAY * peak_factor


def gpus(
    posts: float, peak_factor: float, posts_per_gpu: float, utilisation: float
) -> float:
    """Accelerators that score the peak; ``utilisation`` in percent."""
    return peak_load(posts, peak_factor) / (posts_per_gpu * utilisation / 100)


def appeals(
    posts: float,
    base_rate: float,
    auto_recall: float,
    auto_precision: float,
    appeal_rate: float,
) -> float:
    """Appeals in a day against removals; ``appeal_rate`` in percent."""
    whole = removed(posts, base_rate, auto_recall, auto_precision)
    return whole * appeal_rate / 100


def hashes(known: float, hash_bytes: float) -> float:
    """Gigabytes of perceptual hashes of known material."""
    return known * hash_bytes / 1e9
