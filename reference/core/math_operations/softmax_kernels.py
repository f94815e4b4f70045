"""Softmax of the rows of a large matrix, compiled.

Imported on first use, since it imports numba. The exponential is written out, because
the compiler turns this one into vector instructions and a library call it does not.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np

from reference.core.validation import Array

# Enough entries to outweigh the start of a thread.
_ENTRIES_PER_THREAD = 50_000

# Maxima kept side by side: two vector registers of the widest kind.
_LANES = 16

# log 2 in two parts; the first ends in 11 zero bits, so that k·_LN2_HIGH is exact.
_LN2_HIGH = float.fromhex("0x1.62e42fefa3800p-1")
_LN2_LOW = float.fromhex("0x1.ef35793c76730p-45")
_LOG2_E = 1 / math.log(2)

# Added to a number below 2^51, it leaves the nearest integer in the last bits.
_ROUNDER = 1.5 * 2.0**52
_ROUNDER_BITS = np.float64(_ROUNDER).view(np.int64)

# exp is zero below this, and its exponent still fits the two factors of `_exp`.
_LOWEST = -746.0

# Taylor coefficients 1/13! … 1/1! for |r| ≤ log(2)/2: the next term is below 2^-57.
_COEFFICIENTS = tuple(1 / math.factorial(i) for i in range(13, 0, -1))


def _exp_formula(x: float) -> float:
    """Return exp(x) for x ≤ 0 to within one unit in the last place, NaN for NaN.

    exp(x) = 2ᵏ·exp(r) with k = round(x / log 2): additive range reduction, as in
    Muller, *Elementary Functions*, 3rd ed. (Birkhäuser, 2016).
    """
    lifted = (_LOWEST if x < _LOWEST else x) * _LOG2_E + _ROUNDER
    k = lifted - _ROUNDER
    r = ((_LOWEST if x < _LOWEST else x) - k * _LN2_HIGH) - k * _LN2_LOW
    series = 0.0
    for coefficient in _COEFFICIENTS:
        series = (series + coefficient) * r
    exponent = np.float64(lifted).view(np.int64) - _ROUNDER_BITS
    # Two factors, since 2ᵏ alone may be below the smallest normal number.
    half = exponent >> 1
    first = np.int64((half + 1023) << 52).view(np.float64)
    second = np.int64((exponent - half + 1023) << 52).view(np.float64)
    return float((1.0 + series) * first * second)


def _largest_of(row: Array, lanes: Array) -> float:
    """Return the largest entry, found in ``lanes`` side by side; NaN is passed over."""
    lanes[:] = -np.inf
    full = len(row) // _LANES * _LANES
    for start in range(0, full, _LANES):
        for lane in range(_LANES):
            value = row[start + lane]
            lanes[lane] = value if value > lanes[lane] else lanes[lane]
    for j in range(full, len(row)):
        lanes[0] = max(row[j], lanes[0])
    return float(lanes.max())


def _exponentials_of(row: Array, peak: float, out: Array) -> float:
    """Write exp(row − peak) into ``out`` and return its sum."""
    total = 0.0
    for j in range(len(row)):
        value = _exp(row[j] - peak)
        out[j] = value
        total += value
    return total


def _softmax_of_rows(rows: Array, out: Array, first: int, last: int) -> bool:
    """Fill rows first … last − 1 of ``out``; return whether all rows had a softmax."""
    lanes = np.empty(_LANES)
    for i in range(first, last):
        total = _exponentials(rows[i], _largest(rows[i], lanes), out[i])
        # NaN, +inf and -inf alone all make the sum NaN.
        if not total >= 1.0:
            return False
        factor = 1.0 / total
        for j in range(rows.shape[1]):
            out[i, j] *= factor
    return True


def _log_softmax_of_rows(rows: Array, out: Array, first: int, last: int) -> bool:
    """Fill rows first … last − 1 of ``out``; return whether all rows had a softmax."""
    lanes = np.empty(_LANES)
    for i in range(first, last):
        peak = _largest(rows[i], lanes)
        total = _exponentials(rows[i], peak, out[i])
        if not total >= 1.0:
            return False
        logarithm = math.log(total)
        for j in range(rows.shape[1]):
            out[i, j] = (rows[i, j] - peak) - logarithm
    return True


# "contract" allows fused multiply-add; "reassoc" allows several partial sums.
_exp: Callable[[float], float] = numba.njit(fastmath={"contract"})(_exp_formula)
_largest: Callable[[Array, Array], float] = numba.njit()(_largest_of)
_exponentials: Callable[[Array, float, Array], float] = numba.njit(
    fastmath={"reassoc"}
)(_exponentials_of)
_Kernel = Callable[[Array, Array, int, int], bool]
_softmax: _Kernel = numba.njit(nogil=True)(_softmax_of_rows)
_log_softmax: _Kernel = numba.njit(nogil=True)(_log_softmax_of_rows)


def run_rows(rows: Array, out: Array, *, logarithm: bool) -> bool:
    """Fill ``out`` with the (log-)softmax of each row; say whether each had one.

    Both arrays are C-contiguous, of shape ``(m, n)``, n ≥ 1.
    """
    kernel = _log_softmax if logarithm else _softmax
    threads = max(1, min(os.cpu_count() or 1, rows.size // _ENTRIES_PER_THREAD))
    bounds = np.linspace(0, len(rows), threads + 1).astype(int).tolist()
    own, *others = pairwise(bounds)
    # The calling thread takes a share, which saves the start of another.
    with ThreadPoolExecutor(threads) as pool:
        parts = [pool.submit(kernel, rows, out, *part) for part in others]
        valid = kernel(rows, out, *own)
        return valid and all(part.result() for part in parts)
