import itertools
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.clock import START, Clock
from dojo.testing.stateful import StateMachine, run_machine, step
from dojo.testing.threads import VisitedClock, VisitedText, all_at_once, run_inside
from katas.caching.lru_cache import LRUCache

R = TypeVar("R")
MISSING = "missing"
THREADS = 8


class _Model:
    """The cache as a plain list, the least recently used entry first."""

    def __init__(self, max_size: int, default_ttl: float | None, clock: Clock) -> None:
        self.max_size = max_size
        self.default_ttl = default_ttl
        self.clock = clock
        self.entries: list[tuple[Hashable, object, float]] = []

    def get(self, key: Hashable, default: object = None) -> object:
        for entry in self._live(key):
            self.entries.remove(entry)
            self.entries.append(entry)
            return entry[1]
        return default

    def set(self, key: Hashable, value: object, ttl: float | None = None) -> bool:
        lifetime = self.default_ttl if ttl is None else ttl
        end = float("inf") if lifetime is None else self.clock() + lifetime
        self.entries = [entry for entry in self.entries if entry[0] != key]
        self.entries = [*self.entries, (key, value, end)][-self.max_size :]
        return True

    def delete(self, key: Hashable) -> bool:
        found = self._live(key)
        self.entries = [entry for entry in self.entries if entry not in found]
        return bool(found)

    def exists(self, key: Hashable) -> bool:
        return bool(self._live(key))

    def _live(self, key: Hashable) -> list[tuple[Hashable, object, float]]:
        expired = [e for e in self.entries if e[0] == key and self.clock() >= e[2]]
        self.entries = [entry for entry in self.entries if entry not in expired]
        return [entry for entry in self.entries if entry[0] == key]


keys = st.sampled_from("abcde")
values = st.one_of(st.none(), st.integers(0, 9))
# Halves are exact in binary, so that t + ttl can be met exactly.
seconds = st.sampled_from([0.5, 1.0, 1.5, 2.0])


@given(st.lists(st.tuples(keys, values), min_size=1, max_size=6))
@example([("a", None)])
@example([("a", 1), ("a", 2)])
@example([("a", 0)])
def test_what_is_set_is_there(pairs: list[tuple[str, object]]) -> None:
    """The last value that was set for a key is got back; None and 0 are values too."""
    cache = LRUCache()
    for key, value in pairs:
        assert_equal(cache.set(key, value), True, "the answer of set")
    for key, value in dict(pairs).items():
        assert_equal(cache.get(key, MISSING), value, f"the value of {key!r}")
        assert_equal(cache.exists(key), True, f"whether {key!r} exists")
    assert_equal(cache.get("z"), None, "a miss")
    assert_equal(cache.get("z", MISSING), MISSING, "a miss with a default")
    assert_equal(cache.exists("z"), False, "whether 'z' exists")


@given(st.integers(1, 5))
@example(1)
@example(2)
def test_the_least_recently_used_leaves(size: int) -> None:
    """A full cache gives up its least recently used entry for a new key, no other."""
    cache = LRUCache(size)
    for key in range(size):
        cache.set(key, key)
    _assert_exactly(cache, range(size), range(2 * size))
    # From here on, keys are used in reverse: 0 last.
    for key in reversed(range(size)):
        cache.get(key)
    for new in range(size):
        cache.set(size + new, new)
        left = [*range(size - 1 - new), *range(size, size + new + 1)]
        _assert_exactly(cache, left, range(2 * size))


def test_a_thousand_entries_if_nothing_is_said() -> None:
    """A cache made without a size holds a thousand entries."""
    cache = LRUCache()
    for key in range(1_001):
        cache.set(key, key)
    _assert_exactly(cache, range(1, 1_001), range(1_001))


@given(st.integers(2, 5), st.integers(0, 4))
@example(2, 0)
@example(2, 1)
def test_setting_again_is_a_use_and_pushes_nothing_out(size: int, number: int) -> None:
    """Setting a key that is there makes it the newest, and every other key stays."""
    cache = LRUCache(size)
    for key in range(size):
        cache.set(key, "old")
    again = number % size
    cache.set(again, "new")
    _assert_exactly(cache, range(size), range(size + 1))
    for new in range(size, 2 * size - 1):
        cache.set(new, "last")
    _assert_exactly(cache, [again, *range(size, 2 * size - 1)], range(2 * size))
    assert_equal(cache.get(again), "new", "the renewed value")


@given(st.integers(2, 5))
@example(2)
def test_asking_is_not_a_use(size: int) -> None:
    """An entry that was only asked for by exists leaves as if nobody had asked."""
    cache = LRUCache(size)
    for key in range(size):
        cache.set(key, key)
    assert_equal(cache.exists(0), True, "whether 0 exists")
    cache.set(size, size)
    _assert_exactly(cache, range(1, size + 1), range(size + 1))


