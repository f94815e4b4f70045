"""A drift detector over many features.

Which columns of today's data are no longer distributed like those of the reference? The
tests are those of the katas `ks_test`, `psi` and `chi_square_test`: copy your own in as
private functions. What is new is the system around them.

Write `DriftDetector(method="ks", threshold=0.05, feature_names=None, *,
correction="benjamini_hochberg", min_samples=20, bins=10, min_expected=5.0)`.

- `set_reference(data)` keeps a copy of the reference in the place of any earlier one,
  and returns the detector.
- `detect_drift(current_data)` returns a `DriftResult` for each feature, in the order of
  the reference. `RuntimeError` where there is no reference.

Data are a mapping of names to columns, which may differ in length, or a matrix (n rows,
one column a feature) whose columns `feature_names` names, or else `feature_0`,
`feature_1`, …. Columns and matrices are lists or arrays of numbers, text or truth
values. A mapping given `feature_names` has exactly these columns, and they set the
order. Columns are joined by name, whatever the order of the current data. Data given
are not changed. A value None or NaN is missing: it is left out of its column, and the
other columns keep that row.

`method` is the same for all features, or `"auto"`: `"ks"` where all values of the
reference column are numbers, `"chi_square"` for all others; truth values are no numbers
here. Let m and n be the numbers of values that are not missing.

- `"ks"`: D = max |F(x) − G(x)|, and the exact p-value: the share of the C(m + n, m)
  orders of the pooled sample that reach |x/m − y/n| ≥ D after some x values of the
  reference and y of the current data.
- `"chi_square"`: T = Σ (count − E)² / E over the 2 K cells of the table, where K counts
  the categories of either side, new ones included; p is the chi-square survival
  function at T with K − 1 degrees of freedom. For K = 1, T = 0 and p = 1. That p holds
  for large counts only: with many rare categories a quarter of all windows would be
  false alarms. Before the test, therefore, all rare categories become one category. Of
  one that came a and b times, the smaller side expects (a + b) min(m, n) / (m + n)
  values; it is rare where this is below `min_expected`.
- `"psi"`: Σ (p − q) ln(p / q) over B bins, cut at the quantiles of the reference: with
  t₀, …, t_bins = `np.quantile(reference, np.arange(bins + 1) / bins)` the edges are the
  distinct values among t₁, …, t_{bins−1}, and for each value that two or more of
  t₀, …, t_bins are equal to, the largest float below it as well. A value at an edge is
  in the bin below it. A share is (count / size + 10⁻⁴) / (1 + 10⁻⁴ B). The index has no
  p-value: `p_value` is None.

A feature with m or n below `min_samples` is not judged: its statistic is NaN, its
p-value None, it has not drifted, and its `note` says why. The `note` also tells where
all categories of a feature are rare, which is judged all the same: K = 1, and so p = 1.
All others have the note "". A constant is judged like any other feature.

`threshold` has the meaning of the method. An index drifts where it exceeds `threshold`
(by convention 0.1 or 0.25). A test drifts by its p-value, and with it the other tests:
of a hundred features without drift five have p ≤ 0.05. Let p₁ ≤ … ≤ p_M be the sorted
p-values of all features that have one, and t the threshold. `correction` says which of
the features have drifted:

- `"none"`: those with p ≤ t;
- `"bonferroni"`: those with p ≤ t / M, so that any false alarm has at most chance t;
- `"benjamini_hochberg"`: those with p ≤ p_k, where k is the largest i with
  p_i ≤ t i / M, and none where there is no such i. At most the share t of the alarms is
  false, in the mean; note that p₁ … p_{k−1} may lie above their own bounds.

`p_value` in the result is the p-value as it was before any correction.

`ValueError` that names the argument: `method` or `correction` that is none of these
words; `threshold` that is not above 0, is not below 1 (for `"psi"`: not finite), or is
NaN; `min_samples` below 1; `min_expected` below 0; `data` or `current_data` that is
neither a mapping nor has two dimensions, or has other columns than `feature_names` or
the reference, and in a mapping the message names these columns too. A column of a
mapping that is not a vector is a `ValueError` that names the column. A reference that
is refused leaves the earlier one in its place.

Source: Benjamini and Hochberg, "Controlling the false discovery rate", Journal of the
Royal Statistical Society B 57 (1995).

In production: the reference is summarised once, by quantiles and counts, and the stream
likewise. Whether the target still depends on the features as it did is not seen here.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

Column = Sequence[object] | NDArray[np.generic]
Table = Mapping[str, Column] | Sequence[Column] | NDArray[np.generic]

METHODS = ("ks", "psi", "chi_square", "auto")
CORRECTIONS = ("benjamini_hochberg", "bonferroni", "none")

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class DriftResult:
    """What was found of one feature; `method` is the one used, never "auto"."""

    feature: str
    method: str
    statistic: float
    p_value: float | None
    threshold: float
    drifted: bool
    note: str = ""


class DriftDetector:
    """Compares each feature of current data with that of a reference."""

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
        """Begin without a reference."""
        if method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}, got {method!r}")
        if correction not in CORRECTIONS:
            expected = f"one of {CORRECTIONS}"
            raise ValueError(f"correction must be {expected}, got {correction!r}")
        end = math.inf if method == "psi" else 1
        if not 0 < threshold < end:
            expected = f"between 0 and {end}"
            raise ValueError(f"threshold must be {expected}, got {threshold}")
        if min_samples < 1:
            raise ValueError(f"min_samples must be at least 1, got {min_samples}")
        if min_expected < 0:
            raise ValueError(f"min_expected must be at least 0, got {min_expected}")
        self._method = method
        self._threshold = threshold
        self._names = feature_names
        self._correction = correction
        self._min_samples = min_samples
        self._bins = bins
        self._min_expected = min_expected
        self._reference: dict[str, list[object]] | None = None

    def set_reference(self, data: Table) -> "DriftDetector":
        """Keep a copy of the reference."""
        self._reference = self._read(data, "data", self._names)
        return self

    def detect_drift(self, current_data: Table) -> list[DriftResult]:
        """Return what was found of each feature, in the order of the reference."""
        if self._reference is None:
            raise RuntimeError("set_reference must be called before detect_drift")
        current = self._read(current_data, "current_data", self._reference)
        found = {
            name: self._compare(column, current[name])
            for name, column in self._reference.items()
        }
        family = [p for _, _, p, _ in found.values() if p is not None]
        threshold, bound = self._threshold, self._bound(family)
        results = []
        for name, (method, statistic, p_value, note) in found.items():
            # A statistic that is NaN exceeds no threshold.
            drifted = statistic > threshold if p_value is None else p_value <= bound
            results.append(
                DriftResult(name, method, statistic, p_value, threshold, drifted, note)
            )
        return results

    def _read(
        self, data: Table, argument: str, expected: Collection[str] | None
    ) -> dict[str, list[object]]:
        """Return the columns by name, without what is missing."""
        table: Mapping[str, Column]
        if isinstance(data, Mapping):
            table = data
        else:
            matrix = np.array(data, dtype=object)
            if matrix.ndim != 2:
                wanted = "a mapping or a matrix"
                raise ValueError(f"{argument} must be {wanted}, got {matrix.shape}")
            width = matrix.shape[1]
            names = self._names or [f"feature_{place}" for place in range(width)]
            if len(names) != width:
                wanted = f"{len(names)} columns"
                raise ValueError(f"{argument} must have {wanted}, got {width}")
            table = {name: matrix[:, place] for place, name in enumerate(names)}
        columns = table if expected is None else expected
        others = table.keys() ^ columns
        if others:
            wanted = "the columns expected"
            raise ValueError(f"{argument} must have {wanted}, differs in {others}")
        return {name: _present(table[name], name) for name in columns}

    def _compare(
        self, first: list[object], second: list[object]
    ) -> tuple[str, float, float | None, str]:
        """Return the method used, the statistic, the p-value and the note."""
        method = self._method
        if method == "auto":
            method = "ks" if all(map(_is_number, first)) else "chi_square"
        if min(len(first), len(second)) < self._min_samples:
            note = f"{len(first)} and {len(second)} values are too few"
            return method, math.nan, None, note
        if method == "chi_square":
            counts, note = _pool_rare(first, second, self._min_expected)
            return method, *_chi_square(*counts), note
        reference, current = np.array(first, float), np.array(second, float)
        if method == "psi":
            return method, _psi(reference, current, self._bins), None, ""
        return method, *_ks(reference, current), ""

    def _bound(self, p_values: list[float]) -> float:
        """Return the largest p-value that means drift."""
        level, size = self._threshold, len(p_values)
        if self._correction == "none" or not p_values:
            return level
        if self._correction == "bonferroni":
            return level / size
        bound = 0.0
        for i, p_value in enumerate(sorted(p_values), start=1):
            if p_value <= level * i / size:
                bound = p_value
        return bound


def _present(column: Column, name: str) -> list[object]:
    """Return a copy of the values that are not missing."""
    values = np.array(column, dtype=object)
    if values.ndim != 1:
        raise ValueError(f"{name} must be a vector, got {values.shape}")
    return [v for v in values if v is not None and v == v]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _ks(first: _Array, second: _Array) -> tuple[float, float]:
    """Return D and its exact p-value."""
    m, n = len(first), len(second)
    pooled = [*first, *second]
    up = np.searchsorted(np.sort(first), pooled, side="right")
    down = np.searchsorted(np.sort(second), pooled, side="right")
    steps = np.abs(up * n - down * m).max()
    # paths[y] counts the orders that stay nearer than that up to (x, y).
    paths = [1] + [0] * n
    for x in range(m + 1):
        arriving = 0
        for y in range(n + 1):
            arriving += paths[y]
            if abs(x * n - y * m) >= steps:
                arriving = 0
            paths[y] = arriving
    orders = math.comb(m + n, m)
    return steps / (m * n), (orders - paths[n]) / orders


def _pool_rare(
    first: list[object], second: list[object], least: float
) -> tuple[list[Counter[object]], str]:
    """Return both counts with one cell for the rare categories, and a note."""
    totals = Counter([*first, *second])
    share = min(len(first), len(second)) / totals.total()
    rare = {category for category, count in totals.items() if count * share < least}
    pool = object()
    counts = [
        Counter(pool if value in rare else value for value in side)
        for side in (first, second)
    ]
    return counts, "all categories are rare" if len(rare) == len(totals) else ""


def _chi_square(first: Counter[object], second: Counter[object]) -> tuple[float, float]:
    """Return Pearson's statistic and its p-value."""
    pooled = first + second
    statistic = 0.0
    for row in (first, second):
        for category, total in pooled.items():
            expected = row.total() * total / pooled.total()
            statistic += (row[category] - expected) ** 2 / expected
    if statistic == 0:
        return 0.0, 1.0
    degrees, x = len(pooled) - 1, statistic / 2
    odd = degrees % 2
    p_value = math.erfc(math.sqrt(x)) if odd else 0.0
    for term in range(degrees // 2):
        power = term + odd / 2
        p_value += math.exp(power * math.log(x) - x - math.lgamma(power + 1))
    return statistic, p_value


def _psi(reference: _Array, current: _Array, bins: int) -> float:
    """Return the population stability index."""
    quantiles = np.quantile(reference, np.arange(bins + 1) / bins).tolist()
    edges = set(quantiles[1:-1])
    for value in quantiles:
        if quantiles.count(value) > 1:
            edges.add(np.nextafter(value, -np.inf))
    p, q = (_shares(sample, sorted(edges)) for sample in (reference, current))
    return np.sum((p - q) * np.log(p / q))


def _shares(sample: _Array, edges: list[float]) -> _Array:
    up_to = [np.count_nonzero(sample <= edge) for edge in edges]
    counts = np.diff([0, *up_to, len(sample)])
    return (counts / len(sample) + 1e-4) / (1 + 1e-4 * len(counts))
