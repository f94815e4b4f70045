"""Softmax and log-softmax against SciPy, on both sides of the compiled path."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import ArrayLike, NDArray
from scipy import special

from reference.core.math_operations import activations, log_softmax, softmax

Array = NDArray[np.float64]
Activation = Callable[..., Array]

# exp is good to about 2 units in the last place, the sum of n positive terms to n
# roundings at worst: both sides together stay below 1e-13 for n ≤ 600.
RTOL = 1e-13

BOTH: list[Activation] = [softmax, log_softmax]


@pytest.fixture(params=["numpy", "compiled"], autouse=True)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test on either path, whatever the size of its arrays."""
    limit = 0 if request.param == "compiled" else math.inf
    monkeypatch.setattr(activations, "_COMPILED_FROM", limit)


@st.composite
def logits_with_axis(draw: st.DrawFn) -> tuple[Array, int]:
    """Logits with some -inf, a finite one in each slice, and an axis."""
    shape = draw(array_shapes(min_dims=1, max_dims=3, max_side=20))
    bound = draw(st.sampled_from([1.0, 30.0, 1000.0]))
    x = draw(arrays(np.float64, shape, elements=st.floats(-bound, bound)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    hidden = draw(arrays(np.bool_, shape))
    hidden[(slice(None),) * (axis % x.ndim) + (0,)] = False
    return np.where(hidden, -np.inf, x), axis


@settings(deadline=None)
@given(logits_with_axis())
def test_softmax_equals_scipy(case: tuple[Array, int]) -> None:
    x, axis = case
    result = softmax(x, axis=axis)
    assert result.shape == x.shape
    assert result.dtype == np.float64
    # Below 1e-300 probabilities are subnormal and lose digits.
    np.testing.assert_allclose(
        result, special.softmax(x, axis=axis), rtol=RTOL, atol=1e-300
    )
    np.testing.assert_allclose(result.sum(axis=axis), 1.0, rtol=RTOL)
    assert (result[np.isneginf(x)] == 0).all()


@settings(deadline=None)
@given(logits_with_axis())
def test_log_softmax_equals_scipy(case: tuple[Array, int]) -> None:
    x, axis = case
    result = log_softmax(x, axis=axis)
    assert result.shape == x.shape
    assert result.dtype == np.float64
    # The logarithm of a sum near 1 has an absolute error, of one rounding of 1.
    np.testing.assert_allclose(
        result, special.log_softmax(x, axis=axis), rtol=RTOL, atol=RTOL
    )


def test_wide_rows_equal_scipy() -> None:
    # Lengths on both sides of the blocks that the compiled maximum works in.
    for length in (1, 15, 16, 17, 31, 32, 33, 600):
        x = np.random.default_rng(length).normal(scale=50, size=(7, length))
        np.testing.assert_allclose(
            softmax(x), special.softmax(x, axis=-1), rtol=RTOL, atol=1e-300
        )
        np.testing.assert_allclose(
            log_softmax(x), special.log_softmax(x, axis=-1), rtol=RTOL, atol=RTOL
        )


def test_the_exponential_is_exact_down_to_zero() -> None:
    """One logit of 0 among far lower ones: the sum is 1 and the rest is exp(x)."""
    x = np.concatenate([[0.0], np.linspace(-40, -750, 20_001)])
    with np.errstate(under="ignore"):
        expected = np.array([math.exp(entry) for entry in x])
    result = softmax(x) * math.fsum(expected)
    np.testing.assert_allclose(result, expected, rtol=1e-15, atol=1e-323)
    assert result[-1] == 0.0


@pytest.mark.filterwarnings("error")
def test_extreme_logits() -> None:
    huge = 1.7e308
    np.testing.assert_array_equal(softmax([huge, -huge]), [1.0, 0.0])
    np.testing.assert_array_equal(softmax([huge, huge]), [0.5, 0.5])
    np.testing.assert_array_equal(softmax([5e-324, 0.0]), [0.5, 0.5])
    np.testing.assert_array_equal(log_softmax([0.0, -1e300]), [0.0, -1e300])
    np.testing.assert_array_equal(log_softmax([huge, -huge]), [0.0, -np.inf])
    np.testing.assert_allclose(log_softmax([1e5] * 4), [-math.log(4)] * 4, rtol=RTOL)
    np.testing.assert_array_equal(log_softmax([3.0, -np.inf]), [0.0, -np.inf])


@settings(deadline=None)
@given(logits_with_axis(), st.integers(-1000, 1000))
def test_a_shift_of_whole_numbers_changes_nothing(
    case: tuple[Array, int], shift: int
) -> None:
    x, axis = case
    x = np.round(x)
    for function in BOTH:
        np.testing.assert_array_equal(function(x + shift, axis), function(x, axis))


@pytest.mark.parametrize("function", BOTH)
def test_layout_and_type_of_the_input_do_not_matter(function: Activation) -> None:
    x = np.random.default_rng(1).integers(-9, 9, (6, 8, 10))
    expected = function(x.astype(np.float64), axis=1)
    kept = x.copy()
    for same in (x, x.tolist(), np.asfortranarray(x), x.astype(np.float32)):
        np.testing.assert_allclose(function(same, axis=1), expected, rtol=RTOL)
    np.testing.assert_allclose(
        function(x[::-1, :, ::2], axis=-2), expected[::-1, :, ::2], rtol=RTOL
    )
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("function", BOTH)
def test_a_float_array_is_not_written_to(function: Activation) -> None:
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    kept = x.copy()
    result = function(x)
    result[:] = 9
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("function", BOTH)
def test_no_slices_give_an_empty_result(function: Activation) -> None:
    assert function(np.empty((0, 3))).shape == (0, 3)
    assert function(np.empty((3, 0)), axis=0).shape == (3, 0)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (1.0, ValueError),
        ([], ValueError),
        (np.empty((2, 0)), ValueError),
        ([1.0, math.nan], ValueError),
        ([-math.inf, math.nan], ValueError),
        ([1.0, math.inf], ValueError),
        ([math.inf, -math.inf], ValueError),
        ([[1.0, 2.0], [-math.inf, -math.inf]], ValueError),
        ([[1.0], [2.0, 3.0]], ValueError),
        ([1j, 2.0], TypeError),
        (["a"], TypeError),
    ],
)
def test_bad_logits_are_refused(
    function: Activation, bad: ArrayLike, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"^x must be"):
        function(bad)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("place", [0, 20, 599])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_one_bad_entry_anywhere_is_refused(
    function: Activation, place: int, bad: float
) -> None:
    x = np.zeros((300, 600))
    x[299, place] = bad
    with pytest.raises(ValueError, match=r"^x must be"):
        function(x)


@pytest.mark.parametrize("function", BOTH)
def test_bad_axes_are_refused(function: Activation) -> None:
    for axis in (2, -3, 100):
        with pytest.raises(ValueError, match=r"^axis must be from -2 to 1"):
            function(np.ones((2, 3)), axis=axis)
    for kind in (None, 0.0, "0"):
        with pytest.raises(TypeError, match=r"^axis must be an integer"):
            function(np.ones((2, 3)), axis=kind)


def test_several_threads_may_call_at_once() -> None:
    x = np.random.default_rng(2).normal(size=(400, 300))
    expected = softmax(x)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(softmax, [x] * 8):
            np.testing.assert_array_equal(result, expected)
