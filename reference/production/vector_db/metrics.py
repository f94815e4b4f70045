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
    finite or so long that squares would overflow.
    """
    if isinstance(value, np.ndarray) and value.dtype == dtype:
        array = np.array(value, dtype, order="C")
        finite = bool(np.isfinite(array).all())
        require(finite, argument, "finite", "NaN or infinity in it")
    else:
        array = _cast(as_array(value, argument), argument, dtype)
    if metric == "cosine":
        return _directions(array)
    # A quarter of the root: ‖q − v‖² and its estimates stay finite.
    longest = float(np.sqrt(np.finfo(dtype).max)) / 4
    with np.errstate(over="ignore"):
        peak = np.sqrt(np.square(array, dtype=np.float64).sum(axis=-1)).max(initial=0)
    fits = bool(peak <= longest)
    require(fits, argument, f"vectors of length up to {longest:.2g} in {dtype}", peak)
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


def _cast(
    array: NDArray[np.float64], argument: str, dtype: np.dtype[np.floating]
) -> Floats:
    with np.errstate(over="ignore"):
        converted: Floats = array.astype(dtype, order="C")
    finite = bool(np.isfinite(converted).all())
    require(finite, argument, f"finite in {dtype}", array)
    return converted


def _directions(array: Floats) -> Floats:
    """Scale to length one, in float64 and by way of the peak: nothing overflows."""
    wide = array.astype(np.float64)
    peak = np.abs(wide).max(axis=-1, keepdims=True, initial=0.0)
    wide /= np.where(peak == 0, 1.0, peak)
    length = np.sqrt(np.square(wide).sum(axis=-1, keepdims=True))
    wide /= np.where(length == 0, 1.0, length)
    wide += 0.0
    return wide.astype(array.dtype)
