import math

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    layouts,
    seeds,
    unchanged,
)
from katas.classical_ml.linear_regression import LinearRegressionScratch
from reference.ml import classical as reference

Array = NDArray[np.float64]
Problem = tuple[Array, Array]

# The data below has entries of at most a hundred. Where columns are independent, the
# condition number of the centred X stays under 1e4 (on whole numbers from −3 to 3
# the Gram determinant is no less than 1/nᵈ, which bounds it), and the normal equations,
# which square it, keep eight digits.
DIGITS = {"rtol": 1e-7, "atol": 1e-7}
# Forty stable steps, or whatever else only adds up a few hundred roundings.
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def _noisy_line(seed: int, n: int, d: int) -> Problem:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.uniform(0.5, 3.0, d) + rng.integers(-9, 10, d)
    y = X @ rng.integers(-4, 5, d) + rng.integers(-9, 10) + rng.normal(size=n)
    return X.round(2), y.round(2)


# More samples than features and to spare, so that the columns are independent.
lines = st.builds(
    lambda seed, d, more: _noisy_line(seed, d + more, d),
    seeds(),
    st.integers(1, 3),
    st.integers(4, 8),
)


@st.composite
def grids(draw: st.DrawFn) -> Problem:
    """Return small whole numbers: columns repeat, are constant, outnumber samples."""
    n, d = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    whole = st.integers(-3, 3).map(float)
    X = draw(hnp.arrays(np.float64, (n, d), elements=whole, fill=st.nothing()))
    y = draw(hnp.arrays(np.float64, n, elements=whole, fill=st.nothing()))
    return X, y


strengths = st.sampled_from([0.0, 0.01, 0.5, 3.0])

# In floating point neither these columns of 0.1 nor these targets have an exact mean.
CONSTANT = (np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]]), np.array([0.0, 0.1, 0.5]))
TWICE = (np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]), np.array([2.0, 3.0, 7.0]))
WIDE = (np.array([[1.0, 2.0, 3.0], [0.0, 2.0, 5.0]]), np.array([1.0, 2.0]))
SLOPE = (np.array([[0.0], [1.0], [5.0], [2.0]]), np.array([10.0, 13.0, 20.0, 11.0]))


def _assert_fits(model: LinearRegressionScratch, weights: Array, bias: float) -> None:
    assert_shape(model.weights, weights.shape, "weights")
    assert_dtype(model.weights, np.float64, "weights")
    assert_close(model.weights, weights, what="weights", **DIGITS)
    assert_holds(isinstance(model.bias, float), "bias is a float", actual=model.bias)
    assert_close(model.bias, bias, what="bias", **DIGITS)


@given(lines, st.integers(-9, 9))
@example(SLOPE, 5)
def test_a_line_is_found_again(problem: Problem, bias: int) -> None:
    """Targets that are Xw + b exactly give back w, b and the targets."""
    X = problem[0]
    weights = np.arange(2.0, 2.0 + X.shape[1])
    y = X @ weights + bias
    model = LinearRegressionScratch()
    assert_holds(model.fit(X, y) is model, "fit returns the object itself")
    _assert_fits(model, weights, float(bias))
    result = model.predict(X)
    assert_shape(result, y.shape)
    assert_dtype(result, np.float64)
    assert_close(result, y, **DIGITS)


@given(lines)
@example(SLOPE)
def test_the_residuals_owe_nothing_to_the_features(problem: Problem) -> None:
    """At the least squares the residuals sum to 0, alone and times each feature."""
    X, y = problem
    residual = y - LinearRegressionScratch().fit(X, y).predict(X)
    assert_close(float(residual.sum()), 0.0, what="the sum of residuals", atol=1e-6)
    products = X.T @ residual
    assert_close(
        products, np.zeros_like(products), what="X transposed · residuals", atol=1e-6
    )


# Columns that depend on each other need a penalty, or the care of a later property.
ridges = st.one_of(
    st.tuples(lines, strengths), st.tuples(grids(), strengths.filter(bool))
)


@given(ridges)
@example((SLOPE, 0.5))
@example((SLOPE, 0.0))
def test_ridge_agrees_with_the_reference(ridge: tuple[Problem, float]) -> None:
    """With l2, w and b minimise ‖y − Xw − b‖²/n + λ‖w‖², and b is not penalised."""
    problem, strength = ridge
    options = {"regularization": "l2", "reg_lambda": strength}
    model = LinearRegressionScratch(**options).fit(*problem)
    expected = reference.LinearRegressionScratch(**options).fit(*problem)
    _assert_fits(model, expected.weights, float(expected.bias))
    assert_close(
        model.predict(problem[0] + 1.0), expected.predict(problem[0] + 1.0), **DIGITS
    )


