"""The numbers of video recommendation: uploads, an index, watch time, a test."""

import math

NUMBERS = {
    "videos": "videos",
    "watch_hours": "hours/day",
    "views": "views/day",
    "peak_load": "requests/s",
    "index": "GB",
    "compressed_index": "GB",
    "encoding_gpus": "GPUs",
    "scores": "videos/s",
    "servers": "servers",
    "sample": "users",
    "explored": "views/day",
    "first_views": "views",
}
SECONDS_PER_DAY = 86_400


def videos(uploads: float, kept_days: float) -> float:
    """Videos that can be recommended."""
    return uploads * kept_days


def watch_hours(dau: float, watch_minutes: float) -> float:
    """Hours watched in a day, by all."""
    return dau * watch_minutes / 60


def views(dau: float, watch_minutes: float, view_seconds: float) -> float:
    """Videos begun in a day."""
    return dau * watch_minutes * 60 / view_seconds


def peak_load(
    dau: float,
    watch_minutes: float,
    view_seconds: float,
    page: float,
    peak_factor: float,
) -> float:
    """Requests a second in the busiest hour; each brings ``page`` videos."""
    requests = views(dau, watch_minutes, view_seconds) / page
    return requests / SECONDS_PER_DAY * peak_factor


def index(
    uploads: float,
    kept_days: float,
    dimension: float,
    bytes_per_value: float,
    links: float,
) -> float:
    """Gigabytes of vectors and a graph with ``links`` 4-byte links for each."""
    each = dimension * bytes_per_value + links * 4
    return videos(uploads, kept_days) * each / 1e9


def compressed_index(uploads: float, kept_days: float, code_bytes: float) -> float:
    """Gigabytes of product-quantised codes, each with an 8-byte id."""
    return videos(uploads, kept_days) * (code_bytes + 8) / 1e9


def encoding_gpus(uploads: float, frames: float, frames_per_gpu: float) -> float:
    """GPUs, busy all day, that encode the frames of a day's uploads."""
    return uploads * frames / frames_per_gpu / SECONDS_PER_DAY


def scores(
    dau: float,
    watch_minutes: float,
    view_seconds: float,
    page: float,
    peak_factor: float,
    candidates: float,
) -> float:
    """Videos that the ranker scores in a second at the peak."""
    return peak_load(dau, watch_minutes, view_seconds, page, peak_factor) * candidates


def servers(
    dau: float,
    watch_minutes: float,
    view_seconds: float,
    page: float,
    peak_factor: float,
    candidates: float,
    scores_per_server: float,
) -> float:
    """Ranking servers at the peak."""
    work = scores(dau, watch_minutes, view_seconds, page, peak_factor, candidates)
    return work / scores_per_server


def sample(watch_minutes: float, deviation: float, lift: float) -> float:
    """Users in each arm for 80 % power at 5 %, two-sided; ``lift`` in percent.

    The rule 16 s^2 / d^2 (Kohavi, Tang and Xu, Trustworthy Online Controlled
    Experiments, 2020, chapter 17); ``deviation`` in minutes.
    """
    return 16 * math.pow(deviation / (watch_minutes * lift / 100), 2)


def explored(
    dau: float, watch_minutes: float, view_seconds: float, exploration: float
) -> float:
    """Views in a day that exploration pays for; ``exploration`` in percent."""
    return views(dau, watch_minutes, view_seconds) * exploration / 100


def first_views(
    dau: float,
    watch_minutes: float,
    view_seconds: float,
    exploration: float,
    uploads: float,
) -> float:
    """Views that exploration can give to each upload."""
    return explored(dau, watch_minutes, view_seconds, exploration) / uploads
