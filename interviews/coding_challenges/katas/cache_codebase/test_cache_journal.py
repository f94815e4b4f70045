import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.clock import START, Clock
from dojo.testing.files import SYNCS, empty_folder, instead
from dojo.testing.stateful import StateMachine, run_machine, step
from katas.cache_codebase.cache_journal import Cache

MISSING = "missing"
JOURNAL = "journal"

Entry = tuple[str, object, float]

keys = st.sampled_from(["a", "b", "c", "é", "x\ny"])
numbers = st.integers(-3, 9)
texts = st.sampled_from(["", "text", "über\nzwei\r\n", '"', "\u2028", "\x00"])
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.just(0.1), texts),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner),
    max_leaves=3,
)
lifetimes = st.one_of(st.none(), st.sampled_from([0.5, 1.0, 2.0]))
calls = st.lists(st.tuples(keys, values, lifetimes), min_size=1, max_size=5)


class Model:
    """A list of (key, value, end), the oldest use first, and the entries on disk."""

    def __init__(self, capacity: int, clock: Clock) -> None:
        self.capacity = capacity
        self.clock = clock
        self.entries: list[Entry] = []
        self.written: list[Entry] = []

    def take(self, key: str) -> list[Entry]:
        living = [entry for entry in self.entries if self.clock.now < entry[2]]
        self.entries = [entry for entry in living if entry[0] != key]
        return [entry for entry in living if entry[0] == key]

    def set(self, key: str, value: object, ttl: float | None = None) -> None:
        self.take(key)
        end = float("inf") if ttl is None else self.clock.now + ttl
        self.entries = [*self.entries, (key, value, end)][-self.capacity :]
        self.written = [entry for entry in self.written if entry[0] != key]
        self.written.append((key, value, end))

    def delete(self, key: str) -> bool:
        return bool(self.take(key))

    def get(self, key: str) -> object:
        found = self.take(key)
        self.entries += found
        return found[0][1] if found else MISSING

    def reopen(self) -> None:
        """Put the entries in the order of their last sets."""
        self.written = [entry for entry in self.written if entry in self.entries]
        self.entries = list(self.written)


@contextmanager
def disk() -> Iterator[list[int]]:
    """Work in an empty folder; yield the size of the file at each fsync."""
    sizes: list[int] = []

    def fsync(file: object) -> None:
        number = file if isinstance(file, int) else file.fileno()  # type: ignore[attr-defined]
        sizes.append(os.fstat(number).st_size)

    with empty_folder(), instead(dict.fromkeys(SYNCS, fsync), Cache.set):
        yield sizes


def assert_same(cache: Cache, model: Model) -> None:
    """Check what is there; oldest use first, so that the order stays."""
    present = [entry for entry in model.entries if model.clock.now < entry[2]]
    for key, value, _ in present:
        assert_equal(cache.get(key, MISSING), value, f"the value of {key!r}")
    assert_equal(len(cache), len(present), "the number of entries")


@given(calls)
@example([("a", 1, None), ("b", None, None), ("a", [2], None)])
@example([("x\ny", {"é\n": "\r\n"}, None)])
@example([("a", 0.1, 2.0)])
def test_a_new_cache_has_what_was_stored(
    sets: list[tuple[str, object, float | None]],
) -> None:
    """Whoever opens the journal again finds every entry, value and end as it was."""
    with disk():
        clock = Clock()
        cache, model = Cache(5, clock, JOURNAL), Model(5, clock)
        for key, value, ttl in sets:
            cache.set(key, value, ttl)
            model.set(key, value, ttl)
        assert_same(Cache(5, clock, Path(JOURNAL)), model)
        cache.delete(sets[0][0])
        model.delete(sets[0][0])
        assert_same(Cache(5, clock, journal=JOURNAL), model)


