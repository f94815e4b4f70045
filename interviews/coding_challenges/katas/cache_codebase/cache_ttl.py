"""Level 2 of the cache: entries may have a time to live (TTL).

All that level 1 asked for goes on to hold. New:

- `Cache(capacity, clock=time.time)`: `clock()` is the time in seconds. Time is read
  from it and from nothing else; it never goes back.
- `set(key, value, ttl=None)`: an entry that is set at time t with `ttl` seconds lives
  while `clock() < t + ttl`. At exactly t + ttl it is gone: `get` misses it, `delete`
  answers False, `len` does not count it. Without `ttl` it does not expire.
- Setting a key again renews its lifetime as well: the old one no longer counts. `get`
  changes no lifetime.
- Who is gone takes no place: a live entry is pushed out only if the cache is full of
  live ones.

A `ttl` that is not above 0 is a `ValueError` that names it, and nothing changes.

Source: Nishtala et al., Scaling Memcache at Facebook (NSDI 2013), section 3, on why
lifetimes are there.

In production: expired entries are found by a heap of end times or a timer wheel, not
by looking at all of them; lifetimes get a little random time on top, so that entries
made together do not all end together.
"""

import time
from collections.abc import Callable


class Cache:
    """At most `capacity` live entries; the least recently used one leaves first."""

    def __init__(self, capacity: int, clock: Callable[[], float] = time.time) -> None:
        """Make an empty cache."""
        raise NotImplementedError

    def get(self, key: str, default: object = None) -> object:
        """Return the live value of `key`, now the most recently used, or `default`."""
        raise NotImplementedError

    def set(self, key: str, value: object, ttl: float | None = None) -> None:
        """Store `value` for `ttl` seconds, or for good; that is a use of `key`."""
        raise NotImplementedError

    def delete(self, key: str) -> bool:
        """Remove `key` and return whether it was there and live."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of live entries."""
        raise NotImplementedError
