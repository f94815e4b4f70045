import itertools
import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    layouts,
    samples,
    unchanged,
)
from katas.drift.ks_test import kolmogorov_survival, ks_test
from reference.production import drift

Array = NDArray[np.float64]

METHODS = ("limit", "exact")
# Sizes up to 12 keep the exact count fast; half of the samples are full of ties.
sample = samples(min_size=1, max_size=12)
# Both samples from a few whole numbers, so that ties run across them.
few = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=12).map(np.array)
pairs = st.one_of(st.tuples(few, few), st.tuples(sample, sample))

# One order of three and four values whose distance, 5/12, is no float.
THREE = np.array([1.0, 3.0, 6.0])
FOUR = np.array([2.0, 4.0, 5.0, 7.0])


def distance_in_steps(reference: Array, current: Array) -> int:
    """Follow the definition: D in steps of 1 / (m n)."""
    return max(
        abs(
            int((reference <= x).sum()) * len(current)
            - int((current <= x).sum()) * len(reference)
        )
        for x in (*reference, *current)
    )


def share_of_orders(m: int, n: int, steps: int) -> float:
    """Try every order of m and n values that all differ."""
    orders = list(itertools.combinations(range(m + n), m))
    reached = 0
    for chosen in orders:
        walk = itertools.accumulate(
            n if place in chosen else -m for place in range(m + n)
        )
        reached += max(map(abs, walk)) >= steps
    return reached / len(orders)


def test_a_few_distances_by_hand() -> None:
    """D is the largest distance between the two shares at or below any x."""
    for reference, current, expected in (
        ([1.0], [2.0], 1.0),
        ([2.0], [1.0], 1.0),
        ([1.0, 2.0], [3.0, 4.0], 1.0),
        ([1.0, 2.0], [2.0, 3.0], 1 / 2),
        ([1.0, 1.0], [1.0], 0.0),
        ([1.0, 1.0, 2.0], [1.0, 2.0, 2.0], 1 / 3),
        ([0.0, 10.0], [1.0, 2.0, 3.0], 1 / 2),
        (THREE, FOUR, 5 / 12),
    ):
        for method in METHODS:
            distance, _ = ks_test(reference, current, method)
            assert_close(distance, expected, what="D", rtol=1e-14)


@given(pairs)
@example((np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])))
@example((np.array([0.0]), np.array([0.0, 0.0])))
@example((np.array([0.0, 9.0]), np.array([1.0, 2.0, 3.0])))
@example((np.array([5.0, 6.0]), np.array([1.0, 2.0, 5.5])))
def test_the_distance_is_that_of_the_definition(pair: tuple[Array, Array]) -> None:
    """F and G are compared at every value, after all values equal to it, either way."""
    reference, current = pair
    distance, _ = ks_test(reference, current, "limit")
    steps = distance_in_steps(reference, current)
    expected = steps / (len(reference) * len(current))
    # A difference of two fractions, each of which rounds by at most ε/2.
    assert_close(distance, expected, what="D", rtol=0.0, atol=1e-15)


@given(st.floats(0.1, 6.0))
@example(0.1)
@example(0.19)
@example(0.5)
@example(1.0)
@example(3.0)
def test_survival_agrees_with_the_reference(lam: float) -> None:
    """Q(λ) is the alternating series, in the far tail to full relative accuracy."""
    # Up to fifty terms of size one add up to one: they round by some ε.
    expected = drift.kolmogorov_survival(lam)
    result = kolmogorov_survival(lam)
    assert_close(result, expected, what="Q(λ)", rtol=1e-12, atol=0.0)
    assert_close(result, expected, what="Q(λ)", rtol=0.0, atol=1e-14)
    assert_holds(0.0 <= result <= 1.0, "0 ≤ Q(λ) ≤ 1", actual=result)


def test_the_critical_values_of_the_tables() -> None:
    """Q is 10 %, 5 % and 1 % at the critical values that the tables give."""
    for lam, level in ((1.22385, 0.10), (1.35810, 0.05), (1.62762, 0.01)):
        # The tables round λ to five decimals; the slope of Q is below one here.
        assert_close(kolmogorov_survival(lam), level, what="Q(λ)", rtol=0, atol=1e-5)


@given(st.floats(-5.0, 0.0999))
@example(0.0)
@example(0.001)
@example(0.0999)
@example(-1.0)
def test_survival_is_one_near_zero(lam: float) -> None:
    """Below λ = 0.1, at zero and for negative λ, Q is 1.0."""
    assert_equal(kolmogorov_survival(lam), 1.0, "Q(λ)")


