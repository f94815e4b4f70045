import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import (
    assert_close,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    seeds,
    unchanged,
)
from katas.drift.drift_detector import DriftDetector, DriftResult
from reference.production import drift

Values = Sequence[object]

CORRECTIONS = ("none", "bonferroni", "benjamini_hochberg")
METHODS = ("ks", "psi", "chi_square", "auto")
# Under eight values on each side D is a multiple of 1/8; the p-values that it can have.
SIZE = 8
TOO_FEW = -1

numbers = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=20)
words = st.lists(st.sampled_from("abcd"), min_size=2, max_size=20)


def detector(
    method: str = "ks", threshold: float = 0.05, **more: object
) -> DriftDetector:
    """Return a detector that judges two values and more, and rare categories apart."""
    settings = {"min_samples": 2, "min_expected": 0, **more}
    return DriftDetector(method, threshold, **settings)


def judge(detector: DriftDetector, first: object, second: object) -> list[DriftResult]:
    """Compare two tables."""
    return detector.set_reference(first).detect_drift(second)


def judge_one(
    detector: DriftDetector, first: Values | np.ndarray, second: Values | np.ndarray
) -> DriftResult:
    """Compare two columns."""
    results = judge(detector, {"x": first}, {"x": second})
    assert_equal(len(results), 1, "the number of results")
    return results[0]


def assert_found(
    result: DriftResult, method: str, statistic: float, p_value: float | None
) -> None:
    """Compare what does not depend on the other features.

    A few dozen roundings, multiplied by x = T / 2 < 40 where p falls as e^{−x}.
    """
    assert_equal(result.method, method, "method")
    assert_close(result.statistic, statistic, what="statistic", rtol=1e-11, atol=1e-12)
    if p_value is None:
        assert_equal(result.p_value, None, "p_value")
    else:
        assert_close(result.p_value, p_value, what="p_value", rtol=1e-9, atol=1e-14)
    assert_equal(result.note, "", "note")


def assert_not_judged(result: DriftResult) -> None:
    """Check a feature that has too few values."""
    assert_equal(result.statistic, math.nan, "statistic")
    assert_equal(result.p_value, None, "p_value")
    assert_equal(result.drifted, False, "drifted")
    told = isinstance(result.note, str) and result.note != ""
    assert_holds(told, "the note says why the feature is not judged", actual=result)


def features(results: list[DriftResult]) -> list[str]:
    """Return the names."""
    return [result.feature for result in results]


def drifted(results: list[DriftResult]) -> list[bool]:
    """Return the decisions."""
    return [result.drifted for result in results]


def test_one_feature_by_hand() -> None:
    """Four values all below four others: D = 1, and p is 2 of 70 orders."""
    apart = judge_one(detector(threshold=0.03), [1, 4, 2, 3], [8, 6, 7, 5])
    assert_equal(apart.feature, "x", "feature")
    assert_found(apart, "ks", 1.0, 2 / 70)
    assert_equal((apart.threshold, apart.drifted), (0.03, True), "the decision")
    near = judge_one(detector(threshold=0.03), [1, 4, 2, 3], [1, 2, 3, 4])
    assert_found(near, "ks", 0.0, 1.0)
    assert_equal((near.threshold, near.drifted), (0.03, False), "the decision")


@given(numbers, numbers)
@example([0.0, 1.0, 2.0], [1.0, 3.0])
@example([0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0])
@example([2.0, 1.0, 0.0, 1.0], [2.0, -1.0, 3.0])
def test_ks_has_the_distance_and_the_exact_p_value(
    first: Values, second: Values
) -> None:
    """For "ks" the statistic is D, and p the share of the orders that reach it."""
    result = judge_one(detector("ks"), first, second)
    assert_found(result, "ks", *drift.ks_test(first, second, method="exact"))


@given(words, words)
@example(["a", "b", "b"], ["b", "c", "c", "d", "a"])
@example(["a", "a"], ["a", "a", "a"])
@example(["a", "b"], ["c", "d"])
@example(["a", "b", "c"], ["a", "b", "b", "b"])
def test_chi_square_compares_the_counts(first: Values, second: Values) -> None:
    """For "chi_square" the statistic is T over both rows, and p its upper tail."""
    result = judge_one(detector("chi_square"), first, second)
    assert_found(result, "chi_square", *drift.chi_square_test(first, second)[:2])


