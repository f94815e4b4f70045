"""Values as text: arguments that can be pasted, answers that can be read."""

import re
import sys
from typing import Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

_LONGEST = 600
_LARGEST = 2_000


class TensorLike(Protocol):
    """What is needed of a ``torch.Tensor`` without importing torch."""

    shape: tuple[int, ...]
    dtype: object
    ndim: int

    def numel(self) -> int:
        """Number of entries."""

    def detach(self) -> "TensorLike":
        """The tensor without its graph."""

    def clone(self) -> "TensorLike":
        """A copy."""

    def tolist(self) -> object:
        """Nested lists."""


def is_tensor(value: object) -> TypeGuard[TensorLike]:
    """Tell whether ``value`` is a torch tensor; torch need not be imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _number(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        plain = float(value)
        return repr(plain) if np.isfinite(plain) else _not_finite(plain)
    return str(value) if isinstance(value, np.generic) else repr(value)


def _not_finite(value: float) -> str:
    return "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"


def _nested(values: object) -> str:
    if isinstance(values, list):
        return f"[{', '.join(map(_nested, values))}]"
    return _number(values)


def _array(array: NDArray[np.generic]) -> str:
    if array.size > _LARGEST:
        return f"<array of shape {array.shape}>"
    if array.dtype.kind in "USO":
        return f"np.array({array.tolist()!r})"
    plain = (np.float64,) if array.size == 0 else (np.float64, np.int64, np.bool_)
    suffix = "" if array.dtype.type in plain else f", dtype=np.{array.dtype}"
    if array.size == 0:
        return f"np.zeros({array.shape}{suffix})"
    text = f"np.array({_nested(array.tolist())}{suffix})"
    if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
        return f"np.asfortranarray({text})"
    return text


def _tensor(tensor: TensorLike) -> str:
    if tensor.numel() > _LARGEST:
        return f"<tensor of shape {tuple(tensor.shape)}>"
    text = _nested(tensor.detach().tolist()).replace("np.", "torch.")
    return f"torch.tensor({text}, dtype={tensor.dtype})"


def paste(value: object) -> str:
    """Return Python text that makes ``value`` again, where there is one."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if is_tensor(value):
        return _tensor(value)
    if isinstance(value, np.generic | float | bool):
        return _number(value)
    if isinstance(value, tuple):
        inside = ", ".join(map(paste, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, list):
        return f"[{', '.join(map(paste, value))}]"
    if isinstance(value, dict):
        pairs = (f"{paste(key)}: {paste(entry)}" for key, entry in value.items())
        return f"{{{', '.join(pairs)}}}"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return plain_repr(value)


def plain_repr(value: object) -> str:
    """Return ``repr`` of anything, bounded, whatever its ``__repr__`` does."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def show(value: object) -> str:
    """Return a readable answer: arrays with shape and dtype before the values."""
    if isinstance(value, np.ndarray):
        head = f"array of shape {value.shape}, {value.dtype}"
        return f"{head}\n{_values(value)}" if value.size else head
    if is_tensor(value):
        head = f"tensor of shape {tuple(value.shape)}, {value.dtype}"
        if value.numel() == 0:
            return head
        return f"{head}\n{_values(np.asarray(value.detach().tolist()))}"
    if isinstance(value, np.generic):
        return f"{_number(value)} ({value.dtype})"
    if isinstance(value, tuple | list) and any(
        isinstance(entry, np.ndarray) or is_tensor(entry) for entry in value
    ):
        return "\n".join(f"[{i}] {show(entry)}" for i, entry in enumerate(value))
    return paste(value)


def _values(array: NDArray[np.generic]) -> str:
    return np.array2string(
        array, separator=", ", max_line_width=68, threshold=60, floatmode="maxprec"
    )


def snapshot(value: object) -> object:
    """Return a copy of small mutable arguments, so that later changes do not show."""
    if isinstance(value, np.ndarray):
        return value.copy(order="K") if value.size <= _LARGEST else value
    if is_tensor(value):
        return value.detach().clone() if value.numel() <= _LARGEST else value
    if isinstance(value, list):
        return [snapshot(entry) for entry in value]
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(snapshot(entry) for entry in value)
    if isinstance(value, dict) and type(value) is dict:
        return {
            key: snapshot(entry)
            for key, entry in cast("dict[object, object]", value).items()
        }
    return value
