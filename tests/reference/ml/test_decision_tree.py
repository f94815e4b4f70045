"""The decision tree against scikit-learn, and against a search in exact fractions.

Scikit-learn keeps features in float32 and breaks ties at random, so the data are
float32 numbers, and only the splits that no other equals are compared.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from reference.ml.classical import DecisionTreeScratch
from reference.ml.classical.compiled import compiled
from reference.ml.classical.decision_tree import find_leaves
from reference.ml.classical.tree_growth import LARGE, grow_tree

Array = NDArray[np.float64]
# The first example may compile or import; a deadline would judge that.
unhurried = settings(deadline=None)
Labels = NDArray[np.intp]


def impurity(labels: Sequence[int], criterion: str) -> Fraction | float:
    """The impurity of a node times its size, exact for Gini."""
    size, counts = len(labels), Counter(labels).values()
    if criterion == "gini":
        return size - Fraction(sum(c * c for c in counts), size)
    return -float(sum(c * np.log2(c / size) for c in counts))


def candidates(
    X: Array, y: Labels, criterion: str
) -> list[tuple[Fraction | float, int, float]]:
    """Every split of a node, with what impurity it leaves."""
    found = []
    for feature in range(X.shape[1]):
        for low, high in pairwise(np.unique(X[:, feature])):
            left = X[:, feature] <= low
            after = impurity(y[left].tolist(), criterion) + impurity(
                y[~left].tolist(), criterion
            )
            found.append((after, feature, float((low + high) / 2)))
    return found


def check_node(
    tree: DecisionTreeScratch, node: int, X: Array, y: Labels, depth: int
) -> Fraction | float:
    """Judge a node and all below it; return the impurity its splits take away."""
    fractions = np.bincount(y, minlength=len(tree.classes_)) / len(y)
    np.testing.assert_array_equal(tree.value_[node], fractions)
    splits = candidates(X, y, tree.criterion)
    may_split = depth != tree.max_depth and len(y) >= tree.min_samples_split
    if len(set(y.tolist())) == 1 or not splits or not may_split:
        assert tree.feature_[node] == tree.left_[node] == tree.right_[node] == -1
        assert np.isnan(tree.threshold_[node])
        return 0
    least = min(after for after, _, _ in splits)
    # Fractions are exact; entropies carry rounding below 1e-13 at these sizes.
    slack = 0 if tree.criterion == "gini" else 1e-12
    first = next(split for split in splits if split[0] <= least + slack)
    assert (tree.feature_[node], tree.threshold_[node]) == first[1:]
    left = X[:, first[1]] <= first[2]
    gain = impurity(y.tolist(), tree.criterion) - first[0]
    gain += check_node(tree, tree.left_[node], X[left], y[left], depth + 1)
    return gain + check_node(tree, tree.right_[node], X[~left], y[~left], depth + 1)


small_problems = st.tuples(st.integers(1, 14), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=st.integers(-3, 3).map(float)),
        arrays(np.intp, shape[0], elements=st.integers(0, 2)),
    )
)


@unhurried
@given(
    small_problems,
    st.sampled_from(["gini", "entropy"]),
    st.sampled_from([None, 1, 2, 3]),
    st.integers(2, 5),
)
@example(
    (np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])), "gini", 2, 2
)
@example(
    # Feature 0 parts off 1 + 1 and feature 1 parts off 0 + 2: both leave 8/3, and in
    # floating point feature 1 leaves less.
    (
        np.array([[0.0, 1, 0, 1, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1, 1, 1]]).T,
        np.array([0, 0, 1, 1, 1, 1, 1, 1]),
    ),
    "gini",
    1,
    2,
)
def test_every_split_is_the_first_of_the_best(
    data: tuple[Array, Labels],
    criterion: str,
    max_depth: int | None,
    min_samples_split: int,
) -> None:
    X, labels = data
    y = np.unique(labels, return_inverse=True)[1]
    tree = DecisionTreeScratch(max_depth, min_samples_split, criterion).fit(X, labels)
    total = check_node(tree, 0, X, y, 0)
    # Gains are few and of order one: rounding stays below 1e-12.
    importance = tree.feature_importances_
    assert importance.shape == (X.shape[1],)
    assert (importance >= 0.0).all()
    assert importance.sum() == pytest.approx(1.0 if total > 1e-12 else 0.0, abs=1e-12)


def cloud(seed: int, n: int = 400, d: int = 6) -> tuple[Array, Labels]:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)).astype(np.float32).astype(np.float64)
    score = X[:, 0] * X[:, 1] + 0.5 * X[:, 2] + 0.3 * generator.normal(size=n)
    return X, np.digitize(score, [-0.5, 0.5]).astype(np.intp)


def compare(
    ours: DecisionTreeScratch, theirs: Any, pair: tuple[int, int], X: Array, y: Labels
) -> int:
    """Compare a pair of nodes and all below; return the number of splits compared."""
    a, b = pair
    assert (ours.feature_[a] == -1) == (theirs.children_left[b] == -1)
    np.testing.assert_allclose(ours.value_[a], theirs.value[b, 0], 1e-12)
    if ours.feature_[a] == -1:
        return 0
    scores = sorted(split[0] for split in candidates(X, y, ours.criterion))
    if len(scores) > 1 and scores[1] - scores[0] < 1e-9:
        return 0
    assert ours.feature_[a] == theirs.feature[b]
    assert ours.threshold_[a] == theirs.threshold[b]
    left = X[:, ours.feature_[a]] <= ours.threshold_[a]
    below = [
        (ours.left_[a], theirs.children_left[b], left),
        (ours.right_[a], theirs.children_right[b], ~left),
    ]
    return 1 + sum(compare(ours, theirs, (i, j), X[m], y[m]) for i, j, m in below)


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
@pytest.mark.parametrize(("max_depth", "min_split"), [(4, 2), (None, 20), (10, 2)])
def test_split_for_split_as_scikit_learn(
    criterion: str, max_depth: int | None, min_split: int
) -> None:
    X, y = cloud(seed=0, n=150, d=3)
    ours = DecisionTreeScratch(max_depth, min_split, criterion).fit(X, y)
    theirs = DecisionTreeClassifier(
        max_depth=max_depth,
        min_samples_split=min_split,
        criterion=criterion,
        random_state=0,
    ).fit(X, y)
    assert compare(ours, theirs.tree_, (0, 0), X, y) >= 7


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_a_large_tree_as_scikit_learn(criterion: str) -> None:
    """With nodes this large no two splits tie: both trees are one, node by node."""
    X, y = cloud(seed=1, n=5000)
    assert X.size >= LARGE
    ours = DecisionTreeScratch(5, 100, criterion).fit(X, y)
    theirs = DecisionTreeClassifier(
        max_depth=5, min_samples_split=100, criterion=criterion, random_state=0
    ).fit(X, y)
    assert ours.feature_.size == theirs.tree_.node_count
    inner = ours.feature_ != -1
    assert np.array_equal(ours.feature_[inner], theirs.tree_.feature[inner])
    assert np.array_equal(ours.threshold_[inner], theirs.tree_.threshold[inner])
    assert np.array_equal(ours.left_, theirs.tree_.children_left)
    assert np.array_equal(ours.right_, theirs.tree_.children_right)
    assert (ours.depth_, ours.n_leaves_) == (theirs.get_depth(), theirs.get_n_leaves())
    # Sums of at most 31 gains.
    np.testing.assert_allclose(
        ours.feature_importances_, theirs.feature_importances_, 1e-9, 1e-12
    )
    queries, _ = cloud(seed=2, n=3000)
    assert np.array_equal(ours.predict(queries), theirs.predict(queries))
    np.testing.assert_allclose(
        ours.predict_proba(queries), theirs.predict_proba(queries), 1e-12
    )


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
@pytest.mark.parametrize("grid", [False, True])
def test_compiled_and_interpreted_grow_the_same_tree(
    criterion: str, grid: bool
) -> None:
    X, y = cloud(seed=3)
    columns = np.ascontiguousarray((np.round(X) if grid else X).T)
    small, small_gains = grow_tree(columns, y, criterion, None, 2, large=10**12)
    large, large_gains = grow_tree(columns, y, criterion, None, 2, large=0)
    assert small.depth == large.depth
    assert np.array_equal(small_gains, large_gains)
    for name in ("feature", "threshold", "left", "right", "value"):
        assert np.array_equal(
            getattr(small, name), getattr(large, name), equal_nan=True
        )


def test_compiled_and_interpreted_descend_to_the_same_leaves() -> None:
    X, y = cloud(seed=4)
    tree = DecisionTreeScratch(None).fit(X, y)
    arrays_ = tree.feature_, tree.threshold_, tree.left_, tree.right_
    feature, threshold, left, right = arrays_
    plain, fast = np.full(len(X), -2), np.full(len(X), -2)
    find_leaves(X, feature, threshold, left, right, plain)
    compiled(find_leaves)(X, feature, threshold, left, right, fast)
    assert np.array_equal(plain, fast)
    assert (tree.feature_[plain] == -1).all()


def test_xor_is_learnt_though_its_first_split_gains_nothing() -> None:
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    tree = DecisionTreeScratch().fit(X, [0, 1, 1, 0])
    assert tree.predict(X).tolist() == [0, 1, 1, 0]
    assert tree.feature_.tolist() == [0, 1, -1, -1, 1, -1, -1]
    assert tree.feature_importances_.tolist() == [0.0, 1.0]
    stump = DecisionTreeScratch(max_depth=1).fit(X, [0, 1, 1, 0])
    assert stump.feature_importances_.tolist() == [0.0, 0.0]
    assert stump.predict(X).tolist() == [0, 0, 0, 0]


def test_a_gain_of_rounding_is_no_importance() -> None:
    """Parts of 3 and 6 samples as mixed as the whole gain 2e-15 bits in float64."""
    X = np.array([0, 1, 1, 0, 0, 1, 1, 1, 1], dtype=float)[:, np.newaxis]
    stump = DecisionTreeScratch(1, criterion="entropy").fit(X, [0] * 3 + [1] * 6)
    assert stump.depth_ == 1
    assert stump.feature_importances_.tolist() == [0.0]


@pytest.mark.parametrize(
    "y", [[1, 1, 1], ["a", "b", "a"]], ids=["pure", "constant features"]
)
def test_a_single_leaf(y: list[Any]) -> None:
    tree = DecisionTreeScratch().fit(np.full((3, 2), 0.1), y)
    assert (tree.depth_, tree.n_leaves_) == (0, 1)
    assert tree.feature_importances_.tolist() == [0.0, 0.0]
    assert tree.predict([[5.0, 5.0]]).tolist() == [y[0]]


@pytest.mark.parametrize(("criterion", "feature"), [("gini", 0), ("entropy", 1)])
def test_the_criteria_differ(criterion: str, feature: int) -> None:
    """Of 8 + 4 samples, feature 0 parts off 0 + 2, and feature 1 parts off 3 + 4.

    Gini, times samples: 3.2 against 3.43. Entropy in bits, times samples: 7.22
    against 6.90.
    """
    y = [0] * 8 + [1] * 4
    X = np.ones((12, 2))
    X[8:10, 0] = 0.0
    X[:3, 1] = X[8:, 1] = 0.0
    tree = DecisionTreeScratch(max_depth=1, criterion=criterion).fit(X, y)
    assert tree.feature_[0] == feature


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (1.0, np.nextafter(1.0, 2.0)),
        (-5e-324, 0.0),
        (0.0, 5e-324),
        (5e-324, 1e-323),
        (-1.7e308, 1.7e308),
        (1.6e308, 1.7e308),
    ],
)
def test_neighbouring_and_extreme_numbers_are_parted(low: float, high: float) -> None:
    tree = DecisionTreeScratch().fit([[high], [low]], ["up", "down"])
    middle = Fraction(low) / 2 + Fraction(high) / 2
    expected = float(middle) if low <= float(middle) < high else low
    assert tree.threshold_[0] == expected
    assert tree.predict([[low], [high]]).tolist() == ["down", "up"]


@unhurried
@given(small_problems)
def test_an_unbounded_tree_knows_every_distinct_sample(
    data: tuple[Array, Labels],
) -> None:
    X, _ = data
    distinct = np.unique(X, axis=0)
    y = np.arange(len(distinct)) % 3
    tree = DecisionTreeScratch(max_depth=None).fit(distinct, y)
    assert np.array_equal(tree.predict(distinct), y)
    assert tree.n_leaves_ == (tree.feature_ == -1).sum() <= len(distinct)


@unhurried
@given(small_problems, st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(
    data: tuple[Array, Labels], random: Any
) -> None:
    X, y = data
    order = random.sample(range(len(X)), len(X))
    one, other = DecisionTreeScratch().fit(X, y), DecisionTreeScratch()
    other.fit(X[order], y[order])
    assert np.array_equal(one.threshold_, other.threshold_, equal_nan=True)
    assert np.array_equal(one.feature_, other.feature_)
    assert np.array_equal(one.value_, other.value_)


def test_strings_and_other_layouts() -> None:
    X, y = cloud(seed=5)
    names = np.array(["low", "mid", "top"])[y]
    tree = DecisionTreeScratch().fit(X, names)
    same = DecisionTreeScratch().fit(
        np.asfortranarray(np.repeat(X, 2, 1))[:, ::2], names
    )
    assert np.array_equal(tree.threshold_, same.threshold_, equal_nan=True)
    predicted = tree.predict(X)
    assert predicted.dtype == names.dtype
    assert (predicted == names).mean() > 0.9
    assert tree.predict(np.zeros((0, 6))).shape == (0,)
    assert tree.predict_proba(np.zeros((0, 6))).shape == (0, 3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_depth": 0}, ValueError, "max_depth"),
        ({"max_depth": 2.5}, TypeError, "max_depth"),
        ({"min_samples_split": 1}, ValueError, "min_samples_split"),
        ({"min_samples_split": 0.1}, TypeError, "min_samples_split"),
        ({"criterion": "log_loss"}, ValueError, "criterion"),
    ],
)
def test_bad_options_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message} must be"):
        DecisionTreeScratch(**options)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        ([1.0, 2.0], [0, 1], ValueError, "X"),
        (np.zeros((0, 2)), [], ValueError, "X"),
        ([[np.nan], [0.0]], [0, 1], ValueError, "X"),
        ([[1j], [0.0]], [0, 1], TypeError, "X"),
        ([[0.0], [1.0]], [0], ValueError, "y"),
        ([[0.0], [1.0]], [[0], [1]], ValueError, "y"),
        ([[0.0], [1.0]], np.array([1, "a"], dtype=object), TypeError, "y"),
    ],
)
def test_bad_data_is_refused_and_changes_nothing(
    X: Any, y: Any, error: type[Exception], message: str
) -> None:
    tree = DecisionTreeScratch().fit([[0.0], [1.0]], [7, 8])
    with pytest.raises(error, match=f"^{message} must be"):
        tree.fit(X, y)
    assert tree.predict([[0.0], [1.0]]).tolist() == [7, 8]


def test_bad_queries_are_refused() -> None:
    with pytest.raises(RuntimeError, match="call fit first"):
        DecisionTreeScratch().predict([[1.0]])
    tree = DecisionTreeScratch().fit([[0.0], [1.0]], [7, 8])
    with pytest.raises(ValueError, match="X must be a matrix with 1 features"):
        tree.predict([[1.0, 2.0]])
