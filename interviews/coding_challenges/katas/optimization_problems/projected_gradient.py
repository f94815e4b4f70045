"""Gradient descent that stays on the simplex.

The simplex is Δ = {x : xᵢ ≥ 0, Σ xᵢ = 1}: shares of a budget, weights of an ensemble.
To minimize f over it, take a step and go back to the nearest point:

    x₀ = P(start),    xₖ₊₁ = P(xₖ − rate·∇f(xₖ)),    P(v) = argmin over Δ of |x − v|.

There is a number τ with P(v)ᵢ = max(vᵢ − τ, 0), the one for which the sum is 1. With
the entries sorted from the largest, u₁ ≥ u₂ ≥ …, let τₖ = (u₁ + … + uₖ − 1)/k; then
τ = τₖ for the largest k with uₖ > τₖ.

Write

- `project(v)`: P(v) for v of shape (n,), n ≥ 1; float64, new, in the order of v. It is
  to be right to the rounding of 1, however large the numbers in v are: what all of them
  have in common changes nothing, nor does an entry far below the rest.
- `projected_gradient(gradient, start, rate, steps)`: x after `steps` steps, starting
  from P(start). `gradient(x)` returns ∇f(x), and is called once a step. With 0 steps
  nothing is called. It may write into what it is given.

The inputs are not changed. `v` (of `project`) that is no vector, is empty, or is not
finite; a `rate` that is not above 0; and `steps` below 0 are a `ValueError` that names
the argument.

Source: Duchi, Shalev-Shwartz, Singer, Chandra, Efficient Projections onto the l1-Ball
for Learning in High Dimensions (ICML 2008), figure 1; Boyd, Vandenberghe, Convex
Optimization (2004), section 8.1 on projection on a set.

In production: exponentiated gradient stays on the simplex by itself; projection is used
where weights should become exactly zero.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]


def project(v: ArrayLike) -> Vector:
    """Return the point of the simplex that is nearest to `v`."""
    raise NotImplementedError


def projected_gradient(
    gradient: Callable[[Vector], ArrayLike], start: ArrayLike, rate: float, steps: int
) -> Vector:
    """Return where `steps` steps of descent on the simplex lead from `start`."""
    raise NotImplementedError
