"""Softmax and its logarithm.

Both shift by the largest entry, so that no exponential overflows: Goodfellow, Bengio
& Courville, *Deep Learning* (MIT Press, 2016), section 4.1. From 100,000 entries on,
the same steps run compiled, row by row on all cores; the first such call in a process
spends about two seconds on compiling.
"""

import operator

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_array, require

# Below this, NumPy is as fast and needs no compiling.
_COMPILED_FROM = 100_000

_EXPECTED = "finite or -inf, with a finite entry in each slice along axis"


def softmax(x: ArrayLike, axis: int = -1) -> Array:
    """Return exp(xᵢ) / Σⱼ exp(xⱼ) along ``axis``, float64, of the shape of ``x``.

    ``x`` has at least one dimension; an entry of -inf has probability 0. Each slice
    along ``axis`` sums to 1 to within rounding.

    Raises ``ValueError`` where ``x`` has no dimension, no entry along ``axis``, NaN,
    +inf, or a slice of -inf alone, or ``axis`` is out of range; ``TypeError`` where
    ``x`` is not real numbers or ``axis`` is no integer.
    """
    array, axis = _check(x, axis)
    if array.size >= _COMPILED_FROM:
        return _compiled(array, axis, logarithm=False)
    result = _shift(array, axis)
    np.exp(result, out=result)
    result /= result.sum(axis=axis, keepdims=True)
    return result


def log_softmax(x: ArrayLike, axis: int = -1) -> Array:
    """Return xᵢ − log Σⱼ exp(xⱼ) along ``axis``, float64, of the shape of ``x``.

    Finite where the softmax underflows to 0, and -inf where ``x`` is. ``x`` and
    ``axis`` are as for ``softmax``, and so are the errors.
    """
    array, axis = _check(x, axis)
    if array.size >= _COMPILED_FROM:
        return _compiled(array, axis, logarithm=True)
    result = _shift(array, axis)
    result -= np.log(np.exp(result).sum(axis=axis, keepdims=True))
    return result


def _check(x: ArrayLike, axis: int) -> tuple[Array, int]:
    array = as_array(x, "x", finite=False)
    require(array.ndim >= 1, "x", "an array of at least one dimension", array)
    try:
        place = operator.index(axis)
    except TypeError as error:
        raise TypeError(f"axis must be an integer, got {axis!r}") from error
    dimensions = array.ndim
    inside = -dimensions <= place < dimensions
    expected = f"from {-dimensions} to {dimensions - 1} for the shape of x"
    require(inside, "axis", expected, axis)
    require(array.shape[place] > 0, "x", "non-empty along axis", array)
    return array, place


def _shift(array: Array, axis: int) -> Array:
    """Subtract the largest entry of each slice."""
    peak = array.max(axis=axis, keepdims=True)
    # NaN, +inf and a slice of -inf alone all show in the largest entry.
    require(bool(np.isfinite(peak).all()), "x", _EXPECTED, array)
    with np.errstate(over="ignore"):
        shifted: Array = array - peak
    return shifted


def _compiled(array: Array, axis: int, *, logarithm: bool) -> Array:
    from reference.core.math_operations.softmax_kernels import run_rows

    rows = np.ascontiguousarray(np.moveaxis(array, axis, -1))
    result = np.empty_like(rows)
    length = rows.shape[-1]
    valid = run_rows(
        rows.reshape(-1, length), result.reshape(-1, length), logarithm=logarithm
    )
    require(valid, "x", _EXPECTED, array)
    restored: Array = np.moveaxis(result, -1, axis)
    return restored
