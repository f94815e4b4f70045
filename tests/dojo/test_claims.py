"""The other assertions pass on what is right, and name what is wrong."""

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from dojo.testing import (
    UNSTATED,
    Mismatch,
    assert_equal,
    assert_gradient,
    assert_holds,
    assert_raises_naming,
    unchanged,
)
from tests.dojo.failing import mismatch

Floats = NDArray[np.float64]


@pytest.mark.parametrize(
    "value",
    [
        1,
        True,
        None,
        "a",
        1.5,
        math.nan,
        b"x",
        (1, [2.0, None]),
        {"a": 1, "b": [True]},
        {1, 2},
        np.arange(3),
        np.array([math.nan, 1.0]),
        np.array(["a", "b"]),
        torch.tensor([1.0, math.nan]),
        [np.ones(2), torch.ones(2)],
    ],
)
def test_equal_to_its_copy(value: object) -> None:
    assert_equal(copy.deepcopy(value), value)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (True, 1),
        (1, True),
        (0, False),
        (0, None),
        (None, 0),
        (False, None),
        (1.0, 1),
        (1, 1.0),
        ("1", 1),
        (np.True_, 1),
        (np.ones(1), 1.0),
        ([1], [True]),
        ((1,), [1]),
        ([1, 2], [1, 2, 3]),
        ([2, 1], [1, 2]),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([("a", 1)], {"a": 1}),
        ({1}, frozenset({1})),
        (1.0, math.nan),
        (1.0 + 2e-16, 1.0),
        (np.array([1.0]), np.array([1.0 + 2.5e-16])),
        (np.array(["a"]), np.array(["b"])),
        ([1.0], np.array([1.0])),
        (torch.ones(1), np.ones(1)),
    ],
)
def test_differences(actual: object, expected: object) -> None:
    error = mismatch(assert_equal, actual, expected, "the answer")
    assert error.what.startswith("the answer")


def test_numpy_scalars_are_the_numbers_of_their_kind() -> None:
    assert_equal(np.int64(3), 3)
    assert_equal(3.5, np.float64(3.5))
    assert_equal(np.True_, True)


def test_an_object_that_claims_to_equal_everything_does_not() -> None:
    class Anything(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 0

    mismatch(assert_equal, Anything("b"), "a")


def test_nested_differences_name_the_key() -> None:
    error = mismatch(assert_equal, {"a": [1, 3]}, {"a": [1, 2]})
    assert error.what == "the result['a'][1]"
    assert (error.actual, error.expected) == (3, 2)
    error = mismatch(assert_equal, {"a": 1}, {"b": 1})
    assert error.detail == "missing keys: ['b'], unexpected keys: ['a']"


def test_a_true_claim() -> None:
    assert_holds(True, "one is one")
    assert_holds(np.bool_(True), "one is one")


def test_a_false_claim() -> None:
    error = mismatch(
        assert_holds,
        np.bool_(False),
        "every row sums to one",
        actual=0.9,
        detail="row 2",
    )
    assert error.what == "every row sums to one"
    assert (error.actual, error.expected) == (0.9, UNSTATED)
    assert error.detail == "this does not hold: row 2"
    assert str(mismatch(assert_holds, False, "x")) == "x\n  this does not hold"


@pytest.mark.parametrize("condition", [1, 0, None, np.array(True), [True], "yes"])
def test_only_a_bool_is_judged(condition: object) -> None:
    with pytest.raises(TypeError, match="condition must be a bool"):
        assert_holds(condition, "x")


def quartic(x: Floats) -> float:
    return float((x**4).sum() / 4 + np.outer(x, x).sum())


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(max_dims=2, max_side=4),
        elements=st.floats(-100.0, 100.0),
    )
)
def test_a_right_gradient(x: Floats) -> None:
    assert_gradient(quartic, x, x**3 + 2 * x.sum())


@given(hnp.arrays(np.float64, 3, elements=st.floats(0.5, 10.0)))
def test_a_gradient_off_by_a_thousandth(x: Floats) -> None:
    gradient = x**3 + 2 * x.sum()
    for place in range(3):
        wrong = gradient.copy()
        wrong[place] += 1e-3 * np.abs(gradient).max()
        error = mismatch(assert_gradient, quartic, x, wrong)
        assert error.what == "the gradient"


def test_a_function_that_cancels() -> None:
    # f is near zero while its terms are not, and so is its rounding error.
    weights = np.array([1e3, -1e3, 1e-9])
    x = np.array([1.0, 1.0, 1.0])
    assert_gradient(lambda point: float((weights * point).sum()), x, weights)


@pytest.mark.parametrize(
    ("gradient", "detail"),
    [
        ([6.0, 6.0], "a list came back"),
        (np.ones((2, 1)), ""),
        (np.ones(2, np.float32), ""),
        (np.full(2, math.nan), "first difference at [0]: nan"),
        (np.zeros(2), "first difference at [0]: 0.0 instead of "),
    ],
)
def test_wrong_forms(gradient: object, detail: str) -> None:
    error = mismatch(assert_gradient, quartic, np.ones(2), gradient)
    assert error.detail.startswith(detail)
    assert "the gradient" in error.what


def test_nan_on_both_sides_is_no_agreement() -> None:
    error = mismatch(
        assert_gradient, lambda _: math.nan, np.ones(2), np.full(2, math.nan)
    )
    assert "not finite" in error.detail


