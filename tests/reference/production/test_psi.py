"""The population stability index against its definition, worked plainly.

Tolerance: a sum of at most a few dozen terms of order one rounds by some tens of
eps, so agreement is held to 1e-12.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from reference.production.drift import psi

Sample = NDArray[np.float64]
# Few distinct values, so that repeated quantiles are common.
SAMPLES = arrays(
    np.float64,
    st.integers(2, 60),
    elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)),
)
BINS = st.integers(2, 12)


def plain_psi(reference: Sample, current: Sample, bins: int, smoothing: float) -> float:
    """Follow the definition one value at a time, with atoms in place of nextafter."""
    quantiles = [float(np.quantile(reference, k / bins)) for k in range(bins + 1)]
    atoms = {t for t in quantiles if quantiles.count(t) > 1}
    edges = sorted(atoms.union(quantiles[1:-1]))

    def bin_of(x: float) -> tuple[int, bool]:
        """Return how many edges lie below x, and whether x is an atom."""
        return sum(edge < x for edge in edges), x in atoms

    bins_there = {(i, False) for i in range(len(edges) + 1)}
    bins_there |= {(edges.index(atom), True) for atom in atoms}

    def share(sample: Sample, name: tuple[int, bool]) -> float:
        count = sum(bin_of(float(x)) == name for x in sample)
        return (count / len(sample) + smoothing) / (1 + smoothing * len(bins_there))

    total = 0.0
    for name in bins_there:
        p, q = share(reference, name), share(current, name)
        total += (p - q) * math.log(p / q)
    return total


def normal(size: int, mean: float = 0.0, seed: int = 0) -> Sample:
    return np.random.default_rng(seed).normal(mean, 1.0, size)


@settings(deadline=None)
@given(reference=SAMPLES, current=SAMPLES, bins=BINS)
def test_equals_the_definition(reference: Sample, current: Sample, bins: int) -> None:
    expected = plain_psi(reference, current, bins, 1e-4)
    assert psi(reference, current, bins) == pytest.approx(expected, rel=1e-12)


def test_by_hand() -> None:
    # The median 5.5 halves the reference; 8 of 10 current values lie below it:
    # −0.3 ln(0.5 / 0.8) + 0.3 ln(0.5 / 0.2) = 0.3 ln 4.
    reference = np.arange(1.0, 11.0)
    current = [1, 1, 2, 2, 3, 3, 4, 5, 6, 7]
    value = psi(reference, current, bins=2, smoothing=1e-15)
    assert value == pytest.approx(0.3 * math.log(4), rel=1e-12)
    # The same with s = 0.1 on two bins: shares (c + 0.1) / 1.2.
    expected = 0.3 / 1.2 * math.log((0.9 / 0.6) * (0.6 / 0.3))
    value = psi(reference, current, bins=2, smoothing=0.1)
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_value_on_an_edge_belongs_to_the_bin_below() -> None:
    reference = [0.0, 1.0, 2.0, 3.0, 4.0]  # the median 2 has three values up to it
    same_shares = [2.0, 2.0, 2.0, 2.5, 2.5]
    assert psi(reference, same_shares, bins=2) == 0.0


@settings(deadline=None)
@given(sample=SAMPLES, bins=BINS, copies=st.integers(1, 3), seed=st.integers(0, 99))
def test_equal_distributions_give_exactly_zero(
    sample: Sample, bins: int, copies: int, seed: int
) -> None:
    shuffled = np.random.default_rng(seed).permutation(np.repeat(sample, copies))
    # Shares c k / (n k) are rounded from the same quotient as c / n.
    assert psi(sample, shuffled, bins) == 0.0


@settings(deadline=None)
@given(reference=SAMPLES, current=SAMPLES, bins=BINS)
def test_is_finite_and_never_negative(
    reference: Sample, current: Sample, bins: int
) -> None:
    value = psi(reference, current, bins)
    assert type(value) is float
    assert 0 <= value < math.inf


@settings(deadline=None)
@given(reference=SAMPLES, current=SAMPLES, exponent=st.integers(-20, 20))
def test_a_change_of_unit_changes_nothing(
    reference: Sample, current: Sample, exponent: int
) -> None:
    # A power of two scales exactly unless it drives a value below the normal range.
    tiny = 1e-200
    reference = np.where(np.abs(reference) < tiny, 0.0, reference)
    current = np.where(np.abs(current) < tiny, 0.0, current)
    unit = 2.0**exponent
    assert psi(unit * reference, unit * current) == psi(reference, current)


@pytest.mark.parametrize("bins", [2, 3, 10])
@pytest.mark.parametrize("constant", [0.0, 5.0, -1e-300, 0.1])
def test_a_shift_away_from_a_constant_is_seen(bins: int, constant: float) -> None:
    reference = np.full(50, constant)
    assert psi(reference, np.full(7, constant), bins) == 0.0
    for other in (np.nextafter(constant, -np.inf), np.nextafter(constant, np.inf)):
        assert psi(reference, np.full(7, other), bins) > 1
        mixed = np.where(np.arange(1000) == 0, other, constant)
        assert psi(reference, mixed, bins) > 0
    both = np.where(np.arange(100) % 2, constant - 1, constant + 1)
    assert psi(reference, both, bins) > 1


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_shift_of_a_repeated_extreme_is_seen(sign: float) -> None:
    # Seven zeros in ten, and the zeros move beyond the range of the reference.
    values = np.concatenate([np.zeros(700), 1 + np.abs(normal(300))])
    moved = np.where(values == 0, -0.5, values)
    assert psi(sign * values, sign * moved) > 1


def test_one_outlier_hides_no_shift_and_makes_none() -> None:
    reference, shifted = normal(2000), normal(2000, mean=1.0, seed=1)
    clean = psi(reference, shifted)
    assert clean > 0.25
    with_outlier = np.append(reference, 1e12)
    assert psi(with_outlier, shifted) == pytest.approx(clean, rel=0.02)
    steady = normal(2000, seed=2)
    assert psi(with_outlier, np.append(steady, -1e12)) < 0.1


def test_grows_with_the_shift() -> None:
    reference = normal(5000)
    values = [psi(reference, normal(5000, mean, seed=1)) for mean in (0, 0.2, 0.5, 1)]
    assert values == sorted(values)
    assert values[0] < 0.1
    assert values[-1] > 0.25


def test_without_drift_it_has_the_mean_of_its_limit() -> None:
    # Yurdakul and Naranjo: (1/m + 1/n) χ² with bins − 1 degrees of freedom, if the
    # bins are fixed beforehand. Edges at quantiles of the reference fix its counts
    # instead; the sum of both variances, and so the mean, stays. The mean over 400
    # pairs has a standard error of √(2 / 9 / 400) = 2.4 %: 10 % is four of them.
    m, n, bins = 2000, 1000, 10
    generator = np.random.default_rng(5)
    values = [
        psi(generator.normal(size=m), generator.normal(size=n), bins)
        for _ in range(400)
    ]
    assert np.mean(values) == pytest.approx((1 / m + 1 / n) * (bins - 1), rel=0.1)


def test_smoothing_bounds_an_empty_bin() -> None:
    # Disjoint samples, two bins and both emptied on one side.
    reference, current = [0.0, 1.0, 2.0, 3.0], [9.0, 9.0]
    s = 1e-4
    full, half, empty = ((c + s) / (1 + 2 * s) for c in (1.0, 0.5, 0.0))
    expected = (half - empty) * math.log(half / empty)
    expected += (half - full) * math.log(half / full)
    assert psi(reference, current, bins=2) == pytest.approx(expected, rel=1e-12)
    assert psi(reference, current, bins=2, smoothing=1.0) < expected


def test_inputs_are_left_as_they_were() -> None:
    reference, current = np.array([3.0, 1.0, 2.0]), np.array([2.0, 0.0])
    psi(reference, current)
    assert reference.tolist() == [3, 1, 2]
    assert current.tolist() == [2, 0]


@pytest.mark.filterwarnings("error")
def test_extreme_magnitudes() -> None:
    top = np.finfo(np.float64).max
    assert psi([top, top], [top, top]) == 0.0
    assert psi([-top, -top], [-top, -top]) == 0.0
    assert psi([-top, -top], [top, 0.0]) > 1
    with pytest.raises(ValueError, match=r"^reference must be of a finite range"):
        psi([-top, top], [0.0, 0.0])


@pytest.mark.parametrize("name", ["reference", "current"])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([], ValueError),
        ([1.0], ValueError),
        ([1.0, math.nan], ValueError),
        ([1.0, math.inf], ValueError),
        ([[1.0, 2.0]], ValueError),
        (["a", "b"], TypeError),
    ],
)
def test_wrong_samples_are_named(
    name: str, wrong: list[float], error: type[Exception]
) -> None:
    samples = {"reference": [1.0, 2.0], "current": [1.0, 2.0], name: wrong}
    with pytest.raises(error, match=f"^{name} must be"):
        psi(samples["reference"], samples["current"])


@pytest.mark.parametrize(
    ("bins", "error"), [(1, ValueError), (0, ValueError), (2.0, TypeError)]
)
def test_wrong_bins_are_named(bins: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^bins must be"):
        psi([1.0, 2.0], [1.0, 2.0], bins=bins)


def test_a_truth_value_is_no_number() -> None:
    with pytest.raises(TypeError, match=r"^bins must be"):
        psi([1.0, 2.0], [1.0, 2.0], bins=True)
    with pytest.raises(TypeError, match=r"^smoothing must be"):
        psi([1.0, 2.0], [1.0, 2.0], smoothing=True)


@pytest.mark.parametrize("smoothing", [0.0, -1e-4, math.nan, math.inf])
def test_wrong_smoothing_is_named(smoothing: float) -> None:
    with pytest.raises(ValueError, match=r"^smoothing must be"):
        psi([1.0, 2.0], [1.0, 2.0], smoothing=smoothing)


def test_smoothing_must_be_a_number() -> None:
    with pytest.raises(TypeError, match=r"^smoothing must be"):
        psi([1.0, 2.0], [1.0, 2.0], smoothing="0.1")  # type: ignore[arg-type] # on purpose