@given(lines, strengths)
@example(SLOPE, 0.5)
def test_the_gradient_is_zero(problem: Problem, strength: float) -> None:
    """At the fitted w and b the gradient of the objective is 0, the penalty's too."""
    X, y = problem
    model = LinearRegressionScratch(regularization="l2", reg_lambda=strength).fit(X, y)
    residual = y - model.predict(X)
    slopes = -2.0 / len(X) * (X.T @ residual) + 2.0 * strength * model.weights
    assert_close(slopes, np.zeros_like(slopes), what="∂J/∂w", atol=1e-6)
    slope = float(-2.0 * residual.mean())
    assert_close(slope, 0.0, what="∂J/∂b", atol=1e-6)


@given(grids())
@example(TWICE)
@example(WIDE)
@example(CONSTANT)
@example((np.full((3, 2), 0.1), np.array([0.0, 0.1, 0.5])))
@example((np.array([[2.0, 5.0]]), np.array([7.0])))
def test_dependent_columns_give_the_least_norm(problem: Problem) -> None:
    """Where many w fit equally well, w is the one of least norm."""
    model = LinearRegressionScratch().fit(*problem)
    expected = reference.LinearRegressionScratch().fit(*problem)
    _assert_fits(model, expected.weights, float(expected.bias))


@given(st.integers(0, 39), st.sampled_from([2.0**-45, 1.0, 2.0**45]))
@example(39, 1.0)
@example(39, 2.0**-45)
@example(0, 2.0**45)
def test_a_narrow_column_counts_as_well(power: int, unit: float) -> None:
    """A singular value down to 2⁻³⁹ ≈ 1.8e-12 of the largest is not a zero."""
    # The columns are centred and orthogonal and no number here rounds, in any unit.
    X = np.zeros((4, 2))
    X[:2, 0] = [unit, -unit]
    X[2:, 1] = [unit * 2.0**-power, -unit * 2.0**-power]
    model = LinearRegressionScratch().fit(X, X @ [3.0, -2.0])
    assert_close(model.weights, np.array([3.0, -2.0]), what="weights", **DIGITS)


def test_a_feature_given_twice_shares_its_weight() -> None:
    """Of two equal columns each gets half the weight; a constant one gets 0."""
    x = np.array([0.0, 1.0, 2.0, 4.0])
    X = np.column_stack([x, np.full(4, 0.1), x])
    model = LinearRegressionScratch().fit(X, 6.0 * x + 1.0)
    _assert_fits(model, np.array([3.0, 0.0, 3.0]), 1.0)


def _descend(X: Array, y: Array, rate: float, steps: int) -> tuple[Array, float]:
    """Return w and b after the steps, by plain loops."""
    n, d = X.shape
    centres = [math.fsum(column) / n for column in X.T]
    scales, columns = [], []
    for column, centre in zip(X.T, centres, strict=True):
        constant = bool((column == column[0]).all())
        gaps = [0.0 if constant else float(x) - centre for x in column]
        scales.append(math.sqrt(math.fsum(g * g for g in gaps) / n) or 1.0)
        columns.append([gap / scales[-1] for gap in gaps])
    level = math.fsum(y) / n
    u = [0.0] * d
    for _ in range(steps):
        errors = [
            sum(u[j] * columns[j][i] for j in range(d)) - (float(y[i]) - level)
            for i in range(n)
        ]
        for j in range(d):
            products = zip(columns[j], errors, strict=True)
            u[j] -= rate * 2.0 / n * sum(z * e for z, e in products)
    weights = np.array(u) / np.array(scales)
    return weights, level - float(np.dot(centres, weights))


@given(
    st.one_of(grids(), lines), st.sampled_from([0.01, 0.1, 0.25]), st.integers(1, 40)
)
@example(SLOPE, 0.1, 1)
@example(SLOPE, 0.25, 3)
@example(CONSTANT, 0.1, 3)
@example((np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([1.0, 2.0])), 0.1, 2)
def test_each_step_of_descent(problem: Problem, rate: float, steps: int) -> None:
    """After n steps from 0 on standardised columns, w and b are where they must be."""
    model = LinearRegressionScratch(
        method="gradient_descent", learning_rate=rate, n_iterations=steps
    )
    model.fit(*problem)
    weights, bias = _descend(*problem, rate, steps)
    assert_shape(model.weights, weights.shape, "weights")
    assert_dtype(model.weights, np.float64, "weights")
    assert_close(model.weights, weights, what="weights", **EXACT)
    assert_close(model.bias, bias, what="bias", **EXACT)


