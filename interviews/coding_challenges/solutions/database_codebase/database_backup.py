"""Level 4 of the database: backup and restore.

All that levels 1 to 3 asked for goes on to hold. New:

- `backup(timestamp=None)` keeps a copy of all that is there at this time, and returns
  the number of records in it. Of each field with a lifetime it keeps how many seconds
  are left.
- `restore(to, timestamp=None)` puts the database back to the latest backup that was
  made at or before the time `to` (of several at one time, the last one made). All else
  is gone. What was left of a lifetime at the backup begins to run at the restore: with
  3 seconds left at the backup, a field restored at time 50 is gone at 53.
- The time itself is not put back: it is that of the call. Backups stay, the later ones
  too, and any of them may be restored any number of times. What is done after a backup
  or a restore does not reach the backups.

If no backup was made at or before `to`, `restore` is a `ValueError` that names `to`,
and nothing changes, the latest time included. `to` may lie in the future.

Source: Gray and Reuter, Transaction Processing (1993), chapter 9, on recovery from an
archive copy.

In production: a backup is written elsewhere while calls go on, by copy-on-write or a
forked process, and a restore is rehearsed: an untested backup is none.
"""

import math

_Records = dict[str, dict[str, tuple[str, float]]]


class Database:
    """Records of fields, each found by its key and gone when its time is over."""

    def __init__(self) -> None:
        """Make an empty database at time 0."""
        self._now = 0
        # Each value with the time when it ends.
        self._records: _Records = {}
        # Each backup with its time; the end of a field is what was left of it.
        self._backups: list[tuple[int, _Records]] = []

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

    def backup(self, timestamp: int | None = None) -> int:
        """Keep a copy of what is there and return the number of records in it."""
        self._go_on(timestamp)
        self._backups.append((self._now, _shifted(self._records, -self._now)))
        return len(self)

    def restore(self, to: int, timestamp: int | None = None) -> None:
        """Put back the latest backup made at or before the time `to`."""
        made = [copy for time, copy in self._backups if time <= to]
        if not made:
            raise ValueError(f"to must be at or after the first backup, got {to}")
        self._go_on(timestamp)
        self._records = _shifted(made[-1], self._now)

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


def _shifted(records: _Records, by: int) -> _Records:
    """Return a copy whose fields end `by` seconds later."""
    return {
        key: {field: (value, ends + by) for field, (value, ends) in fields.items()}
        for key, fields in records.items()
    }
