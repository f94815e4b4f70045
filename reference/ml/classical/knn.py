"""k-nearest-neighbour classification."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, require, require_one_of
from reference.ml.checks import (
    Indices,
    Labels,
    as_samples,
    as_training_matrix,
    encode_labels,
    one_of_two,
    require_fitted,
    require_integer,
)
from reference.ml.classical.neighbours import METRICS, nearest

# Sums of at most k weights in (0, 1] carry rounding far below this share of the votes;
# votes that differ by less are equal.
TIE = 1e-12


class KNNScratch:
    """Classify by a vote of the ``k`` nearest training samples.

    ``metric``: ``"euclidean"`` √Σ(aᵢ−bᵢ)², ``"manhattan"`` Σ|aᵢ−bᵢ|, or ``"cosine"``
    1 − a·b/(‖a‖‖b‖), which is 1 where a or b is zero. ``weights``: ``"uniform"``, one
    vote each; or ``"distance"``, votes of 1/distance, and where some of the ``k``
    distances are zero only those neighbours vote, one vote each.

    Ties: of equally distant samples the lower training index is nearer; of equal
    votes (within 1e-12 of all votes) the smallest label wins.

    ``n_neighbors`` is another name for ``k``; giving both raises ``TypeError``.
    Attributes after ``fit``: ``classes_``, the sorted distinct labels.
    Source: Cover & Hart (1967), Nearest neighbor pattern classification; the distance
    weights are after Dudani (1976), with 1/distance.
    """

    classes_: Labels

    @one_of_two("k", "n_neighbors")
    def __init__(
        self,
        k: int = 5,
        metric: str = "euclidean",
        weights: str = "uniform",
        *,
        n_neighbors: int | None = None,
    ) -> None:
        if n_neighbors is None:
            self.k = require_integer("k", k, 1)
        else:
            self.k = require_integer("n_neighbors", n_neighbors, 1)
        require_one_of("metric", metric, METRICS)
        require_one_of("weights", weights, ("uniform", "distance"))
        self.metric = metric
        self.weights = weights

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Keep a copy of the samples ``(n, d)`` and their labels ``(n,)``.

        Raises ``ValueError`` where ``k`` is larger than ``n``.
        """
        training = as_training_matrix(X)
        classes, codes = encode_labels(y, len(training))
        expected = f"at most the {len(training)} training samples"
        require(self.k <= len(training), "k", expected, self.k)
        self.classes_, self._codes = classes, codes
        self._training = training.copy()
        return self

    def kneighbors(self, X: ArrayLike) -> tuple[Array, Indices]:
        """Return distances (float64) and training indices, both ``(m, k)``.

        Each row runs from near to far. Coordinates below 1e-154 of the largest one
        vanish in the square, and their differences count as zero.
        """
        require_fitted(self, "classes_")
        queries = as_samples(X, self._training.shape[1])
        distances, indices = nearest(queries, self._training, self.k, self.metric)
        require(
            bool(np.isfinite(distances).all()), "X", "within float64 of training", X
        )
        return distances, indices

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the share of the votes of each class, ``(m, n_classes)``."""
        distances, indices = self.kneighbors(X)
        votes = self._votes(distances)
        rows = np.arange(len(votes))[:, np.newaxis]
        n_classes = len(self.classes_)
        cells = rows * n_classes + self._codes[indices]
        total = np.bincount(
            cells.ravel(), weights=votes.ravel(), minlength=len(votes) * n_classes
        ).reshape(len(votes), n_classes)
        share: Array = total / total.sum(axis=1, keepdims=True)
        return share

    def predict(self, X: ArrayLike) -> Labels:
        """Return the label with the most votes, ``(m,)``, in the dtype of ``y``."""
        share = self.predict_proba(X)
        winners = share >= share.max(axis=1, keepdims=True) - TIE
        chosen: Labels = self.classes_[winners.argmax(axis=1)]
        return chosen

    def _votes(self, distances: Array) -> Array:
        if self.weights == "uniform":
            return np.ones_like(distances)
        # 1/distance in units of the nearest, which cannot overflow; 0/0 does not count.
        closest = distances[:, :1]
        exact = closest == 0.0
        relative = closest / np.where(distances == 0.0, 1.0, distances)
        votes: Array = np.where(exact, distances == 0.0, relative)
        return votes
