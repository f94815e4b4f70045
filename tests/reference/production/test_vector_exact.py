"""BruteForceIndex beside scikit-learn and NumPy, and what every kind promises."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import pairwise_distances

from reference.production.vector_db import BruteForceIndex, VectorIndex
from reference.production.vector_db.exact import nearest
from reference.production.vector_db.metrics import METRICS, PRODUCT, SQUARED

Array = NDArray[np.float64]
KINDS: list[tuple[str, str, dict[str, object]]] = [
    ("brute_force", "cosine", {}),
    ("brute_force", "euclidean", {}),
    ("brute_force", "inner_product", {}),
    ("lsh", "cosine", {"n_bits": 1, "n_tables": 12}),
    ("lsh", "euclidean", {"n_bits": 1, "n_tables": 4, "width": 1e6}),
    ("hnsw", "cosine", {"M": 4}),
    ("hnsw", "euclidean", {"M": 4}),
    ("hnsw", "inner_product", {"M": 4}),
]
every_kind = pytest.mark.parametrize(("kind", "metric", "options"), KINDS)


def make(
    kind: str, metric: str, options: dict[str, object], dim: int = 3
) -> VectorIndex:
    return VectorIndex.create(kind, dim, metric, dtype="float64", **options)


def distances_of(queries: Array, vectors: Array, metric: str) -> Array:
    if metric == "inner_product":
        return -queries @ vectors.T
    result: Array = pairwise_distances(queries, vectors, metric=metric)
    return result


# Float32 has 24 bits: sums of 20 products lose some four of them.
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)]
)
@pytest.mark.parametrize("metric", METRICS)
def test_brute_force_beside_scikit_learn(
    metric: str, dtype: str, tolerance: float
) -> None:
    generator = np.random.default_rng(1)
    vectors, queries = generator.normal(size=(2, 700, 20)).astype(dtype)
    # On both sides of the threshold between NumPy and the compiled loops.
    for count in (30, 700):
        index = BruteForceIndex(20, metric, dtype)
        index.add(vectors)
        ids, distances = index.search_batch(queries[:count], 8)
        assert ids.dtype == np.int64
        assert distances.dtype == dtype
        expected = distances_of(
            queries[:count].astype(float), vectors.astype(float), metric
        )
        best = np.sort(expected, axis=1)[:, :8]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(distances, best, rtol=0, atol=tolerance * scale)
        told = np.take_along_axis(expected, ids, axis=1)
        np.testing.assert_allclose(told, best, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("what", [SQUARED, PRODUCT])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_compiled_and_plain_agree(what: int, dtype: str, offset: float) -> None:
    """Far from zero the estimates have no digits left, and still rule out nothing."""
    generator = np.random.default_rng(2)
    # Integers: both ways are exact, equal distances abound, and so do duplicates.
    whole = generator.integers(-3, 4, size=(5000, 4)) + offset
    vectors, queries = whole.astype(dtype), whole[:9].astype(dtype)
    labels = generator.permutation(5000)
    norms = np.square(vectors).sum(axis=1)
    for count in (1, 9):
        for k in (1, 10, 5000):
            arguments = vectors, labels, norms, queries[:count], k, what
            plain = nearest(*arguments, large=10**9)
            compiled = nearest(*arguments, large=0)
            np.testing.assert_array_equal(plain[0], compiled[0])
            np.testing.assert_array_equal(plain[1], compiled[1])


@every_kind
def test_empty(kind: str, metric: str, options: dict[str, object]) -> None:
    index = make(kind, metric, options)
    ids, distances = index.search([1, 2, 3], 5)
    assert ids.shape == distances.shape == (0,)
    ids, distances = index.search_batch(np.ones((4, 3)), 5)
    assert ids.shape == distances.shape == (4, 0)
    assert len(index) == 0
    assert 0 not in index
    assert index.delete([0]) == 0
    assert index.add(np.empty((0, 3))).shape == (0,)
    index.add([1, 0, 0])
    ids, _ = index.search_batch(np.empty((0, 3)), 5)
    assert ids.shape == (0, 1)
    ids, _ = index.search([1, 0, 0], 5, allowed=[])
    assert ids.shape == (0,)


@every_kind
def test_more_than_there_are(
    kind: str, metric: str, options: dict[str, object]
) -> None:
    index = make(kind, metric, options)
    assert index.add(np.eye(3)).tolist() == [0, 1, 2]
    ids, distances = index.search([3, 2, 1], 10)
    assert ids.tolist() == [0, 1, 2]
    assert (np.diff(distances) > 0).all()


@every_kind
def test_ids(kind: str, metric: str, options: dict[str, object]) -> None:
    index = make(kind, metric, options)
    assert index.add([1, 0, 0], ids=7).tolist() == [7]
    assert index.add([[0, 1, 0], [0, 0, 1]]).tolist() == [8, 9]
    assert index.delete(9) == 1
    # A number that was given once is not given again by itself.
    assert index.add([0, 0, 1]).tolist() == [10]
    assert index.add([0, 0, 2], ids=[9]).tolist() == [9]
    assert index.delete({7, 8, 99}) == 2
    assert sorted(index.search([1, 1, 1], 9)[0].tolist()) == [9, 10]
    assert 7 not in index
    assert 9 in index
    assert np.int64(10) in index
    assert "9" not in index


@every_kind
def test_ties_by_id(kind: str, metric: str, options: dict[str, object]) -> None:
    index = make(kind, metric, options)
    ids = [5, 3, 9, 1, 4]
    index.add(np.tile([1.0, 2.0, 3.0], (5, 1)), ids)
    assert index.search([1, 2, 3], 3)[0].tolist() == [1, 3, 4]
    assert index.search([1, 2, 3], 3, allowed=[9, 5, 4])[0].tolist() == [4, 5, 9]
    assert index.delete([1, 4]) == 2
    assert index.search([1, 2, 3], 9)[0].tolist() == [3, 5, 9]


@every_kind
def test_zero_vectors(kind: str, metric: str, options: dict[str, object]) -> None:
    index = make(kind, metric, options)
    index.add([[0.0, 0.0, 0.0], [-0.0, 0.0, 0.0], [1.0, 2.0, 2.0]])
    ids, distances = index.search([0, 0, 0], 3)
    if metric == "euclidean":
        np.testing.assert_array_equal(distances, [0, 0, 3])
    elif kind != "lsh":
        np.testing.assert_array_equal(distances, [1 if metric == "cosine" else 0] * 3)
    assert ids[:2].tolist() == [0, 1]


@every_kind
def test_filters(kind: str, metric: str, options: dict[str, object]) -> None:
    index = make(kind, metric, options)
    vectors = np.random.default_rng(3).normal(size=(300, 3))
    index.add(vectors)
    odd = set(range(1, 300, 2))
    query = vectors[4] * 0.9
    expected = distances_of(query[None], vectors, metric)[0]
    ids, distances = index.search(query, 20, odd | {999})
    assert set(ids.tolist()) <= odd
    assert len(ids) == 20
    np.testing.assert_allclose(distances, expected[ids], atol=1e-14)
    if kind != "lsh":
        best = np.sort(expected[1::2])[:20]
        np.testing.assert_allclose(distances, best, atol=1e-14)


@every_kind
def test_bad_arguments_change_nothing(
    kind: str, metric: str, options: dict[str, object]
) -> None:
    index = make(kind, metric, options)
    index.add(np.eye(3))
    wrong: list[tuple[ArrayLike, list[int] | None]] = [
        (np.ones((2, 4)), None),
        (np.ones(2), None),
        (np.ones((1, 1, 3)), None),
        ([[1.0, 2.0, np.nan]], None),
        ([[1.0, 2.0, 3.0], [1.0, 2.0, np.inf]], None),
        (np.ones((2, 3)), [5, 5]),
        (np.ones((2, 3)), [5, 2]),
        (np.ones((2, 3)), [5, -1]),
        (np.ones((2, 3)), [5]),
        (np.ones((1, 3)), [2**63 - 1]),
    ]
    for vectors, ids in wrong:
        with pytest.raises(ValueError, match=r"^(vectors|ids) must be"):
            index.add(vectors, ids)
    with pytest.raises(TypeError, match=r"^ids must be"):
        index.add(np.ones((1, 3)), [1.5])
    with pytest.raises(TypeError, match=r"^vectors must be"):
        index.add([["a", "b", "c"]])
    assert len(index) == 3
    assert index.add([1, 1, 1]).tolist() == [3]
    for query in ([1, 2], [[1, 2, 3]], [1, 2, np.nan]):
        with pytest.raises(ValueError, match=r"^query must be"):
            index.search(query)
    with pytest.raises(ValueError, match=r"^queries must be"):
        index.search_batch([1, 2, 3])
    for k in (0, -1):
        with pytest.raises(ValueError, match=r"^k must be"):
            index.search([1, 2, 3], k)
    with pytest.raises(TypeError, match=r"^k must be"):
        index.search([1, 2, 3], 1.5)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match=r"^allowed must be"):
        index.search([1, 2, 3], 1, ["a"])  # type: ignore[list-item]  # on purpose


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_and_tiny(dtype: str) -> None:
    largest = float(np.finfo(dtype).max)
    index = BruteForceIndex(2, "cosine", dtype)
    index.add([[largest, largest], [1e-30, 0], [-largest, 0]])
    ids, distances = index.search([0, 1e-30], 3)
    assert ids.tolist() == [0, 1, 2]
    np.testing.assert_allclose(distances, [1 - 2**-0.5, 1, 1], rtol=1e-6)
    long = BruteForceIndex(2, "euclidean", dtype)
    with pytest.raises(ValueError, match=r"^vectors must be vectors of length"):
        long.add([largest / 2, 0])
    with pytest.raises(ValueError, match=r"^vectors must be"):
        BruteForceIndex(2, "euclidean", "float32").add([1e300, 0])


def test_what_it_was_given_is_copied() -> None:
    vectors = np.eye(3, dtype=np.float32)
    index = BruteForceIndex(3, "euclidean")
    index.add(vectors)
    vectors[:] = 7
    assert index.search([1, 0, 0], 1)[1].tolist() == [0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_layout_and_type(dtype: str) -> None:
    whole = np.random.default_rng(4).integers(-9, 9, size=(40, 6))
    expected = None
    for form in (
        whole,
        whole.tolist(),
        np.asfortranarray(whole, dtype=float),
        np.asfortranarray(whole, dtype=np.float32),
        np.repeat(whole, 2, axis=1)[:, ::2].astype(np.int8),
    ):
        index = BruteForceIndex(6, "euclidean", dtype)
        index.add(form)
        ids, distances = index.search_batch(form, 3)
        assert ids.flags.c_contiguous
        expected = (ids, distances) if expected is None else expected
        np.testing.assert_array_equal(ids, expected[0])
        np.testing.assert_array_equal(distances, expected[1])
    loaded = index._vectors(np.asfortranarray(whole, dtype=float), "vectors")
    assert loaded.flags.c_contiguous


def test_create() -> None:
    with pytest.raises(
        ValueError, match=r"^kind must be one of brute_force, hnsw, lsh"
    ):
        VectorIndex.create("flat", 3)
    with pytest.raises(ValueError, match=r"^metric must be one of"):
        VectorIndex.create("hnsw", 3, "manhattan")
    with pytest.raises(ValueError, match=r"^dtype must be one of"):
        VectorIndex.create("hnsw", 3, dtype="float16")
    with pytest.raises(ValueError, match=r"^dim must be"):
        VectorIndex.create("lsh", 0)
    with pytest.raises(TypeError, match="n_trees"):
        VectorIndex.create("lsh", 3, n_trees=4)
    with pytest.raises(ValueError, match=r"^metric must be cosine or euclidean"):
        VectorIndex.create("lsh", 3, "inner_product")


@pytest.mark.parametrize("metric", ["euclidean", "inner_product"])
@pytest.mark.parametrize(
    ("dtype", "least"), [("float32", 1.0842022e-19), ("float64", 1.4916682e-154)]
)
def test_vectors_whose_squares_underflow(metric: str, dtype: str, least: float) -> None:
    """All distances would be zero: the length is the root of the least normal."""
    index = BruteForceIndex(2, metric, dtype)
    index.add(np.array([[0, 0], [-0.0, 0], [least, 0], [0, 3 * least]]))
    ids, distances = index.search([0, -4 * least], 4)
    assert ids.tolist() == [0, 1, 2, 3]
    assert distances[-1] > max(distances[:-1])
    # the last one is zero in float32, and its square is in float64
    for short in (0.7 * least, 1e-5 * least, 1e-300):
        with pytest.raises(ValueError, match=r"^vectors must be .* length 0 or"):
            index.add(np.array([[1, 0], [0, -short]]))
        with pytest.raises(ValueError, match=r"^query must be .* length 0 or"):
            index.search([0, short])
    with pytest.raises(ValueError, match=r"^vectors must be .* length 0 or"):
        index.add(np.array([0.7 * least, 0], dtype))
    assert len(index) == 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cosine_knows_no_length(dtype: str) -> None:
    index = BruteForceIndex(2, "cosine", dtype)
    lengths = [1e-300, 1e-60, 1e-20, 1.0, 1e20, 1e300]
    index.add([[length, 0.0] for length in lengths])
    for length in lengths:
        for query, distance in (([length, 0], 0), ([0, length], 1), ([-length, 0], 2)):
            assert index.search(query, 9)[1].tolist() == [distance] * len(lengths)


def test_where_machine_code_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only installation without a home folder: compiled for this process."""
    from reference.production.vector_db.compiling import kernel

    def double(value: int) -> int:
        return 2 * value

    place = "numba.core.caching.CacheImpl._locator_classes"
    monkeypatch.setattr(place, [])
    assert kernel(double)(21) == 42
