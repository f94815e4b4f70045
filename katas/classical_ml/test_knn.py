import math

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    layouts,
    seeds,
    unchanged,
)
from katas.classical_ml.knn import KNNScratch
from reference.ml import classical as reference

Array = NDArray[np.float64]
Labels = NDArray[np.generic]
Search = tuple[Array, Array, int]

METRICS = ("euclidean", "manhattan")
WEIGHTS = ("uniform", "distance")
WORDS = np.array(["ant", "bee", "wasp"])

metrics = st.sampled_from(METRICS)
weights = st.sampled_from(WEIGHTS)


def _grid(rows: int | st.SearchStrategy[int], d: int) -> st.SearchStrategy[Array]:
    """Return whole numbers, between which distances are exact and often tie."""
    sizes = rows if isinstance(rows, st.SearchStrategy) else st.just(rows)
    shapes = st.tuples(sizes, st.just(d))
    whole = st.integers(-2, 2).map(float)
    return hnp.arrays(np.float64, shapes, elements=whole, fill=st.nothing())


@st.composite
def searches(draw: st.DrawFn) -> Search:
    """Return training samples, queries and k."""
    d = draw(st.integers(1, 3))
    X = draw(_grid(st.integers(1, 8), d))
    return X, draw(_grid(st.integers(1, 4), d)), draw(st.integers(1, len(X)))


def _codes(n: int) -> NDArray[np.int64]:
    """Return n labels of three kinds, the smallest not first."""
    return np.arange(n)[::-1] * 2 % 3


def _distance(metric: str, a: Array, b: Array) -> float:
    gaps = [abs(float(x) - float(y)) for x, y in zip(a, b, strict=True)]
    return math.sqrt(sum(g * g for g in gaps)) if metric == "euclidean" else sum(gaps)


LINE = np.array([[1.0], [-1.0], [2.0], [0.0], [-1.0]])
SQUARE = np.array([[3.0, 0.0], [2.0, 2.0], [0.0, 0.0], [-2.0, -2.0]])


@given(searches(), metrics)
@example((SQUARE, np.array([[0.0, 0.0]]), 2), "euclidean")
@example((SQUARE, np.array([[0.0, 0.0]]), 2), "manhattan")
@example((LINE, np.array([[0.0], [1.0]]), 5), "manhattan")
def test_the_neighbours_are_the_nearest(search: Search, metric: str) -> None:
    """Of k neighbours each has its distance, and no other sample is nearer."""
    X, queries, k = search
    model = KNNScratch(k, metric)
    assert_holds(model.fit(X, _codes(len(X))) is model, "fit returns the object itself")
    distances, indices = model.kneighbors(queries)
    assert_shape(distances, (len(queries), k), "distances")
    assert_dtype(distances, np.float64, "distances")
    assert_shape(indices, (len(queries), k), "indices")
    for query, row, places in zip(queries, distances, indices, strict=True):
        everywhere = [_distance(metric, query, x) for x in X]
        assert_close(row, np.sort(everywhere)[:k], what="distances")
        assert_close(row, np.array(everywhere)[places], what="distances of indices")


@given(searches(), metrics)
@example((LINE, np.array([[0.0]]), 3), "euclidean")
@example((LINE, np.array([[0.0]]), 5), "manhattan")
# More than sixteen samples: a sort that is not stable shuffles only long rows.
@example((np.tile(LINE, (4, 1)), np.array([[0.0], [0.5]]), 20), "euclidean")
def test_equally_far_the_lower_index_is_nearer(search: Search, metric: str) -> None:
    """Of samples at the same distance, the one with the lower index comes first."""
    X, queries, k = search
    _, indices = KNNScratch(k, metric).fit(X, _codes(len(X))).kneighbors(queries)
    expected = [
        sorted(range(len(X)), key=lambda i: (_distance(metric, query, X[i]), i))[:k]
        for query in queries
    ]
    assert_close(indices, np.array(expected), what="indices")


@given(seeds(), st.integers(1, 3), metrics, weights)
@example(0, 3, "euclidean", "distance")
def test_predictions_agree_with_the_reference(
    seed: int, d: int, metric: str, weight: str
) -> None:
    """Away from ties the label with the most votes of the k nearest wins."""
    rng = np.random.default_rng(seed)
    X, queries = rng.normal(size=(12, d)).round(3), rng.normal(size=(5, d)).round(3)
    y = rng.integers(0, 3, 12)
    for k in (1, 4, 12):
        model = KNNScratch(k, metric, weight).fit(X, y)
        expected = reference.KNNScratch(k, metric, weight).fit(X, y)
        result = model.predict(queries)
        assert_shape(result, (5,))
        assert_dtype(result, y.dtype)
        assert_equal(result, expected.predict(queries))
        assert_close(model.kneighbors(queries)[0], expected.kneighbors(queries)[0])


