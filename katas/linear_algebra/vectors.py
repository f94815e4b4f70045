"""Products, lengths, directions and distances of vectors.

For vectors v, w of n real numbers

    dot product            v·w = Σᵢ vᵢ wᵢ
    magnitude              ‖v‖ = √(Σᵢ vᵢ²)
    direction              v / ‖v‖
    cosine similarity      v·w / (‖v‖ ‖w‖)
    Euclidean distance     √(Σᵢ (vᵢ − wᵢ)²)
    Manhattan distance     Σᵢ |vᵢ − wᵢ|

Write the six functions with arithmetic on entries and sums; `numpy.dot` and its kin
and `numpy.linalg` are what you write here.

A vector is a list or an array of numbers, of shape (n,). `normalize` returns a new
float64 array of that shape, the other five a float. An input is never changed.

Magnitudes: a square overflows above 1e154 and vanishes below 1e-162, the length
itself does not. `magnitude`, `normalize`, `cosine_similarity` and
`euclidean_distance` are exact to rounding for entries from 1e-200 to 1e200, and the
cosine also where one vector is huge and the other tiny. Rounding must not carry the
cosine out of [−1, 1] either.

A zero vector has no direction: `normalize` returns zeros, and a cosine with it is
0.0. An empty vector (n = 0) is the zero vector of its space: its direction is empty,
and every product, length, distance and cosine is 0.0.

`ValueError` that names the argument: `v`, `v1` or `v2` where it has not exactly one
axis or holds NaN or an infinity; `v2` where it is not as long as `v1`.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition (2002),
chapter 27, on software and the limits of floating point.

In production: embeddings are normalized once, when they are stored, so that a search
by cosine is one matrix product, and BLAS does the products.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]


def dot_product(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return Σ v1ᵢ·v2ᵢ."""
    raise NotImplementedError


def magnitude(v: ArrayLike) -> float:
    """Return the Euclidean length ‖v‖."""
    raise NotImplementedError


def normalize(v: ArrayLike) -> Vector:
    """Return v / ‖v‖, shape (n,); zeros for the zero vector."""
    raise NotImplementedError


def cosine_similarity(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return the cosine of the angle, in [−1, 1]; 0.0 where a vector is zero."""
    raise NotImplementedError


def euclidean_distance(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return the length of v1 − v2."""
    raise NotImplementedError


def manhattan_distance(v1: ArrayLike, v2: ArrayLike) -> float:
    """Return Σ |v1ᵢ − v2ᵢ|."""
    raise NotImplementedError
