"""Linear regression against scikit-learn, torch and the normal equations.

The closed form has a relative error of about eps·cond(X); the random problems have
condition numbers below 1e3, so 1e-9 leaves room. Gradient descent contracts its error
by (1 − 2·rate·μ) a step, μ the least eigenvalue of the columns' correlation; each test
takes enough steps for the stated tolerance.
"""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.metrics import r2_score

from reference.ml.classical import LinearRegressionScratch

Array = NDArray[np.float64]
# The first example may compile or import; a deadline would judge that.
unhurried = settings(deadline=None)


def problem(
    n: int = 200, d: int = 5, targets: tuple[int, ...] = (), seed: int = 0
) -> tuple[Array, Array]:
    """Columns of several scales and offsets, targets with noise."""
    generator = np.random.default_rng(seed)
    scale = 10.0 ** generator.uniform(-1, 1, d)
    X = generator.normal(size=(n, d)) * scale + generator.normal(size=d)
    noise = generator.normal(size=(n, *targets))
    y = X @ (generator.normal(size=(d, *targets)).T / scale).T + 3.0 + 0.1 * noise
    return X, y


def assert_same(ours: LinearRegressionScratch, theirs: Any, tolerance: float) -> None:
    np.testing.assert_allclose(ours.weights, theirs.coef_.T, tolerance, tolerance)
    np.testing.assert_allclose(ours.bias, theirs.intercept_, tolerance, tolerance)


@pytest.mark.parametrize("targets", [(), (1,), (3,)])
@pytest.mark.parametrize(("n", "d"), [(200, 5), (7, 6), (50, 1)])
def test_closed_form_is_least_squares(n: int, d: int, targets: tuple[int, ...]) -> None:
    X, y = problem(n, d, targets)
    model = LinearRegressionScratch().fit(X, y)
    assert model.weights.shape == (d, *targets)
    assert isinstance(model.bias, float) or model.bias.shape == targets
    assert_same(model, LinearRegression().fit(X, y), 1e-9)
    np.testing.assert_allclose(
        model.predict(X), LinearRegression().fit(X, y).predict(X), 1e-9, 1e-9
    )


@pytest.mark.parametrize("strength", [0.0, 1e-3, 0.5, 100.0])
@pytest.mark.parametrize("targets", [(), (2,)])
def test_l2_is_ridge_with_alpha_n_lambda(
    strength: float, targets: tuple[int, ...]
) -> None:
    X, y = problem(targets=targets)
    model = LinearRegressionScratch(regularization="l2", reg_lambda=strength)
    theirs = Ridge(alpha=len(X) * strength).fit(X, y)
    assert_same(model.fit(X, y), theirs, 1e-9)


@pytest.mark.parametrize(("n", "d"), [(4, 9), (1, 3), (2, 2)])
def test_too_few_samples_give_the_solution_of_least_norm(n: int, d: int) -> None:
    X, y = problem(n, d)
    model = LinearRegressionScratch().fit(X, y)
    expected = np.linalg.pinv(X - X.mean(axis=0)) @ (y - y.mean())
    np.testing.assert_allclose(model.weights, expected, 1e-9, 1e-12)
    np.testing.assert_allclose(model.predict(X), y, 1e-9)


def test_dependent_and_constant_columns() -> None:
    X, y = problem(100, 3)
    X = np.column_stack([X, X[:, 0], X[:, 1] - 2 * X[:, 2], np.full(100, 0.1)])
    model = LinearRegressionScratch().fit(X, y)
    assert_same(model, LinearRegression().fit(X, y), 1e-9)
    assert model.weights[5] == 0.0
    assert model.weights[0] == pytest.approx(model.weights[3], rel=1e-9)


def test_only_constant_columns_predict_the_mean_exactly() -> None:
    X = np.full((7, 2), 0.1)
    for method in ("closed_form", "gradient_descent"):
        model = LinearRegressionScratch(method).fit(X, np.arange(7.0))
        assert np.array_equal(model.weights, [0.0, 0.0])
        assert model.bias == 3.0


# Entries are integers over 4, so that dependent columns are exactly dependent and no
# column is nearly constant.
quarters = st.integers(-40, 40).map(lambda i: i / 4)
designs = st.tuples(st.integers(1, 12), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=quarters),
        arrays(np.float64, shape[0], elements=quarters),
    )
)


@unhurried
@given(designs)
def test_residual_is_orthogonal_to_the_columns(data: tuple[Array, Array]) -> None:
    """The normal equations hold whatever the rank; entries ≤ 10, so 1e-9 is slack."""
    X, y = data
    residual = y - LinearRegressionScratch().fit(X, y).predict(X)
    np.testing.assert_allclose(residual.sum(), 0.0, atol=1e-9)
    np.testing.assert_allclose(X.T @ residual, 0.0, atol=1e-8)


