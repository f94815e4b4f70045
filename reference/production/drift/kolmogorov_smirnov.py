"""The Kolmogorov–Smirnov test of two samples of numbers."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, require_one_of
from reference.production.drift.kolmogorov import (
    kolmogorov_survival,
    one_sample_survival,
    two_sample_survival,
)
from reference.production.drift.samples import as_sample

_LARGEST_EXACT = 10_000


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
    first = np.sort(as_sample(reference, "reference", 1))
    second = np.sort(as_sample(current, "current", 1))
    m, n = first.size, second.size
    steps = _largest_gap(first, second)
    statistic = steps / math.lcm(m, n)
    p_value = p_value_of(m, n, steps, method)
    return KSResult(statistic, p_value)


def p_value_of(m: int, n: int, steps: int, method: str = "auto") -> float:
    """Return the p-value of D = ``steps`` / lcm(m, n) by a method of ``ks_test``."""
    statistic = steps / math.lcm(m, n)
    effective = m * n / (m + n)
    if method == "limit":
        p_value = kolmogorov_survival(math.sqrt(effective) * statistic)
    elif method == "exact" or (method == "auto" and max(m, n) <= _LARGEST_EXACT):
        p_value = two_sample_survival(m, n, steps)
    else:
        p_value = one_sample_survival(max(1, round(effective)), statistic)
    return min(1.0, max(0.0, p_value))


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
