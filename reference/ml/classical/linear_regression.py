"""Linear regression, by least squares or by gradient descent."""

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_array, require, require_one_of
from reference.ml.checks import (
    as_samples,
    as_training_matrix,
    one_of_two,
    require_fitted,
    require_integer,
    require_non_negative,
)


class LinearRegressionScratch:
    """Fit ``y ≈ X w + b`` by the least mean squared error plus a penalty on ``w``.

    The objective is ``‖y − X w − b‖²/n``, plus ``reg_lambda ‖w‖²`` where
    ``regularization`` is ``"l2"``, plus ``reg_lambda ‖w‖₁`` where it is ``"l1"``. The
    intercept ``b`` is never penalised. (So ``"l2"`` is ridge regression with
    α = n·reg_lambda.) Several targets are fitted one by one.

    ``method``: ``"closed_form"`` solves by the singular value decomposition, and takes
    the solution of least norm where columns are dependent (singular values below
    eps·max(n, d) of the largest count as zero); it has no ``"l1"``.
    ``"gradient_descent"`` takes ``n_iterations`` full-batch steps of ``learning_rate``
    from ``w = 0``, on columns centred and scaled to variance one so that one rate suits
    all; the penalty, kept on ``w`` in its own units, enters by its proximal step, which
    is stable however strong it is and sets weights to exactly zero for ``"l1"``.

    ``lambda_`` is another name for ``reg_lambda``; giving both raises ``TypeError``.
    Attributes after ``fit``: ``weights`` ``(d,)`` or ``(d, t)``, ``bias`` a float or
    ``(t,)``; also as ``coef_`` (the same array as ``weights``) and ``intercept_``.
    Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning (2nd
    ed., 2009), sections 3.2 and 3.4; proximal steps: Parikh & Boyd (2014), Proximal
    Algorithms, sections 4.2 and 6.5.
    """

    weights: Array
    bias: float | Array

    @one_of_two("reg_lambda", "lambda_")
    def __init__(
        self,
        method: str = "closed_form",
        learning_rate: float = 0.01,
        n_iterations: int = 1000,
        regularization: str | None = None,
        reg_lambda: float = 0.01,
        *,
        lambda_: float | None = None,
    ) -> None:
        require_one_of("method", method, ("closed_form", "gradient_descent"))
        if regularization is not None:
            require_one_of("regularization", regularization, ("l1", "l2"))
        solvable = method != "closed_form" or regularization != "l1"
        expected = "None or l2 for the closed form"
        require(solvable, "regularization", expected, regularization)
        self.method = method
        self.learning_rate = require_non_negative("learning_rate", learning_rate)
        require(self.learning_rate > 0, "learning_rate", "positive", learning_rate)
        self.n_iterations = require_integer("n_iterations", n_iterations, 1)
        self.regularization = regularization
        if lambda_ is None:
            self.reg_lambda = require_non_negative("reg_lambda", reg_lambda)
        else:
            self.reg_lambda = require_non_negative("lambda_", lambda_)

    @property
    def coef_(self) -> Array:
        """The weights, under scikit-learn's name."""
        require_fitted(self, "weights")
        return self.weights

    @property
    def intercept_(self) -> float | Array:
        """The bias, under scikit-learn's name."""
        require_fitted(self, "weights")
        return self.bias

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to samples ``(n, d)`` and targets ``(n,)`` or ``(n, t)``.

        Raises ``ValueError`` where gradient descent diverges.
        """
        samples = as_training_matrix(X)
        targets = _as_targets(y, len(samples))
        centred, centre = _centre(samples)
        centred_targets, level = _centre(targets.reshape(len(samples), -1))
        solve = self._solve if self.method == "closed_form" else self._descend
        weights = solve(centred, centred_targets)
        bias = level - centre @ weights
        if targets.ndim == 1:
            self.weights, self.bias = weights[:, 0], float(bias[0])
        else:
            self.weights, self.bias = weights, bias
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return ``X w + b``, ``(m,)`` or ``(m, t)``."""
        require_fitted(self, "weights")
        prediction: Array = as_samples(X, len(self.weights)) @ self.weights + self.bias
        return prediction

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)², the mean of it over several targets.

        For a constant target it is 1.0 where every prediction is exact, else 0.0.
        """
        prediction = self.predict(X)
        targets = _as_targets(y, len(prediction))
        require(
            targets.shape == prediction.shape and targets.size > 0,
            "y",
            f"targets of shape {prediction.shape}, at least one",
            targets,
        )
        residual = np.square(targets - prediction).sum(axis=0)
        total = np.square(_centre(targets)[0]).sum(axis=0)
        constant = total == 0.0
        ratio = residual / np.where(constant, 1.0, total)
        return float(np.mean(1.0 - np.where(constant, residual > 0.0, ratio)))

    def _strength(self, kind: str) -> float:
        return self.reg_lambda if self.regularization == kind else 0.0

    def _solve(self, X: Array, y: Array) -> Array:
        """Return the least-norm minimiser for centred ``X`` and ``y``, ``(d, t)``."""
        n, d = X.shape
        if self._strength("l2") > 0.0:
            # The penalty is d more samples: ‖0 − √(nλ) w‖² = nλ ‖w‖².
            X = np.vstack([X, np.sqrt(n * self._strength("l2")) * np.eye(d)])
            y = np.vstack([y, np.zeros((d, y.shape[1]))])
        cutoff = np.finfo(np.float64).eps * max(n, d)
        weights = np.linalg.lstsq(X, y, rcond=cutoff)[0]
        return weights.astype(np.float64, copy=False)

    def _descend(self, X: Array, y: Array) -> Array:
        """Return the weights ``(d, t)`` after the descent, for centred ``X``, ``y``."""
        rate, scale = self.learning_rate, _scale(X)
        gradient = _loss_gradient(X / scale[:, 0], y)
        scaled = np.zeros((X.shape[1], y.shape[1]))
        with np.errstate(over="ignore", invalid="ignore"):
            # Proximal steps of λ‖u/scale‖² and λ‖u/scale‖₁ for the scaled weights u.
            shrink = 1.0 + 2.0 * rate * self._strength("l2") / scale / scale
            cut = rate * self._strength("l1") / scale
            for _ in range(self.n_iterations):
                step = (scaled - rate * gradient(scaled)) / shrink
                scaled = np.sign(step) * np.maximum(np.abs(step) - cut, 0.0)
            weights = scaled / scale
            loss, start = self._objective(X, y, weights), np.square(y).mean(axis=0)
        # Descent never ends above its start; equal up to rounding counts as not above.
        descended = bool((loss <= start * (1.0 + 1e-9)).all())
        descended &= bool(np.isfinite(loss).all())
        expected = "small enough for the loss to fall and stay finite"
        require(descended, "learning_rate", expected, rate)
        return weights

    def _objective(self, X: Array, y: Array, weights: Array) -> Array:
        loss: Array = np.square(y - X @ weights).mean(axis=0)
        if self.regularization == "l2":
            loss += self.reg_lambda * np.square(weights).sum(axis=0)
        elif self.regularization == "l1":
            loss += self.reg_lambda * np.abs(weights).sum(axis=0)
        return loss


def _as_targets(y: ArrayLike, n_samples: int) -> Array:
    targets = as_array(y, "y")
    require(targets.ndim in (1, 2), "y", "targets of shape (n,) or (n, t)", targets)
    whole = len(targets) == n_samples and 0 not in targets.shape[1:]
    require(whole, "y", f"{n_samples} targets, one a sample", targets)
    return targets


def _centre(columns: Array) -> tuple[Array, Array]:
    """Return the columns less their means, and the means.

    A constant column becomes exactly zero, which the rounding of its mean could spoil.
    """
    mean = columns.mean(axis=0)
    mean = np.where((columns == columns[0]).all(axis=0), columns[0], mean)
    return columns - mean, mean


def _scale(centred: Array) -> Array:
    """Return the standard deviations of centred columns, ``(d, 1)``; 1 where zero."""
    peak = np.abs(centred).max(axis=0)
    peak = np.where(peak == 0.0, 1.0, peak)
    # In units of the peak no square overflows or vanishes.
    deviation = peak * np.sqrt(np.square(centred / peak).mean(axis=0))
    return np.where(deviation == 0.0, 1.0, deviation)[:, np.newaxis]


def _loss_gradient(Z: Array, y: Array) -> Callable[[Array], Array]:
    """Return the gradient of ``u ↦ ‖y − Z u‖²/n``."""
    n, d = Z.shape
    if n < d:
        return lambda u: 2.0 / n * (Z.T @ (Z @ u - y))
    # With more samples than features the moments are the smaller sufficient form.
    gram, moment = Z.T @ Z / n, Z.T @ y / n
    return lambda u: 2.0 * (gram @ u - moment)