@unhurried
@given(designs, quarters, quarters)
def test_weights_are_linear_in_the_target(
    data: tuple[Array, Array], factor: float, shift: float
) -> None:
    X, y = data
    once = LinearRegressionScratch(regularization="l2").fit(X, y)
    other = LinearRegressionScratch(regularization="l2").fit(X, factor * y + shift)
    np.testing.assert_allclose(other.weights, factor * once.weights, 1e-9, 1e-9)
    np.testing.assert_allclose(other.bias, factor * once.bias + shift, 1e-9, 1e-9)


@unhurried
@given(designs)
def test_columns_of_any_magnitude(data: tuple[Array, Array]) -> None:
    X, y = data
    plain = LinearRegressionScratch().fit(X, y)
    for factor in (2.0**600, 2.0**-600):
        scaled = LinearRegressionScratch().fit(X * factor, y)
        np.testing.assert_allclose(scaled.weights * factor, plain.weights, 1e-9, 1e-9)
    descent = LinearRegressionScratch("gradient_descent", n_iterations=5)
    weights = descent.fit(X, y).weights
    for factor in (2.0**600, 2.0**-600):
        scaled = descent.fit(X * factor, y)
        np.testing.assert_allclose(scaled.weights * factor, weights, 1e-9, 1e-9)


@pytest.mark.parametrize("targets", [(), (3,)])
def test_descent_reaches_the_closed_form(targets: tuple[int, ...]) -> None:
    """The defaults contract by (1 − 0.02 μ)¹⁰⁰⁰ with μ ≥ 0.8 here: about 1e-7."""
    X, y = problem(2000, targets=targets)
    model = LinearRegressionScratch("gradient_descent").fit(X, y)
    assert_same(model, LinearRegression().fit(X, y), 1e-5)


def test_descent_with_fewer_samples_than_features_reaches_least_norm() -> None:
    """On standardised columns: the descent starts at zero and stays in their span."""
    X, y = problem(4, 9)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = LinearRegressionScratch("gradient_descent", n_iterations=20_000).fit(X, y)
    closed = LinearRegressionScratch().fit(X, y)
    np.testing.assert_allclose(model.weights, closed.weights, 1e-7, 1e-7)


@pytest.mark.parametrize("strength", [1e-3, 0.5, 100.0])
def test_descent_with_l2_reaches_the_closed_form(strength: float) -> None:
    X, y = problem(2000)
    model = LinearRegressionScratch(
        "gradient_descent", regularization="l2", reg_lambda=strength
    )
    assert_same(model.fit(X, y), Ridge(alpha=len(X) * strength).fit(X, y), 1e-5)


@pytest.mark.parametrize("strength", [1e-3, 0.3, 2.0])
def test_descent_with_l1_reaches_lasso(strength: float) -> None:
    """Scikit-learn halves the squared error, so its alpha is λ/2."""
    X, y = problem(2000)
    model = LinearRegressionScratch(
        "gradient_descent", regularization="l1", reg_lambda=strength
    ).fit(X, y)
    theirs = Lasso(alpha=strength / 2, tol=1e-12, max_iter=100_000).fit(X, y)
    assert_same(model, theirs, 1e-5)
    assert np.array_equal(model.weights == 0.0, theirs.coef_ == 0.0)


def test_strong_l1_leaves_no_weight() -> None:
    X, y = problem()
    model = LinearRegressionScratch(
        "gradient_descent", regularization="l1", reg_lambda=1e6
    ).fit(X, y)
    assert not model.weights.any()
    assert model.bias == pytest.approx(y.mean(), rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(30, 4), (4, 30)])
