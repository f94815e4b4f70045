"""Level 1 of a database in memory: records with fields.

A record has a key, and fields with a value each. Keys, fields and values are texts, and
each of them may be empty.

Write `Database()`:

- `set(key, field, value)` stores the value, in a new record or field if need be.
- `get(key, field)` returns the value, or None if there is no such record or field.
- `delete(key, field)` removes the field and tells whether it was there.
- `compare_and_set(key, field, expected, value)` stores the value only if the field's
  value is `expected`, and tells whether it did. `expected` None stands for a field that
  is not there.
- `len(database)` is the number of records with at least one field: a record is there
  from its first field to its last.

Three more levels build on this file: scans, lifetimes, backups.

Source: Herlihy, Wait-Free Synchronization (ACM TOPLAS 13(1), 1991), section 3.2, on
compare-and-swap.

In production: the swap is what several writers agree by, each against the value that
it has read, without a lock that outlives a call.
"""


class Database:
    """Records of fields, each found by its key."""

    def __init__(self) -> None:
        """Make an empty database."""
        self._records: dict[str, dict[str, str]] = {}

    def set(self, key: str, field: str, value: str) -> None:
        """Store `value` in a field of the record `key`."""
        self._records.setdefault(key, {})[field] = value

    def get(self, key: str, field: str) -> str | None:
        """Return the value of a field, None where there is none."""
        return self._fields(key).get(field)

    def delete(self, key: str, field: str) -> bool:
        """Remove a field and return whether it was there."""
        if field not in self._fields(key):
            return False
        del self._records[key][field]
        return True

    def compare_and_set(
        self, key: str, field: str, expected: str | None, value: str
    ) -> bool:
        """Store `value` if the field holds `expected`; return whether it did."""
        if self.get(key, field) != expected:
            return False
        self.set(key, field, value)
        return True

    def __len__(self) -> int:
        """Return the number of records that have a field."""
        return sum(1 for fields in self._records.values() if fields)

    def _fields(self, key: str) -> dict[str, str]:
        return self._records.get(key, {})