@st.composite
def easy_descents(draw: st.DrawFn) -> Problem:
    """Return columns of any unit that are hardly correlated, and targets.

    The eigenvalues of the correlations are at least 0.5, so that a step of 0.1 takes
    a tenth off what is missing, and 300 steps leave 0.9³⁰⁰ ≈ 2e-14 of it. The
    standard deviations are at least 1, so that a penalty of 1 does not overshoot.
    """
    n, d = draw(st.integers(6, 12)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(seeds()))
    start = rng.normal(size=(n, d))
    directions = np.linalg.qr(start - start.mean(axis=0))[0] * math.sqrt(n)
    directions[:, 1:] += 0.3 * directions[:, :-1]
    X = directions * rng.uniform(1.0, 20.0, d) + rng.integers(-50, 51, d)
    return X, X @ rng.normal(size=d) + rng.normal(size=n)


@given(easy_descents(), st.sampled_from([None, 0.1, 1.0]))
@example(SLOPE, None)
@example(SLOPE, 1.0)
def test_descent_arrives_at_the_closed_form(
    problem: Problem, strength: float | None
) -> None:
    """Enough steps lead to the least of the objective, with and without a penalty."""
    options = {"regularization": None if strength is None else "l2"}
    options |= {"reg_lambda": strength or 0.0}
    model = LinearRegressionScratch("gradient_descent", 0.1, 300, **options)
    model.fit(*problem)
    expected = reference.LinearRegressionScratch("closed_form", **options).fit(*problem)
    assert_close(model.weights, expected.weights, what="weights", **DIGITS)
    # An error of the weights counts 50-fold at the centre of the data.
    assert_close(model.bias, float(expected.bias), what="bias", rtol=1e-6, atol=1e-5)


def test_the_defaults() -> None:
    """By default: closed form, no penalty, λ 0.01, 1000 steps of 0.01."""
    model = LinearRegressionScratch().fit(*SLOPE)
    expected = reference.LinearRegressionScratch("closed_form").fit(*SLOPE)
    _assert_fits(model, expected.weights, float(expected.bias))
    ridge = LinearRegressionScratch(regularization="l2").fit(*SLOPE)
    expected = reference.LinearRegressionScratch(regularization="l2", reg_lambda=0.01)
    expected.fit(*SLOPE)
    _assert_fits(ridge, expected.weights, float(expected.bias))
    # Two columns that almost agree: after 1000 steps descent is still on its way.
    X = np.array([[0.0, 0.0], [1.0, 1.1], [5.0, 5.0], [2.0, 1.9]])
    slow = LinearRegressionScratch(method="gradient_descent").fit(X, SLOPE[1])
    weights, bias = _descend(X, SLOPE[1], 0.01, 1000)
    assert_close(slow.weights, weights, what="weights", **EXACT)
    assert_close(slow.bias, bias, what="bias", **EXACT)


@given(lines, st.sampled_from(["closed_form", "gradient_descent"]))
@example(SLOPE, "closed_form")
@example(SLOPE, "gradient_descent")
def test_units_do_not_matter(problem: Problem, method: str) -> None:
    """Another origin or unit of X and y changes the predictions by that unit only."""
    X, y = problem
    before = LinearRegressionScratch(method, 0.1, 20).fit(X, y)
    # A power of two changes no digit of the standardised columns.
    scales = 2.0 ** np.arange(1, X.shape[1] + 1)
    after = LinearRegressionScratch(method, 0.1, 20).fit(X * scales - 3.0, y + 7.0)
    assert_close(after.weights * scales, before.weights, what="weights", **DIGITS)
    assert_close(
        after.predict(X * scales - 3.0), before.predict(X) + 7.0, rtol=1e-6, atol=1e-6
    )


