"""The numbers of moderation, from tables of posts by truth and by decision."""

import math
import statistics

import pytest

from interviews.system_design_questions import content_moderation as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("content_moderation") == pytest.approx(
        {
            "hashes": 8,
            "sample": 19.6**2 * 0.9992 / 0.0008,
            "gpus": 1e9 / 86_400 / 240,
            "flagged": 7_000_000,  # 2 million break the rules; 0.7 million, over 1/10
            "reviewers": 7_000_000 * 40 / 21_600,
        }
    )


@pytest.mark.parametrize("given", assumptions("content_moderation"))
def test_posts_by_truth_and_decision(given: dict[str, float]) -> None:
    bad = called(numbers.violating, given)
    good = given["posts"] * (1 - given["base_rate"] / 100)
    assert bad + good == pytest.approx(given["posts"])
    gone = called(numbers.removed, given)
    innocent = called(numbers.wrongly_removed, given)
    assert gone - innocent == pytest.approx(bad * given["auto_recall"] / 100)
    assert innocent / gone == pytest.approx(1 - given["auto_precision"] / 100)
    queue = called(numbers.flagged, given)
    found = queue * given["review_precision"] / 100
    assert found / bad == pytest.approx(given["review_recall"] / 100)
    asked = called(numbers.appeals, given)
    assert asked / gone == pytest.approx(given["appeal_rate"] / 100)


@pytest.mark.parametrize("given", assumptions("content_moderation"))
def test_people(given: dict[str, float]) -> None:
    posts_an_hour = 3600 / given["review_seconds"]
    of_one = posts_an_hour * given["shift_hours"]
    assert called(numbers.affordable, given) / of_one == pytest.approx(given["team"])
    queue = called(numbers.flagged, given)
    assert called(numbers.reviewers, given) == pytest.approx(queue / of_one)


@pytest.mark.parametrize("given", assumptions("content_moderation"))
def test_machines(given: dict[str, float]) -> None:
    peak = called(numbers.peak_load, given)
    assert peak * 3600 * 24 / given["peak_factor"] == pytest.approx(given["posts"])
    fleet = called(numbers.gpus, given)
    busy = peak / (fleet * given["posts_per_gpu"])
    assert busy == pytest.approx(given["utilisation"] / 100)
    kept = called(numbers.hashes, given) * 1e9
    assert kept / given["known"] == pytest.approx(given["hash_bytes"])


@pytest.mark.parametrize("given", assumptions("content_moderation"))
def test_the_sample_is_as_exact_as_asked_for(given: dict[str, float]) -> None:
    count = called(numbers.measured, given)
    share = given["prevalence"] / 100
    error = math.sqrt(share * (1 - share) / count)
    half = statistics.NormalDist().inv_cdf(0.975) * error
    # 1.96 is rounded from 1.95996.
    assert half / share == pytest.approx(given["margin"] / 100, rel=1e-4)
    harmful = called(numbers.harmful_views, given)
    assert harmful / given["daily_views"] == pytest.approx(share)
