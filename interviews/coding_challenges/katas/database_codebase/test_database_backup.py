from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_raises_naming
from dojo.testing.stateful import StateMachine, run_machine
from katas.database_codebase.database_backup import Database

keys = st.sampled_from(["a", "b", "ab"])
fields = st.sampled_from(["a", "ab", "b"])
values = st.sampled_from(["x", "y", ""])
records = st.dictionaries(st.tuples(keys, fields), values, max_size=5)
lifetimes = st.integers(1, 5)
Model = dict[tuple[str, str], tuple[str, float]]


def fill(database: Database, model: dict[tuple[str, str], str]) -> None:
    """Set all fields, without a timestamp."""
    for (key, field), value in model.items():
        database.set(key, field, value)


def assert_holds_exactly(
    database: Database, model: dict[tuple[str, str], str], when: str
) -> None:
    """Check every record that there may be."""
    for key in ("a", "b", "ab", "new"):
        pairs = sorted((f, value) for (k, f), value in model.items() if k == key)
        assert_equal(database.scan(key), pairs, f"the scan of {key!r} {when}")
    count = len({key for key, _ in model})
    assert_equal(len(database), count, f"the number of records {when}")


@given(records, records)
@example({("a", "a"): "x"}, {("a", "a"): "y", ("b", "a"): "x"})
@example({("a", "a"): "x", ("a", "b"): "y", ("b", "b"): ""}, {})
@example({}, {("a", "a"): "x"})
def test_a_restore_puts_everything_back(
    before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]
) -> None:
    """What was there at the backup is there again, and all that came later is gone."""
    database = Database()
    fill(database, before)
    count = database.backup(3)
    assert_equal(count, len({key for key, _ in before}), "the answer of backup")
    assert_holds_exactly(database, before, "after the backup")
    fill(database, after)
    database.set("new", "a", "x")
    for key, field in before:
        database.delete(key, field)
    assert_equal(database.restore(3, 5), None, "the answer of restore")
    assert_holds_exactly(database, before, "after the restore")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(0, 20))
@example([2, 2, 3], 4)
@example([2, 2, 3], 3)
@example([2, 0, 0], 2)
@example([1, 1], 9)
def test_the_latest_backup_at_or_before_counts(waits: list[int], to: int) -> None:
    """Of all backups made until then the last one is restored, whatever came since."""
    database = Database()
    now, expected = 0, None
    first = waits[0]
    for number, wait in enumerate(waits):
        now += wait
        database.set("a", "a", str(number), now)
        database.backup()
        if now <= to:
            expected = str(number)
    for chosen, value in ((to, expected), (first, None), (to, expected)):
        if value is not None:
            database.restore(chosen)
            assert_equal(database.get("a", "a"), value, f"the value as of {chosen}")
        elif chosen >= first:
            database.restore(chosen)
    database.restore(10**9)
    last = str(len(waits) - 1)
    assert_equal(database.get("a", "a"), last, "the value of the last backup")


@given(lifetimes, st.integers(0, 4), st.integers(0, 9))
@example(5, 2, 4)
@example(1, 0, 9)
@example(3, 2, 0)
@example(2, 2, 3)
@example(1, 4, 1)
def test_what_was_left_of_a_lifetime_begins_to_run(
    ttl: int, passed: int, wait: int
) -> None:
    """A field with s seconds left at the backup is gone s seconds after the restore."""
    database = Database()
    database.set("a", "short", "x", 10, ttl)
    database.set("a", "long", "y")
    database.set("b", "short", "z", ttl=ttl)
    left = ttl - passed
    count = database.backup(10 + passed)
    assert_equal(count, 1 + (left > 0), "the answer of backup")
    for again in (0, 20):
        start = 10 + passed + wait + again
        database.restore(10 + passed, start)
        both = [("long", "y"), ("short", "x")]
        for time in range(start, start + left):
            assert_equal(database.scan("a", time), both, f"the scan at {time}")
        rest = database.scan("a", start + max(left, 0))
        assert_equal(rest, both[:1], "the scan when the lifetime is over")
        assert_equal(len(database), 1, "the number of records")


@given(st.integers(1, 3))
@example(1)
def test_a_backup_is_a_copy(times: int) -> None:
    """What is done after a backup or a restore does not reach the backups."""
    database = Database()
    database.set("a", "kept", "x", 1)
    database.set("a", "lost", "y")
    database.backup()
    for number in range(times):
        database.set("a", "kept", "changed")
        database.set("a", "added", "z")
        database.delete("a", "lost")
        database.set("b", "added", "z")
        database.restore(1, 5 + number)
        pairs = [("kept", "x"), ("lost", "y")]
        assert_equal(database.scan("a"), pairs, f"the scan after restore {number + 1}")
        assert_equal(len(database), 1, "the number of records")