@given(numbers, numbers, st.integers(2, 12))
@example([0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 3.0], 4)
@example([1.0, 1.0, 1.0, 2.0, 3.0], [1.0, 0.5, 2.0], 4)
@example([1.0, 2.0, 3.0, 3.0, 3.0], [3.0, 2.5, 4.0], 4)
@example([0.0, 1.0], [0.55, 0.1, 0.9, 0.2], 11)
def test_psi_is_an_index_without_a_p_value(
    first: Values, second: Values, bins: int
) -> None:
    """For "psi" the statistic is the index with that many bins, and p_value is None."""
    result = judge_one(detector("psi", bins=bins), first, second)
    assert_found(result, "psi", drift.psi(first, second, bins), None)


def test_ten_bins_are_the_default() -> None:
    """Without an argument "psi" cuts the reference into ten bins."""
    first, second = np.arange(40.0), np.arange(40.0) ** 2 / 40
    result = judge_one(DriftDetector("psi"), first, second)
    assert_found(result, "psi", drift.psi(first, second, 10), None)


@given(numbers, numbers)
@example([0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 3.0])
@example([0.0, 1.0], [1.0, 0.0])
def test_an_index_drifts_above_its_threshold(first: Values, second: Values) -> None:
    """An index of exactly the threshold has not drifted, and a large one has."""
    index = judge_one(detector("psi"), first, second).statistic
    for threshold in (index, index / 2, index * 2, 0.1, 0.25, 2.0):
        if threshold > 0:
            result = judge_one(detector("psi", threshold), first, second)
            assert_equal(result.drifted, index > threshold, f"drifted at {threshold}")


def test_a_test_drifts_at_its_threshold() -> None:
    """A p-value of exactly the threshold has drifted, and one above it has not."""
    first, second = list(range(8)), list(range(4, 12))
    for method in ("ks", "chi_square"):
        p_value = judge_one(detector(method), first, second).p_value
        assert_holds(p_value is not None, f"{method} has a p-value")
        for threshold, expected in ((p_value, True), (p_value * 0.999, False)):
            for correction in CORRECTIONS:
                made = detector(method, threshold, correction=correction)
                assert_equal(judge_one(made, first, second).drifted, expected)


