"""The numbers of a ranked feed: load, servers, memory, logs, users in a test."""

NUMBERS = {
    "mean_load": "requests/s",
    "peak_load": "requests/s",
    "scores": "posts/s",
    "light_scores": "posts/s",
    "servers": "servers",
    "embeddings": "GB",
    "impressions": "impressions/day",
    "log": "TB/day",
    "sample": "users",
    "sample_share": "%",
}
SECONDS_PER_DAY = 86_400


def mean_load(dau: float, loads: float) -> float:
    """Feed requests a second, averaged over the day."""
    return dau * loads / SECONDS_PER_DAY


def peak_load(dau: float, loads: float, peak_factor: float) -> float:
    """Feed requests a second in the busiest hour."""
    return mean_load(dau, loads) * peak_factor


def scores(dau: float, loads: float, peak_factor: float, candidates: float) -> float:
    """Posts that the full model scores in a second at the peak."""
    return peak_load(dau, loads, peak_factor) * candidates


def light_scores(
    dau: float, loads: float, peak_factor: float, candidates: float, sourced: float
) -> float:
    """Posts that only the light model sees, in a second at the peak."""
    return peak_load(dau, loads, peak_factor) * (sourced - candidates)


def servers(
    dau: float,
    loads: float,
    peak_factor: float,
    candidates: float,
    scores_per_server: float,
) -> float:
    """Ranking servers at the peak."""
    return scores(dau, loads, peak_factor, candidates) / scores_per_server


def embeddings(
    users: float, posts: float, dimension: float, bytes_per_value: float
) -> float:
    """Gigabytes of one vector for each user and each post."""
    return (users + posts) * dimension * bytes_per_value / 1e9


def impressions(dau: float, loads: float, shown: float) -> float:
    """Posts shown in a day: the training examples."""
    return dau * loads * shown


def log(dau: float, loads: float, shown: float, bytes_per_example: float) -> float:
    """Terabytes of logged examples in a day."""
    return impressions(dau, loads, shown) * bytes_per_example / 1e12


def sample(return_rate: float, lift: float) -> float:
    """Users in each arm, for 80 % power at 5 %, two-sided; both in percent.

    The rule 16 s^2 / d^2 (Kohavi, Tang and Xu, Trustworthy Online Controlled
    Experiments, 2020, chapter 17), with d relative to the rate.
    """
    rate = return_rate / 100
    difference = rate * lift / 100
    return 16 * rate * (1 - rate) / difference**2


def sample_share(return_rate: float, lift: float, dau: float) -> float:
    """Percent of the daily users that are in one arm."""
    return sample(return_rate, lift) / dau * 100
