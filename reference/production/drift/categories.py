"""Counts of the categories of a stream in bounded memory."""

import math
from bisect import insort
from collections import Counter
from collections.abc import Hashable, Iterable
from hashlib import blake2b
from numbers import Number

import numpy as np

from reference.core.validation import require
from reference.production.drift.samples import require_whole

REST = object()  # the cell of all categories without a name; it equals none of them


class CategoryCounts:
    """How often each category came, by name for ``size`` of them at most.

    Named are those with the smallest ranks, and ``rank`` goes by the value alone. So
    it does not matter which came first: all shards of a stream name the same ones, and
    merged they hold what one would hold that saw it all. All others are counted
    together, in ``others``. As ``limit``, the smallest rank without a name, only
    falls, a category below it was never counted there: its count is exact. Not safe
    for several threads. Source: Cohen and Kaplan, "Summarizing data using bottom-k
    sketches", PODC (2007).
    """

    def __init__(self, size: int = 1000) -> None:
        require_whole("size", size, 1)
        self.size = int(size)
        self.named: Counter[Hashable] = Counter()
        self.others = 0
        self.limit = math.inf
        self._order: list[tuple[int, Hashable]] = []  # the named, by rank

    @property
    def count(self) -> int:
        """How many values came."""
        return self.named.total() + self.others

    def update(self, values: Iterable[Hashable]) -> "CategoryCounts":
        """Add the values, none of which is missing."""
        for value, count in Counter(values).items():
            if value in self.named:
                self.named[value] += count
            else:
                self._add(rank(value), value, count)
        return self

    def knows(self, category: Hashable) -> bool:
        """Return whether the count of ``category`` is exact, zero included."""
        return rank(category) < self.limit

    def merge(self, other: "CategoryCounts") -> "CategoryCounts":
        """Add the counts of ``other``, which is left as it is."""
        require(other is not self, "other", "another object", other)
        self.others += other.others
        self._lower(min(self.limit, other.limit))
        for place, category in other._order:
            self._add(place, category, other.named[category])
        return self

    def beside(
        self, other: "CategoryCounts"
    ) -> tuple[dict[Hashable, int], dict[Hashable, int]]:
        """Return both as counts of the same cells.

        A cell for each category that is exact on both sides, and ``REST`` for all
        others.
        """
        limit = min(self.limit, other.limit)
        order = self._order + other._order
        shared = dict.fromkeys(name for place, name in order if place < limit)
        tables = []
        for counts in (self, other):
            table = {category: counts.named[category] for category in shared}
            table[REST] = counts.count - sum(table.values())
            tables.append(table)
        return tables[0], tables[1]

    def _add(self, place: int, category: Hashable, count: int) -> None:
        """Count a category of rank ``place``."""
        if place >= self.limit:
            self.others += count
            return
        if category not in self.named:
            insort(self._order, (place, category), key=_place)
        self.named[category] += count
        if len(self.named) > self.size:
            self._lower(self._order[-1][0])

    def _lower(self, limit: float) -> None:
        """Take the names of all categories from the rank ``limit`` on."""
        self.limit = limit
        while self._order and self._order[-1][0] >= limit:
            _, category = self._order.pop()
            self.others += self.named.pop(category)


def rank(category: Hashable) -> int:
    """Return a number of 64 bits that every process gives to equal categories.

    A hash of the value's form. Categories of one rank, which are few, get a name
    together or not at all.
    """
    data = _form(category).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def _form(category: Hashable) -> str:
    """Return a text that equal categories share; ``hash`` is salted for most types."""
    if isinstance(category, str):  # its kinds differ in their repr
        return "text " + category
    if isinstance(category, Number | np.bool_):  # 1 == 1.0 == True; not salted
        return f"number {hash(category)}"
    if isinstance(category, tuple):
        return f"({', '.join(map(_form, category))})"
    if isinstance(category, frozenset):
        return f"{{{', '.join(sorted(map(_form, category)))}}}"
    return repr(category)


def _place(entry: tuple[int, Hashable]) -> int:
    return entry[0]