def tail(shift: int) -> Fraction:
    """Return the exact p-value of D = shift / 8 by the reflection principle."""
    if shift == 0:
        return Fraction(1)
    paths = sum(
        (-1) ** (k - 1) * math.comb(2 * SIZE, SIZE - k * shift)
        for k in range(1, SIZE // shift + 1)
    )
    return Fraction(2 * paths, math.comb(2 * SIZE, SIZE))


def rejected(p_values: list[Fraction], level: Fraction, correction: str) -> Fraction:
    """Return the largest p-value that the definition rejects, or −1."""
    size = len(p_values)
    bounds = {
        "none": [level] * size,
        "bonferroni": [level / size] * size if size else [],
        "benjamini_hochberg": [level * i / size for i in range(1, size + 1)],
    }[correction]
    pairs = zip(sorted(p_values), bounds, strict=True)
    return max((p for p, bound in pairs if p <= bound), default=Fraction(-1))


@given(
    st.lists(st.integers(TOO_FEW, SIZE), min_size=1, max_size=6),
    # No p-value, a multiple of 1/12870, is a simple part of these.
    st.sampled_from(["0.011", "0.051", "0.101", "0.231"]),
    st.sampled_from(CORRECTIONS),
)
@example([5, 5], "0.101", "benjamini_hochberg")
@example([5, 0, 5], "0.231", "benjamini_hochberg")
@example([6, 5, 5], "0.051", "none")
@example([6, 5, 6], "0.051", "bonferroni")
@example([6, 8, 6], "0.051", "bonferroni")
@example([6, 5, 0, 5], "0.051", "benjamini_hochberg")
@example([6, TOO_FEW, 6, TOO_FEW, TOO_FEW, TOO_FEW], "0.051", "bonferroni")
@example([6, TOO_FEW, TOO_FEW, TOO_FEW], "0.051", "benjamini_hochberg")
@example([8, 7, 6, 5, 4, 3], "0.101", "benjamini_hochberg")
@example([TOO_FEW], "0.051", "bonferroni")
def test_all_p_values_are_one_family(
    shifts: list[int], level: str, correction: str
) -> None:
    """The correction follows its definition, over the features with a p-value only."""
    reference = {f"feature {i}": [*range(SIZE)] for i in range(len(shifts))}
    current = {
        f"feature {i}": [*range(max(shift, 0), SIZE + shift)]
        for i, shift in enumerate(shifts)
    }
    made = detector("ks", float(level), correction=correction, min_samples=SIZE)
    results = judge(made, reference, current)
    assert_equal(features(results), list(reference), "the features")
    family = [tail(shift) for shift in shifts if shift != TOO_FEW]
    bound = rejected(family, Fraction(level), correction)
    for shift, result in zip(shifts, results, strict=True):
        if shift == TOO_FEW:
            assert_not_judged(result)
        else:
            assert_found(result, "ks", shift / SIZE, float(tail(shift)))
            what = f"drifted of {result.feature}"
            assert_equal(result.drifted, tail(shift) <= bound, what)


def test_the_defaults() -> None:
    """By default: ks, a threshold of 0.05, Benjamini-Hochberg, twenty values."""
    columns = {"a": np.arange(20), "b": np.arange(20), "c": np.arange(19)}
    current = {"a": np.arange(20) + 9, "b": np.arange(20) + 9, "c": np.arange(20)}
    results = judge(DriftDetector(), columns, current)
    # p(9/20) = 0.0335 lies above 0.05 / 2 and below 0.05.
    assert_equal(drifted(results), [True, True, False], "drifted")
    assert_equal([result.threshold for result in results], [0.05] * 3, "threshold")
    assert_found(results[0], "ks", 9 / 20, 0.0335416594061465)
    assert_not_judged(results[2])
    # Of b, c and d 5, 4.5 and 0.5 values are expected: b stays, c and d are 4 and 6.
    words = list("a" * 10 + "b" * 6 + "c" * 4), list("a" * 10 + "b" * 4 + "c" * 5 + "d")
    result = judge_one(DriftDetector("auto"), *words)
    assert_found(result, "chi_square", 0.8, math.exp(-0.4))


@given(st.integers(1, 5), st.integers(0, 6), st.integers(0, 6))
@example(3, 3, 3)
@example(3, 2, 3)
@example(3, 3, 2)
@example(1, 1, 1)
def test_too_few_values_are_not_judged(least: int, m: int, n: int) -> None:
    """A feature is judged where both samples have min_samples values."""
    for method in ("ks", "chi_square"):
        made = detector(method, min_samples=least)
        result = judge_one(made, [1.0, *[2.0] * 6][:m], [1.0, *[2.0] * 6][:n])
        if min(m, n) < least:
            assert_not_judged(result)
        else:
            assert_equal(result.note, "", "note")


def test_missing_values_leave_their_column_only() -> None:
    """None and NaN are left out of their column; the other columns keep the row."""
    nan = math.nan
    reference = {"a": [1.0, nan, 2.0, None, 3.0], "b": ["x", None, "x", "y", "y"]}
    current = {"a": [2.0, 3.0, None, 4.0, nan], "b": ["y", "x", nan, "y", "y"]}
    a, b = judge(detector("auto"), reference, current)
    assert_found(a, "ks", *drift.ks_test([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]))
    found = drift.chi_square_test(["x", "x", "y", "y"], ["y", "x", "y", "y"])
    assert_found(b, "chi_square", *found[:2])
    made = detector("auto", min_samples=4)
    results = judge(made, reference, current)
    assert_not_judged(results[0])
    assert_equal(results[1].note, "", "note")
    result = judge_one(detector("psi"), [nan, 0.0, 1.0, 2.0], [1.0, nan, 3.0])
    assert_found(result, "psi", drift.psi([0.0, 1.0, 2.0], [1.0, 3.0]), None)


def test_auto_looks_at_the_reference() -> None:
    """For "auto" numbers in the reference mean ks; text and truth values do not."""
    mixed = [1, "b", 1]
    columns = {
        "ints": ([1, 2, 2], [2, 3, 3], "ks"),
        "floats": ([1.5, None, 2.0], [2, 3, 3], "ks"),
        "array": (np.array([1, 2, 2]), np.array([2, 3]), "ks"),
        "text": (["a", "b", "b"], ["a", "c"], "chi_square"),
        "text array": (np.array(["a", "b"]), np.array(["a", "c"]), "chi_square"),
        "truths": ([True, False, True], [True, True], "chi_square"),
        "truth array": (np.array([True, False]), np.array([True, True]), "chi_square"),
        "mixed": (mixed, [1, 2], "chi_square"),
        "one truth": ([1, True, 2], [1, 2], "chi_square"),
        "missing truth": ([None, True], [True, False], "chi_square"),
    }
    reference = {name: column[0] for name, column in columns.items()}
    current = {name: column[1] for name, column in columns.items()}
    results = judge(detector("auto", min_samples=1), reference, current)
    expected = [column[2] for column in columns.values()]
    assert_equal([result.method for result in results], expected, "method")


def test_constants_are_judged() -> None:
    """A constant that stays has p = 1 or the index 0; one that moves drifts."""
    for method, same in (("ks", 1.0), ("chi_square", 1.0), ("psi", None)):
        result = judge_one(detector(method, 0.1), [7.0] * 9, [7.0] * 12)
        assert_found(result, method, 0.0, same)
        assert_equal(result.drifted, False, f"drifted of {method}")
        result = judge_one(detector(method, 0.1), [7.0] * 9, [7.5] * 12)
        assert_equal(result.note, "", "note")
        assert_equal(result.drifted, True, f"drifted of {method}")


def test_new_categories_count() -> None:
    """A category that one side alone has is part of the table."""
    result = judge_one(detector("chi_square"), ["a"] * 6 + ["b"] * 6, ["a", "c"] * 6)
    assert_found(result, "chi_square", 12.0, math.exp(-6.0))
    assert_equal(result.drifted, True, "drifted")


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6),
    st.integers(2, 30),
    st.integers(2, 30),
    # Nothing but zero is a multiple of these, however it is rounded.
    st.sampled_from([0, 0.4999, 2.4999, 5.0001]),
)
@example([(6, 4), (1, 1), (0, 2)], 13, 13, 5)
@example([(0, 1), (0, 1), (0, 1), (3, 0), (5, 5)], 30, 12, 2.5)
@example([(1, 0), (1, 0), (1, 0), (0, 3), (5, 5)], 12, 30, 2.5)
@example([(1, 2), (2, 1)], 2, 2, 5)
@example([(1, 0), (0, 1)], 19, 19, 0.5)
@example([], 4, 30, 5)
def test_rare_categories_share_a_cell(
    others: list[tuple[int, int]], m: int, n: int, least: float
) -> None:
    """Categories with fewer values expected than min_expected are one category."""
    table = {"usual": (m, n)}
    table |= {f"other {i}": pair for i, pair in enumerate(others) if sum(pair)}
    m, n = (sum(pair[side] for pair in table.values()) for side in (0, 1))
    rare = {c for c in table if Fraction(sum(table[c]) * min(m, n), m + n) < least}
    samples = [[c for c in table for _ in range(table[c][side])] for side in (0, 1)]
    pooled = [["rare" if c in rare else c for c in sample] for sample in samples]
    result = judge_one(detector("chi_square", min_expected=least), *samples)
    statistic, p_value, _ = drift.chi_square_test(*pooled)
    if rare == table.keys():
        assert_close(result.statistic, 0.0, what="statistic", atol=1e-12)
        assert_close(result.p_value, 1.0, what="p_value", atol=1e-12)
        assert_equal(result.drifted, False, "drifted")
        told = isinstance(result.note, str) and result.note != ""
        assert_holds(told, "the note says that all are rare", actual=result)
    else:
        assert_found(result, "chi_square", statistic, p_value)


