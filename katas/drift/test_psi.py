import math
from collections.abc import Callable

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_holds,
    assert_raises_naming,
    layouts,
    samples,
    unchanged,
)
from katas.drift.psi import psi
from reference.production import drift

Array = NDArray[np.float64]

# Few distinct values make repeated quantiles and empty bins.
few = st.lists(st.integers(-2, 2).map(float), min_size=2, max_size=20).map(np.array)
sample = st.one_of(few, samples(min_size=2, max_size=40))
EVEN = np.linspace(0.0, 1.0, 101)

# Strictly increasing, and exact for whole numbers from −8 to 8.
GROWING: dict[str, Callable[[Array], Array]] = {
    "x³": lambda x: x**3,
    "2ˣ": np.exp2,
    "7x − 3": lambda x: 7 * x - 3,
}


def assert_index(actual: object, expected: float) -> None:
    """Compare two indexes: at most two dozen terms of size one, with some ε each."""
    assert_dtype(np.asarray(actual), np.float64, "the index")
    assert_close(actual, expected, what="the index", rtol=1e-12, atol=1e-13)


def index(p: list[float], q: list[float]) -> float:
    """Follow the formula."""
    return sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))


def test_two_bins_by_hand() -> None:
    """With two bins the shares above and below the reference's median are compared."""
    reference = [0.0, 1.0, 2.0, 3.0]
    # One of four values is at most 1.5, and (1/4 + 1/2) / (1 + 2/2) = 3/8.
    answer = psi(reference, [0.0, 2.2, 2.5, 2.9], bins=2, smoothing=0.5)
    assert_index(answer, index([1 / 2, 1 / 2], [3 / 8, 5 / 8]))
    # A value equal to an edge belongs to the bin below it: the median here is 2.
    answer = psi([0.0, 1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 2.0, 3.0], 2, 1e-9)
    assert_close(answer, index([3 / 5, 2 / 5], [3 / 4, 1 / 4]), rtol=1e-7)


def test_a_constant_reference() -> None:
    """The bins of a constant c are (−∞, c), {c} and (c, ∞)."""
    constant = [5.0, 5.0, 5.0]
    s = 1e-4
    for current, counts in (
        ([5.0, 5.0], [0.0, 1.0, 0.0]),
        ([5.0, 6.0], [0.0, 0.5, 0.5]),
        ([4.0, 5.0], [0.5, 0.5, 0.0]),
        ([4.0, 3.0], [1.0, 0.0, 0.0]),
    ):
        p = [(share + s) / (1 + 3 * s) for share in (0.0, 1.0, 0.0)]
        q = [(share + s) / (1 + 3 * s) for share in counts]
        assert_index(psi(constant, current), index(p, q))


@given(sample, sample, st.integers(2, 12))
@example(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.0, 3.0]), 4)
@example(np.array([0.0, 1.0, 2.0]), np.array([7.0, -7.0]), 10)
@example(np.array([1.0, 1.0, 1.0, 2.0, 3.0]), np.array([1.0, 0.5, 2.0]), 4)
@example(np.array([1.0, 2.0, 3.0, 3.0, 3.0]), np.array([3.0, 2.5, 4.0]), 4)
@example(np.array([0.0, 1.0]), np.array([0.55, 0.1, 0.9, 0.2]), 11)
def test_the_index_agrees_with_the_reference(
    reference: Array, current: Array, bins: int
) -> None:
    """Any samples, with ties, repeated quantiles and empty bins, follow the rules."""
    assert_index(psi(reference, current, bins), drift.psi(reference, current, bins))


@given(sample, sample, st.sampled_from([1e-9, 1e-4, 0.01, 1.0]))
@example(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.0, 9.0]), 1.0)
def test_smoothing_is_part_of_every_share(
    reference: Array, current: Array, smoothing: float
) -> None:
    """A share is (count / size + s) / (1 + s B), for any s, in either sample."""
    expected = drift.psi(reference, current, smoothing=smoothing)
    assert_index(psi(reference, current, smoothing=smoothing), expected)


