"""Gradient checking.

A gradient derived by hand is easy to get wrong and easy to test: move one entry of x
up and down by a little, and see how far f moves. The central difference

    ∂f/∂xᵢ ≈ (f(x + ε·eᵢ) − f(x − ε·eᵢ)) / 2ε

is off by ε²·f‴/6 only. The forward difference (f(x + ε·eᵢ) − f(x)) / ε, which looks
as good, is off by ε·f″/2: five digits worse at ε = 1e-5.

Write `numerical_gradient`. x is array-like of any shape: a bare number, a vector, a
matrix and so on; the result is a new float64 array of the same shape. f takes a
float64 array of the shape of x and returns one number, which counts as float64. It is
called twice for each entry of x and not otherwise, each time with an array of its own,
so that it may keep or overwrite what it gets; x itself is never changed. x + ε and
x − ε are rounded, so that the two are not quite 2ε apart where x is large: divide by
the distance that they have. The slope of f(x) = x then comes out as exactly 1, however
large x is.

Write `gradient_check`. It returns `True` where the relative error

    ‖a − n‖ / (‖a‖ + ‖n‖)

is less than the threshold, and `False` where it equals or exceeds it. The norms are
Euclidean, over all entries of arrays of any shape. Two gradients that are zero in
every entry (or have no entries) agree, although their ratio is 0/0. A NaN or an
infinity anywhere is a disagreement. The error is relative, so scale must not matter:
gradients of the order of 1e-200 or 1e+200 are compared as well as others, although
the squares of their entries vanish or overflow.

`ValueError` that names the argument: `x` where it holds NaN or an infinity; `epsilon`
where it is not positive, or so small that x + ε or x − ε rounds to x in some entry;
`f` where it returns an array with an axis, if only of length one; `numerical_grad`
where its shape is not that of `analytical_grad`; `threshold` where it is not positive.
`epsilon` and `x` are looked at before f is called.

Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 11.5.

In production: n entries take 2n evaluations, so a check belongs in the tests of a new
layer, in float64 and on a few entries; training uses automatic differentiation.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def numerical_gradient(
    f: Callable[[Array], ArrayLike], x: ArrayLike, epsilon: float = 1e-5
) -> Array:
    """Return ∂f/∂x by central differences, float64, of the shape of `x`."""
    raise NotImplementedError


def gradient_check(
    analytical_grad: ArrayLike, numerical_grad: ArrayLike, threshold: float = 1e-5
) -> bool:
    """Return whether the relative error of two gradients is below `threshold`."""
    raise NotImplementedError
