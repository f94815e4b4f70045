"""The numbers of a feed, counted second by second and by the power of a test."""

import math
import statistics

import pytest

from interviews.system_design_questions import recommendation_systems as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("recommendation_systems") == pytest.approx(
        {
            "log": 40,  # 200e6 x 10 x 20 = 40e9 impressions of 1 kB
            "embeddings": 384,  # 1.5e9 x 64 x 4 bytes
            "sample": 16 * 0.24 / 0.0006**2,
            "servers": 289.35,  # 2e9 / 86,400 x 2.5 x 500 / 100,000
            "scores": 28.935e6,
        },
        rel=1e-4,
    )


@pytest.mark.parametrize("given", assumptions("recommendation_systems"))
def test_the_load_of_a_day_adds_up(given: dict[str, float]) -> None:
    mean, peak = called(numbers.mean_load, given), called(numbers.peak_load, given)
    # 24 hours of 3,600 seconds give back the day's requests.
    assert sum([mean * 3600] * 24) == pytest.approx(given["dau"] * given["loads"])
    assert peak / mean == pytest.approx(given["peak_factor"])
    heavy, light = called(numbers.scores, given), called(numbers.light_scores, given)
    assert heavy / peak == pytest.approx(given["candidates"])
    assert heavy + light == pytest.approx(peak * given["sourced"])
    fleet = called(numbers.servers, given)
    assert fleet * given["scores_per_server"] == pytest.approx(heavy)


@pytest.mark.parametrize("given", assumptions("recommendation_systems"))
def test_memory_and_log(given: dict[str, float]) -> None:
    one_vector = given["dimension"] * given["bytes_per_value"]
    table = given["users"] * one_vector / 1e9 + given["posts"] * one_vector / 1e9
    assert called(numbers.embeddings, given) == pytest.approx(table)
    one_user = given["loads"] * given["shown"]
    assert called(numbers.impressions, given) / given["dau"] == pytest.approx(one_user)
    kilobytes = one_user * given["dau"] * given["bytes_per_example"] / 1e3
    assert called(numbers.log, given) == pytest.approx(kilobytes / 1e9)


@pytest.mark.parametrize("given", assumptions("recommendation_systems"))
def test_the_sample_has_the_power_that_the_rule_promises(
    given: dict[str, float],
) -> None:
    users = called(numbers.sample, given)
    rate = given["return_rate"] / 100
    difference = rate * given["lift"] / 100
    error = math.sqrt(2 * rate * (1 - rate) / users)
    normal = statistics.NormalDist()
    power = 1 - normal.cdf(normal.inv_cdf(0.975) - difference / error)
    # Sixteen is 2 (1.96 + 0.84)^2 = 15.7, rounded up: a little more than 80 %.
    assert power == pytest.approx(0.8074, abs=1e-3)
    share = called(numbers.sample_share, given)
    assert share / 100 * given["dau"] == pytest.approx(users)
