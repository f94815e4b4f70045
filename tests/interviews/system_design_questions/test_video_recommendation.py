"""The numbers of video recommendation, by the clock of one viewer."""

import math
import statistics

import pytest

from interviews.system_design_questions import video_recommendation as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("video_recommendation") == pytest.approx(
        {
            "encoding": 160_000 / 86_400,  # 80e6 frames at 500 a second
            "index": 288,  # 450e6 x (512 + 128) bytes
            "sample": 1_000_000,  # 16 x 50^2 / 0.2^2
            "servers": 12e9 / 10 / 86_400 * 2 * 400 / 50_000,
            "views": 12e9,
        }
    )


@pytest.mark.parametrize("given", assumptions("video_recommendation"))
def test_what_one_viewer_does(given: dict[str, float]) -> None:
    one = given | {"dau": 1.0}
    begun = called(numbers.views, one)
    assert begun * given["view_seconds"] / 60 == pytest.approx(given["watch_minutes"])
    all_begun = called(numbers.views, given)
    assert all_begun == pytest.approx(begun * given["dau"])
    hours = called(numbers.watch_hours, given)
    assert all_begun * given["view_seconds"] / 3600 == pytest.approx(hours)
    unexplored = all_begun * (1 - given["exploration"] / 100)
    assert called(numbers.explored, given) + unexplored == pytest.approx(all_begun)
    given_away = called(numbers.first_views, given) * given["uploads"]
    assert given_away + unexplored == pytest.approx(all_begun)


@pytest.mark.parametrize("given", assumptions("video_recommendation"))
def test_the_fleet_serves_the_busiest_hour(given: dict[str, float]) -> None:
    average_hour = called(numbers.views, given) / 24
    busiest = average_hour * given["peak_factor"]
    peak = called(numbers.peak_load, given)
    assert peak * given["page"] * 3600 == pytest.approx(busiest)
    work = called(numbers.scores, given)
    assert work / given["candidates"] == pytest.approx(peak)
    fleet = called(numbers.servers, given)
    assert work / fleet == pytest.approx(given["scores_per_server"])


@pytest.mark.parametrize("given", assumptions("video_recommendation"))
def test_the_catalogue_and_its_index(given: dict[str, float]) -> None:
    count = called(numbers.videos, given)
    assert count / given["uploads"] == pytest.approx(given["kept_days"])
    vectors = count * given["dimension"] * given["bytes_per_value"]
    graph = count * given["links"] * 4
    assert called(numbers.index, given) == pytest.approx((vectors + graph) / 1e9)
    small = called(numbers.compressed_index, given) * 1e9 / count
    assert small - given["code_bytes"] == pytest.approx(8)
    gpu_day = given["frames_per_gpu"] * 60 * 60 * 24
    videos_of_a_gpu = gpu_day / given["frames"]
    gpus = called(numbers.encoding_gpus, given)
    assert gpus * videos_of_a_gpu == pytest.approx(given["uploads"])


@pytest.mark.parametrize("given", assumptions("video_recommendation"))
def test_the_sample_has_the_power_that_the_rule_promises(
    given: dict[str, float],
) -> None:
    users = called(numbers.sample, given)
    difference = given["watch_minutes"] * given["lift"] / 100
    error = math.sqrt(2 / users) * given["deviation"]
    normal = statistics.NormalDist()
    power = 1 - normal.cdf(normal.inv_cdf(0.975) - difference / error)
    # Sixteen is 2 (1.96 + 0.84)^2 = 15.7, rounded up: a little more than 80 %.
    assert power == pytest.approx(0.8074, abs=1e-3)
