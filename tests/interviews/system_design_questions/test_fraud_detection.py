"""The numbers of fraud detection, from a confusion matrix counted in fractions."""

from fractions import Fraction

import pytest

from interviews.system_design_questions import fraud_detection as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("fraud_detection") == pytest.approx(
        {"store": 600, "cores": 250, "alerts": 3_888_000, "reviewers": 32_400}
    )


@pytest.mark.parametrize("given", assumptions("fraud_detection"))
def test_a_days_transactions_counted(given: dict[str, float]) -> None:
    exact = {name: Fraction(value) for name, value in given.items()}
    day = exact["tps"] * 60 * 60 * 24
    fraud = day * exact["base_rate"] / 100
    found = fraud * exact["recall"] / 100
    # Of every 100 alerts so many are frauds that were found: the alerts follow.
    alerts = found * 100 / exact["precision"]
    lost = (fraud - found) * exact["mean_amount"]
    for function, counted in (
        (numbers.transactions_per_day, day),
        (numbers.frauds_per_day, fraud),
        (numbers.alerts_per_day, alerts),
        (numbers.alert_share, alerts / day * 100),
        (numbers.missed_loss, lost),
    ):
        assert called(function, given) == pytest.approx(float(counted))


@pytest.mark.parametrize("given", assumptions("fraud_detection"))
def test_people_memory_and_cores(given: dict[str, float]) -> None:
    a_person = called(numbers.affordable_alerts, given | {"team": 1})
    assert a_person * given["review_minutes"] == pytest.approx(
        given["shift_hours"] * 60
    )
    team = called(numbers.affordable_alerts, given) / a_person
    assert team == pytest.approx(given["team"])
    people = called(numbers.reviewers, given)
    alerts = called(numbers.alerts_per_day, given)
    assert people * a_person == pytest.approx(alerts)
    store = called(numbers.feature_store, given)
    assert store * 10**9 / given["cards"] == pytest.approx(given["bytes_per_card"])
    busy = given["tps"] * given["peak_factor"] * given["cpu_ms"] * 1e-3
    needed = called(numbers.cores, given)
    assert busy / needed == pytest.approx(given["utilisation"] / 100)
