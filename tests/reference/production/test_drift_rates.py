"""How often the tests of drift raise an alarm, with drift and without.

Without drift, 2,000 pairs of samples of one distribution: the count of alarms lies in
the interval that holds 99.9 % of the binomial distribution with the true rate. Where
the statistic is discrete that rate is computed; where the distribution is a limit it
is 5 %, and the samples are large enough that the rate is near it. Seeds are fixed.
"""

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from reference.production.drift import (
    DriftDetector,
    chi_square_test,
    kolmogorov_survival,
    ks_test,
    psi,
    psi_critical_value,
)
from reference.production.drift.kolmogorov import two_sample_survival
from reference.production.drift.pooling import compare_pooled

PAIRS = 2000
LEVEL = 0.05
Rates = Sequence[float]


def assert_is_rate(alarms: int, rate: float) -> None:
    low, high = stats.binom.interval(0.999, PAIRS, rate)
    assert low <= alarms <= high


@pytest.mark.parametrize(("m", "n"), [(20, 15), (50, 50), (60, 45)])
@pytest.mark.parametrize("method", ["exact", "limit"])
def test_ks_false_alarms(m: int, n: int, method: str) -> None:
    scale = math.lcm(m, n)

    def p_value(steps: int) -> float:
        if method == "exact":
            return two_sample_survival(m, n, steps)
        return kolmogorov_survival(math.sqrt(m * n / (m + n)) * steps / scale)

    alarming = next(h for h in range(1, scale + 1) if p_value(h) <= LEVEL)
    rate = two_sample_survival(m, n, alarming)
    assert 0.02 < rate <= LEVEL  # the limit errs towards no alarm
    generator = np.random.default_rng(m)
    first = generator.normal(size=(PAIRS, m))
    second = generator.normal(size=(PAIRS, n))
    alarms = sum(
        ks_test(a, b, method).p_value <= LEVEL
        for a, b in zip(first, second, strict=True)
    )
    assert_is_rate(alarms, rate)


def test_chi_square_false_alarms() -> None:
    shares, m, n = [0.4, 0.3, 0.2, 0.1], 300, 200
    generator = np.random.default_rng(1)
    first = generator.choice(4, (PAIRS, m), p=shares)
    second = generator.choice(4, (PAIRS, n), p=shares)
    alarms = as_truth = 0
    for a, b in zip(first, second, strict=True):
        alarms += chi_square_test(a, b).p_value <= LEVEL
        expected = np.bincount(a, minlength=4) * n / m
        as_truth += bool(stats.chisquare(np.bincount(b), expected).pvalue <= LEVEL)
    assert_is_rate(alarms, LEVEL)
    # One sample taken as the truth is another test, with four times the false alarms.
    assert as_truth > 4 * LEVEL * PAIRS


@pytest.mark.parametrize(
    ("categories", "m", "n", "steepness"),
    [(300, 1000, 30, 1.0), (200, 5000, 20, 1.5), (50, 20_000, 20, 2.0)],
)
def test_false_alarms_with_rare_categories(
    categories: int, m: int, n: int, steepness: float
) -> None:
    shares = np.arange(1, categories + 1) ** -steepness
    shares /= shares.sum()
    generator = np.random.default_rng(8)
    alarms = as_they_are = 0
    for _ in range(PAIRS):
        first, second = (
            Counter[Hashable](
                dict(enumerate(generator.multinomial(k, shares).tolist()))
            )
            for k in (m, n)
        )
        alarms += compare_pooled(first, second, 5.0)[1] <= LEVEL
        as_they_are += compare_pooled(first, second, 0.0)[1] <= LEVEL
    # The pool itself may be small: the count of alarms is near the level, not at it.
    assert alarms <= 1.4 * LEVEL * PAIRS
    assert as_they_are > 4 * LEVEL * PAIRS


def test_false_alarms_of_the_detector_with_rare_categories() -> None:
    # All but one of the categories are rare, so the table is 2 × 2 and its rate known.
    shares, m, n = np.array([0.95, *[0.05 / 19] * 19]), 10_000, 30
    generator = np.random.default_rng(9)
    reference = generator.choice(20, m, p=shares).astype(str)
    a = m - np.count_nonzero(reference == "0")
    rate = sum(
        stats.binom.pmf(b, n, 0.05)
        for b in range(n + 1)
        if chi_square_test([1] * a + [0] * (m - a), [1] * b + [0] * (n - b)).p_value
        <= LEVEL
    )
    assert rate < 0.07  # b takes a few values only
    windows = generator.choice(20, (PAIRS, n), p=shares).astype(str)
    alarms = {}
    for min_expected, runs in ((5.0, PAIRS), (0.0, 200)):
        detector = DriftDetector("auto", min_expected=min_expected)
        detector.set_reference({"x": reference})
        alarms[min_expected] = sum(
            detector.detect_drift({"x": window})[0].drifted for window in windows[:runs]
        )
    assert_is_rate(alarms[5.0], rate)
    assert alarms[0.0] > 3 * LEVEL * 200


