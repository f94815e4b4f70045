"""Assertions for the properties of a kata, which say what is wrong and where.

Kind, shape and dtype are compared before values, and exactly, so that broadcasting
never hides a wrong shape. Every failure is a ``Mismatch``; a wrong call of an
assertion, a mistake of the judge, is a ``TypeError`` or a ``ValueError``.
"""

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from dojo.testing.comparison import (
    Tolerance,
    dtype_of,
    duplicate,
    first_difference,
    identical,
    is_array,
    is_nan,
    is_number,
    kind_of,
    near,
    number_type,
    paired_items,
    paired_values,
    precision_of,
    same_bits,
    same_form,
    same_number,
)
from dojo.testing.mismatch import UNSTATED, Mismatch, fail, is_tensor, show

if TYPE_CHECKING:
    import torch

__all__ = [
    "UNSTATED",
    "Mismatch",
    "assert_close",
    "assert_dtype",
    "assert_equal",
    "assert_gradient",
    "assert_holds",
    "assert_raises_naming",
    "assert_shape",
    "unchanged",
]

_RESULT = "the result"
_ARRAY_TYPES = (np.ndarray, np.generic)


def assert_shape(actual: object, shape: tuple[int, ...], what: str = _RESULT) -> None:
    """Check that ``actual`` is an array or a tensor of exactly this shape.

    A NumPy scalar has the shape ``()``; lists and Python numbers are not arrays.
    """
    __tracebackhide__ = True
    if not (isinstance(actual, _ARRAY_TYPES) or is_tensor(actual)):
        required = f"an array of shape {tuple(shape)} is required"
        fail(what, actual, UNSTATED, f"{kind_of(actual)} came back where {required}")
    if tuple(actual.shape) != tuple(shape):
        fail(f"the shape of {what}", tuple(actual.shape), tuple(shape))


def assert_dtype(
    actual: object, dtype: "DTypeLike | torch.dtype", what: str = _RESULT
) -> None:
    """Check that ``actual`` is an array or a tensor of exactly this dtype."""
    __tracebackhide__ = True
    torch = sys.modules.get("torch")
    of_torch = torch is not None and isinstance(dtype, torch.dtype)
    wanted = dtype if of_torch else np.dtype(dtype)  # type: ignore[arg-type]
    if not (is_tensor(actual) if of_torch else isinstance(actual, _ARRAY_TYPES)):
        required = f"{'a torch tensor' if of_torch else 'a NumPy array'} of {wanted}"
        detail = f"{kind_of(actual)} came back where {required} is required"
        fail(what, actual, UNSTATED, detail)
    if dtype_of(actual) != wanted:
        fail(f"the dtype of {what}", dtype_of(actual), wanted)


def assert_close(
    actual: object,
    expected: object,
    *,
    what: str = _RESULT,
    rtol: float | None = None,
    atol: float | None = None,
    terms: int | None = None,
    condition: float = 1.0,
) -> None:
    """Check that ``actual`` is ``expected`` to within rounding error.

    ``expected`` is a number, an array, a tensor, or a list or tuple of them. Compared
    in this order: kind (a number is not an array of one entry; an integer is accepted
    for a float, a bool is not), shape, dtype (equal for floats; any integer dtype
    for integers), values. NaN agrees with NaN in the same place only, an infinity
    with itself only. Integers are compared exactly unless a tolerance is given.

    An entry agrees when ``|actual − expected| ≤ atol + rtol·|expected|``, where by
    default ``rtol = 8·ε·max(n, 4)·condition`` and ``atol = rtol·max|expected|`` (over
    the finite entries, and at least the smallest normal number). A sum of n terms
    computed in any order is off by at most about n·ε times the sum of the magnitudes
    of its terms (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition,
    section 3.1, with ε for his unit roundoff); ``condition`` is the ratio of that sum
    of magnitudes to the result, or the condition number of the problem, and 8 stands
    for the handful of operations around it. ``terms`` is n, the terms that make one
    entry; without it n is the number of entries of ``expected``.

    Raises ``ValueError`` if the tolerance is so wide that it judges nothing.
    """
    __tracebackhide__ = True
    _close(actual, expected, what, Tolerance(rtol, atol, terms, condition))


