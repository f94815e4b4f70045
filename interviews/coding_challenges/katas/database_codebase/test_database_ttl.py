from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_raises_naming
from dojo.testing.stateful import StateMachine, run_machine
from katas.database_codebase.database_ttl import Database

keys = st.sampled_from(["a", "b", "ab"])
fields = st.sampled_from(["a", "ab", "b", ""])
values = st.sampled_from(["x", "y", ""])
times = st.integers(0, 9)
lifetimes = st.integers(1, 5)


@given(times, lifetimes, values)
@example(0, 1, "x")
@example(3, 2, "")
def test_a_field_lives_until_its_time_is_over(start: int, ttl: int, value: str) -> None:
    """A field lives for ttl seconds from the time when it was set, and then no more."""
    database = Database()
    database.set("a", "short", value, start, ttl)
    database.set("a", "long", value, start)
    for time in range(start, start + ttl):
        assert_equal(database.get("a", "short", time), value, f"the value at {time}")
    end = start + ttl
    assert_equal(database.get("a", "short", end), None, f"the value at {end}")
    later = database.get("a", "long", 10**9)
    assert_equal(later, value, "the value without a lifetime")


@given(times, lifetimes)
@example(0, 1)
@example(5, 3)
def test_every_call_passes_over_what_is_gone(start: int, ttl: int) -> None:
    """At its end a field is not deleted, listed, counted or swapped any more."""
    end = start + ttl
    for time, live in ((end - 1, True), (end, False)):
        databases = [Database() for _ in range(6)]
        for each in databases:
            each.set("a", "short", "x", start, ttl)
            each.set("b", "long", "y", start)
        first, second, third, fourth, fifth, sixth = databases
        pairs = [("short", "x")] if live else []
        assert_equal(first.delete("a", "short", time), live, f"delete at {time}")
        second.set("a", "also", "y")
        ordered = [("also", "y"), *pairs]
        assert_equal(second.scan("a", time), ordered, f"the scan at {time}")
        chosen = third.scan_prefix("a", "s", time)
        assert_equal(chosen, pairs, f"the scan by prefix at {time}")
        ranked = [("a", 1), ("b", 1)] if live else [("b", 1)]
        assert_equal(fourth.largest(2, time), ranked, f"the largest at {time}")
        swapped = fifth.compare_and_set("a", "short", None, "z", time)
        assert_equal(swapped, not live, f"compare_and_set at {time}")
        sixth.get("b", "long", time)
        assert_equal(len(sixth), 1 + live, f"the number of records at {time}")


@given(lifetimes, st.one_of(st.none(), lifetimes), st.booleans())
@example(1, None, False)
@example(2, 5, True)
@example(5, 2, False)
@example(5, None, True)
def test_setting_again_renews_the_lifetime(
    first: int, second: int | None, swaps: bool
) -> None:
    """Only the last change of a value counts for its end; reading moves no end."""
    database = Database()
    database.set("a", "b", "old", 10, first)
    database.set("a", "kept", "old", 10, 6)
    if swaps:
        database.compare_and_set("a", "b", "old", "new", 10, second)
    else:
        database.set("a", "b", "new", 10, second)
    # No swap, and nothing of it.
    database.compare_and_set("a", "kept", "other", "new", 10, 1)
    end = 10 + (second or 6)
    assert_equal(database.get("a", "b", end - 1), "new", f"the value at {end - 1}")
    assert_equal(database.get("a", "kept"), "old", "the value that was kept")
    expected = "new" if second is None else None
    assert_equal(database.get("a", "b", end), expected, f"the value at {end}")
    assert_equal(database.get("a", "kept", 16), None, "the value that was kept, at 16")


@given(times, lifetimes)
@example(4, 3)
@example(0, 1)
def test_without_a_timestamp_it_is_the_latest_time(start: int, ttl: int) -> None:
    """A call that names no time happens at the latest time named, at first at 0."""
    fresh = Database()
    fresh.set("a", "b", "x", ttl=ttl)
    assert_equal(fresh.get("a", "b", ttl - 1), "x", "a value that was set at 0")
    assert_equal(fresh.get("a", "b", ttl), None, "a value that was set at 0, later")
    moves = {
        "set": lambda base, time: base.set("c", "d", "y", time),
        "get": lambda base, time: base.get("c", "d", time),
        "delete": lambda base, time: base.delete("c", "d", time),
        "compare_and_set": lambda base, time: base.compare_and_set(
            "c", "d", "y", "z", time
        ),
        "scan": lambda base, time: base.scan("c", time),
        "scan_prefix": lambda base, time: base.scan_prefix("c", "", time),
        "largest": lambda base, time: base.largest(1, time),
    }
    for name, move in moves.items():
        database = Database()
        database.set("a", "b", "x", start, ttl)
        move(database, start + ttl - 1)
        assert_equal(database.scan("a"), [("b", "x")], f"the scan after {name}")
        move(database, start + ttl)
        assert_equal(database.scan("a"), [], f"the scan after a later {name}")
        database.set("a", "b", "x", ttl=2)
        database.get("a", "b", start + ttl)
        assert_equal(database.scan("a"), [("b", "x")], "the scan at the same time")


