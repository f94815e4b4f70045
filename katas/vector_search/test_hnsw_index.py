import inspect
import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    seeds,
    unchanged,
)
from katas.vector_search.hnsw_index import HNSW

Floats = NDArray[np.float64]
Graph = dict[tuple[int, int], list[int]]

# Coordinates are whole numbers up to 200: squares and their sums are exact in float32,
# and roots of different sums stay different.
REACH = 200
sizes = st.integers(1, 30)
links = st.integers(2, 4)


class Model:
    """The algorithms of the statement, with sorted lists and without haste."""

    def __init__(self, vectors: Floats, M: int, ef_construction: int, seed: int):
        gaps = vectors[:, np.newaxis] - vectors
        self.between = np.square(gaps).sum(axis=-1)
        self.vectors, self.M, self.ef = vectors, M, ef_construction
        self.levels = levels_of(seed, M, len(vectors))
        self.links: Graph = {}
        self.entry = 0
        for node in range(len(vectors)):
            self._insert(node)

    def search(self, query: Floats, k: int, ef: int) -> list[int]:
        """Return the k nearest nodes that a search finds."""
        distances = np.square(self.vectors - query).sum(axis=-1)
        start = self._descend(distances, 0)
        return self._walk(distances, start, max(ef, k), 0)[:k]

    def _insert(self, node: int) -> None:
        level, top = self.levels[node], self.levels[self.entry]
        self.links |= {(node, one): [] for one in range(level + 1)}
        if node == 0:
            return
        near = self._descend(self.between[node], level)
        for one in range(min(level, top), -1, -1):
            near = self._walk(self.between[node], near, self.ef, one)
            self.links[node, one] = self._choose(node, near, self.M)
            for other in self.links[node, one]:
                found = [*self.links[other, one], node]
                most = self.M if one else 2 * self.M
                if len(found) > most:
                    found = self._choose(other, found, most)
                self.links[other, one] = found
        if level > top:
            self.entry = node

    def _choose(self, node: int, candidates: list[int], most: int) -> list[int]:
        chosen: list[int] = []
        for one in sorted(candidates, key=lambda other: self.between[node, other]):
            if (self.between[one, chosen] > self.between[node, one]).all():
                chosen.append(one)
        return chosen[:most]

    def _descend(self, distances: Floats, level: int) -> list[int]:
        near = [self.entry]
        for one in range(self.levels[self.entry], level, -1):
            near = self._walk(distances, near, 1, one)
        return near

    def _walk(
        self, distances: Floats, start: list[int], ef: int, level: int
    ) -> list[int]:
        seen, best, expanded = set(start), list(start), set[int]()
        # What is not among the best any more would end the walk.
        while todo := [node for node in best if node not in expanded]:
            node = min(todo, key=lambda one: distances[one])
            expanded.add(node)
            best += [one for one in self.links[node, level] if one not in seen]
            seen.update(best)
            best = sorted(best, key=lambda one: distances[one])[:ef]
        return best


def levels_of(seed: int, M: int, n: int) -> list[int]:
    """Return the levels that the law gives to the first n vectors."""
    shares = 1 - np.random.default_rng(seed).random(n)
    return [math.floor(-math.log(share) / math.log(M)) for share in shares]


def scattered(seed: int, n: int, dim: int = 3) -> Floats:
    """Return n points, no two equally far from a third."""
    rng = np.random.default_rng(seed)
    points: list[NDArray[np.int64]] = []
    distances: list[set[int]] = []
    while len(points) < n:
        point = rng.integers(-REACH, REACH + 1, dim)
        gaps = [int(np.square(point - other).sum()) for other in points]
        ties = [gap in known for gap, known in zip(gaps, distances, strict=True)]
        if len({0, *gaps}) == len(gaps) + 1 and not any(ties):
            for gap, known in zip(gaps, distances, strict=True):
                known.add(gap)
            points.append(point)
            distances.append({0, *gaps})
    return np.array(points, np.float64).reshape(n, dim)


def built(vectors: Floats, M: int, ef_construction: int, seed: int) -> HNSW:
    """Return an index with the vectors under the ids 0, 1, ..."""
    index = HNSW(vectors.shape[1], M, ef_construction, seed)
    index.add(vectors)
    return index


def graph_of(index: HNSW) -> Graph:
    """Return the links of each id on each of its levels, sorted."""
    return {
        (one, level): sorted(index.neighbors(one, level))
        for one, top in index.levels.items()
        for level in range(top + 1)
    }


