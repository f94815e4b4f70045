"""Every cache against one plain model, in any order of calls."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dojo.testing.redis import server
from reference.production.caching import (
    CacheInterface,
    CacheStatistics,
    LRUCache,
    RedisCache,
)


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


KEYS = st.sampled_from("012345")
VALUES = st.one_of(st.none(), st.integers(0, 3))
# Sums of quarters are exact, so that the model meets the boundary exactly too.
TTLS = st.one_of(
    st.none(), st.just(math.inf), st.integers(1, 12).map(lambda quarters: quarters / 4)
)
# A busy machine is no failing Redis.
PATIENT = 30.0
DEFAULT_TTL = 2.0
MISSING = object()
Cache = LRUCache[int | None] | RedisCache[int | None]


class CacheMachine(RuleBasedStateMachine):
    """Compare with a list, oldest entry first, of (key, value, expiry)."""

    capacity: float
    # Redis replaces an entry unseen: an expired one is not found then.
    looks_at_what_it_overwrites: bool

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.cache = self.make(self.clock)
        self.model: list[tuple[str, int | None, float]] = []
        self.counts = {"hits": 0, "misses": 0, "evictions": 0, "expirations": 0}

    def make(self, clock: Clock) -> Cache:
        """Return an empty cache."""
        raise NotImplementedError

    def meet(self, key: str) -> tuple[str, int | None, float] | None:
        """Return the live entry of the model; drop it where it has expired."""
        for entry in self.model:
            if entry[0] == key:
                if self.clock.now < entry[2]:
                    return entry
                self.model.remove(entry)
                self.counts["expirations"] += 1
                return None
        return None

    def put(self, key: str, value: int | None, ttl: float | None) -> None:
        """Store in the model and let its oldest entry leave."""
        if self.looks_at_what_it_overwrites:
            self.meet(key)
        self.model = [entry for entry in self.model if entry[0] != key]
        seconds = DEFAULT_TTL if ttl is None else ttl
        self.model.append((key, value, self.clock.now + seconds))
        if len(self.model) > self.capacity:
            oldest = self.model.pop(0)
            expired = self.clock.now >= oldest[2]
            self.counts["expirations" if expired else "evictions"] += 1

    def find(self, key: str) -> tuple[str, int | None, float] | None:
        """Read from the model, as ``get`` does."""
        entry = self.meet(key)
        self.counts["misses" if entry is None else "hits"] += 1
        if entry is not None:
            self.model.remove(entry)
            self.model.append(entry)
        return entry

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, key: str, value: int | None, ttl: float | None) -> None:
        """Store in both."""
        assert self.cache.set(key, value, ttl) is True
        self.put(key, value, ttl)

    @rule(items=st.dictionaries(KEYS, VALUES, max_size=4), ttl=TTLS)
    def set_many(self, items: dict[str, int | None], ttl: float | None) -> None:
        """Store several in both."""
        assert self.cache.set_many(items, ttl) is True
        for key, value in items.items():
            self.put(key, value, ttl)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        """Read from both."""
        entry = self.find(key)
        found = self.cache.get(key, MISSING)
        if entry is None:
            assert found is MISSING
        else:
            assert found == entry[1]
            assert type(found) is type(entry[1])

    @rule(keys=st.lists(KEYS, max_size=6))
    def get_many(self, keys: list[str]) -> None:
        """Read several from both, each key once."""
        entries = [self.find(key) for key in dict.fromkeys(keys)]
        expected = {entry[0]: entry[1] for entry in entries if entry is not None}
        assert self.cache.get_many(keys) == expected

    @rule(key=KEYS)
    def exists(self, key: str) -> None:
        """Ask both."""
        assert self.cache.exists(key) is (self.meet(key) is not None)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        """Remove from both."""
        entry = self.meet(key)
        assert self.cache.delete(key) is (entry is not None)
        if entry is not None:
            self.model.remove(entry)

    @rule(quarters=st.integers(1, 8))
    def wait(self, quarters: int) -> None:
        """Let time pass."""
        self.clock.now += quarters / 4

    @precondition(lambda self: bool(self.model))
    @rule()
    def wait_for_the_next_expiry(self) -> None:
        """Go to the very instant at which an entry expires."""
        later = [entry[2] for entry in self.model if entry[2] > self.clock.now]
        finite = [expiry for expiry in later if expiry < math.inf]
        self.clock.now = min(finite, default=self.clock.now)

    @rule()
    def clear(self) -> None:
        """Empty both."""
        self.cache.clear()
        self.model.clear()

    @invariant()
    def same_size_and_counts(self) -> None:
        """Compare what can be seen without a change."""
        assert len(self.cache) == len(self.model) <= self.capacity
        assert self.cache.statistics == CacheStatistics(**self.counts)


class LRUMachine(CacheMachine):
    """The cache in memory, which holds three entries here."""

    capacity = 3
    looks_at_what_it_overwrites = True

    def make(self, clock: Clock) -> Cache:
        """Return an empty cache in memory."""
        return LRUCache(3, DEFAULT_TTL, clock)


class RedisMachine(CacheMachine):
    """The cache on a real Redis, which is not bounded here."""

    capacity = math.inf
    looks_at_what_it_overwrites = False

    def make(self, clock: Clock) -> Cache:
        """Return a cache on a server without data."""
        server().flush()
        return RedisCache(
            server().url, default_ttl=DEFAULT_TTL, clock=clock, timeout=PATIENT
        )

    def teardown(self) -> None:
        """Give up the connection."""
        assert isinstance(self.cache, RedisCache)
        self.cache.close()


LRUMachine.TestCase.settings = RedisMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None
)
TestLRUMachine = LRUMachine.TestCase
TestRedisMachine = RedisMachine.TestCase


# The second is longer than what Python writes in decimals.
@pytest.mark.parametrize("ttl", [10**400, 10**5000], ids=["long", "longer"])
def test_a_lifetime_beyond_a_float_is_refused(ttl: int) -> None:
    for kind in (LRUCache[int], RedisCache[int]):
        with pytest.raises(ValueError, match=r"^ttl must be infinite or at most"):
            kind().set("a", 1, ttl)
        with pytest.raises(ValueError, match=r"^default_ttl must be infinite or"):
            kind(default_ttl=ttl)
        assert kind(default_ttl=10**300).statistics.errors == 0


def test_both_are_caches_and_nothing_else_is_left_to_write() -> None:
    for kind in (LRUCache, RedisCache):
        assert issubclass(kind, CacheInterface)
        assert not kind.__abstractmethods__
