from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal
from dojo.testing.stateful import StateMachine, run_machine
from katas.database_codebase.database_basic import Database

names = st.sampled_from(["a", "b", "ab", ""])
values = st.sampled_from(["x", "y", "", "0"])


@given(st.lists(st.tuples(names, names, values), min_size=1, max_size=8))
@example([("a", "b", "x"), ("b", "b", "y")])
@example([("a", "b", "x"), ("a", "b", "y")])
@example([("a", "bb", "x"), ("ab", "b", "y")])
@example([("", "", "")])
def test_what_is_set_is_there(sets: list[tuple[str, str, str]]) -> None:
    """Each field of each record has its own last value; what was never set has none."""
    database = Database()
    for key, field, value in sets:
        assert_equal(database.set(key, field, value), None, "the answer of set")
    for (key, field), value in {(k, f): v for k, f, v in sets}.items():
        assert_equal(database.get(key, field), value, f"{field!r} of {key!r}")
    assert_equal(database.get(sets[0][0], "z"), None, "a field that is not there")
    assert_equal(database.get("z", sets[0][1]), None, "a record that is not there")


@given(st.lists(st.tuples(names, names), max_size=5, unique=True), names, names)
@example([("a", "b"), ("a", "ab"), ("b", "b")], "a", "b")
@example([("a", "b")], "a", "ab")
@example([], "a", "b")
def test_delete_tells_whether_there_was_one(
    present: list[tuple[str, str]], key: str, field: str
) -> None:
    """True the first time and False after that; every other field stays."""
    database = Database()
    for other in present:
        database.set(*other, "")
    expected = (key, field) in present
    assert_equal(database.delete(key, field), expected, "the answer of delete")
    assert_equal(database.delete(key, field), False, "the second answer of delete")
    assert_equal(database.get(key, field), None, "what was deleted")
    for other in present:
        if other != (key, field):
            assert_equal(database.get(*other), "", f"{other[1]!r} of {other[0]!r}")


@given(st.lists(st.tuples(names, names), min_size=1, max_size=6))
@example([("a", "a"), ("a", "b")])
@example([("a", "a"), ("b", "a"), ("", "a")])
def test_a_record_is_there_while_it_has_fields(pairs: list[tuple[str, str]]) -> None:
    """The number of records counts each key once, until its last field is deleted."""
    database = Database()
    assert_equal(len(database), 0, "the number of records at first")
    left: list[tuple[str, str]] = []
    for key, field in pairs:
        database.set(key, field, "x")
        left.append((key, field))
        assert_equal(len(database), len({k for k, _ in left}), "the number of records")
    database.get("z", "z")
    database.delete("z", "z")
    database.compare_and_set("z", "z", "x", "y")
    assert_equal(len(database), len({k for k, _ in left}), "the number of records")
    for pair in pairs:
        database.delete(*pair)
        left = [other for other in left if other != pair]
        assert_equal(len(database), len({k for k, _ in left}), "the number of records")


@given(st.one_of(st.none(), values), st.one_of(st.none(), values), values)
@example(None, None, "x")
@example("x", None, "y")
@example(None, "x", "y")
@example("x", "x", "y")
@example("x", "y", "y")
@example("", None, "y")
@example(None, "", "y")
@example("", "", "y")
def test_compare_and_set_looks_first(
    present: str | None, expected: str | None, value: str
) -> None:
    """The value changes where the field held what was expected, and else it stays."""
    database = Database()
    database.set("a", "other", "z")
    if present is not None:
        database.set("a", "b", present)
    swaps = present == expected
    answer = database.compare_and_set("a", "b", expected, value)
    assert_equal(answer, swaps, "the answer of compare_and_set")
    assert_equal(database.get("a", "b"), value if swaps else present, "the value")
    assert_equal(database.get("a", "other"), "z", "the value of another field")


class _Machine(StateMachine):
    """The database beside one flat dict."""

    @initialize()
    def begin(self) -> None:
        self.database = Database()
        self.model: dict[tuple[str, str], str] = {}

    @rule(key=names, field=names, value=values)
    def set(self, key: str, field: str, value: str) -> None:
        self.database.set(key, field, value)
        self.model[key, field] = value

    @rule(key=names, field=names)
    def get(self, key: str, field: str) -> None:
        expected = self.model.get((key, field))
        assert_equal(self.database.get(key, field), expected, f"{field!r} of {key!r}")

    @rule(key=names, field=names)
    def delete(self, key: str, field: str) -> None:
        expected = self.model.pop((key, field), None) is not None
        answer = self.database.delete(key, field)
        assert_equal(answer, expected, "the answer of delete")

    @rule(key=names, field=names, expected=st.one_of(st.none(), values), value=values)
    def swap(self, key: str, field: str, expected: str | None, value: str) -> None:
        swaps = self.model.get((key, field)) == expected
        if swaps:
            self.model[key, field] = value
        answer = self.database.compare_and_set(key, field, expected, value)
        assert_equal(answer, swaps, "the answer of compare_and_set")

    @rule()
    def count(self) -> None:
        records = len({key for key, _ in self.model})
        assert_equal(len(self.database), records, "the number of records")


def test_any_calls_in_any_order() -> None:
    """After any calls the database answers as one flat dictionary would."""
    run_machine(_Machine)
