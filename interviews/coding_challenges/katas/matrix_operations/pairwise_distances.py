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

BLOCK = 1024


def pairwise_distances(
    x: ArrayLike, y: ArrayLike | None = None, block: int = BLOCK
) -> NDArray[np.float64]:
    """Return the distance of each row of `x` from each row of `y`."""
    raise NotImplementedError
