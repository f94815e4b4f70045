"""The numbers of search: queries, an index in memory, shards, judgements."""

import math

NUMBERS = {
    "mean_load": "requests/s",
    "peak_load": "requests/s",
    "missed_load": "requests/s",
    "text_index": "TB",
    "vector_index": "TB",
    "machines": "machines",
    "slow_queries": "%",
    "rerank_gpus": "GPUs",
    "uncached_gpus": "GPUs",
    "judgements": "judgements",
    "judging_cost": "USD",
    "click_log": "GB/day",
}
SECONDS_PER_DAY = 86_400


def mean_load(queries: float) -> float:
    """Queries a second, averaged over a day."""
    return queries / SECONDS_PER_DAY


def peak_load(queries: float, peak_factor: float) -> float:
    """Queries a second in the busiest hour."""
    return mean_load(queries) * peak_factor


def missed_load(queries: float, peak_factor: float, cache_hits: float) -> float:
    """Queries a second at the peak that no cache answers; hits in percent."""
    return peak_load(queries, peak_factor) * (1 - cache_hits / 100)


def text_index(documents: float, postings: float, posting_bytes: float) -> float:
    """Terabytes of the inverted index."""
    return documents * postings * posting_bytes / 1e12


def vector_index(documents: float, dimension: float, value_bytes: float) -> float:
    """Terabytes of one vector for each document."""
    return documents * dimension * value_bytes / 1e12


def machines(
    documents: float,
    postings: float,
    posting_bytes: float,
    dimension: float,
    value_bytes: float,
    memory: float,
    copies: float,
) -> float:
    """Machines whose memory holds all copies of both indexes; ``memory`` in GB."""
    text = text_index(documents, postings, posting_bytes)
    whole = text + vector_index(documents, dimension, value_bytes)
    return copies * whole * 1e3 / memory


def slow_queries(shards: float, slow: float) -> float:
    """Percent of queries that wait for a slow shard; ``slow`` in percent of calls."""
    return 100 * (1 - math.pow(1 - slow / 100, shards))


def rerank_gpus(
    queries: float,
    peak_factor: float,
    cache_hits: float,
    reranked: float,
    pairs_per_gpu: float,
) -> float:
    """Accelerators that rerank the uncached peak."""
    missed = missed_load(queries, peak_factor, cache_hits)
    return missed * reranked / pairs_per_gpu


def uncached_gpus(
    queries: float, peak_factor: float, reranked: float, pairs_per_gpu: float
) -> float:
    """Accelerators that it would take without a cache."""
    return rerank_gpus(queries, peak_factor, 0, reranked, pairs_per_gpu)


def judgements(deviation: float, difference: float, depth: float) -> float:
    """Graded documents that see ``difference`` of the metric between two rankers.

    Paired over queries, 80 % power at 5 %: 7.85 s^2 / d^2 queries, ``depth`` each.
    """
    return 7.85 * math.pow(deviation / difference, 2) * depth


def judging_cost(
    deviation: float, difference: float, depth: float, price: float
) -> float:
    """Dollars for those judgements."""
    return judgements(deviation, difference, depth) * price


def click_log(queries: float, query_bytes: float) -> float:
    """Gigabytes of logged queries with what was shown and clicked, in a day."""
    return queries * query_bytes / 1e9
