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
        raise NotImplementedError

    def set(self, key: str, field: str, value: str) -> None:
        """Store `value` in a field of the record `key`."""
        raise NotImplementedError

    def get(self, key: str, field: str) -> str | None:
        """Return the value of a field, None where there is none."""
        raise NotImplementedError

    def delete(self, key: str, field: str) -> bool:
        """Remove a field and return whether it was there."""
        raise NotImplementedError

    def compare_and_set(
        self, key: str, field: str, expected: str | None, value: str
    ) -> bool:
        """Store `value` if the field holds `expected`; return whether it did."""
        raise NotImplementedError

    def scan(self, key: str) -> list[tuple[str, str]]:
        """Return the fields of a record with their values, ordered by field."""
        raise NotImplementedError

    def scan_prefix(self, key: str, prefix: str) -> list[tuple[str, str]]:
        """Return what `scan` gives, of the fields that begin with `prefix`."""
        raise NotImplementedError

    def largest(self, count: int) -> list[tuple[str, int]]:
        """Return the `count` records with the most fields, and how many they have."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of records that have a field."""
        raise NotImplementedError
