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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = Sequence[object] | NDArray[np.generic]
Table = Mapping[str, Column] | Sequence[Column] | NDArray[np.generic]

METHODS = ("ks", "psi", "chi_square", "auto")
CORRECTIONS = ("benjamini_hochberg", "bonferroni", "none")


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
        raise NotImplementedError

    def set_reference(self, data: Table) -> "DriftDetector":
        """Keep a copy of the reference."""
        raise NotImplementedError

    def detect_drift(self, current_data: Table) -> list[DriftResult]:
        """Return what was found of each feature, in the order of the reference."""
        raise NotImplementedError