@given(st.permutations(["p", "q", "r"]), st.permutations(["p", "q", "r"]))
@example(["p", "q", "r"], ["r", "q", "p"])
def test_columns_are_joined_by_name(first: list[str], second: list[str]) -> None:
    """Results stand in the order of the reference, whatever order the data have."""
    level = {"p": 0, "q": 10, "r": 20}
    reference = {name: [level[name] + i for i in range(6)] for name in first}
    current = {name: [level[name] + i for i in range(7)] for name in second}
    results = judge(detector(), reference, current)
    assert_equal(features(results), first, "the features")
    assert_equal(drifted(results), [False] * 3, "drifted")
    # The names given set the order, for a matrix and for a mapping.
    for data in (reference, current):
        results = judge(detector(feature_names=second), data, current)
        assert_equal(features(results), second, "the features")
        assert_equal(drifted(results), [False] * 3, "drifted")


def test_a_matrix_has_a_column_for_each_feature() -> None:
    """The columns of a matrix are feature_0, feature_1, …, or as feature_names says."""
    reference = [[0, "a"], [1, "b"], [2, "b"]]
    current = np.array([[1, "b"], [2, None], [3, "b"], [4, "a"]], dtype=object)
    for given_names, names in (
        (None, ["feature_0", "feature_1"]),
        (["age", "town"], ["age", "town"]),
    ):
        made = detector("auto", feature_names=given_names)
        results = judge(made, reference, current)
        assert_equal(features(results), names, "the features")
        assert_found(results[0], "ks", *drift.ks_test([0, 1, 2], [1, 2, 3, 4]))
        found = drift.chi_square_test(["a", "b", "b"], ["b", "b", "a"])
        assert_found(results[1], "chi_square", *found[:2])
        # What a mapping with these names holds is the same.
        table = {names[1]: current[:, 1], names[0]: current[:, 0]}
        assert_equal(made.detect_drift(table), results, "of a mapping")
    wide = np.arange(18.0).reshape(3, 6)[:, ::2]
    results = judge(detector(), wide, wide[::-1])
    assert_equal([result.statistic for result in results], [0.0] * 3, "statistic")


