"""The population stability index.

Cut the real line into bins, and compare the share pᵢ of the reference sample in each
with the share qᵢ of the current sample:

    PSI = Σᵢ (pᵢ − qᵢ) ln(pᵢ / qᵢ)

It is never negative, and zero exactly where all shares agree. By convention up to 0.1
is no change, up to 0.25 a small one, and more than that a shift.

What the formula leaves open decides whether the index is of any use. Here the bins
come from the reference sample alone, in equal shares and not in equal widths, so that
one outlier cannot put everything else into one bin:

1. Quantiles: t₀, …, t_bins = `np.quantile(reference, np.arange(bins + 1) / bins)`.
2. Edges: the distinct values among t₁, …, t_{bins−1}. The least and the greatest
   quantile are no edges: the outer bins reach to −∞ and +∞, and no value of the
   current sample is lost.
3. Repeated values: each value that two or more of t₀, …, t_bins are equal to (t₀ and
   t_bins count here) has a bin to itself. It is an edge already; the largest float
   below it, `np.nextafter(value, -np.inf)`, becomes an edge too.
4. The edges e₁ < … < e_m make B = m + 1 bins, each closed on the right:
   (−∞, e₁], (e₁, e₂], …, (e_m, ∞).
5. Smoothing: a share is (count / size + s) / (1 + s B), with s = `smoothing` and size
   the number of values of its own sample. So no share is zero, an empty bin included;
   the shares add up to one; and equal shares stay equal whatever the sizes are.

A constant reference c thus has the bins (−∞, c), {c} and (c, ∞).

Write `psi(reference, current, bins=10, smoothing=1e-4)`, which returns a float. The
samples are vectors of at least two finite numbers, of any two sizes, in any order, and
are not changed.

`ValueError` that names the argument: `reference` or `current` where it is not a
vector, has fewer than two values, or holds NaN or ±∞; `bins` below 2; `smoothing` that
is not above zero, or not finite.

Source: Siddiqi, Credit Risk Scorecards (2006), for the formula and the thresholds;
the bins by the rules above.

In production: keep the edges and the shares of the reference with the model, and the
index of a day costs one pass over that day. It takes no account of sample sizes: small
samples give an index above 0.1 by chance.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def psi(
    reference: ArrayLike, current: ArrayLike, bins: int = 10, smoothing: float = 1e-4
) -> float:
    """Return the index of `current` against `reference`."""
    first = _sample(reference, "reference")
    second = _sample(current, "current")
    if bins < 2:
        raise ValueError(f"bins must be at least 2, got {bins}")
    if not 0 < smoothing < math.inf:
        raise ValueError(f"smoothing must be above zero and finite, got {smoothing}")
    edges = _edges(first, bins)
    p = _shares(first, edges, smoothing)
    q = _shares(second, edges, smoothing)
    return np.sum((p - q) * np.log(p / q))


def _sample(values: ArrayLike, argument: str) -> Array:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < 2:
        expected = "a vector of at least two values"
        raise ValueError(f"{argument} must be {expected}, got {sample.shape}")
    if not np.isfinite(sample).all():
        raise ValueError(f"{argument} must be finite, got NaN or infinity in it")
    return sample


def _edges(reference: Array, bins: int) -> list[float]:
    """Return the upper ends of all bins but the last, in order."""
    quantiles = np.quantile(reference, np.arange(bins + 1) / bins).tolist()
    edges = set(quantiles[1:-1])
    for value in quantiles:
        if quantiles.count(value) > 1:
            edges.add(np.nextafter(value, -np.inf))
    return sorted(edges)


def _shares(sample: Array, edges: list[float], smoothing: float) -> Array:
    up_to = [np.count_nonzero(sample <= edge) for edge in edges]
    counts = np.diff([0, *up_to, len(sample)])
    return (counts / len(sample) + smoothing) / (1 + smoothing * len(counts))
