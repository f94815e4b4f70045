"""Distributions of the Kolmogorov–Smirnov statistics.

Every function here gives a survival probability P(D ≥ d): the p-value of an
observed distance d.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reference.core.validation import Array, require

_SQRT_2PI = math.sqrt(2 * math.pi)


def kolmogorov_survival(lam: float) -> float:
    """Return P(K > λ) for Kolmogorov's limiting distribution; 1 for λ ≤ 0.

    For λ ≥ 1 by the alternating series 2 Σ_{k≥1} (−1)^{k−1} exp(−2 k² λ²), for
    smaller λ, where that series converges slowly, by its theta transform
    1 − (√(2π) / λ) Σ_{k≥1} exp(−(2k−1)² π² / (8 λ²)).

    Raises ``ValueError`` for NaN. Sources: Kolmogorov, "Sulla determinazione
    empirica di una legge di distribuzione" (1933); Smirnov, "Table for estimating
    the goodness of fit of empirical distributions" (1948).
    """
    require(not math.isnan(lam), "lam", "a number", lam)
    if lam < 0.1:
        return 1.0  # the theta sum is below 1e-50
    if lam < 1:
        odd = np.arange(1, 10, 2)
        theta = np.exp(-((odd * math.pi / lam) ** 2) / 8).sum() * _SQRT_2PI / lam
        return 1.0 - float(theta)
    k = np.arange(1, 7)
    return float(-2 * ((-1.0) ** k * np.exp(-2 * (k * lam) ** 2)).sum())


def two_sample_survival(m: int, n: int, h: int) -> float:
    """Return P(D ≥ h / lcm(m, n)) for two samples of ``m`` and ``n`` values, exactly.

    Under the null hypothesis without ties each order of the pooled sample is
    equally likely, so it is the share of lattice paths from (0, 0) to (m, n) with a
    point (x, y) at which |x/m − y/n| ≥ h / lcm(m, n). Source: Hodges, "The
    significance probability of the Smirnov two-sample test", Arkiv för Matematik 3
    (1958).
    """
    if h <= 0:
        return 1.0
    return _share_by_reflection(n, h) if m == n else _share_by_recursion(m, n, h)


def _share_by_reflection(n: int, h: int) -> float:
    """Return 2 Σ_{k≥1} (−1)^{k−1} C(2n, n−kh) / C(2n, n)."""
    j = np.arange(n)
    shares = np.cumprod((n - j) / (n + j + 1.0))[h - 1 :: h]  # k = 1, 2, …
    return 2 * float(shares[0::2].sum() - shares[1::2].sum())


def _share_by_recursion(m: int, n: int, h: int) -> float:
    """Return the share of paths to (m, n) that leave the band, by anti-diagonals.

    B(x, y) is the share of the paths to (x, y) that have left the band: one where
    (x, y) is outside it, else (x B(x−1, y) + y B(x, y−1)) / (x + y). Only positive
    numbers are added, so small probabilities keep their relative accuracy. On
    x + y = s the band is an interval of x, and its cells depend on s − 1 alone.
    """
    divisor = math.gcd(m, n)
    per_x, per_y = n // divisor, m // divisor
    left = np.ones(m + 2)  # left[x + 1] is B(x, s − x); left[0] stands for x = −1
    left[1] = 0.0
    x_all = np.arange(m + 1)
    for s in range(1, m + n + 1):
        # −h < x per_x − (s − x) per_y < h
        low = max((s * per_y - h) // (per_x + per_y) + 1, s - n, 0)
        high = min(-((-s * per_y - h) // (per_x + per_y)) - 1, s, m)
        x = x_all[low : high + 1]
        inside = left[low + 1 : high + 2]
        inside[:] = (x * left[low : high + 1] + (s - x) * inside) / s
        left[low] = 1.0
    return float(left[m + 1])


def one_sample_survival(n: int, d: float) -> float:
    """Return P(D_n ≥ d) for one sample of ``n`` values against a known distribution.

    The choice of method by n and d is that of Simard and L'Ecuyer, "Computing the
    two-sided Kolmogorov–Smirnov distribution", J. Statistical Software 39 (2011),
    with Durbin's matrix in the place of Pomeranz' recursion. Up to n = 140 the
    formulas are exact to about ten digits, beyond it to about five.
    """
    if n * d <= 0.5:
        return 1.0
    if d >= 1:
        return 0.0
    if d >= 0.5 or n * d * d >= (4 if n <= 140 else 2.2):
        # Both one-sided events together are impossible or negligible here.
        return min(1.0, 2 * _smirnov_survival(n, d))
    if n <= 140 or (n <= 100_000 and n * d**1.5 <= 1.4):
        return 1.0 - _durbin(n, d)
    return 1.0 - _pelz_good(n, d)


# log k! − (½ log 2πk + k log k − k) where the series below is not yet accurate
_STIRLING_ERRORS = np.array(
    [0.0]
    + [
        math.lgamma(k + 1) - 0.5 * math.log(2 * math.pi * k) - k * math.log(k) + k
        for k in range(1, 16)
    ]
)


def _stirling_error(k: NDArray[np.int64]) -> Array:
    """Return log k! less Stirling's approximation to it, for k ≥ 1."""
    inverse_square = 1.0 / (k * k)
    series = np.polyval(
        [1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12], inverse_square
    )
    return np.where(k < 16, _STIRLING_ERRORS[np.minimum(k, 15)], series / k)


