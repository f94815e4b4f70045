"""The chi-square test that two samples of categories come from one distribution.

Has the mix of categories changed? Count each category c in the reference (m values)
and in the current sample (n values): a table of 2 rows and K columns, where K is the
number of categories seen in either sample. If both samples come from one distribution,
the best guess at the share of c is its share of the pooled m + n values, so a row of
size r is expected to hold

    E(r, c) = r · (reference count of c + current count of c) / (m + n)

    T = Σ over the 2 K cells of (count − E)² / E

Both rows are samples, both vary. To take the reference's shares for the truth instead
is the goodness-of-fit test, another question: with samples of equal size it doubles T
and raises false alarms. A category that only one sample has is a cell with the count
zero in the other row, not an error.

The p-value is the probability that a chi-square variable with k = K − 1 degrees of
freedom exceeds T. For whole k it has a closed form. With x = T / 2,

    k even:  p = Σ_{j=0}^{k/2−1}  e^{−x} xʲ / Γ(j + 1)
    k odd:   p = erfc(√x) + Σ_{j=1}^{(k−1)/2}  e^{−x} x^{j−1/2} / Γ(j + 1/2)

With thousands of categories e^{−x} is zero in floating point while the sum is not: take
each term as one exponential, of a sum of logarithms (`math.lgamma`).

Write `chi_square_test(reference, current)`, which returns a `ChiSquareResult` of a
float, a float in [0, 1] and an integer. The samples are sequences of hashable values
(text, whole numbers, or a mixture) in any order, of any sizes m, n ≥ 1; values that are
equal are one category. There is no continuity correction. Where only one category is
seen there is nothing to compare: T = 0, p = 1, no degrees of freedom.

`ValueError` that names the argument, `reference` or `current`: a sample is empty, or
holds a missing value (None or NaN).

Sources: Pearson, "On the criterion that a given system of deviations from the probable
...", Philosophical Magazine 50 (1900); Agresti, Categorical Data Analysis (2002),
section 3.2; Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.4.

In production: the approximation wants an expected count of some five a cell, so pool
the rare categories, and alert on the size of the change, not on p alone.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple


class ChiSquareResult(NamedTuple):
    """What the test found."""

    statistic: float
    p_value: float
    degrees_of_freedom: int


def chi_square_test(
    reference: Sequence[Hashable], current: Sequence[Hashable]
) -> ChiSquareResult:
    """Return T, its p-value and the degrees of freedom, K − 1."""
    first = _counts(reference, "reference")
    second = _counts(current, "current")
    pooled = first + second
    statistic = 0.0
    for row in (first, second):
        for category, total in pooled.items():
            expected = row.total() * total / pooled.total()
            statistic += (row[category] - expected) ** 2 / expected
    degrees = len(pooled) - 1
    return ChiSquareResult(statistic, _survival(statistic / 2, degrees), degrees)


def _counts(sample: Sequence[Hashable], argument: str) -> Counter[Hashable]:
    counts = Counter(sample)
    if not counts:
        raise ValueError(f"{argument} must not be empty")
    for value in counts:
        if value is None or value != value:
            raise ValueError(f"{argument} must have no missing value, got {value}")
    return counts


def _survival(x: float, degrees: int) -> float:
    """Return the probability that half a chi-square variable exceeds x."""
    if x == 0:
        return 1.0
    odd = degrees % 2
    total = math.erfc(math.sqrt(x)) if odd else 0.0
    for term in range(degrees // 2):
        power = term + odd / 2
        total += math.exp(power * math.log(x) - x - math.lgamma(power + 1))
    return min(total, 1.0)
