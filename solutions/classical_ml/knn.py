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
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if metric not in ("euclidean", "manhattan"):
            raise ValueError(f"metric must be euclidean or manhattan, got {metric!r}")
        if weights not in ("uniform", "distance"):
            raise ValueError(f"weights must be uniform or distance, got {weights!r}")
        self.k = k
        self.metric = metric
        self.weights = weights

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Keep samples (n, d) and labels (n,); return the object itself."""
        samples = _as_samples(X)
        labels = np.asarray(y)
        if samples.size == 0:
            raise ValueError(f"X must not be empty, got shape {samples.shape}")
        if labels.shape != (len(samples),):
            raise ValueError(f"y must have shape ({len(samples)},), got {labels.shape}")
        if self.k > len(samples):
            raise ValueError(f"k must be at most {len(samples)} samples, got {self.k}")
        self.classes_, self._codes = np.unique(labels, return_inverse=True)
        self._samples = samples
        return self

    def kneighbors(
        self, X: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
        """Return distances and training indices (m, k), from near to far."""
        if not hasattr(self, "_samples"):
            raise RuntimeError("there are no neighbours yet, call fit first")
        queries = _as_samples(X)
        d = self._samples.shape[1]
        if queries.shape[1] != d:
            raise ValueError(f"X must have {d} features, got {queries.shape[1]}")
        gaps = np.abs(queries[:, np.newaxis, :] - self._samples)
        if self.metric == "euclidean":
            distances = np.sqrt((gaps**2).sum(axis=2))
        else:
            distances = gaps.sum(axis=2)
        # A stable sort leaves equal distances in the order of the samples.
        nearest = np.argsort(distances, axis=1, kind="stable")[:, : self.k]
        return np.take_along_axis(distances, nearest, axis=1), nearest

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the label with the most votes for each query, shape (m,)."""
        distances, nearest = self.kneighbors(X)
        weights = self._weigh(distances)
        votes = np.zeros((len(nearest), len(self.classes_)))
        for row, codes in enumerate(self._codes[nearest]):
            np.add.at(votes[row], codes, weights[row])
        margin = 1e-12 * votes.sum(axis=1, keepdims=True)
        winners = votes >= votes.max(axis=1, keepdims=True) - margin
        # The first of the winners has the smallest label.
        labels: NDArray[np.generic] = self.classes_[winners.argmax(axis=1)]
        return labels

    def _weigh(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.weights == "uniform":
            return np.ones_like(distances)
        exact = distances == 0.0
        with np.errstate(divide="ignore"):
            closeness = np.reciprocal(distances)
        return np.where(exact.any(axis=1, keepdims=True), exact, closeness)


def _as_samples(X: ArrayLike) -> NDArray[np.float64]:
    samples = np.array(X, dtype=np.float64)
    if samples.ndim != 2:
        raise ValueError(f"X must have two axes, got {samples.ndim}")
    if not np.isfinite(samples).all():
        raise ValueError("X must be finite, got NaN or infinity")
    return samples