class _Machine(StateMachine):
    """The database beside one flat dict of (value, end)."""

    @initialize()
    def begin(self) -> None:
        self.database = Database()
        self.now = 0
        self.model: dict[tuple[str, str], tuple[str, float]] = {}

    def at(self, wait: int | None) -> int | None:
        """Go on, drop what is over, and return the timestamp to give."""
        self.now += wait or 0
        self.model = {k: v for k, v in self.model.items() if self.now < v[1]}
        return None if wait is None else self.now

    def value(self, key: str, field: str) -> str | None:
        return self.model.get((key, field), (None, 0.0))[0]

    def store(self, key: str, field: str, value: str, ttl: int | None) -> None:
        end = float("inf") if ttl is None else self.now + ttl
        self.model[key, field] = (value, end)

    waits = st.one_of(st.none(), st.integers(0, 2))
    ttls = st.one_of(st.none(), lifetimes)

    @rule(key=keys, field=fields, value=values, wait=waits, ttl=ttls)
    def set(
        self, key: str, field: str, value: str, wait: int | None, ttl: int | None
    ) -> None:
        self.database.set(key, field, value, timestamp=self.at(wait), ttl=ttl)
        self.store(key, field, value, ttl)

    @rule(key=keys, field=fields, wait=waits)
    def get(self, key: str, field: str, wait: int | None) -> None:
        answer = self.database.get(key, field, timestamp=self.at(wait))
        assert_equal(answer, self.value(key, field), f"{field!r} of {key!r}")

    @rule(key=keys, field=fields, wait=waits)
    def delete(self, key: str, field: str, wait: int | None) -> None:
        answer = self.database.delete(key, field, timestamp=self.at(wait))
        expected = self.model.pop((key, field), None) is not None
        assert_equal(answer, expected, "the answer of delete")

    @rule(
        key=keys,
        field=fields,
        expected=st.one_of(st.none(), values),
        value=values,
        wait=waits,
        ttl=ttls,
    )
    def swap(
        self,
        key: str,
        field: str,
        expected: str | None,
        value: str,
        wait: int | None,
        ttl: int | None,
    ) -> None:
        time = self.at(wait)
        answer = self.database.compare_and_set(
            key, field, expected, value, timestamp=time, ttl=ttl
        )
        swaps = self.value(key, field) == expected
        if swaps:
            self.store(key, field, value, ttl)
        assert_equal(answer, swaps, "the answer of compare_and_set")

    @rule(key=keys, prefix=fields, wait=waits)
    def scan(self, key: str, prefix: str, wait: int | None) -> None:
        answer = self.database.scan(key, timestamp=self.at(wait))
        pairs = sorted((f, v) for (k, f), (v, _) in self.model.items() if k == key)
        assert_equal(answer, pairs, f"the scan of {key!r}")
        chosen = [pair for pair in pairs if pair[0].startswith(prefix)]
        answer = self.database.scan_prefix(key, prefix)
        assert_equal(answer, chosen, f"the scan of {key!r} by {prefix!r}")

    @rule(count=st.integers(0, 3), wait=waits)
    def count(self, count: int, wait: int | None) -> None:
        answer = self.database.largest(count, timestamp=self.at(wait))
        all_keys = [key for key, _ in self.model]
        sizes = [(key, all_keys.count(key)) for key in sorted(set(all_keys))]
        sizes.sort(key=lambda pair: pair[1], reverse=True)
        assert_equal(answer, sizes[:count], "the largest records")
        assert_equal(len(self.database), len(sizes), "the number of records")


def test_any_calls_in_any_order() -> None:
    """After any calls at any times the database answers as a flat dict would."""
    run_machine(_Machine)


@given(st.integers(1, 9), st.integers(-2, 0))
@example(1, 0)
@example(9, -1)
def test_what_is_refused_changes_nothing(now: int, ttl: int) -> None:
    """An earlier time or a ttl below 1 is refused by name, and time stands still."""
    assert_raises_naming("timestamp", Database().set, "a", "b", "x", -1)
    database = Database()
    database.set("a", "b", "x", now, 1)
    for late in (now - 1, 0):
        assert_raises_naming("timestamp", database.set, "a", "b", "y", late)
        assert_raises_naming("timestamp", database.delete, "a", "b", late)
        assert_raises_naming("timestamp", database.scan, "a", late)
        swap = database.compare_and_set
        assert_raises_naming("timestamp", swap, "a", "b", "x", "y", late)
    for time in (now + 1, None):
        assert_raises_naming("ttl", database.set, "a", "b", "y", time, ttl)
        for expected in ("x", "other"):
            assert_raises_naming("ttl", swap, "a", "b", expected, "y", time, ttl)
        assert_raises_naming("count", database.largest, -1, time)
    assert_equal(database.scan("a", now), [("b", "x")], "the scan after refusals")
    assert_equal(database.largest(0), [], "the largest 0 records")
    database.set("a", "b", "y", now, 1)
    assert_equal(database.get("a", "b"), "y", "the value with a lifetime of 1")
