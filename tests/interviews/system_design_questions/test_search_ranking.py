"""The numbers of search, document by document and shard by shard."""

import math
import statistics

import pytest

from interviews.system_design_questions import search_ranking as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("search_ranking") == pytest.approx(
        {
            "log": 400,
            "machines": 150.72,  # 3 x (20,000 + 5,120) GB / 500 GB
            "judgements": 47_100,  # 7.85 x 400 queries x 15
            "rerankers": 86.8,  # 5,787 x 0.6 x 100 / 4,000
            "slow": 39.5,
        },
        rel=1e-3,
    )


@pytest.mark.parametrize("given", assumptions("search_ranking"))
def test_queries_by_the_hour(given: dict[str, float]) -> None:
    mean = called(numbers.mean_load, given)
    assert sum([mean * 3600] * 24) == pytest.approx(given["queries"])
    peak = called(numbers.peak_load, given)
    assert peak / mean == pytest.approx(given["peak_factor"])
    missed = called(numbers.missed_load, given)
    hits = peak * given["cache_hits"] / 100
    assert missed + hits == pytest.approx(peak)
    with_cache = called(numbers.rerank_gpus, given)
    assert with_cache * given["pairs_per_gpu"] / given["reranked"] == pytest.approx(
        missed
    )
    without = called(numbers.uncached_gpus, given)
    assert without / with_cache == pytest.approx(peak / missed)
    logged = called(numbers.click_log, given) * 1e9
    assert logged / given["queries"] == pytest.approx(given["query_bytes"])


@pytest.mark.parametrize("given", assumptions("search_ranking"))
def test_the_index_of_one_document(given: dict[str, float]) -> None:
    words = given["postings"] * given["posting_bytes"]
    vector = given["dimension"] * given["value_bytes"]
    text = called(numbers.text_index, given) * 1e12
    assert text / given["documents"] == pytest.approx(words)
    vectors = called(numbers.vector_index, given) * 1e12
    assert vectors / given["documents"] == pytest.approx(vector)
    fit_into_one = given["memory"] * 1e9 / (words + vector)
    count = called(numbers.machines, given)
    assert count * fit_into_one == pytest.approx(given["documents"] * given["copies"])


@pytest.mark.parametrize("given", assumptions("search_ranking"))
def test_a_query_is_fast_if_each_shard_is(given: dict[str, float]) -> None:
    whole = given | {"shards": float(math.ceil(given["shards"]))}
    fast = 1.0
    for _ in range(int(whole["shards"])):
        fast *= 1 - given["slow"] / 100
    assert called(numbers.slow_queries, whole) / 100 == pytest.approx(1 - fast)


@pytest.mark.parametrize("given", assumptions("search_ranking"))
def test_the_judgements_have_the_power(given: dict[str, float]) -> None:
    graded = called(numbers.judgements, given)
    error = given["deviation"] / math.sqrt(graded / given["depth"])
    normal = statistics.NormalDist()
    power = 1 - normal.cdf(normal.inv_cdf(0.975) - given["difference"] / error)
    # 7.85 is (1.95996 + 0.84162)^2, rounded.
    assert power == pytest.approx(0.8, abs=1e-3)
    bill = called(numbers.judging_cost, given)
    assert bill / graded == pytest.approx(given["price"])
