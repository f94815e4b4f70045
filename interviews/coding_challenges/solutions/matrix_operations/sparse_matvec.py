"""A sparse matrix by rows (CSR), and its products.

A matrix with few entries that are not zero is kept as three vectors. `values` holds
these entries, row after row, and in each row from left to right; `columns` holds the
column of each; and row i is `values[starts[i] : starts[i + 1]]`, so `starts` has one
entry more than the matrix has rows, from 0 to the number of values. An empty row has
two equal starts.

Write

- `to_csr(dense)`: a matrix of shape (m, n) to `(values, columns, starts)`, float64,
  int64, int64. Zeros, −0.0 too, are left out; NaN is not a zero.
- `matvec(values, columns, starts, x)`: A·x, float64, shape (m,). `x` has shape (n,).
  Only what is stored is multiplied: an infinity in `x` meets no zero, so no NaN comes
  of it, and a row is not touched by what stands in another.
- `transposed_matvec(values, columns, starts, y, size)`: Aᵀ·y, shape (size,), where size
  is the number of columns, and `y` has shape (m,). No transposed matrix is built.

In the two products the columns of a row may stand in any order, and one may stand there
twice: then both count. No loop over rows is needed. Rows and columns may be empty, the
first and the last as well. The inputs are not changed.

`ValueError` that names the argument: `dense` that is no matrix; `x` that is no vector
or too short for the largest column; `y` whose shape is not (m,).

Source: Golub, Van Loan, Matrix Computations (4th edition, 2013), section 11.1.1, on
compressed storage.

In production: a graph's neighbours, TF-IDF and one-hot features are stored so. The
product moves more bytes than it computes: what counts is reading `x` in order.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def to_csr(dense: ArrayLike) -> tuple[Floats, Integers, Integers]:
    """Return the values, their columns and the starts of the rows."""
    matrix = np.asarray(dense, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"dense must be a matrix, got shape {matrix.shape}")
    rows, columns = np.nonzero(matrix)
    counts = np.bincount(rows, minlength=len(matrix))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return matrix[rows, columns], columns, starts


def matvec(values: Floats, columns: Integers, starts: Integers, x: ArrayLike) -> Floats:
    """Return the product of the matrix and `x`."""
    vector = np.asarray(x, dtype=np.float64)
    needed = columns.max(initial=-1) + 1
    if vector.ndim != 1 or len(vector) < needed:
        message = f"x must have at least {needed} entries, got shape {vector.shape}"
        raise ValueError(message)
    product = np.zeros(len(starts) - 1)
    np.add.at(product, _rows(starts), values * vector[columns])
    return product


def transposed_matvec(
    values: Floats, columns: Integers, starts: Integers, y: ArrayLike, size: int
) -> Floats:
    """Return the product of the transposed matrix, of `size` rows, and `y`."""
    vector = np.asarray(y, dtype=np.float64)
    shape = (len(starts) - 1,)
    if vector.shape != shape:
        raise ValueError(f"y must have shape {shape}, got {vector.shape}")
    product = np.zeros(size)
    np.add.at(product, columns, values * vector[_rows(starts)])
    return product


def _rows(starts: Integers) -> Integers:
    """Return the row of each value."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))
