"""The LRU cache against a plain model, in any order of calls."""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reference.production.caching import CacheStatistics, LRUCache


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


KEYS = st.integers(0, 5)
VALUES = st.one_of(st.none(), st.integers(0, 3))
# Sums of quarters are exact, so that the model meets the boundary exactly too.
TTLS = st.one_of(st.none(), st.integers(1, 12).map(lambda quarters: quarters / 4))
MISSING = object()


class CacheMachine(RuleBasedStateMachine):
    """Compare with a list, oldest entry first, of (key, value, expiry)."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.default_ttl: float | None = 2.0
        self.cache = LRUCache[int | None](3, self.default_ttl, self.clock)
        self.model: list[tuple[int, int | None, float]] = []
        self.counts = {"hits": 0, "misses": 0, "evictions": 0, "expirations": 0}

    def meet(self, key: int) -> tuple[int, int | None, float] | None:
        """Return the live entry of the model; drop it where it has expired."""
        for entry in self.model:
            if entry[0] == key:
                if self.clock.now < entry[2]:
                    return entry
                self.model.remove(entry)
                self.counts["expirations"] += 1
                return None
        return None

    @rule(key=KEYS, value=VALUES, ttl=TTLS, forever=st.booleans())
    def set(
        self, key: int, value: int | None, ttl: float | None, forever: bool
    ) -> None:
        """Store in both and let the oldest of the model leave."""
        lifetime = math.inf if forever else ttl
        assert self.cache.set(key, value, lifetime) is True
        entry = self.meet(key)
        if entry is not None:
            self.model.remove(entry)
        seconds = 2.0 if lifetime is None else lifetime
        self.model.append((key, value, self.clock.now + seconds))
        if len(self.model) > 3:
            oldest = self.model.pop(0)
            expired = self.clock.now >= oldest[2]
            self.counts["expirations" if expired else "evictions"] += 1

    @rule(key=KEYS)
    def get(self, key: int) -> None:
        """Read from both."""
        entry = self.meet(key)
        found = self.cache.get(key, MISSING)
        if entry is None:
            assert found is MISSING
            self.counts["misses"] += 1
        else:
            assert found == entry[1]
            self.counts["hits"] += 1
            self.model.remove(entry)
            self.model.append(entry)

    @rule(key=KEYS)
    def exists(self, key: int) -> None:
        """Ask both."""
        assert self.cache.exists(key) is (self.meet(key) is not None)

    @rule(key=KEYS)
    def delete(self, key: int) -> None:
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
        assert len(self.cache) == len(self.model) <= 3
        assert self.cache.statistics == CacheStatistics(**self.counts)


CacheMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None
)
TestCacheMachine = CacheMachine.TestCase
