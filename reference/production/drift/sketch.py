"""Quantiles of a stream of numbers in bounded memory."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.core.validation import Array, as_vector, require
from reference.production.drift.samples import require_whole

Ranks = NDArray[np.int64]

LEAST_SIZE = 512

_SHRINK = 2 / 3  # of a level's room to that of the level above it
_LEAST_ROOM = 2


class QuantileSketch:
    """The ranks of all values of a stream, from at most ``size`` of them.

    Level h holds values that stand for 2^h values each. When ``size`` are held, levels
    that exceed their room are compacted, the lowest first, until a quarter is free:
    sorted, every second value, by a coin the first or the second of each pair, rises
    one level, the others are dropped. The rooms shrink by 2/3 from the highest level
    down, so that their sum leaves a quarter free for any stream. Until the first
    compaction all ranks are exact. Sketches merge: levels are joined, then compacted.
    Source: Karnin, Lang and Liberty, "Optimal quantile approximation in streams", FOCS
    (2016); there a full level is compacted at once, here when the memory is full.

    The error is bounded by what was done: a compaction at level h moves the rank of any
    fixed value by −2^h, 0 or 2^h, with the mean zero. See ``rank_error``.

    ``size`` is an integer ≥ 512. With ``seed`` the coins can be repeated; sketches that
    are to be merged need different ones, or None. Not safe for several threads.
    """

    def __init__(
        self, size: int = 8192, *, seed: int | Sequence[int] | None = None
    ) -> None:
        require_whole("size", size, LEAST_SIZE)
        self.size = int(size)
        self.count = 0
        self._levels: list[Array] = [np.empty(0)]
        self._generator = np.random.default_rng(seed)
        self._moved = 0  # Σ 2^h over all compactions: no rank can be further off
        self._moved_squares = 0  # Σ 4^h

    def __len__(self) -> int:
        return sum(level.size for level in self._levels)

    @property
    def nbytes(self) -> int:
        """The memory of the values that are held."""
        return sum(level.nbytes for level in self._levels)

    def update(self, values: ArrayLike) -> "QuantileSketch":
        """Add a vector of finite numbers; ``ValueError`` or ``TypeError`` otherwise."""
        stream = as_vector(values, "values")
        begin = 0
        while begin < stream.size:
            taken = stream[begin : begin + self.size - len(self)]
            self._levels[0] = np.concatenate([self._levels[0], taken])
            begin += taken.size
            self.count += taken.size
            self._make_room()
        return self

    def merge(self, other: "QuantileSketch") -> "QuantileSketch":
        """Add the stream of ``other``, which is left as it is.

        Raises ``ValueError`` where it is of another size or is this sketch itself.
        """
        require(other is not self, "other", "another sketch", other)
        require(other.size == self.size, "other", f"of size {self.size}", other.size)
        missing = len(other._levels) - len(self._levels)
        self._levels += [np.empty(0) for _ in range(missing)]
        for height, level in enumerate(other._levels):
            self._levels[height] = np.concatenate([self._levels[height], level])
        self.count += other.count
        self._moved += other._moved
        self._moved_squares += other._moved_squares
        self._make_room()
        return self

    def values(self) -> tuple[Array, Ranks]:
        """Return the values held, ascending, and the rank of each in the stream."""
        values = np.concatenate(self._levels)
        weights = np.repeat(
            2 ** np.arange(len(self._levels), dtype=np.int64),
            [level.size for level in self._levels],
        )
        order = np.argsort(values, kind="stable")
        return values[order], np.cumsum(weights[order])

    def ranks(self, points: ArrayLike) -> Ranks:
        """Return about how many values of the stream are ≤ each point."""
        values, ranks = self.values()
        places = np.searchsorted(values, as_vector(points, "points"), side="right")
        return np.concatenate([[0], ranks])[places]

    def quantiles(self, shares: ArrayLike) -> Array:
        """Return for each share the least value held with at least that share ≤ it."""
        require(self.count > 0, "sketch", "one of at least one value", self.count)
        wanted = as_vector(shares, "shares") * self.count
        values, ranks = self.values()
        return values[np.minimum(np.searchsorted(ranks, wanted), values.size - 1)]

    def rank_error(self, confidence: float = 0.999) -> float:
        """Return ε: with chance ``confidence`` no rank is off by more than ε · count.

        That holds for all points at once, and over the coins: whatever the stream. For
        one point the error is a martingale with steps of at most 2^h, so by Azuma's
        inequality P(|error| ≥ t) ≤ 2 exp(−t² / (2 Σ 4^h)). A union over the left and
        right ranks at m quantiles, and 1/m for what lies between two of them, covers
        all points; m is chosen best. Never above Σ 2^h, which holds for certain.
        """
        require(0 < confidence < 1, "confidence", "between 0 and 1", confidence)
        if not self._moved:
            return 0.0
        deviation = math.sqrt(2 * self._moved_squares) / self.count
        points = 2.0 ** np.arange(1, 24)
        bounds = deviation * np.sqrt(np.log(4 * points / (1 - confidence))) + 1 / points
        return min(1.0, self._moved / self.count, float(bounds.min()))

    def _make_room(self) -> None:
        """Compact from the lowest level up, no further than a quarter is free."""
        if len(self) < self.size:
            return
        height = 0
        while len(self) > 3 * self.size // 4:
            if height == len(self._levels):
                height = 0  # a new level has made the rooms below it smaller
            if self._levels[height].size > self._room(height):
                self._compact(height)
            height += 1

    def _room(self, height: int) -> int:
        # Σ (2/3)^depth < 3, and 64 levels are more than any stream has.
        depth = len(self._levels) - 1 - height
        highest = self.size / 4 - 64 * _LEAST_ROOM / 3
        return max(_LEAST_ROOM, int(highest * _SHRINK**depth))

    def _compact(self, height: int) -> None:
        """Halve the values of one level; an odd one out stays behind."""
        level = np.sort(self._levels[height])
        pairs = level.size // 2
        risen = level[int(self._generator.integers(2)) : 2 * pairs : 2]
        if height + 1 == len(self._levels):
            self._levels.append(np.empty(0))
        self._levels[height] = level[2 * pairs :].copy()
        self._levels[height + 1] = np.concatenate([self._levels[height + 1], risen])
        self._moved += 2**height
        self._moved_squares += 4**height