@given(st.permutations(["a", "b", "ab"]), lifetimes)
@example(["ab", "a", "b"], 2)
def test_the_earlier_levels_hold_after_a_restore(order: list[str], ttl: int) -> None:
    """Scans, ranks, counts and ends are right for what has been put back."""
    for time, live in ((20 + ttl - 1, True), (20 + ttl, False)):
        databases = [Database() for _ in range(3)]
        for each in databases:
            for key in order:
                for field in ("b", "a", "c") if key == "b" else ("b", "a"):
                    each.set(key, field, "x")
            each.set("short", "a", "x", 7, ttl)
            each.backup()
            each.set("b", "d", "y")
            each.restore(7, 20)
        first, second, third = databases
        ranked = [("b", 3), ("a", 2), ("ab", 2), ("short", 1)][: 3 + live]
        assert_equal(first.largest(9, time), ranked, f"the largest at {time}")
        assert_equal(first.largest(2), ranked[:2], f"the largest two at {time}")
        assert_equal(second.delete("short", "a", time), live, f"delete at {time}")
        swapped = third.compare_and_set("short", "a", None, "y", time)
        assert_equal(swapped, not live, f"compare_and_set at {time}")
        assert_equal(third.scan("a"), [("a", "x"), ("b", "x")], f"the scan at {time}")


class _Machine(StateMachine):
    """The database beside one flat dict of (value, end), and copies of it."""

    waits = st.one_of(st.none(), st.integers(0, 2))
    ttls = st.one_of(st.none(), lifetimes)

    @initialize()
    def begin(self) -> None:
        self.database = Database()
        self.now = 0
        self.model: Model = {}
        self.backups: list[tuple[int, Model]] = []

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

    @rule(key=keys, field=fields, value=values, wait=waits, ttl=ttls)
    def swap(
        self, key: str, field: str, value: str, wait: int | None, ttl: int | None
    ) -> None:
        time = self.at(wait)
        for expected in ("x", None):
            swaps = self.value(key, field) == expected
            if swaps:
                self.store(key, field, value, ttl)
            answer = self.database.compare_and_set(
                key, field, expected, value, timestamp=time, ttl=ttl
            )
            assert_equal(answer, swaps, "the answer of compare_and_set")

    @rule(key=keys, prefix=fields, wait=waits)
    def scan(self, key: str, prefix: str, wait: int | None) -> None:
        answer = self.database.scan_prefix(key, prefix, timestamp=self.at(wait))
        pairs = sorted((f, v) for (k, f), (v, _) in self.model.items() if k == key)
        chosen = [pair for pair in pairs if pair[0].startswith(prefix)]
        assert_equal(answer, chosen, f"the scan of {key!r} by {prefix!r}")
        assert_equal(self.database.scan(key), pairs, f"the scan of {key!r}")

    @rule(count=st.integers(0, 3), wait=waits)
    def count(self, count: int, wait: int | None) -> None:
        answer = self.database.largest(count, timestamp=self.at(wait))
        assert_equal(answer, self.ranked()[:count], "the largest records")
        size = len(self.ranked())
        assert_equal(len(self.database), size, "the number of records")

    def ranked(self) -> list[tuple[str, int]]:
        all_keys = [key for key, _ in self.model]
        sizes = [(key, all_keys.count(key)) for key in sorted(set(all_keys))]
        return sorted(sizes, key=lambda pair: pair[1], reverse=True)

    @rule(wait=waits)
    def backup(self, wait: int | None) -> None:
        answer = self.database.backup(timestamp=self.at(wait))
        assert_equal(answer, len(self.ranked()), "the answer of backup")
        left = {k: (v, end - self.now) for k, (v, end) in self.model.items()}
        self.backups.append((self.now, left))

    @rule(back=st.integers(0, 3), wait=waits)
    def restore(self, back: int, wait: int | None) -> None:
        to = self.now - back
        made = [copy for time, copy in self.backups if time <= to]
        if made:
            self.database.restore(to, timestamp=self.at(wait))
            self.model = {k: (v, left + self.now) for k, (v, left) in made[-1].items()}


def test_any_calls_in_any_order() -> None:
    """After any calls, backups and restores it answers as a flat dict would."""
    run_machine(_Machine)


@given(st.integers(1, 9), st.integers(-2, 0))
@example(1, 0)
@example(9, -1)
def test_what_is_refused_changes_nothing(now: int, ttl: int) -> None:
    """A time before the first backup, or any other bad value, is refused by name."""
    database = Database()
    database.set("a", "b", "x", now, 1)
    assert_raises_naming("to", database.restore, now, now + 1)
    assert_equal(database.backup(), 1, "the answer of backup")
    database.set("a", "b", "y", ttl=1)
    for time in (now + 1, None):
        assert_raises_naming("to", database.restore, now - 1, time)
        assert_raises_naming("ttl", database.set, "a", "b", "z", time, ttl)
        swap = database.compare_and_set
        assert_raises_naming("ttl", swap, "a", "b", "other", "z", time, ttl)
        assert_raises_naming("count", database.largest, -1, time)
    for late in (now - 1, 0):
        assert_raises_naming("timestamp", database.restore, now, late)
        assert_raises_naming("timestamp", database.backup, late)
    assert_equal(database.scan("a", now), [("b", "y")], "the scan after refusals")
    assert_equal(database.largest(0), [], "the largest 0 records")
    database.restore(now, now)
    assert_equal(database.scan("a"), [("b", "x")], "the scan after the restore")
