"""The Kolmogorov–Smirnov test against SciPy, enumeration and simulation.

Tolerance: the exact probabilities are sums of up to m + n positive terms (or a
product of n ratios), so they round by some (m + n) eps, below 1e-10 for all sizes
here; the asymptotic ones are held to the same 1e-10, which also covers SciPy's own
rounding in its recursion for small samples.
"""

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import special, stats

from reference.production.drift import KSResult, kolmogorov_survival, ks_test
from reference.production.drift.kolmogorov import (
    one_sample_survival,
    two_sample_survival,
)

Sample = NDArray[np.float64]

RTOL = 1e-10
# Few distinct values, so that ties within and between the samples are common.
SAMPLES = arrays(
    np.float64,
    st.integers(1, 40),
    elements=st.one_of(
        st.integers(-4, 4).map(float), st.floats(-1e6, 1e6, allow_subnormal=False)
    ),
)


def shifted(m: int, n: int, shift: float) -> tuple[Sample, Sample]:
    generator = np.random.default_rng(0)
    return generator.normal(size=m), generator.normal(size=n) + shift


def scipy_exact(first: Sample, second: Sample) -> float:
    """Return SciPy's exact p-value.

    Where the terms of an exact 1 round to a little more, SciPy warns and turns to
    the asymptotic distribution.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(stats.ks_2samp(first, second, method="exact").pvalue)
        except RuntimeWarning:
            return 1.0


@settings(deadline=None)
@given(first=SAMPLES, second=SAMPLES)
def test_exact_equals_scipy(first: Sample, second: Sample) -> None:
    result = ks_test(first, second, method="exact")
    distance = max(
        abs(float(np.mean(first <= x)) - float(np.mean(second <= x)))
        for x in (*first, *second)
    )
    assert result.statistic == pytest.approx(distance, rel=1e-13)
    assert result.p_value == pytest.approx(scipy_exact(first, second), rel=RTOL)
    assert ks_test(first, second) == result


@settings(deadline=None)
@given(first=SAMPLES, second=SAMPLES)
def test_limit_equals_the_formula(first: Sample, second: Sample) -> None:
    statistic, p_value = ks_test(first, second, method="limit")
    m, n = first.size, second.size
    expected = special.kolmogorov(math.sqrt(m * n / (m + n)) * statistic)
    assert p_value == pytest.approx(expected, rel=RTOL)


@settings(deadline=None)
@given(first=SAMPLES, second=SAMPLES)
def test_asymptotic_equals_scipy(first: Sample, second: Sample) -> None:
    m, n = first.size, second.size
    result = ks_test(first, second, method="asymptotic")
    if round(m * n / (m + n)) == 0:  # two single values: SciPy gives NaN
        assert result.p_value == one_sample_survival(1, result.statistic)
        return
    expected = stats.ks_2samp(first, second, method="asymp")
    assert result.p_value == pytest.approx(expected.pvalue, rel=RTOL)


@pytest.mark.parametrize(
    ("m", "n"),
    [(1, 2000), (300, 300), (281, 283), (700, 500), (1000, 999), (3000, 3000)],
)
@pytest.mark.parametrize("shift", [0.0, 0.05, 0.2, 1.0])
def test_larger_samples_equal_scipy(m: int, n: int, shift: float) -> None:
    first, second = shifted(m, n, shift)
    exact = ks_test(first, second, "exact")
    assert exact.p_value == pytest.approx(scipy_exact(first, second), rel=RTOL)
    asymptotic = ks_test(first, second, "asymptotic")
    expected = stats.ks_2samp(first, second, method="asymp")
    assert asymptotic.statistic == pytest.approx(expected.statistic, rel=1e-13)
    assert asymptotic.p_value == pytest.approx(expected.pvalue, rel=RTOL)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1])
def test_auto_is_exact_up_to_ten_thousand_values(shift: float) -> None:
    first, second = shifted(10_000, 10_000, shift)
    auto = ks_test(first, second)
    assert auto == ks_test(first, second, "exact")
    assert auto.p_value == pytest.approx(stats.ks_2samp(first, second).pvalue, rel=RTOL)
    longer = np.append(second, 0.0)
    auto = ks_test(first, longer)
    assert auto == ks_test(first, longer, "asymptotic")
    assert auto.p_value == pytest.approx(stats.ks_2samp(first, longer).pvalue, rel=RTOL)


@pytest.mark.parametrize("n", [1, 2, 5, 37, 140, 141, 1000, 20_000, 120_000])
def test_one_sample_distribution_equals_scipy(n: int) -> None:
    # √n d over the whole range, and close to where the method changes.
    scaled = np.concatenate(
        [np.linspace(0.05, 4, 25), math.sqrt(2.2) + np.array([-1e-9, 1e-9])]
    )
    for d in np.minimum(scaled / math.sqrt(n), 1.0):
        expected = stats.kstwo.sf(d, n)
        assert one_sample_survival(n, d) == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (4, 4), (3, 6), (5, 4), (7, 2)])
def test_exact_equals_enumeration_of_all_orders(m: int, n: int) -> None:
    step = math.lcm(m, n)
    distances = []
    for places in itertools.combinations(range(m + n), m):
        walk = itertools.accumulate(
            step // m if i in places else -step // n for i in range(m + n)
        )
        distances.append(max(abs(value) for value in walk))
    for h in range(step + 1):
        share = Fraction(sum(d >= h for d in distances), len(distances))
        assert two_sample_survival(m, n, h) == pytest.approx(float(share), rel=1e-13)


def test_small_probabilities_keep_their_relative_accuracy() -> None:
    # Disjoint samples: two of the C(m + n, m) orders are this extreme.
    for m, n in ((40, 40), (40, 60), (33, 100)):
        exact = Fraction(2, math.comb(m + n, m))
        result = ks_test(np.arange(m), 1000 + np.arange(n), "exact")
        assert result.statistic == 1
        assert result.p_value == pytest.approx(float(exact), rel=1e-12)


@settings(deadline=None)
@given(first=SAMPLES, second=SAMPLES)
def test_order_sign_and_side_do_not_matter(first: Sample, second: Sample) -> None:
    result = ks_test(first, second)
    assert ks_test(first[::-1], second) == result
    assert ks_test(-first, -second) == result
    swapped = ks_test(second, first)
    assert swapped.statistic == result.statistic
    assert swapped.p_value == pytest.approx(result.p_value, rel=1e-13)


def test_hand_worked_with_ties() -> None:
    # F − G after 1, 2, 3: 2/3 − 0, 1 − 1/2, 0.
    assert ks_test([1, 1, 2], [2, 3]).statistic == pytest.approx(2 / 3)
    assert ks_test([5, 5], [5, 5, 5]) == KSResult(0.0, 1.0)
    statistic, p_value = ks_test([1.0], [2.0])
    assert (statistic, p_value) == (1.0, 1.0)


@settings(deadline=None)
@given(lam=st.floats(1e-3, 18))
def test_kolmogorov_survival_equals_scipy(lam: float) -> None:
    # Below eps the exponents 2λ² alone round by λ² eps; 1e-12 covers λ = 18.
    assert kolmogorov_survival(lam) == pytest.approx(special.kolmogorov(lam), rel=1e-12)


def test_kolmogorov_survival_at_the_ends() -> None:
    assert kolmogorov_survival(0.0) == kolmogorov_survival(-1.0) == 1.0
    assert kolmogorov_survival(1e-300) == 1.0
    assert kolmogorov_survival(math.inf) == 0.0
    below, above = (kolmogorov_survival(1.0 + side) for side in (-1e-12, 1e-12))
    assert below == pytest.approx(above, rel=1e-11)
    with pytest.raises(ValueError, match=r"^lam must be a number"):
        kolmogorov_survival(math.nan)


def test_false_alarms_without_drift() -> None:
    m, n, level, pairs = 20, 15, 0.05, 2000
    # D is discrete, so the true rate is the largest p-value within the level.
    step = math.lcm(m, n)
    attained = [two_sample_survival(m, n, h) for h in range(step + 1)]
    rate = max(p for p in attained if p <= level)
    assert 0.02 < rate <= level
    generator = np.random.default_rng(20)
    alarms = sum(
        ks_test(generator.normal(size=m), generator.normal(size=n)).p_value <= level
        for _ in range(pairs)
    )
    low, high = stats.binom.interval(0.999, pairs, rate)
    assert low <= alarms <= high


def test_a_shift_is_found() -> None:
    assert ks_test(*shifted(500, 400, 0.5)).p_value < 1e-6


@settings(max_examples=20, deadline=None)
@given(dtype=st.sampled_from(["int8", "uint16", "float32", "bool"]))
def test_other_dtypes_and_lists_are_converted(dtype: str) -> None:
    values = np.array([0, 1, 1, 0, 1]).astype(dtype)
    assert ks_test(values, [0, 0, 1]) == ks_test([0.0, 1, 1, 0, 1], [0.0, 0, 1])


def test_inputs_are_left_as_they_were() -> None:
    first, second = np.array([3.0, 1.0, 2.0]), np.array([2.0, 0.0])
    ks_test(first, second)
    assert first.tolist() == [3, 1, 2]
    assert second.tolist() == [2, 0]


@pytest.mark.parametrize("name", ["reference", "current"])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([], ValueError),
        ([1.0, math.nan], ValueError),
        ([math.inf], ValueError),
        ([[1.0, 2.0]], ValueError),
        (["a"], TypeError),
        ([1j], TypeError),
    ],
)
def test_wrong_samples_are_named(
    name: str, wrong: list[float], error: type[Exception]
) -> None:
    samples = {"reference": [1.0, 2.0], "current": [1.0, 2.0], name: wrong}
    with pytest.raises(error, match=f"^{name} must be"):
        ks_test(samples["reference"], samples["current"])


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^method must be one of"):
        ks_test([1.0], [2.0], method="asymp")
