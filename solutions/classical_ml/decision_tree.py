"""A decision tree for classification.

A tree asks one question a node, X[:, feature] ≤ threshold, and goes left for yes and
right for no; a leaf answers with the label that most of its training samples have, and
with the smallest of them where several are as frequent. It is grown from the root by
choosing, in each node, the question that leaves the least impurity

    (n_left · I(left) + n_right · I(right)) / n

where pᵢ is the share of label i in a node, and the impurity I is

    "gini"       1 − Σ pᵢ²
    "entropy"    −Σ pᵢ log₂ pᵢ        (0 log 0 = 0)

A node becomes a leaf if it is pure (one label), if every feature is constant in it, if
`max_depth` questions lead to it (None: no limit), or if it has fewer than
`min_samples_split` samples. In every other case it is split, even if no question lowers
the impurity: the first question of XOR does not, and the two below it then can.

Thresholds lie half way between two neighbouring distinct values of a feature in the
node. Computing it must neither overflow (both may be near ±1e308) nor round up to the
higher value (there may be no float between the two): then the threshold is the lower.

Ties must not hang on chance or on rounding: of questions whose impurities differ by no
more than 1e-12, the one on the lowest feature is chosen, then the one with the lowest
threshold.

The importance of a feature is what its questions take away from the impurity,

    Σ n · (I(node) − impurity left)        over the nodes that ask about it

where a decrease of no more than 1e-12 counts as 0, divided by the sum over all
features; all are 0 where that sum is 0.

Write `DecisionTreeScratch`. `fit` takes samples (n, d) and labels (n,), numbers or
strings, returns the object itself, and sets `classes_` (the sorted distinct labels),
`feature_importances_` (float64, shape (d,)), `depth_` (the most questions on a path; 0
for a single leaf) and `n_leaves_`. `predict` takes (m, d), where m may be 0, and
returns the labels, shape (m,), in the dtype of y. A second `fit` forgets the first; no
argument is changed; a `fit` that raises leaves the last one in place.

`ValueError` that names the argument:
- in the constructor: `max_depth` below 1, `min_samples_split` below 2, `criterion`
  other than the two words;
- in `fit` and `predict`: `X` not of two axes, with NaN or infinity, without samples or
  features in `fit`, or without the d features of `fit` in `predict`; `y` not of shape
  (n,).

`predict` before `fit` raises `RuntimeError` that says to call fit.

Source: Breiman, Friedman, Olshen & Stone, Classification and Regression Trees (1984),
chapters 2 and 4.

In production: each feature is sorted once for the whole tree and the counts move
along, or values are put in 256 bins; a single tree gives way to forests and boosting.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TIE = 1e-12


@dataclass(frozen=True)
class _Node:
    label: np.intp
    split: "tuple[int, float, _Node, _Node] | None" = None


class DecisionTreeScratch:
    """Classify by questions about one feature at a time."""

    classes_: NDArray[np.generic]
    feature_importances_: NDArray[np.float64]
    depth_: int
    n_leaves_: int

    def __init__(
        self,
        max_depth: int | None = 10,
        min_samples_split: int = 2,
        criterion: str = "gini",
    ) -> None:
        if max_depth is not None and max_depth < 1:
            raise ValueError(f"max_depth must be None or at least 1, got {max_depth}")
        if min_samples_split < 2:
            raise ValueError(
                f"min_samples_split must be at least 2, got {min_samples_split}"
            )
        if criterion not in ("gini", "entropy"):
            raise ValueError(f"criterion must be gini or entropy, got {criterion!r}")
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.criterion = criterion

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Grow the tree from samples (n, d) and labels (n,); return the object."""
        samples = _as_samples(X)
        labels = np.asarray(y)
        if samples.size == 0:
            raise ValueError(f"X must not be empty, got shape {samples.shape}")
        if labels.shape != (len(samples),):
            raise ValueError(f"y must have shape ({len(samples)},), got {labels.shape}")
        self.classes_, codes = np.unique(labels, return_inverse=True)
        decreases = np.zeros(samples.shape[1])
        self._root = self._grow(samples, codes, 0, decreases)
        total = decreases.sum()
        self.feature_importances_ = decreases / total if total > 0.0 else decreases
        self.depth_ = _depth(self._root)
        self.n_leaves_ = _count_leaves(self._root)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the label of each sample's leaf, shape (m,)."""
        if not hasattr(self, "_root"):
            raise RuntimeError("there is no tree yet, call fit first")
        samples = _as_samples(X)
        d = len(self.feature_importances_)
        if samples.shape[1] != d:
            raise ValueError(f"X must have {d} features, got {samples.shape[1]}")
        codes = [_answer(self._root, row) for row in samples]
        labels: NDArray[np.generic] = self.classes_[codes]
        return labels

    def _grow(
        self,
        X: NDArray[np.float64],
        codes: NDArray[np.intp],
        depth: int,
        decreases: NDArray[np.float64],
    ) -> _Node:
        """Return the tree below a node; add to what each feature takes away."""
        label = np.bincount(codes).argmax()
        before = self._impurity(codes)
        limited = depth == self.max_depth or len(X) < self.min_samples_split
        best = None if limited or before == 0.0 else self._best_question(X, codes)
        if best is None:
            return _Node(label)
        feature, threshold, after = best
        if before - after > _TIE:
            decreases[feature] += len(X) * (before - after)
        yes = X[:, feature] <= threshold
        left = self._grow(X[yes], codes[yes], depth + 1, decreases)
        right = self._grow(X[~yes], codes[~yes], depth + 1, decreases)
        return _Node(label, (feature, threshold, left, right))

    def _best_question(
        self, X: NDArray[np.float64], codes: NDArray[np.intp]
    ) -> tuple[int, float, float] | None:
        """Return feature, threshold and the impurity left; None if all is constant."""
        best = None
        least = np.inf
        for feature, column in enumerate(X.T):
            for low, high in pairwise(np.unique(column)):
                yes = column <= low
                sides = codes[yes], codes[~yes]
                impurity = sum(len(s) / len(X) * self._impurity(s) for s in sides)
                if impurity < least - _TIE:
                    least = impurity
                    best = feature, _halfway(low, high), impurity
        return best

    def _impurity(self, codes: NDArray[np.intp]) -> float:
        counts = np.bincount(codes)
        shares = counts[counts > 0] / len(codes)
        impurity: float
        if self.criterion == "gini":
            impurity = 1.0 - (shares**2).sum()
        else:
            impurity = -(shares * np.log2(shares)).sum()
        return impurity


def _halfway(low: float, high: float) -> float:
    middle = low / 2 + high / 2
    return middle if middle < high else low


def _answer(node: _Node, row: NDArray[np.float64]) -> np.intp:
    while node.split is not None:
        feature, threshold, left, right = node.split
        node = left if row[feature] <= threshold else right
    return node.label


def _depth(node: _Node) -> int:
    if node.split is None:
        return 0
    _, _, left, right = node.split
    return 1 + max(_depth(left), _depth(right))


def _count_leaves(node: _Node) -> int:
    if node.split is None:
        return 1
    _, _, left, right = node.split
    return _count_leaves(left) + _count_leaves(right)


def _as_samples(X: ArrayLike) -> NDArray[np.float64]:
    samples = np.asarray(X, dtype=np.float64)
    if samples.ndim != 2:
        raise ValueError(f"X must have two axes, got {samples.ndim}")
    if not np.isfinite(samples).all():
        raise ValueError("X must be finite, got NaN or infinity")
    return samples