@given(searches(), metrics)
@example((np.array([[1.0], [2.0]]), np.array([[0.0]]), 2), "euclidean")
@example((np.array([[1.0], [2.0], [2.0]]), np.array([[0.0]]), 3), "euclidean")
def test_each_neighbour_has_one_vote(search: Search, metric: str) -> None:
    """With uniform weights the most frequent label wins, of several the smallest."""
    X, queries, k = search
    y = _codes(len(X))
    model = KNNScratch(k, metric).fit(X, y)
    expected = []
    for query in queries:
        order = sorted(range(len(X)), key=lambda i: (_distance(metric, query, X[i]), i))
        votes = [int(y[i]) for i in order[:k]]
        expected.append(max(range(3), key=lambda code: (votes.count(code), -code)))
    assert_equal(model.predict(queries), np.array(expected))


@given(searches(), metrics)
@example((np.array([[1.0], [2.0], [2.5]]), np.array([[0.0]]), 3), "euclidean")
@example((np.array([[0.0], [0.0], [0.0], [1.0]]), np.array([[0.0]]), 4), "manhattan")
@example((LINE, LINE, 5), "euclidean")
def test_near_neighbours_weigh_more(search: Search, metric: str) -> None:
    """With distance weights the votes are 1/distance; at distance 0 nobody else has."""
    X, queries, k = search
    y = WORDS[_codes(len(X))]
    model = KNNScratch(k, metric, "distance").fit(X, y)
    expected = reference.KNNScratch(k, metric, "distance").fit(X, y).predict(queries)
    assert_equal(model.predict(queries), expected)


def test_an_exact_match_decides() -> None:
    """A sample at distance 0 outvotes any number of others, and two outvote one."""
    X = [[0.0], [1e-9], [1e-9], [-1e-9], [5.0]]
    model = KNNScratch(5, weights="distance").fit(X, [1, 0, 0, 0, 0])
    assert_equal(model.predict([[0.0], [1e-9], [6.0]]), np.array([1, 0, 0]))
    twice = KNNScratch(4, weights="distance").fit([[0], [0], [0], [1]], [2, 3, 3, 2])
    assert_equal(twice.predict([[0.0]]), np.array([3]))


def test_equal_votes_go_to_the_smallest_label() -> None:
    """Votes that differ by rounding alone are equal, and the smallest label wins."""
    # 1/2 + 1/3 + 1/6 is one, and 0.9999999999999999 in floating point.
    X = [[1.0], [2.0], [3.0], [6.0]]
    for factor in (1.0, 2.0**30, 2.0**-30):
        model = KNNScratch(4, weights="distance")
        model.fit(np.multiply(X, factor), [1, 0, 0, 0])
        assert_equal(model.predict([[0.0]]), np.array([0]))
    # At distances of 1 and 1 + δ the votes are half of all and δ/2 of them apart.
    model = KNNScratch(2, weights="distance")
    for delta, winner in ((1.5e-12, 0), (3e-12, 1)):
        model.fit([[1.0], [1.0 + delta]], [1, 0])
        # The query at 0.999 has a thousand times the votes, which is its own affair.
        assert_equal(model.predict([[0.0], [0.999]]), np.array([winner, 1]))
    words = KNNScratch(2).fit([[1], [0]], ["wasp", "ant"])
    assert_equal(words.predict([[1], [0], [9]]), np.array(["ant"] * 3, dtype="<U4"))


@given(searches(), metrics, weights)
@example((SQUARE, np.array([[1.0, 1.0]]), 3), "euclidean", "distance")
def test_far_from_zero(search: Search, metric: str, weight: str) -> None:
    """Moving all points by 1e8 changes neither the distances nor the predictions."""
    X, queries, k = search
    y = _codes(len(X))
    model = KNNScratch(k, metric, weight).fit(X + 1e8, y)
    expected = reference.KNNScratch(k, metric, weight).fit(X, y)
    # The differences are whole numbers both here and there.
    distances, indices = model.kneighbors(queries + 1e8)
    assert_close(distances, expected.kneighbors(queries)[0], what="distances")
    assert_close(indices, expected.kneighbors(queries)[1], what="indices")
    assert_equal(model.predict(queries + 1e8), expected.predict(queries))


