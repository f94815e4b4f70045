"""Drift of one feature between a reference sample and a current one."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_vector, require, require_one_of
from reference.production.kolmogorov import (
    kolmogorov_survival,
    one_sample_survival,
    two_sample_survival,
)

__all__ = ["KSResult", "kolmogorov_survival", "ks_test", "psi"]

_LARGEST_EXACT = 10_000
_NUMBER = int | float | np.integer | np.floating


class KSResult(NamedTuple):
    """The distance D of two samples and the probability of one at least as large."""

    statistic: float
    p_value: float


def ks_test(reference: ArrayLike, current: ArrayLike, method: str = "auto") -> KSResult:
    """Test whether two samples come from one continuous distribution.

    The statistic is D = max_x |F(x) − G(x)|, with F(x) the share of ``reference``
    (m values) that is ≤ x and G(x) the share of ``current`` (n values). The test is
    two-sided. With N = m n / (m + n), ``method`` says what the p-value is:

    - ``"exact"``: P(D ≥ observed) over all orders of the pooled sample, in
      O((m + n) · width of the band), or O(n) where m = n;
    - ``"asymptotic"``: the distribution of the one-sample statistic for a sample of
      N values, N rounded to the nearest integer (a half to the even one) and at
      least one;
    - ``"limit"``: Kolmogorov's limit 2 Σ_{k≥1} (−1)^{k−1} exp(−2 k² λ²) at
      λ = √N · D;
    - ``"auto"``: exact where neither sample has more than 10,000 values, else
      asymptotic.

    Ties count as they stand in F and G; as the distributions assume there are none,
    the exact p-value is then conservative (too large).

    Takes two vectors of finite numbers, each with at least one value; raises
    ``ValueError`` or ``TypeError`` otherwise. Source: Hodges, "The significance
    probability of the Smirnov two-sample test" (1958).
    """
    require_one_of("method", method, ("auto", "exact", "asymptotic", "limit"))
    first = np.sort(_as_sample(reference, "reference", 1))
    second = np.sort(_as_sample(current, "current", 1))
    m, n = first.size, second.size
    steps = _largest_gap(first, second)
    statistic = steps / math.lcm(m, n)
    effective = m * n / (m + n)
    if method == "limit":
        p_value = kolmogorov_survival(math.sqrt(effective) * statistic)
    elif method == "exact" or (method == "auto" and max(m, n) <= _LARGEST_EXACT):
        p_value = two_sample_survival(m, n, steps)
    else:
        p_value = one_sample_survival(max(1, round(effective)), statistic)
    return KSResult(statistic, min(1.0, max(0.0, p_value)))


def _largest_gap(first: Array, second: Array) -> int:
    """Return D · lcm(m, n), an integer, for two sorted samples."""
    divisor = math.gcd(first.size, second.size)
    up, down = second.size // divisor, -(first.size // divisor)
    pooled = np.concatenate([first, second])
    order = np.argsort(pooled, kind="stable")  # merges two sorted runs in O(m + n)
    walk = np.cumsum(np.where(order < first.size, up, down))
    merged = pooled[order]
    # Tied values step together: the walk counts after the last of them.
    last = np.append(merged[1:] != merged[:-1], True)
    return int(np.abs(walk[last]).max())


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
    first = _as_sample(reference, "reference", 2)
    second = _as_sample(current, "current", 2)
    _check_binning(bins, smoothing)
    with np.errstate(over="ignore"):
        spread = first.max() - first.min()
    require(bool(np.isfinite(spread)), "reference", "of a finite range", first)
    edges = _edges(first, bins)
    p = _smoothed_shares(first, edges, smoothing)
    q = _smoothed_shares(second, edges, smoothing)
    return float(np.sum((p - q) * np.log(p / q)))


def _edges(reference: Array, bins: int) -> Array:
    """Return the sorted edges of the right-closed bins (rules 1 to 3 of ``psi``)."""
    quantiles = np.quantile(reference, np.arange(bins + 1) / bins)
    values, occurrences = np.unique(quantiles, return_counts=True)
    repeated = values[occurrences > 1]
    with np.errstate(over="ignore"):  # below the least float lies −∞
        below = np.nextafter(repeated, -np.inf)
    return np.unique(np.concatenate([quantiles[1:-1], below]))


def _smoothed_shares(sample: Array, edges: Array, smoothing: float) -> Array:
    """Return the share of each bin (rules 4 and 5 of ``psi``)."""
    size = edges.size + 1
    counts = np.bincount(np.searchsorted(edges, sample), minlength=size)
    return (counts / sample.size + smoothing) / (1 + smoothing * size)


def _as_sample(value: ArrayLike, argument: str, least: int) -> Array:
    """Convert to a finite vector of at least ``least`` values."""
    sample = as_vector(value, argument)
    expected = f"a vector of at least {least} value{'s' if least > 1 else ''}"
    require(sample.size >= least, argument, expected, sample)
    return sample


def _check_binning(bins: int, smoothing: float) -> None:
    """Check the two parameters of ``psi``."""
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer):
        raise TypeError(f"bins must be an integer, got {bins!r}")
    require(bins >= 2, "bins", "at least 2", bins)
    if isinstance(smoothing, bool) or not isinstance(smoothing, _NUMBER):
        raise TypeError(f"smoothing must be a number, got {smoothing!r}")
    positive = math.isfinite(smoothing) and smoothing > 0
    require(positive, "smoothing", "a finite number above zero", smoothing)
