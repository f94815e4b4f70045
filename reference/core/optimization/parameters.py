"""Parameters of a model as named parts: one array, several, or a mapping of them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_array, require

ArrayMapping = Mapping[str, ArrayLike]
Parameters = ArrayLike | ArrayMapping

# The key of a part: its name, its place, or None for a single array.
Key = str | int | None
Parts = dict[Key, Array]
Shapes = dict[Key, tuple[int, ...]]


def take_apart(value: Parameters, like: Parameters, argument: str) -> Parts:
    """Return the parts of ``value``, taken apart as ``like`` is.

    A mapping has named parts; a list or tuple with a NumPy array in it has numbered
    ones; anything else is one array-like.
    """
    if isinstance(value, Mapping):
        require(isinstance(like, Mapping), argument, "built like params", value)
        return {
            name: as_array(part, f"{argument}[{name!r}]")
            for name, part in value.items()
        }
    if _has_several(like) and isinstance(value, (list, tuple)):
        return {i: as_array(part, f"{argument}[{i}]") for i, part in enumerate(value)}
    return {None: as_array(value, argument)}


def _has_several(value: Parameters) -> bool:
    if not isinstance(value, (list, tuple)):
        return False
    return any(isinstance(part, np.ndarray) for part in value)


def shapes_of(parts: Parts) -> Shapes:
    """Return the shape of each part."""
    return {key: part.shape for key, part in parts.items()}


def put_together(parts: Parts, like: Parameters) -> object:
    """Undo ``take_apart``: return the parts in the structure of ``like``."""
    if isinstance(like, Mapping):
        return parts
    if not _has_several(like):
        return parts[None]
    values = list(parts.values())
    return tuple(values) if isinstance(like, tuple) else values
