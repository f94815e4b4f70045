"""The numbers of visual search, picture by picture."""

import itertools
import math
import statistics

import pytest

from interviews.system_design_questions import visual_search as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("visual_search") == pytest.approx(
        {
            "encoding": 1e9 / 300 / 3600,
            "index": 2048,
            "judged": 9604 * 0.55 * 0.45,
            "gpus": 50e6 / 86_400 * 6 / 240,
            "codes": 72,
        }
    )


@pytest.mark.parametrize("given", assumptions("visual_search"))
def test_the_time_to_encode(given: dict[str, float]) -> None:
    of_an_hour = given["images_per_gpu"] * 60 * 60
    hours = called(numbers.encoding_hours, given)
    assert hours * of_an_hour == pytest.approx(given["images"])
    days = called(numbers.encoding_days, given)
    assert days * 24 * given["gpus"] == pytest.approx(hours)
    busy = called(numbers.daily_gpus, given)
    assert busy * 24 * of_an_hour == pytest.approx(given["new_images"])


@pytest.mark.parametrize("given", assumptions("visual_search"))
def test_the_bytes_of_one_picture(given: dict[str, float]) -> None:
    vector = called(numbers.index, given) * 1e9 / given["images"]
    assert vector / given["dimension"] == pytest.approx(given["bytes_per_value"])
    code = called(numbers.compressed_index, given) * 1e9 / given["images"]
    assert code - 8 == pytest.approx(given["code_bytes"])
    assert called(numbers.shrink, given) == pytest.approx(vector / code)


@pytest.mark.parametrize("given", assumptions("visual_search"))
def test_the_busiest_hour(given: dict[str, float]) -> None:
    mean = called(numbers.mean_load, given)
    assert sum([mean * 3600] * 24) == pytest.approx(given["searches"])
    peak = called(numbers.peak_load, given)
    assert peak / mean == pytest.approx(given["peak_factor"])
    crops = peak * given["crops"]
    fleet = called(numbers.query_gpus, given)
    busy = crops / (fleet * given["crops_per_gpu"])
    assert busy == pytest.approx(given["utilisation"] / 100)
    copies = called(numbers.index_copies, given)
    assert copies == int(copies)
    assert (copies - 1) * given["lookups_per_copy"] < crops * (1 + 1e-9)
    assert copies * given["lookups_per_copy"] >= crops * (1 - 1e-9)


@pytest.mark.parametrize("given", assumptions("visual_search"))
def test_the_share_is_as_exact_as_asked_for(given: dict[str, float]) -> None:
    count = called(numbers.judged, given)
    share = given["recall"] / 100
    error = math.sqrt(share * (1 - share) / count)
    half = statistics.NormalDist().inv_cdf(0.975) * error
    # 1.96 is rounded from 1.95996.
    assert half == pytest.approx(given["margin"] / 100, rel=1e-4)
    hits = called(numbers.found, given)
    assert hits / given["searches"] == pytest.approx(share)
    possible = called(numbers.ceiling, given)
    assert possible + given["absent"] == pytest.approx(100)


def test_the_pairs_of_a_batch_counted() -> None:
    for batch in (2, 3, 10):
        counted = len(list(itertools.permutations(range(batch), 2)))
        assert numbers.sampled_pairs(batch) == counted
