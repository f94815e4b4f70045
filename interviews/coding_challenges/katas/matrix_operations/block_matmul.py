"""A matrix product in tiles.

With A of shape (m, k) and B of shape (k, n), (A·B)ᵢⱼ = Σₗ Aᵢₗ·Bₗⱼ. The sum may be taken
tile by tile: cut A, B and the result into tiles of t rows and t columns; each tile of
the result is the sum of products of a tile of A with a tile of B. Three small tiles fit
into the cache where three matrices do not.

Write `block_matmul(a, b, tile, multiply=np.matmul)`. It returns the product, a new
float64 array of shape (m, n).

- Every product is made by `multiply(left, right)`, called once for each triple of
  tiles: ⌈m/t⌉·⌈n/t⌉·⌈k/t⌉ calls. It takes two arrays and returns their product. No
  argument has more than `tile` rows or columns, and none is filled up with zeros: at
  the edges tiles are smaller. So a `tile` above all sizes gives one call.
- Sizes of 0 are allowed; with k = 0 the result is zeros, and nothing is called.
- The inputs are not changed.

`a` that is no matrix, `b` that is no matrix or has another number of rows than `a` has
columns, and a `tile` below 1 are a `ValueError` that names the argument.

Source: Golub, Van Loan, Matrix Computations (4th edition, 2013), section 1.5 on the
movement of data and section 1.3 on block matrices.

In production: the library does this, with tiles for each level of cache and for the
registers; the same cut is what a GPU's kernel makes, with tiles in shared memory.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]


def block_matmul(
    a: ArrayLike,
    b: ArrayLike,
    tile: int,
    multiply: Callable[[Matrix, Matrix], Matrix] = np.matmul,
) -> Matrix:
    """Return the product of `a` and `b`, made of products of tiles."""
    raise NotImplementedError
