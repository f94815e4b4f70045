"""Counts of the categories of a stream in bounded memory."""

from collections import Counter
from collections.abc import Hashable, Iterable

from reference.core.validation import require
from reference.production.drift.samples import require_whole


class CategoryCounts:
    """How often each category came, by name for the first ``size`` of them.

    What comes when that many are named is counted together, in ``others``. The count
    of a named category is exact, and so is that of one without a name while
    ``others`` is zero. Not safe for several threads.
    """

    def __init__(self, size: int = 1000) -> None:
        require_whole("size", size, 1)
        self.size = int(size)
        self.named: Counter[Hashable] = Counter()
        self.others = 0

    @property
    def count(self) -> int:
        """How many values came."""
        return self.named.total() + self.others

    def update(self, values: Iterable[Hashable]) -> "CategoryCounts":
        """Add the values, none of which is missing."""
        for value in values:
            if value in self.named or (not self.others and len(self.named) < self.size):
                self.named[value] += 1
            else:
                self.others += 1
        return self

    def knows(self, category: Hashable) -> bool:
        """Return whether the count of ``category`` is exact, zero included."""
        return not self.others or category in self.named

    def merge(self, other: "CategoryCounts") -> "CategoryCounts":
        """Add the counts of ``other``, which is left as it is.

        Named stay those whose count is exact on both sides, and of these the first
        ``size``, in the order of this one's and then the other's.
        """
        require(other is not self, "other", "another object", other)
        merged: Counter[Hashable] = Counter()
        for category in {**self.named, **other.named}:
            exact = self.knows(category) and other.knows(category)
            if exact and len(merged) < self.size:
                merged[category] = self.named[category] + other.named[category]
        self.others = self.count + other.count - merged.total()
        self.named = merged
        return self

    def beside(
        self, other: "CategoryCounts"
    ) -> tuple[dict[object, int], dict[object, int]]:
        """Return both as counts of the same cells.

        A cell for each category that is exact on both sides, and one for all the rest.
        """
        shared = [
            category
            for category in {**self.named, **other.named}
            if self.knows(category) and other.knows(category)
        ]
        rest = object()  # equal to no category
        tables = []
        for counts in (self, other):
            table: dict[object, int] = {c: counts.named[c] for c in shared}
            table[rest] = counts.count - sum(table.values())
            tables.append(table)
        return tables[0], tables[1]
