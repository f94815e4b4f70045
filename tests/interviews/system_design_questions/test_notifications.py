"""The numbers of notifications, day by day through a year."""

import math
import statistics

import pytest

from interviews.system_design_questions import notifications as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("notifications") == pytest.approx(
        {
            "state": 1200,
            "sample": 16 * 0.013 * 0.987 / 0.00026**2,
            "cores": 12e9 / 86_400 * 3 / 3000,
            "burst": 300_000,  # 90 million within 300 seconds
            "off": 90_000,  # 1,500 million sends, 60 for each million
        }
    )


@pytest.mark.parametrize("given", assumptions("notifications"))
def test_a_days_sends(given: dict[str, float]) -> None:
    sends = called(numbers.sent, given)
    assert sends / given["users"] == pytest.approx(given["sends"])
    mean = called(numbers.mean_load, given)
    assert sum([mean * 3600] * 24) == pytest.approx(sends)
    opens = called(numbers.opened, given)
    assert 100 * opens / sends == pytest.approx(given["open_rate"])
    anyway = opens * (100 - given["uplift"]) / 100
    assert called(numbers.caused, given) + anyway == pytest.approx(opens)
    off = called(numbers.switched_off, given)
    sends_for_one_off = 1e6 / given["off_rate"]
    assert off * sends_for_one_off == pytest.approx(sends)


@pytest.mark.parametrize("given", assumptions("notifications"))
def test_what_is_left_after_a_year(given: dict[str, float]) -> None:
    left = 1.0
    for _ in range(365):
        left *= math.exp(given["sends"] * math.log1p(-given["off_rate"] / 1e6))
    assert called(numbers.years_share, given) == pytest.approx(100 * (1 - left))
    # At the break-even the visit caused is worth as much as the reach at risk.
    chance = called(numbers.break_even, given) / 100
    visits_risked = given["reach_value"] * given["off_rate"]
    assert chance * 1e6 == pytest.approx(visits_risked)


@pytest.mark.parametrize("given", assumptions("notifications"))
def test_load_and_state(given: dict[str, float]) -> None:
    told = given["users"] * given["burst_share"] / 100
    rate = called(numbers.burst_load, given)
    assert rate * 60 * given["burst_minutes"] == pytest.approx(told)
    work = called(numbers.scored, given)
    a_day = work / given["peak_factor"] * 60 * 60 * 24
    assert a_day / given["users"] == pytest.approx(given["events"])
    busy = work / given["scores_per_core"]
    fleet = called(numbers.cores, given)
    assert busy / fleet == pytest.approx(given["utilisation"] / 100)
    kept = called(numbers.state, given) * 1e9
    assert kept / given["users"] == pytest.approx(given["user_bytes"])


@pytest.mark.parametrize("given", assumptions("notifications"))
def test_the_sample_has_the_power_that_the_rule_promises(
    given: dict[str, float],
) -> None:
    users = called(numbers.sample, given)
    share = given["off_in_test"] / 100
    difference = share * given["lift"] / 100
    error = math.sqrt(2 * share * (1 - share) / users)
    normal = statistics.NormalDist()
    power = 1 - normal.cdf(normal.inv_cdf(0.975) - difference / error)
    # Sixteen is 2 (1.96 + 0.84)^2 = 15.7, rounded up: a little more than 80 %.
    assert power == pytest.approx(0.8074, abs=1e-3)
    part = called(numbers.sample_share, given)
    assert part / 100 * given["users"] == pytest.approx(users)
