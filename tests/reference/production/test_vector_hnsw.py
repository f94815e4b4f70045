"""HNSW: the graph is as the paper has it, and finds what hnswlib finds."""

import importlib
import math
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from reference.production.vector_db import HNSW, BruteForceIndex

Array = NDArray[np.float64]

# It publishes no types.
hnswlib = importlib.import_module("hnswlib")


def normal(n: int, dim: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(n, dim))


def reached(index: HNSW, level: int) -> set[int]:
    """Return the ids that can be reached from the entry point on one level."""
    entry = index.entry_point
    assert entry is not None
    seen, waiting = {entry}, [entry]
    while waiting:
        for other in index.neighbors(waiting.pop(), level):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def recall(found: Iterable[Array], true: Iterable[Array]) -> float:
    pairs = list(zip(found, true, strict=True))
    return float(np.mean([len({*a} & {*b}) / len(b) for a, b in pairs]))


@pytest.fixture(scope="module")
def index() -> HNSW:
    built = HNSW(16, M=8, ef_construction=100, seed=3)
    built.add(normal(5000, 16))
    return built


def test_links_are_bounded(index: HNSW) -> None:
    levels = index.levels
    for id_, top in levels.items():
        for level in range(top + 1):
            links = index.neighbors(id_, level)
            assert (level == 0) <= len(links) <= (16 if level == 0 else 8)
            assert len(set(links)) == len(links)
            assert id_ not in links
            assert all(levels[other] >= level for other in links)


def test_links_lead_back(index: HNSW) -> None:
    """A link is made both ways; only a node that is full may drop one."""
    links = {id_: set(index.neighbors(id_, 0)) for id_ in index.levels}
    both = [id_ in links[other] for id_ in links for other in links[id_]]
    assert np.mean(both) > 0.5
    small = HNSW(16, M=8)
    small.add(normal(17, 16))  # room for 16 links: nobody is full
    for id_ in small.levels:
        for other in small.neighbors(id_, 0):
            assert id_ in small.neighbors(other, 0)


def chosen(vectors: Array, point: int, others: Iterable[int], limit: int) -> list[int]:
    """Return algorithm 4's choice among others, by distance to ``point``."""
    apart = np.square(vectors[:, None] - vectors).sum(axis=-1)
    kept: list[int] = []
    for one in sorted(others, key=lambda other: apart[point, other]):
        if len(kept) < limit and all(apart[one, r] > apart[one, point] for r in kept):
            kept.append(one)
    return kept


@pytest.mark.parametrize("seed", range(3))
def test_the_graph_is_the_papers(seed: int) -> None:
    """With every node a candidate the graph is determined: here it is built plainly.

    M is large enough that from each node all others are reached.
    """
    vectors, M = normal(120, 12, seed), 8
    index = HNSW(12, M, ef_construction=200, seed=seed, dtype="float64")
    index.add(vectors)
    levels = index.levels
    links: dict[tuple[int, int], list[int]] = {}
    for new in range(120):
        top = max([levels[other] for other in range(new)], default=-1)
        for level in range(levels[new] + 1):
            there = [other for other in range(new) if levels[other] >= level]
            links[new, level] = chosen(vectors, new, there if level <= top else [], M)
            limit = 2 * M if level == 0 else M
            for other in links[new, level]:
                back = [*links[other, level], new]
                if len(back) > limit:
                    back = chosen(vectors, other, back, limit)
                links[other, level] = back
    for (id_, level), expected in links.items():
        assert set(index.neighbors(id_, level)) == set(expected)
    first = next(id_ for id_ in levels if levels[id_] == max(levels.values()))
    assert index.entry_point == first


def test_levels_are_drawn_as_in_the_paper(index: HNSW) -> None:
    """One in M rises, and of those one in M again: 99.9 % intervals."""
    levels = np.array(list(index.levels.values()))
    for level in (1, 2):
        rising = int((levels >= level).sum())
        assert binomtest(rising, len(levels), 8.0**-level).pvalue > 0.001
    entry = index.entry_point
    assert entry is not None
    assert index.levels[entry] == levels.max()
    uniform = 1 - np.random.default_rng(3).random(5000)
    expected = np.floor(-np.log(uniform) / math.log(8))
    np.testing.assert_array_equal(levels, expected)


def test_the_lowest_level_is_connected(index: HNSW) -> None:
    """All but a few: an outlier may be pruned by each of its neighbours.

    The paper promises no more; one in a thousand is what is borne here.
    """
    assert len(reached(index, 0)) >= 0.999 * len(index)
    larger = HNSW(16, M=16, ef_construction=100)
    larger.add(normal(5000, 16))
    assert reached(larger, 0) == set(range(5000))


