"""A classification tree grown greedily, as CART does."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, require_one_of
from reference.ml.checks import (
    Indices,
    Labels,
    as_samples,
    as_training_matrix,
    encode_labels,
    require_fitted,
    require_integer,
)
from reference.ml.classical.compiled import compiled
from reference.ml.classical.splitting import CRITERIA, Integers, Reals
from reference.ml.classical.tree_growth import LARGE, LEAF, grow_tree


class DecisionTreeScratch:
    """Classify by a binary tree of questions ``X[:, feature] <= threshold``.

    ``max_depth`` bounds the questions on a path (``None``: no bound), and a node with
    fewer than ``min_samples_split`` samples is a leaf. ``criterion``: ``"gini"``
    1 − Σ pᵢ², or ``"entropy"`` −Σ pᵢ log₂ pᵢ in bits.

    A node is split by the question that leaves the least weighted impurity, even where
    that is no less than before (so XOR can be learnt), unless it is pure or all its
    features are constant. The threshold is half way between two adjacent values, and
    the lower value where floating point has nothing between them. Ties (impurities
    within 1e-12): the lowest feature, then the lowest threshold; equal classes in a
    leaf: the smallest label.

    Attributes after ``fit``: ``classes_``; ``feature_importances_``, the impurity each
    feature takes away, weighted by samples and summing to one (all zero where no
    question lowers the impurity); ``depth_``; ``n_leaves_``; and the tree in flat
    arrays over the nodes, in depth-first order, left before right: ``feature_``
    (−1 at a leaf), ``threshold_`` (NaN at a leaf), ``left_`` and ``right_`` (node
    numbers, −1 at a leaf), ``value_`` ``(n_nodes, n_classes)``, the class fractions.

    Source: Breiman, Friedman, Olshen & Stone (1984), Classification and Regression
    Trees, chapters 2 and 4.
    """

    classes_: Labels
    feature_importances_: Array
    depth_: int
    n_leaves_: int
    feature_: Indices
    threshold_: Array
    left_: Indices
    right_: Indices
    value_: Array

    def __init__(
        self,
        max_depth: int | None = 10,
        min_samples_split: int = 2,
        criterion: str = "gini",
    ) -> None:
        if max_depth is not None:
            max_depth = require_integer("max_depth", max_depth, 1)
        self.max_depth = max_depth
        self.min_samples_split = require_integer(
            "min_samples_split", min_samples_split, 2
        )
        require_one_of("criterion", criterion, CRITERIA)
        self.criterion = criterion

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Grow the tree from samples ``(n, d)`` and labels ``(n,)`` of any kind."""
        samples = as_training_matrix(X)
        classes, codes = encode_labels(y, len(samples))
        tree, gains = grow_tree(
            np.ascontiguousarray(samples.T),
            codes,
            self.criterion,
            self.max_depth,
            self.min_samples_split,
        )
        self.classes_ = classes
        self.feature_importances_ = gains / (gains.sum() or 1.0)
        self.depth_ = tree.depth
        self.n_leaves_ = tree.feature.count(LEAF)
        self.feature_ = np.array(tree.feature, dtype=np.intp)
        self.threshold_ = np.array(tree.threshold)
        self.left_ = np.array(tree.left, dtype=np.intp)
        self.right_ = np.array(tree.right, dtype=np.intp)
        self.value_ = np.array(tree.value)
        return self

    def predict(self, X: ArrayLike) -> Labels:
        """Return the most frequent label of each sample's leaf, ``(m,)``."""
        leaf = self._leaves(X)
        labels: Labels = self.classes_[self.value_.argmax(axis=1)]
        return labels[leaf]

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the class fractions of each sample's leaf, ``(m, n_classes)``."""
        leaf = self._leaves(X)
        return self.value_[leaf]

    def _leaves(self, X: ArrayLike) -> Indices:
        """Return the node number of each sample's leaf."""
        require_fitted(self, "value_")
        samples = np.ascontiguousarray(as_samples(X, len(self.feature_importances_)))
        leaf = np.empty(len(samples), dtype=np.intp)
        if samples.size >= LARGE:
            find = compiled(find_leaves)
            find(samples, self.feature_, self.threshold_, self.left_, self.right_, leaf)
        else:
            find_leaves(
                samples.tolist(),
                self.feature_.tolist(),
                self.threshold_.tolist(),
                self.left_.tolist(),
                self.right_.tolist(),
                leaf,
            )
        return leaf


def find_leaves(
    samples: Sequence[Reals] | Array,
    feature: Integers,
    threshold: Reals,
    left: Integers,
    right: Integers,
    leaf: Indices,
) -> None:
    """Write the number of each sample's leaf into ``leaf`` ``(m,)``."""
    for i in range(len(samples)):
        sample, node = samples[i], 0
        while feature[node] != LEAF:
            below = sample[feature[node]] <= threshold[node]
            node = left[node] if below else right[node]
        leaf[i] = node
