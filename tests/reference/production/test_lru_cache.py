"""The LRU cache by hand-worked cases and under threads."""

import math
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest

from reference.production.caching import CacheInterface, CacheStatistics, LRUCache


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys_of(cache: LRUCache[int], candidates: str) -> str:
    return "".join(key for key in candidates if cache.exists(key))


# Recency


def test_the_least_recently_used_entry_leaves() -> None:
    cache = LRUCache[int](max_size=3)
    for key in "abc":
        assert cache.set(key, 1) is True
    cache.get("a")
    cache.set("d", 1)
    assert keys_of(cache, "abcd") == "acd"


def test_exists_and_a_miss_do_not_renew() -> None:
    cache = LRUCache[int](max_size=2)
    cache.set("a", 1)
    cache.set("b", 1)
    assert cache.exists("a")
    cache.get("missing")
    cache.set("c", 1)
    assert keys_of(cache, "abc") == "bc"


def test_overwriting_renews_recency_and_evicts_nothing() -> None:
    cache = LRUCache[int](max_size=2)
    cache.set("a", 1)
    cache.set("b", 1)
    cache.set("a", 2)
    assert len(cache) == 2
    assert cache.statistics.evictions == 0
    cache.set("c", 1)
    assert keys_of(cache, "abc") == "ac"
    assert cache.get("a") == 2


def test_a_cache_of_one() -> None:
    cache = LRUCache[int](max_size=1)
    cache.set("a", 1)
    cache.set("b", 2)
    assert (cache.get("a"), cache.get("b"), len(cache)) == (None, 2, 1)


# Values


def test_none_is_a_value() -> None:
    cache = LRUCache[None]()
    missing = object()
    assert cache.get("a", missing) is missing
    cache.set("a", None)
    assert cache.get("a", missing) is None
    assert cache.exists("a")
    assert cache.statistics == CacheStatistics(hits=1, misses=1)


def test_delete_and_clear() -> None:
    cache = LRUCache[int]()
    cache.set("a", 1)
    assert cache.delete("a") is True
    assert cache.delete("a") is False
    cache.set("b", 1)
    cache.get("b")
    cache.clear()
    assert len(cache) == 0
    assert not cache.exists("b")
    assert cache.statistics == CacheStatistics(hits=1)


def test_keys_of_any_hashable_kind() -> None:
    cache = LRUCache[str]()
    for key in (1, (2, "x"), None, frozenset({3}), b"4"):
        cache.set(key, repr(key))
        assert cache.get(key) == repr(key)


# Lifetime


def test_expired_from_the_very_instant(clock: Clock) -> None:
    cache = LRUCache[int](clock=clock)
    cache.set("a", 1, ttl=5)
    clock.now = math.nextafter(105.0, 0)
    assert cache.get("a") == 1
    clock.now = 105.0
    assert cache.get("a") is None
    assert cache.statistics == CacheStatistics(hits=1, misses=1, expirations=1)


def test_default_ttl_and_its_override(clock: Clock) -> None:
    cache = LRUCache[int](default_ttl=10, clock=clock)
    cache.set("default", 1)
    cache.set("short", 1, ttl=1)
    cache.set("long", 1, ttl=20)
    cache.set("forever", 1, ttl=math.inf)
    clock.now += 10
    live = [key for key in ("default", "short", "long", "forever") if cache.exists(key)]
    assert live == ["long", "forever"]


def test_without_ttl_an_entry_never_expires(clock: Clock) -> None:
    cache = LRUCache[int](clock=clock)
    cache.set("a", 1)
    clock.now = 1e300
    assert cache.get("a") == 1


def test_overwriting_renews_the_lifetime(clock: Clock) -> None:
    cache = LRUCache[int](default_ttl=10, clock=clock)
    cache.set("a", 1, ttl=1)
    cache.set("a", 2)
    clock.now += 9
    assert cache.get("a") == 2
    clock.now += 1
    assert not cache.exists("a")


def test_a_get_does_not_renew_the_lifetime(clock: Clock) -> None:
    cache = LRUCache[int](clock=clock)
    cache.set("a", 1, ttl=10)
    clock.now += 9
    cache.get("a")
    clock.now += 1
    assert cache.get("a") is None


@pytest.mark.parametrize("operation", ["get", "exists", "delete", "set"])
def test_whoever_meets_an_expired_entry_drops_and_counts_it(
    clock: Clock, operation: str
) -> None:
    cache = LRUCache[int](clock=clock)
    cache.set("a", 1, ttl=1)
    clock.now += 1
    assert len(cache) == 1
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: cache.get("a"),
        "exists": lambda: cache.exists("a"),
        "delete": lambda: cache.delete("a"),
        "set": lambda: cache.set("a", 2),
    }
    expected = {"get": None, "exists": False, "delete": False, "set": True}
    assert calls[operation]() is expected[operation]
    assert len(cache) == (operation == "set")
    assert cache.statistics.expirations == 1
    cache.exists("a")
    assert cache.statistics.expirations == 1


