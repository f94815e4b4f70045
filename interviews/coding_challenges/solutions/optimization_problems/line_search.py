"""How far to go: a line search by halving.

At x, with the gradient g = ∇f(x) and a direction d that goes down (g·d < 0), a step t
is good enough (Armijo's rule) if

    f(x + t·d) ≤ f(x) + slope·t·(g·d).

Try t = first, first·shrink, first·shrink², … and take the first that is good enough.

Write

- `line_search(f, x, gradient, direction, first=1.0, shrink=0.5, slope=1e-4, tries=50)`.
  It returns t, a float, or 0.0 if none of `tries` steps is good enough. `f` is called
  once at x, and once for each step tried. A value that is NaN is not good enough;
  neither is +∞.
- `descend(f, gradient_of, start, steps)`: gradient descent, d = −g, with
  `line_search` and its defaults for each step. It stops early where the gradient is all
  zeros or no step is good enough. It returns the last x, float64.

x, gradient and direction have shape (n,), and so has start; they are not changed.
`direction` with g·d ≥ 0 or NaN is a `ValueError` that names it, as are a `first` not
above 0, a `shrink` or a `slope` not strictly between 0 and 1, and `tries` below 1.
Nothing is called before these checks.

Source: Nocedal, Wright, Numerical Optimization (2nd edition, 2006), section 3.1,
algorithm 3.1.

In production: one batch gives a noisy f, for which Armijo's rule may never hold, so
training uses schedules; line searches are for full batches, as in L-BFGS.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
Function = Callable[[Vector], float]


def line_search(
    f: Function,
    x: ArrayLike,
    gradient: ArrayLike,
    direction: ArrayLike,
    first: float = 1.0,
    shrink: float = 0.5,
    slope: float = 1e-4,
    tries: int = 50,
) -> float:
    """Return the first step that is good enough, or 0.0."""
    here = np.asarray(x, dtype=np.float64)
    way = np.asarray(direction, dtype=np.float64)
    rise = np.dot(gradient, way)
    if not rise < 0:
        raise ValueError(f"direction must go down, got a slope of {rise}")
    if not first > 0:
        raise ValueError(f"first must be above 0, got {first}")
    if not 0 < shrink < 1:
        raise ValueError(f"shrink must be between 0 and 1, got {shrink}")
    if not 0 < slope < 1:
        raise ValueError(f"slope must be between 0 and 1, got {slope}")
    if tries < 1:
        raise ValueError(f"tries must be at least 1, got {tries}")
    value = f(here)
    step = first
    for _ in range(tries):
        if f(here + step * way) <= value + slope * step * rise:
            return step
        step *= shrink
    return 0.0


def descend(
    f: Function,
    gradient_of: Callable[[Vector], Vector],
    start: ArrayLike,
    steps: int,
) -> Vector:
    """Return where at most `steps` steps of gradient descent lead."""
    x = np.array(start, dtype=np.float64)
    for _ in range(steps):
        gradient = gradient_of(x)
        if not gradient.any():
            break
        step = line_search(f, x, gradient, -gradient)
        if step == 0:
            break
        x = x - step * gradient
    return x
