"""Level 2 of the database: scans, in a defined order.

All that level 1 asked for goes on to hold. New:

- `scan(key)` returns the fields of a record as a list of pairs (field, value), ordered
  by field; an empty list if there is no such record.
- `scan_prefix(key, prefix)` returns only the fields that begin with `prefix`, in the
  same order. Every field begins with the empty text.
- `largest(count)` returns the `count` records with the most fields as a list of pairs
  (key, number of fields): the most fields first, and of equally large ones the lower
  key first. All of them if there are not so many; a record without fields is not one.

Texts are ordered as Python orders them, by code points. The lists are the caller's own:
what is done to them does not reach the database.

A `count` below 0 is a `ValueError` that names it.

Source: Ramakrishnan and Gehrke, Database Management Systems (3rd edition, 2003),
section 10.3, on range and prefix search in ordered files.

In production: fields stand in a sorted structure (B-tree, skip list), so that a prefix
is found by a search and not by looking at all fields.
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

    def scan(self, key: str) -> list[tuple[str, str]]:
        """Return the fields of a record with their values, ordered by field."""
        return sorted(self._fields(key).items())

    def scan_prefix(self, key: str, prefix: str) -> list[tuple[str, str]]:
        """Return what `scan` gives, of the fields that begin with `prefix`."""
        return [pair for pair in self.scan(key) if pair[0].startswith(prefix)]

    def largest(self, count: int) -> list[tuple[str, int]]:
        """Return the `count` records with the most fields, and how many they have."""
        if count < 0:
            raise ValueError(f"count must be at least 0, got {count}")
        sizes = [(key, len(fields)) for key, fields in self._records.items() if fields]
        return sorted(sizes, key=lambda pair: (-pair[1], pair[0]))[:count]

    def __len__(self) -> int:
        """Return the number of records that have a field."""
        return sum(1 for fields in self._records.values() if fields)

    def _fields(self, key: str) -> dict[str, str]:
        return self._records.get(key, {})
