"""Information measures of discrete distributions.

A distribution is an array-like of probabilities: none negative, at least one, with a
sum within 1e-6 of 1 (the rounding of float32 probabilities stays inside that); it is
used as given, not rescaled. 0·log 0 counts as 0. The unit is set by ``base``: bits
for 2, nats for e, bans for 10; a base below 1 turns the sign.

All functions raise ``ValueError`` for what is no distribution, for unequal lengths,
and for a ``base`` that is not positive and finite or is 1; ``TypeError`` for entries
that are not real numbers.

Source: Cover & Thomas, *Elements of Information Theory*, 2nd ed. (Wiley, 2006),
sections 2.1-2.4; the Jensen-Shannon divergence is that of Lin, "Divergence Measures
Based on the Shannon Entropy", IEEE Transactions on Information Theory 37 (1991),
145-151, with equal weights.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_matrix, as_vector, require

SUM_TOLERANCE = 1e-6


def entropy(p: ArrayLike, base: float = 2) -> float:
    """Return −Σ pᵢ·log pᵢ, in bits unless ``base`` says otherwise."""
    unit = _unit_of(base)
    first = _as_distribution(as_vector(p, "p"), "p")
    return _in_unit(-_mean_log(first, first), unit)


def cross_entropy(p: ArrayLike, q: ArrayLike, base: float = math.e) -> float:
    """Return −Σ pᵢ·log qᵢ, in nats unless ``base`` says otherwise.

    Infinite where some qᵢ is 0 and pᵢ is not.
    """
    unit = _unit_of(base)
    first, second = _as_pair(p, q)
    return _in_unit(-_mean_log(first, second), unit)


def kl_divergence(p: ArrayLike, q: ArrayLike, base: float = math.e) -> float:
    """Return Σ pᵢ·log(pᵢ / qᵢ), in nats unless ``base`` says otherwise.

    Never negative; infinite where some qᵢ is 0 and pᵢ is not.
    """
    unit = _unit_of(base)
    first, second = _as_pair(p, q)
    return _in_unit(_divergence(first, second), unit)


def js_divergence(p: ArrayLike, q: ArrayLike, base: float = math.e) -> float:
    """Return ½·KL(p ‖ m) + ½·KL(q ‖ m) with m = ½·(p + q), in nats by default.

    Symmetric, and in [0, log 2]. Its square root is a distance.
    """
    unit = _unit_of(base)
    first, second = _as_pair(p, q)
    # Against p + q = 2m, since halving may underflow; each half adds its log 2.
    total = first + second
    halves = _divergence(first, total) + _divergence(second, total)
    divergence = 0.5 * (halves + math.log(2) * float(total.sum()))
    return _in_unit(min(divergence, math.log(2)), unit)


def mutual_information(joint_probs: ArrayLike, base: float = math.e) -> float:
    """Return Σ pᵢⱼ·log(pᵢⱼ / (pᵢ·pⱼ)), in nats unless ``base`` says otherwise.

    ``joint_probs`` has shape ``(m, n)``: the probability of row i with column j;
    pᵢ and pⱼ are its row and column sums. Never negative.
    """
    unit = _unit_of(base)
    joint = _as_distribution(as_matrix(joint_probs, "joint_probs"), "joint_probs")
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    # The joint entropy against the two of the margins: products may underflow.
    information = (
        _mean_log(joint, joint) - _mean_log(rows, rows) - _mean_log(columns, columns)
    )
    return _in_unit(information, unit)


def _unit_of(base: float) -> float:
    """Return the size of the unit in nats."""
    valid = 0 < base < math.inf and base != 1
    require(valid, "base", "positive, finite and not 1", base)
    return math.log(base)


def _in_unit(nats: float, unit: float) -> float:
    """Convert; every measure here is non-negative but for rounding."""
    return max(nats, 0.0) / unit + 0.0


def _as_distribution(array: Array, argument: str) -> Array:
    require(array.size > 0, argument, "at least one probability", array)
    require(bool((array >= 0).all()), argument, "non-negative", float(array.min()))
    with np.errstate(over="ignore"):
        total = float(array.sum())
    close = abs(total - 1) <= SUM_TOLERANCE
    require(close, argument, f"of sum 1 within {SUM_TOLERANCE}", total)
    return array


def _as_pair(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    first = _as_distribution(as_vector(p, "p"), "p")
    second = as_vector(q, "q")
    expected = f"as long as p, of shape {first.shape}"
    require(first.shape == second.shape, "q", expected, second)
    return first, _as_distribution(second, "q")


def _mean_log(p: Array, q: Array) -> float:
    """Return Σ p·log q over the entries where p is not 0."""
    present = p > 0
    with np.errstate(divide="ignore"):
        return float(p[present] @ np.log(q[present]))


def _divergence(p: Array, q: Array) -> float:
    """Return Σ p·(log p − log q); p / q might overflow."""
    present = p > 0
    with np.errstate(divide="ignore"):
        return float(p[present] @ (np.log(p[present]) - np.log(q[present])))
