"""Quantiles of a stream, in buckets that grow by a constant factor (DDSketch).

A stream of latencies is too long to keep, yet its 99th percentile is wanted, and those
of a hundred machines are wanted as one. So only counters are kept. With a relative
error α, 0 < α < 1, let

    γ = (1 + α) / (1 − α),    i(x) = ⌈log_γ x⌉  for x > 0.

Bucket i, which may be negative, counts the values in (γⁱ⁻¹, γⁱ]. All of them are
answered by one estimate,

    2·γⁱ / (γ + 1),

which is at most α·x away from every x of the bucket. Zeros have a counter of their own
and are answered by 0.0; however small, no other value is a zero.

The q-quantile of n values is the one of rank ⌊q·(n − 1)⌋ when they are sorted, the
smallest having rank 0; q·(n − 1) is a float64 product.

Write the class `QuantileSketch(alpha, max_buckets=None)`:

- `add(value)`: counts a value, finite and ≥ 0 (−0.0 is a zero).
- `quantile(q)`: the estimate, a float, of the bucket in which the q-quantile lies, for
  0 ≤ q ≤ 1. The smallest value (q = 0) and the largest (q = 1) are estimated as well.
- `merge(other)`: adds all that `other` has counted; `other` is not changed, now or by
  what is added later, and may be the sketch itself. Every answer is then, exactly, that
  of one sketch to which all values were added, in whatever order.
- `count`, a property: how many values were added, zeros too.
- `buckets`, a property: how many buckets have counted anything, without that of zeros.

With `max_buckets`, no `add` and no `merge` leaves more buckets than that. While there
are more, the lowest bucket is given up: its counter is added to that of the next higher
bucket that has counted anything. So the large quantiles keep their error α, and what
was below the lowest bucket is answered by that bucket's estimate. Zeros stay zeros.
Without a bound there are at most 1 + ⌈log_γ(largest/smallest)⌉ buckets, however long
the stream: one per cent over 24 powers of ten takes fewer than 2800.

`ValueError` that names the argument, and nothing is changed: `alpha` outside (0, 1) or
NaN; `max_buckets` below 1; `value` that is negative, infinite or NaN; `q` outside
[0, 1] or NaN; `other` whose `alpha` or `max_buckets` is not the same. The quantile of
an empty sketch is a `ValueError` that has the word "empty". Values from 1e−300 to 1e300
are asked for, and the bounds hold up to the rounding of logarithms.

Source: Masson, Rim & Lee, DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees (VLDB 2019), section 2.

In production: the logarithm is often replaced by the exponent bits of the float and a
polynomial, and the counters stand in one array. Percentiles of several machines cannot
be averaged, but their sketches can be merged.
"""

import math
from bisect import bisect_right
from collections import Counter
from itertools import accumulate


class QuantileSketch:
    """Counts a stream of values, whose quantiles it knows to a relative error."""

    def __init__(self, alpha: float, max_buckets: int | None = None) -> None:
        """Begin an empty sketch of relative error `alpha`, at most `max_buckets`."""
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
        if max_buckets is not None and max_buckets < 1:
            raise ValueError(f"max_buckets must be at least 1, got {max_buckets}")
        self._settings = (alpha, max_buckets)
        self._gamma = (1 + alpha) / (1 - alpha)
        self._zeros = 0
        self._counters: Counter[int] = Counter()

    @property
    def count(self) -> int:
        """Return the number of values added."""
        return self._zeros + self._counters.total()

    @property
    def buckets(self) -> int:
        """Return the number of buckets that have counted anything."""
        return len(self._counters)

    def add(self, value: float) -> None:
        """Count `value`."""
        if not 0 <= value < math.inf:
            raise ValueError(f"value must be finite and at least 0, got {value}")
        if value == 0:
            self._zeros += 1
        else:
            index = math.ceil(math.log(value) / math.log(self._gamma))
            self._counters[index] += 1
            self._collapse()

    def quantile(self, q: float) -> float:
        """Return the estimate of the `q`-quantile."""
        if not 0 <= q <= 1:
            raise ValueError(f"q must be from 0 to 1, got {q}")
        if self.count == 0:
            raise ValueError("an empty sketch has no quantiles")
        rank = q * (self.count - 1)
        indices = sorted(self._counters)
        counts = [self._zeros, *(self._counters[index] for index in indices)]
        # The first end above the product is also the first above its floor.
        place = bisect_right(list(accumulate(counts)), rank)
        if place == 0:
            return 0.0
        return 2 * self._gamma ** indices[place - 1] / (self._gamma + 1)

    def merge(self, other: "QuantileSketch") -> None:
        """Add all that `other` has counted."""
        if self._settings != other._settings:
            message = f"other must have the settings {self._settings}"
            raise ValueError(f"{message}, got {other._settings}")
        self._zeros += other._zeros
        self._counters.update(other._counters)
        self._collapse()

    def _collapse(self) -> None:
        """Add the lowest counters to the next until there are not too many."""
        _, most = self._settings
        while most is not None and len(self._counters) > most:
            lowest = self._counters.pop(min(self._counters))
            self._counters[min(self._counters)] += lowest