@given(st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([0.25, 0.5]), st.booleans())
@example(1.0, 0.5, True)
@example(0.5, 0.25, False)
def test_lifetimes_go_on_over_a_restart(
    ttl: float, before: float, restart: bool
) -> None:
    """An entry ends when it was meant to, however often the journal is opened."""
    with disk():
        clock = Clock()
        names = ("get", "delete", "len", "set")
        caches = [Cache(2, clock, name) for name in names]
        for cache in caches:
            cache.set("short", 1, ttl)
            cache.set("long", 2)
        clock.advance(before)
        if restart:
            caches = [Cache(2, clock, name) for name in names]
        clock.advance(ttl - before - 0.125)
        values = [cache.get("short", MISSING) for cache in caches]
        assert_equal(values, [1] * 4, "the values just before their end")
        clock.advance(0.125)
        by_get, by_delete, by_len, by_set = caches
        assert_equal(by_get.get("short", MISSING), MISSING, "the value at its end")
        assert_equal(by_delete.delete("short"), False, "the answer of delete")
        assert_equal(len(by_len), 1, "the number of entries")
        by_len.set("long", 3)
        by_set.set("new", 4)
        for cache, value in zip(caches, [2, 2, 3, 2], strict=True):
            assert_equal(cache.get("long", MISSING), value, "the value of 'long'")


def test_each_change_is_on_disk_before_the_call_returns() -> None:
    """A change appends one line and syncs it; a call without one writes nothing."""
    with disk() as synced:
        clock = Clock()
        cache = Cache(2, clock, JOURNAL)
        content = Path(JOURNAL).read_bytes()
        assert_equal(content, b"", "the journal of a new cache")
        changes = [
            lambda: cache.set("a", "x\ny"),
            lambda: cache.set("b", 1, 1.0),
            lambda: cache.set("a", "x\ny"),
            lambda: cache.set("c", None),
            lambda: cache.delete("a"),
        ]
        for number, change in enumerate(changes, start=1):
            change()
            now = Path(JOURNAL).read_bytes()
            assert_equal(now[: len(content)], content, "what was written before")
            assert_equal(now.count(b"\n"), number, "the number of lines")
            assert_equal(now[-1:], b"\n", "the last byte")
            assert_equal(synced[-1:], [len(now)], "how much of the file was synced")
            content = now
        cache.get("c")
        cache.get("z")
        cache.delete("z")
        clock.advance(1.0)
        cache.delete("b")
        len(cache)
        Cache(2, clock, JOURNAL)
        assert_equal(Path(JOURNAL).read_bytes(), content, "the journal after reading")
    assert_equal(Cache(1).set("a", object()), None, "a set without a journal")


@given(st.integers(2, 4), st.data())
@example(2, None)
def test_who_was_pushed_out_stays_out(
    capacity: int, data: st.DataObject | None
) -> None:
    """Reads that kept an entry in are not written, and yet it is in after reopening."""
    with disk():
        clock = Clock()
        cache, model = Cache(capacity, clock, JOURNAL), Model(capacity, clock)
        for key in "abcd"[:capacity]:
            cache.set(key, key)
            model.set(key, key)
        read = data.draw(st.permutations("abcd"[:capacity])) if data else "a"
        for key in read[: capacity - 1]:
            cache.get(key)
            model.get(key)
        cache.set("new", "new")
        model.set("new", "new")
        model.reopen()
        again = Cache(capacity, clock, JOURNAL)
        assert_same(again, model)
        for key in ("w", "x"):
            again.set(key, key)
            model.set(key, key)
        assert_same(again, model)
        model.reopen()
        assert_same(Cache(capacity, clock, JOURNAL), model)


