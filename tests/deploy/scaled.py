"""A model whose answers tell which version gave them; it can be unpickled by name."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from reference.core.validation import Array


@dataclass(frozen=True)
class Scaled:
    """Its one feature times ``factor``; it fails where that feature is below a bound.

    Where a batch holds such a row the service asks again row by row.
    """

    factor: float
    fails_below: float = -float("inf")
    n_features: int = 1

    def predict(self, features: Array, /) -> ArrayLike:
        """Return ``factor`` times the feature."""
        if (features < self.fails_below).any():
            raise RuntimeError("a feature is below what this version can take")
        return features[:, 0] * self.factor
