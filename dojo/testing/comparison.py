"""How two values are compared: kind, shape and dtype first, then entry by entry."""

import copy
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard, Union

import numpy as np
from numpy.typing import NDArray

from dojo.testing.mismatch import as_numpy, fail, is_tensor

if TYPE_CHECKING:
    import torch

Values = NDArray[np.generic]
AnyArray = Union[Values, np.generic, "torch.Tensor"]


def is_array(value: object) -> "TypeGuard[Values | torch.Tensor]":
    """Tell whether ``value`` is an array or a tensor; a NumPy scalar is neither."""
    return isinstance(value, np.ndarray) or is_tensor(value)


def is_number(value: object) -> bool:
    """Tell whether ``value`` is a real number of Python or NumPy; a bool is not."""
    real = isinstance(value, int | float | np.integer | np.floating)
    return real and not isinstance(value, bool)


def is_nan(value: object) -> bool:
    """Tell whether ``value`` is a float that is not a number."""
    return isinstance(value, float | np.floating) and math.isnan(value)


def kind_of(value: object) -> str:
    """Name the type of ``value``, for a message."""
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    if is_tensor(value):
        return f"a torch tensor of shape {tuple(value.shape)}"
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def number_type(value: object) -> type:
    """Return the Python type of a number of NumPy, and else the type itself."""
    for python, numpy in ((bool, np.bool_), (int, np.integer), (float, np.floating)):
        if isinstance(value, numpy):
            return python
    return type(value)


