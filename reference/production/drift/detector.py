"""Drift of many features at once, as one family of tests."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from reference.core.validation import require, require_one_of
from reference.production.drift.chi_square import count_categories
from reference.production.drift.columns import (
    Column,
    Table,
    read_table,
    require_names,
)
from reference.production.drift.correction import CORRECTIONS
from reference.production.drift.kolmogorov_smirnov import ks_test
from reference.production.drift.pooling import compare_pooled
from reference.production.drift.samples import require_whole
from reference.production.drift.stability import psi

METHODS = ("ks", "psi", "chi_square", "auto")


@dataclass(frozen=True)
class DriftResult:
    """What was found of one feature.

    ``method`` is the one that was used: ``ks``, ``psi`` or ``chi_square``. ``p_value``
    is that of the feature alone, before any correction, and None where there is none.
    ``note`` says why nothing was judged, or could be seen.
    """

    feature: str
    method: str
    statistic: float
    p_value: float | None
    threshold: float
    drifted: bool
    note: str = ""


class DriftDetector:
    """Compare the features of current data with those of a reference.

    ``method`` is ``ks`` (numbers), ``psi`` (numbers), ``chi_square`` (categories) or
    ``auto``: ``ks`` for the features whose reference is numbers, ``chi_square`` for
    all others; truth values are categories.

    ``threshold`` has the meaning of the method. For tests it is the level of the whole
    family, all features with a p-value: a feature has drifted where its p-value,
    adjusted by ``correction`` (``benjamini_hochberg``, ``bonferroni`` or ``none``), is
    at most ``threshold``. For ``psi``, with ``bins`` bins, a feature has drifted where
    the index exceeds ``threshold``; 0.1 and 0.25 are usual (see ``psi``), and
    ``psi_critical_value`` gives the one with a wanted rate of false alarms.

    Missing values (None, NaN) are dropped, feature by feature. A feature with fewer
    than ``min_samples`` values left on either side (for ``psi`` fewer than two) is not
    judged: its statistic is NaN, a note says why, and it does not belong to the
    family. A constant is judged as any other feature. A category that only one side
    has counts like any other.

    The chi-square distribution holds for counts that are large enough. Categories of
    which the smaller sample expects fewer than ``min_expected`` values (see
    ``pool_rare``; 0: none) are therefore one cell. Where all are that rare the
    statistic is 0, the p-value 1, and a note says so.

    Data are a mapping of names to vectors, which may differ in length, or a table of
    shape (n, features) named by ``feature_names``, else ``feature_0``, ``feature_1``,
    …. Both methods raise ``ValueError`` for other columns than expected and for
    infinite numbers, ``TypeError`` for text where numbers are compared. They compare
    one distribution with another: whether the target still depends on the features as
    it did cannot be seen without labels.
    """

    def __init__(
        self,
        method: str = "ks",
        threshold: float = 0.05,
        feature_names: Sequence[str] | None = None,
        *,
        correction: str = "benjamini_hochberg",
        min_samples: int = 20,
        bins: int = 10,
        min_expected: float = 5.0,
    ) -> None:
        check_settings(method, threshold, correction, min_samples, bins, min_expected)
        self.method = method
        self.threshold = float(threshold)
        self.feature_names = check_feature_names(feature_names)
        self.correction = correction
        self.min_samples = min_samples
        self.bins = bins
        self.min_expected = float(min_expected)
        self._reference: dict[str, Column] | None = None

    def set_reference(self, data: Table) -> "DriftDetector":
        """Keep a copy of the reference; an earlier one is forgotten."""
        table = read_table(data, "data", self.feature_names)
        kept: dict[str, Column] = {}
        for name, column in table.items():
            numeric = method_for(self.method, column.is_numeric) != "chi_square"
            values = column.numbers() if numeric else column.categories()
            kept[name] = Column(column.label, values)
        self._reference = kept
        return self

    def detect_drift(self, current_data: Table) -> list[DriftResult]:
        """Return what was found of each feature, in the order of the reference.

        Raises ``RuntimeError`` before ``set_reference``.
        """
        reference = self._reference
        if reference is None:
            raise RuntimeError("set_reference must be called before detect_drift")
        table = read_table(current_data, "current_data", self.feature_names)
        require_names("current_data", table, list(reference))
        found = [
            self._compare(name, column, table[name])
            for name, column in reference.items()
        ]
        return decide(found, self.threshold, self.correction)

    def _compare(self, name: str, first: Column, second: Column) -> DriftResult:
        """Compare one feature; ``decide`` judges the tests later."""
        method = method_for(self.method, first.is_numeric)
        note = too_few(method, len(first), len(second), self.min_samples)
        statistic, p_value = math.nan, None
        if note:
            pass
        elif method == "psi":
            statistic = psi(first.numbers(), second.numbers(), self.bins)
        elif method == "ks":
            statistic, p_value = ks_test(first.numbers(), second.numbers())
        else:
            statistic, p_value, note = compare_pooled(
                count_categories(first.categories(), first.label),
                count_categories(second.categories(), second.label),
                self.min_expected,
            )
        return DriftResult(
            name, method, statistic, p_value, self.threshold, False, note
        )


Result = TypeVar("Result", bound=DriftResult)


def decide(found: Sequence[Result], threshold: float, correction: str) -> list[Result]:
    """Set ``drifted``: of an index by itself, of tests as one family."""
    family = [result.p_value for result in found if result.p_value is not None]
    adjusted = iter(CORRECTIONS[correction](family) if family else ())
    judged = []
    for result in found:
        if result.p_value is not None:
            drifted = bool(next(adjusted) <= threshold)
        else:  # NaN is no drift
            drifted = result.statistic > threshold
        judged.append(replace(result, drifted=drifted))
    return judged


def method_for(method: str, is_numeric: bool) -> str:
    """Return the method for one feature, which ``auto`` leaves open."""
    if method != "auto":
        return method
    return "ks" if is_numeric else "chi_square"


def too_few(method: str, reference: int, current: int, min_samples: int) -> str:
    """Return why the feature cannot be judged, or an empty text where it can."""
    wanted = max(min_samples, 2) if method == "psi" else min_samples
    if min(reference, current) >= wanted:
        return ""
    return (
        f"too few values: {reference} in the reference and {current} in the "
        f"current data, {wanted} are wanted"
    )


def check_settings(
    method: str,
    threshold: float,
    correction: str,
    min_samples: int,
    bins: int,
    min_expected: float,
) -> None:
    """Check what detectors are given."""
    require_one_of("method", method, METHODS)
    require_one_of("correction", correction, tuple(CORRECTIONS))
    for name, value in (("threshold", threshold), ("min_expected", min_expected)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, got {value!r}")
    if method == "psi":
        positive = threshold > 0 and math.isfinite(threshold)
        require(positive, "threshold", "a finite number above zero", threshold)
    else:
        require(0 < threshold < 1, "threshold", "between 0 and 1", threshold)
    require_whole("min_samples", min_samples, 1)
    require_whole("bins", bins, 2)
    valid = 0 <= min_expected < math.inf
    require(valid, "min_expected", "a finite number of at least zero", min_expected)


def check_feature_names(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return distinct names as a tuple, or None."""
    if names is None:
        return None
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"feature_names must be a sequence of texts, got {names!r}")
    distinct = 0 < len(names) == len(set(names))
    require(distinct, "feature_names", "one or more distinct names", names)
    return tuple(names)
