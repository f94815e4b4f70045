"""Nearest neighbours against scikit-learn and against exact integer arithmetic.

Distances are sums of d terms and a square root: a relative error of about d·eps, so
1e-12 for the sizes here. Scikit-learn subtracts in ‖a‖² − 2a·b + ‖b‖², which loses more
for close points; the continuous data keep points apart.
"""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from reference.ml.classical import KNNScratch, neighbours
from reference.ml.classical.neighbours import METRICS, nearest

Array = NDArray[np.float64]
# The first example may compile or import; a deadline would judge that.
unhurried = settings(deadline=None)
NEVER = 10**12


def data(seed: int = 0, n: int = 150, d: int = 4) -> tuple[Array, NDArray[Any], Array]:
    generator = np.random.default_rng(seed)
    labels = generator.choice(np.array(["ash", "beech", "oak"]), n)
    return generator.normal(size=(n, d)), labels, generator.normal(size=(40, d))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("k", [1, 2, 5, 150])
def test_agrees_with_scikit_learn(metric: str, weights: str, k: int) -> None:
    X, y, queries = data()
    ours = KNNScratch(k, metric, weights).fit(X, y)
    theirs = KNeighborsClassifier(
        k, metric=metric, weights=weights, algorithm="brute"
    ).fit(X, y)
    distances, indices = ours.kneighbors(queries)
    expected_distances, expected_indices = theirs.kneighbors(queries)
    assert indices.dtype == np.intp
    assert np.array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected_distances, 1e-9, 1e-12)
    share = theirs.predict_proba(queries)
    np.testing.assert_allclose(ours.predict_proba(queries), share, 1e-9, 1e-12)
    # Where both classes of a tie are right, the two may differ.
    clear = np.diff(np.sort(share, axis=1)[:, -2:], axis=1)[:, 0] > 1e-9
    assert clear.any()
    predicted = ours.predict(queries)
    assert predicted.dtype == y.dtype
    assert np.array_equal(predicted[clear], theirs.predict(queries)[clear])


grids = st.tuples(
    st.integers(1, 12), st.integers(0, 4), st.integers(1, 3), st.data()
).map(
    lambda sizes: (
        sizes[3].draw(
            arrays(np.int64, (sizes[0], sizes[2]), elements=st.integers(-3, 3))
        ),
        sizes[3].draw(
            arrays(np.int64, (sizes[1], sizes[2]), elements=st.integers(-3, 3))
        ),
        sizes[3].draw(st.integers(1, sizes[0])),
    )
)


@unhurried
@given(grids, st.sampled_from(["euclidean", "manhattan"]), st.sampled_from([0, NEVER]))
def test_ties_go_to_the_lower_index(
    grid: tuple[NDArray[np.int64], NDArray[np.int64], int], metric: str, large: int
) -> None:
    """On a grid squares and absolute differences are exact, and ties are frequent."""
    training, queries, k = grid
    distances, indices = nearest(
        queries.astype(float), training.astype(float), k, metric, large
    )
    assert distances.shape == indices.shape == (len(queries), k)
    for query, row, found in zip(queries, indices, distances, strict=True):
        power = 2 if metric == "euclidean" else 1
        exact = [int((abs(point - query) ** power).sum()) for point in training]
        expected = sorted(range(len(training)), key=lambda i: (exact[i], i))[:k]
        assert row.tolist() == expected
        root = [exact[i] ** (1.0 / power) for i in expected]
        np.testing.assert_allclose(found, root, 1e-15)


@unhurried
@given(grids, st.sampled_from([0, NEVER]))
def test_cosine_of_parallel_and_of_zero_vectors(
    grid: tuple[NDArray[np.int64], NDArray[np.int64], int], large: int
) -> None:
    """Half the squared chord differs from 1 − cos by a few eps."""
    training, queries, _ = grid
    distances, indices = nearest(
        queries.astype(float), training.astype(float), len(training), "cosine", large
    )
    for query, row, found in zip(queries, indices, distances, strict=True):
        length = np.linalg.norm(query) * np.linalg.norm(training, axis=1)
        similarity = (training @ query) / np.where(length == 0.0, 1.0, length)
        np.testing.assert_allclose(found, 1.0 - similarity[row], atol=1e-14)
        assert (found >= 0.0).all()
        for distance, index in zip(found, row, strict=True):
            if np.array_equal(3 * training[index], query) and query.any():
                assert distance == 0.0


