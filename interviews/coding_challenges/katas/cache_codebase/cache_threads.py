"""Level 4 of the cache: many threads, and one computation for all who wait.

All that levels 1 to 3 asked for goes on to hold. New:

- Any number of threads may call at the same time, and it must look as if the calls had
  come one after another; so it does in the journal.
- `get_or_compute(key, compute, ttl=None)` returns the live value of `key`, which is a
  use like `get`. If there is none, it calls `compute()`, stores the value like
  `set(key, value, ttl)` does, its lifetime beginning then, and returns it.
- Single flight: of all threads that ask for the same missing key at one time, one
  computes, and the others wait for its value. Meanwhile every other call goes on.
  `compute` may use the cache too, though not ask for the same key.
- What goes wrong (in `compute`, or in storing its value) is raised in all threads that
  wait, the one that computed included. Nothing is stored; the next call tries again.

A bad `ttl` is refused as in `set`, before anything is computed or waited for; also
where the key is there.

Source: Nishtala et al., Scaling Memcache at Facebook (NSDI 2013), section 3.2.1, on
thundering herds; the name is that of Go's package singleflight.

In production: waiting has a limit, hot keys are computed anew shortly before they end,
and a flight spans machines as well, by a lease in the shared cache.
"""

import time
from collections.abc import Callable
from pathlib import Path


class Cache:
    """At most `capacity` live entries; the least recently used one leaves first."""

    def __init__(
        self,
        capacity: int,
        clock: Callable[[], float] = time.time,
        journal: str | Path | None = None,
    ) -> None:
        """Make a cache of what the journal holds, or an empty one."""
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

    def get_or_compute(
        self, key: str, compute: Callable[[], object], ttl: float | None = None
    ) -> object:
        """Return the value of `key`, which one of all who ask computes if need be."""
        raise NotImplementedError