def test_same_seed_same_graph(index: HNSW) -> None:
    again = HNSW(16, M=8, ef_construction=100, seed=3)
    vectors = normal(5000, 16)
    again.add(vectors[:1])
    again.add(vectors[1:2000])
    again.add(vectors[2000:])
    assert again.levels == index.levels
    assert again.entry_point == index.entry_point
    for id_, top in index.levels.items():
        for level in range(top + 1):
            assert again.neighbors(id_, level) == index.neighbors(id_, level)
    other = HNSW(16, M=8, ef_construction=100, seed=4)
    other.add(vectors)
    assert other.levels != index.levels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("metric", "space"),
    [("euclidean", "l2"), ("cosine", "cosine"), ("inner_product", "ip")],
)
def test_recall_beside_hnswlib(metric: str, space: str, dtype: str) -> None:
    vectors, queries = normal(5000, 32), normal(200, 32, seed=1)
    exact = BruteForceIndex(32, metric, dtype)
    exact.add(vectors)
    true, _ = exact.search_batch(queries, 10)
    ours = HNSW(32, M=16, ef_construction=200, metric=metric, dtype=dtype)
    ours.add(vectors)
    peer = hnswlib.Index(space, 32)
    peer.init_index(5000, M=16, ef_construction=200, random_seed=0)
    peer.add_items(vectors, num_threads=1)
    for ef in (20, 100, 200):
        peer.set_ef(ef)
        found, distances = ours.search_batch(queries, 10, ef=ef)
        mine = recall(found, true)
        theirs = recall(peer.knn_query(queries, 10, num_threads=1)[0], true)
        # Two draws of the levels: 2,000 neighbours, a standard error of 0.01 at most.
        assert mine > theirs - 0.03
        assert (np.diff(distances, axis=1) >= 0).all()
    assert mine >= 0.95


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_recall_under_a_filter(index: HNSW, share: float) -> None:
    vectors = normal(5000, 16)
    allowed = np.flatnonzero(np.random.default_rng(5).random(5000) < share)
    exact = BruteForceIndex(16, "euclidean")
    exact.add(vectors)
    queries = normal(100, 16, seed=1)
    true, _ = exact.search_batch(queries, 10, allowed)
    found, _ = index.search_batch(queries, 10, allowed, ef=100)
    assert set(found.ravel().tolist()) <= set(allowed.tolist())
    assert recall(found, true) >= 0.95


def test_recall_after_deletes() -> None:
    vectors, queries = normal(3000, 16), normal(100, 16, seed=1)
    index = HNSW(16, M=8, ef_construction=100)
    index.add(vectors)
    exact = BruteForceIndex(16, "euclidean")
    exact.add(vectors)
    gone = np.random.default_rng(6).permutation(3000)[:1000]
    for some in (gone[:300], gone[300:]):
        assert index.delete(some) == exact.delete(some) == len(some)
        entry = index.entry_point
        assert entry in index
        levels = index.levels
        assert entry is not None
        assert levels[entry] == max(levels.values())
        true, _ = exact.search_batch(queries, 10)
        # Few are asked of many: the graph answers, no scan.
        found, _ = index.search_batch(queries, 10, ef=100)
        assert recall(found, true) >= 0.95
    index.rebuild()
    assert len(index) == 2000
    found, _ = index.search_batch(queries, 10, ef=100)
    assert recall(found, true) >= 0.95
    assert len(reached(index, 0)) >= 0.995 * len(index)


def test_a_small_beam_still_gives_k() -> None:
    index = HNSW(4, M=2, ef_construction=2, ef_search=1)
    index.add(normal(2000, 4))
    for k in (1, 7, 600, 1999, 2000, 2500):
        ids, _ = index.search([0, 0, 0, 0], k)
        assert len(set(ids.tolist())) == min(k, 2000)


def test_equal_vectors_share_a_node() -> None:
    """Many equal ones that link only to each other would cut the graph apart."""
    few = normal(300, 8)
    vectors = np.concatenate([np.tile(few[0], (1000, 1)), few, np.zeros((1000, 8))])
    index = HNSW(8, M=4, ef_construction=20)
    index.add(vectors)
    assert len(index) == 2300
    ids, distances = index.search(few[0], 1001)
    assert ids.tolist() == list(range(1001))
    assert (distances == 0).all()
    found = index.search_batch(few, 1, ef=60)[0][:, 0]
    assert np.mean(found == np.r_[0, 1001:1300]) > 0.99
    assert index.delete(range(1000)) == 1000
    assert index.search(few[0], 1)[0].tolist() == [1000]
    assert index.delete([1000]) == 1
    assert index.search(few[0], 1)[1][0] > 0
    index.add(few[0])  # revived
    ids, distances = index.search(few[0], 1)
    assert [*ids, *distances] == [2300, 0]


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"^M must be an integer of at least 2"):
        HNSW(3, M=1)
    with pytest.raises(ValueError, match=r"^ef_construction must be"):
        HNSW(3, ef_construction=0)
    index = HNSW(3)
    index.add([1, 2, 3])
    with pytest.raises(ValueError, match=r"^ef must be"):
        index.search([1, 2, 3], ef=0)
    with pytest.raises(ValueError, match=r"^level must be"):
        index.neighbors(0, 99)
    with pytest.raises(KeyError):
        index.neighbors(5, 0)
    assert HNSW(3).entry_point is None


def test_vectors_of_one_hash_are_not_taken_for_equal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reference.production.vector_db.hnsw._key", lambda _: 0)
    vectors = normal(40, 3)
    index = HNSW(3, dtype="float64")
    index.add(vectors[:20])  # among each other
    index.add(vectors[20:])  # and with those that are there
    ids, distances = index.search_batch(vectors, 1)
    assert ids[:, 0].tolist() == list(range(40))
    assert (distances == 0).all()
    assert (index.search_batch(vectors, 2)[1][:, 1] > 0).all()