@pytest.mark.parametrize(("m", "n", "bins"), [(1000, 1000, 10), (3000, 500, 5)])
def test_psi_false_alarms_at_its_critical_value(m: int, n: int, bins: int) -> None:
    threshold = psi_critical_value(m, n, bins, LEVEL)
    generator = np.random.default_rng(2)
    values = [
        psi(generator.normal(size=m), generator.normal(size=n), bins)
        for _ in range(PAIRS)
    ]
    assert_is_rate(sum(value > threshold for value in values), LEVEL)
    # The whole distribution, not only its tail: 1.95 is the 0.1 % point of √n · D.
    scaled = np.array(values) * m * n / (m + n)
    distance = stats.kstest(scaled, stats.chi2(bins - 1).cdf).statistic
    assert distance < 1.95 / math.sqrt(PAIRS)


def test_a_fixed_psi_threshold_has_no_error_rate() -> None:
    generator = np.random.default_rng(3)
    rates = []
    for size in (50, 200, 1000):
        values = [
            psi(generator.normal(size=size), generator.normal(size=size))
            for _ in range(200)
        ]
        rates.append(np.mean(np.array(values) > 0.1))
    assert rates[0] > 0.9
    assert 0.05 < rates[1] < 0.7
    assert rates[2] == 0.0


def test_ks_has_the_power_of_scipy() -> None:
    generator = np.random.default_rng(4)
    pairs, size = 100, 80
    power = []
    for shift in (0.0, 0.2, 0.4, 0.6, 0.8):
        first = generator.normal(size=(pairs, size))
        second = generator.normal(shift, size=(pairs, size))
        ours = [ks_test(a, b).p_value for a, b in zip(first, second, strict=True)]
        theirs = [
            stats.ks_2samp(a, b).pvalue for a, b in zip(first, second, strict=True)
        ]
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
        power.append(float(np.mean(np.array(ours) <= LEVEL)))
        assert power[-1] == np.mean(np.array(theirs) <= LEVEL)
    assert_rises(power)


def test_chi_square_has_the_power_of_scipy() -> None:
    generator = np.random.default_rng(5)
    pairs, size = 100, 150
    power = []
    for moved in (0.0, 0.05, 0.1, 0.15, 0.25):
        shares = np.array([0.4 - moved, 0.3, 0.2 + moved, 0.1])
        ours, theirs = [], []
        for _ in range(pairs):
            first = generator.choice(4, size, p=[0.4, 0.3, 0.2, 0.1])
            second = generator.choice(4, size, p=shares)
            ours.append(chi_square_test(first, second).p_value)
            theirs.append(pearson(first, second, 4))
        np.testing.assert_allclose(ours, theirs, rtol=1e-11)
        power.append(float(np.mean(np.array(ours) <= LEVEL)))
        assert power[-1] == np.mean(np.array(theirs) <= LEVEL)
    assert_rises(power)


def test_psi_has_the_power_of_the_chi_square_test_on_its_bins() -> None:
    # Both are quadratic in small differences of shares: equal to the leading order.
    generator = np.random.default_rng(6)
    pairs, size, bins = 100, 500, 10
    threshold = psi_critical_value(size, size, bins, LEVEL)
    power = []
    for shift in (0.0, 0.1, 0.2, 0.3, 0.4):
        ours, theirs = [], []
        for _ in range(pairs):
            first = generator.normal(size=size)
            second = generator.normal(shift, size=size)
            edges = np.quantile(first, np.arange(1, bins) / bins)
            binned = [np.searchsorted(edges, sample) for sample in (first, second)]
            ours.append(psi(first, second, bins) > threshold)
            theirs.append(pearson(binned[0], binned[1], bins) <= LEVEL)
        power.append(float(np.mean(ours)))
        assert power[-1] == pytest.approx(np.mean(theirs), abs=0.05)
    assert_rises(power)


def test_one_outlier_hides_no_shift_from_psi() -> None:
    generator = np.random.default_rng(7)
    size = 500
    threshold = psi_critical_value(size, size)
    for _ in range(50):
        first = generator.normal(size=size)
        second = generator.normal(0.7, size=size)
        first[0], second[0] = 1e15, -1e15
        # Bins of equal width would hold all but the outlier in one.
        assert psi(first, second) > threshold


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((1, 10), "reference_size"),
        ((10, 1), "current_size"),
        ((10, 10, 1), "bins"),
        ((10, 10, 10, 0.0), "alpha"),
        ((10, 10, 10, 1.0), "alpha"),
    ],
)
def test_wrong_arguments_of_the_critical_value(
    arguments: tuple[int, int], name: str
) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        psi_critical_value(*arguments)


def pearson(
    first: NDArray[np.int64], second: NDArray[np.int64], categories: int
) -> float:
    table = [np.bincount(sample, minlength=categories) for sample in (first, second)]
    used = np.array(table)[:, np.sum(table, axis=0) > 0]
    return float(stats.chi2_contingency(used, correction=False).pvalue)


def assert_rises(power: Rates) -> None:
    """From about the level to almost certain, without a step down."""
    assert power[0] <= 0.15  # five standard errors of 100 pairs above 5 %
    assert power[-1] >= 0.95
    assert all(low <= high for low, high in itertools.pairwise(power))
