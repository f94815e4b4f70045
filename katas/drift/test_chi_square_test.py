import math
from collections.abc import Hashable, Sequence
from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dojo.testing import (
    assert_close,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    seeds,
    unchanged,
)
from katas.drift.chi_square_test import chi_square_test
from reference.production import drift

Sample = Sequence[Hashable]

# Few categories, so that samples share some and lack others.
category = st.sampled_from(["red", "green", "blue", "grey", 1, 2])
sample = st.lists(category, min_size=1, max_size=12)
# Two that one sample alone has; sizes that differ; a cell that is empty.
RED_GREEN = (["red", "red", "green"], ["red", "green", "green", "green", "green"])
NEW = (["red", "red", "green"], ["red", "green", "blue"])
GONE = (["red", "green", "blue"], ["red", "red", "green", "green"])


def statistic_of(reference: Sample, current: Sample) -> Fraction:
    """Follow the definition, in fractions."""
    pooled = [*reference, *current]
    total = Fraction(0)
    for row in (reference, current):
        for each in set(pooled):
            expected = Fraction(len(row) * pooled.count(each), len(pooled))
            total += (list(row).count(each) - expected) ** 2 / expected
    return total


def test_a_few_tables_by_hand() -> None:
    """T sums (count − E)² / E over both rows of the table, with no correction."""
    for reference, current, expected in (
        ("ab", "ab", 0.0),
        ("ab", "cd", 4.0),
        ("a", "b", 2.0),
        ("aab", "abb", 2 / 3),
        ("aaab", "ab", 0.375),
        ("aabb", "aaabbb", 0.0),
        ("abc", "abcabc", 0.0),
    ):
        result = chi_square_test(list(reference), list(current))
        assert_close(result.statistic, expected, what="T", rtol=1e-13, atol=1e-15)
        assert_equal(result.degrees_of_freedom, len({*reference, *current}) - 1)


@given(sample, sample)
@example(*RED_GREEN)
@example(*NEW)
@example(*GONE)
def test_the_statistic_is_that_of_the_definition(
    reference: Sample, current: Sample
) -> None:
    """E is the row's size times the pooled share, whatever the two sizes are."""
    result = chi_square_test(reference, current)
    expected = statistic_of(reference, current)
    # At most a dozen positive terms of a few roundings each; E near a count cancels.
    assert_close(result.statistic, float(expected), what="T", rtol=1e-12, atol=1e-12)


@given(sample, sample)
@example(*NEW)
@example(*GONE)
@example(["red"], ["green"])
def test_a_category_of_one_sample_only_counts(
    reference: Sample, current: Sample
) -> None:
    """K is the number of categories seen in either sample; k = K − 1."""
    result = chi_square_test(reference, current)
    degrees = len({*reference, *current}) - 1
    assert_equal(result.degrees_of_freedom, degrees, "the degrees of freedom")
    assert_equal(type(result.p_value), float, "the type of the p-value")


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40), st.integers(0, 40))
@example(3, 1, 1, 3)
@example(40, 0, 1, 40)
@example(1, 0, 1, 1)
def test_two_categories_have_the_p_value_of_a_squared_normal(
    a: int, b: int, c: int, d: int
) -> None:
    """With one degree of freedom p = erfc(√(T/2)), and with two p = exp(−T/2)."""
    two = chi_square_test(["x"] * a + ["y"] * (b + 1), ["x"] * c + ["y"] * d)
    # erfc falls as e^{−x}: its relative error is x times that of x, and x is below 81.
    expected = math.erfc(math.sqrt(two.statistic / 2))
    assert_close(two.p_value, expected, what="p", rtol=1e-11, atol=0.0)
    three = chi_square_test(["x"] * a + ["y"] * b + ["z"], ["x"] * c + ["y"] * (d + 1))
    expected = math.exp(-three.statistic / 2)
    assert_close(three.p_value, expected, what="p", rtol=1e-11, atol=0.0)


@given(st.integers(1, 12), st.integers(0, 30), seeds())
@example(1, 1, 0)
@example(2, 1, 0)
@example(3, 4, 0)
@example(4, 4, 0)
@example(7, 9, 1)
@example(12, 30, 2)
def test_the_p_value_agrees_with_the_reference(
    categories: int, shift: int, seed: int
) -> None:
    """The p-value is the chi-square survival function at T with k = K − 1."""
    rng = np.random.default_rng(seed)
    reference = [*range(categories), *rng.integers(0, categories, 40).tolist()]
    current = [*rng.integers(0, categories, 20).tolist(), *[0] * shift]
    expected = drift.chi_square_test(reference, current)
    result = chi_square_test(reference, current)
    assert_close(result.statistic, expected.statistic, what="T", rtol=1e-11, atol=1e-12)
    # x is below 100, and x times the relative error of x is that of e^{−x}.
    assert_close(result.p_value, expected.p_value, what="p", rtol=1e-9, atol=1e-14)


