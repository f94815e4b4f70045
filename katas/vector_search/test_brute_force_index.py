import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    seeds,
    unchanged,
)
from dojo.testing.stateful import StateMachine, run_machine
from katas.vector_search.brute_force_index import BruteForceIndex
from reference.production import vector_db

Array = NDArray[np.float64]

METRICS = ("cosine", "euclidean", "inner_product")
metrics = st.sampled_from(METRICS)
dtypes = st.sampled_from(["float32", "float64"])
sizes = st.integers(1, 12)
dims = st.integers(1, 5)
# Whole numbers: their products, sums and squares are exact, and so are ties.
whole = st.integers(-3, 3).map(float)


def draw(seed: int, n: int, dim: int) -> Array:
    """Return vectors of many lengths, one of them zero, another one twice."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim)) * 10.0 ** rng.integers(-2, 3, size=(n, 1))
    vectors[n // 2] = 0.0
    vectors[n // 3] = vectors[n - 1]
    return vectors


def distance_of(metric: str, query: Array, vector: Array) -> float:
    """Follow the definition for one vector, in float64."""
    if metric == "euclidean":
        return float(np.sqrt(np.sum((query - vector) ** 2)))
    product = float(np.sum(query * vector))
    if metric == "inner_product":
        return -product
    lengths = float(np.sqrt(np.sum(query**2)) * np.sqrt(np.sum(vector**2)))
    return 1.0 if lengths == 0 else 1.0 - product / lengths


def slack_of(dtype: str, metric: str, query: Array, vectors: Array) -> float:
    """Bound the rounding of a distance: d terms, each below ‖q‖ ‖v‖ or ‖q‖ + ‖v‖."""
    lengths = np.sqrt((vectors**2).sum(axis=1)).max(initial=0.0)
    length = float(np.sqrt((query**2).sum()))
    scale = {
        "cosine": 1.0,
        "euclidean": length + lengths,
        "inner_product": length * lengths,
    }[metric]
    return 16 * query.size * float(np.finfo(dtype).eps) * scale


def test_distances_by_hand() -> None:
    """The three metrics are those of the statement, small for near."""
    vectors = [[3.0, 4.0], [0.0, 5.0], [-3.0, -4.0], [0.0, 0.0]]
    for metric, order, expected in (
        ("cosine", [0, 1, 3, 2], [0.0, 0.2, 1.0, 2.0]),
        ("euclidean", [0, 1, 3, 2], [0.0, 10**0.5, 5.0, 10.0]),
        ("inner_product", [0, 1, 3, 2], [-25.0, -20.0, 0.0, 25.0]),
    ):
        index = BruteForceIndex(2, metric, "float64")
        index.add(vectors)
        ids, distances = index.search([3.0, 4.0], 4)
        assert_equal(ids.tolist(), order, f"the ids under {metric}")
        assert_close(distances, np.array(expected), what=metric, atol=1e-15)
    index = BruteForceIndex(2, dtype="float64")
    index.add(vectors)
    _, distances = index.search([0.0, 0.0])
    assert_equal(distances.tolist(), [1.0] * 4, "the cosine distances to zero")


@given(seeds(), st.integers(1, 30), dims, metrics, dtypes, st.integers(1, 15))
# So many that partial sorting leaves some of them unsorted.
@example(0, 1000, 3, "euclidean", "float64", 500)
@example(0, 7, 3, "cosine", "float32", 3)
@example(0, 7, 3, "cosine", "float64", 7)
@example(0, 7, 3, "euclidean", "float64", 15)
@example(0, 7, 3, "inner_product", "float32", 2)
@example(1, 1, 2, "cosine", "float64", 1)
def test_the_nearest_are_found(
    seed: int, n: int, dim: int, metric: str, dtype: str, k: int
) -> None:
    """The m nearest come, from near to far, with their distances in the dtype."""
    vectors = draw(seed, n, dim)
    vectors = vectors.astype(dtype).astype(np.float64)
    query = vectors[0] + np.random.default_rng(seed + 1).normal(size=dim)
    query = query.astype(dtype).astype(np.float64)
    index = BruteForceIndex(dim, metric, dtype)
    index.add(vectors)
    ids, distances = index.search(query, k)
    m = min(k, n)
    assert_shape(ids, (m,), "the ids")
    assert_dtype(ids, np.int64, "the ids")
    assert_shape(distances, (m,), "the distances")
    assert_dtype(distances, np.dtype(dtype), "the distances")
    assert_equal(len({*ids.tolist()}), m, "the number of different ids")
    assert_holds(bool((np.diff(distances) >= 0).all()), "the distances ascend")
    expected = np.array([distance_of(metric, query, vector) for vector in vectors])
    slack = slack_of(dtype, metric, query, vectors)
    got = distances.astype(np.float64)
    what = "the distances of these ids"
    assert_close(got, expected[ids], what=what, rtol=0.0, atol=slack)
    # Which of two is nearer may hang on rounding; how near the m nearest are does not.
    nearest = np.sort(expected)[:m]
    assert_close(got, nearest, what="the m least distances", rtol=0.0, atol=2 * slack)


@given(seeds(), sizes, metrics, dtypes)
@example(0, 5, "cosine", "float32")
@example(3, 9, "euclidean", "float32")
@example(3, 9, "inner_product", "float64")
def test_agrees_with_the_reference(seed: int, n: int, metric: str, dtype: str) -> None:
    """Ids and distances are the reference's, for whole numbers also in every tie."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-3, 4, size=(n, 3)).astype(np.float64)
    query = rng.integers(-3, 4, size=3).astype(np.float64)
    index = BruteForceIndex(3, metric, dtype)
    twin = vector_db.BruteForceIndex(3, metric, dtype)
    assert_equal(index.add(vectors).tolist(), twin.add(vectors).tolist(), "ids")
    ids, distances = index.search(query, n)
    expected, exact = twin.search(query, n)
    # Lengths up to 5.2, products up to 27, in the precision of the dtype.
    eps = float(np.finfo(dtype).eps)
    assert_close(distances, exact, what="the distances", rtol=8 * eps, atol=16 * eps)
    if metric != "cosine":
        assert_equal(ids.tolist(), expected.tolist(), "the ids")


