"""The three metrics as two things that are compared: squares and products.

Cosine is the product of vectors of length one. What is compared grows with the
distance, and becomes the distance only in the answer.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.core.validation import as_array, require

Floats = NDArray[np.floating]
Labels = NDArray[np.int64]
Nodes = NDArray[np.int32]

METRICS = ("cosine", "euclidean", "inner_product")
DTYPES = ("float32", "float64")
# What is compared: the squared Euclidean distance, or the negative inner product.
SQUARED, PRODUCT = 0, 1


def compared(metric: str) -> int:
    """Return what is compared under ``metric``."""
    return SQUARED if metric == "euclidean" else PRODUCT


def as_vectors(
    value: ArrayLike, argument: str, metric: str, dtype: np.dtype[np.floating]
) -> Floats:
    """Return finite vectors ``(n, d)`` or ``(d,)`` in ``dtype``.

    For cosine they are scaled to length one. A zero vector stays zero. Raises
    ``TypeError`` where they are not real numbers and ``ValueError`` where they are not
    finite or, but for cosine, so long or short that squares would over- or underflow.
    """
    if isinstance(value, np.ndarray) and value.dtype == dtype:
        given: Floats = value
        finite = bool(np.isfinite(given).all())
        require(finite, argument, "finite", "NaN or infinity in it")
    else:
        given = as_array(value, argument)
    if metric == "cosine":
        return _directions(given, dtype)
    _require_lengths(given, argument, dtype)
    array: Floats = np.array(given, dtype, order="C")
    array += 0.0  # −0 is 0: equal vectors have equal bytes
    return array


def as_distances(found: Floats, metric: str) -> Floats:
    """Turn what was compared into distances, in place."""
    if metric == "euclidean":
        np.sqrt(found, out=found)
    elif metric == "cosine":
        found += found.dtype.type(1)
        # Rounding may lead a little out of the range of 1 − cos; ∞ pads.
        np.clip(found, 0, 2, out=found, where=np.isfinite(found))
    return found


def _require_lengths(
    given: Floats, argument: str, dtype: np.dtype[np.floating]
) -> None:
    """Raise ``ValueError`` where a square is beyond what ``dtype`` holds, or below."""
    limits = np.finfo(dtype)
    # A quarter of the root: ‖q − v‖² and its estimates stay finite.
    longest = float(np.sqrt(limits.max)) / 4
    shortest = float(np.sqrt(limits.smallest_normal))
    with np.errstate(over="ignore", under="ignore"):
        lengths = np.sqrt(np.square(given, dtype=np.float64).sum(axis=-1))
    peak = float(lengths.max(initial=0))
    expected = f"vectors of length up to {longest:.2g} in {dtype}"
    require(peak <= longest, argument, expected, peak)
    # asked of the coordinates: the length of a short one may itself be told as 0
    short = lengths[(lengths < shortest) & given.any(axis=-1)]
    expected = f"vectors of length 0 or at least {shortest:.2g} in {dtype}"
    require(not short.size, argument, expected, float(short.min(initial=shortest)))


def _directions(given: Floats, dtype: np.dtype[np.floating]) -> Floats:
    """Scale to length one, in float64 and by way of the peak: nothing overflows."""
    wide = given.astype(np.float64, order="C")
    peak = np.abs(wide).max(axis=-1, keepdims=True, initial=0.0)
    wide /= np.where(peak == 0, 1.0, peak)
    length = np.sqrt(np.square(wide).sum(axis=-1, keepdims=True))
    wide /= np.where(length == 0, 1.0, length)
    wide += 0.0
    return wide.astype(dtype)