@given(st.integers(1, 1000))
@example(1)
@example(2)
@example(1000)
@example(999)
def test_thousands_of_categories_do_not_underflow(categories: int) -> None:
    """Where all values differ T is K, and p is nowhere near 0, however large K is."""
    result = chi_square_test([*range(categories)], [*range(categories, 2 * categories)])
    assert_close(result.statistic, 2.0 * categories, what="T", rtol=1e-11)
    degrees = 2 * categories - 1
    assert_equal(result.degrees_of_freedom, degrees)
    # Wilson and Hilferty: the cube root is nearly normal, to 0.01 from k = 1 on.
    spread = 2 / (9 * degrees)
    z = ((result.statistic / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    normal = math.erfc(z / math.sqrt(2)) / 2
    assert_close(result.p_value, normal, what="p", rtol=0.0, atol=0.01)


@given(sample, sample)
@example(*NEW)
@example(*RED_GREEN)
def test_order_and_roles_do_not_matter(reference: Sample, current: Sample) -> None:
    """Neither the order of the values nor which sample is which changes the result."""
    result = chi_square_test(reference, current)
    for other in (
        chi_square_test([*reversed(reference)], [*reversed(current)]),
        chi_square_test(current, reference),
    ):
        assert_equal(other.degrees_of_freedom, result.degrees_of_freedom)
        # The terms are added in another order.
        assert_close(other.statistic, result.statistic, rtol=1e-12, atol=1e-12)
        assert_close(other.p_value, result.p_value, rtol=1e-10, atol=0.0)


@given(sample, sample, st.integers(2, 5))
@example(*RED_GREEN, 2)
def test_more_of_the_same_is_more_evidence(
    reference: Sample, current: Sample, times: int
) -> None:
    """The same shares in samples c times as large give a T that is c times as large."""
    once = chi_square_test(reference, current)
    often = chi_square_test([*reference] * times, [*current] * times)
    assert_close(
        often.statistic, times * once.statistic, what="T", rtol=1e-11, atol=1e-11
    )
    assert_equal(often.degrees_of_freedom, once.degrees_of_freedom)


@given(category, st.integers(1, 5), st.integers(1, 5))
@example("red", 1, 3)
def test_one_category_is_no_evidence(value: Hashable, m: int, n: int) -> None:
    """Where a single category is seen, T is 0, p is 1 and k is 0."""
    result = chi_square_test([value] * m, [value] * n)
    assert_equal(tuple(result), (0.0, 1.0, 0))


@given(sample, st.integers(1, 4))
@example(["red", "green", "blue"], 3)
def test_equal_shares_give_certainty(reference: Sample, times: int) -> None:
    """Equal shares give T = 0 and p = 1, and p never exceeds 1."""
    result = chi_square_test(reference, [*reference] * times)
    assert_close(result.statistic, 0.0, what="T", atol=1e-20)
    assert_equal(result.p_value, 1.0, "p")


@given(st.integers(2, 60), st.integers(1, 4))
@example(29, 2)
@example(31, 4)
def test_the_p_value_is_a_probability(categories: int, times: int) -> None:
    """A change of one value in many gives p at most 1, the sum's rounding included."""
    reference = [*range(categories)] * times
    result = chi_square_test(reference, [1, *reference[1:]])
    claim = "0 ≤ p ≤ 1"
    assert_holds(0.0 <= result.p_value <= 1.0, claim, actual=result.p_value)


@settings(max_examples=3)
@given(seeds())
def test_false_alarms_keep_to_their_rate(seed: int) -> None:
    """Of samples from one distribution some 5 % have p ≤ 0.05, not a quarter."""
    rng = np.random.default_rng(seed)
    alarms = 0
    for _ in range(200):
        reference = rng.integers(0, 4, 60).tolist()
        current = rng.integers(0, 4, 60).tolist()
        alarms += chi_square_test(reference, current).p_value <= 0.05
    # Binomial(200, 0.05) exceeds 30 once in 10⁷, and is 0 once in 3 · 10⁴.
    assert_holds(alarms <= 30, "at most 30 false alarms in 200", actual=alarms)


def test_equal_values_are_one_category() -> None:
    """Categories are told apart by equality: 1 and 1.0 are one, 1 and "1" are two."""
    assert_equal(chi_square_test([1, 1.0], [True]).degrees_of_freedom, 0)
    assert_equal(chi_square_test([1, "1"], [1]).degrees_of_freedom, 1)
    assert_equal(chi_square_test([(1, 2), "a"], [0]).degrees_of_freedom, 2)
    numbers = np.array([1, 2, 2])
    with unchanged(numbers=numbers):
        result = chi_square_test(numbers.tolist(), [1, 2, 2])
    assert_equal(result.degrees_of_freedom, 1)


def test_bad_input_is_refused() -> None:
    """An empty sample or a missing value raises and says which sample it is."""
    for bad in ([], [None], ["a", None], [math.nan], [1, math.nan]):
        assert_raises_naming("reference", chi_square_test, bad, ["a"])
        assert_raises_naming("current", chi_square_test, ["a"], bad)
