"""The chi-square test of two samples of categories, and its distribution."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from reference.core.validation import require

_EPSILON = 2.0**-53
_TINY = 1e-300


class ChiSquareResult(NamedTuple):
    """Pearson's statistic, the probability of one at least as large, and its K − 1."""

    statistic: float
    p_value: float
    degrees_of_freedom: int


def chi_square_test(
    reference: Iterable[Hashable], current: Iterable[Hashable]
) -> ChiSquareResult:
    """Test whether two samples of categories come from one distribution.

    Pearson's test of homogeneity on the 2 × K table of counts, K the number of
    categories seen in either sample: with a_c and b_c the counts of c in samples of m
    and n values, Σ (count − expected)² / expected over all cells is

        T = Σ_c (a_c n − b_c m)² / (m n (a_c + b_c))

    without a correction for continuity. The p-value is that of the chi-square
    distribution with K − 1 degrees of freedom, an approximation that wants some five
    expected values a cell. With K = 1 the result is (0.0, 1.0, 0).

    Takes two non-empty sequences (or vectors) of hashable values that are not missing
    (None, NaN), told apart as the keys of a dictionary are. Raises ``ValueError`` or
    ``TypeError`` otherwise. Sources: Pearson, "On the criterion that a given system
    of deviations …", Philosophical Magazine 50 (1900); Agresti, Categorical Data
    Analysis (2002), section 3.2.
    """
    return compare_counts(
        count_categories(reference, "reference"), count_categories(current, "current")
    )


def count_categories(sample: Iterable[Hashable], argument: str) -> Counter[Hashable]:
    """Count the values of a sample that is neither empty nor lacks a value."""
    if isinstance(sample, str | bytes):
        raise TypeError(f"{argument} must be a sequence of values, got {sample!r}")
    if isinstance(sample, np.ndarray):
        require(sample.ndim == 1, argument, "a vector of shape (n,)", sample)
        sample = sample.tolist()
    try:
        counts = Counter(sample)
    except TypeError as error:
        raise TypeError(f"{argument} must be hashable values, {error}") from error
    require(bool(counts), argument, "at least one value", sample)
    if any(is_missing(value) for value in counts):
        raise ValueError(f"{argument} must be free of missing values, got None or NaN")
    return counts


def is_missing(value: object) -> bool:
    """Return whether ``value`` is None or NaN, which alone differs from itself."""
    return value is None or bool(value != value)


def compare_counts(
    reference: Mapping[Hashable, int], current: Mapping[Hashable, int]
) -> ChiSquareResult:
    """Test two tables of counts; both hold at least one value, all counts are ≥ 0."""
    m, n = sum(reference.values()), sum(current.values())
    statistic = 0.0
    categories = 0
    for category in {**reference, **current}:
        a, b = reference.get(category, 0), current.get(category, 0)
        if a + b:
            categories += 1
            # Whole numbers: equal shares give exactly zero.
            statistic += (a * n - b * m) ** 2 / (m * n * (a + b))
    degrees = categories - 1
    p_value = chi_square_survival(statistic, degrees) if degrees else 1.0
    return ChiSquareResult(statistic, p_value, degrees)


def chi_square_survival(statistic: float, degrees: float) -> float:
    """Return P(X ≥ ``statistic``) for X chi-square with any ``degrees`` > 0.

    It is Q(degrees / 2, statistic / 2), the regularised upper incomplete gamma
    function: 1 − P by the series of P where x < a + 1, by Legendre's continued
    fraction where x is larger. The relative error stays below 1e-11 up to 10⁵
    degrees of freedom. Raises ``ValueError`` outside the domain. Source: Abramowitz
    and Stegun, Handbook of Mathematical Functions (1964), 6.5.29, 6.5.31 and 26.4.
    """
    require(degrees > 0, "degrees", "above zero", degrees)
    require(statistic >= 0, "statistic", "at least zero", statistic)
    if statistic == 0:
        return 1.0
    if math.isinf(statistic):
        return 0.0
    a, x = degrees / 2, statistic / 2
    if x < a + 1:
        return max(0.0, 1.0 - _power(a, x) * _series(a, x))
    return min(1.0, _power(a, x) * a * _fraction(a, x))


def chi_square_quantile(share: float, degrees: float) -> float:
    """Return the value that a chi-square variable stays below with chance ``share``.

    Halves an interval until no float lies between; 0 < ``share`` < 1.
    """
    require(0 < share < 1, "share", "between 0 and 1", share)
    low, high = 0.0, 1.0
    while chi_square_survival(high, degrees) > 1 - share:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        if chi_square_survival(middle, degrees) > 1 - share:
            low = middle
        else:
            high = middle
    return high


def _power(a: float, x: float) -> float:
    """Return x^a e^(−x) / Γ(a + 1)."""
    if a < 20:
        return math.exp(a * math.log(x) - x - math.lgamma(a + 1))
    # For large a these three nearly cancel: Loader's form, "Fast and accurate
    # computation of binomial probabilities" (2000), takes the small rest alone.
    inverse = 1 / (a * a)
    stirling = 1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))
    u = (x - a) / a
    return math.exp(a * _log1p_less(u) - stirling / a) / math.sqrt(2 * math.pi * a)


def _log1p_less(u: float) -> float:
    """Return log(1 + u) − u, also for small u, where the difference cancels."""
    if abs(u) > 0.1:
        return math.log1p(u) - u
    return -u * u * sum((-u) ** k / (k + 2) for k in range(16))


def _series(a: float, x: float) -> float:
    """Return Σ_{k≥0} x^k / ((a + 1) … (a + k)), by which P(a, x) = power · series."""
    term = total = 1.0
    k = a
    while term > total * _EPSILON:
        k += 1
        term *= x / k
        total += term
    return total


def _fraction(a: float, x: float) -> float:
    """Return 1/(x+1−a− 1(1−a)/(x+3−a− 2(2−a)/(x+5−a− …))), for x ≥ a + 1.

    By Lentz' method as modified by Thompson and Barnett (1986).
    """
    b = x + 1 - a
    c = 1 / _TINY
    d = 1 / b
    result = d
    k = 0
    change = 0.0
    while abs(change - 1) > 4 * _EPSILON:
        k += 1
        numerator = -k * (k - a)
        b += 2
        d = 1 / (numerator * d + b or _TINY)
        c = b + numerator / c or _TINY
        change = c * d
        result *= change
    return result