def exact(vectors: Floats, ids: list[int], query: Floats) -> list[tuple[float, int]]:
    """Return all distances and ids, from near to far."""
    # The root of a whole number rounds to the same float32 from either precision.
    distances = np.sqrt(np.square(vectors - query).sum(axis=1)).astype(np.float32)
    return sorted(zip(distances.tolist(), ids, strict=True))


@given(seeds(), st.integers(2, 16), sizes)
@example(0, 2, 30)
@example(1, 3, 30)
@example(2, 16, 30)
def test_a_share_of_the_nodes_rises_a_level(seed: int, M: int, n: int) -> None:
    """The level of a vector is ⌊−ln U / ln M⌋, with one U drawn for each in order."""
    index = built(scattered(seed, n), M, 30, seed)
    expected = levels_of(seed, M, n)
    assert_equal(index.levels, dict(enumerate(expected)), "levels")
    first = expected.index(max(expected))
    assert_equal(index.entry_point, first, "entry_point")


@given(seeds(), links, sizes)
@example(45, 2, 4)
def test_links_are_few_and_stay_on_their_level(seed: int, M: int, n: int) -> None:
    """A node links to at most M others of its level, on level 0 to at most 2M."""
    index = built(scattered(seed, n), M, 30, seed)
    levels = index.levels
    for (one, level), others in graph_of(index).items():
        most = M if level else 2 * M
        where = f"of {one} on level {level}"
        assert_holds(
            len(others) <= most, f"at most {most} links {where}", actual=others
        )
        assert_holds(len(set(others)) == len(others), f"different links {where}")
        assert_holds(one not in others, f"no link to itself {where}", actual=others)
        there = all(levels[other] >= level for other in others)
        assert_holds(there, f"links that are on the level {where}", actual=others)


@given(seeds(), st.integers(2, 6), st.integers(0, 12), st.integers(1, 14))
@example(0, 5, 10, 10)
@example(1, 2, 4, 5)
@example(7, 6, 12, 3)
def test_few_vectors_are_found_exactly(seed: int, M: int, n: int, k: int) -> None:
    """Where no node has too many links, all are found, equal distances by the id."""
    n = min(n, 2 * M)
    rng = np.random.default_rng(seed)
    # On so small a grid some are equal, and many equally far.
    vectors = rng.integers(-1, 2, (n, 2)).astype(np.float64)
    chosen = rng.permutation(20)[:n]
    index = HNSW(2, M, 30, seed)
    assert_equal(index.add(vectors, chosen), chosen.astype(np.int64), "ids")
    assert_equal(len(index), n, "len(index)")
    for query in rng.integers(-2, 3, (3, 2)).astype(np.float64):
        expected = exact(vectors, chosen.tolist(), query)[:k]
        ids, distances = index.search(query, k)
        assert_shape(ids, (len(expected),), "ids")
        assert_dtype(ids, np.int64, "ids")
        assert_dtype(distances, np.float32, "distances")
        assert_equal(distances.tolist(), [gap for gap, _ in expected], "distances")
        assert_equal(ids.tolist(), [one for _, one in expected], "ids")


def test_links_go_in_different_directions() -> None:
    """A node links to a candidate that is nearer to it than to each link it took."""
    # Seen from (0, 0): 1 and 2 lie behind each other, 3 aside, 4 opposite, 5 behind 4.
    vectors = np.array([[2, 0], [3, 0], [0, 4], [-5, 1], [-7, 0], [0, 0]])
    index = HNSW(2, M=8, ef_construction=20)
    index.add(vectors, [1, 2, 3, 4, 5, 9])
    assert_equal(sorted(index.neighbors(9, 0)), [1, 3, 4], "the links of 9")
    assert_equal(sorted(index.neighbors(2, 0)), [1], "the links of 2")
    # 1 is as far from 0, which is taken, as from 2: covered already.
    index = HNSW(2, M=8, ef_construction=20)
    index.add([[2.0, 0.0], [1.0, 5.0], [0.0, 0.0]])
    assert_equal(index.neighbors(2, 0), [0], "the links of 2")
    index = HNSW(2, M=8, ef_construction=20)
    index.add([[3.0, 0.0], [3.0, 5.0], [0.0, 1.0]])
    index.add([[-1.0, 3.0]])
    # 2 is the nearest. 1 is √20 from 3, and 5 from 2; 0 is 5 from 3, and √10 from 2.
    assert_equal(sorted(index.neighbors(3, 0)), [1, 2], "the links of 3")