def test_descent_steps_are_those_of_autograd(n: int, d: int) -> None:
    """Three plain steps on standardised columns, by torch; rounding only."""
    X, y = problem(n, d)
    rate = 0.003
    Z = torch.tensor((X - X.mean(axis=0)) / X.std(axis=0))
    u = torch.zeros(d, dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        loss = torch.mean((torch.tensor(y - y.mean()) - Z @ u) ** 2)
        (gradient,) = torch.autograd.grad(loss, u)
        u = (u - rate * gradient).detach().requires_grad_()
    model = LinearRegressionScratch("gradient_descent", rate, 3).fit(X, y)
    expected = u.detach().numpy() / X.std(axis=0)
    np.testing.assert_allclose(model.weights, expected, 1e-10)


@pytest.mark.parametrize(("rate", "steps"), [(5.0, 10_000), (5.0, 3), (1e300, 2)])
def test_divergence_names_the_learning_rate(rate: float, steps: int) -> None:
    X, y = problem()
    model = LinearRegressionScratch("gradient_descent", rate, steps)
    with pytest.raises(ValueError, match="learning_rate"):
        model.fit(X, y)
    with pytest.raises(RuntimeError, match="call fit first"):
        model.predict(X)


def test_a_loss_beyond_float64_is_refused() -> None:
    """There ∞ ≤ ∞ would hide a divergence."""
    X, y = problem()
    with pytest.raises(ValueError, match="learning_rate"):
        LinearRegressionScratch("gradient_descent", 5.0, 3).fit(X, y * 1e200)


@pytest.mark.parametrize("targets", [(), (3,)])
def test_score_is_r2(targets: tuple[int, ...]) -> None:
    X, y = problem(targets=targets)
    model = LinearRegressionScratch().fit(X[:100], y[:100])
    assert model.score(X[100:], y[100:]) == pytest.approx(
        r2_score(y[100:], model.predict(X[100:])), rel=1e-12
    )


@pytest.mark.parametrize("method", ["closed_form", "gradient_descent"])
def test_score_of_a_constant_target(method: str) -> None:
    X, y = problem()
    model = LinearRegressionScratch(method).fit(X, np.full(len(X), 0.1))
    assert model.score(X, np.full(len(X), 0.1)) == 1.0
    assert LinearRegressionScratch(method).fit(X, y).score(X, np.full(200, 0.1)) == 0.0
    assert model.score(X[:1], [0.1]) == 1.0


def test_the_names_of_scikit_learn() -> None:
    X, y = problem()
    model = LinearRegressionScratch(regularization="l2", lambda_=0.5).fit(X, y)
    same = LinearRegressionScratch(regularization="l2", reg_lambda=0.5).fit(X, y)
    assert np.array_equal(model.weights, same.weights)
    assert model.coef_ is model.weights
    assert model.intercept_ == model.bias


def test_both_names_of_the_strength_are_refused() -> None:
    # Even where the first one is given its default value.
    with pytest.raises(TypeError, match="lambda_ must be left out where reg_lambda"):
        LinearRegressionScratch(reg_lambda=0.01, lambda_=0.5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "newton"}, ValueError, "method"),
        ({"regularization": "l3"}, ValueError, "regularization"),
        ({"regularization": "l1"}, ValueError, "regularization"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate"),
        ({"learning_rate": float("nan")}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"n_iterations": 0}, ValueError, "n_iterations"),
        ({"n_iterations": 1.5}, TypeError, "n_iterations"),
        ({"reg_lambda": -1.0}, ValueError, "reg_lambda"),
        ({"lambda_": -1.0}, ValueError, "lambda_"),
        ({"reg_lambda": True}, TypeError, "reg_lambda"),
    ],
)
def test_bad_options_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message} must be"):
        LinearRegressionScratch(**options)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], ValueError, "X"),
        (np.zeros((0, 2)), [], ValueError, "X"),
        (np.zeros((2, 0)), [1.0, 2.0], ValueError, "X"),
        ([[1.0], [np.nan]], [1.0, 2.0], ValueError, "X"),
        ([["a"], ["b"]], [1.0, 2.0], TypeError, "X"),
        ([[1.0], [2.0]], [1.0], ValueError, "y"),
        ([[1.0], [2.0]], [], ValueError, "y"),
        ([[1.0], [2.0]], 1.0, ValueError, "y"),
        ([[1.0], [2.0]], np.zeros((2, 0)), ValueError, "y"),
        ([[1.0], [2.0]], np.zeros((2, 1, 1)), ValueError, "y"),
        ([[1.0], [2.0]], [1.0, np.inf], ValueError, "y"),
        ([[1.0], [2.0]], ["a", "b"], TypeError, "y"),
    ],
)
def test_bad_data_is_refused_and_changes_nothing(
    X: Any, y: Any, error: type[Exception], message: str
) -> None:
    model = LinearRegressionScratch().fit([[1.0, 0.0], [2.0, 1.0]], [1.0, 3.0])
    weights, bias = model.weights.copy(), model.bias
    with pytest.raises(error, match=f"^{message} must be"):
        model.fit(X, y)
    assert np.array_equal(model.weights, weights)
    assert model.bias == bias


def test_bad_queries_are_refused() -> None:
    with pytest.raises(RuntimeError, match="call fit first"):
        LinearRegressionScratch().predict([[1.0]])
    with pytest.raises(RuntimeError, match="call fit first"):
        _ = LinearRegressionScratch().coef_
    model = LinearRegressionScratch().fit([[1.0], [2.0]], [1.0, 3.0])
    with pytest.raises(ValueError, match="X must be a matrix with 1 features"):
        model.predict([[1.0, 2.0]])
    with pytest.raises(ValueError, match="y must be"):
        model.score([[1.0], [2.0]], [[1.0], [3.0]])
    with pytest.raises(ValueError, match="y must be"):
        model.score(np.zeros((0, 1)), [])
    assert model.predict(np.zeros((0, 1))).shape == (0,)
