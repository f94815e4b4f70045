"""Level 3 of the database: timestamps, and fields with a time to live (TTL).

All that levels 1 and 2 asked for goes on to hold. New:

- Every method but `len` takes `timestamp`, the time of the call in whole seconds. Time
  begins at 0 and does not go back: two calls may have the same timestamp. A call
  without a timestamp, and `len`, happen at the latest time that a call has named.
- `set` and `compare_and_set` take `ttl`: a field that is set at time t with `ttl`
  seconds lives at t, t + 1, ..., t + ttl - 1. At t + ttl it is gone: no call finds it,
  lists it or counts it, and `compare_and_set` takes it for not there. Without `ttl` a
  field lives until it is deleted.
- Setting a field again renews its lifetime as well: the old one no longer counts. A
  `compare_and_set` that changes no value changes no lifetime.

`ValueError` that names the argument: `timestamp` before the latest time; `ttl` below 1.
A call that is refused changes nothing, the latest time included.

Source: Redis documentation, EXPIRE: a key is gone once its time to live has elapsed.

In production: time comes from one clock of the server, never from the clients, and
what has expired is swept out in the background, a little at a time.
"""

import math


class Database:
    """Records of fields, each found by its key and gone when its time is over."""

    def __init__(self) -> None:
        """Make an empty database at time 0."""
        self._now = 0
        # Each value with the time when it ends.
        self._records: dict[str, dict[str, tuple[str, float]]] = {}

    def set(
        self,
        key: str,
        field: str,
        value: str,
        timestamp: int | None = None,
        ttl: int | None = None,
    ) -> None:
        """Store `value` in a field of the record `key`, for `ttl` seconds if given."""
        _check_lifetime(ttl)
        self._go_on(timestamp)
        ends = math.inf if ttl is None else self._now + ttl
        self._records.setdefault(key, {})[field] = (value, ends)

    def get(self, key: str, field: str, timestamp: int | None = None) -> str | None:
        """Return the value of a field, None where there is none."""
        self._go_on(timestamp)
        return self._fields(key).get(field)

    def delete(self, key: str, field: str, timestamp: int | None = None) -> bool:
        """Remove a field and return whether it was there."""
        self._go_on(timestamp)
        if field not in self._fields(key):
            return False
        del self._records[key][field]
        return True

    def compare_and_set(
        self,
        key: str,
        field: str,
        expected: str | None,
        value: str,
        timestamp: int | None = None,
        ttl: int | None = None,
    ) -> bool:
        """Store `value` if the field holds `expected`; return whether it did."""
        _check_lifetime(ttl)
        if self.get(key, field, timestamp) != expected:
            return False
        self.set(key, field, value, timestamp, ttl)
        return True

    def scan(self, key: str, timestamp: int | None = None) -> list[tuple[str, str]]:
        """Return the fields of a record with their values, ordered by field."""
        self._go_on(timestamp)
        return sorted(self._fields(key).items())

    def scan_prefix(
        self, key: str, prefix: str, timestamp: int | None = None
    ) -> list[tuple[str, str]]:
        """Return what `scan` gives, of the fields that begin with `prefix`."""
        pairs = self.scan(key, timestamp)
        return [pair for pair in pairs if pair[0].startswith(prefix)]

    def largest(
        self, count: int, timestamp: int | None = None
    ) -> list[tuple[str, int]]:
        """Return the `count` records with the most fields, and how many they have."""
        if count < 0:
            raise ValueError(f"count must be at least 0, got {count}")
        self._go_on(timestamp)
        sizes = [(key, len(self._fields(key))) for key in self._records]
        there = [pair for pair in sizes if pair[1]]
        return sorted(there, key=lambda pair: (-pair[1], pair[0]))[:count]

    def __len__(self) -> int:
        """Return the number of records that have a field."""
        return sum(1 for key in self._records if self._fields(key))

    def _go_on(self, timestamp: int | None) -> None:
        """Let it be `timestamp`, if one is given."""
        if timestamp is not None:
            if timestamp < self._now:
                raise ValueError(
                    f"timestamp must be at least {self._now}, got {timestamp}"
                )
            self._now = timestamp

    def _fields(self, key: str) -> dict[str, str]:
        """Return the live fields of a record with their values."""
        fields = self._records.get(key, {})
        return {
            field: value for field, (value, ends) in fields.items() if self._now < ends
        }


def _check_lifetime(ttl: int | None) -> None:
    if ttl is not None and ttl < 1:
        raise ValueError(f"ttl must be at least 1, got {ttl}")