@given(seeds(), links, sizes)
@example(4, 2, 4)
@example(18, 2, 4)
@example(45, 2, 4)
def test_the_graph_is_as_the_algorithms_build_it(seed: int, M: int, n: int) -> None:
    """Where each search sees all nodes, each link is one that algorithm 4 chooses."""
    vectors = scattered(seed, n)
    model = Model(vectors, M, 30, seed)
    expected = {place: sorted(found) for place, found in model.links.items()}
    assert_equal(graph_of(built(vectors, M, 30, seed)), expected, "links")


@given(seeds(), links, st.integers(0, 4), sizes)
@example(0, 2, 0, 30)
@example(1, 2, 1, 30)
@example(2, 3, 0, 30)
def test_few_candidates_are_enough(seed: int, M: int, more: int, n: int) -> None:
    """Links are chosen among the `ef_construction` nodes that a walk finds."""
    vectors = scattered(seed, n)
    model = Model(vectors, M, M + more, seed)
    expected = {place: sorted(found) for place, found in model.links.items()}
    assert_equal(graph_of(built(vectors, M, M + more, seed)), expected, "links")


@given(seeds(), links, st.integers(1, 12), st.integers(1, 12))
@example(0, 2, 1, 1)
@example(1, 3, 1, 4)
@example(2, 2, 5, 2)
@example(3, 4, 3, 12)
def test_a_search_walks_through_the_graph(seed: int, M: int, k: int, ef: int) -> None:
    """A search finds what the walk with `ef`, or k if that is more, leads to."""
    points = scattered(seed, 34)
    vectors, queries = points[:30], points[30:]
    index, model = built(vectors, M, 8, seed), Model(vectors, M, 8, seed)
    for query in queries:
        expected = model.search(query, k, ef)
        ids, distances = index.search(query, k, ef=ef)
        assert_equal(ids.tolist(), expected, "ids")
        gaps = np.sqrt(np.square(vectors[expected] - query).sum(axis=1))
        assert_equal(distances, gaps.astype(np.float32), "distances")


@given(seeds(), links)
@example(0, 2)
@example(4, 2)
def test_a_larger_ef_never_finds_less(seed: int, M: int) -> None:
    """With a larger `ef` no answer is farther than with a smaller one."""
    points = scattered(seed, 34)
    index = built(points[:30], M, 4, seed)
    for query in points[30:]:
        before = index.search(query, 4, ef=4)[1]
        for ef in (6, 9, 14, 22):
            distances = index.search(query, 4, ef=ef)[1]
            assert_holds(len(distances) >= len(before), f"as many answers at ef={ef}")
            nearer = bool((distances[: len(before)] <= before).all())
            claim = f"no answer at ef={ef} is farther than before"
            assert_holds(nearer, claim, actual=distances, expected=before)
            before = distances


def test_clusters_keep_their_ways_to_each_other() -> None:
    """Of the ten nearest among far clusters, added one by one, 95 in 100 are found."""
    for seed in (0, 2, 3):
        rng = np.random.default_rng(seed)
        centres = 20 * rng.normal(size=(8, 4))
        vectors = np.concatenate([one + rng.normal(size=(40, 4)) for one in centres])
        queries = np.concatenate([one + rng.normal(size=(3, 4)) for one in centres])
        index = built(vectors, 6, 40, seed)
        found = 0
        for query in queries:
            nearest = np.argsort(np.square(vectors - query).sum(axis=1))[:10]
            found += len({*nearest.tolist()} & {*index.search(query)[0].tolist()})
        recall = found / (10 * len(queries))
        # As the algorithms have it, 0.995 and more; with the nearest as links 0.5 to
        # 0.88, since whole clusters are out of reach.
        assert_holds(recall >= 0.95, "recall@10 of at least 0.95", actual=recall)


@given(seeds(), links, st.integers(1, 20))
@example(0, 2, 20)
def test_one_at_a_time_or_all_at_once(seed: int, M: int, n: int) -> None:
    """Vectors that are added one by one make the same graph as together."""
    vectors = scattered(seed, n)
    index = HNSW(3, M, 6, seed)
    for number, vector in enumerate(vectors):
        assert_equal(index.add(vector), np.array([number]), "ids")
    together = built(vectors, M, 6, seed)
    assert_equal(graph_of(index), graph_of(together), "links")
    assert_equal(index.entry_point, together.entry_point, "entry_point")