@given(st.lists(keys, max_size=5), keys)
@example(["a"], "a")
@example([], "a")
@example(["a", "b"], "a")
def test_delete_tells_whether_there_was_one(present: list[str], key: str) -> None:
    """True the first time, False where there is none, and the place is free again."""
    clock = Clock()
    cache = LRUCache(len(set(present)) or 1, clock=clock)
    for other in present:
        cache.set(other, None)
    assert_equal(cache.delete(key), key in present, "the answer of delete")
    assert_equal(cache.exists(key), False, f"whether {key!r} exists")
    assert_equal(cache.delete(key), False, "the second answer of delete")
    rest = set(present) - {key}
    if key in present:
        cache.set("new", 1)
        rest.add("new")
    _assert_exactly(cache, rest, ["new", *"abcde"])
    if rest:
        cache.set("short", 1, ttl=1.0)
        clock.advance(1.0)
        assert_equal(cache.delete("short"), False, "the answer for an expired entry")


@given(seconds, st.sampled_from([None, 0.5, 3.0]), st.booleans())
@example(1.0, None, True)
@example(1.0, 3.0, True)
@example(1.0, 0.5, False)
def test_an_entry_lives_until_its_time(
    ttl: float, other: float | None, own: bool
) -> None:
    """An entry set at t is there before t + ttl and gone at exactly t + ttl."""
    clock = Clock()
    cache = LRUCache(default_ttl=other if own else ttl, clock=clock)
    for key in "ghd":
        cache.set(key, None, ttl if own else None)
    clock.advance(ttl - 0.25)
    assert_equal(cache.get("g", MISSING), None, "the value shortly before")
    assert_equal(cache.exists("h"), True, "whether it exists shortly before")
    clock.advance(0.25)
    assert_equal(cache.get("g", MISSING), MISSING, "the value at t + ttl")
    assert_equal(cache.exists("h"), False, "whether it exists at t + ttl")
    assert_equal(cache.delete("d"), False, "the answer of delete at t + ttl")
    cache.set("g", 1, ttl)
    clock.advance(ttl - 0.25)
    cache.set("g", 2, ttl)
    clock.advance(0.25)
    assert_equal(cache.get("g"), 2, "the value of a renewed lifetime")


class CacheMachine(StateMachine):
    """The cache next to its model, in any order of calls."""

    @initialize(max_size=st.integers(1, 3), default_ttl=st.one_of(st.none(), seconds))
    def start(self, max_size: int, default_ttl: float | None) -> None:
        """Begin with an empty cache."""
        self.clock = Clock()
        self.cache = LRUCache(max_size, default_ttl, clock=self.clock)
        self.model = _Model(max_size, default_ttl, self.clock)

    @rule(key=keys, value=values, ttl=st.one_of(st.none(), seconds))
    def set(self, key: str, value: object, ttl: float | None) -> None:
        """Set in both."""
        expected = self.model.set(key, value, ttl)
        assert_equal(self.cache.set(key, value, ttl), expected, "the answer of set")

    @rule(key=keys)
    def get(self, key: str) -> None:
        """Get from both."""
        expected = self.model.get(key, MISSING)
        assert_equal(self.cache.get(key, MISSING), expected, f"the value of {key!r}")

    @rule(key=keys)
    def delete(self, key: str) -> None:
        """Delete from both."""
        expected = self.model.delete(key)
        assert_equal(self.cache.delete(key), expected, "the answer of delete")

    @rule(key=keys)
    def exists(self, key: str) -> None:
        """Ask both."""
        expected = self.model.exists(key)
        assert_equal(self.cache.exists(key), expected, f"whether {key!r} exists")

    @rule(seconds=seconds)
    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.advance(seconds)


def test_any_order_of_calls() -> None:
    """Whatever calls come, the answers are those of a list in order of use."""
    run_machine(CacheMachine, steps=30)


@given(st.permutations(["a", "b", "c"]))
@example(["a", "b", "c"])
def test_an_expired_entry_keeps_its_place(names: list[str]) -> None:
    """The least recently used entry leaves, even where another one has expired."""
    old, expired, new = names
    clock = Clock()
    cache = LRUCache(2, clock=clock)
    for _ in range(2):
        cache.set(old, 1)
        cache.set(expired, 2, ttl=1.0)
        clock.advance(2.0)
        cache.set(new, 3)
        _assert_exactly(cache, [new], names)
    # Once a call has met it, its place is free.
    cache.set(expired, 4, ttl=1.0)
    clock.advance(2.0)
    assert_equal(cache.get(expired), None, "the expired value")
    cache.set(old, 5)
    _assert_exactly(cache, [old, new], names)


