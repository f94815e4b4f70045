"""Gram-Schmidt and the QR decomposition.

Gram-Schmidt takes from each vector what the ones before it already span, and scales
the rest to length one:

    rᵢ = vᵢ − Σⱼ (vᵢ·qⱼ) qⱼ  over j < i,        qᵢ = rᵢ / ‖rᵢ‖

For the columns of a matrix it is a factorization: A = QR with orthonormal columns in
Q and an upper triangular R, whose entries are the products Rᵢⱼ = qᵢ·aⱼ for i ≤ j.

In floating point the rest of a nearly dependent vector is small, and what rounding
left in it is not: scaled to length one it is no longer orthogonal. Two cures together:
take each projection from what is left by then, not from vᵢ (modified Gram-Schmidt),
and do the whole pass twice.

Write two functions, for real arrays, which are not changed:

- `gram_schmidt(vectors)`: `vectors` of shape (k, n) has one vector a row. Returns an
  orthonormal basis of their span, one vector a row, float64 of shape (rank, n), in
  the order of the vectors that gave them, each with the sign of the formula. A
  vector is dependent, and left out, where its rest is at most 1e-10 of its length;
  a zero vector is. Vectors of length 1e-100 count as much as those of length 1e100.

- `qr_decomposition(A)`: A of shape (m, n), m, n ≥ 1, either the larger. With
  k = min(m, n), returns (Q, R), float64 of shapes (m, k) and (k, n), with QᵀQ = I,
  QR = A, zeros below the diagonal of R, and nothing negative on it. Where column
  j < k depends on the columns before it, in the sense above, Rⱼⱼ is 0 and column j
  of Q is any unit vector orthogonal to all other columns of Q: one always exists.

What is returned as orthonormal is so to within 1e-12, also where the condition number
is 1e6.

`ValueError` that names the argument, `vectors` or `A`, where it has not exactly two
axes or holds NaN or an infinity.

Source: Golub & Van Loan, Matrix Computations, 4th edition (2013), sections 5.2.7 and
5.2.8; Giraud, Langou, Rozložník & van den Eshof, Rounding error analysis of the
classical Gram-Schmidt orthogonalization process, Numerische Mathematik 101 (2005), on
why twice is enough.

In production: LAPACK factors with Householder reflections, which are orthogonal
whatever the condition; Gram-Schmidt stays where vectors come one at a time, as in
GMRES and Arnoldi.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_DEPENDENT = 1e-10


def gram_schmidt(vectors: ArrayLike) -> Array:
    """Return an orthonormal basis of the span of the rows, shape (rank, n)."""
    rows = _matrix(vectors, "vectors")
    basis: list[Array] = []
    for row in rows:
        unit = _new_direction(row, basis)
        if unit is not None:
            basis.append(unit)
    return np.array(basis).reshape(len(basis), rows.shape[1])


def qr_decomposition(A: ArrayLike) -> tuple[Array, Array]:
    """Return Q of shape (m, k) and R of shape (k, n), with k = min(m, n)."""
    matrix = _matrix(A, "A")
    basis: list[Array] = []
    dependent = []
    for j in range(min(matrix.shape)):
        unit = _new_direction(matrix[:, j], basis)
        if unit is None:
            dependent.append(j)
            unit = _any_new_direction(basis, len(matrix))
        basis.append(unit)
    Q = np.stack(basis, axis=1)
    R = np.triu(Q.T @ matrix)
    R[dependent, dependent] = 0.0
    return Q, R


def _new_direction(v: Array, basis: list[Array]) -> Array | None:
    """Return the unit vector of what is new in v, None where nothing is."""
    rest = v
    # The second pass takes what rounding left of the first.
    for unit in basis + basis:
        rest = rest - np.sum(rest * unit) * unit
    length = np.linalg.norm(rest)
    if length <= _DEPENDENT * np.linalg.norm(v):
        return None
    return rest / length


def _any_new_direction(basis: list[Array], size: int) -> Array:
    directions = (_new_direction(axis, basis) for axis in np.eye(size))
    return next(unit for unit in directions if unit is not None)


def _matrix(values: ArrayLike, name: str) -> Array:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be a finite matrix, got shape {matrix.shape}")
    return matrix