@dataclass(frozen=True)
class Tolerance:
    """The error allowed between floats, stated or derived; see ``assert_close``."""

    rtol: float | None
    atol: float | None
    terms: int | None
    condition: float

    def __post_init__(self) -> None:
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} must be finite and at least 0, got {value}")
        if self.terms is not None and self.terms < 1:
            raise ValueError(f"terms must be at least 1, got {self.terms}")
        if not 0 < self.condition < math.inf:
            raise ValueError(
                f"condition must be finite and above 0, got {self.condition}"
            )

    def allowed(
        self, expected: Values, precision: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Return the error allowed in each entry, for floats of this ``precision``."""
        eps, tiny = precision
        magnitude = np.abs(_wide(expected))
        rtol = self.rtol
        if rtol is None:
            terms = max(self.terms or expected.size, 4)
            # No problem is better conditioned than 1; rounding may tell otherwise.
            rtol = 8 * eps * terms * max(self.condition, 1.0)
            if rtol >= 1:
                raise ValueError(
                    f"the derived rtol must be below 1 to judge anything, got {rtol}: "
                    "state rtol, terms or a smaller condition"
                )
        atol = self.atol
        if atol is None:
            finite = magnitude[np.isfinite(magnitude)]
            atol = rtol * float(finite.max(initial=tiny))
        with np.errstate(over="ignore"):
            return np.asarray(atol + rtol * magnitude, dtype=np.float64)


def precision_of(value: object) -> tuple[float, float]:
    """Return the spacing of floats at one and the smallest normal float.

    Both are those of the dtype of ``value``, a float64 for a Python float, and both
    are 0 for integers, which are exact.
    """
    if is_tensor(value):
        if not (value.is_floating_point() or value.is_complex()):
            return 0.0, 0.0
        limits = sys.modules["torch"].finfo(value.dtype)
        return float(limits.eps), float(limits.tiny)
    dtype = np.asarray(value).dtype
    if dtype.kind not in "fc":
        return 0.0, 0.0
    # A complex dtype has the precision of its real part.
    real = np.finfo(np.zeros(0, dtype).real.dtype)
    return float(real.eps), float(real.tiny)


def identical(actual: Values, expected: Values) -> NDArray[np.bool_]:
    """Tell which entries are equal, or both NaN."""
    same = np.asarray(actual == expected, dtype=np.bool_)
    if expected.dtype.kind in "fc":
        same = same | (np.isnan(actual) & np.isnan(expected))
    return same


def near(
    actual: Values, expected: Values, allowed: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which entries are finite and differ by no more than is ``allowed``."""
    left, right = _wide(actual), _wide(expected)
    with np.errstate(over="ignore", invalid="ignore"):
        close = np.abs(left - right) <= allowed
    # The error allowed at an infinity is infinite, and judges nothing. Where none is
    # allowed only ``identical`` counts: float64 cannot tell large integers apart.
    return np.asarray(close & np.isfinite(left) & np.isfinite(right) & (allowed > 0))


def first_difference(
    actual: Values,
    expected: Values,
    different: NDArray[np.bool_],
    allowed: NDArray[np.float64] | None = None,
) -> str:
    """Say where the first difference is, what it is, and how many there are."""
    index = tuple(int(i) for i in np.argwhere(different)[0])
    text = f"{actual[index]!s} instead of {expected[index]!s}"
    if allowed is not None and 0 < allowed[index] < math.inf:
        text += f", allowed error {allowed[index]:.2g}"
    if not index:
        return text
    count = f"{int(different.sum())} of {different.size} differ"
    return f"first difference at {list(index)}: {text} ({count})"


def same_form(
    actual: object, expected: AnyArray, what: str, *, exact: bool
) -> tuple[Values, Values]:
    """Check kind, shape and dtype, and return the values of both as NumPy arrays.

    Unless ``exact``, any integer dtype of NumPy stands for any other.
    """
    __tracebackhide__ = True
    of_torch = is_tensor(expected)
    alike = (
        is_tensor(actual) if of_torch else isinstance(actual, np.ndarray | np.generic)
    )
    if not alike:
        required = "a torch tensor" if of_torch else "a NumPy array"
        detail = f"{kind_of(actual)} came back where {required} is required"
        fail(what, actual, expected, detail)
    left, right = values_of(actual), values_of(expected)
    if left.shape != right.shape:
        fail(what, actual, expected, f"shape {left.shape} instead of {right.shape}")
    given, wanted = dtype_of(actual), dtype_of(expected)
    integers = left.dtype.kind in "iu" and right.dtype.kind in "iu" and not of_torch
    if given != wanted and (exact or not integers):
        fail(what, actual, expected, f"dtype {given} instead of {wanted}")
    return left, right


def same_number(actual: object, expected: object, what: str) -> tuple[Values, Values]:
    """Check that ``actual`` is a number too; return both as arrays of shape ()."""
    __tracebackhide__ = True
    if isinstance(actual, np.ndarray):
        number = actual.ndim == 0 and actual.dtype.kind in "iuf"
    else:
        number = is_number(actual)
    if not number:
        detail = f"{kind_of(actual)} came back where a number is required"
        fail(what, actual, expected, detail)
    left, right = np.asarray(actual), np.asarray(expected)
    if left.dtype.kind == "O":
        fail(what, actual, expected, "the integer has more than 64 bits")
    return left, right


def paired_items(
    actual: object, expected: list[object] | tuple[object, ...], what: str
) -> list[tuple[object, object]]:
    """Check that ``actual`` is a list or tuple likewise, as long; pair the items."""
    __tracebackhide__ = True
    kind = list if isinstance(expected, list) else tuple
    if not isinstance(actual, kind):
        detail = f"{kind_of(actual)} came back where a {kind.__name__} is required"
        fail(what, actual, expected, detail)
    if len(actual) != len(expected):
        detail = f"length {len(actual)} instead of {len(expected)}"
        fail(what, actual, expected, detail)
    return list(zip(actual, expected, strict=True))


def paired_values(
    actual: object, expected: dict[object, object], what: str
) -> list[tuple[object, object, object]]:
    """Check that ``actual`` is a dict with the same keys; give key and both values."""
    __tracebackhide__ = True
    if not isinstance(actual, dict):
        detail = f"{kind_of(actual)} came back where a dict is required"
        fail(what, actual, expected, detail)
    missing = [key for key in expected if key not in actual]
    extra = [key for key in actual if key not in expected]
    if missing or extra:
        detail = f"missing keys: {missing}, unexpected keys: {extra}"
        fail(what, actual, expected, detail)
    return [(key, actual[key], value) for key, value in expected.items()]


def duplicate(value: object) -> object:
    """Copy deeply, for a later comparison by ``same_bits``."""
    return value.detach().clone() if is_tensor(value) else copy.deepcopy(value)


def same_bits(before: object, after: object) -> bool:
    """Compare a value with its earlier copy; floats and arrays bit by bit."""
    if is_array(before) and is_array(after):
        left, right = values_of(before), values_of(after)
        if left.shape != right.shape or dtype_of(before) != dtype_of(after):
            return False
        if left.dtype.hasobject:
            return bool(left.tolist() == right.tolist())
        return left.tobytes() == right.tobytes()
    if type(before) is not type(after):
        return False
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(same_bits, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        if list(before) != list(after):
            return False
        return all(same_bits(item, after[key]) for key, item in before.items())
    if isinstance(before, float):
        # The repr tells the bits apart that matter: the sign of zero, NaN from itself.
        return repr(before) == repr(after)
    return bool(before == after)


def dtype_of(value: object) -> object:
    """Return the dtype of an array, a NumPy scalar or a tensor."""
    return value.dtype if is_tensor(value) else np.asarray(value).dtype


def values_of(value: object) -> Values:
    """Return an array, a NumPy scalar or a tensor as a NumPy array."""
    return as_numpy(value) if is_tensor(value) else np.asarray(value)


def _wide(values: Values) -> NDArray[np.float64] | NDArray[np.complex128]:
    if values.dtype.kind == "c":
        return values.astype(np.complex128)
    return values.astype(np.float64)
