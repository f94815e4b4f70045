"""Drift of streams, in memory that does not grow with them."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reference.core.validation import require
from reference.production.drift.categories import REST, CategoryCounts
from reference.production.drift.columns import Table
from reference.production.drift.detector import (
    DriftResult,
    check_feature_names,
    check_settings,
    decide,
    method_for,
    too_few,
)
from reference.production.drift.kolmogorov_smirnov import p_value_of
from reference.production.drift.pooling import compare_pooled
from reference.production.drift.sketch import QuantileSketch
from reference.production.drift.stability import edges_of, index_bounds, stability_index
from reference.production.drift.summary import StreamSummary, Summary

_SMOOTHING = 1e-4


@dataclass(frozen=True)
class StreamingDriftResult(DriftResult):
    """The same, and how far the statistic may be from that of all values.

    Zero where nothing had to be left out.
    """

    statistic_error: float = 0.0


class StreamingDriftDetector:
    """``DriftDetector`` for streams: both sides are summaries of bounded memory.

    ``set_reference`` and ``update`` take batches, ``merge`` the summary of another
    shard of the current stream (made by ``summary``), ``reset`` begins a new window.
    Settings and rules are those of ``DriftDetector``; ``size``, ``max_categories`` and
    ``seed`` those of ``StreamSummary``. While a stream is shorter than ``size``
    nothing is left out, and the results are the same for ``ks`` and ``chi_square``.

    Beyond, with ε the sum of both sketches' ``rank_error(confidence)``:

    - ``ks``: D is off by at most ε. The p-value is that of D − ε, so that false alarms
      stay within the level (and 2 (1 − ``confidence``)); shifts below ε are not seen.
    - ``psi``: the edges are quantiles that the reference's sketch holds, not
      interpolated ones; the share of a bin is off by at most 2 ε of its own sketch.
      ``statistic_error`` is how far the index with the same edges can then be off. A
      feature has drifted where the least index possible exceeds the threshold.
    - ``chi_square``: categories that one side has not counted by name are one cell,
      the rest; see ``CategoryCounts``. Where on both sides most values are in the
      rest the feature is not judged, and a note says so.

    Safe for several threads.
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
        confidence: float = 0.999,
        size: int = 8192,
        max_categories: int = 1000,
        seed: int | None = None,
    ) -> None:
        check_settings(method, threshold, correction, min_samples, bins, min_expected)
        require(0 < confidence < 1, "confidence", "between 0 and 1", confidence)
        self.method = method
        self.threshold = float(threshold)
        self.feature_names = check_feature_names(feature_names)
        self.correction = correction
        self.min_samples = min_samples
        self.bins = bins
        self.min_expected = float(min_expected)
        self.confidence = confidence
        self._blank = StreamSummary(
            method, feature_names, size=size, max_categories=max_categories
        )
        self._seeds = np.random.SeedSequence(seed)
        self._lock = threading.RLock()
        self._reference: StreamSummary | None = None
        self._current = self._blank  # until there is a reference

    def summary(self) -> StreamSummary:
        """Return an empty summary: for a reference in parts, or for another shard."""
        with self._lock:
            return (self._reference or self._blank).like(self._next_seed())

    def set_reference(self, data: Table | StreamSummary) -> "StreamingDriftDetector":
        """Take a table or a summary as the reference, and forget the current stream."""
        with self._lock:
            summary = self._blank.like(self._next_seed())
            if isinstance(data, StreamSummary):
                summary.merge(data)
            else:
                summary.update(data)
            self._reference = summary
            self._current = self.summary()
        return self

    def update(self, current_data: Table) -> "StreamingDriftDetector":
        """Add a batch of the current stream."""
        with self._lock:
            self._require_reference("update")
            self._current.update(current_data, "current_data")
        return self

    def merge(self, shard: StreamSummary) -> "StreamingDriftDetector":
        """Add what another shard has seen of the current stream."""
        with self._lock:
            self._require_reference("merge")
            self._current.merge(shard)
        return self

    def reset(self) -> "StreamingDriftDetector":
        """Forget the current stream, and keep the reference."""
        with self._lock:
            self._require_reference("reset")
            self._current = self.summary()
        return self

    def detect_drift(self) -> list[StreamingDriftResult]:
        """Return what was found of each feature since the window began."""
        with self._lock:
            reference = self._require_reference("detect_drift")
            found = [
                self._compare(name, summary, self._current.features[name])
                for name, summary in reference.features.items()
            ]
        judged = decide(found, self.threshold, self.correction)
        # An index has drifted where even the least one possible exceeds the threshold.
        return [
            replace(one, drifted=one.statistic - one.statistic_error > one.threshold)
            if one.method == "psi"
            else one
            for one in judged
        ]

    def _compare(
        self, name: str, first: Summary | None, second: Summary | None
    ) -> StreamingDriftResult:
        """Compare one feature; the caller judges the tests."""
        method = method_for(self.method, not isinstance(first, CategoryCounts))
        counts = [0 if side is None else side.count for side in (first, second)]
        note = too_few(method, counts[0], counts[1], self.min_samples)
        found: tuple[float, float | None, float] = (math.nan, None, 0.0)
        if note:
            pass
        elif isinstance(first, QuantileSketch) and isinstance(second, QuantileSketch):
            if method == "psi":
                found = sketched_psi(first, second, self.bins, self.confidence)
            else:
                found = sketched_ks(first, second, self.confidence)
        elif isinstance(first, CategoryCounts) and isinstance(second, CategoryCounts):
            found, note = counted_chi_square(first, second, self.min_expected)
        statistic, p_value, error = found
        return StreamingDriftResult(
            name, method, statistic, p_value, self.threshold, False, note, error
        )

    def _next_seed(self) -> int:
        """Return a seed that no other summary of this detector has."""
        (child,) = self._seeds.spawn(1)
        return int.from_bytes(child.generate_state(4).tobytes(), "little")

    def _require_reference(self, name: str) -> StreamSummary:
        if self._reference is None:
            raise RuntimeError(f"set_reference must be called before {name}")
        return self._reference


