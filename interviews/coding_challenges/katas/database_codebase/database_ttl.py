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


class Database:
    """Records of fields, each found by its key and gone when its time is over."""

    def __init__(self) -> None:
        """Make an empty database at time 0."""
        raise NotImplementedError

    def set(
        self,
        key: str,
        field: str,
        value: str,
        timestamp: int | None = None,
        ttl: int | None = None,
    ) -> None:
        """Store `value` in a field of the record `key`, for `ttl` seconds if given."""
        raise NotImplementedError

    def get(self, key: str, field: str, timestamp: int | None = None) -> str | None:
        """Return the value of a field, None where there is none."""
        raise NotImplementedError

    def delete(self, key: str, field: str, timestamp: int | None = None) -> bool:
        """Remove a field and return whether it was there."""
        raise NotImplementedError

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
        raise NotImplementedError

    def scan(self, key: str, timestamp: int | None = None) -> list[tuple[str, str]]:
        """Return the fields of a record with their values, ordered by field."""
        raise NotImplementedError

    def scan_prefix(
        self, key: str, prefix: str, timestamp: int | None = None
    ) -> list[tuple[str, str]]:
        """Return what `scan` gives, of the fields that begin with `prefix`."""
        raise NotImplementedError

    def largest(
        self, count: int, timestamp: int | None = None
    ) -> list[tuple[str, int]]:
        """Return the `count` records with the most fields, and how many they have."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of records that have a field."""
        raise NotImplementedError