def test_ids_follow_the_largest() -> None:
    """Without ids, vectors get the numbers after the largest that was given."""
    index = HNSW(2)
    assert_equal(index.add(np.zeros((0, 2))), np.empty(0, np.int64), "ids")
    assert_equal(index.add([1, 2]), np.array([0]), "ids")
    seven = index.add([[3, 4]], np.array([7], np.int32))
    assert_equal(seven, np.array([7]), "ids")
    assert_equal(index.add([5, 6], [3]), np.array([3]), "ids")
    assert_equal(index.add([[0, 0], [9, 9]]), np.array([8, 9]), "ids")
    assert_equal(index.add(np.zeros((0, 2)), []), np.empty(0, np.int64), "ids")
    assert_equal(len(index), 5, "len(index)")
    assert_equal(sorted(index.levels), [0, 3, 7, 8, 9], "levels")
    shown = [*index.levels, index.entry_point, *index.neighbors(0, 0)]
    assert_holds(all(type(one) is int for one in shown), "ids to look at are ints")
    assert_equal(index.search([5, 6], 1)[0], np.array([3]), "ids")
    # Kept as float32, as the query is, a tenth is not farther than nothing.
    index.add([0.1, 0.7], [99])
    assert_equal(index.search([0.1, 0.7], 1)[1], np.zeros(1, np.float32), "distances")


def test_an_empty_index_and_the_defaults() -> None:
    """Nothing is found in an empty index; 10 of 50 candidates are the default."""
    index = HNSW(3)
    assert_equal(len(index), 0, "len(index)")
    assert_equal(index.entry_point, None, "entry_point")
    assert_equal(index.levels, {}, "levels")
    ids, distances = index.search([0, 0, 0])
    assert_equal(ids, np.empty(0, np.int64), "ids")
    assert_equal(distances, np.empty(0, np.float32), "distances")
    given_ = inspect.signature(HNSW).parameters
    for name, default in (("M", 16), ("ef_construction", 200), ("seed", 0)):
        assert_equal(given_[name].default, default, f"the default of {name}")
    points = scattered(5, 80)
    index, model = built(points[:70], 2, 2, 1), Model(points[:70], 2, 2, 1)
    for query in points[70:]:
        assert_equal(index.search(query)[0].tolist(), model.search(query, 10, 50))


def test_the_index_keeps_its_own_copy() -> None:
    """No call changes its arguments, and a later change of them does not matter."""
    vectors = np.asfortranarray(scattered(1, 5)).astype(np.float32)
    query, ids = vectors[2].copy(), np.arange(5) + 4
    index = HNSW(3)
    with unchanged(vectors=vectors, ids=ids, query=query):
        index.add(vectors, ids)
        index.search(query)
    vectors[:], ids[:] = 0, 0
    found, distances = index.search(query, 1)
    assert_equal(found, np.array([6]), "ids")
    assert_equal(distances, np.zeros(1, np.float32), "distances")


def test_bad_arguments_change_nothing() -> None:
    """What makes no sense is refused by name; nothing is added and nothing is drawn."""
    for dim in (0, -1):
        assert_raises_naming("dim", HNSW, dim)
    assert_raises_naming("M", HNSW, 3, 1)
    assert_raises_naming("ef_construction", HNSW, 3, 2, 0)
    assert_equal(len(HNSW(1, 2, 1)), 0)
    points = scattered(0, 30)
    index = HNSW(3, 2, 30)
    index.add(points[:10], range(10))
    bad = points[:2].copy()
    for value in (np.nan, np.inf):
        bad[1, 2] = value
        assert_raises_naming("vectors", index.add, bad)
        assert_raises_naming("query", index.search, bad[1])
    for vectors in (
        points[:2, :2],
        points[:2, :2].ravel(),
        points[:8].reshape(2, 4, 3),
    ):
        assert_raises_naming("vectors", index.add, vectors)
    for ids in ([10], [10, 11, 12], [10, 10], [10, 9], [-1, 10], [[10, 11]]):
        assert_raises_naming("ids", index.add, points[10:12], ids)
    for query in (points[0, :2], points[:1], 0.0):
        assert_raises_naming("query", index.search, query)
    for count in (0, -1):
        assert_raises_naming("k", index.search, points[0], count)
        assert_raises_naming("ef", index.search, points[0], 3, ef=count)
    for level in (-1, index.levels[4] + 1):
        assert_raises_naming("level", index.neighbors, 4, level)
    for one in (10, -1):
        assert_raises_naming(str(one), index.neighbors, one, 0, error=KeyError)
    assert_equal(len(index), 10, "len(index)")
    index.add(points[10:])
    assert_equal(graph_of(index), graph_of(built(points, 2, 30, 0)), "links")