@given(st.lists(whole, min_size=1, max_size=6), metrics)
@example([1.0, 1.0, 1.0], "euclidean")
@example([2.0, 1.0, 2.0, 1.0], "inner_product")
@example([1.0, -1.0, 0.0, 1.0], "euclidean")
def test_ties_are_in_the_order_of_the_ids(places: list[float], metric: str) -> None:
    """Of vectors at one distance the smaller ids come first, however many are cut."""
    index = BruteForceIndex(1, metric, "float64")
    ids = [100 - 7 * number for number in range(len(places))]
    index.add(np.array(places)[:, np.newaxis], ids)
    every = [distance_of(metric, np.ones(1), np.array([place])) for place in places]
    expected = [i for _, i in sorted(zip(every, ids, strict=True))]
    for k in range(1, len(places) + 1):
        got, _ = index.search([1.0], k)
        assert_equal(got.tolist(), expected[:k], f"the ids of the {k} nearest")


@given(st.integers(-9, 9).map(lambda n: n / 4), dtypes)
@example(0.25, "float32")
@example(0.0, "float64")
def test_close_vectors_far_from_zero_keep_their_distance(
    gap: float, dtype: str
) -> None:
    """A small difference of large vectors is exact: nothing is squared before it."""
    base = np.array([2.0**20, -(2.0**20), 2.0**19])
    index = BruteForceIndex(3, "euclidean", dtype)
    index.add(base + np.array([gap, 0.0, 0.0]))
    _, distances = index.search(base)
    assert_equal(float(distances[0]), abs(gap), "the distance")


@given(seeds(), st.integers(0, 4), sizes, metrics)
@example(0, 3, 5, "cosine")
@example(0, 0, 5, "euclidean")
def test_a_batch_is_its_queries(seed: int, q: int, n: int, metric: str) -> None:
    """Row i of search_batch is what search gives for query i."""
    index = BruteForceIndex(4, metric, "float64")
    index.add(draw(seed, n, 4))
    queries = np.random.default_rng(seed).normal(size=(q, 4))
    ids, distances = index.search_batch(queries, 3)
    assert_shape(ids, (q, min(3, n)), "the ids")
    assert_dtype(ids, np.int64, "the ids")
    assert_shape(distances, (q, min(3, n)), "the distances")
    for row, query in enumerate(queries):
        one_id, one_distance = index.search(query, 3)
        assert_close(distances[row], one_distance, what="distances", rtol=1e-12)
        assert_equal(ids[row].tolist(), one_id.tolist(), f"the ids of query {row}")