def test_an_expired_entry_that_makes_room_is_no_eviction(clock: Clock) -> None:
    cache = LRUCache[int](max_size=1, clock=clock)
    cache.set("a", 1, ttl=1)
    clock.now += 1
    cache.set("b", 1)
    assert cache.statistics == CacheStatistics(expirations=1)
    cache.set("c", 1)
    assert cache.statistics == CacheStatistics(evictions=1, expirations=1)


def test_plain_recency_order_spares_no_live_entry(clock: Clock) -> None:
    cache = LRUCache[int](max_size=2, clock=clock)
    cache.set("live", 1)
    cache.set("expired", 1, ttl=1)
    clock.now += 1
    cache.set("new", 1)
    assert not cache.exists("live")
    assert cache.statistics.evictions == 1


# Refusals


@pytest.mark.parametrize("wrong", [True, 2.0, "3", None])
def test_max_size_must_be_an_integer(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"^max_size must be"):
        LRUCache[int](max_size=wrong)  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize("wrong", [0, -1])
def test_max_size_must_be_positive(wrong: int) -> None:
    with pytest.raises(ValueError, match=r"^max_size must be at least 1"):
        LRUCache[int](max_size=wrong)


@pytest.mark.parametrize("wrong", [0, -1, -0.0, math.nan, -math.inf])
def test_ttl_must_be_positive(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"^default_ttl must be above zero"):
        LRUCache[int](default_ttl=wrong)
    cache = LRUCache[int]()
    cache.set("a", 1)
    with pytest.raises(ValueError, match=r"^ttl must be above zero"):
        cache.set("a", 2, ttl=wrong)
    assert cache.get("a") == 1


@pytest.mark.parametrize("wrong", [True, "5"])
def test_ttl_must_be_a_number(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"^default_ttl must be"):
        LRUCache[int](default_ttl=wrong)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^ttl must be"):
        LRUCache[int]().set("a", 1, ttl=wrong)  # type: ignore[arg-type] # on purpose


def test_an_unhashable_key_is_refused() -> None:
    cache = LRUCache[int](max_size=1)
    cache.set("a", 1)
    key: list[int] = []
    with pytest.raises(TypeError, match=r"^key must be hashable, got list"):
        cache.get(key)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^key must be hashable"):
        cache.set(key, 1)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^key must be hashable"):
        cache.delete(key)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^key must be hashable"):
        cache.exists(key)  # type: ignore[arg-type] # on purpose
    assert cache.statistics == CacheStatistics()
    assert cache.exists("a")


def test_a_failing_comparison_is_not_called_unhashable() -> None:
    class Odd:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            raise TypeError("cannot compare")

    cache = LRUCache[int]()
    cache.set(Odd(), 1)
    with pytest.raises(TypeError, match=r"^cannot compare"):
        cache.get(Odd())


def test_statistics_are_a_frozen_snapshot() -> None:
    cache = LRUCache[int]()
    before = cache.statistics
    cache.get("a")
    assert before == CacheStatistics()
    with pytest.raises(FrozenInstanceError):
        before.hits = 1  # type: ignore[misc] # on purpose


def test_the_interface_is_abstract() -> None:
    assert issubclass(LRUCache, CacheInterface)
    with pytest.raises(TypeError, match="abstract"):
        CacheInterface[int]()  # type: ignore[abstract] # on purpose


def test_importing_it_loads_no_numpy() -> None:
    code = "import sys, reference.production.caching; print('numpy' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


# Threads


def test_a_finalizer_may_come_back_to_the_cache() -> None:
    cache = LRUCache[object](max_size=1)

    class Returning:
        def __del__(self) -> None:
            cache.exists("b")

    cache.set("a", Returning())
    worker = threading.Thread(target=cache.set, args=("b", None), daemon=True)
    worker.start()
    worker.join(timeout=10)
    assert not worker.is_alive()


def test_eight_threads_lose_nothing() -> None:
    threads, rounds, size = 8, 2000, 16
    cache = LRUCache[tuple[int, int]](max_size=size, default_ttl=1e6)
    start = threading.Barrier(threads)
    failures: list[str] = []
    deleted = [0] * threads

    def work(number: int) -> None:
        start.wait()
        for turn in range(rounds):
            key = (number * 7 + turn * 5) % 40
            cache.set(key, (key, turn))
            value = cache.get((key * 3) % 40)
            if value is not None and value[0] != (key * 3) % 40:
                failures.append(f"{key} gave {value}")
            if len(cache) > size:
                failures.append("more entries than max_size")
            if turn % 9 == 0:
                deleted[number] += cache.delete(key)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    counts = cache.statistics
    assert counts.hits + counts.misses == threads * rounds
    assert counts.hits > 0
    assert counts.evictions > 0
    assert sum(deleted) > 0
    assert counts.expirations == 0


def test_increments_under_threads_are_counted_exactly() -> None:
    threads, rounds = 8, 3000
    cache = LRUCache[int](max_size=threads * rounds)
    start = threading.Barrier(threads)

    def work(number: int) -> None:
        start.wait()
        for turn in range(rounds):
            cache.set((number, turn), turn)
            cache.get((number, turn))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(cache) == threads * rounds
    assert cache.statistics == CacheStatistics(hits=threads * rounds)
