"""A failure shows the judged values, and nothing of the assertion."""

import copy
import subprocess
import sys
import traceback
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dojo.testing import (
    UNSTATED,
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_gradient,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    unchanged,
)
from tests.dojo.failing import mismatch

Floats = NDArray[np.float64]


def test_carries_the_objects_and_reads_alone() -> None:
    actual, expected = np.array([1.0, 2.0]), np.array([1.0, 4.0])
    error = mismatch(assert_close, actual, expected, what="the norms")
    assert error.what == "the norms"
    assert isinstance(error, AssertionError)
    np.testing.assert_array_equal(error.actual, actual)
    np.testing.assert_array_equal(error.expected, expected)
    assert error.detail.startswith("first difference at [1]: 2.0 instead of 4.0")
    assert error.detail.endswith("(1 of 2 differ)")
    lines = str(error).splitlines()
    assert lines[0] == "the norms"
    assert lines[1].split() == ["got:", "array([1.,", "2.])"]
    assert lines[2].split() == ["expected:", "array([1.,", "4.])"]
    assert lines[3].strip() == error.detail


def test_arrays_in_it_are_copies() -> None:
    array, tensor = np.zeros(2), torch.zeros(2)
    error = Mismatch(what="x", actual=[array], expected=(tensor, {"k": array}))
    array[0], tensor[0] = 7.0, 7.0
    assert str(error.actual) == "[array([0., 0.])]"
    assert_equal(error.expected, (torch.zeros(2), {"k": np.zeros(2)}))


def test_a_tensor_in_it_is_off_the_graph() -> None:
    x = torch.ones(2, requires_grad=True)
    error = mismatch(assert_close, x * 2, torch.ones(2))
    assert isinstance(error.actual, torch.Tensor)
    assert not error.actual.requires_grad


def test_what_is_unstated_is_not_shown() -> None:
    error = Mismatch(what="x", actual=UNSTATED, expected=UNSTATED, detail="why")
    assert str(error) == "x\n  why"
    assert repr(error.actual) == "UNSTATED"
    assert copy.deepcopy(UNSTATED) is UNSTATED


def test_a_repr_that_raises_does_not_hide_the_verdict() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise KeyError("no repr")

    error = mismatch(assert_close, Broken(), 1.0)
    assert "<a Broken whose repr raises KeyError>" in str(error)


def test_large_arrays_are_shortened() -> None:
    error = mismatch(assert_close, np.zeros(10_000), np.ones(10_000))
    assert len(str(error)) < 500
    assert isinstance(error.actual, np.ndarray)
    assert error.actual.shape == (10_000,)


def quartic(x: Floats) -> float:
    return float((x**4).sum() / 4 + np.outer(x, x).sum())


def refuse(message: str, kind: type[Exception] = ValueError) -> object:
    raise kind(message)


def _watch_a_change() -> None:
    x = np.ones(2)
    with unchanged(x=x):
        x[0] = 2.0


FAILURES: dict[str, Callable[[], None]] = {
    "shape": lambda: assert_shape(np.ones(2), (3,)),
    "no shape": lambda: assert_shape(None, (3,)),
    "dtype": lambda: assert_dtype(np.ones(2), np.float32),
    "kind": lambda: assert_close([1.0], np.ones(1)),
    "number": lambda: assert_close(np.ones(1), 1.0),
    "nested": lambda: assert_close([(1.0, 2.0)], [(1.0, 3.0)]),
    "length": lambda: assert_close([1.0], [1.0, 2.0]),
    "value": lambda: assert_close(1.0, 2.0),
    "keys": lambda: assert_equal({"a": [1]}, {"b": [1]}),
    "equal": lambda: assert_equal({"a": [1]}, {"a": [2]}),
    "claim": lambda: assert_holds(False, "x"),
    "gradient": lambda: assert_gradient(quartic, np.ones(2), np.ones(2)),
    "returned": lambda: assert_raises_naming("k", dict),
    "raised": lambda: assert_raises_naming("k", refuse, "k", TypeError),
    "unnamed": lambda: assert_raises_naming("k", refuse, "bad"),
    "unchanged": _watch_a_change,
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_frame_of_an_assertion_is_hidden(name: str) -> None:
    with pytest.raises(Mismatch) as caught:
        FAILURES[name]()
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    own = [f for f in frames if f.f_globals["__name__"].startswith("dojo.testing")]
    assert own
    assert all(frame.f_locals.get("__tracebackhide__") is True for frame in own)
    assert frames[-len(own) :] == own, "no frame of another library in between"


def test_the_import_brings_no_heavy_library() -> None:
    heavy = {"torch", "scipy", "sklearn", "numba", "pandas"}
    program = f"import dojo.testing, sys; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