def _smirnov_survival(n: int, d: float) -> float:
    """Return P(D_n⁺ ≥ d), the one-sided probability, for 0 < d < 1.

    The formula of Birnbaum and Tingey (1951), d Σ_j C(n, j) (d + j/n)^{j−1}
    (1 − d − j/n)^{n−j}: each term is a binomial probability times d / (d + j/n).
    These come from Loader's deviance form, "Fast and accurate computation of
    binomial probabilities" (2000), which does not cancel.
    """
    shift = n * d
    j = np.arange(1, n, dtype=np.int64)
    j = j[n - j > shift]
    rest = n - j
    deviance = -j * np.log1p(shift / j) - rest * np.log1p(-shift / rest)
    correction = (
        _stirling_error(np.array([n])) - _stirling_error(j) - _stirling_error(rest)
    )
    binomial = np.exp(correction - deviance) * np.sqrt(n / (j * rest)) / _SQRT_2PI
    first = math.exp(n * math.log1p(-d))
    return first + float((binomial * shift / (shift + j)).sum())


def _durbin(n: int, d: float) -> float:
    """Return P(D_n < d) as an entry of a matrix power, exactly.

    Source: Marsaglia, Tsang and Wang, "Evaluating Kolmogorov's distribution",
    J. Statistical Software 8 (2003). The matrix is divided by e and n!/nⁿ
    multiplied by eⁿ, so that no power has to be rescaled on the way.
    """
    k = math.ceil(n * d)
    h = k - n * d
    size = 2 * k - 1
    powers = np.arange(1, size + 1)
    inverse_factorial = np.concatenate([[1.0], np.cumprod(1.0 / powers)])
    lag = np.subtract.outer(powers, powers) + 1
    H = np.where(lag >= 0, inverse_factorial[np.maximum(lag, 0)], 0.0)
    edge = h**powers * inverse_factorial[1:]
    H[:, 0] -= edge
    H[-1, :] -= edge[::-1]
    H[-1, 0] += max(0.0, 2 * h - 1) ** size * inverse_factorial[size]
    power = np.linalg.matrix_power(H / math.e, n)
    stirling = math.sqrt(n) * _SQRT_2PI * math.exp(_stirling_error(np.array([n]))[0])
    return float(stirling * power[k - 1, k - 1])


def _pelz_good(n: int, d: float) -> float:
    """Return P(D_n < d) by an expansion in 1/√n up to n^(−3/2).

    Source: Pelz and Good, "Approximating the lower tail-areas of the
    Kolmogorov–Smirnov one-sample statistic", J. Royal Statistical Society B 38
    (1976). The leading term is Kolmogorov's limit.
    """
    z = d * math.sqrt(n)
    u = (math.pi * np.arange(1, 40, 2) / 2) ** 2
    v = (math.pi * np.arange(1, 20)) ** 2
    q = np.exp(-u / (2 * z**2))
    r = np.exp(-v / (2 * z**2))
    second = (
        6 * z**6 + 2 * z**4 + u * (2 * z**4 - 5 * z**2) + u**2 * (1 - 2 * z**2)
    ) @ q
    third = (
        u**3 * (5 - 30 * z**2)
        + u**2 * (212 * z**4 - 60 * z**2)
        + u * (135 * z**4 - 96 * z**6)
        - 30 * z**6
        - 90 * z**8
    ) @ q
    terms = [
        q.sum() / z,
        (u - z**2) @ q / (6 * z**4),
        second / (72 * z**7) - v @ r / (36 * z**3),
        third / (6480 * z**10) + (v * (3 * z**2 - v)) @ r / (216 * z**6),
    ]
    total = sum(term / n ** (i / 2) for i, term in enumerate(terms))
    return _SQRT_2PI * float(total)
