"""The chi-square test against SciPy, and its distribution beyond whole degrees.

Tolerance: the statistic is a sum of up to a few dozen rounded quotients of whole
numbers, 1e-13 relative. A survival probability's relative error is that of its
exponent, of the size of the statistic times eps: 1e-11 covers 700 and 10⁵ degrees.
"""

import math
from collections.abc import Callable, Hashable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from reference.production.drift import chi_square_survival, chi_square_test
from reference.production.drift.chi_square import chi_square_quantile

SAMPLES = st.lists(st.sampled_from(["a", "b", "c", 1, 2, (3, "d")]), min_size=1)


def table_of(first: list[Hashable], second: list[Hashable]) -> list[list[int]]:
    categories = list(dict.fromkeys([*first, *second]))
    return [[sample.count(c) for c in categories] for sample in (first, second)]


@settings(deadline=None)
@given(first=SAMPLES, second=SAMPLES)
def test_equals_scipy(first: list[Hashable], second: list[Hashable]) -> None:
    result = chi_square_test(first, second)
    expected = stats.chi2_contingency(table_of(first, second), correction=False)
    assert result.degrees_of_freedom == expected.dof
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-13, abs=1e-13)
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-11)


@pytest.mark.parametrize("categories", [2, 50, 3000])
def test_larger_tables_equal_scipy(categories: int) -> None:
    generator = np.random.default_rng(categories)
    first = generator.integers(0, categories, 20_000)
    second = generator.integers(0, categories, 30_000) // 2 * 2
    result = chi_square_test(first, second)
    counts = [np.bincount(sample, minlength=categories) for sample in (first, second)]
    table = np.array(counts)[:, np.sum(counts, axis=0) > 0]
    expected = stats.chi2_contingency(table, correction=False)
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert result.degrees_of_freedom == expected.dof
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-11)


def test_by_hand() -> None:
    assert chi_square_test(["a", "b"], ["c", "d"]) == (
        4.0,
        chi_square_survival(4, 3),
        3,
    )
    assert chi_square_test([7], [7, 7]) == (0.0, 1.0, 0)
    assert chi_square_test(list("aba"), list("baaaab"))[:2] == (0.0, 1.0)
    # Told apart as keys are: 1, 1.0 and True are one, 1 and "1" are two.
    assert chi_square_test([1, 1.0], [True]).degrees_of_freedom == 0
    assert chi_square_test([1], ["1"]).degrees_of_freedom == 1


@pytest.mark.parametrize(
    "degrees", [0.01, 0.3, 1, 2, 3, 9.7, 39, 40, 41, 500, 10_000, 100_000]
)
def test_survival_equals_scipy(degrees: float) -> None:
    chances = [1e-300, 1e-100, 1e-20, 1e-6, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-9]
    points = np.asarray(stats.chi2.isf(chances, degrees))
    assert (points[:5] > 0).all()
    for x in points.tolist():
        expected = special.gammaincc(degrees / 2, x / 2)
        assert chi_square_survival(x, degrees) == pytest.approx(expected, rel=1e-11)


def test_survival_has_its_closed_forms() -> None:
    for x in (1e-10, 0.5, 1.0, 3.0, 30.0, 1000.0):
        assert chi_square_survival(x, 2) == pytest.approx(math.exp(-x / 2), rel=1e-12)
        one = math.erfc(math.sqrt(x / 2))
        assert chi_square_survival(x, 1) == pytest.approx(one, rel=1e-12)
    assert chi_square_survival(0.0, 5) == 1.0
    assert chi_square_survival(math.inf, 5) == 0.0


@pytest.mark.parametrize("degrees", [1, 2.5, 9, 200])
@pytest.mark.parametrize("share", [1e-6, 0.05, 0.5, 0.95, 0.999])
def test_quantile_equals_scipy(degrees: float, share: float) -> None:
    expected = stats.chi2.ppf(share, degrees)
    # 1 − share carries eps, which a small share magnifies.
    rel = 1e-10 + 1e-15 / share
    assert chi_square_quantile(share, degrees) == pytest.approx(expected, rel=rel)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: chi_square_survival(1.0, 0), "degrees"),
        (lambda: chi_square_survival(-1.0, 1), "statistic"),
        (lambda: chi_square_survival(math.nan, 1), "statistic"),
        (lambda: chi_square_survival(1.0, math.nan), "degrees"),
        (lambda: chi_square_quantile(0.0, 1), "share"),
        (lambda: chi_square_quantile(1.0, 1), "share"),
    ],
)
def test_outside_of_the_domain(call: Callable[[], float], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        call()


@pytest.mark.parametrize("name", ["reference", "current"])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([], ValueError),
        (["a", None], ValueError),
        ([1.0, math.nan], ValueError),
        (np.array([1.0, np.nan], dtype=np.float32), ValueError),
        (np.array([["a"]]), ValueError),
        ([["a"]], TypeError),
        ("abc", TypeError),
    ],
)
def test_wrong_samples_are_named(
    name: str, wrong: list[Hashable], error: type[Exception]
) -> None:
    samples: dict[str, list[Hashable]] = {"reference": ["a"], "current": ["a"]}
    samples[name] = wrong
    with pytest.raises(error, match=f"^{name} must be"):
        chi_square_test(**samples)
