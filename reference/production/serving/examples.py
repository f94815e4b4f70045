"""Two small models that are trained at start, so that a service answers at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array
from reference.ml.classical import DecisionTreeScratch, LinearRegressionScratch
from reference.production.serving.example_data import read
from reference.production.serving.inference import Model


@dataclass
class ChurnTree:
    """Whether a customer stays or leaves, by a decision tree; on synthetic data."""

    tree: DecisionTreeScratch
    feature_names: Sequence[str] | None
    n_features: int = field(init=False)

    def __post_init__(self) -> None:
        """Take width and classes from what was trained."""
        self.n_features = len(self.feature_names or ())
        self.classes_ = self.tree.classes_

    def predict(self, features: Array, /) -> ArrayLike:
        """Return a word for each row."""
        return self.tree.predict(features)

    def predict_proba(self, features: Array, /) -> ArrayLike:
        """Return the fractions of the classes in the leaf of each row."""
        return self.tree.predict_proba(features)


@dataclass
class RentRegression:
    """The rent of a flat in euros, by linear regression; on synthetic data."""

    regression: LinearRegressionScratch
    feature_names: Sequence[str] | None
    n_features: int = field(init=False)

    def __post_init__(self) -> None:
        """Take the width from what was trained."""
        self.n_features = len(self.feature_names or ())

    def predict(self, features: Array, /) -> ArrayLike:
        """Return euros for each row."""
        return self.regression.predict(features)


def train_examples() -> dict[str, Model]:
    """Return a classifier and a regressor, trained on the data that is shipped."""
    names, X, outcomes = _table("synthetic_churn.csv")
    tree = DecisionTreeScratch(max_depth=4).fit(X, outcomes)
    churn = ChurnTree(tree, names)
    names, X, rents = _table("synthetic_rent.csv")
    regression = LinearRegressionScratch().fit(X, np.array(rents, dtype=np.float64))
    return {"churn": churn, "rent": RentRegression(regression, names)}


def _table(name: str) -> tuple[list[str], Array, list[str]]:
    """Return the names of the features, the features, and the last column as text."""
    header, rows = read(name)
    X = np.array([row[:-1] for row in rows], dtype=np.float64)
    return header[:-1], X, [row[-1] for row in rows]
