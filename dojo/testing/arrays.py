"""Arrays built to order, for the strategies: plain NumPy, nothing drawn."""

import enum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)


class Layout(enum.Enum):
    """The ways in which the same values can lie in memory."""

    ROWS = "C order"
    COLUMNS = "Fortran order"
    STRIDED = "every second entry of a larger array"
    REVERSED = "reversed, with negative strides"
    READ_ONLY = "read-only"


class Kind(enum.Enum):
    """The kinds of sample, simplest first."""

    DISCRETE = "discrete"
    UNIFORM = "uniform"
    NORMAL = "normal"


def sample(rng: np.random.Generator, kind: Kind, n: int) -> Floats:
    """Return n draws: from 0, 1, 2, 3, 4, from [0, 1), or standard normal."""
    match kind:
        case Kind.DISCRETE:
            return rng.integers(0, 5, n).astype(np.float64)
        case Kind.UNIFORM:
            return rng.random(n)
        case Kind.NORMAL:
            return rng.standard_normal(n)


def laid_out(array: NDArray[Scalar], layout: Layout) -> NDArray[Scalar]:
    """Return a copy of the array in that layout."""
    match layout:
        case Layout.ROWS:
            return np.array(array, order="C")
        case Layout.COLUMNS:
            return np.array(array, order="F")
        case Layout.STRIDED:
            return _strided(array)
        case Layout.REVERSED:
            backwards = (slice(None, None, -1),) * array.ndim + (...,)
            return array[backwards].copy()[backwards]
        case Layout.READ_ONLY:
            fixed = array.copy()
            fixed.flags.writeable = False
            return fixed


def orthogonal(rng: np.random.Generator, n: int) -> Floats:
    """Return an orthogonal matrix of shape (n, n), uniformly distributed.

    The QR factor of a normal matrix, made unique by a positive diagonal of R
    (Mezzadri, How to generate random matrices from the classical compact groups,
    Notices of the AMS 54, 2007).
    """
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    return np.asarray(q * np.where(np.diag(r) < 0, -1.0, 1.0), dtype=np.float64)


def symmetric(square: Floats) -> Floats:
    """Return the symmetric part, (A + Aᵀ) / 2."""
    return np.asarray((square + square.T) / 2, dtype=np.float64)


def normalized(weights: Floats) -> Floats:
    """Divide by the sum; all mass goes to the first entry if there is none."""
    if not weights.any():
        weights = np.eye(len(weights))[0]
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _strided(array: NDArray[Scalar]) -> NDArray[Scalar]:
    larger = np.empty([2 * side for side in array.shape], dtype=array.dtype)
    # What lies between shows at once in a result that reads it.
    larger[...] = np.nan if array.dtype.kind in "fc" else 99
    view = larger[(slice(None, None, 2),) * array.ndim + (...,)]
    view[...] = array
    return view
