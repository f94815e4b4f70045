"""All distances between two sets of points.

With the points xᵢ as rows of X, shape (m, d), and yⱼ as rows of Y, shape (n, d), the
distances are Dᵢⱼ = √(Σₗ (xᵢₗ − yⱼₗ)²).

Write `pairwise_distances(x, y=None, block=BLOCK)`. It returns D, float64, shape (m, n);
without `y` the distances are those within `x`, shape (m, m).

- No loop over points in Python: broadcasting does it. But X − Y for all pairs takes
  m·n·d numbers, so it is made for at most `block` rows of `x` at a time. The result
  does not depend on `block`.
- Every distance is right to rounding, however close two points are compared with their
  distance from the origin. |x|² + |y|² − 2·x·y is quick, but it subtracts large numbers
  that are nearly equal: near points become NaN, or nonsense. Equal points have distance
  0 exactly, and within `x` the result is symmetric exactly.
- Coordinates are up to 1e300 in magnitude, or as small as 1e-300: squares that overflow
  or vanish on the way must not show.
- m, n and d may be 0; with d = 0 all distances are 0. The inputs are not changed.

`x` that is no matrix, `y` that is no matrix or has another number of columns than `x`,
and a `block` below 1 are a `ValueError` that names the argument.

Source: Higham, Accuracy and Stability of Numerical Algorithms (2nd edition, 2002),
section 1.7 on cancellation, and chapter 27 on avoiding underflow and overflow.

In production: the product form runs on the fast path of matrix multiplication. It is
used for candidates, on centred data, and the few nearest are measured again exactly.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rows at a time.
BLOCK = 1024


def pairwise_distances(
    x: ArrayLike, y: ArrayLike | None = None, block: int = BLOCK
) -> NDArray[np.float64]:
    """Return the distance of each row of `x` from each row of `y`."""
    left = np.asarray(x, dtype=np.float64)
    right = left if y is None else np.asarray(y, dtype=np.float64)
    if left.ndim != 2:
        raise ValueError(f"x must be a matrix, got shape {left.shape}")
    size = left.shape[1]
    if right.ndim != 2 or right.shape[1] != size:
        message = f"y must be a matrix of {size} columns, got shape {right.shape}"
        raise ValueError(message)
    if block < 1:
        raise ValueError(f"block must be at least 1, got {block}")
    distances = np.empty((len(left), len(right)))
    for start in range(0, len(left), block):
        rows = left[start : start + block]
        differences = rows[:, None] - right
        # hypot scales before it squares.
        distances[start : start + block] = np.hypot.reduce(differences, axis=-1)
    return distances
