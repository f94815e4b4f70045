"""Bias and variance: a second derivation of every answer."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from tests.interviews.ml_theory_questions.derive import Given, check


def test_the_average_by_its_covariance_matrix() -> None:
    def derive(given: Given) -> float:
        n, rho = given.whole("models"), given.real("rho")
        covariance = np.full((n, n), rho * given.real("variance"))
        np.fill_diagonal(covariance, given.real("variance"))
        weights = np.full(n, 1 / n)
        return float(weights @ covariance @ weights)

    check("variance-of-correlated-average", derive)


def test_the_expected_error_over_all_models_and_noise() -> None:
    def derive(given: Given) -> float:
        truth, noise = given.whole("truth"), given.whole("noise")
        # Noise of two values, plus and minus, has that standard deviation.
        errors = [
            Fraction((truth + sign * noise - prediction) ** 2)
            for prediction, sign in product(given.wholes("predictions"), (-1, 1))
        ]
        return float(sum(errors) / len(errors))

    check("error-of-five-models", derive)


def test_the_shrunken_mean_from_exact_moments() -> None:
    def derive(given: Given) -> float:
        c, mu = Fraction(str(given.real("c"))), given.whole("mu")
        second = Fraction(given.whole("sigma") ** 2, given.whole("n")) + mu**2
        # E (c m - mu)^2 = c^2 E m^2 - 2 c mu E m + mu^2
        return float(c**2 * second - 2 * c * mu * mu + mu**2)

    check("shrunken-mean-error", derive)


def test_the_naive_variance_as_a_trace() -> None:
    def derive(given: Given) -> float:
        n = given.whole("n")
        centring = np.eye(n) - 1 / n
        return float(given.real("variance") * np.trace(centring) / n)

    check("naive-variance", derive)


def test_the_trace_is_the_enumeration_of_all_samples() -> None:
    samples = np.array(list(product((-2.0, 2.0), repeat=5)))  # variance 4
    assert samples.var(axis=1).mean() == pytest.approx(4 * 4 / 5, rel=1e-12)


def test_knn_over_all_signs_of_the_noise() -> None:
    signs = {k: np.array(list(product((-1, 1), repeat=k + 1))) for k in range(2, 6)}

    def derive(given: Given) -> float:
        near = np.array(given.wholes("near"))
        noise = given.whole("noise") * signs[near.size]
        predictions = (near + noise[:, 1:]).mean(1)
        return float(((given.whole("truth") + noise[:, 0] - predictions) ** 2).mean())

    check("knn-error", derive)


def test_ridge_as_least_squares_with_an_extra_row() -> None:
    def derive(given: Given) -> float:
        x = np.array([*given.reals("x"), np.sqrt(given.real("penalty"))])
        y = np.array([*given.reals("y"), 0.0])
        return float(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0])

    check("ridge-in-one-dimension", derive)


def test_degrees_of_freedom_as_the_trace_of_the_smoother() -> None:
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]

    def derive(given: Given) -> float:
        turn = rotation[:3, :3] + 3 * np.eye(3)
        turn = np.linalg.qr(turn)[0]
        X = rotation[:, :3] @ np.diag(given.reals("values")) @ turn
        gram = X.T @ X + given.real("penalty") * np.eye(3)
        return float(np.trace(X @ np.linalg.solve(gram, X.T)))

    check("ridge-degrees-of-freedom", derive)


def test_the_lasso_by_comparing_stationary_points() -> None:
    def derive(given: Given) -> tuple[float, ...]:
        penalty = given.real("penalty")

        def best(free: float) -> float:
            # (w - free)^2 / 2 + penalty |w|: zero, or flat on one of the sides.
            points = [0.0, max(free - penalty, 0.0), min(free + penalty, 0.0)]
            return min(points, key=lambda w: (w - free) ** 2 / 2 + penalty * abs(w))

        return tuple(best(free) for free in given.reals("free"))

    check("lasso-orthonormal", derive)


def test_dropout_over_all_masks() -> None:
    masks = np.array(list(product((0.0, 1.0), repeat=3)))

    def derive(given: Given) -> float:
        keep = 1 - given.real("drop")
        chances = np.where(masks == 1, keep, 1 - keep).prod(1)
        sums = masks @ np.multiply(given.reals("w"), given.reals("x")) / keep
        mean = (chances * sums).sum()
        return float((chances * (sums - mean) ** 2).sum())

    check("dropout-variance", derive)


def test_leave_one_out_by_leaving_one_out() -> None:
    def derive(given: Given) -> float:
        x, y = np.array(given.reals("x")), np.array(given.reals("y"))
        errors = []
        for left in range(4):
            rest = np.arange(4) != left
            line = np.vander(x[rest], 2)
            slope, start = np.linalg.lstsq(line, y[rest], rcond=None)[0]
            errors.append(y[left] - start - slope * x[left])
        return float(np.square(errors).mean())

    # Residuals and leverages are printed, and used, with four decimals; the
    # tolerance of the item is 1%.
    check("leave-one-out", derive, relative=4e-3)


def test_out_of_bag_by_a_chain_of_draws() -> None:
    def derive(given: Given) -> float:
        n = given.whole("n")
        missed = [Fraction(0)] * (n + 1)
        missed[n] = Fraction(1)  # missed[k]: the chance that k examples are missed
        for _ in range(n):
            missed = [
                missed[k] * Fraction(n - k, n)
                + (missed[k + 1] * Fraction(k + 1, n) if k < n else 0)
                for k in range(n + 1)
            ]
        expected = sum(k * chance for k, chance in enumerate(missed))
        return float(100 * expected / n)

    # Exact fractions are slow: each size once.
    known: dict[int, float] = {}

    def once(given: Given) -> float:
        n = given.whole("n")
        if n not in known:
            known[n] = derive(given)
        return known[n]

    check("out-of-bag-share", once)
