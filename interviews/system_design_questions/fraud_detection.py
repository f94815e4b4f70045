"""The numbers of fraud detection: alerts, people, memory, cores."""

NUMBERS = {
    "transactions_per_day": "transactions/day",
    "frauds_per_day": "frauds/day",
    "alerts_per_day": "alerts/day",
    "alert_share": "%",
    "affordable_alerts": "alerts/day",
    "reviewers": "people",
    "feature_store": "GB",
    "cores": "cores",
    "missed_loss": "USD/day",
}
SECONDS_PER_DAY = 86_400


def transactions_per_day(tps: float) -> float:
    """Transactions in a day."""
    return tps * SECONDS_PER_DAY


def frauds_per_day(tps: float, base_rate: float) -> float:
    """Fraudulent transactions in a day; ``base_rate`` in percent."""
    return transactions_per_day(tps) * base_rate / 100


def alerts_per_day(
    tps: float, base_rate: float, recall: float, precision: float
) -> float:
    """Alerts in a day: the frauds found, over the share of alerts that are fraud."""
    return frauds_per_day(tps, base_rate) * recall / precision


def alert_share(base_rate: float, recall: float, precision: float) -> float:
    """Percent of all transactions that are stopped."""
    return base_rate * recall / precision


def affordable_alerts(team: float, review_minutes: float, shift_hours: float) -> float:
    """Alerts that the team there is can look at in a day."""
    return team * shift_hours * 60 / review_minutes


def reviewers(
    tps: float,
    base_rate: float,
    recall: float,
    precision: float,
    review_minutes: float,
    shift_hours: float,
) -> float:
    """People on shift in a day if a person looks at every alert."""
    minutes = alerts_per_day(tps, base_rate, recall, precision) * review_minutes
    return minutes / (shift_hours * 60)


def feature_store(cards: float, bytes_per_card: float) -> float:
    """Gigabytes of the online store, one copy."""
    return cards * bytes_per_card / 1e9


def cores(tps: float, peak_factor: float, cpu_ms: float, utilisation: float) -> float:
    """Cores that score the peak; ``utilisation`` in percent."""
    return tps * peak_factor * cpu_ms / 1000 / (utilisation / 100)


def missed_loss(
    tps: float, base_rate: float, recall: float, mean_amount: float
) -> float:
    """Dollars a day of frauds that are not found; ``recall`` in percent."""
    return frauds_per_day(tps, base_rate) * (1 - recall / 100) * mean_amount