@given(seeds(), sizes, st.sets(st.integers(0, 14), max_size=8))
@example(0, 6, {1, 4, 13})
@example(0, 6, set())
def test_nothing_outside_the_allowed_is_found(
    seed: int, n: int, allowed: set[int]
) -> None:
    """With `allowed` the answer is that of an index which holds these ids alone."""
    vectors = draw(seed, n, 3)
    index, alone = (BruteForceIndex(3, "euclidean", "float64") for _ in range(2))
    index.add(vectors)
    known = sorted(allowed & {*range(n)})
    alone.add(vectors[known].reshape(-1, 3), known)
    for collection in (allowed, sorted(allowed), tuple(allowed)):
        ids, distances = index.search(vectors[0], 4, collection)
        expected, exact = alone.search(vectors[0], 4)
        assert_equal(ids.tolist(), expected.tolist(), "the ids")
        assert_equal(distances.tolist(), exact.tolist(), "the distances")
    ids, _ = index.search_batch(vectors[:2], 4, allowed)
    assert_shape(ids, (min(2, n), min(4, len(known))), "the ids of a batch")


@given(seeds(), sizes, st.sets(st.integers(0, 11)))
@example(0, 6, {0, 3})
@example(0, 2, {0, 1})
def test_what_is_deleted_is_gone(seed: int, n: int, gone: set[int]) -> None:
    """The answers are those of an index that never held the deleted vectors."""
    vectors = draw(seed, n, 3)
    index, never = (BruteForceIndex(3, "euclidean", "float64") for _ in range(2))
    index.add(vectors)
    left = sorted({*range(n)} - gone)
    never.add(vectors[left].reshape(-1, 3), left)
    assert_equal(index.delete(gone), n - len(left), "how many were deleted")
    ids, distances = index.search(vectors[0], n)
    expected, exact = never.search(vectors[0], n)
    assert_equal(ids.tolist(), expected.tolist(), "the ids")
    assert_equal(distances.tolist(), exact.tolist(), "the distances")


class Machine(StateMachine):
    """An index beside a dictionary of vectors."""

    @initialize(metric=metrics)
    def begin(self, metric: str) -> None:
        self.metric = metric
        self.index = BruteForceIndex(2, metric, "float64")
        self.model: dict[int, Array] = {}
        self.next_id = 0

    @rule(values=st.lists(st.tuples(whole, whole), min_size=1, max_size=3))
    def add(self, values: list[tuple[float, float]]) -> None:
        """Add vectors without ids."""
        ids = self.index.add(np.array(values))
        assert_dtype(ids, np.int64, "the ids of add")
        assert_equal(ids.tolist(), [self.next_id + i for i in range(len(values))])
        self.keep(ids.tolist(), values)

    @rule(value=st.tuples(whole, whole), id_=st.integers(0, 12))
    def add_under(self, value: tuple[float, float], id_: int) -> None:
        """Add one vector under an id, which may be there."""
        if id_ in self.model:
            assert_raises_naming("ids", self.index.add, value, [id_])
        else:
            assert_equal(self.index.add(value, [id_]).tolist(), [id_], "ids of add")
            self.keep([id_], [value])

    @rule(ids=st.sets(st.integers(0, 12), max_size=3))
    def delete(self, ids: set[int]) -> None:
        """Delete some, of which not all need to be there."""
        assert_equal(self.index.delete(ids), len(ids & {*self.model}), "delete")
        for id_ in ids & {*self.model}:
            del self.model[id_]

    @rule(query=st.tuples(whole, whole), k=st.integers(1, 6))
    def search(self, query: tuple[float, float], k: int) -> None:
        """Search, and compare with the dictionary."""
        ids, distances = self.index.search(query, k)
        at = np.array(query)
        every = {i: distance_of(self.metric, at, v) for i, v in self.model.items()}
        assert_equal(len(ids), min(k, len(every)), "the number of ids")
        nearest = np.sort(np.array([*every.values()]))[:k]
        # Whole numbers below 19: a few roundings of numbers near one.
        assert_close(distances, nearest, what="distances", rtol=1e-14, atol=1e-14)
        for id_, distance in zip(ids.tolist(), distances.tolist(), strict=True):
            assert_holds(id_ in every, f"the id {id_} is in the index")
            assert_close(distance, every[id_], rtol=1e-14, atol=1e-14)

    def keep(self, ids: list[int], values: list[tuple[float, float]]) -> None:
        for id_, value in zip(ids, values, strict=True):
            self.model[id_] = np.array(value)
        self.next_id = max([self.next_id, *(id_ + 1 for id_ in ids)])
        assert_equal(len(self.index), len(self.model), "len(index)")
        for id_ in range(13):
            assert_equal(id_ in self.index, id_ in self.model, f"{id_} in index")


def test_agrees_with_a_dictionary() -> None:
    """In any order of additions, deletions and searches no vector is lost or kept."""
    run_machine(Machine)