def test_close_points_do_not_cancel() -> None:
    """Far from the origin ‖a‖² − 2a·b + ‖b‖² would lose every digit."""
    training = np.array([[1e8, 0.0], [1e8 + 1.0, 0.0], [1e8 + 2.0, 0.0]])
    distances, indices = KNNScratch(3).fit(training, [0, 1, 2]).kneighbors([[1e8, 0.5]])
    assert indices.tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(distances[0], np.sqrt([0.25, 1.25, 4.25]), 1e-15)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("exponent", [-900, -300, 300, 1000])
def test_magnitude_changes_nothing(metric: str, weights: str, exponent: int) -> None:
    X, y, queries = data()
    plain = KNNScratch(3, metric, weights).fit(X, y)
    scaled = KNNScratch(3, metric, weights).fit(np.ldexp(X, exponent), y)
    distances, indices = plain.kneighbors(queries)
    found, where = scaled.kneighbors(np.ldexp(queries, exponent))
    assert np.array_equal(where, indices)
    expected = distances if metric == "cosine" else np.ldexp(distances, exponent)
    assert np.array_equal(found, expected)
    assert np.array_equal(
        scaled.predict_proba(np.ldexp(queries, exponent)), plain.predict_proba(queries)
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "k"), [(1, 1), (300, 7), (300, 300)])
def test_compiled_search_gives_the_same_bits(metric: str, n: int, k: int) -> None:
    X, _, _ = data(n=n, d=9)
    queries = np.vstack([data(seed=1, d=9)[2], X[:5], np.zeros((1, 9))])
    small = nearest(queries, np.vstack([X, X[::2]]), k, metric, NEVER)
    large = nearest(queries, np.vstack([X, X[::2]]), k, metric, 0)
    assert np.array_equal(small[0], large[0])
    assert np.array_equal(small[1], large[1])


def test_a_large_search_is_compiled_and_agrees_with_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    X, queries = generator.normal(size=(5000, 16)), generator.normal(size=(300, 16))
    y = generator.integers(0, 4, 5000)
    assert queries.size * len(X) >= neighbours._LARGE
    theirs = KNeighborsClassifier(algorithm="brute").fit(X, y)
    ours = KNNScratch().fit(X, y)
    assert np.array_equal(
        ours.kneighbors(queries)[1], theirs.kneighbors(queries, return_distance=False)
    )
    assert np.array_equal(ours.predict(queries), theirs.predict(queries))


def test_the_distance_matrix_is_held_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    X, queries = generator.normal(size=(1000, 2)), generator.normal(size=(1003, 2))
    whole = nearest(queries, X, 3, "euclidean", NEVER)
    monkeypatch.setattr(neighbours, "_BLOCK", 10_000)
    tracemalloc.start()
    blocked = nearest(queries, X, 3, "euclidean", NEVER)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(whole[0], blocked[0])
    assert np.array_equal(whole[1], blocked[1])
    # A tenth of the whole matrix holds the block, its temporaries and the results.
    assert peak < 0.1 * 8 * len(X) * len(queries)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_equal_votes_go_to_the_smallest_label(weights: str) -> None:
    X = [[-1.0], [1.0], [2.0], [-2.0]]
    model = KNNScratch(4, weights=weights).fit(X, ["b", "a", "b", "a"])
    assert model.predict([[0.0]]).tolist() == ["a"]
    assert model.predict_proba([[0.0]]).tolist() == [[0.5, 0.5]]


def test_votes_equal_but_for_rounding_go_to_the_smallest_label() -> None:
    """One at 1/10 against ten at 1: the sum of ten rounded weights is the same vote."""
    X = np.array([0.1] + [-1.0] * 10)[:, np.newaxis]
    model = KNNScratch(11, weights="distance").fit(X, [1] + [0] * 10)
    assert model.predict([[0.0]]).tolist() == [0]


def test_only_neighbours_at_distance_zero_vote() -> None:
    X = [[0.0], [0.0], [1e-100], [1e-100], [1e-100], [5.0]]
    y = [2, 1, 0, 0, 0, 0]
    share = KNNScratch(6, weights="distance").fit(X, y).predict_proba([[0.0]])
    assert share.tolist() == [[0.0, 0.5, 0.5]]