def sketched_ks(
    first: QuantileSketch, second: QuantileSketch, confidence: float
) -> tuple[float, float, float]:
    """Return D of two sketches, the p-value of D less its error, and that error."""
    m, n = first.count, second.count
    distance = 0.0
    for sketch in (first, second):  # no gap is wider than at a value that is held
        points = sketch.values()[0]
        gaps = first.ranks(points) / m - second.ranks(points) / n
        distance = max(distance, float(np.abs(gaps).max()))
    error = first.rank_error(confidence) + second.rank_error(confidence)
    scale = math.lcm(m, n)
    whole = round(distance * scale)  # undoes the division by m and n
    steps = max(0, math.floor(whole - error * scale))
    return whole / scale, p_value_of(m, n, steps), error


def sketched_psi(
    first: QuantileSketch, second: QuantileSketch, bins: int, confidence: float
) -> tuple[float, None, float]:
    """Return the index of two sketches and how far it can be off, on its edges."""
    edges = edges_of(first.quantiles(np.arange(bins + 1) / bins))
    tables, errors = [], []
    for sketch in (first, second):
        ranks = np.concatenate([[0], sketch.ranks(edges), [sketch.count]])
        tables.append(np.diff(ranks))
        errors.append(2 * sketch.rank_error(confidence))
    value = stability_index(tables[0], tables[1], _SMOOTHING)
    least, most = index_bounds(tables[0], tables[1], errors[0], errors[1], _SMOOTHING)
    return value, None, max(value - least, most - value)


def counted_chi_square(
    first: CategoryCounts, second: CategoryCounts, min_expected: float
) -> tuple[tuple[float, float | None, float], str]:
    """Return statistic, p-value and error, and a note, of two tables of counts."""
    tables = first.beside(second)
    rest = min(table[REST] / sum(table.values()) for table in tables)
    if rest > 0.5:  # what drifts is likely not to be seen
        note = f"too many categories: {rest:.0%} of the values are in the rest"
        return (math.nan, None, 0.0), note
    statistic, p_value, note = compare_pooled(*tables, min_expected)
    return (statistic, p_value, 0.0), note