@given(seeds(), st.sampled_from(METHODS), st.sampled_from(CORRECTIONS))
@example(1, "auto", "benjamini_hochberg")
@example(2, "psi", "bonferroni")
def test_the_results_agree_with_the_reference(
    seed: int, method: str, correction: str
) -> None:
    """On any table all results are those of the reference's detector."""
    rng = np.random.default_rng(seed)
    # No p-value of a size like these is a simple part of this threshold.
    setting = {"threshold": 0.1237, "correction": correction, "min_samples": 6}
    # Of three categories one at least is expected twice; numbers come once each.
    setting["min_expected"] = 1 if method == "auto" else 0
    tables = []
    for size in rng.integers(5, 16, 2):
        table: dict[str, Values] = {"normal": rng.normal(size=size).tolist()}
        table["shifted"] = rng.normal(1.5 * len(tables), size=size).tolist()
        table["few"] = rng.choice([0.0, 1.0, math.nan], size).tolist()
        if method == "auto":
            table["word"] = rng.choice(["a", "b", "c"], size + 3).tolist()
            table["truth"] = (rng.random(size + 1) < 0.3).tolist()
        tables.append(table)
    expected = judge(drift.DriftDetector(method, **setting), *tables)
    results = judge(DriftDetector(method, **setting), *tables)
    assert_equal(features(results), list(tables[0]), "the features")
    for result, wanted in zip(results, expected, strict=True):
        if wanted.note:
            assert_not_judged(result)
        else:
            assert_found(result, wanted.method, wanted.statistic, wanted.p_value)
        assert_equal(result.drifted, wanted.drifted, f"drifted of {wanted.feature}")


