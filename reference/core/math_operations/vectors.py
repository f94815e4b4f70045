"""Products, lengths, distances and angles of vectors.

Every function takes array-likes of shape ``(n,)``; ``n`` may be zero. All raise
``ValueError`` for another shape, unequal lengths, NaN or infinity, and ``TypeError``
for entries that are not real numbers. Lengths, distances and angles overflow to
infinity only where the result itself exceeds the float64 range (about 1.8e308), and
squares never underflow on the way.

Scaling before squaring follows Higham, *Accuracy and Stability of Numerical
Algorithms*, 2nd ed. (SIAM, 2002), chapter 27.
"""

import numpy as np
from numpy.typing import ArrayLike

from reference.core.math_operations.scaling import apply_scale, split_scale
from reference.core.validation import Array, as_vector, require

# Two factors of at most 2^1024, scaled down by this, multiply to at most 2^848.
# What underflows by it is below 2^550, nothing next to a sum that exceeds 2^1023.
_DOWN = -600


def _as_pair(v1: ArrayLike, v2: ArrayLike) -> tuple[Array, Array]:
    first, second = as_vector(v1, "v1"), as_vector(v2, "v2")
    expected = f"a vector as long as v1, of shape {first.shape}"
    require(first.shape == second.shape, "v2", expected, second)
    return first, second


def dot_product(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return Σ v1ᵢ·v2ᵢ; 0.0 for empty vectors.

    Rounding is relative to Σ |v1ᵢ·v2ᵢ|, so infinity also stands for a sum whose
    terms cancel but whose rounding exceeds the range; NaN never results.
    """
    first, second = _as_pair(v1, v2)
    with np.errstate(over="ignore", invalid="ignore"):
        product = float(first @ second)
        if np.isfinite(product):
            return product
        # Terms that overflow may still cancel.
        scaled = np.ldexp(first, _DOWN) @ np.ldexp(second, _DOWN)
    return apply_scale(float(scaled), -2 * _DOWN)


def magnitude(v: ArrayLike) -> float:
    """Return the Euclidean length √(Σ vᵢ²); 0.0 for an empty vector."""
    return _length(as_vector(v, "v"))


vector_norm = magnitude


def _length(v: Array) -> float:
    scaled, exponent = split_scale(v)
    return apply_scale(float(np.sqrt(scaled @ scaled)), exponent)


def normalize(v: ArrayLike) -> Array:
    """Return v / ‖v‖, shape ``(n,)``; the zero vector, with no direction, stays zero.

    The length of the result is 1 to within rounding, also where that of ``v``
    overflows or is subnormal.
    """
    return _direction(as_vector(v, "v"))


def _direction(v: Array) -> Array:
    scaled, _ = split_scale(v)
    length = np.sqrt(scaled @ scaled)
    return scaled / length if length > 0 else scaled


def cosine_similarity(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return v1·v2 / (‖v1‖·‖v2‖), in [-1, 1]; 0.0 where either vector is zero."""
    first, second = _as_pair(v1, v2)
    cosine = float(_direction(first) @ _direction(second))
    return min(1.0, max(-1.0, cosine))


def euclidean_distance(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return √(Σ (v1ᵢ − v2ᵢ)²)."""
    first, second = _as_pair(v1, v2)
    with np.errstate(over="ignore"):
        difference = first - second
    return _length(difference) if np.isfinite(difference).all() else float("inf")


def manhattan_distance(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return Σ |v1ᵢ − v2ᵢ|."""
    first, second = _as_pair(v1, v2)
    with np.errstate(over="ignore"):
        return float(np.abs(first - second).sum())
