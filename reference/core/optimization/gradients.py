"""Gradients by central differences, and their comparison with analytical ones."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_array, require


def numerical_gradient(
    f: Callable[[Array], ArrayLike], x: ArrayLike, epsilon: float = 1e-5
) -> Array:
    """Return ∂f/∂x by central differences, float64, of the shape of ``x``.

    Entry i is (f(x + ε·eᵢ) − f(x − ε·eᵢ)) / 2ε, where 2ε is the distance of the two
    points after rounding. Its error is about ε²·|f‴|/6 from the formula and
    2⁻⁵³·|f|/ε from the rounding of f.

    ``x`` has any shape; ``f`` is called twice an entry, each time with a new float64
    array of that shape, and returns one real number. Raises ``ValueError`` where
    ``f`` returns an array of one dimension or more, ``x`` is not finite, or
    ``epsilon`` is not positive or too small to change an entry of ``x``;
    ``TypeError`` where ``x`` or what ``f`` returns is not real numbers.

    Source: Goodfellow, Bengio & Courville, *Deep Learning* (MIT Press, 2016),
    section 11.5.
    """
    point = as_array(x, "x")
    require(0 < epsilon < np.inf, "epsilon", "positive and finite", epsilon)
    above, below = point + epsilon, point - epsilon
    moved = bool(((above > point) & (point > below)).all())
    require(moved, "epsilon", "large enough to change each entry of x", epsilon)
    gradient = np.empty(point.shape)
    for index in np.ndindex(point.shape):
        high, low = float(above[index]), float(below[index])
        rise = _value_at(f, point, index, high) - _value_at(f, point, index, low)
        gradient[index] = rise / (high - low)
    return gradient


def _value_at(
    f: Callable[[Array], ArrayLike],
    point: Array,
    index: tuple[int, ...],
    entry: float,
) -> float:
    """Return f at ``point`` with one entry replaced; ``f`` may keep its argument."""
    moved = point.copy()
    moved[index] = entry
    value = as_array(f(moved), "f", finite=False)
    require(value.ndim == 0, "f", "a function that returns a scalar", value)
    return float(value)


def gradient_check(
    analytical_grad: ArrayLike, numerical_grad: ArrayLike, threshold: float = 1e-5
) -> bool:
    """Return whether ‖a − n‖ / (‖a‖ + ‖n‖) < threshold, over all entries.

    The norms are Euclidean; ``a`` and ``n`` have one shape, any. Two zero gradients
    agree; NaN or infinity in either is a disagreement. Raises ``ValueError`` for
    different shapes and a threshold that is not positive.
    """
    a = as_array(analytical_grad, "analytical_grad", finite=False)
    n = as_array(numerical_grad, "numerical_grad", finite=False)
    expected = f"of the shape of analytical_grad, {a.shape}"
    require(a.shape == n.shape, "numerical_grad", expected, n)
    require(threshold > 0, "threshold", "positive", threshold)
    if not (np.isfinite(a).all() and np.isfinite(n).all()):
        return False
    # The ratio does not depend on the scale, the range of the squares does.
    peak = max(np.abs(a).max(initial=0.0), np.abs(n).max(initial=0.0))
    if peak == 0:
        return True
    a, n = a.ravel() / peak, n.ravel() / peak
    ratio = np.linalg.norm(a - n) / (np.linalg.norm(a) + np.linalg.norm(n))
    return bool(ratio < threshold)
