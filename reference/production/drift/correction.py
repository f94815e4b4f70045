"""Corrections of the p-values of a family of tests.

Each takes the p-values of all tests and returns them adjusted, in the same order: to
reject where the adjusted one is at most α keeps the error rate that it is named for.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_vector, require


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """Adjust for the false discovery rate: the expected share of false rejections.

    The i-th smallest of m p-values becomes the least p_(j) m / j over j ≥ i, at most
    1. Holds for independent tests and for positively dependent ones. Source: Benjamini
    and Hochberg, "Controlling the false discovery rate", J. Royal Statistical
    Society B 57 (1995).
    """
    p = _as_probabilities(p_values)
    order = np.argsort(p)[::-1]
    scaled = p[order] * p.size / np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    return adjusted


def bonferroni(p_values: ArrayLike) -> Array:
    """Adjust for the chance of any false rejection, however the tests depend."""
    p = _as_probabilities(p_values)
    return np.minimum(1.0, p * p.size)


def uncorrected(p_values: ArrayLike) -> Array:
    """Return the p-values as they are: each test has its own error rate."""
    return _as_probabilities(p_values)


CORRECTIONS: Mapping[str, Callable[[ArrayLike], Array]] = {
    "benjamini_hochberg": benjamini_hochberg,
    "bonferroni": bonferroni,
    "none": uncorrected,
}


def _as_probabilities(p_values: ArrayLike) -> Array:
    p = as_vector(p_values, "p_values")
    inside = bool(((p >= 0) & (p <= 1)).all())
    require(inside, "p_values", "between 0 and 1", p_values)
    return p.copy()
