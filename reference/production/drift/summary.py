"""A bounded summary of a stream of tables, feature by feature."""

from collections.abc import Sequence
from typing import Literal

from reference.core.validation import require, require_one_of
from reference.production.drift.categories import CategoryCounts
from reference.production.drift.columns import Column, Table, read_table, require_names
from reference.production.drift.detector import (
    METHODS,
    check_feature_names,
    method_for,
)
from reference.production.drift.samples import require_whole
from reference.production.drift.sketch import LEAST_SIZE, QuantileSketch

Summary = QuantileSketch | CategoryCounts


class StreamSummary:
    """What a detector needs to know of a stream, in memory that does not grow.

    A feature of numbers is a ``QuantileSketch`` of at most ``size`` values, one of
    categories the counts of at most ``max_categories``; see these for their errors.
    Which it is follows from ``method`` as in ``DriftDetector``; with ``auto`` the
    first batch with a value of the feature decides. Missing values are not counted.

    Shards summarise their parts apart, in their own processes too (it can be pickled),
    and ``merge`` joins them. Then ``seed`` must differ or be None. Not safe for
    several threads.
    """

    def __init__(
        self,
        method: str = "ks",
        feature_names: Sequence[str] | None = None,
        *,
        size: int = 8192,
        max_categories: int = 1000,
        seed: int | None = None,
    ) -> None:
        require_one_of("method", method, METHODS)
        require_whole("size", size, LEAST_SIZE)
        require_whole("max_categories", max_categories, 1)
        self.method = method
        self.feature_names = check_feature_names(feature_names)
        self.size = size
        self.max_categories = max_categories
        self._seed = seed
        self.features: dict[str, Summary | None] = dict.fromkeys(
            self.feature_names or ()
        )

    def update(self, data: Table, argument: str = "data") -> "StreamSummary":
        """Add a batch; where it is refused nothing of it is added.

        The first batch fixes the columns. Raises as ``DriftDetector`` does.
        """
        table = read_table(data, argument, self.feature_names)
        if self.features:
            require_names(argument, table, list(self.features))
        batch = {
            name: self._read(name, column)
            for name, column in table.items()
            if len(column)
        }
        for name in table:
            self.features.setdefault(name, None)
        for name, (kind, column) in batch.items():
            summary = self.features[name]
            if summary is None:
                summary = self._empty(kind, name)
            if isinstance(summary, QuantileSketch):
                summary.update(column.numbers())
            else:
                summary.update(column.categories())
            self.features[name] = summary
        return self

    def merge(self, other: "StreamSummary") -> "StreamSummary":
        """Add the stream that ``other`` summarises, which is left as it is.

        Raises ``ValueError`` where columns, kinds or settings differ, or both are one.
        """
        require(other is not self, "other", "another summary", other)
        ours_is = (self.method, self.size, self.max_categories)
        theirs_is = (other.method, other.size, other.max_categories)
        expected = f"of the same method and sizes {ours_is}"
        require(ours_is == theirs_is, "other", expected, theirs_is)
        if self.features and other.features:
            require_names("other", other.features, list(self.features))
        for name, theirs in other.features.items():
            ours = self.features.get(name)
            if ours is not None and theirs is not None:
                expected = f"of the same kind in {name!r}"
                require(type(ours) is type(theirs), "other", expected, theirs)
        for name, theirs in other.features.items():
            ours = self.features.setdefault(name, None)
            if theirs is not None:
                if ours is None:
                    ours = self._empty(_kind(theirs), name)
                self.features[name] = _merged(ours, theirs)
        return self

    def like(self, seed: int | None = None) -> "StreamSummary":
        """Return an empty summary of the same columns, kinds and sizes."""
        fresh = StreamSummary(
            self.method,
            self.feature_names,
            size=self.size,
            max_categories=self.max_categories,
            seed=seed,
        )
        fresh.features = dict.fromkeys(self.features)
        for name, summary in self.features.items():
            if summary is not None:
                fresh.features[name] = fresh._empty(_kind(summary), name)
        return fresh

    def count(self, name: str) -> int:
        """Return how many values of the feature came that were not missing."""
        summary = self.features[name]
        return 0 if summary is None else summary.count

    def _read(self, name: str, column: Column) -> tuple["Kind", Column]:
        """Return the kind of a feature and its values, checked."""
        summary = self.features.get(name)
        kind: Kind = "categories"
        if summary is not None:
            kind = _kind(summary)
        elif method_for(self.method, column.is_numeric) != "chi_square":
            kind = "numbers"
        if kind == "numbers":
            return kind, Column(column.label, column.numbers())
        return kind, column

    def _empty(self, kind: "Kind", name: str) -> Summary:
        if kind == "categories":
            return CategoryCounts(self.max_categories)
        if self._seed is None:
            return QuantileSketch(self.size)
        place = list(self.features).index(name)
        return QuantileSketch(self.size, seed=(self._seed, place))


Kind = Literal["numbers", "categories"]


def _kind(summary: Summary) -> Kind:
    return "numbers" if isinstance(summary, QuantileSketch) else "categories"


def _merged(ours: Summary, theirs: Summary) -> Summary:
    if isinstance(ours, QuantileSketch) and isinstance(theirs, QuantileSketch):
        return ours.merge(theirs)
    if isinstance(ours, CategoryCounts) and isinstance(theirs, CategoryCounts):
        return ours.merge(theirs)
    raise TypeError(f"other must be of the same kind, got {type(theirs).__name__}")
