"""Categories too rare for the chi-square test, counted together."""

from collections import Counter
from collections.abc import Hashable, Mapping

from reference.production.drift.chi_square import compare_counts

Table = Mapping[Hashable, int]

_POOL = object()  # a cell that equals no category


def pool_rare(
    reference: Table, current: Table, min_expected: float
) -> tuple[Counter[Hashable], Counter[Hashable]]:
    """Return both tables with one cell for all categories that are rare.

    Of a category that came a times in m values and b times in n the smaller sample
    expects (a + b) min(m, n) / (m + n); rare is one where this is below
    ``min_expected``. The rule looks at the sums a + b alone, so it favours no side.
    With 0 no category is rare. The pool itself may still be small, and is kept: a new
    category must be seen. At the level 5 % the false alarms of a pool that expects 0.5
    to 2 values are 5 to 9 %, of one that expects fewer at worst 16 %. Five is the
    usual bound: Cochran, "Some methods for strengthening the common χ² tests",
    Biometrics 10 (1954).
    """
    m, n = sum(reference.values()), sum(current.values())
    pooled: tuple[Counter[Hashable], Counter[Hashable]] = (Counter(), Counter())
    for category in {**reference, **current}:
        counts = reference.get(category, 0), current.get(category, 0)
        rare = sum(counts) * min(m, n) / (m + n) < min_expected
        for table, count in zip(pooled, counts, strict=True):
            table[_POOL if rare else category] += count
    return pooled


def compare_pooled(
    reference: Table, current: Table, min_expected: float
) -> tuple[float, float, str]:
    """Return statistic, p-value and note of two tables, rare categories pooled.

    Where all are rare one cell is left: the statistic is 0, the p-value 1, and the
    note says that this shows nothing.
    """
    pooled = pool_rare(reference, current, min_expected)
    test = compare_counts(*pooled)
    note = ""
    if pooled[0].keys() == {_POOL}:
        note = f"all categories are rare: fewer than {min_expected} expected of each"
    return test.statistic, test.p_value, note
