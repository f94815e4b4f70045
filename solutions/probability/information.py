"""Entropy and its relatives.

How much a draw from p tells, what it costs to expect q in its place, and what two
variables say about each other:

    H(p)      = −Σᵢ pᵢ·log pᵢ                          entropy
    H(p, q)   = −Σᵢ pᵢ·log qᵢ                          cross-entropy
    KL(p ‖ q) = Σᵢ pᵢ·log(pᵢ / qᵢ)                     Kullback-Leibler divergence
    JS(p, q)  = ½·KL(p ‖ m) + ½·KL(q ‖ m), m = ½·(p + q)   Jensen-Shannon divergence
    I(X; Y)   = Σᵢⱼ pᵢⱼ·log(pᵢⱼ / (pᵢ·pⱼ))             mutual information

A term with weight 0 counts 0, since x·log x → 0 as x → 0. Where q excludes what p
allows (qᵢ = 0 < pᵢ), cross-entropy and KL are infinite: adding a small number to q
would hide it. JS has no such case: m is 0 only where both are, it is the same both
ways round and at most log 2. It is the divergence, not its square root.

Write the five functions. p and q are array-likes of shape (n,) and of one length;
`joint_probs` has shape (m, n), its entry pᵢⱼ is the probability of row i together
with column j, and pᵢ and pⱼ are the sums of its rows and columns. Each returns one
float. `base` is the base of the logarithm and so the unit: 2 for bits, which is the
default of entropy, e for nats, the default of the others. The result is the one in
nats divided by log(base); a base below 1 makes it negative.

Distributions may be steep: p / q overflows where q is 1e-310, pᵢ·pⱼ vanishes where
both are 1e-200. The difference of logarithms has no such trouble.

A distribution is taken as given and not rescaled; its sum may be off by up to 1e-6, as
that of float32 probabilities is. None of the five is negative in nats. Rounding, or
such a sum, may make one so by a hair: 0 is returned in that case, so that the square
root of a divergence is never NaN. The arguments are not changed.

`ValueError` that names the argument: `p`, `q`, `joint_probs` where it has not the one
axis or two axes above, is empty, holds a negative number, an infinity or NaN, or its
sum differs from 1 by more than 1e-6; `q` where its length is not that of p; `base`
where it is not positive, is infinite, NaN or 1.

Source: Cover, Thomas, Elements of Information Theory, 2nd edition (2006), sections
2.1 to 2.4; Lin, Divergence Measures Based on the Shannon Entropy (IEEE Transactions on
Information Theory 37, 1991) for JS.

In production: a loss starts from logits and log-softmax, where no probability has
yet been rounded to 0; drift monitors watch JS, since it stays finite on new categories.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def entropy(p: ArrayLike, base: float = 2) -> float:
    """Return H(p), in bits unless `base` says otherwise."""
    p = _distribution(p, "p")
    return _in_unit(_surprise(p, p), base)


def cross_entropy(p: ArrayLike, q: ArrayLike, base: float = math.e) -> float:
    """Return H(p, q), in nats unless `base` says otherwise; may be infinite."""
    return _in_unit(_surprise(*_pair(p, q)), base)


def kl_divergence(p: ArrayLike, q: ArrayLike, base: float = math.e) -> float:
    """Return KL(p ‖ q), in nats unless `base` says otherwise; may be infinite."""
    return _in_unit(_divergence(*_pair(p, q)), base)


def js_divergence(p: ArrayLike, q: ArrayLike, base: float = math.e) -> float:
    """Return JS(p, q), in nats unless `base` says otherwise."""
    p, q = _pair(p, q)
    middle = (p + q) / 2
    return _in_unit((_divergence(p, middle) + _divergence(q, middle)) / 2, base)


def mutual_information(joint_probs: ArrayLike, base: float = math.e) -> float:
    """Return I(X; Y) of a joint table, in nats unless `base` says otherwise."""
    joint = _distribution(joint_probs, "joint_probs", axes=2)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    i, j = np.nonzero(joint)
    logs = np.log(joint[i, j]) - np.log(rows[i]) - np.log(columns[j])
    return _in_unit(np.sum(joint[i, j] * logs), base)


def _surprise(p: Array, q: Array) -> float:
    """Return −Σ p·log q over the entries where p is not 0, in nats."""
    some = p > 0
    with np.errstate(divide="ignore"):  # log 0 = −∞ is what is meant
        return np.sum(p[some] * -np.log(q[some]))


def _divergence(p: Array, q: Array) -> float:
    """Return Σ p·(log p − log q) over the entries where p is not 0, in nats."""
    some = p > 0
    with np.errstate(divide="ignore"):
        gap: Array = np.log(p[some]) - np.log(q[some])
    return np.sum(p[some] * gap)


def _in_unit(nats: float, base: float) -> float:
    if not 0 < base < math.inf or base == 1:
        raise ValueError(f"base must be positive, finite and not 1, got {base}")
    return max(nats, 0.0) / math.log(base)


def _pair(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    first, second = _distribution(p, "p"), _distribution(q, "q")
    if first.shape != second.shape:
        raise ValueError(f"q must have shape {first.shape} as p, got {second.shape}")
    return first, second


def _distribution(value: ArrayLike, name: str, axes: int = 1) -> Array:
    """Check one table of probabilities; an empty one has the sum 0."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != axes:
        raise ValueError(f"{name} must have {axes} axes, got shape {array.shape}")
    if not (array >= 0).all():
        raise ValueError(f"{name} must hold no negative number and no NaN")
    if not abs(array.sum() - 1) <= 1e-6:
        raise ValueError(f"{name} must have the sum 1, got {array.sum()}")
    return array
