from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_raises_naming
from dojo.testing.stateful import StateMachine, run_machine
from katas.database_codebase.database_scan import Database

keys = st.sampled_from(["a", "b", "B", "ab"])
fields = st.sampled_from(["a", "ab", "abc", "b", "B", "ba", "é", "10", "9", ""])
values = st.sampled_from(["x", "y", ""])
records = st.dictionaries(fields, values, max_size=6)
prefixes = st.sampled_from(["", "a", "ab", "b", "B", "abcd", "1"])


def filled(record: dict[str, str]) -> Database:
    """Return a database with this record under "a", and another one."""
    database = Database()
    for field, value in record.items():
        database.set("a", field, value)
    database.set("other", "a", "z")
    return database


@given(records)
@example({"b": "x", "a": "y"})
@example({"b": "x", "B": "y", "é": ""})
@example({"9": "x", "10": "y"})
@example({})
def test_a_scan_is_ordered_by_field(record: dict[str, str]) -> None:
    """All fields of one record come with their values, by code points of the field."""
    database = filled(record)
    assert_equal(database.scan("a"), sorted(record.items()), "the scan")
    assert_equal(database.scan("none"), [], "the scan of a record that is not there")
    assert_equal(len(database), 1 + bool(record), "the number of records")


@given(records, prefixes)
@example({"abc": "x", "ab": "y", "a": "", "ba": "x"}, "ab")
@example({"b": "x", "B": "y"}, "b")
@example({"b": "x", "a": "y"}, "")
@example({"ba": "x"}, "a")
@example({"b": "a"}, "a")
def test_a_prefix_chooses_fields(record: dict[str, str], prefix: str) -> None:
    """Only fields that begin with the prefix come, the prefix itself included."""
    database = filled(record)
    expected = [(f, v) for f, v in sorted(record.items()) if f.startswith(prefix)]
    assert_equal(database.scan_prefix("a", prefix), expected, "the scan by prefix")
    nothing = database.scan_prefix("none", prefix)
    assert_equal(nothing, [], "the scan of a record that is not there")


@given(st.dictionaries(keys, st.integers(1, 4)), st.integers(0, 5))
@example({"a": 1, "b": 3, "B": 2}, 2)
@example({"b": 2, "a": 2, "B": 2}, 2)
@example({"b": 1, "a": 1}, 0)
@example({"b": 1, "a": 1}, 3)
def test_the_largest_records_come_first(sizes: dict[str, int], count: int) -> None:
    """More fields come first, ties by the lower key, and at most count of them."""
    database = Database()
    for key, size in sizes.items():
        for field in "abcd"[:size]:
            database.set(key, field, "x")
    # A record that has lost its fields is none.
    database.set("gone", "a", "x")
    database.delete("gone", "a")
    ranked = sorted(sizes.items())
    ranked.sort(key=lambda pair: pair[1], reverse=True)
    assert_equal(database.largest(count), ranked[:count], "the largest records")
    assert_equal(len(database), len(sizes), "the number of records")


@given(st.integers(-3, -1))
@example(-1)
def test_a_negative_count_is_refused(count: int) -> None:
    """A count below 0 is refused by name; for 0 records the list is empty."""
    database = filled({"a": "x"})
    assert_raises_naming("count", database.largest, count)
    assert_equal(database.largest(0), [], "the largest 0 records")


@given(records, prefixes)
@example({"a": "x", "b": "y"}, "")
def test_the_lists_are_the_callers_own(record: dict[str, str], prefix: str) -> None:
    """What the caller does to an answer does not reach the database."""
    database = filled(record)
    answers = database.scan("a"), database.scan_prefix("a", prefix), database.largest(9)
    for answer in answers:
        answer.clear()
    assert_equal(database.scan("a"), sorted(record.items()), "the scan afterwards")
    assert_equal(len(database), 1 + bool(record), "the number of records")


class _Machine(StateMachine):
    """The database beside one flat dict."""

    @initialize()
    def begin(self) -> None:
        self.database = Database()
        self.model: dict[tuple[str, str], str] = {}

    @rule(key=keys, field=fields, value=values)
    def set(self, key: str, field: str, value: str) -> None:
        self.database.set(key, field, value)
        self.model[key, field] = value

    @rule(key=keys, field=fields)
    def get(self, key: str, field: str) -> None:
        expected = self.model.get((key, field))
        assert_equal(self.database.get(key, field), expected, f"{field!r} of {key!r}")

    @rule(key=keys, field=fields)
    def delete(self, key: str, field: str) -> None:
        expected = self.model.pop((key, field), None) is not None
        answer = self.database.delete(key, field)
        assert_equal(answer, expected, "the answer of delete")

    @rule(key=keys, field=fields, expected=st.one_of(st.none(), values), value=values)
    def swap(self, key: str, field: str, expected: str | None, value: str) -> None:
        swaps = self.model.get((key, field)) == expected
        if swaps:
            self.model[key, field] = value
        answer = self.database.compare_and_set(key, field, expected, value)
        assert_equal(answer, swaps, "the answer of compare_and_set")

    @rule(key=keys, prefix=prefixes)
    def scan(self, key: str, prefix: str) -> None:
        pairs = sorted((f, value) for (k, f), value in self.model.items() if k == key)
        assert_equal(self.database.scan(key), pairs, f"the scan of {key!r}")
        chosen = [pair for pair in pairs if pair[0].startswith(prefix)]
        answer = self.database.scan_prefix(key, prefix)
        assert_equal(answer, chosen, f"the scan of {key!r} by {prefix!r}")

    @rule()
    def count(self) -> None:
        records = len({key for key, _ in self.model})
        assert_equal(len(self.database), records, "the number of records")
        assert_equal(len(self.database.largest(9)), records, "the number of largest")


def test_any_calls_in_any_order() -> None:
    """After any calls, scans included, the database answers as a flat dict would."""
    run_machine(_Machine)
