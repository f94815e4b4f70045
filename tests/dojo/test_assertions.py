"""assert_shape, assert_dtype and assert_close pass on what is right only."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from dojo.testing import (
    UNSTATED,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_shape,
)
from tests.dojo.failing import mismatch

Floats = NDArray[np.float64]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (np.zeros((2, 3)), (2, 3)),
        (np.zeros(()), ()),
        (np.float64(1.0), ()),
        (torch.zeros(2, 3), (2, 3)),
    ],
)
def test_right_shape(value: object, shape: tuple[int, ...]) -> None:
    assert_shape(value, shape)


@pytest.mark.parametrize("value", [np.zeros((3, 1)), torch.zeros(3, 1)])
def test_wrong_shape(value: object) -> None:
    error = mismatch(assert_shape, value, (3,), "the mean")
    assert error.what == "the shape of the mean"
    assert (error.actual, error.expected) == ((3, 1), (3,))


@pytest.mark.parametrize(
    ("value", "kind"),
    [([1.0], "a list"), (None, "None"), (1.0, "a float"), (3, "an int")],
)
def test_what_has_no_shape(value: object, kind: str) -> None:
    error = mismatch(assert_shape, value, (1,))
    assert error.detail.startswith(f"{kind} came back where")
    assert error.expected is UNSTATED
    error = mismatch(assert_dtype, value, np.float64)
    assert error.detail == (
        f"{kind} came back where a NumPy array of float64 is required"
    )


def test_right_dtype() -> None:
    assert_dtype(np.zeros(2), np.float64)
    assert_dtype(np.float32(0), "float32")
    assert_dtype(torch.zeros(2), torch.float32)


def test_wrong_dtype() -> None:
    error = mismatch(assert_dtype, np.zeros(2, np.float32), np.float64)
    assert (error.actual, error.expected) == (np.dtype("f4"), np.dtype("f8"))
    mismatch(assert_dtype, np.zeros(2, np.int64), np.float64)
    mismatch(assert_dtype, torch.zeros(2), torch.float64)


def test_a_tensor_is_not_an_array() -> None:
    assert "a torch tensor" in mismatch(assert_dtype, torch.zeros(2), float).detail
    wrong = mismatch(assert_dtype, np.zeros(2), torch.float64)
    assert "a torch tensor of torch.float64 is required" in wrong.detail


@pytest.mark.parametrize(
    ("actual", "expected", "detail"),
    [
        (np.ones((3, 1)), np.ones(3), "shape (3, 1) instead of (3,)"),
        (np.ones(3), np.ones((3, 1)), "shape (3,) instead of (3, 1)"),
        (np.ones(1), np.ones(3), "shape (1,) instead of (3,)"),
        (np.ones((1, 3)), np.ones((2, 3)), "shape (1, 3) instead of (2, 3)"),
        (np.float64(1), np.ones(1), "shape () instead of (1,)"),
        (np.ones((0, 2)), np.ones((0, 3)), "shape (0, 2) instead of (0, 3)"),
        (np.ones(2, np.float32), np.ones(2), "dtype float32 instead of float64"),
        (np.ones(2, np.int64), np.ones(2), "dtype int64 instead of float64"),
        (np.ones(2), np.ones(2, np.int64), "dtype float64 instead of int64"),
        (np.ones(2, bool), np.ones(2, int), "dtype bool instead of int64"),
        (np.ones(2, complex), np.ones(2), "dtype complex128 instead of float64"),
        (np.ones(2, object), np.ones(2), "dtype object instead of float64"),
        (torch.ones(2), torch.ones(2, 1), "shape (2,) instead of (2, 1)"),
        (
            torch.ones(2),
            torch.ones(2).double(),
            "dtype torch.float32 instead of torch.float64",
        ),
    ],
)
def test_wrong_form(actual: object, expected: object, detail: str) -> None:
    error = mismatch(assert_close, actual, expected)
    assert error.detail == detail
    assert mismatch(assert_equal, actual, expected).detail == detail


@pytest.mark.parametrize(
    ("actual", "expected", "given", "required"),
    [
        ([1.0, 1.0], np.ones(2), "a list", "a NumPy array"),
        (1.0, np.ones(1), "a float", "a NumPy array"),
        (None, np.ones(1), "None", "a NumPy array"),
        (
            torch.ones(2),
            np.ones(2),
            "a torch tensor of shape (2,)",
            "a NumPy array",
        ),
        (
            np.ones(2),
            torch.ones(2),
            "a NumPy array of shape (2,)",
            "a torch tensor",
        ),
        (np.ones(1), 1.0, "a NumPy array of shape (1,)", "a number"),
        (
            np.ones((1, 1)),
            np.float64(1),
            "a NumPy array of shape (1, 1)",
            "a number",
        ),
        (np.array(True), 1.0, "a NumPy array of shape ()", "a number"),
        (torch.tensor(1.0), 1.0, "a torch tensor of shape ()", "a number"),
        (True, 1.0, "a bool", "a number"),
        (True, 1, "a bool", "a number"),
        (np.True_, 1, "a bool", "a number"),
        (None, 0.0, "None", "a number"),
        ("1", 1.0, "a str", "a number"),
        (1 + 0j, 1.0, "a complex", "a number"),
        ([1.0], (1.0,), "a list", "a tuple"),
        (np.ones(2), [1.0, 1.0], "a NumPy array of shape (2,)", "a list"),
    ],
)
def test_wrong_kind(
    actual: object, expected: object, given: str, required: str
) -> None:
    error = mismatch(assert_close, actual, expected)
    assert error.detail == f"{given} came back where {required} is required"


@pytest.mark.parametrize(
    "actual", [1, 1.0, np.float64(1), np.float32(1), np.int64(1), np.array(1.0)]
)
@pytest.mark.parametrize("expected", [1, 1.0, np.float64(1), np.int64(1)])
def test_any_real_scalar_is_a_number(actual: object, expected: object) -> None:
    assert_close(actual, expected)


def test_a_numpy_scalar_is_an_array_of_no_dimension() -> None:
    assert_close(np.float64(1), np.array(1.0))


def test_integers_of_any_width_agree_if_close_but_not_if_equal() -> None:
    assert_close(np.arange(3, dtype=np.int32), np.arange(3, dtype=np.uint8))
    mismatch(assert_equal, np.arange(3, dtype=np.int32), np.arange(3))
    mismatch(assert_close, torch.arange(3).int(), torch.arange(3))


def test_what_cannot_be_close_is_the_judges_mistake() -> None:
    for expected in (None, "1", True, {"a": 1.0}, 1j):
        with pytest.raises(TypeError, match="expected must be numbers or arrays"):
            assert_close(expected, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (math.nan, 1.0),
        (1.0, math.nan),
        (math.inf, -math.inf),
        (math.inf, 1.0),
        (1e308, math.inf),
        (-1e308, 1e308),
        (2, 1),
        (2**53 + 1, 2**53),
        (10**400, 1.0),
        (10**400, 1),
    ],
)
def test_wrong_values(actual: float, expected: float) -> None:
    mismatch(assert_close, actual, expected)
    if isinstance(actual, int):
        return
    array, other = np.array([0.5, actual]), np.array([0.5, float(expected)])
    pairs = (array, other), (torch.from_numpy(array), torch.from_numpy(other))
    for left, right in pairs:
        error = mismatch(assert_close, left, right)
        assert error.detail.startswith("first difference at [1]: ")
        mismatch(assert_equal, left, right)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, 1e308])
def test_equal_values(value: float) -> None:
    assert_close(value, value)
    assert_close(np.array([value, 1.0]), np.array([value, 1.0]))
    assert_close(torch.tensor([value, 1.0]), torch.tensor([value, 1.0]))


def test_an_infinity_elsewhere_widens_nothing() -> None:
    mismatch(assert_close, np.array([math.inf, 1.001]), np.array([math.inf, 1.0]))
    expected = np.array([math.inf, 1.0, math.nan])
    mismatch(assert_close, np.array([math.inf, 1.001, math.nan]), expected)
    mismatch(assert_close, np.array([1.0, math.inf, math.nan]), expected)
    mismatch(assert_close, np.array([math.inf, math.nan, 1.0]), expected)


def test_large_integers_are_told_apart() -> None:
    mismatch(assert_close, np.array([2**53 + 1]), np.array([2**53]))
    assert_close(np.array([2**53 + 1]), np.array([2**53]), atol=1.0)


def test_the_place_and_the_count_of_the_differences() -> None:
    expected = np.full((3, 4), 0.25)
    actual = expected.copy()
    actual[1, 2] = actual[2, 0] = actual[2, 3] = 0.5
    detail = mismatch(assert_close, actual, expected, rtol=0.5, atol=0.0).detail
    assert detail == (
        "first difference at [1, 2]: 0.5 instead of 0.25, allowed error 0.12 "
        "(3 of 12 differ)"
    )
    detail = mismatch(assert_equal, actual, expected).detail
    assert detail == (
        "first difference at [1, 2]: 0.5 instead of 0.25 (3 of 12 differ)"
    )


def test_nested_results_name_the_item() -> None:
    expected = (1.0, [np.ones(2), torch.ones(2)])
    assert_close((1, [np.ones(2), torch.ones(2)]), expected)
    error = mismatch(assert_close, (1.0, [np.ones(2), torch.zeros(2)]), expected)
    assert error.what == "the result[1][1]"
    error = mismatch(assert_close, (1.0, [np.ones(2)]), expected)
    assert (error.what, error.detail) == ("the result[1]", "length 1 instead of 2")


def test_complex_arrays() -> None:
    expected = np.array([1 + 2j, 3 - 1j])
    assert_close(expected * (1 + 1e-16), expected)
    mismatch(assert_close, expected.conj(), expected)
    assert_close(torch.tensor([1 + 2j]), torch.tensor([1 + 2j]))


def test_bfloat16() -> None:
    ones = torch.ones(3, dtype=torch.bfloat16)
    assert_close(ones, ones)
    mismatch(assert_close, ones * 3, ones)


def test_zero_takes_no_error_unless_one_is_stated() -> None:
    mismatch(assert_close, 1e-300, 0.0)
    mismatch(assert_close, np.array([1e-17]), np.zeros(1))
    assert_close(np.array([1e-17]), np.zeros(1), atol=1e-16)


@given(st.data())
def test_sums_in_any_order_agree(data: st.DataObject) -> None:
    # Of one sign, so that the condition of the sum is 1.
    terms = data.draw(
        hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0.1, 1e3))
    )
    order = data.draw(st.permutations(range(len(terms))))
    forwards = sum(float(terms[i]) for i in order)
    assert_close(forwards, math.fsum(terms), terms=len(terms))


@given(st.integers(2, 200), st.integers(0, 1000))
def test_cancelling_sums_agree_with_their_condition(n: int, seed: int) -> None:
    terms = np.random.default_rng(seed).standard_normal(n)
    exact = math.fsum(terms)
    condition = math.fsum(np.abs(terms)) / abs(exact)
    naive = 0.0
    for term in terms:
        naive += float(term)
    assert_close(naive, exact, terms=n, condition=condition)


@given(
    hnp.arrays(np.float64, st.integers(1, 100), elements=st.floats(1.0, 1e3)),
    st.sampled_from([1e-6, -1e-6]),
)
def test_a_millionth_is_an_error(expected: Floats, error: float) -> None:
    place = int(np.argmax(expected))
    actual = expected.copy()
    actual[place] *= 1 + error
    mismatch(assert_close, actual, expected)
    mismatch(assert_close, float(actual[place]), float(expected[place]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_bound_is_the_one_documented(dtype: type[np.floating]) -> None:
    # One entry: the bound is twice rtol, and rtol = 8 · eps · max(1, 4).
    one = np.ones(1, dtype)
    bound = 2 * 8 * 4 * np.finfo(dtype).eps
    assert_close(one + bound, one)
    mismatch(assert_close, one + bound * dtype(1.1), one)
    assert_close(torch.from_numpy(one + bound), torch.from_numpy(one))
    mismatch(assert_close, torch.from_numpy(one + bound * 2), torch.from_numpy(one))


def test_terms_size_and_condition_widen_it() -> None:
    eps = float(np.finfo(np.float64).eps)
    assert_close(1 + 1000 * eps, 1.0, terms=100)
    mismatch(assert_close, 1 + 1000 * eps, 1.0)
    assert_close(1 + 1000 * eps, 1.0, condition=50.0)
    hundred = np.ones(100)
    assert_close(hundred + 1000 * eps, hundred)
    mismatch(assert_close, hundred + 1000 * eps, hundred, terms=1)


def test_small_entries_are_judged_by_the_largest_unless_atol_is_zero() -> None:
    expected, actual = np.array([1e3, 1e-12]), np.array([1e3, 2e-12])
    assert_close(actual, expected)
    mismatch(assert_close, actual, expected, atol=0.0)


def test_an_allowed_error_that_overflows_does_not_allow_infinity() -> None:
    mismatch(assert_close, math.inf, 1.7e308, rtol=0.9)


def test_a_float_next_to_an_integer_has_the_tolerance_of_a_float() -> None:
    assert_close(3.0 + 4e-16, 3)
    mismatch(assert_close, 3.0 + 1e-6, 3)


def test_a_stated_tolerance_is_taken_at_its_word() -> None:
    assert_close(1.0 + 1e-4, 1.0, rtol=1e-4, atol=1e-9)
    mismatch(assert_close, 1.0 + 1.1e-4, 1.0, rtol=1e-4, atol=0.0)
    mismatch(assert_close, 1.0 + 1e-15, 1.0, rtol=0.0, atol=0.0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"rtol": -1.0},
        {"atol": math.nan},
        {"rtol": math.inf},
        {"terms": 0},
        {"condition": 0.0},
        {"condition": math.inf},
        {"condition": math.nan},
        {"condition": 1e16},
    ],
)
def test_a_tolerance_that_judges_nothing_is_refused(
    arguments: dict[str, float],
) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}.* must be|rtol"):
        assert_close(1.0, 1.0, **arguments)  # type: ignore[arg-type]
