import itertools

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
    labels,
    layouts,
    seeds,
    unchanged,
)
from katas.classical_ml.decision_tree import DecisionTreeScratch
from reference.ml import classical as reference

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Training = tuple[Array, Integers]

CRITERIA = ("gini", "entropy")
WORDS = np.array(["ant", "bee", "wasp"])

criteria = st.sampled_from(CRITERIA)


def _grid(n: int, d: int) -> st.SearchStrategy[Array]:
    whole = st.integers(0, 3).map(float)
    return hnp.arrays(np.float64, (n, d), elements=whole, fill=st.nothing())


@st.composite
def trainings(draw: st.DrawFn) -> Training:
    """Return whole numbers from 0 to 3, which repeat and tie, and labels 0, 1, 2."""
    n, d = draw(st.integers(1, 10)), draw(st.integers(1, 2))
    return draw(_grid(n, d)), draw(labels(n))


def _training(rows: list[list[float]], y: list[int]) -> Training:
    return np.array(rows, dtype=np.float64), np.array(y)


def _everywhere(d: int) -> Array:
    """Return queries on each value, on each half way between two, and outside."""
    steps = np.arange(-0.5, 4.0, 0.5)
    return np.array(list(itertools.product(steps, repeat=d)))


STEPS = _training([[0], [1], [2], [3]], [0, 0, 1, 2])
XOR = _training([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])
# The criteria ask about different features first.
APART = _training([[1, 0], [1, 2], [2, 2], [1, 0]], [0, 2, 0, 1])
# The two features tie, and rounding puts the second one a little lower.
TIED = _training([[2, 0], [1, 1], [0, 1], [0, 2], [0, 2]], [1, 0, 2, 1, 1])
TIED_GINI = _training(
    [[1, 1], [0, 1], [1, 2], [2, 0], [2, 1], [0, 0], [0, 2], [0, 0]],
    [0, 2, 1, 2, 2, 0, 0, 2],
)
# Two labels in the same shares, 2 : 3, on both sides of the only question.
EVEN = (
    np.repeat([[0.0], [1.0]], [5, 10], axis=0),
    np.repeat([0, 1, 0, 1], [2, 3, 4, 6]),
)


def _assert_same_tree(
    model: DecisionTreeScratch, expected: reference.DecisionTreeScratch
) -> None:
    d = len(expected.feature_importances_)
    assert_equal(model.classes_, expected.classes_, "classes_")
    assert_equal(model.depth_, expected.depth_, "depth_")
    assert_equal(model.n_leaves_, expected.n_leaves_, "n_leaves_")
    assert_shape(model.feature_importances_, (d,), "feature_importances_")
    assert_dtype(model.feature_importances_, np.float64, "feature_importances_")
    assert_close(
        model.feature_importances_,
        expected.feature_importances_,
        what="feature_importances_",
        # A sum of at most ten decreases, each the difference of numbers up to ten.
        rtol=1e-12,
        atol=1e-12,
    )
    queries = _everywhere(d)
    assert_equal(model.predict(queries), expected.predict(queries))


@given(_grid(5, 2), st.sampled_from([0, 7, -1]))
@example(XOR[0], 7)
def test_a_pure_node_is_a_leaf(X: Array, label: int) -> None:
    """With one label there is nothing to ask: one leaf, depth 0, no importance."""
    y = np.full(len(X), label)
    model = DecisionTreeScratch()
    assert_holds(model.fit(X, y) is model, "fit returns the object itself")
    assert_equal(model.depth_, 0, "depth_")
    assert_equal(model.n_leaves_, 1, "n_leaves_")
    assert_equal(model.feature_importances_, np.zeros(2), "feature_importances_")
    result = model.predict(X)
    assert_shape(result, y.shape)
    assert_equal(result, y)


