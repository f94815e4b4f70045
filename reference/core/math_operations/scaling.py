"""Scaling by powers of two, which rounds nothing and keeps squares in range."""

import math

import numpy as np

from reference.core.validation import Array


def split_scale(array: Array) -> tuple[Array, int]:
    """Split a finite array into ``(scaled, exponent)``: array = scaled · 2^exponent.

    The largest absolute entry of ``scaled`` lies in [0.5, 1); a zero or empty array
    is its own scaled form, with exponent 0. Entries below 2^-1022 of the largest one
    may lose digits, far below the rounding of any sum they enter.
    """
    peak = float(np.abs(array).max(initial=0.0))
    exponent = math.frexp(peak)[1]
    return np.ldexp(array, -exponent), exponent


def apply_scale(value: float, exponent: int) -> float:
    """Return value · 2^exponent; infinity where that exceeds the float64 range."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(value, exponent))
