"""Estimators beside scikit-learn's, on the same data."""

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from benchmarks.pairs import compare
from reference.ml.classical import (
    DecisionTreeScratch,
    KNNScratch,
    LinearRegressionScratch,
)

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@lru_cache
def _labelled(n: int, d: int) -> tuple[Array, Labels]:
    """Return normal samples in three classes, of which a tenth are wrongly labelled."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, d))
    score = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + X[:, 3]
    y = np.digitize(score, (-0.7, 0.7)).astype(np.int64)
    wrong = generator.random(n) < 0.1
    return X, np.where(wrong, generator.integers(0, 3, n), y)


@pytest.mark.parametrize("algorithm", ["brute", "auto"])
def test_knn_predict(benchmark: BenchmarkFixture, algorithm: str) -> None:
    X, y = _labelled(6000, 16)
    training, queries = X[:5000], X[5000:]
    ours = KNNScratch(k=5).fit(training, y[:5000])
    peer = KNeighborsClassifier(5, algorithm=algorithm).fit(training, y[:5000])
    np.testing.assert_array_equal(ours.predict(queries), peer.predict(queries))
    compare(
        benchmark,
        f"knn_{algorithm}",
        lambda: ours.predict(queries),
        lambda: peer.predict(queries),
    )


def test_decision_tree_fit(benchmark: BenchmarkFixture) -> None:
    X, y = _labelled(20_000, 20)
    compare(
        benchmark,
        "tree_fit",
        lambda: DecisionTreeScratch(max_depth=10).fit(X, y),
        lambda: DecisionTreeClassifier(max_depth=10, random_state=0).fit(X, y),
    )


def test_decision_tree_predict(benchmark: BenchmarkFixture) -> None:
    X, y = _labelled(20_000, 20)
    ours = DecisionTreeScratch(max_depth=10).fit(X, y)
    peer = DecisionTreeClassifier(max_depth=10, random_state=0).fit(X, y)
    # Equally good questions are chosen between differently.
    assert np.mean(ours.predict(X) == peer.predict(X)) > 0.98
    compare(benchmark, "tree_predict", lambda: ours.predict(X), lambda: peer.predict(X))


def test_linear_regression_fit(benchmark: BenchmarkFixture) -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(100_000, 30))
    y = X @ generator.normal(size=30) + generator.normal(size=100_000) + 2.0
    ours, peer = LinearRegressionScratch(), LinearRegression()
    np.testing.assert_allclose(ours.fit(X, y).weights, peer.fit(X, y).coef_, rtol=1e-9)
    compare(benchmark, "linear_fit", lambda: ours.fit(X, y), lambda: peer.fit(X, y))
