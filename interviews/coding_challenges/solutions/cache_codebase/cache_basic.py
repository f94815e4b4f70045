"""Level 1 of a cache: it holds what was used last.

Write `Cache(capacity)`: at most `capacity` entries. Keys are texts, values anything
at all, None included.

- `set(key, value)` stores the value; the entry is now the most recently used one. A
  new key pushes out the least recently used entry if the cache is full. A key that is
  there gets the new value, and nothing is pushed out.
- `get(key, default=None)` returns the value, and that is a use too; `default` if the
  key is not there.
- `delete(key)` removes the entry and tells whether there was one.
- `len(cache)` is the number of entries.

A `capacity` below 1 is a `ValueError` that names it.

Three more levels build on this file: lifetimes, a journal on disk, threads.

Source: Silberschatz, Galvin, Gagne, Operating System Concepts (9th edition, 2012),
section 9.4.4, on the policy.

In production: what is stored is measured in bytes rather than in entries, and the
rate of hits is watched, since it tells whether the cache is worth its memory.
"""


class Cache:
    """At most `capacity` entries; the least recently used one leaves first."""

    def __init__(self, capacity: int) -> None:
        """Make an empty cache."""
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity = capacity
        # A dict keeps the order of insertion: the oldest use stands first.
        self._entries: dict[str, object] = {}

    def get(self, key: str, default: object = None) -> object:
        """Return the value of `key`, now the most recently used, else `default`."""
        if key not in self._entries:
            return default
        value = self._entries.pop(key)
        self._entries[key] = value
        return value

    def set(self, key: str, value: object) -> None:
        """Store `value`, which is a use of `key`."""
        if key in self._entries:
            del self._entries[key]
        elif len(self._entries) == self._capacity:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value

    def delete(self, key: str) -> bool:
        """Remove `key` and return whether it was there."""
        if key not in self._entries:
            return False
        del self._entries[key]
        return True

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)
