"""k nearest neighbours.

To classify a point, find the k training samples nearest to it and let them vote. With
training samples X (n, d), their labels y (n,), and a query q, the distance is

    "euclidean"    √ Σᵢ (qᵢ − xᵢ)²
    "manhattan"    Σᵢ |qᵢ − xᵢ|

and the vote of a neighbour is

    "uniform"      1
    "distance"     1 / distance

With "distance", where some of the k neighbours are at distance 0, only those vote,
with one vote each.

Both steps can tie, and the answer must not hang on chance. Of samples at the same
distance, the one with the lower index in X is nearer. Of labels with the same votes,
the smallest wins; votes that differ by no more than 1e-12 of all the votes for that
query are the same, since sums of fractions round (1/2 + 1/3 + 1/6 need not be 1).

Take the differences before you square them. ‖q‖² − 2q·x + ‖x‖² is faster, and has
nothing left at coordinates of 1e8 and distances of 1.

Write `KNNScratch`:
- `fit(X, y)` keeps a copy of the samples, sets `classes_`, the sorted distinct labels,
  and returns the object itself. A second `fit` forgets the first. Labels are numbers
  or strings.
- `kneighbors(X)` for queries (m, d) returns the distances, float64, and the indices of
  the training samples, integers, both of shape (m, k), each row from near to far.
- `predict(X)` returns the labels, shape (m,), in the dtype of `y`.

m may be 0. No argument is changed; a `fit` that raises leaves the last one in place.

`ValueError` that names the argument:
- in the constructor: `k` below 1, `metric` and `weights` other than the words above
  (a metric "cosine" is not asked for, and not tried);
- in `fit`: `X` without samples or without features, `y` not of shape (n,), `k` where it
  is larger than n;
- everywhere: `X` not of two axes, with NaN or infinity, or without the d features of
  `fit`.

`kneighbors` and `predict` before `fit` raise `RuntimeError` that says to call fit.

Source: Cover & Hart, Nearest neighbor pattern classification (1967); Dudani, The
distance-weighted k-nearest-neighbor rule (1976), here with 1/distance.

In production: the search is a matrix product on an accelerator, or an approximate
index such as HNSW; and features are scaled first, since the largest unit decides.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


class KNNScratch:
    """Classify by a vote of the k nearest training samples."""

    classes_: NDArray[np.generic]

    def __init__(
        self, k: int = 5, metric: str = "euclidean", weights: str = "uniform"
    ) -> None:
        raise NotImplementedError

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Keep samples (n, d) and labels (n,); return the object itself."""
        raise NotImplementedError

    def kneighbors(
        self, X: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
        """Return distances and training indices (m, k), from near to far."""
        raise NotImplementedError

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the label with the most votes for each query, shape (m,)."""
        raise NotImplementedError