@given(labels(st.integers(1, 6)))
@example(np.array([2, 1, 2, 1]))
@example(np.array([2, 1, 1]))
def test_constant_features_cannot_be_asked_about(y: Integers) -> None:
    """Equal samples stay in one leaf: the most frequent label, the smallest if even."""
    X = np.full((len(y), 3), 0.1)
    model = DecisionTreeScratch(max_depth=None).fit(X, y)
    assert_equal(model.n_leaves_, 1, "n_leaves_")
    assert_equal(model.depth_, 0, "depth_")
    assert_equal(model.feature_importances_, np.zeros(3), "feature_importances_")
    counts = [int((y == label).sum()) for label in range(3)]
    assert_equal(model.predict(X[:1]), np.array([counts.index(max(counts))]))


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=6, unique=True), criteria)
@example([0, 1], "gini")
@example([5, 2, 3], "entropy")
def test_a_threshold_is_half_way(values: list[int], criterion: str) -> None:
    """Half way between two samples belongs to the lower one, a bit more does not."""
    ordered = sorted(values)
    y = [ordered.index(value) for value in values]
    X = np.array(values, dtype=np.float64)[:, np.newaxis]
    model = DecisionTreeScratch(None, criterion=criterion).fit(X, y)
    assert_equal(model.predict(X), np.array(y))
    for code, (low, high) in enumerate(itertools.pairwise(ordered)):
        middle = (low + high) / 2
        result = model.predict([[middle], [middle + 1e-6]])
        assert_equal(result, np.array([code, code + 1]))


@given(trainings(), criteria)
@example(XOR, "gini")
@example(XOR, "entropy")
@example(EVEN, "gini")
def test_a_tree_without_a_limit_knows_its_samples(
    training: Training, criterion: str
) -> None:
    """Without a limit each group of equal samples gets its own most frequent label."""
    X, y = training
    model = DecisionTreeScratch(max_depth=None, criterion=criterion).fit(X, y)
    result = model.predict(X)
    assert_dtype(result, y.dtype)
    for sample in np.unique(X, axis=0):
        same = np.all(sample == X, axis=1)
        counts = np.bincount(y[same])
        assert_equal(result[same], np.full(same.sum(), counts.argmax()))


@given(trainings(), criteria, st.sampled_from([1, 2, None]))
@example(APART, "gini", 1)
@example(APART, "entropy", 1)
@example(STEPS, "gini", 1)
@example(STEPS, "entropy", None)
def test_the_tree_of_the_reference(
    training: Training, criterion: str, max_depth: int | None
) -> None:
    """Each node asks the question that leaves the least weighted impurity."""
    options = {"max_depth": max_depth, "criterion": criterion}
    _assert_same_tree(
        DecisionTreeScratch(**options).fit(*training),
        reference.DecisionTreeScratch(**options).fit(*training),
    )


def test_importances_by_hand() -> None:
    """What a question takes away counts by its samples, and so do two on a path."""
    X, y = _training([[0, 0], [0, 0], [1, 0], [1, 1]], [0, 0, 1, 2])
    # Gini: 4 · (5/8 − 1/4) = 3/2 by the first feature, then 2 · 1/2 = 1.
    tree = DecisionTreeScratch().fit(X, y)
    assert_close(tree.feature_importances_, np.array([0.6, 0.4]))
    # Entropy: 4 · (3/2 − 1/2) = 4 bits by the first feature, then 2 · 1 = 2.
    tree = DecisionTreeScratch(criterion="entropy").fit(X, y)
    assert_close(tree.feature_importances_, np.array([2.0, 1.0]) / 3.0)
    # The first question of XOR takes nothing away, the two below it all.
    assert_close(
        DecisionTreeScratch().fit(*XOR).feature_importances_, np.array([0.0, 1.0])
    )
    stump = DecisionTreeScratch(max_depth=1).fit(X, y)
    assert_equal(stump.depth_, 1, "depth_")
    assert_equal(stump.n_leaves_, 2, "n_leaves_")
    assert_equal(stump.predict(X), np.array([0, 0, 1, 1]))
    assert_equal(stump.feature_importances_, np.array([1.0, 0.0]))