def test_the_reference_is_a_copy() -> None:
    """What is done to the data after the call changes nothing, nor does the call."""
    made = detector("auto")
    matrix = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 0.0]])
    column, mapping = [1.0, 2.0, 0.0], {"a": np.array([3.0, 1.0, 2.0])}
    mapping["b"] = column
    for data in (matrix, mapping):
        current = {"feature_0": [3.0, 2.0, 1.0], "feature_1": [2.0, 1.0, 0.0]}
        if data is mapping:
            current = dict(zip("ab", current.values(), strict=True))
        with unchanged(data=data, current=current):
            before = judge(made, data, current)
        if data is mapping:
            mapping["a"][:] = -9.0
            column.append(50.0)
            mapping["c"] = column
        else:
            matrix[:] = -9.0
        assert_equal(made.detect_drift(current), before, "the results")
        assert_equal(drifted(before), [False, False], "drifted")


def test_a_new_reference_takes_the_place_of_the_old() -> None:
    """The last reference counts, with its own columns; the detector is returned."""
    made = detector()
    assert_holds(made.set_reference({"a": [1, 2]}) is made, "it returns the detector")
    made.set_reference({"b": [1, 2], "c": [3, 4]})
    results = made.detect_drift({"b": [1, 2], "c": [3, 4]})
    assert_equal(features(results), ["b", "c"], "the features")
    again = made.detect_drift({"b": [1, 2], "c": [3, 4]})
    assert_equal(again, results, "the results of the same data")


def test_other_columns_are_refused() -> None:
    """A column that is missing or new raises and is named; the reference stays."""
    made = detector().set_reference({"age": [1, 2], "town": [1, 2]})
    for bad, names in (
        ({"age": [1, 2]}, ["town"]),
        ({"age": [1, 2], "town": [1, 2], "pay": [1, 2]}, ["pay"]),
        ({"age": [1, 2], "city": [1, 2]}, ["town", "city"]),
        (np.ones((3, 2)), []),
        (np.ones((3, 1)), []),
        ([1.0, 2.0], []),
        (np.ones((2, 2, 2)), []),
    ):
        for name in ["current_data", *names]:
            assert_raises_naming(name, made.detect_drift, bad)
    named = detector(feature_names=["age", "town"])
    named.set_reference([[1, 5], [2, 6]])
    for bad, names in (
        ({"age": [1, 2]}, ["town"]),
        ({"age": [1, 2], "town": [1, 2], "pay": [1, 2]}, ["pay"]),
        (np.ones((3, 1)), []),
        (np.ones((3, 3)), []),
        ([1.0, 2.0], []),
        (np.ones((2, 2, 2)), []),
    ):
        for name in ["data", *names]:
            assert_raises_naming(name, named.set_reference, bad)
    table = {"age": np.ones((2, 1)), "town": [1, 2]}
    assert_raises_naming("age", named.set_reference, table)
    results = named.detect_drift({"town": [5, 6], "age": [1, 2]})
    assert_equal(features(results), ["age", "town"], "the features")
    assert_equal([result.statistic for result in results], [0.0, 0.0], "statistic")


def test_bad_settings_are_refused() -> None:
    """Unknown words and thresholds out of range raise; so does a missing reference."""
    for bad in ("KS", "wasserstein", ""):
        assert_raises_naming("method", DriftDetector, bad)
        assert_raises_naming("correction", DriftDetector, correction=bad)
    for level in (0.0, -0.1, math.nan, math.inf):
        for method in METHODS:
            assert_raises_naming("threshold", DriftDetector, method, level)
    for method in ("ks", "chi_square", "auto"):
        assert_raises_naming("threshold", DriftDetector, method, 1.0)
    for least in (0, -1):
        assert_raises_naming("min_samples", DriftDetector, min_samples=least)
    for least in (-0.1, -5):
        assert_raises_naming("min_expected", DriftDetector, min_expected=least)
    for method, level in (("psi", 1.0), ("psi", 3), ("ks", 0.999)):
        made = DriftDetector(method, level)
        call = made.detect_drift
        assert_raises_naming("set_reference", call, {"a": [1]}, error=RuntimeError)
