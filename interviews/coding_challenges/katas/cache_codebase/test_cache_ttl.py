import itertools

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_raises_naming
from dojo.testing.clock import Clock
from dojo.testing.stateful import StateMachine, run_machine
from katas.cache_codebase.cache_ttl import Cache

MISSING = "missing"

keys = st.sampled_from("abcd")
values = st.one_of(st.none(), st.integers(0, 9))
# Halves are exact in binary, so that t + ttl can be met exactly.
lifetimes = st.sampled_from([0.5, 1.0, 1.5, 2.0])


@given(lifetimes, values)
@example(1.0, 1)
@example(0.5, None)
def test_an_entry_lives_until_its_time_is_over(ttl: float, value: object) -> None:
    """An entry lives while less than ttl seconds have gone by, and then no longer."""
    clock = Clock()
    cache, other = Cache(2, clock), Cache(2, clock)
    assert_equal(cache.set("a", value, ttl), None, "the answer of set")
    other.set("a", value, ttl)
    other.set("b", value)
    clock.advance(ttl - 0.25)
    assert_equal(cache.get("a", MISSING), value, "the value just before its end")
    clock.advance(0.25)
    assert_equal(cache.get("a", MISSING), MISSING, "the value at its end")
    assert_equal(other.delete("a"), False, "the answer of delete at its end")
    clock.advance(1e9)
    assert_equal(other.get("b", MISSING), value, "the value without a lifetime")
    assert_equal(other.delete("b"), True, "the answer of delete without a lifetime")


@given(st.lists(lifetimes, min_size=1, max_size=4), st.sampled_from([0.5, 1.0, 1.5]))
@example([0.5], 0.5)
@example([1.0, 0.5, 2.0], 1.0)
def test_len_counts_the_living(ttls: list[float], passed: float) -> None:
    """The number of entries leaves out those whose time is over."""
    clock = Clock()
    cache = Cache(4, clock)
    for key, ttl in zip("abcd", ttls, strict=False):
        cache.set(key, 0, ttl)
    clock.advance(passed)
    living = sum(passed < ttl for ttl in ttls)
    assert_equal(len(cache), living, "the number of entries")


@given(lifetimes, st.one_of(st.none(), lifetimes))
@example(0.5, None)
@example(0.5, 1.0)
@example(2.0, 0.5)
def test_setting_again_renews_the_lifetime(first: float, second: float | None) -> None:
    """Only the last set of a key counts for its end, and reading moves no end."""
    clock = Clock()
    cache = Cache(2, clock)
    cache.set("a", "old", first)
    cache.set("leaves", "value")
    clock.advance(0.25)
    cache.set("a", "new", second)
    cache.set("read", "value", 2.5)
    clock.advance((second or 9.0) - 0.25)
    assert_equal(cache.get("a", MISSING), "new", "the renewed value before its end")
    cache.get("read")
    clock.advance(0.25)
    expected = "new" if second is None else MISSING
    assert_equal(cache.get("a", MISSING), expected, "the renewed value at its end")
    clock.now = 102.75
    assert_equal(cache.get("read", MISSING), MISSING, "the value that was read before")


@given(st.integers(2, 4), st.integers(0, 3), st.booleans())
@example(2, 1, False)
@example(3, 2, True)
@example(2, 0, False)
def test_what_is_gone_takes_no_place(
    capacity: int, number: int, older_is_read: bool
) -> None:
    """A full cache gives up what has expired before any live entry."""
    clock = Clock()
    cache = Cache(capacity, clock)
    names = "abcd"[:capacity]
    short = names[number % capacity]
    for key in names:
        cache.set(key, key, 1.0 if key == short else 5.0)
    if older_is_read:
        cache.get(short)
    clock.advance(1.0)
    cache.set("new", "new")
    for key in [*names.replace(short, ""), "new"]:
        assert_equal(cache.get(key, MISSING), key, f"the value of {key!r}")
    assert_equal(cache.get(short, MISSING), MISSING, "the value that has expired")
    cache.set("newer", "newer")
    first = names.replace(short, "")[0]
    assert_equal(cache.get(first, MISSING), MISSING, f"the value of {first!r}")
    assert_equal(len(cache), capacity, "the number of entries")


class _Machine(StateMachine):
    """The cache beside a list of (key, value, end), the oldest use first."""

    @initialize(capacity=st.integers(1, 3))
    def begin(self, capacity: int) -> None:
        self.clock = Clock()
        self.cache = Cache(capacity, clock=self.clock)
        self.capacity = capacity
        self.model: list[tuple[str, object, float]] = []

    def take(self, key: str) -> list[tuple[str, object, float]]:
        living = [entry for entry in self.model if self.clock.now < entry[2]]
        self.model = [entry for entry in living if entry[0] != key]
        return [entry for entry in living if entry[0] == key]

    @rule(seconds=st.sampled_from([0.5, 1.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(key=keys, value=values, ttl=st.one_of(st.none(), lifetimes))
    def set(self, key: str, value: object, ttl: float | None) -> None:
        self.cache.set(key, value, ttl=ttl)
        self.take(key)
        end = float("inf") if ttl is None else self.clock.now + ttl
        self.model = [*self.model, (key, value, end)][-self.capacity :]

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
        self.take("")
        assert_equal(len(self.cache), len(self.model), "the number of entries")


def test_any_calls_in_any_order() -> None:
    """After any calls and waits the cache answers as a list in order of use would."""
    run_machine(_Machine)


@given(st.sampled_from([0, 0.0, -1.0]), st.booleans())
@example(0, True)
@example(-1.0, False)
def test_a_lifetime_not_above_zero_is_refused(ttl: float, known: bool) -> None:
    """A bad ttl is refused by name, and the cache is as it was; tiny ones are fine."""
    for capacity in (0, -1):
        assert_raises_naming("capacity", Cache, capacity)
    cache = Cache(2)
    cache.set("a", 1)
    cache.set("b", 2, ttl=3600.0)
    assert_raises_naming("ttl", cache.set, "a" if known else "c", 3, ttl=ttl)
    assert_equal(len(cache), 2, "the number of entries after the refusal")
    cache.set("d", 4)
    left = [cache.get(key, MISSING) for key in "abcd"]
    expected = [MISSING, 2, MISSING, 4]
    for key, value, wanted in zip("abcd", left, expected, strict=True):
        assert_equal(value, wanted, f"the value of {key!r} after the refusal")
    still = Cache(1, itertools.repeat(0.0).__next__)
    still.set("a", 1, ttl=5e-324)
    assert_equal(still.get("a"), 1, "a value with a tiny lifetime")