@pytest.mark.parametrize("gradient", [np.ones((2, 1)), np.ones(2, np.float32)])
def test_the_form_is_judged_before_the_function_is_called(gradient: Floats) -> None:
    def untouchable(_: Floats) -> float:
        pytest.fail("called for a gradient of the wrong form")

    mismatch(assert_gradient, untouchable, np.ones(2), gradient)


def test_a_function_that_writes_into_its_argument() -> None:
    def f(x: Floats) -> float:
        x *= 2
        return float(x.sum())

    assert_gradient(f, np.ones(2), np.full(2, 2.0))


def test_no_dimension_and_no_entry() -> None:
    assert_gradient(lambda x: float(x**2), np.float64(3.0), np.array(6.0))
    assert_gradient(lambda _: 1.0, np.ones((0, 2)), np.zeros((0, 2)))
    mismatch(assert_gradient, lambda _: 1.0, np.ones((0, 2)), np.zeros(0))


def refuse(message: str, kind: type[Exception] = ValueError) -> object:
    raise kind(message)


def test_the_error_asked_for() -> None:
    assert_raises_naming("k", refuse, "k must be positive, got 0")
    assert_raises_naming("k", refuse, "no key 'k'", KeyError, error=KeyError)
    assert_raises_naming("k", refuse, "bad k", KeyError, error=LookupError)
    assert_raises_naming("k", refuse, "bad k", TypeError, error=(ValueError, TypeError))


def test_an_error_of_another_kind() -> None:
    error = mismatch(assert_raises_naming, "k", refuse, "bad k", TypeError)
    assert error.detail == "raised TypeError: bad k, instead of ValueError"
    assert isinstance(error.actual, TypeError)
    kinds = (ValueError, KeyError)
    error = mismatch(assert_raises_naming, "k", refuse, "k", TypeError, error=kinds)
    assert error.detail.endswith("instead of ValueError or KeyError")


@pytest.mark.parametrize(
    "message", ["bad input", "bad key", "bad mask", "bad k_max", "", "a.k2"]
)
def test_a_message_that_does_not_name_it(message: str) -> None:
    error = mismatch(assert_raises_naming, "k", refuse, message)
    assert error.detail == "the message of this ValueError does not name 'k'"
    assert error.what == "the refusal of a bad k"


def test_no_error_at_all() -> None:
    error = mismatch(assert_raises_naming, "k", dict, k=0)
    assert error.detail == "returned {'k': 0} instead of raising ValueError"
    assert error.actual == {"k": 0}


def test_arguments_may_have_any_name() -> None:
    def call(argument: int, call: int) -> None:
        raise ValueError(f"call must exceed argument, got {call} and {argument}")

    assert_raises_naming("call", call, argument=2, call=1)


@pytest.mark.parametrize(
    "passing", [KeyboardInterrupt, SystemExit, NotImplementedError]
)
def test_what_is_no_answer_passes_through(passing: type[Exception]) -> None:
    with pytest.raises(passing):
        assert_raises_naming("k", refuse, "k", passing)


def test_not_implemented_may_be_asked_for() -> None:
    kind = NotImplementedError
    assert_raises_naming("k", refuse, "k", kind, error=kind)


def test_reading_is_no_change() -> None:
    x, t = np.array([math.nan, -0.0]), torch.ones(2, requires_grad=True)
    nested = {"a": [np.ones(2), 1.0, "b"], "t": (t, None)}
    with unchanged(x=x, t=t, nested=nested, f=np.asfortranarray(np.eye(2, 3))):
        x.sum()
        (t * 2).sum()


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x["array"].sort(),
        lambda x: x["array"].__setitem__(2, 0.0),
        lambda x: x["array"].__setitem__(3, math.inf),
        lambda x: x["tensor"].add_(1),
        lambda x: x["list"].append(1),
        lambda x: x["list"][0].__setitem__(0, 5.0),
        lambda x: x["list"].__setitem__(0, [0.0]),
        lambda x: x["list"].__setitem__(1, -0.0),
        lambda x: x["list"].__setitem__(1, 0),
        lambda x: x["dict"].pop("k"),
        lambda x: x["dict"].update(k=True),
        lambda x: x["words"].__setitem__(0, "z"),
    ],
)
def test_a_change_is_named(change: Callable[[object], object]) -> None:
    watched = {
        "array": np.array([2.0, 1.0, -0.0, math.nan]),
        "tensor": torch.ones(2),
        "list": [np.ones(1), 0.0],
        "dict": {"k": 1},
        "words": np.array(["a", "b"], dtype=object),
    }
    with pytest.raises(Mismatch) as caught, unchanged(**watched):
        change(watched)
    error = caught.value
    assert error.what in watched
    assert error.detail == f"{error.what} was changed in place"
    assert error.actual is not UNSTATED
    assert error.expected is not UNSTATED


def test_the_block_may_raise() -> None:
    x = np.ones(2)
    with pytest.raises(ZeroDivisionError), unchanged(x=x):
        x[0] = 1 / 0


def test_what_cannot_be_compared_is_refused() -> None:
    with (
        pytest.raises(TypeError, match="x must be comparable"),
        unchanged(x=object()),
    ):
        pass
