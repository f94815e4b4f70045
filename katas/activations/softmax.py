"""Softmax and log-softmax.

Softmax turns scores into probabilities that sum to one along an axis:

    softmax(x)ᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)
    log_softmax(x)ᵢ = xᵢ − log Σⱼ exp(xⱼ)

Adding the same number to every score changes neither. That is the way out of
overflow: exp(1000) is infinite in floating point, but the largest score can be
moved to zero first. The logarithm has to be taken in the exponent: the softmax
of a score 1000 below the largest is 0, and log 0 is −∞, while its log-softmax is
a plain −1000.

Write `softmax` and `log_softmax` for scores of shape (..., n, ...): the sums run
along `axis` only, which may be negative, and the result is a new float64 array of
the same shape. A score of −∞ means «impossible»: probability 0, log-probability
−∞. The input is not changed.

`ValueError` that names the argument: `x` where x has no axis (a bare number), is
empty along `axis`, holds NaN or +∞, or has −∞ only along `axis`; `axis` where x
has no such axis.

Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 4.1.

In production: the same shift is what lets attention and the loss run in 16 bits,
and fused kernels compute the maximum and the sum in one pass over the scores.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def softmax(x: ArrayLike, axis: int = -1) -> Array:
    """Return the probabilities along `axis`, float64, same shape as `x`."""
    raise NotImplementedError


def log_softmax(x: ArrayLike, axis: int = -1) -> Array:
    """Return the log-probabilities along `axis`, float64, same shape as `x`."""
    raise NotImplementedError
