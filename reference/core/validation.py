"""Checks of arguments that every module of the reference shares.

Each failed check raises with one line that names the argument, says what was
expected and shows what was given.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_SHOWN = 60


def describe(value: object) -> str:
    """Return a short text for ``value``: shape and dtype for arrays, else its repr."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def require(condition: bool, argument: str, expected: str, given: object) -> None:
    """Raise ``ValueError`` unless ``condition`` holds."""
    if not condition:
        raise ValueError(f"{argument} must be {expected}, got {describe(given)}")


def require_one_of(argument: str, given: str, allowed: Collection[str]) -> None:
    """Raise ``ValueError`` unless ``given`` is one of the ``allowed`` words."""
    require(given in allowed, argument, f"one of {', '.join(sorted(allowed))}", given)


def as_array(value: ArrayLike, argument: str, *, finite: bool = True) -> Array:
    """Convert to a float64 array.

    Raises ``TypeError`` where the entries are not real numbers and, if ``finite``,
    ``ValueError`` where one of them is NaN or infinite.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        message = f"{argument} must be a regular array of numbers, {error}"
        raise ValueError(message) from error
    if array.dtype.kind not in "biuf":
        kind = "complex" if array.dtype.kind == "c" else str(array.dtype)
        raise TypeError(
            f"{argument} must be real numbers, got {kind} in {describe(value)}"
        )
    converted = array.astype(np.float64, copy=False)
    if finite and not np.isfinite(converted).all():
        raise ValueError(f"{argument} must be finite, got NaN or infinity in it")
    return converted


def as_vector(value: ArrayLike, argument: str, *, finite: bool = True) -> Array:
    """Convert to a float64 array of shape ``(n,)``; ``n`` may be zero."""
    array = as_array(value, argument, finite=finite)
    require(array.ndim == 1, argument, "a vector of shape (n,)", array)
    return array


def as_matrix(value: ArrayLike, argument: str, *, finite: bool = True) -> Array:
    """Convert to a float64 array of shape ``(m, n)``; either may be zero."""
    array = as_array(value, argument, finite=finite)
    require(array.ndim == 2, argument, "a matrix of shape (m, n)", array)
    return array


def as_square_matrix(value: ArrayLike, argument: str) -> Array:
    """Convert to a finite float64 array of shape ``(n, n)``, ``n`` at least one."""
    array = as_matrix(value, argument)
    square = array.shape[0] == array.shape[1] and array.size > 0
    require(square, argument, "a square, non-empty matrix", array)
    return array