@given(calls, st.integers(1, 2), st.integers(0, 80))
@example([("a", "text", None), ("b", "\u2028", None), ("c", 12, None)], 2, 0)
@example([("a", "text", None), ("b", "\u2028", None), ("c", 12, None)], 2, 1)
@example([("a", "text", None), ("b", "\u2028", None)], 2, 9)
@example([("a", "text", None), ("é", "é", None)], 1, 2)
@example([("a", "text", None)], 1, 80)
def test_a_crash_at_any_byte(
    sets: list[tuple[str, object, float | None]], capacity: int, lost: int
) -> None:
    """Cut off at any byte, the journal gives what was there after the last whole line.

    What is set after that is there when the journal is opened once more.
    """
    with disk():
        clock = Clock()
        cache, model = Cache(capacity, clock, JOURNAL), Model(capacity, clock)
        states: list[list[Entry]] = [[]]
        sizes = [0]
        for key, value, ttl in sets:
            cache.set(key, value, ttl)
            model.set(key, value, ttl)
            states.append(model.entries)
            sizes.append(Path(JOURNAL).stat().st_size)
        cut = max(0, sizes[-1] - lost)
        step(f"os.truncate('journal', {cut})  # of {sizes[-1]} bytes")
        os.truncate(JOURNAL, cut)
        whole = sum(size <= cut for size in sizes) - 1
        model.entries = states[whole]
        again = Cache(capacity, clock, JOURNAL)
        assert_same(again, model)
        again.set("after", "the crash")
        model.set("after", "the crash")
        assert_same(again, model)
        assert_same(Cache(capacity, clock, JOURNAL), model)


class _Machine(StateMachine):
    """The cache beside the model, in a folder of its own, reopened now and then."""

    @initialize(capacity=st.integers(1, 3))
    def begin(self, capacity: int) -> None:
        self.disk = disk()
        self.disk.__enter__()
        self.clock = Clock()
        self.capacity = capacity
        self.model = Model(capacity, self.clock)
        self.cache = Cache(capacity, self.clock, JOURNAL)
        self.sets = 0

    def teardown(self) -> None:
        self.disk.__exit__(None, None, None)

    @rule(seconds=st.sampled_from([0.5, 1.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(key=keys, ttl=lifetimes)
    def set(self, key: str, ttl: float | None) -> None:
        self.sets += 1
        self.cache.set(key, self.sets, ttl)
        self.model.set(key, self.sets, ttl)

    @rule(key=keys)
    def get(self, key: str) -> None:
        expected = self.model.get(key)
        assert_equal(self.cache.get(key, MISSING), expected, f"the value of {key!r}")

    @rule(key=keys)
    def delete(self, key: str) -> None:
        expected = self.model.delete(key)
        assert_equal(self.cache.delete(key), expected, "the answer of delete")

    @rule()
    def count(self) -> None:
        self.model.take("")
        assert_equal(len(self.cache), len(self.model.entries), "the number of entries")

    @precondition(lambda self: self.sets)
    @rule(torn=st.sampled_from(["", "[", '[["a"], {}]']))
    def reopen(self, torn: str) -> None:
        with Path(JOURNAL).open("a") as file:
            file.write(torn)
        self.model.reopen()
        self.cache = Cache(self.capacity, self.clock, JOURNAL)


def test_any_calls_in_any_order() -> None:
    """After any calls, waits and crashes the cache answers as a list in order would."""
    run_machine(_Machine)


@given(st.booleans(), st.booleans())
@example(True, True)
@example(False, True)
@example(False, False)
def test_what_is_refused_changes_nothing(known: bool, by_value: bool) -> None:
    """A bad ttl or a value that JSON cannot carry leaves cache and journal alone."""
    for capacity in (0, -1):
        assert_raises_naming("capacity", Cache, capacity)
    with disk():
        clock = Clock(START)
        cache = Cache(2, clock, JOURNAL)
        cache.set("a", 1)
        cache.set("b", 2, 5e-13)
        content = Path(JOURNAL).read_bytes()
        key = "a" if known else "c"
        if by_value:
            assert_holds(
                _is_type_error(cache, key), "a value that is not JSON is a TypeError"
            )
        else:
            for ttl in (0, -1.0):
                assert_raises_naming("ttl", cache.set, key, 3, ttl=ttl)
        assert_equal(Path(JOURNAL).read_bytes(), content, "the journal")
        assert_equal(len(cache), 2, "the number of entries")
        assert_equal(cache.get("c", MISSING), MISSING, "the value of 'c'")
        cache.set("d", 4)
        assert_equal(cache.get("a", MISSING), MISSING, "the value of 'a'")
        assert_equal(cache.get("b", MISSING), 2, "the value of 'b'")


def _is_type_error(cache: Cache, key: str) -> bool:
    try:
        cache.set(key, [1, object()])
    except TypeError:
        return True
    return False
