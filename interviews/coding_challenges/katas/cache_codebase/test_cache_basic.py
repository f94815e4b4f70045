from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_raises_naming
from dojo.testing.stateful import StateMachine, run_machine
from katas.cache_codebase.cache_basic import Cache

MISSING = "missing"

keys = st.sampled_from("abcde")
values = st.one_of(st.none(), st.integers(0, 9), st.just(""))


@given(st.lists(st.tuples(keys, values), min_size=1, max_size=6))
@example([("a", None)])
@example([("a", 1), ("a", 2)])
@example([("a", 0), ("b", "")])
def test_what_is_set_is_there(pairs: list[tuple[str, object]]) -> None:
    """The last value set for a key is got back; None is a value like any other."""
    cache = Cache(5)
    for key, value in pairs:
        assert_equal(cache.set(key, value), None, "the answer of set")
    assert_equal(len(cache), len(dict(pairs)), "the number of entries")
    for key, value in dict(pairs).items():
        assert_equal(cache.get(key, MISSING), value, f"the value of {key!r}")
    assert_equal(cache.get("z"), None, "a miss")
    assert_equal(cache.get("z", MISSING), MISSING, "a miss with a default")


@given(st.lists(keys, max_size=5, unique=True), keys)
@example(["a"], "a")
@example([], "a")
def test_delete_tells_whether_there_was_one(present: list[str], key: str) -> None:
    """True the first time and False after that; only this entry goes, and its place."""
    cache = Cache(len(present) or 1)
    for other in present:
        cache.set(other, None)
    assert_equal(cache.delete(key), key in present, "the answer of delete")
    assert_equal(cache.delete(key), False, "the second answer of delete")
    rest = [other for other in present if other != key]
    assert_equal(len(cache), len(rest), "the number of entries")
    if key in present:
        cache.set("new", None)
        rest.append("new")
    _assert_exactly(cache, rest)


@given(st.integers(1, 5))
@example(1)
@example(2)
def test_the_least_recently_used_leaves(capacity: int) -> None:
    """A full cache gives up the entry that was used longest ago, by get or by set."""
    cache = Cache(capacity)
    names = "abcde"[:capacity]
    for key in names:
        cache.set(key, key)
    _assert_exactly(cache, names)
    # From here on the last letter is the oldest use.
    for key in reversed(names):
        cache.get(key)
    for number, new in enumerate("vwxyz"[:capacity], start=1):
        cache.set(new, new)
        assert_equal(len(cache), capacity, "the number of entries")
        gone = names[capacity - number]
        assert_equal(cache.get(gone, MISSING), MISSING, f"the value of {gone!r}")
    _assert_exactly(cache, "vwxyz"[:capacity])


@given(st.integers(2, 5), st.integers(0, 4))
@example(2, 0)
@example(2, 1)
@example(3, 0)
def test_setting_again_is_a_use_and_pushes_nothing_out(
    capacity: int, number: int
) -> None:
    """Setting a key that is there makes it the newest, and every other key stays."""
    cache = Cache(capacity)
    names = "abcde"[:capacity]
    for key in names:
        cache.set(key, "old")
    again = names[number % capacity]
    cache.set(again, "new")
    assert_equal(len(cache), capacity, "the number of entries")
    others = [key for key in names if key != again]
    for new in "wxyz"[: capacity - 1]:
        cache.set(new, "last")
        gone = others.pop(0)
        assert_equal(cache.get(gone, MISSING), MISSING, f"the value of {gone!r}")
    assert_equal(cache.get(again), "new", "the renewed value")


class _Machine(StateMachine):
    """The cache beside a list of entries, the least recently used one first."""

    @initialize(capacity=st.integers(1, 3))
    def begin(self, capacity: int) -> None:
        self.cache = Cache(capacity)
        self.capacity = capacity
        self.model: list[tuple[str, object]] = []

    def take(self, key: str) -> list[tuple[str, object]]:
        found = [entry for entry in self.model if entry[0] == key]
        self.model = [entry for entry in self.model if entry[0] != key]
        return found

    @rule(key=keys, value=values)
    def set(self, key: str, value: object) -> None:
        self.cache.set(key, value)
        self.take(key)
        self.model = [*self.model, (key, value)][-self.capacity :]

    @rule(key=keys)
    def get(self, key: str) -> None:
        found = self.take(key)
        self.model += found
        expected = found[0][1] if found else MISSING
        assert_equal(self.cache.get(key, MISSING), expected, f"the value of {key!r}")

    @rule(key=keys)
    def delete(self, key: str) -> None:
        expected = bool(self.take(key))
        assert_equal(self.cache.delete(key), expected, "the answer of delete")

    @rule()
    def count(self) -> None:
        assert_equal(len(self.cache), len(self.model), "the number of entries")


def test_any_calls_in_any_order() -> None:
    """After any calls the cache answers as a list kept in order of use would."""
    run_machine(_Machine)


@given(st.integers(-3, 0))
@example(0)
def test_a_capacity_below_one_is_refused(capacity: int) -> None:
    """A cache that can hold nothing is refused, by name; room for one entry is not."""
    assert_raises_naming("capacity", Cache, capacity)
    assert_equal(len(Cache(1)), 0, "the number of entries at first")


def _assert_exactly(cache: Cache, present: Iterable[str]) -> None:
    """Check which keys are there; oldest use first, so that the order stays."""
    present = list(present)
    for key in present:
        assert_equal(cache.get(key, MISSING) != MISSING, True, f"whether {key!r} is in")
    assert_equal(len(cache), len(present), "the number of entries")