def test_subnormal_distances_do_not_overflow_the_weights() -> None:
    model = KNNScratch(3, weights="distance").fit(
        [[5e-324], [1e-320], [1.5e-323]], [0, 1, 1]
    )
    share = model.predict_proba([[0.0]])
    np.testing.assert_allclose(share.sum(), 1.0)
    assert model.predict([[0.0]]).tolist() == [0]


@unhurried
@given(grids, st.sampled_from(METRICS), st.sampled_from(["uniform", "distance"]))
def test_shares_sum_to_one(
    grid: tuple[NDArray[np.int64], NDArray[np.int64], int], metric: str, weights: str
) -> None:
    training, queries, k = grid
    y = np.arange(len(training)) % 3
    model = KNNScratch(k, metric, weights).fit(training, y)
    share = model.predict_proba(queries)
    assert share.shape == (len(queries), len(model.classes_))
    assert (share >= 0.0).all()
    # At most 12 terms of eps each.
    np.testing.assert_allclose(share.sum(axis=1), 1.0, atol=1e-14)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, -1, 3]),
        np.array(["x", "long", "x"]),
        np.array([True, False, True]),
        np.array([0.5, -0.5, 0.5]),
        np.array(["x", "y", "x"], dtype=object),
        np.array(["2020-01-01", "2021-01-01", "2020-01-01"], dtype="datetime64[D]"),
    ],
)
def test_labels_of_any_kind(labels: NDArray[Any]) -> None:
    model = KNNScratch(1).fit([[0.0], [1.0], [2.0]], labels)
    predicted = model.predict([[0.1], [0.9], [1.9]])
    assert predicted.dtype == labels.dtype
    assert np.array_equal(predicted, labels)
    assert np.array_equal(model.classes_, np.unique(labels))


def test_the_samples_are_copied() -> None:
    X = np.array([[0.0], [10.0]])
    model = KNNScratch(1).fit(X, [0, 1])
    X[:] = X[::-1].copy()
    assert model.predict([[1.0]]).tolist() == [0]


def test_the_name_of_scikit_learn() -> None:
    assert KNNScratch(n_neighbors=3).k == 3
    assert KNNScratch().k == 5
    # Even where the first one is given its default value.
    with pytest.raises(TypeError, match="n_neighbors must be left out where k"):
        KNNScratch(5, n_neighbors=3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, ValueError, "k"),
        ({"k": 2.0}, TypeError, "k"),
        ({"k": True}, TypeError, "k"),
        ({"n_neighbors": -1}, ValueError, "n_neighbors"),
        ({"metric": "chebyshev"}, ValueError, "metric"),
        ({"weights": "rank"}, ValueError, "weights"),
    ],
)
def test_bad_options_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message} must be"):
        KNNScratch(**options)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        ([1.0, 2.0], [0, 1], ValueError, "X"),
        (np.zeros((0, 2)), [], ValueError, "X"),
        ([[np.inf], [0.0]], [0, 1], ValueError, "X"),
        ([[0.0], [1.0]], [0], ValueError, "y"),
        ([[0.0], [1.0]], [[0], [1]], ValueError, "y"),
        ([[0.0], [1.0]], [[0], [1, 2]], ValueError, "y"),
        ([[0.0], [1.0]], [0.0, np.nan], ValueError, "y"),
        ([[0.0], [1.0]], np.array([1, "a"], dtype=object), TypeError, "y"),
        ([[0.0]], [1], ValueError, "k"),
    ],
)
def test_bad_data_is_refused_and_changes_nothing(
    X: Any, y: Any, error: type[Exception], message: str
) -> None:
    model = KNNScratch(2, weights="distance").fit([[0.0], [1.0], [2.0]], [7, 8, 9])
    with pytest.raises(error, match=f"^{message} must be"):
        model.fit(X, y)
    assert model.predict([[2.0]]).tolist() == [9]


def test_bad_queries_are_refused() -> None:
    with pytest.raises(RuntimeError, match="call fit first"):
        KNNScratch().predict([[1.0]])
    model = KNNScratch(1).fit([[0.0, 1.0]], [1])
    with pytest.raises(ValueError, match="X must be a matrix with 2 features"):
        model.predict([[1.0]])
    with pytest.raises(ValueError, match="X must be finite"):
        model.kneighbors([[1.0, np.nan]])


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_a_distance_beyond_float64_is_refused() -> None:
    model = KNNScratch(1).fit([[1.7e308]], [1])
    with pytest.raises(ValueError, match="X must be within float64"):
        model.kneighbors([[-1.7e308]])