@given(searches(), weights)
@example((LINE, np.array([[0.0], [1.0]]), 2), "uniform")
def test_labels_are_only_names(search: Search, weight: str) -> None:
    """Words in the same order as the numbers they stand for win where those win."""
    X, queries, k = search
    codes = _codes(len(X))
    model = KNNScratch(k, weights=weight).fit(X, WORDS[codes])
    expected = reference.KNNScratch(k, weights=weight).fit(X, codes)
    assert_equal(model.classes_, WORDS[np.unique(codes)], "classes_")
    result = model.predict(queries)
    assert_dtype(result, WORDS.dtype)
    assert_equal(result, WORDS[expected.predict(queries)])


@given(layouts(_grid(5, 2)), layouts(_grid(3, 2)), metrics)
@example(SQUARE[[0, 1, 2, 3, 0]], SQUARE[:3], "euclidean")
def test_the_arguments_stay_as_they_are(X: Array, queries: Array, metric: str) -> None:
    """Neither samples nor queries change, however they lie in memory."""
    y = _codes(5)
    expected = reference.KNNScratch(2, metric).fit(X, y)
    with unchanged(X=X, y=y, queries=queries):
        model = KNNScratch(2, metric).fit(X, y)
        indices = model.kneighbors(queries)[1]
        result = model.predict(queries)
    assert_close(indices, expected.kneighbors(queries)[1], what="indices")
    assert_equal(result, expected.predict(queries))


def test_fit_keeps_its_own_copy_and_forgets_the_last() -> None:
    """What happens to X and y after fit does not matter, and a new fit replaces all."""
    X, y = LINE.copy(), np.array(["b", "a", "b", "c", "a"])
    model = KNNScratch(1).fit(X, y)
    X[:], y[:] = 7.0, "z"
    assert_equal(model.predict([[0.0], [2.0]]), np.array(["c", "b"]))
    model.fit([[0, 0], [1, 1]], [5, 4])
    assert_equal(model.classes_, np.array([4, 5]), "classes_")
    assert_equal(model.predict([[1, 1], [0, 0]]), np.array([4, 5]))


def test_the_defaults_and_no_queries() -> None:
    """By default five Euclidean neighbours vote alike; no queries give no answers."""
    X = np.array([[3.0, 3.0], [0.0, 5.0], [1.0, 0.0], [2.0, 0.0], [9.0, 0.0], [0, 9]])
    y = np.array([1, 0, 1, 0, 0, 1])
    model = KNNScratch().fit(X, y)
    distances, indices = model.kneighbors([[0.0, 0.0]])
    assert_close(indices, np.array([[2, 3, 0, 1, 4]]), what="indices")
    assert_close(distances[0, 2], math.sqrt(18.0), what="a distance")
    assert_equal(model.predict([[0.0, 0.0]]), np.array([0]))
    empty = np.zeros((0, 2))
    assert_shape(model.predict(empty), (0,))
    assert_dtype(model.predict(empty), y.dtype)
    for part in model.kneighbors(empty):
        assert_shape(part, (0, 5))


def test_bad_options_are_refused() -> None:
    """A word or a k without a meaning is refused by the constructor."""
    for k in (0, -1):
        assert_raises_naming("k", KNNScratch, k)
    assert_raises_naming("metric", KNNScratch, metric="hamming")
    assert_raises_naming("weights", KNNScratch, weights="rank")


def test_bad_data_is_refused_and_the_last_fit_stays() -> None:
    """Bad data, or more neighbours than samples, is refused; the last fit is kept."""
    model = KNNScratch(2)
    for ask in (model.kneighbors, model.predict):
        assert_raises_naming("fit", ask, [[1.0]], error=RuntimeError)
    X, y = SQUARE, np.array([3, 1, 2, 1])
    model.fit(X, y)
    for bad in ([1.0, 2.0], [[[1.0]], [[2.0]]], np.zeros((0, 2)), np.zeros((4, 0))):
        assert_raises_naming("X", model.fit, bad, np.zeros(len(bad)))
    for labels in (1, [1, 2, 3], [1, 2, 3, 4, 5], [[1], [2], [3], [4]]):
        assert_raises_naming("y", model.fit, X, labels)
    assert_raises_naming("k", model.fit, X[:1], y[:1])
    for value in (np.nan, np.inf, -np.inf):
        spoilt = X.copy()
        spoilt[1, 1] = value
        for call in (model.kneighbors, model.predict):
            assert_raises_naming("X", call, spoilt)
        assert_raises_naming("X", model.fit, spoilt, y)
    for call in (model.kneighbors, model.predict):
        for bad in ([0.0, 0.0], np.zeros((2, 1)), np.zeros((2, 3))):
            assert_raises_naming("X", call, bad)
    assert_equal(model.classes_, np.array([1, 2, 3]), "classes_")
    assert_equal(model.predict(X[:2]), np.array([1, 1]))