@given(trainings(), criteria)
@example(TIED, "entropy")
@example(TIED_GINI, "gini")
@example(EVEN, "gini")
@example(EVEN, "entropy")
@example(XOR, "gini")
def test_ties_and_no_decrease(training: Training, criterion: str) -> None:
    """The first feature wins a tie, then the lowest threshold; rounding has no say."""
    X = np.hstack([training[0], training[0][:, :1]])
    model = DecisionTreeScratch(2, criterion=criterion).fit(X, training[1])
    expected = reference.DecisionTreeScratch(2, criterion=criterion).fit(X, training[1])
    _assert_same_tree(model, expected)
    last = float(model.feature_importances_[-1])
    assert_equal(last, 0.0, "the importance of the first feature's copy")


def test_a_tie_within_one_feature() -> None:
    """Of two thresholds that are as good, the lower one is asked about."""
    X, y = _training([[0], [1], [2]], [0, 1, 0])
    for criterion in CRITERIA:
        model = DecisionTreeScratch(max_depth=1, criterion=criterion).fit(X, y)
        assert_equal(model.predict([[0.5], [0.75], [2.0]]), np.array([0, 0, 0]))
        model = DecisionTreeScratch(max_depth=1, criterion=criterion)
        model.fit([[0], [1], [2]], [1, 0, 1])
        assert_equal(model.predict([[0.5], [0.75], [2.0]]), np.array([1, 0, 0]))


@given(trainings(), criteria)
@example(STEPS, "gini")
@example(XOR, "entropy")
@example(EVEN, "gini")
def test_importances_are_shares(training: Training, criterion: str) -> None:
    """The importances are not negative and sum to one, or are all zero."""
    model = DecisionTreeScratch(None, criterion=criterion).fit(*training)
    expected = reference.DecisionTreeScratch(None, criterion=criterion).fit(*training)
    shares = model.feature_importances_
    assert_shape(shares, (training[0].shape[1],), "feature_importances_")
    assert_holds(bool((shares >= 0.0).all()), "no importance is negative")
    total = 1.0 if expected.feature_importances_.any() else 0.0
    assert_close(float(shares.sum()), total, what="the sum of importances")


@given(trainings(), st.integers(1, 3), st.integers(2, 6), criteria)
@example(STEPS, 2, 4, "gini")
@example(STEPS, 2, 2, "gini")
@example(STEPS, 3, 5, "gini")
@example(STEPS, 3, 3, "gini")
def test_the_limits(
    training: Training, max_depth: int, smallest: int, criterion: str
) -> None:
    """No path is longer than max_depth; below min_samples_split nothing is asked."""
    options = {"min_samples_split": smallest, "criterion": criterion}
    model = DecisionTreeScratch(max_depth, **options).fit(*training)
    assert_holds(model.depth_ <= max_depth, "depth_ ≤ max_depth", actual=model.depth_)
    if len(training[0]) < smallest:
        assert_equal(model.n_leaves_, 1, "n_leaves_")
    expected = reference.DecisionTreeScratch(max_depth, **options).fit(*training)
    _assert_same_tree(model, expected)


def test_the_defaults() -> None:
    """By default the tree is ten questions deep and splits down to two samples."""
    # Alternating labels: of equal questions the lowest is asked, one sample a time.
    X, y = np.arange(40.0)[:, np.newaxis], np.arange(40) % 2
    model = DecisionTreeScratch().fit(X, y)
    expected = reference.DecisionTreeScratch(10, 2, "gini").fit(X, y)
    assert_equal(model.depth_, 10, "depth_")
    assert_equal(model.n_leaves_, expected.n_leaves_, "n_leaves_")
    assert_equal(model.predict(X), expected.predict(X))
    pair = DecisionTreeScratch().fit([[0.0], [1.0]], [0, 1])
    assert_equal(pair.depth_, 1, "depth_")
    stump = DecisionTreeScratch().fit(*APART)
    _assert_same_tree(stump, reference.DecisionTreeScratch().fit(*APART))


