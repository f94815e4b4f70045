"""The two-sample Kolmogorov-Smirnov test.

Has a feature drifted? Compare the share of each sample that lies at or below x:

    F(x) = #{reference ≤ x} / m        G(x) = #{current ≤ x} / n
    D = max over x of |F(x) − G(x)|

F and G are steps, so the maximum is reached at one of the m + n values. Values that
are equal step together: F and G are compared after all of them. D is a multiple of
1 / (m n); a count of such steps is a whole number, exact where a difference of two
fractions is rounded.

The p-value is the probability of a distance at least as large as D when both samples
come from one continuous distribution. `method` says how to compute it:

`"limit"`: for large samples, with the effective size N = m n / (m + n), it is the
survival function of Kolmogorov's distribution at λ = √N · D:

    Q(λ) = 2 Σ_{k≥1} (−1)^{k−1} exp(−2 k² λ²)

The smaller λ is, the more terms are needed, while Q goes to one: below 0.1 it differs
from one by less than 10⁻⁵⁰, and from there on fifty terms are plenty.

`"exact"`: without ties all C(m + n, m) orders of the pooled sample are equally likely.
Read one from left to right: after x values of the reference and y of the current
sample the distance is |x/m − y/n|. So the p-value is the share of the orders that
reach |x/m − y/n| ≥ D at some point, and the others can be counted like paths on a
grid: a path comes to (x, y) from (x − 1, y) or from (x, y − 1).

Write `kolmogorov_survival(lam)`, which is Q: a float in [0, 1], and 1.0 for every λ
below 0.1, negative ones included. Write `ks_test(reference, current, method)`, which
returns the pair of floats (D, p), with p in [0, 1]. The samples are vectors of any
sizes m, n ≥ 1 in any order, not changed by the call. Ties count as they stand in F
and G, for either p-value: samples that agree give D = 0 and p = 1.

`ValueError` that names the argument: `lam` where it is NaN; `reference` or `current`
where it is not a vector, is empty, or holds NaN or ±∞; `method` where it is neither
word.

Sources: Hodges, "The significance probability of the Smirnov two-sample test",
Arkiv för Matematik 3 (1958); Smirnov, "Table for estimating the goodness of fit of
empirical distributions", Annals of Mathematical Statistics 19 (1948).

In production: with a million values a day the test finds differences too small to
matter, so alert on D, or on p and D together; and with a hundred features correct p
for the hundred tests.
"""

from numpy.typing import ArrayLike


def kolmogorov_survival(lam: float) -> float:
    """Return Q(λ), the probability that Kolmogorov's limit exceeds λ."""
    raise NotImplementedError


def ks_test(
    reference: ArrayLike, current: ArrayLike, method: str
) -> tuple[float, float]:
    """Return the distance D and its p-value; `method` is "limit" or "exact"."""
    raise NotImplementedError
