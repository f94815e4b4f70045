"""The drift detector: what it decides for each kind of feature, and as a family."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from reference.production.drift import (
    DriftDetector,
    DriftResult,
    benjamini_hochberg,
    bonferroni,
    chi_square_test,
    ks_test,
    psi,
)
from reference.production.drift.correction import CORRECTIONS

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
ROOT = np.random.default_rng(0)
STEADY = ROOT.normal(size=200)
ALIKE = ROOT.normal(size=150)
SHIFTED = ALIKE + 1.5


def one(detector: DriftDetector, first: object, second: object) -> DriftResult:
    detector.set_reference({"x": first})
    (result,) = detector.detect_drift({"x": second})
    return result


@given(P_VALUES)
def test_benjamini_hochberg_equals_scipy(p_values: list[float]) -> None:
    expected = stats.false_discovery_control(p_values, method="bh")
    # p m / i is rounded twice, in either order.
    np.testing.assert_allclose(benjamini_hochberg(p_values), expected, rtol=1e-15)


@given(P_VALUES)
def test_bonferroni_is_the_smallest_p_times_their_number(p_values: list[float]) -> None:
    expected = [min(1.0, len(p_values) * p) for p in p_values]
    np.testing.assert_array_equal(bonferroni(p_values), expected)


@pytest.mark.parametrize("wrong", [[-0.1], [1.1], [math.nan], [[0.5]]])
def test_wrong_p_values_are_named(wrong: list[float]) -> None:
    for correct in CORRECTIONS.values():
        with pytest.raises(ValueError, match=r"^p_values must be"):
            correct(wrong)


def test_each_method_reports_its_own_test() -> None:
    words, other = ["a", "b"] * 20, ["a", "b", "b"] * 20
    assert one(DriftDetector("ks"), STEADY, ALIKE) == DriftResult(
        "x", "ks", *ks_test(STEADY, ALIKE), 0.05, False
    )
    assert one(DriftDetector("ks"), STEADY, SHIFTED).drifted
    statistic, p_value, _ = chi_square_test(words, other)
    assert one(DriftDetector("chi_square", 0.2), words, other) == DriftResult(
        "x", "chi_square", statistic, p_value, 0.2, p_value <= 0.2
    )
    index = psi(STEADY, SHIFTED, 5)
    assert index > 0.25
    for threshold in (0.25, index, np.nextafter(index, 0)):
        result = one(DriftDetector("psi", float(threshold), bins=5), STEADY, SHIFTED)
        assert result == DriftResult(
            "x", "psi", index, None, threshold, index > threshold
        )


def test_auto_goes_by_the_kind_of_the_reference() -> None:
    data = {
        "float": STEADY,
        "int": np.arange(50),
        "list": [1, 2.5, None, np.float32(3)] * 20,
        "truth": np.array([True, False] * 20),
        "truths": [True, False] * 20,
        "text": np.array(["a", "b"] * 20),
        "mixed": ["a", 1] * 20,
    }
    results = DriftDetector("auto").set_reference(data).detect_drift(data)
    assert [result.feature for result in results] == list(data)
    assert [result.method for result in results] == ["ks"] * 3 + ["chi_square"] * 4
    assert [result.p_value for result in results] == [1.0] * 7
    with pytest.raises(TypeError, match=r"^current_data\['float'\] must be real"):
        DriftDetector("auto").set_reference(data).detect_drift(
            data | {"float": ["a"] * 30}
        )


def test_other_methods_take_truth_values_and_numbers_as_they_can() -> None:
    truth = np.array([True, False] * 20)
    assert one(DriftDetector("ks"), truth, truth).p_value == 1.0
    assert one(DriftDetector("chi_square"), np.arange(30) % 3, [0, 1, 2] * 9).p_value
    with pytest.raises(TypeError, match=r"^data\['x'\] must be real numbers"):
        DriftDetector("ks").set_reference({"x": ["a"]})


def test_missing_values_are_dropped() -> None:
    holes = np.insert(STEADY, [0, 5, 200], np.nan)
    objects = [None, *STEADY.tolist(), math.nan]
    expected = one(DriftDetector(), STEADY, ALIKE)
    assert one(DriftDetector(), holes, ALIKE) == expected
    assert one(DriftDetector(), objects, np.append(ALIKE, np.nan)) == expected
    words = ["a", "b", None, math.nan, "a"] * 10
    result = one(DriftDetector("chi_square"), words, ["a", "b", "a"] * 20)
    assert (result.statistic, result.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("method", ["ks", "psi", "chi_square", "auto"])
def test_too_few_values_are_not_judged(method: str) -> None:
    enough, few = np.arange(20.0), np.append(np.arange(100.0, 119.0), np.nan)
    for first, second in ((enough, few), (few, enough), (enough, [None] * 50)):
        result = one(DriftDetector(method), first, second)
        assert math.isnan(result.statistic)
        assert result.p_value is None
        assert not result.drifted
        assert "20 are wanted" in result.note
    detector = DriftDetector(method, min_expected=0.0)
    result = one(detector, enough, [*few[:-1].tolist(), 119.0])
    assert result.note == ""
    assert not math.isnan(result.statistic)


def test_the_index_wants_two_values_at_least() -> None:
    assert one(DriftDetector("psi", min_samples=1), [1.0], [1.0]).note
    assert one(DriftDetector("ks", min_samples=1), [1.0], [2.0]).note == ""


@pytest.mark.parametrize("method", ["ks", "psi", "chi_square"])
def test_constants_are_judged(method: str) -> None:
    same = one(DriftDetector(method), [5.0] * 30, [5.0] * 40)
    moved = one(DriftDetector(method), [5.0] * 30, [6.0] * 40)
    assert (same.statistic, same.drifted) == (0.0, False)
    assert moved.drifted


def test_new_and_lost_categories_are_drift() -> None:
    known, new = ["a", "b"] * 50, ["a", "b", "c"] * 33
    assert one(DriftDetector("chi_square"), known, new).drifted
    assert one(DriftDetector("chi_square"), new, known).drifted


def test_rare_categories_are_one_cell() -> None:
    # The smaller sample expects 20, 5, 4.5 and 0.5 values of a, b, c and d.
    first = ["a"] * 20 + ["b"] * 5 + ["c"] * 4 + ["d"]
    second = ["a"] * 20 + ["b"] * 5 + ["c"] * 5
    result = one(DriftDetector("chi_square"), first, second)
    assert (result.statistic, result.p_value) == (0.0, 1.0)  # the rare: 5 and 5
    result = one(DriftDetector("chi_square", min_expected=4.5), first, second)
    expected = chi_square_test(first, second)
    assert (result.statistic, result.p_value) == expected[:2]
    result = one(DriftDetector("chi_square", min_expected=0), first, second)
    assert (result.statistic, result.p_value) == expected[:2]
    assert result.note == ""


def test_the_smaller_sample_says_what_is_rare() -> None:
    # Of c it expects 500 · 100 / 10,100 < 5, though the larger has hundreds.
    larger = ["a"] * 9_000 + ["b"] * 505 + ["c"] * 495
    smaller = ["a"] * 90 + ["b"] * 5 + ["c"] * 4 + ["d"]
    detector = DriftDetector("auto")
    pooled = [[{"d": "c"}.get(v, v) for v in side] for side in (larger, smaller)]
    expected = chi_square_test(*pooled)
    for first, second in ((larger, smaller), (smaller, larger)):
        result = one(detector, first, second)
        assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
    # A category that is new is rare by this rule, and many values of it are drift.
    assert one(detector, larger, ["a"] * 90 + ["new"] * 10).drifted


def test_a_table_of_rare_categories_shows_nothing() -> None:
    names = [f"id {place}" for place in range(60)]
    result = one(DriftDetector("auto"), names[:30], names[30:])
    assert (result.statistic, result.p_value, result.drifted) == (0.0, 1.0, False)
    assert "all categories are rare" in result.note


@pytest.mark.parametrize("dtype", [float, int])
def test_masked_values_are_missing(dtype: type) -> None:
    hidden = np.arange(150) % 3 == 0
    values: NDArray[np.generic] = (100 * ALIKE).astype(dtype)
    masked = np.ma.masked_array(np.where(hidden, 999, values), mask=hidden)
    expected = one(DriftDetector(), 100 * STEADY, values[~hidden])
    assert one(DriftDetector(), 100 * STEADY, masked) == expected
    detector = DriftDetector().set_reference((100 * STEADY)[:, np.newaxis])
    (result,) = detector.detect_drift(masked[:, np.newaxis])
    assert result.statistic == expected.statistic
    with pytest.raises(ValueError, match=r"^current must be free of missing values"):
        ks_test(STEADY, masked)
    with pytest.raises(ValueError, match=r"^data\['x'\] must be a vector"):
        DriftDetector().set_reference({"x": masked.reshape(2, 75)})


def test_those_not_judged_do_not_belong_to_the_family() -> None:
    # Sixty features without enough values would drown a p-value of about 0.01.
    first = {"x": STEADY} | {f"empty {i}": [None] * 30 for i in range(60)}
    shift = next(
        shift
        for shift in np.linspace(0, 1, 200)
        if ks_test(STEADY, ALIKE + shift).p_value < 0.01
    )
    second = first | {"x": ALIKE + shift}
    for correction in CORRECTIONS:
        detector = DriftDetector(correction=correction).set_reference(first)
        assert [one.drifted for one in detector.detect_drift(second)][:2] == [
            True,
            False,
        ]


@pytest.mark.parametrize("correction", list(CORRECTIONS))
def test_the_family_is_corrected(correction: str) -> None:
    generator = np.random.default_rng(1)
    first = generator.normal(size=(60, 30))
    second = generator.normal(np.linspace(0, 0.9, 30), size=(60, 30))
    results = (
        DriftDetector(correction=correction).set_reference(first).detect_drift(second)
    )
    p_values = [
        stats.ks_2samp(a, b).pvalue for a, b in zip(first.T, second.T, strict=True)
    ]
    np.testing.assert_allclose(
        np.array([one.p_value for one in results], float), p_values, rtol=1e-10
    )
    if correction == "none":
        rejected = np.array(p_values) <= 0.05
    elif correction == "bonferroni":
        rejected = np.array(p_values) <= 0.05 / 30
    else:
        rejected = stats.false_discovery_control(p_values) <= 0.05
    assert [one.drifted for one in results] == rejected.tolist()
    assert 0 < rejected.sum() < 30


def test_the_family_keeps_to_its_level_without_drift() -> None:
    # Under the global null both corrections bound the chance of any alarm by 5 %;
    # thirty tests without one alarm in 79 %.
    generator = np.random.default_rng(2)
    runs, alarms = 120, dict.fromkeys(CORRECTIONS, 0)
    for _ in range(runs):
        first, second = generator.normal(size=(2, 20, 30))
        for correction in CORRECTIONS:
            detector = DriftDetector(correction=correction).set_reference(first)
            alarms[correction] += any(r.drifted for r in detector.detect_drift(second))
    most = stats.binom.ppf(0.9995, runs, 0.05)
    assert alarms["benjamini_hochberg"] <= most
    assert alarms["bonferroni"] <= most
    assert alarms["none"] > 3 * most


def test_names_and_order() -> None:
    table = np.arange(120.0).reshape(40, 3)
    columns = {"a": table[:, 0], "b": table[:, 1], "c": table[:, 2]}
    plain = DriftDetector().set_reference(table).detect_drift(table)
    assert [one.feature for one in plain] == ["feature_0", "feature_1", "feature_2"]
    named = DriftDetector(feature_names=["c", "b", "a"])
    results = named.set_reference(columns).detect_drift(table[:, ::-1])
    assert [one.feature for one in results] == ["c", "b", "a"]
    assert [one.statistic for one in results] == [0.0, 0.0, 0.0]
    swapped = {name: columns[name] for name in "cab"}
    results = DriftDetector().set_reference(columns).detect_drift(swapped)
    assert [one.feature for one in results] == ["a", "b", "c"]
    rows = [["u", 1.5], ["v", 2.5]] * 20
    results = DriftDetector("auto").set_reference(rows).detect_drift(rows)
    assert [one.method for one in results] == ["chi_square", "ks"]


def test_the_reference_is_a_copy_and_can_be_replaced() -> None:
    first: NDArray[np.float64] = STEADY.copy()
    words = ["a", "b"] * 20
    detector = DriftDetector("auto").set_reference({"x": first, "y": words})
    before = detector.detect_drift({"x": ALIKE, "y": ["a", "b"] * 20})
    first += 100
    words[:] = ["z"] * 40
    assert detector.detect_drift({"x": ALIKE, "y": ["a", "b"] * 20}) == before
    assert detector.set_reference({"x": SHIFTED}).detect_drift({"x": STEADY})[0].drifted


def test_a_refused_reference_leaves_the_earlier_one() -> None:
    detector = DriftDetector().set_reference({"x": STEADY})
    with pytest.raises(ValueError, match=r"^data\['y'\] must be finite"):
        detector.set_reference({"x": SHIFTED, "y": [math.inf]})
    assert not detector.detect_drift({"x": STEADY})[0].drifted


def test_nothing_to_compare_with() -> None:
    with pytest.raises(RuntimeError, match=r"^set_reference must be called"):
        DriftDetector().detect_drift({"x": STEADY})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"x": STEADY}, "without y"),
        ({"x": STEADY, "y": STEADY, "z": STEADY}, "with z"),
        ({"x": STEADY, "z": STEADY}, "without y and with z"),
        (np.ones((30, 2)), "without x, y and with feature_0, feature_1"),
    ],
)
def test_other_columns_are_named(data: dict[str, object], told: str) -> None:
    detector = DriftDetector().set_reference({"x": STEADY, "y": STEADY})
    with pytest.raises(ValueError, match=f"^current_data must have .* {told}$"):
        detector.detect_drift(data)
    named = DriftDetector(feature_names=["x", "y", "w"])
    with pytest.raises(ValueError, match=r"^data must "):
        named.set_reference(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({}, ValueError),
        ([1.0, 2.0], ValueError),
        ([[1.0, 2.0], [3.0]], ValueError),
        ({"x": [[1.0]]}, TypeError),
        ({"x": np.ones((2, 2))}, ValueError),
        ({"x": [math.inf] * 30}, ValueError),
        ({"x": "text"}, TypeError),
        ({"x": np.array([1j])}, TypeError),
        ({1: STEADY}, TypeError),
    ],
)
def test_wrong_data_are_named(data: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^data"):
        DriftDetector().set_reference(data)


@pytest.mark.parametrize(
    ("make", "error", "name"),
    [
        (lambda: DriftDetector("t"), ValueError, "method"),
        (lambda: DriftDetector(threshold=0.0), ValueError, "threshold"),
        (lambda: DriftDetector(threshold=1.0), ValueError, "threshold"),
        (lambda: DriftDetector("psi", math.inf), ValueError, "threshold"),
        (lambda: DriftDetector("psi", 0.0), ValueError, "threshold"),
        (lambda: DriftDetector(threshold=True), TypeError, "threshold"),
        (lambda: DriftDetector(correction="holm"), ValueError, "correction"),
        (lambda: DriftDetector(min_samples=0), ValueError, "min_samples"),
        (lambda: DriftDetector(bins=1), ValueError, "bins"),
        (lambda: DriftDetector(min_expected=-0.1), ValueError, "min_expected"),
        (lambda: DriftDetector(min_expected=math.inf), ValueError, "min_expected"),
        (lambda: DriftDetector(min_expected=math.nan), ValueError, "min_expected"),
        (lambda: DriftDetector(min_expected=True), TypeError, "min_expected"),
        (lambda: DriftDetector(feature_names="ab"), TypeError, "feature_names"),
        (lambda: DriftDetector(feature_names=[]), ValueError, "feature_names"),
        (lambda: DriftDetector(feature_names=["a", "a"]), ValueError, "feature_names"),
    ],
)
def test_wrong_settings_are_named(
    make: Callable[[], DriftDetector], error: type[Exception], name: str
) -> None:
    with pytest.raises(error, match=f"^{name} must be"):
        make()
