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

    def backup(self, timestamp: int | None = None) -> int:
        """Keep a copy of what is there and return the number of records in it."""
        raise NotImplementedError

    def restore(self, to: int, timestamp: int | None = None) -> None:
        """Put back the latest backup made at or before the time `to`."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of records that have a field."""
        raise NotImplementedError