@given(trainings(), st.integers(0, 5), seeds())
@example(STEPS, 1, 0)
def test_only_the_order_of_the_values_counts(
    training: Training, power: int, seed: int
) -> None:
    """Neither the order of the samples nor units nor the names of labels matter."""
    X, y = training
    places = np.random.default_rng(seed).permutation(len(y))
    scale = 2.0**power
    model = DecisionTreeScratch().fit(X[places] * scale - 5.0, WORDS[y[places]])
    expected = reference.DecisionTreeScratch().fit(X, y)
    queries = _everywhere(X.shape[1])
    result = model.predict(queries * scale - 5.0)
    assert_dtype(result, WORDS.dtype)
    assert_equal(result, WORDS[expected.predict(queries)])
    assert_equal(model.classes_, WORDS[np.unique(y)], "classes_")


def test_thresholds_at_the_edge_of_floating_point() -> None:
    """Neighbouring floats are told apart, and so are values near ±1e308."""
    above = float(np.nextafter(1.0, 2.0))
    for low, high in (
        (1.0, above),
        (above, float(np.nextafter(above, 2.0))),
        (1.5e308, 1.7e308),
        (-1.7e308, 1.7e308),
        (-1.7e308, -1.5e308),
    ):
        model = DecisionTreeScratch().fit([[low], [high]], [0, 1])
        assert_equal(model.n_leaves_, 2, "n_leaves_")
        assert_equal(model.depth_, 1, "depth_")
        assert_equal(model.predict([[low], [high]]), np.array([0, 1]))


@given(layouts(_grid(6, 2)))
@example(np.array([[0.0, 1.0], [1, 0], [2, 3], [0, 0], [3, 1], [2, 2]]))
def test_each_fit_starts_afresh_and_changes_nothing_else(X: Array) -> None:
    """A fit forgets the last one and leaves X and y alone, in any memory layout."""
    y = np.array([0, 2, 1, 0, 1, 2])
    model = DecisionTreeScratch().fit([[0.0]], ["other"])
    with unchanged(X=X, y=y):
        model.fit(X, y)
        model.predict(X)
    _assert_same_tree(model, reference.DecisionTreeScratch().fit(X, y))


def test_lists_and_no_samples_at_all() -> None:
    """Lists are welcome, and predict takes 0 samples."""
    model = DecisionTreeScratch().fit([[1], [2]], ["b", "a"])
    assert_equal(model.predict([[2], [0]]), np.array(["a", "b"]))
    empty = model.predict(np.zeros((0, 1)))
    assert_shape(empty, (0,))
    assert_dtype(empty, model.classes_.dtype)


def test_bad_options_are_refused() -> None:
    """A limit or a criterion without a meaning is refused by the constructor."""
    make = DecisionTreeScratch
    for depth in (0, -1):
        assert_raises_naming("max_depth", make, max_depth=depth)
    for smallest in (1, 0, -2):
        assert_raises_naming("min_samples_split", make, min_samples_split=smallest)
    assert_raises_naming("criterion", make, criterion="variance")
    make(max_depth=1, min_samples_split=2)
    make(max_depth=None)


def test_bad_data_is_refused_and_the_last_fit_stays() -> None:
    """Data of the wrong shape or not finite is refused, and the last fit is kept."""
    model = DecisionTreeScratch()
    assert_raises_naming("fit", model.predict, [[1.0]], error=RuntimeError)
    X, y = XOR
    model.fit(X, y)
    for bad in ([1.0, 2.0], [[[1.0]], [[2.0]]], np.zeros((0, 2)), np.zeros((2, 0))):
        assert_raises_naming("X", model.fit, bad, np.zeros(len(bad)))
    for value in (np.nan, np.inf, -np.inf):
        spoilt = X.copy()
        spoilt[1, 1] = value
        assert_raises_naming("X", model.fit, spoilt, y)
        assert_raises_naming("X", model.predict, spoilt)
    for targets in (1, [1], [1, 2, 3], [1, 2, 3, 4, 5], [[1], [2], [3], [4]]):
        assert_raises_naming("y", model.fit, X, targets)
    for width in (1, 3):
        assert_raises_naming("X", model.predict, np.zeros((2, width)))
    assert_raises_naming("X", model.predict, [1.0, 2.0])
    assert_equal(model.predict(X), y, "the prediction of the last fit")
