import math

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
from katas.vector_search.lsh_index import LSH
from reference.production import vector_db

Array = NDArray[np.float32]

sizes = st.integers(1, 12)
dims = st.integers(1, 5)
tables = st.integers(1, 4)
bits = st.integers(1, 5)


def draw(seed: int, n: int, dim: int) -> Array:
    """Return vectors of many lengths; the last one is the first, made longer."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim)) * 10.0 ** rng.integers(-2, 3, size=(n, 1))
    vectors[n - 1] = 2 * vectors[0]
    return vectors.astype(np.float32)


def keys_of(vector: Array, n_tables: int, n_bits: int, seed: int) -> list[list[bool]]:
    """Return the bits of a vector in each table, plane by plane."""
    shape = (n_tables, n_bits, vector.size)
    planes = np.random.default_rng(seed).standard_normal(shape)
    return [[bool(np.sum(r * vector) >= 0) for r in table] for table in planes]


def distance_of(query: Array, vector: Array) -> float:
    """Follow the definition in float64."""
    q, v = query.astype(np.float64), vector.astype(np.float64)
    lengths = float(np.sqrt((q**2).sum() * (v**2).sum()))
    return 1.0 if lengths == 0 else 1.0 - float((q * v).sum()) / lengths


def assert_ranked(
    found: tuple[NDArray[np.int64], Array], query: Array, vectors: dict[int, Array]
) -> None:
    """Check that what was found are the nearest of ``vectors`` in order."""
    ids, distances = found
    assert_dtype(ids, np.int64, "the ids")
    assert_dtype(distances, np.float32, "the distances")
    assert_shape(distances, ids.shape, "the distances")
    assert_equal(len({*ids.tolist()} & {*vectors}), len(ids), "ids that are candidates")
    assert_holds(bool((np.diff(distances) >= 0).all()), "the distances ascend")
    # A sum of up to five products in float32, over a product of lengths.
    every = np.array([distance_of(query, vectors[id_]) for id_ in ids.tolist()])
    got = distances.astype(np.float64)
    assert_close(got, every, what="the distances of these ids", rtol=0.0, atol=4e-6)
    nearest = np.sort([distance_of(query, vector) for vector in vectors.values()])
    least = nearest[: len(ids)]
    assert_close(got, least, what="the least distances", rtol=0.0, atol=8e-6)


@given(seeds(), sizes, dims, tables, bits)
@example(0, 12, 3, 4, 3)
@example(1, 8, 2, 1, 5)
@example(2, 12, 4, 3, 1)
def test_candidates_share_a_bucket(
    seed: int, n: int, dim: int, n_tables: int, n_bits: int
) -> None:
    """An id is a candidate where all bits of some table are those of the query."""
    vectors = draw(seed, n, dim)
    query = draw(seed + 1, 1, dim)[0]
    index = LSH(dim, n_tables, n_bits, seed % 7)
    index.add(vectors)
    asked = keys_of(query, n_tables, n_bits, seed % 7)
    expected = {
        place
        for place, vector in enumerate(vectors)
        if any(
            mine == theirs
            for mine, theirs in zip(
                keys_of(vector, n_tables, n_bits, seed % 7), asked, strict=True
            )
        )
    }
    assert_equal(index.candidates(query), expected, "the candidates")


@given(seeds(), sizes, dims, tables, bits)
@example(0, 12, 3, 4, 3)
def test_candidates_agree_with_the_reference(
    seed: int, n: int, dim: int, n_tables: int, n_bits: int
) -> None:
    """The planes come from the seed as stated, so that the candidates are certain."""
    vectors = draw(seed, n, dim)
    index = LSH(dim, n_tables, n_bits, seed)
    twin = vector_db.LSH(dim, n_tables, n_bits, seed)
    assert_equal(index.add(vectors).tolist(), twin.add(vectors).tolist(), "the ids")
    for query in draw(seed + 1, 3, dim):
        assert_equal(index.candidates(query), twin.candidates(query), "the candidates")


@given(seeds(), dims, st.sampled_from([0.25, 3.0, 1024.0]))
@example(0, 3, 3.0)
def test_a_direction_meets_itself_and_never_its_opposite(
    seed: int, dim: int, factor: float
) -> None:
    """A longer vector of the same direction is a candidate, the opposite one is not."""
    (vector,) = draw(seed, 1, dim)
    index = LSH(dim, 3, 4, seed)
    index.add(np.array([factor * vector, -vector]))
    assert_equal(index.candidates(vector), {0}, "the candidates")
    ids, distances = index.search(vector)
    assert_equal(ids.tolist(), [0], "the ids")
    assert_close(float(distances[0]), 0.0, what="the distance", atol=1e-6)


@given(st.sampled_from([0.25, 0.5, 0.75]), st.integers(0, 1000))
@example(0.5, 0)
def test_bits_agree_as_often_as_the_angle_says(part: float, first: int) -> None:
    """Vectors at the angle θ share one bit with probability 1 − θ/π."""
    angle = part * math.pi
    turned = [math.cos(angle), math.sin(angle), 0.0]
    met = 0
    for seed in range(first, first + 100):
        index = LSH(3, 1, 1, seed)
        index.add([1.0, 0.0, 0.0])
        met += len(index.candidates(turned))
    # Five standard deviations of a binomial count of 100.
    slack = 5 * math.sqrt(100 * part * (1 - part))
    claim = f"{100 * (1 - part):g} ± {slack:.0f} of 100 planes agree"
    assert_holds(abs(met - 100 * (1 - part)) <= slack, claim, actual=met)


@given(seeds(), tables)
@example(0, 3)
def test_more_tables_lose_nothing(seed: int, n_tables: int) -> None:
    """A table more adds candidates and takes none away."""
    vectors = draw(seed, 12, 4)
    few, more = LSH(4, n_tables, 3, seed), LSH(4, n_tables + 1, 3, seed)
    few.add(vectors)
    more.add(vectors)
    query = draw(seed + 1, 1, 4)[0]
    less = few.candidates(query) - more.candidates(query)
    assert_equal(less, set(), "candidates that are lost")


@given(seeds(), st.integers(1, 60), dims, st.integers(1, 12))
@example(0, 60, 3, 5)
@example(0, 60, 2, 12)
@example(1, 1, 2, 1)
def test_candidates_are_ranked_exactly(seed: int, n: int, dim: int, k: int) -> None:
    """The k nearest of the candidates come in order, or all if they are fewer."""
    vectors = draw(seed, n, dim)
    query = draw(seed + 1, 1, dim)[0]
    index = LSH(dim, 2, 2, seed)
    index.add(vectors)
    near = {id_: vectors[id_] for id_ in index.candidates(query)}
    ids, distances = index.search(query, k)
    assert_shape(ids, (min(k, len(near)),), "the ids")
    assert_ranked((ids, distances), query, near)


def test_nothing_but_candidates_is_looked_at() -> None:
    """Most vectors are no candidates, and where nobody is, nothing is found."""
    index = LSH(3, 2, 6, 0)
    vectors = draw(0, 200, 3)
    index.add(vectors)
    sizes = [len(index.candidates(query)) for query in draw(1, 50, 3)]
    claim = "an average query has fewer than half of the vectors as candidates"
    assert_holds(sum(sizes) < 50 * 100, claim, actual=sum(sizes) / 50)
    lonely = LSH(3, 2, 6, 0)
    lonely.add([1.0, 2.0, 3.0])
    ids, distances = lonely.search([-1.0, -2.0, -3.0])
    assert_shape(ids, (0,), "the ids")
    assert_shape(distances, (0,), "the distances")
    assert_dtype(ids, np.int64, "the ids")
    assert_dtype(distances, np.float32, "the distances")


def test_equal_vectors_are_in_the_order_of_their_ids() -> None:
    """Ties come by id, whatever the order in which they were added."""
    index = LSH(2, 1, 1, 0)
    ids = [40, 7, 300, 12, 5, 0, 1000]
    index.add([[3.0, 4.0]] * len(ids), ids)
    for k in (1, 3, 7):
        assert_equal(index.search([3.0, 4.0], k)[0].tolist(), sorted(ids)[:k])


def test_the_zero_vector_has_a_place() -> None:
    """⟨r, 0⟩ = 0 counts as the side ≥ 0, and the distance of the zero vector is 1."""
    for seed in range(8):
        index = LSH(2, 1, 1, seed)
        index.add([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
        plane = np.random.default_rng(seed).standard_normal(2)
        expected = {0, 1 if plane[0] >= 0 else 2}
        assert_equal(index.candidates([0.0, 0.0]), expected, "the candidates of zero")
        distances = index.search([0.0, 0.0])[1]
        assert_equal(distances.tolist(), [1.0, 1.0], "the distances to zero")


@given(seeds(), sizes, st.sets(st.integers(0, 11)))
@example(0, 6, {0, 3})
def test_what_is_deleted_is_no_candidate(seed: int, n: int, gone: set[int]) -> None:
    """The candidates are those of an index that never held the deleted vectors."""
    vectors = draw(seed, n, 3)
    index = LSH(3, 2, 2, seed)
    index.add(vectors)
    before = index.candidates(vectors[0])
    assert_equal(index.delete(gone), len(gone & {*range(n)}), "how many were deleted")
    assert_equal(index.candidates(vectors[0]), before - gone, "the candidates")
    assert_equal(len(index), n - len(gone & {*range(n)}), "len(index)")


class Machine(StateMachine):
    """An index beside a dictionary of vectors."""

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.index = LSH(2, 2, 2, seed)
        self.seed = seed
        self.model: dict[int, Array] = {}
        self.next_id = 0

    @rule(n=st.integers(0, 3))
    def add(self, n: int) -> None:
        """Add vectors without ids."""
        vectors = self.rng.normal(size=(n, 2)).astype(np.float32)
        ids = self.index.add(vectors)
        assert_dtype(ids, np.int64, "the ids of add")
        assert_equal(ids.tolist(), [self.next_id + i for i in range(n)], "ids of add")
        self.model |= dict(zip(ids.tolist(), vectors, strict=True))
        self.next_id += n

    @rule(id_=st.integers(0, 9))
    def add_under(self, id_: int) -> None:
        """Add one vector under an id, which may be there."""
        vector = self.rng.normal(size=2).astype(np.float32)
        if id_ in self.model:
            assert_raises_naming("ids", self.index.add, vector, [id_])
        else:
            assert_equal(self.index.add(vector, [id_]).tolist(), [id_], "ids of add")
            self.model[id_] = vector
            self.next_id = max(self.next_id, id_ + 1)

    @rule(ids=st.sets(st.integers(0, 9), max_size=3))
    def delete(self, ids: set[int]) -> None:
        """Delete some, of which not all need to be there."""
        assert_equal(self.index.delete(ids), len(ids & {*self.model}), "delete")
        self.model = {i: v for i, v in self.model.items() if i not in ids}

    @rule()
    def search(self) -> None:
        """Search, and compare with the dictionary."""
        query = self.rng.normal(size=2).astype(np.float32)
        asked = keys_of(query, 2, 2, self.seed)
        near = {}
        for id_, vector in self.model.items():
            mine = keys_of(vector, 2, 2, self.seed)
            if mine[0] == asked[0] or mine[1] == asked[1]:
                near[id_] = vector
        assert_equal(len(self.index), len(self.model), "len(index)")
        assert_equal(self.index.candidates(query), {*near}, "the candidates")
        assert_ranked(self.index.search(query, 4), query, near)


def test_agrees_with_a_dictionary() -> None:
    """In any order of additions and deletions each bucket holds whom it should."""
    run_machine(Machine)


@given(seeds())
@example(0)
def test_the_index_keeps_copies(seed: int) -> None:
    """Neither the caller's arrays nor what is returned is shared with the index."""
    vectors, query = draw(seed, 5, 3), draw(seed, 5, 3)[0]
    ids = np.arange(5)
    index = LSH(3, 2, 2, seed)
    with unchanged(vectors=vectors, query=query, ids=ids):
        given_ids = index.add(vectors, ids)
        found, distances = (array.copy() for array in index.search(query))
    known = index.candidates(query)
    vectors += 100.0
    ids += 10
    given_ids += 10
    index.candidates(query).clear()
    again, once_more = index.search(query)
    assert_equal(index.candidates(query), known, "the candidates, afterwards")
    assert_equal(again.tolist(), found.tolist(), "the ids, afterwards")
    assert_equal(once_more.tolist(), distances.tolist(), "the distances, afterwards")


