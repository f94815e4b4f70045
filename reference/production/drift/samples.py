"""Checks that all tests of drift share."""

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_vector, require


def as_sample(value: ArrayLike, argument: str, least: int) -> Array:
    """Convert to a finite vector of at least ``least`` values."""
    if np.ma.is_masked(value):
        raise ValueError(f"{argument} must be free of missing values, got a mask")
    sample = as_vector(value, argument)
    expected = f"a vector of at least {least} value{'s' if least > 1 else ''}"
    require(sample.size >= least, argument, expected, sample)
    return sample


def require_whole(argument: str, value: object, least: int) -> None:
    """Raise unless ``value`` is an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument} must be an integer, got {value!r}")
    require(bool(value >= least), argument, f"at least {least}", value)
