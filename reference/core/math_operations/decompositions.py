"""Dominant eigenpair, orthonormal basis and QR factorization of a matrix.

Matrices are array-likes in and float64 arrays out. All functions raise ``ValueError``
for another shape, NaN or infinity, and ``TypeError`` for entries that are not real
numbers.
"""

import math
import operator

import numpy as np
from numpy.typing import ArrayLike

from reference.core.math_operations.scaling import apply_scale, split_scale
from reference.core.math_operations.vectors import normalize
from reference.core.validation import Array, as_matrix, as_square_matrix, require

_EPS = float(np.finfo(np.float64).eps)

# A row is dependent when less than this share of its length is new: well above the
# rounding of a row computed from others, well below a basis of condition 1e6.
DEPENDENCE_TOLERANCE = 1e-10

_START_SEED = 0


def power_iteration(
    A: ArrayLike, num_iterations: int = 100, tolerance: float = 1e-10
) -> tuple[float, Array]:
    """Return the eigenvalue of ``A`` largest in magnitude and a unit eigenvector.

    ``A`` has shape ``(n, n)``, n ≥ 1; the eigenvector has shape ``(n,)``, length 1,
    and its entry of largest magnitude (the first of equals) is positive. The start
    is drawn from the normal distribution with a fixed seed, so the result is
    deterministic and a start orthogonal to the eigenvector is improbable.

    The iteration v ← Av / ‖Av‖ has converged when ‖Av/‖Av‖ ∓ v‖ ≤ max(tolerance,
    n·2⁻⁵²): the direction is at rest up to its sign, which alternates where the
    eigenvalue is negative. The eigenvalue is then the Rayleigh quotient vᵀAv. A
    repeated eigenvalue gives one vector of its eigenspace, and a product Av of
    exactly zero, as of the zero matrix, the eigenvalue 0.0.

    Raises ``numpy.linalg.LinAlgError`` where the direction is not at rest within
    ``num_iterations``, as when different eigenvalues share the largest magnitude
    (±λ, a complex pair) or almost do, and ``ValueError`` or ``TypeError`` for bad
    arguments.

    Source: Golub & Van Loan, *Matrix Computations*, 4th ed. (2013), section 7.3.1.
    """
    matrix = as_square_matrix(A, "A")
    limit = _check_limits(num_iterations, tolerance, len(matrix))
    matrix, exponent = split_scale(matrix)
    v = normalize(np.random.default_rng(_START_SEED).standard_normal(len(matrix)))
    change = math.inf
    for _ in range(num_iterations):
        following = normalize(matrix @ v)
        if not following.any():
            return 0.0, _with_positive_peak(v)
        sign = -1.0 if following @ v < 0 else 1.0
        change = float(np.linalg.norm(following - sign * v))
        v = following
        if change <= limit:
            eigenvalue = apply_scale(float(v @ matrix @ v), exponent)
            return eigenvalue, _with_positive_peak(v)
    raise np.linalg.LinAlgError(
        f"power iteration did not converge within num_iterations = {num_iterations}: "
        f"the direction still changes by {change:.1e}; "
        "A may have several eigenvalues of almost the largest magnitude"
    )


def _check_limits(num_iterations: int, tolerance: float, size: int) -> float:
    try:
        count = operator.index(num_iterations)
    except TypeError as error:
        message = f"num_iterations must be an integer, got {num_iterations!r}"
        raise TypeError(message) from error
    require(count >= 1, "num_iterations", "at least 1", num_iterations)
    positive = 0 < tolerance < np.inf
    require(positive, "tolerance", "positive and finite", tolerance)
    return max(tolerance, size * _EPS)


def _with_positive_peak(v: Array) -> Array:
    return -v if v[np.argmax(np.abs(v))] < 0 else v


def gram_schmidt(vectors: ArrayLike) -> Array:
    """Return an orthonormal basis of the span of the rows of ``vectors``.

    ``vectors`` has shape ``(k, n)``, one vector a row; the result has shape
    ``(rank, n)``, its rows in the order of the vectors that gave them. Row i of full
    rank input spans with the rows before it what vectors 1…i span. A vector is left
    out where less than 1e-10 of its length is orthogonal to the rows before it.

    Each vector is orthogonalized twice, which makes the rows orthogonal to within
    rounding whatever the condition of the input: Giraud, Langou, Rozložník & van den
    Eshof, "Rounding error analysis of the classical Gram-Schmidt orthogonalization
    process", Numerische Mathematik 101 (2005), 87–100.
    """
    rows = as_matrix(vectors, "vectors")
    basis = np.empty((min(rows.shape), rows.shape[1]))
    rank = 0
    for row in rows:
        if rank == len(basis):
            break
        found = basis[:rank]
        candidate = normalize(row)
        for _ in range(2):
            candidate = candidate - (found @ candidate) @ found
        if np.linalg.norm(candidate) > DEPENDENCE_TOLERANCE:
            basis[rank] = normalize(candidate)
            rank += 1
    return basis[:rank].copy()


def qr_decomposition(A: ArrayLike) -> tuple[Array, Array]:
    """Return ``(Q, R)`` with A = QR, the reduced form, by Householder reflections.

    ``A`` has shape ``(m, n)``, either size the larger. With k = min(m, n), ``Q`` has
    shape ``(m, k)`` and orthonormal columns, whatever the rank of ``A``; ``R`` has
    shape ``(k, n)``, is upper triangular and has a non-negative diagonal. A column
    that depends on those before it has 0 on the diagonal: what is left of it counts
    as rounding up to 10·max(m, n)·2⁻⁵² of its length.

    Source: Golub & Van Loan, *Matrix Computations*, 4th ed. (2013), sections 5.1
    and 5.2.2.
    """
    matrix = as_matrix(A, "A")
    R, exponents = _scale_columns(matrix)
    steps = min(matrix.shape)
    reflectors = [_eliminate_below(R, j) for j in range(steps)]
    Q = np.eye(matrix.shape[0], steps)
    for j in reversed(range(steps)):
        _reflect(Q[j:], reflectors[j])
    signs = np.where(R.diagonal() < 0, -1.0, 1.0)
    R = np.triu(R[:steps]) * signs[:, None]
    with np.errstate(over="ignore", under="ignore"):
        return Q * signs, np.ldexp(R, exponents)


def _scale_columns(matrix: Array) -> tuple[Array, np.typing.NDArray[np.intc]]:
    """Scale each column so that its peak lies in [0.5, 1); Q does not change by it."""
    exponents = np.frexp(np.abs(matrix).max(axis=0, initial=0.0))[1]
    return np.ldexp(matrix, -exponents), exponents


def _eliminate_below(R: Array, j: int) -> Array:
    """Reflect rows j… of ``R`` so that column j ends at the diagonal.

    Returns the unit vector of the reflection, or zeros where none is needed.
    """
    column = R[j:, j].copy()
    length = np.linalg.norm(column)
    rounding = 10 * max(R.shape) * _EPS * np.linalg.norm(R[:, j])
    if length <= rounding:
        R[j:, j] = 0.0
        return np.zeros_like(column)
    # The sign of the first entry, so that nothing cancels.
    column[0] += np.copysign(length, column[0])
    column /= np.linalg.norm(column)
    _reflect(R[j:, j:], column)
    R[j + 1 :, j] = 0.0
    return column


def _reflect(rows: Array, unit: Array) -> None:
    """Apply I − 2·unit·unitᵀ to ``rows`` in place."""
    rows -= np.outer(2 * unit, unit @ rows)