@given(layouts(lines.map(lambda problem: problem[0])))
@example(SLOPE[0] + 1.0)
def test_each_fit_starts_afresh_and_changes_nothing_else(X: Array) -> None:
    """A fit forgets the last one and leaves X and y alone, in any memory layout."""
    y = np.arange(len(X)) ** 2.0
    for method in ("closed_form", "gradient_descent"):
        model = LinearRegressionScratch(method, 0.1, 5).fit(*SLOPE)
        expected = reference.LinearRegressionScratch(method, 0.1, 5).fit(X, y)
        with unchanged(X=X, y=y):
            model.fit(X, y)
            result = model.predict(X)
        _assert_fits(model, expected.weights, float(expected.bias))
        assert_close(result, expected.predict(X), **DIGITS)


@given(grids(), st.sampled_from(["closed_form", "gradient_descent"]))
@example((SLOPE[0], SLOPE[1]), "closed_form")
@example((SLOPE[0], SLOPE[1]), "gradient_descent")
def test_targets_far_from_zero(problem: Problem, method: str) -> None:
    """Targets around 2⁴⁰ lose no digit of the weights to their mean."""
    X, y = problem
    # Whole numbers up to 2⁵³ are exact, so the shift itself rounds nothing.
    model = LinearRegressionScratch(method, 0.1, 20).fit(X, y + 2.0**40)
    expected = reference.LinearRegressionScratch(method, 0.1, 20).fit(X, y)
    assert_close(model.weights, expected.weights, what="weights", **DIGITS)


def test_lists_and_no_samples_at_all() -> None:
    """Lists of whole numbers are welcome, and predict takes 0 samples."""
    model = LinearRegressionScratch().fit([[0], [1], [2]], [1, 3, 5])
    _assert_fits(model, np.array([2.0]), 1.0)
    assert_close(model.predict([[10]]), np.array([21.0]))
    empty = model.predict(np.zeros((0, 1)))
    assert_shape(empty, (0,))
    assert_dtype(empty, np.float64)


def test_bad_options_are_refused() -> None:
    """A word or a number without a meaning is refused by the constructor."""
    make = LinearRegressionScratch
    assert_raises_naming("method", make, method="newton")
    assert_raises_naming("regularization", make, regularization="ridge")
    for bad in (0.0, -0.1, np.inf, np.nan):
        assert_raises_naming("learning_rate", make, learning_rate=bad)
    for bad in (-0.01, np.inf, np.nan):
        assert_raises_naming("reg_lambda", make, reg_lambda=bad)
    for steps in (0, -1):
        assert_raises_naming("n_iterations", make, n_iterations=steps)
    make(n_iterations=1, reg_lambda=0.0, learning_rate=1e-9)


def test_bad_data_is_refused_and_the_last_fit_stays() -> None:
    """Data of the wrong shape or not finite is refused, and the last fit is kept."""
    model = LinearRegressionScratch()
    assert_raises_naming("fit", model.predict, [[1.0]], error=RuntimeError)
    X, y = WIDE
    model.fit(X, y)
    before = model.predict(X)
    for bad in ([1.0, 2.0], [[[1.0]], [[2.0]]], np.zeros((0, 3)), np.zeros((2, 0))):
        assert_raises_naming("X", model.fit, bad, y)
    for value in (np.nan, np.inf, -np.inf):
        spoilt = X.copy()
        spoilt[1, 2] = value
        assert_raises_naming("X", model.fit, spoilt, y)
        assert_raises_naming("X", model.predict, spoilt)
        assert_raises_naming("y", model.fit, X, [1.0, value])
    for targets in (1.0, [1.0], [1.0, 2.0, 3.0], []):
        assert_raises_naming("y", model.fit, X, targets)
    for width in (1, 2, 4):
        assert_raises_naming("X", model.predict, np.zeros((2, width)))
    assert_raises_naming("X", model.predict, [1.0, 2.0, 3.0])
    assert_equal(model.predict(X), before, "the prediction of the last fit")


def test_divergence_is_an_error() -> None:
    """Descent that runs away says that learning_rate is to blame, and keeps nothing."""
    # The weight of the first column is multiplied by 1 − 2·10 = −19 in each step, so
    # that it overflows in step 242, while that of the constant column is still 0.
    X = np.array([[0.0, 3.0], [1.0, 3.0]])
    for steps in (242, 1000):
        model = LinearRegressionScratch("gradient_descent", 10.0, steps)
        model.fit(X, [4.0, 4.0])
        assert_raises_naming("learning_rate", model.fit, X, [0.0, 1.0])
        assert_equal(model.predict(X), np.array([4.0, 4.0]))