def assert_equal(actual: object, expected: object, what: str = _RESULT) -> None:
    """Check exact equality, kind included.

    A bool is not an int, an int is not a float and None equals None only; NumPy
    scalars count as the Python numbers of their kind. Arrays and tensors agree in
    shape, dtype and every value. NaN equals NaN, and 0.0 equals −0.0. Lists, tuples
    and dicts (in any order of keys) are compared item by item; other objects must be
    of the same type, and equal.
    """
    __tracebackhide__ = True
    if is_array(expected):
        left, right = same_form(actual, expected, what, exact=True)
        different = ~identical(left, right)
        if different.any():
            fail(what, actual, expected, first_difference(left, right, different))
    elif isinstance(expected, list | tuple):
        for index, pair in enumerate(paired_items(actual, expected, what)):
            assert_equal(*pair, f"{what}[{index}]")
    elif isinstance(expected, dict):
        for key, given, wanted in paired_values(actual, expected, what):
            assert_equal(given, wanted, f"{what}[{key!r}]")
    elif number_type(actual) is not number_type(expected):
        detail = f"{kind_of(actual)} came back where {kind_of(expected)} is required"
        fail(what, actual, expected, detail)
    elif not (actual == expected or (is_nan(actual) and is_nan(expected))):
        fail(what, actual, expected)


def assert_holds(
    condition: object,
    claim: str,
    *,
    actual: object = UNSTATED,
    expected: object = UNSTATED,
    detail: str = "",
) -> None:
    """Check a claim in words, such as "every row sums to one".

    ``condition`` must be a bool: an array or a number that happens to be true is the
    judge's mistake, and a ``TypeError``.
    """
    __tracebackhide__ = True
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"condition must be a bool, got {kind_of(condition)}")
    if not condition:
        reason = f"this does not hold: {detail}" if detail else "this does not hold"
        fail(claim, actual, expected, reason)


def assert_gradient(
    f: Callable[[NDArray[np.float64]], float],
    x: ArrayLike,
    gradient: object,
    *,
    what: str = "the gradient",
    epsilon: float = 1e-6,
    rtol: float = 1e-5,
) -> None:
    """Check ``gradient`` at ``x`` against central differences of the scalar ``f``.

    ``gradient`` is a float64 array of the shape of ``x``. The difference quotient
    ``(f(x + h) − f(x − h)) / 2h``, with ``h = epsilon·max(1, |x|)`` for each entry, is
    off by two errors. Truncation is of the order of epsilon² for derivatives of the
    order of ``f``. Rounding is of the order of ε/epsilon times the magnitudes that
    make up ``f``, estimated by ``|f| + Σ|x·gradient|``; 8 such errors are allowed.
    Added to that is ``rtol`` times the largest entry of the quotient. ``x`` must keep
    more than ``h`` away from any kink of ``f``.
    """
    __tracebackhide__ = True
    point = np.array(x, dtype=np.float64)
    assert_shape(gradient, point.shape, what)
    assert_dtype(gradient, np.float64, what)
    quotient, height = _central_differences(f, point, epsilon)
    if not np.isfinite(quotient).all():
        detail = "the function itself is not finite around this point"
        fail(what, gradient, quotient, detail)
    magnitude = height + float(np.abs(point * quotient).sum())
    rounding = 8 * float(np.finfo(np.float64).eps) / epsilon * magnitude
    truncation = epsilon**2 * max(1.0, height)
    largest = float(np.abs(quotient).max(initial=0.0))
    atol = rtol * largest + truncation + rounding
    assert_close(gradient, quotient, what=what, rtol=rtol, atol=atol)


