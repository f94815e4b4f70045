"""What a failed property carries: the answer, the right answer, the difference."""

import enum
import sys
from typing import TYPE_CHECKING, NoReturn, TypeGuard

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class _Unstated(enum.Enum):
    UNSTATED = "unstated"

    def __repr__(self) -> str:
        return "UNSTATED"


UNSTATED = _Unstated.UNSTATED
"""Stands where there is no object to show, only a claim in words."""


class Mismatch(AssertionError):  # noqa: N818 - a verdict, named as what it found
    """The judged code gave something other than what its statement promises.

    ``what`` names the thing compared, ``actual`` and ``expected`` are the objects
    themselves (arrays are copies; ``UNSTATED`` where there is none) and ``detail``
    says in one line where they part. ``str()`` is readable without any of them.
    """

    def __init__(
        self, *, what: str, actual: object, expected: object, detail: str = ""
    ) -> None:
        self.what = what
        self.actual = snapshot(actual)
        self.expected = snapshot(expected)
        self.detail = detail
        lines = [what]
        if actual is not UNSTATED:
            lines.append(f"  got:      {_indented(self.actual)}")
        if expected is not UNSTATED:
            lines.append(f"  expected: {_indented(self.expected)}")
        if detail:
            lines.append(f"  {detail}")
        super().__init__("\n".join(lines))


def fail(what: str, actual: object, expected: object, detail: str = "") -> NoReturn:
    """Raise ``Mismatch``.

    Every failure is raised on this one line: Hypothesis tells errors apart by the
    line that raises, and so shrinks all of them to one smallest example.
    """
    __tracebackhide__ = True
    raise Mismatch(what=what, actual=actual, expected=expected, detail=detail)


def show(value: object) -> str:
    """Return the repr of ``value``, shortened in the middle of large arrays."""
    try:
        with np.printoptions(threshold=60, edgeitems=3):
            return repr(value)
    # The repr may be the judged code's own: whatever it raises, the verdict stands.
    except Exception as error:
        return f"<a {type(value).__name__} whose repr raises {type(error).__name__}>"


def is_tensor(value: object) -> "TypeGuard[torch.Tensor]":
    """Tell whether ``value`` is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_numpy(tensor: "torch.Tensor") -> NDArray[np.generic]:
    """Return the values of a tensor; bfloat16, unknown to NumPy, as float32."""
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    if str(plain.dtype) == "torch.bfloat16":
        plain = plain.float()
    values: NDArray[np.generic] = plain.numpy()
    return values


def snapshot(value: object) -> object:
    """Copy arrays, tensors and the lists, tuples and dicts that hold them."""
    if is_tensor(value):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    # Exact types: a subclass, such as a named tuple, may be built in another way.
    if type(value) in (list, tuple):
        items = [snapshot(item) for item in value]  # type: ignore[attr-defined]
        return items if type(value) is list else tuple(items)
    if type(value) is dict:
        return {key: snapshot(item) for key, item in value.items()}
    return value


def _indented(value: object) -> str:
    return show(value).replace("\n", "\n" + " " * 12)