@given(seeds(), metrics, st.booleans())
@example(0, "cosine", True)
def test_the_index_keeps_copies(seed: int, metric: str, fortran: bool) -> None:
    """Neither the caller's arrays nor what is returned is shared with the index."""
    vectors = draw(seed, 5, 3)
    if fortran:
        vectors = np.asfortranarray(vectors)
    query, ids = vectors[0].copy(), np.arange(5)
    index = BruteForceIndex(3, metric, "float64")
    with unchanged(vectors=vectors, query=query, ids=ids):
        given_ids = index.add(vectors, ids)
        found, distances = (array.copy() for array in index.search(query))
    vectors += 1.0
    ids += 10
    given_ids += 10
    for array in index.search(query):
        array.fill(7)
    again, once_more = index.search(query)
    assert_equal(again.tolist(), found.tolist(), "the ids, afterwards")
    assert_equal(once_more.tolist(), distances.tolist(), "the distances, afterwards")


def test_defaults() -> None:
    """Without arguments: cosine, float32, ten neighbours, ids from 0."""
    index = BruteForceIndex(2)
    assert_equal(len(index), 0, "len(index)")
    ids, distances = index.search([1.0, 0.0])
    assert_shape(ids, (0,), "the ids of an empty index")
    assert_dtype(ids, np.int64, "the ids of an empty index")
    assert_dtype(distances, np.float32, "the distances of an empty index")
    assert_shape(index.search_batch(np.ones((2, 2)))[0], (2, 0), "the ids of a batch")
    assert_equal(index.add([3.0, 4.0]).tolist(), [0], "the first id")
    assert_equal(index.add(np.ones((11, 2))).tolist(), [*range(1, 12)], "the next ids")
    ids, distances = index.search([3.0, 4.0])
    assert_shape(ids, (10,), "the ids")
    assert_dtype(distances, np.float32, "the distances")
    assert_close(float(distances[0]), 0.0, atol=1e-6, what="the least distance")
    assert_shape(index.search_batch([[3.0, 4.0]])[0], (1, 10), "the ids of a batch")


def test_ids_are_never_given_twice() -> None:
    """After the largest id ever added comes the next, also when it was deleted."""
    index = BruteForceIndex(1, "euclidean", "float64")
    index.add([[1.0], [2.0]], [7, 3])
    assert_equal(index.add([[3.0]]).tolist(), [8], "the id after 7 and 3")
    assert_equal(index.delete([8, 8, 99]), 1, "how many were deleted")
    assert_equal(index.add([[4.0]]).tolist(), [9], "the id after 8 was deleted")
    assert_equal(index.add([[5.0]], [8]).tolist(), [8], "8, given again by hand")
    assert_equal(index.add(np.empty((0, 1))).tolist(), [], "the ids of nothing")
    assert_equal(index.add([[6.0]]).tolist(), [10], "the id after that")


def test_bad_input_is_refused() -> None:
    """What has another shape, or no value, raises and leaves the index as it was."""
    for dim in (0, -1):
        assert_raises_naming("dim", BruteForceIndex, dim)
    assert_raises_naming("metric", BruteForceIndex, 2, "manhattan")
    assert_raises_naming("dtype", BruteForceIndex, 2, "cosine", "int64")
    index = BruteForceIndex(2, "euclidean", "float64")
    index.add([[1.0, 2.0], [3.0, 4.0]])
    for bad in ([1.0], [[1.0, 2.0, 3.0]], [[[1.0, 2.0]]], [1.0, np.nan], [np.inf, 1.0]):
        assert_raises_naming("vectors", index.add, bad)
    for bad in ([1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [np.nan, 1.0], [1.0, -np.inf]):
        assert_raises_naming("query", index.search, bad)
    for bad in ([1.0, 2.0], [[1.0]], [[1.0, np.nan]]):
        assert_raises_naming("queries", index.search_batch, bad)
    two = [[5.0, 6.0], [7.0, 8.0]]
    for ids in ([4], [4, 5, 6], [4, 4], [-1, 4], [1, 4], [4, 0], 4, [[4, 5]]):
        assert_raises_naming("ids", index.add, two, ids)
    for k in (0, -1):
        assert_raises_naming("k", index.search, [1.0, 2.0], k)
        assert_raises_naming("k", index.search_batch, [[1.0, 2.0]], k)
    assert_equal(index.search([0.0, 0.0])[0].tolist(), [0, 1], "the ids afterwards")
    assert_equal(index.add([0.0, 0.0]).tolist(), [2], "the next id afterwards")
