"""Power iteration: the dominant eigenvalue, by nothing but products.

Write a start v₀ in eigenvectors of A, v₀ = Σᵢ cᵢ uᵢ with A uᵢ = λᵢ uᵢ. Then

    Aᵏ v₀ = Σᵢ cᵢ λᵢᵏ uᵢ

and the term of the λ largest in magnitude outgrows the others by |λ₁/λ₂| a step. To
keep the numbers in range only the direction is kept:

    vₖ₊₁ = A vₖ / ‖A vₖ‖

Where λ₁ < 0 the sign of vₖ alternates forever, while its line is at rest. So the
iteration has converged when ‖vₖ₊₁ − s·vₖ‖ ≤ tolerance for s = 1 or s = −1.

Write `power_iteration` for a real matrix of shape (n, n), n ≥ 1. It makes at most
`num_iterations` products A vₖ to converge, and returns

- the eigenvalue, a float, with its sign: the Rayleigh quotient vᵀAv of the unit
  vector v at rest, which for a symmetric A has the square of the error of v;
- the eigenvector, float64 of shape (n,), of length 1, its sign such that the entry
  largest in magnitude (the first of equals) is positive.

The start: each entry drawn from a normal distribution by a generator of a fixed seed,
so that the same call gives the same result, and no start of a simple form misses the
eigenvector. Where A vₖ is exactly zero, as for the zero matrix, vₖ itself is an
eigenvector, with eigenvalue 0.0.

Where the direction is not at rest after `num_iterations` products, raise
`numpy.linalg.LinAlgError` with a message that names `A`. So it is where two
eigenvalues share the largest magnitude, λ and −λ or a complex pair: the direction
turns forever, even where vᵀAv stands still.

A is not changed. Multiplied by any number from 1e-100 to 1e100 it has the same
eigenvector, and its eigenvalue times that number.

`ValueError` that names the argument, before any product: `A` where it is not square,
has no entry, or holds NaN or an infinity; `num_iterations` below 1; `tolerance` not
above 0. (`LinAlgError` is a `ValueError` too, but says that the iteration was tried.)

Source: Golub & Van Loan, Matrix Computations, 4th edition (2013), section 7.3.1.

In production: it takes products only, so A may be sparse, or a function; for more
than one eigenvalue, or for close ones, Lanczos or Arnoldi keep all the products made
(ARPACK, `scipy.sparse.linalg.eigs`).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def power_iteration(
    A: ArrayLike, num_iterations: int = 100, tolerance: float = 1e-10
) -> tuple[float, Array]:
    """Return the eigenvalue largest in magnitude, and its unit eigenvector (n,)."""
    raise NotImplementedError
