"""LRU cache with a time to live and threads.

A cache of bounded size holds what was used last: when it is full, a new key pushes
out the least recently used entry. An entry may also have a time to live (TTL).

Write `LRUCache`. Keys are anything hashable, values anything at all, None included.

- `set(key, value, ttl=None)` stores the value and returns True. The entry becomes
  the most recently used one. Setting a key that is there renews its value, its place
  and its lifetime, and pushes nothing out.
- `get(key, default=None)` returns the value, and the entry becomes the most recently
  used one; without a live entry it returns `default`.
- `exists(key)` tells whether there is a live entry. Asking is not a use.
- `delete(key)` removes the entry; it returns True if there was a live one, else
  False.

Lifetime: an entry that is set at time t with `ttl` seconds lives while
`clock() < t + ttl`; at exactly t + ttl it is gone. Without `ttl` it lives for
`default_ttl` seconds, and without either it stays until it is pushed out. `clock` is
any function that returns seconds: time is read from it and from nothing else.

An expired entry keeps its place until a call with its key meets it and drops it.
The entry that is pushed out is always the least recently used one, expired or not.

Every call takes constant time on average, however many entries there are: no search
through keys, places or lifetimes.

Any number of threads may call at the same time, and it must look as if the calls had
come one after another. A check and the change that follows from it are one step.

`ValueError` that names the argument: `max_size` below 1; `ttl` or `default_ttl` not
above 0. A `set` that is refused changes nothing.

Source: Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms (3rd edition,
2009), section 10.2 on doubly linked lists and chapter 11 on hash tables; the policy:
Silberschatz, Galvin, Gagne, Operating System Concepts (9th edition, 2012), section
9.4.4.

In production: one lock is fast enough for most services; beyond that the keys are
spread over several caches with a lock each. Entries get a little random lifetime on
top, so that they do not all expire, and are not all computed again, at once.
"""

import math
import threading
import time
from collections.abc import Callable, Hashable


class LRUCache:
    """A thread-safe cache of at most `max_size` entries, least recently used out."""

    def __init__(
        self,
        max_size: int = 1000,
        default_ttl: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an empty cache."""
        if max_size < 1:
            raise ValueError(f"max_size must be at least 1, got {max_size}")
        _check_lifetime("default_ttl", default_ttl)
        self._max_size = max_size
        self._default_ttl = default_ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}
        # A ring from the oldest use to the newest, closed by an entry without a key:
        # after it stands the least recently used entry, before it the most recent.
        self._ring = _Entry(None, None, math.inf)

    def get(self, key: Hashable, default: object = None) -> object:
        """Return the live value of `key`, now the most recent, else `default`."""
        with self._lock:
            entry = self._find(key)
            if entry is None:
                return default
            entry.unlink()
            entry.link_before(self._ring)
            return entry.value

    def set(self, key: Hashable, value: object, ttl: float | None = None) -> bool:
        """Store `value` as the most recent entry and return True."""
        _check_lifetime("ttl", ttl)
        lifetime = self._default_ttl if ttl is None else ttl
        with self._lock:
            expires_at = math.inf if lifetime is None else self._clock() + lifetime
            if key in self._entries:
                self._drop(self._entries[key])
            elif len(self._entries) == self._max_size:
                self._drop(self._ring.after)
            entry = _Entry(key, value, expires_at)
            entry.link_before(self._ring)
            self._entries[key] = entry
        return True

    def delete(self, key: Hashable) -> bool:
        """Remove `key` and return whether it was there and live."""
        with self._lock:
            entry = self._find(key)
            if entry is None:
                return False
            self._drop(entry)
            return True

    def exists(self, key: Hashable) -> bool:
        """Return whether `key` is there and live."""
        with self._lock:
            return self._find(key) is not None

    def _find(self, key: Hashable) -> "_Entry | None":
        """Return the live entry of `key`; drop it where it has expired."""
        entry = self._entries.get(key)
        if entry is not None and self._clock() >= entry.expires_at:
            self._drop(entry)
            return None
        return entry

    def _drop(self, entry: "_Entry") -> None:
        entry.unlink()
        del self._entries[entry.key]


class _Entry:
    """A value in the ring of all entries; alone, its own neighbour."""

    def __init__(self, key: Hashable, value: object, expires_at: float) -> None:
        self.key = key
        self.value = value
        self.expires_at = expires_at
        self.before = self.after = self

    def link_before(self, other: "_Entry") -> None:
        self.before, self.after = other.before, other
        self.before.after = self.after.before = self

    def unlink(self) -> None:
        self.before.after, self.after.before = self.after, self.before


def _check_lifetime(argument: str, seconds: float | None) -> None:
    if seconds is not None and not seconds > 0:
        raise ValueError(f"{argument} must be above 0, got {seconds}")
