"""Token-bucket rate limiter.

Every client owns a bucket that holds at most `burst` tokens and is full at first. It is
refilled with `rate` tokens a second and never beyond `burst`; a request that costs c
tokens is allowed where the bucket holds at least c, and takes them:

    level(t) = min(burst, level(s) + rate · (t − s))      for the last request at s ≤ t

So a client may send `burst` requests at once, and over a long time `rate` a second; in
any window of w seconds it gets at most burst + rate · w. A refused request takes
nothing, and is told when to come back: the tokens that lack, divided by `rate`. No
timer refills anything: a bucket remembers its level and when that was, and the rest is
arithmetic at the next request, in O(1).

Write `RateLimiter(rate, burst, max_clients=10_000, *, clock)`; `clock` gives seconds.
`allow(client, cost=1.0)` returns a `Decision`: `allowed`; `remaining`, the tokens that
are in the bucket now, after a cost that was taken; `retry_after`, 0.0 where allowed,
else the tokens that lack, divided by `rate`: seconds, which count from the moment at
which the clock has caught up, if it went back. Clients are told apart by their text.

There are at most `max_clients` buckets, since anybody can invent client names: before a
new one exceeds that number, the client that has not asked for the longest time is
forgotten, and would begin again with a full bucket. Being refused is asking too.
`len(limiter)` is the number of buckets. Where the clock goes back a bucket refills
nothing until it has caught up, and no tokens are lost or won by it. Threads share a
limiter: two requests never spend the same token.

`ValueError` that names the argument, before anything changes: `rate` and `burst` that
are not positive and finite; `max_clients` below one; `cost` that is not positive, or
above `burst`, which no waiting could satisfy.

Source: Turner, "New directions in communications (or which way to the information
age?)", IEEE Communications Magazine 24(10), 1986; RFC 6585, section 4 (status 429).

In production: several servers keep the buckets in one store, where a script updates a
bucket in one step, and a proxy in front may hide who the client is.
"""

import time
from collections.abc import Callable
from typing import NamedTuple


class Decision(NamedTuple):
    """What a request is told; `retry_after` in seconds."""

    allowed: bool
    remaining: float
    retry_after: float


class RateLimiter:
    """Gives each client `burst` requests at once and `rate` a second."""

    def __init__(
        self,
        rate: float,
        burst: float,
        max_clients: int = 10_000,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without any client."""
        raise NotImplementedError

    def allow(self, client: str, cost: float = 1.0) -> Decision:
        """Take `cost` tokens of the client's bucket, or say when they will be there."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of buckets."""
        raise NotImplementedError