class _Steps:
    """Counts how often keys are hashed or compared, and times compared."""

    taken = 0

    @classmethod
    def counted(cls, method: Callable[..., R]) -> Callable[..., R]:
        def step(*operands: object) -> R:
            cls.taken += 1
            return method(*operands)

        return step


class _CountedKey(int):
    __hash__ = _Steps.counted(int.__hash__)
    __eq__ = _Steps.counted(int.__eq__)


class _CountedTime(float):
    __lt__ = _Steps.counted(float.__lt__)
    __le__ = _Steps.counted(float.__le__)
    __gt__ = _Steps.counted(float.__gt__)
    __ge__ = _Steps.counted(float.__ge__)

    def __add__(self, seconds: float) -> "_CountedTime":
        return _CountedTime(float(self) + seconds)

    __radd__ = __add__


def _steps_of_fifty_calls(size: int) -> dict[str, int]:
    """Return how many steps fifty calls of each kind take in a full cache."""
    cache = LRUCache(size, 1e9, clock=lambda: _CountedTime(START))
    for name in range(size):
        cache.set(_CountedKey(name), name)
    calls: dict[str, Callable[[int], object]] = {
        "get": lambda name: cache.get(_CountedKey(name)),
        "a get that misses": lambda name: cache.get(_CountedKey(-1 - name)),
        "exists": lambda name: cache.exists(_CountedKey(name)),
        "setting again": lambda name: cache.set(_CountedKey(name), 1),
        "setting anew": lambda name: cache.set(_CountedKey(size + name), 1),
        "delete": lambda name: cache.delete(_CountedKey(name)),
    }
    steps = {}
    for what, call in calls.items():
        before = _Steps.taken
        for name in range(size // 2, size // 2 + 50):
            call(name)
        steps[what] = _Steps.taken - before
    return steps


def test_a_call_takes_as_long_in_a_large_cache() -> None:
    """Hashes and comparisons of a call do not grow with the number of entries."""
    small, large = _steps_of_fifty_calls(100), _steps_of_fifty_calls(2_000)
    for what, steps in large.items():
        assert_holds(
            steps <= 2 * small[what],
            f"{what} takes the same work among 2,000 entries as among 100",
            actual=f"{steps / 50:g} hashes and comparisons a call",
            expected=f"about {small[what] / 50:g}",
        )


_Cache = LRUCache | _Model
_Call = tuple[str, str, tuple[object, ...]]
_Story = dict[str, object]

# A call, another one in its midst, and how many seconds have gone by before. The cache
# is full with an older entry that lives for two seconds, and a younger one.
PAIRS: list[tuple[_Call, _Call, float]] = [
    (("get", "old", ()), ("delete", "old", ()), 0.0),
    (("get", "old", ()), ("set", "new", (2,)), 0.0),
    (("delete", "old", ()), ("delete", "old", ()), 0.0),
    (("set", "new", (1, 9.0)), ("set", "new", (2, 9.0)), 0.0),
    (("exists", "old", ()), ("set", "old", (2,)), 2.0),
]
# Before the first of these points a call has nothing yet that it could rely on.
TURNS = range(1, 5)


def _make(cache: _Cache, call: _Call) -> object:
    method, key, arguments = call
    answer: object = getattr(cache, method)(VisitedText(key), *arguments)
    return answer


def _one_after_the_other(
    calls: tuple[_Call, _Call], order: tuple[int, int], wait: float
) -> _Story:
    """Return what comes of two calls to the model in this order."""
    clock = Clock()
    model = _Model(2, None, clock)
    _fill(model)
    clock.now += wait
    answers = {number: _make(model, calls[number]) for number in order}
    return {"answers": [answers[0], answers[1]]} | _look_around(model)


def _one_in_the_other(first: _Call, second: _Call, wait: float, turn: int) -> _Story:
    """Return what comes of a call to the cache with a second one in its midst."""
    clock = VisitedClock()
    cache = LRUCache(2, clock=clock)
    _fill(cache)
    clock.advance(wait)
    step("# two threads at once:")
    answers = list(
        run_inside(lambda: _make(cache, first), lambda: _make(cache, second), turn)
    )
    step("# both are done")
    return {"answers": answers} | _look_around(cache)


def _fill(cache: _Cache) -> None:
    _make(cache, ("set", "old", (0, 2.0)))
    _make(cache, ("set", "young", (1,)))


def _look_around(cache: _Cache) -> _Story:
    """Return what is in the cache, and what is left of it after each of some sets."""
    names = ["old", "young", "new"]
    story: _Story = {"left": {name: cache.get(name, MISSING) for name in names}}
    for name in "wxyz":
        cache.set(name, None)
        names.append(name)
        story[f"and {name}"] = [other for other in names if cache.exists(other)]
    return story


def _in_turn(function: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Add an example for each pair and each turn."""
    for pair, turn in itertools.product(range(len(PAIRS)), TURNS):
        function = example(pair, turn)(function)
    return function


@settings(phases=[Phase.explicit])
@_in_turn
@given(st.integers(), st.integers())
def test_a_call_is_one_step(pair: int, turn: int) -> None:
    """Two calls at once have the effect of one after the other, in either order."""
    first, second, wait = PAIRS[pair]
    got = _one_in_the_other(first, second, wait, turn)
    calls = first, second
    in_order = _one_after_the_other(calls, (0, 1), wait)
    in_reverse = _one_after_the_other(calls, (1, 0), wait)
    assert_holds(
        got in (in_order, in_reverse),
        "the answers are those of one call after the other",
        actual=got,
        expected=in_order,
        detail=f"the other order gives {in_reverse}",
    )


@settings(max_examples=5)
@given(st.integers(1, 4))
@example(1)
@example(3)
def test_eight_threads_lose_and_mix_up_nothing(shared: int) -> None:
    """Eight threads at once find their own values, and only values set for the key."""
    own, rounds = 3, 20
    cache = LRUCache(rounds + shared + own * THREADS)
    for turn in range(rounds):
        cache.set(f"once {turn}", None)
    deleted: list[str] = []

    def work(number: int) -> None:
        for turn in range(rounds):
            once, common = f"once {turn}", f"common {turn % shared}"
            if cache.delete(VisitedText(once)):
                deleted.append(once)
            cache.set(VisitedText(common), (common, number))
            found = cache.get(VisitedText(common))
            mixed = not isinstance(found, tuple) or found[0] != common
            assert_holds(not mixed, f"{common!r} has a value of its own", actual=found)
            mine = f"{number} {turn % own}"
            cache.set(VisitedText(mine), turn)
            assert_equal(cache.get(VisitedText(mine)), turn, f"the value of {mine!r}")

    all_at_once(work, THREADS)
    all_once = sorted(f"once {turn}" for turn in range(rounds))
    assert_equal(sorted(deleted), all_once, "what was deleted by one thread each")
    for number, turn in itertools.product(range(THREADS), range(rounds - own, rounds)):
        mine = f"{number} {turn % own}"
        assert_equal(cache.get(mine), turn, f"the value of {mine!r} in the end")


@settings(max_examples=5)
@given(st.integers(1, 4))
@example(1)
@example(3)
def test_eight_threads_keep_the_bound(size: int) -> None:
    """After eight threads at once the cache is full to its bound, and in order."""
    cache = LRUCache(size)

    def work(number: int) -> None:
        for turn in range(20):
            cache.set(VisitedText((number + turn) % (2 * THREADS)), turn)
            cache.get(VisitedText((number * turn) % THREADS))

    all_at_once(work, THREADS)
    left = sum(cache.exists(str(key)) for key in range(2 * THREADS))
    assert_equal(left, size, "how many entries are left")
    later = [f"later {number}" for number in range(2 * size)]
    for key in later:
        cache.set(key, key)
    _assert_exactly(cache, later[size:], [*map(str, range(2 * THREADS)), *later])


def test_bad_arguments_are_refused() -> None:
    """A size below 1 or a lifetime not above 0 is refused, and nothing changes."""
    for size in (0, -1):
        assert_raises_naming("max_size", LRUCache, size)
    for seconds in (0, 0.0, -1.0):
        assert_raises_naming("default_ttl", LRUCache, 2, seconds)
    cache = LRUCache(2, 5e-324, clock=Clock())
    cache.set("a", 1, ttl=5.0)
    cache.set("b", 2, ttl=5.0)
    for seconds in (0, 0.0, -1.0):
        for key in "ac":
            assert_raises_naming("ttl", cache.set, key, 3, ttl=seconds)
    assert_equal(cache.get("a"), 1, "the value after a refused set")
    assert_equal(cache.exists("c"), False, "whether a refused key exists")
    cache.set("b", 2, ttl=0.5)
    assert_equal(cache.get("b"), 2, "a value with half a second to live")


def _assert_exactly(
    cache: LRUCache, present: Iterable[Hashable], all_keys: Iterable[Hashable]
) -> None:
    """Check which keys exist; that is no use of them."""
    present = set(present)
    for key in all_keys:
        assert_equal(cache.exists(key), key in present, f"whether {key!r} exists")