def test_defaults() -> None:
    """Without arguments: eight tables of twelve bits under seed 0, ten neighbours."""
    vectors = draw(0, 400, 2)
    index, stated = LSH(2), LSH(2, 8, 12, 0)
    index.add(vectors)
    stated.add(vectors)
    for query in draw(1, 20, 2):
        assert_equal(index.candidates(query), stated.candidates(query), "candidates")
    index.add([[1.0, 1.0]] * 11)
    assert_equal(len(index.search([1.0, 1.0])[0]), 10, "the number found")
    kinds = {type(id_) for id_ in index.candidates([1.0, 1.0])}
    assert_equal(kinds == {int}, True, "whether candidates are plain integers")


def test_ids_are_never_given_twice() -> None:
    """After the largest id ever added comes the next, also when it was deleted."""
    index = LSH(1, 1, 1)
    index.add([[1.0], [2.0]], [7, 3])
    assert_equal(index.add([[3.0]]).tolist(), [8], "the id after 7 and 3")
    assert_equal(index.delete([8, 8, 99]), 1, "how many were deleted")
    assert_equal(index.add([[4.0]]).tolist(), [9], "the id after 8 was deleted")
    assert_equal(index.add([[5.0]], [8]).tolist(), [8], "8, given again by hand")
    assert_equal(index.candidates([1.0]), {3, 7, 8, 9}, "the candidates")