def assert_raises_naming(
    argument: str,
    call: Callable[..., object],
    /,
    *args: object,
    error: type[Exception] | tuple[type[Exception], ...] = ValueError,
    **kwargs: object,
) -> None:
    """Check that the call raises ``error`` with a message that names ``argument``.

    The name must stand in the message as a word of its own. A ``NotImplementedError``
    that was not asked for passes through: a stub is not a wrong answer.
    """
    __tracebackhide__ = True
    what = f"the refusal of a bad {argument}"
    kinds = error if isinstance(error, tuple) else (error,)
    wanted = " or ".join(kind.__name__ for kind in kinds)
    try:
        result = call(*args, **kwargs)
    except kinds as raised:
        if not re.search(rf"(?<!\w){re.escape(argument)}(?!\w)", str(raised)):
            name = type(raised).__name__
            detail = f"the message of this {name} does not name {argument!r}"
            fail(what, raised, UNSTATED, detail)
        return
    except NotImplementedError:
        raise
    except Exception as raised:
        detail = f"raised {type(raised).__name__}: {raised}, instead of {wanted}"
        fail(what, raised, UNSTATED, detail)
    fail(what, result, UNSTATED, f"returned {show(result)} instead of raising {wanted}")


def unchanged(**arrays: object) -> AbstractContextManager[None]:
    """Check that the named arrays hold the same bits after the block as before it.

    Takes arrays, tensors, and lists, tuples and dicts of them and of plain values.
    If the block raises, its exception passes through.
    """
    return _Unchanged(arrays)


class _Unchanged(AbstractContextManager[None]):
    # A class, since a generator would leave a frame of contextlib in the traceback.
    def __init__(self, watched: dict[str, object]) -> None:
        self._watched = watched
        self._before: dict[str, object] = {}

    def __enter__(self) -> None:
        self._before = {name: duplicate(x) for name, x in self._watched.items()}
        for name, before in self._before.items():
            if not same_bits(before, self._watched[name]):
                kind = kind_of(self._watched[name])
                raise TypeError(f"{name} must be comparable with its copy, got {kind}")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        __tracebackhide__ = True
        if error is not None:
            return
        for name, before in self._before.items():
            if not same_bits(before, self._watched[name]):
                detail = f"{name} was changed in place"
                fail(name, self._watched[name], before, detail)


def _close(actual: object, expected: object, what: str, tolerance: Tolerance) -> None:
    __tracebackhide__ = True
    if isinstance(expected, list | tuple):
        for index, (given, wanted) in enumerate(paired_items(actual, expected, what)):
            _close(given, wanted, f"{what}[{index}]", tolerance)
        return
    if is_array(expected):
        left, right = same_form(actual, expected, what, exact=False)
    elif is_number(expected):
        left, right = same_number(actual, expected, what)
    else:
        raise TypeError(f"expected must be numbers or arrays, got {kind_of(expected)}")
    # An integer next to a float stands for the Python float of its value.
    inexact = right.dtype.kind in "iu" and left.dtype.kind == "f"
    allowed = tolerance.allowed(right, precision_of(0.0 if inexact else expected))
    different = ~(identical(left, right) | near(left, right, allowed))
    if different.any():
        fail(what, actual, expected, first_difference(left, right, different, allowed))


def _central_differences(
    f: Callable[[NDArray[np.float64]], float],
    point: NDArray[np.float64],
    epsilon: float,
) -> tuple[NDArray[np.float64], float]:
    """Return the difference quotients at ``point`` and the largest |f| met."""
    quotient = np.zeros_like(point)
    height = 0.0
    for index in np.ndindex(point.shape):
        step = epsilon * max(1.0, abs(float(point[index])))
        above, below = point.copy(), point.copy()
        above[index] += step
        below[index] -= step
        # The step taken, which rounding makes other than the step asked for. It is
        # read before the call, since f may write into its argument.
        taken = float(above[index]) - float(below[index])
        high, low = float(f(above)), float(f(below))
        quotient[index] = (high - low) / taken
        height = max(height, abs(high), abs(low))
    return quotient, height