@given(pairs)
@example((THREE, FOUR))
@example((np.array([1.0]), np.array([2.0])))
@example((np.arange(10.0), np.arange(12.0) + 4.0))
@example((np.arange(12.0), np.arange(3.0)))
def test_the_limit_at_the_effective_size(pair: tuple[Array, Array]) -> None:
    """The p-value by "limit" is Q(√N · D) with N = m n / (m + n)."""
    reference, current = pair
    _, p_value = ks_test(reference, current, "limit")
    expected = drift.ks_test(reference, current, "limit").p_value
    # D may be off by ε, and so the exponent −2λ², at most 12, by some 50 ε.
    assert_close(p_value, expected, what="p", rtol=1e-12)
    m, n = len(reference), len(current)
    steps = distance_in_steps(reference, current)
    lam = steps / math.sqrt(m * n * (m + n))
    assert_close(p_value, drift.kolmogorov_survival(lam), what="p", rtol=1e-12)


@given(st.permutations(range(7)), st.integers(1, 6))
@example([1, 3, 6, 2, 4, 5, 7], 3)
@example([0, 1, 2, 3, 4, 5, 6], 3)
@example([0, 2, 1, 3, 4, 5, 6], 1)
def test_the_exact_share_of_all_orders(ranks: list[int], m: int) -> None:
    """The p-value by "exact" is the share of all orders whose distance is ≥ D."""
    reference, current = np.array(ranks[:m]), np.array(ranks[m:])
    _, p_value = ks_test(reference, current, "exact")
    steps = distance_in_steps(reference, current)
    expected = share_of_orders(len(reference), len(current), steps)
    # The quotient of two whole numbers, or one minus it.
    assert_close(p_value, expected, what="p", rtol=1e-12, atol=1e-15)


@given(pairs)
@example((np.zeros(12), np.arange(12.0)))
def test_the_exact_p_value_agrees_with_the_reference(
    pair: tuple[Array, Array],
) -> None:
    """The count of the paths that stay nearer than D holds for any sizes and ties."""
    reference, current = pair
    _, p_value = ks_test(reference, current, "exact")
    expected = drift.ks_test(reference, current, "exact").p_value
    # The reference adds up to 24 positive floats on the way.
    assert_close(p_value, expected, what="p", rtol=1e-12, atol=1e-15)


@given(sample, st.sampled_from(METHODS))
@example(np.array([1.0, 1.0, 2.0]), "limit")
@example(np.array([1.0, 1.0, 2.0]), "exact")
def test_samples_that_agree(values: Array, method: str) -> None:
    """The same values in another order, or each of them twice, give D = 0 and p = 1."""
    for other in (values[::-1], np.repeat(values, 2)):
        distance, p_value = ks_test(values, other, method)
        assert_equal(distance, 0.0, "D")
        assert_equal(p_value, 1.0, "p")


@given(pairs, st.sampled_from(METHODS), st.sampled_from([0.5, -2.0, 1024.0]))
@example((np.array([0.0, 1.0]), np.array([2.0])), "limit", -2.0)
@example((THREE, FOUR), "exact", 0.5)
def test_only_the_order_of_the_values_counts(
    pair: tuple[Array, Array], method: str, factor: float
) -> None:
    """Swapping the samples, or multiplying all values by one number, is no change."""
    reference, current = pair
    expected = drift.ks_test(reference, current, method)
    for first, second in (
        (current, reference),
        (reference * factor, current * factor),
    ):
        distance, p_value = ks_test(first, second, method)
        assert_close(distance, expected.statistic, what="D", rtol=0.0, atol=1e-15)
        assert_close(p_value, expected.p_value, what="p", rtol=1e-12, atol=1e-15)


@given(layouts(sample), layouts(sample), st.sampled_from(METHODS))
@example(np.array([2.0, 1.0]), np.array([1.5, 0.0, 1.0]), "limit")
def test_the_samples_are_not_changed(
    reference: Array, current: Array, method: str
) -> None:
    """The samples are the same after the call, however they lie in memory."""
    with unchanged(reference=reference, current=current):
        distance, p_value = ks_test(reference, current, method)
    expected = drift.ks_test(reference, current, method)
    assert_close(distance, expected.statistic, what="D", rtol=0.0, atol=1e-15)
    assert_close(p_value, expected.p_value, what="p", rtol=1e-12, atol=1e-15)


def test_bad_input_is_refused() -> None:
    """Samples without a distribution, an unknown method and λ = NaN are refused."""
    for method in METHODS:
        for bad in ([], [1.0, np.nan], [np.inf], [-np.inf, 0.0], [[1.0, 2.0]], 1.0):
            assert_raises_naming("reference", ks_test, bad, [1.0], method)
            assert_raises_naming("current", ks_test, [1.0], bad, method)
    assert_raises_naming("method", ks_test, [1.0], [2.0], "magic")
    assert_raises_naming("lam", kolmogorov_survival, math.nan)
