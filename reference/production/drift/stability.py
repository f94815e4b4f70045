"""The population stability index of two samples of numbers."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.core.validation import Array, require
from reference.production.drift.chi_square import chi_square_quantile
from reference.production.drift.samples import as_sample, require_whole

Counts = NDArray[np.int64]
_NUMBER = int | float | np.integer | np.floating


def psi(
    reference: ArrayLike, current: ArrayLike, bins: int = 10, smoothing: float = 1e-4
) -> float:
    """Return the population stability index of ``current`` against ``reference``.

    PSI = Σ_i (p_i − q_i) ln(p_i / q_i), with p_i the share of ``reference`` in bin i
    and q_i the share of ``current``, both smoothed. It is never negative, and zero
    exactly where all shares agree. The bins come from ``reference`` alone:

    1. Quantiles: t_k = ``np.quantile(reference, k / bins)`` for k = 0, …, ``bins``,
       by linear interpolation, the levels computed as ``np.arange(bins + 1) / bins``
       (``np.linspace`` rounds some of them otherwise).
    2. Edges: the distinct values among t_1, …, t_{bins−1}. The least and the
       greatest quantile are no edges, so the outer bins reach to −∞ and ∞.
    3. Repeated values: each value that two or more of t_0, …, t_bins equal (t_0 and
       t_bins count here) has a bin to itself. It is an edge already; the largest
       float below it, ``np.nextafter(value, -np.inf)``, becomes an edge too.
    4. With the edges e_1 < … < e_m, the B = m + 1 bins are closed on the right:
       (−∞, e_1], (e_1, e_2], …, (e_m, ∞). So x is in bin
       ``np.searchsorted(edges, x, side="left")``.
    5. Smoothing: a share is (count / size + s) / (1 + s B), with s = ``smoothing``
       and size the number of values of its sample. No share is zero, the shares add
       up to one, and equal shares stay equal, whatever the sizes.

    A constant reference c thus has the bins (−∞, c), {c} and (c, ∞): the index is
    zero where every current value is c and positive otherwise. As the bins are
    quantiles, one outlier moves the index by little and hides no shift.

    By convention an index below 0.1 is no significant change, up to 0.25 a small
    change to look into, above it a significant shift. The formula and these
    thresholds: Siddiqi, "Credit Risk Scorecards" (2006). They take no account of the
    sizes of the samples; for that see Yurdakul and Naranjo, "Statistical properties
    of the population stability index", J. Risk Model Validation (2020). These
    sources leave the bins to the reader; rules 1 to 5 are this module's.

    Takes two vectors of finite numbers with at least two values each, ``bins`` an
    integer ≥ 2 and ``smoothing`` a finite number > 0; raises ``ValueError`` or
    ``TypeError`` otherwise, and ``ValueError`` where the range of ``reference``
    exceeds float64.
    """
    first = as_sample(reference, "reference", 2)
    second = as_sample(current, "current", 2)
    _check_binning(bins, smoothing)
    with np.errstate(over="ignore"):
        spread = first.max() - first.min()
    require(bool(np.isfinite(spread)), "reference", "of a finite range", first)
    edges = edges_of(np.quantile(first, np.arange(bins + 1) / bins))
    return stability_index(
        bin_counts(first, edges), bin_counts(second, edges), smoothing
    )


def edges_of(quantiles: Array) -> Array:
    """Return the sorted edges of the right-closed bins (rules 2 and 3 of ``psi``)."""
    values, occurrences = np.unique(quantiles, return_counts=True)
    repeated = values[occurrences > 1]
    with np.errstate(over="ignore"):  # below the least float lies −∞
        below = np.nextafter(repeated, -np.inf)
    return np.unique(np.concatenate([quantiles[1:-1], below]))


def bin_counts(sample: Array, edges: Array) -> Counts:
    """Return how many values are in each bin (rule 4 of ``psi``)."""
    return np.bincount(np.searchsorted(edges, sample), minlength=edges.size + 1)


def _smoothed(shares: Array, smoothing: float) -> Array:
    """Return shares of which none is zero (rule 5 of ``psi``)."""
    return (shares + smoothing) / (1 + smoothing * shares.size)


def stability_index(reference: Counts, current: Counts, smoothing: float) -> float:
    """Return the index of two samples by their counts in the same bins."""
    p = _smoothed(reference / reference.sum(), smoothing)
    q = _smoothed(current / current.sum(), smoothing)
    return float(np.sum((p - q) * np.log(p / q)))


def index_bounds(
    reference: Counts,
    current: Counts,
    reference_error: float,
    current_error: float,
    smoothing: float,
) -> tuple[float, float]:
    """Return the least and the largest index where each share may be off by an error.

    (p − q) ln(p / q) is convex and grows with the distance of p and q either way: it is
    largest in a corner, least where the two intervals are nearest.
    """
    corners = []
    for counts, error in ((reference, reference_error), (current, current_error)):
        for side in (-error, error):
            shares = np.clip(counts / counts.sum() + side, 0.0, 1.0)
            corners.append(_smoothed(shares, smoothing))
    p_low, p_high, q_low, q_high = corners
    near_p = np.clip(q_low, p_low, p_high)
    near_q = np.clip(near_p, q_low, q_high)
    least = np.sum((near_p - near_q) * np.log(near_p / near_q))
    most = np.maximum(
        (p_low - q_high) * np.log(p_low / q_high),
        (p_high - q_low) * np.log(p_high / q_low),
    )
    return float(least), float(most.sum())


def psi_critical_value(
    reference_size: int, current_size: int, bins: int = 10, alpha: float = 0.05
) -> float:
    """Return the index that two samples without drift exceed with chance ``alpha``.

    A fixed threshold such as 0.1 has no error rate: with m and n values of one
    continuous distribution, PSI · m n / (m + n) is nearly chi-square distributed with
    ``bins`` − 1 degrees of freedom, so the index shrinks as the samples grow. That
    is the 1 − ``alpha`` quantile of it. It holds where each bin expects many values
    of both samples (some ten at least); ties make it too large. Source: Yurdakul,
    "Statistical properties of population stability index", dissertation, Western
    Michigan University (2018). He takes the bins as fixed. With edges at quantiles
    of the reference its own counts are fixed instead, and what the reference varied
    by the edges vary by: the sum of both covariances is the same.

    Sizes and ``bins`` are integers ≥ 2, 0 < ``alpha`` < 1; ``ValueError`` or
    ``TypeError`` otherwise.
    """
    require_whole("reference_size", reference_size, 2)
    require_whole("current_size", current_size, 2)
    require_whole("bins", bins, 2)
    require(0 < alpha < 1, "alpha", "between 0 and 1", alpha)
    effective = reference_size * current_size / (reference_size + current_size)
    return chi_square_quantile(1 - alpha, bins - 1) / effective


def _check_binning(bins: int, smoothing: float) -> None:
    """Check the two parameters of ``psi``."""
    require_whole("bins", bins, 2)
    if isinstance(smoothing, bool) or not isinstance(smoothing, _NUMBER):
        raise TypeError(f"smoothing must be a number, got {smoothing!r}")
    positive = math.isfinite(smoothing) and smoothing > 0
    require(positive, "smoothing", "a finite number above zero", smoothing)
