"""Checks of arguments that the estimators and the layers share."""

import functools
import inspect
import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.core.validation import Array, as_matrix, describe, require

P = ParamSpec("P")
R = TypeVar("R")
Labels = NDArray[np.generic]
Indices = NDArray[np.intp]


def one_of_two(name: str, alias: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function be called with ``name`` or with its ``alias``, not with both."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs).arguments
            if name in given and alias in given:
                raise TypeError(
                    f"{alias} must be left out where {name} is given, "
                    f"got {given[alias]!r} and {given[name]!r}"
                )
            return function(*args, **kwargs)

        return checked

    return decorate


def require_integer(argument: str, given: object, minimum: int) -> int:
    """Return ``given`` as an ``int`` of at least ``minimum``.

    Raises ``TypeError`` for anything but an integer, ``ValueError`` below the minimum.
    """
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise TypeError(f"{argument} must be an integer, got {describe(given)}")
    require(int(given) >= minimum, argument, f"at least {minimum}", given)
    return int(given)


def require_non_negative(argument: str, given: object) -> float:
    """Return ``given`` as a finite ``float`` of at least zero.

    Raises ``TypeError`` for anything but a real number, ``ValueError`` out of range.
    """
    if isinstance(given, bool) or not isinstance(given, Real):
        raise TypeError(f"{argument} must be a real number, got {describe(given)}")
    number = float(given)
    require(math.isfinite(number) and number >= 0, argument, "finite and ≥ 0", given)
    return number


def require_fitted(estimator: object, attribute: str) -> None:
    """Raise ``RuntimeError`` where ``fit`` has not set ``attribute`` yet."""
    if not hasattr(estimator, attribute):
        raise RuntimeError(f"{type(estimator).__name__} is not fitted, call fit first")


def as_training_matrix(X: ArrayLike) -> Array:
    """Convert to a finite float64 matrix with at least one sample and one feature."""
    matrix = as_matrix(X, "X")
    require(matrix.size > 0, "X", "a matrix with samples and features", matrix)
    return matrix


def as_samples(X: ArrayLike, n_features: int) -> Array:
    """Convert to a finite float64 matrix ``(m, n_features)``; ``m`` may be zero."""
    matrix = as_matrix(X, "X")
    expected = f"a matrix with {n_features} features as in fit"
    require(matrix.shape[1] == n_features, "X", expected, matrix)
    return matrix


def encode_labels(y: ArrayLike, n_samples: int) -> tuple[Labels, Indices]:
    """Return the sorted distinct labels, and for each sample the index of its label.

    ``y`` has shape ``(n_samples,)`` and any dtype that sorts: numbers, strings, dates.
    Raises ``ValueError`` for a wrong shape or NaN, ``TypeError`` for labels that
    cannot be put in order.
    """
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"y must be a regular array of labels, {error}") from error
    require(
        labels.shape == (n_samples,), "y", f"{n_samples} labels, one a sample", labels
    )
    if labels.dtype.kind in "fc" and np.isnan(labels).any():
        raise ValueError("y must be labels, got NaN among them")
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise TypeError(f"y must be labels of one sortable kind, {error}") from error
    return classes, codes
