import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    floats,
    layouts,
    matrices,
    unchanged,
    vectors,
)
from katas.activations.softmax import log_softmax, softmax
from reference.core import math_operations as reference

Array = NDArray[np.float64]

# Beyond 700 exp overflows: the strategies must reach well past it.
rows = vectors(max_magnitude=5.0) | vectors(max_magnitude=1e4)
scores = rows | matrices(max_magnitude=5.0) | matrices(max_magnitude=1e4)


@given(scores)
@example(np.array([1000.0, 0.0]))
@example(np.array([[0.0, 1.0], [2000.0, 0.0]]))
def test_softmax_agrees_with_the_reference(x: Array) -> None:
    """softmax(x) is exp(xᵢ) / Σⱼ exp(xⱼ) along the last axis, at any magnitude."""
    result = softmax(x)
    assert_shape(result, x.shape)
    assert_dtype(result, np.float64)
    assert_close(result, reference.softmax(x), terms=x.shape[-1])


@given(scores)
@example(np.array([1000.0, 0.0]))
@example(np.array([0.0, -800.0]))
@example(np.array([[0.0, 1.0, 2.0], [5.0, 3.0, 1.0]]))
def test_log_softmax_agrees_with_the_reference(x: Array) -> None:
    """log_softmax(x) is xᵢ − log Σⱼ exp(xⱼ) along the last axis, at any magnitude."""
    result = log_softmax(x)
    assert_shape(result, x.shape)
    assert_dtype(result, np.float64)
    assert_close(result, reference.log_softmax(x), terms=x.shape[-1])


@given(rows)
@example(np.array([0.0, -800.0]))
def test_small_probabilities_are_exact(x: Array) -> None:
    """Each log-probability is exact by itself, however small the probability is."""
    for got, expected in zip(log_softmax(x), reference.log_softmax(x), strict=True):
        # One rounding of x − max at magnitude 2e4, and a sum of at most six terms.
        assert_close(float(got), float(expected), rtol=1e-13, atol=1e-11)


@given(
    st.integers(0, 2**32 - 1),
    st.permutations([2, 3, 4]),
    st.integers(-3, 2),
)
@example(0, [2, 3, 4], 0)
@example(0, [2, 3, 4], 1)
def test_any_axis_of_a_batch(seed: int, shape: list[int], axis: int) -> None:
    """The sums run along `axis` only, whichever it is and however it is counted."""
    x = np.random.default_rng(seed).normal(scale=3.0, size=shape)
    for mine, theirs in (
        (softmax, reference.softmax),
        (log_softmax, reference.log_softmax),
    ):
        result = mine(x, axis=axis)
        assert_shape(result, x.shape)
        assert_close(result, theirs(x, axis=axis), terms=4)


@given(vectors(max_magnitude=50.0), floats(max_magnitude=50.0))
@example(np.array([0.0, 1.0]), 1.0)
def test_a_shift_of_all_scores_changes_nothing(x: Array, shift: float) -> None:
    """softmax(x + c) = softmax(x), and each sums to one."""
    # x + c rounds at magnitude 100, and exp turns that into a relative error.
    assert_close(softmax(x + shift), softmax(x), rtol=1e-12)
    total = float(np.sum(softmax(x)))
    assert_close(total, 1.0, what="the sum of softmax(x)", terms=x.size)


@given(vectors(min_size=2), st.integers(0, 5))
@example(np.array([1.0, 2.0]), 0)
def test_minus_infinity_is_impossible(x: Array, where: int) -> None:
    """A score of −∞ gets probability 0 and log-probability −∞; the rest share 1."""
    x = x.copy()
    x[where % x.size] = -np.inf
    result = softmax(x)
    assert_close(result, reference.softmax(x))
    assert_close(log_softmax(x), reference.log_softmax(x))


@given(layouts(matrices(max_magnitude=5.0)))
@example(np.array([[1.0, 2.0]]))
def test_the_input_is_not_changed(x: Array) -> None:
    """The scores are the same after the call, however they lie in memory."""
    with unchanged(x=x):
        result = softmax(x, axis=0)
        log_result = log_softmax(x, axis=0)
    assert_close(result, reference.softmax(x, axis=0))
    assert_close(log_result, reference.log_softmax(x, axis=0))
    assert_holds(
        not np.shares_memory(result, x) and not np.shares_memory(log_result, x),
        "the result is a new array",
    )


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=4))
@example([0, 1])
def test_lists_and_integers_are_welcome(x: list[int]) -> None:
    """Lists and whole numbers are taken as float64 scores."""
    for mine, theirs in (
        (softmax, reference.softmax),
        (log_softmax, reference.log_softmax),
    ):
        result = mine(x)
        assert_dtype(result, np.float64)
        assert_close(result, theirs(x))


def test_bad_input_is_refused() -> None:
    """Scores without a meaning, or an axis that x lacks, raise and say which."""
    for function in (softmax, log_softmax):
        for bad in (
            3.0,
            [],
            np.zeros((2, 0)),
            [1.0, np.nan],
            [0.0, np.inf],
            [-np.inf, -np.inf],
            [[1.0, 2.0], [-np.inf, -np.inf]],
        ):
            assert_raises_naming("x", function, bad)
        for axis in (1, -2, 7):
            assert_raises_naming("axis", function, [1.0, 2.0], axis=axis)
        assert_shape(function(np.zeros((0, 2))), (0, 2))
