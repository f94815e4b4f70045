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

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
        raise NotImplementedError

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Grow the tree from samples (n, d) and labels (n,); return the object."""
        raise NotImplementedError

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the label of each sample's leaf, shape (m,)."""
        raise NotImplementedError