@given(sample, sample)
@example(EVEN, EVEN + 0.3)
def test_ten_bins_and_a_smoothing_of_one_in_ten_thousand(
    reference: Array, current: Array
) -> None:
    """Without further arguments there are ten bins, and s is 1e-4."""
    expected = drift.psi(reference, current, bins=10, smoothing=1e-4)
    assert_index(psi(reference, current), expected)


@given(sample, st.integers(1, 3), st.integers(2, 12))
@example(np.array([1.0, 1.0]), 2, 2)
@example(np.array([0.0, 1.0, 2.0]), 3, 10)
def test_equal_shares_give_zero(values: Array, times: int, bins: int) -> None:
    """The same values, in another order and each of them several times, give 0."""
    current = np.repeat(values[::-1], times)
    answer = psi(values, current, bins)
    assert_close(answer, 0.0, what="the index", rtol=0.0, atol=1e-13)


@given(sample, sample, st.integers(2, 12))
@example(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.0, 0.0, 1.0, 1.0]), 2)
def test_the_index_is_never_negative(
    reference: Array, current: Array, bins: int
) -> None:
    """Every term (p − q) ln(p / q) is at least zero, and so is the index."""
    answer = psi(reference, current, bins)
    assert_holds(bool(answer >= 0.0), "the index is at least 0", actual=answer)


@given(st.floats(0.3, 0.9), st.sampled_from([1e3, -1e6, 1e12]))
@example(0.5, 1e6)
def test_one_outlier_does_not_hide_a_shift(shift: float, outlier: float) -> None:
    """A shift is as plain with one wild value in either sample as without it."""
    for reference, current in (
        (EVEN, EVEN + shift),
        (np.append(EVEN, outlier), EVEN + shift),
        (EVEN, np.append(EVEN + shift, outlier)),
    ):
        answer = psi(reference, current)
        assert_holds(bool(answer > 0.25), "the index is above 0.25", actual=answer)
    # The other way round: one wild value by itself is no shift.
    answer = psi(np.append(EVEN, outlier), EVEN)
    assert_holds(bool(answer < 0.1), "the index is below 0.1", actual=answer)


@given(
    st.sampled_from([2, 4, 8]),
    st.integers(1, 3),
    st.data(),
    st.sampled_from(list(GROWING)),
)
def test_a_growing_transformation_changes_nothing(
    bins: int, times: int, data: st.DataObject, name: str
) -> None:
    """Where every quantile is one of the values, only the order of values counts."""
    # With bins a power of two that divides m − 1, no quantile is interpolated.
    numbers = st.integers(-8, 8).map(float)
    size = bins * times + 1
    reference = np.array(data.draw(st.lists(numbers, min_size=size, max_size=size)))
    current = np.array(data.draw(st.lists(numbers, min_size=2, max_size=20)))
    grow = GROWING[name]
    expected = drift.psi(reference, current, bins)
    assert_index(psi(grow(reference), grow(current), bins), expected)


@given(layouts(sample), layouts(sample))
@example(np.array([2.0, 1.0, 3.0]), np.array([2.0, 0.0]))
def test_the_samples_are_not_changed(reference: Array, current: Array) -> None:
    """The samples are the same after the call, however they lie in memory."""
    assume(not np.shares_memory(reference, current))
    with unchanged(reference=reference, current=current):
        answer = psi(reference, current, 4)
    assert_index(answer, drift.psi(reference, current, 4))


def test_bad_input_is_refused() -> None:
    """Too few values, NaN, ±∞, a single bin or no smoothing are refused by name."""
    fine = [1.0, 2.0]
    for bad in ([], [1.0], [1.0, np.nan], [np.inf, 0.0], [0.0, -np.inf], [fine], 1.0):
        assert_raises_naming("reference", psi, bad, fine)
        assert_raises_naming("current", psi, fine, bad)
    for bins in (1, 0, -3):
        assert_raises_naming("bins", psi, fine, fine, bins)
    for smoothing in (0.0, -1e-4, math.nan, math.inf):
        assert_raises_naming("smoothing", psi, fine, fine, smoothing=smoothing)
