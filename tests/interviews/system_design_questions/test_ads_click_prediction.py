"""The numbers of an ad auction, counted ad by ad and dollar by dollar."""

import pytest

from interviews.system_design_questions import ads_click_prediction as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("ads_click_prediction") == pytest.approx(
        {
            "log": 297.5,  # 100e6 clicks + 495e6 others, 500 bytes each
            "table": 256,  # 2e9 x 32 x 4 bytes
            "cores": 5787.04,  # 34.72e6 a second, 10,000 a core, 60 % busy
            "revenue": 40e6,
        },
        rel=1e-5,
    )


@pytest.mark.parametrize("given", assumptions("ads_click_prediction"))
def test_the_fleet_keeps_up_with_the_peak(given: dict[str, float]) -> None:
    peak = called(numbers.load, given)
    a_day_at_the_peak = sum([peak * 3600] * 24)
    assert a_day_at_the_peak / given["peak_factor"] == pytest.approx(given["requests"])
    work = called(numbers.scores, given)
    assert work / peak == pytest.approx(given["candidates"])
    fleet = called(numbers.cores, given)
    done = fleet * given["scores_per_core"] * given["utilisation"] / 100
    assert done == pytest.approx(work)


@pytest.mark.parametrize("given", assumptions("ads_click_prediction"))
def test_clicks_and_money(given: dict[str, float]) -> None:
    seen = called(numbers.impressions, given)
    assert seen / given["shown"] == pytest.approx(given["requests"])
    # One click in so many ads.
    ads_for_a_click = 100 / given["ctr"]
    clicked = called(numbers.clicks, given)
    assert clicked * ads_for_a_click == pytest.approx(seen)
    paid = called(numbers.revenue, given)
    assert paid / given["click_price"] == pytest.approx(clicked)


@pytest.mark.parametrize("given", assumptions("ads_click_prediction"))
def test_the_sample_by_its_odds(given: dict[str, float]) -> None:
    share = called(numbers.sampled_ctr, given) / 100
    odds = share / (1 - share)
    true = given["ctr"] / (100 - given["ctr"])
    # What the exemplar says: multiplied by the kept share, the odds are true again.
    assert odds * given["negative_rate"] / 100 == pytest.approx(true)
    examples = called(numbers.kept, given)
    assert examples * share == pytest.approx(called(numbers.clicks, given))
    stored = called(numbers.training_log, given) * 1e9
    assert stored / examples == pytest.approx(given["bytes_per_example"])


@pytest.mark.parametrize("given", assumptions("ads_click_prediction"))
def test_the_table_row_by_row(given: dict[str, float]) -> None:
    row = given["dimension"] * given["bytes_per_value"]
    assert called(numbers.table, given) * 1e9 / row == pytest.approx(given["rows"])
