"""A limit to how often each client may ask: the token bucket.

The bucket is that of a traffic shaper (Tanenbaum and Wetherall, Computer Networks,
5th edition, section 5.4.2): ``burst`` is its size, ``rate`` the rate at which it fills.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from reference.core.validation import require
from reference.production.serving.arguments import (
    checked_count,
    checked_number,
    checked_text,
)


class Decision(NamedTuple):
    """Whether a request may pass; ``retry_after`` is in seconds, 0.0 if it may.

    ``remaining`` is the number of tokens that are left in the client's bucket.
    """

    allowed: bool
    remaining: float
    retry_after: float


class RateLimiter:
    """A bucket of tokens for each client: at most ``burst``, ``rate`` more a second.

    A bucket is full when a client first asks. At most ``max_clients`` buckets are
    held: the one whose client asked least recently is forgotten, and would be full
    again, so ``max_clients`` should exceed the clients of ``burst / rate`` seconds.

    ``clock`` returns seconds. Where it goes back, nothing is refilled until it has
    passed the latest time that the client was seen. All methods may be called from
    several threads. Raises ``TypeError`` where an argument is no number and
    ``ValueError`` unless ``rate`` and ``burst`` are finite and above zero and
    ``max_clients`` at least one.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        max_clients: int = 10_000,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = checked_number(rate, "rate")
        require(self._rate > 0, "rate", "above zero", rate)
        self._burst = checked_number(burst, "burst")
        require(self._burst > 0, "burst", "above zero", burst)
        self._max_clients = checked_count(max_clients, "max_clients")
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()  # least recent first

    def allow(self, client: str, cost: float = 1.0) -> Decision:
        """Take ``cost`` tokens from the client's bucket if there are so many.

        A request that is refused takes nothing. Asked again ``retry_after`` seconds
        later it is allowed, unless the client has been allowed something in between.
        Raises ``TypeError`` where ``client`` is no text or ``cost`` no number,
        ``ValueError`` unless ``cost`` is above zero and at most ``burst``.
        """
        checked_text(client, "client")
        cost = checked_number(cost, "cost")
        expected = f"above zero and at most burst, which is {self._burst:g}"
        require(0 < cost <= self._burst, "cost", expected, cost)
        with self._lock:
            bucket = self._bucket(client, self._clock())
            available = self._available(bucket, bucket.seen)
            if available < cost:
                return Decision(False, available, self._wait(bucket, cost))
            bucket.tokens = available - cost
            bucket.since = bucket.seen
            return Decision(True, bucket.tokens, 0.0)

    def __len__(self) -> int:
        """Return the number of clients whose buckets are held."""
        with self._lock:
            return len(self._buckets)

    def _bucket(self, client: str, now: float) -> "_Bucket":
        """Return the client's bucket, seen now, after making room for a new one."""
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._burst, now, now)
            if len(self._buckets) > self._max_clients:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        bucket.seen = max(bucket.seen, now)
        return bucket

    def _available(self, bucket: "_Bucket", now: float) -> float:
        return min(self._burst, bucket.tokens + self._rate * (now - bucket.since))

    def _wait(self, bucket: "_Bucket", cost: float) -> float:
        """Return in how many seconds there are ``cost`` tokens."""
        missing = cost - self._available(bucket, bucket.seen)
        wait = missing / self._rate
        # Rounding can leave the bucket a hair short at that time: go on to the first
        # one, in doubling steps, at which it is not.
        step = math.ulp(bucket.seen + wait)
        while self._available(bucket, bucket.seen + wait) < cost:
            wait += step
            step *= 2
        return wait


@dataclass(slots=True)
class _Bucket:
    """``tokens`` were there at ``since``; the client last asked at ``seen``.

    Refusals do not touch the first two, so that they add no rounding errors.
    """

    tokens: float
    since: float
    seen: float
