"""The numbers of click prediction for ads: scores, examples, memory, money."""

NUMBERS = {
    "load": "requests/s",
    "scores": "ads/s",
    "cores": "cores",
    "impressions": "impressions/day",
    "clicks": "clicks/day",
    "revenue": "USD/day",
    "kept": "examples/day",
    "training_log": "GB/day",
    "sampled_ctr": "%",
    "table": "GB",
}
SECONDS_PER_DAY = 86_400


def load(requests: float, peak_factor: float) -> float:
    """Ad requests a second at the peak."""
    return requests / SECONDS_PER_DAY * peak_factor


def scores(requests: float, peak_factor: float, candidates: float) -> float:
    """Ads that are scored in a second at the peak."""
    return load(requests, peak_factor) * candidates


def cores(
    requests: float,
    peak_factor: float,
    candidates: float,
    scores_per_core: float,
    utilisation: float,
) -> float:
    """Cores that score the peak; ``utilisation`` in percent."""
    busy = scores(requests, peak_factor, candidates) / scores_per_core
    return busy / (utilisation / 100)


def impressions(requests: float, shown: float) -> float:
    """Ads shown in a day."""
    return requests * shown


def clicks(requests: float, shown: float, ctr: float) -> float:
    """Clicks in a day; ``ctr`` in percent."""
    return impressions(requests, shown) * ctr / 100


def revenue(requests: float, shown: float, ctr: float, click_price: float) -> float:
    """Dollars that advertisers pay in a day."""
    return clicks(requests, shown, ctr) * click_price


def kept(requests: float, shown: float, ctr: float, negative_rate: float) -> float:
    """Examples of a day when every click and a share of the rest is kept."""
    positive = clicks(requests, shown, ctr)
    return positive + (impressions(requests, shown) - positive) * negative_rate / 100


def training_log(
    requests: float,
    shown: float,
    ctr: float,
    negative_rate: float,
    bytes_per_example: float,
) -> float:
    """Gigabytes of the kept examples of a day."""
    return kept(requests, shown, ctr, negative_rate) * bytes_per_example / 1e9


def sampled_ctr(ctr: float, negative_rate: float) -> float:
    """Percent of clicks among the kept examples."""
    return 100 * ctr / (ctr + (100 - ctr) * negative_rate / 100)


def table(rows: float, dimension: float, bytes_per_value: float) -> float:
    """Gigabytes of the embedding tables, one copy."""
    return rows * dimension * bytes_per_value / 1e9