def test_bad_input_is_refused() -> None:
    """What has another shape, or no value, raises and leaves the index as it was."""
    for bad in (0, -1):
        assert_raises_naming("dim", LSH, bad)
        assert_raises_naming("n_tables", LSH, 2, bad)
        assert_raises_naming("n_bits", LSH, 2, 2, bad)
    index = LSH(2, 1, 1)
    two = [[1.0, 2.0], [1.0, 2.0]]
    index.add(two)
    cube = [two]
    for bad in ([1.0], [[1.0, 2.0, 3.0]], cube, [1.0, np.nan], [np.inf, 1.0]):
        assert_raises_naming("vectors", index.add, bad)
    for bad in (
        [1.0],
        [1.0, 2.0, 3.0],
        [[1.0, 2.0]],
        two,
        [np.nan, 1.0],
        [1.0, -np.inf],
    ):
        assert_raises_naming("query", index.search, bad)
        assert_raises_naming("query", index.candidates, bad)
    for ids in ([4], [4, 5, 6], [4, 4], [-1, 4], [1, 4], [4, 0], 4, [[4, 5]]):
        assert_raises_naming("ids", index.add, two, ids)
    for k in (0, -1):
        assert_raises_naming("k", index.search, [1.0, 2.0], k)
    assert_equal(index.candidates([1.0, 2.0]), {0, 1}, "the candidates afterwards")
    assert_equal(index.add([0.0, 0.0]).tolist(), [2], "the next id afterwards")
