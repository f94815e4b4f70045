import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.clock import Clock
from dojo.testing.files import SYNCS, empty_folder, instead
from dojo.testing.stateful import StateMachine, run_machine, step
from dojo.testing.threads import (
    Gate,
    Team,
    VisitedClock,
    VisitedText,
    run_inside,
    run_together,
    visit,
)
from katas.cache_codebase.cache_threads import Cache

MISSING = "missing"
JOURNAL = "journal"
THREADS = 4
# Seconds for what takes a fraction of a millisecond unless it waits without end.
SOON = 1.0

Entry = tuple[str, object, float]

keys = st.sampled_from(["a", "b", "c", "é"])
lifetimes = st.one_of(st.none(), st.sampled_from([0.5, 1.0, 2.0]))


class Compute:
    """Counts its calls, and gives the same value each time."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.calls = 0

    def __repr__(self) -> str:
        return f"lambda: {self.value!r}"

    def __call__(self) -> object:
        self.calls += 1
        return self.value


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

    def get(self, key: str, default: object = None) -> object:
        found = self.take(key)
        self.entries += found
        return found[0][1] if found else default

    def get_or_compute(
        self, key: str, compute: Callable[[], object], ttl: float | None = None
    ) -> object:
        value = self.get(key, MISSING)
        if value == MISSING:
            value = compute()
            self.set(key, value, ttl)
        return value

    def __len__(self) -> int:
        self.take("")
        return len(self.entries)

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
        visit()

    with empty_folder(), instead(dict.fromkeys(SYNCS, fsync), Cache.set):
        yield sizes


@given(st.sampled_from([None, 0, "", 5]), st.sampled_from([1.0, 2.0]))
@example(None, 1.0)
@example(5, 2.0)
def test_what_is_there_is_not_computed(value: object, ttl: float) -> None:
    """A missing value is computed once and lives for ttl seconds; None is a value."""
    clock = Clock()
    cache = Cache(2, clock)
    compute, other = Compute(value), Compute("other")
    assert_equal(cache.get_or_compute("a", compute, ttl), value, "the computed value")
    clock.advance(ttl - 0.25)
    assert_equal(cache.get("a", MISSING), value, "the stored value")
    assert_equal(cache.get_or_compute("a", other), value, "the value, asked again")
    cache.set("b", "older")
    cache.set("b", "set again")
    cache.get_or_compute("a", other)
    cache.set("c", "newer")
    assert_equal(cache.get("b", MISSING), MISSING, "the least recently used value")
    assert_equal(cache.get_or_compute("a", other), value, "the value that was used")
    assert_equal((compute.calls, other.calls), (1, 0), "how often each was called")
    clock.advance(0.25)
    cache.set("d", "newest")
    assert_equal(cache.get("c", MISSING), "newer", "a value that lives on")
    assert_equal(cache.get("a", MISSING), MISSING, "the value at its end")
    assert_equal(cache.get_or_compute("a", other), "other", "the value after its end")
    clock.advance(1e9)
    assert_equal(cache.get("a", MISSING), "other", "the value without a lifetime")


class _Machine(StateMachine):
    """The cache beside the model, in a folder of its own, reopened now and then."""

    @initialize(capacity=st.integers(1, 3))
    def begin(self, capacity: int) -> None:
        self.disk = disk()
        self.synced = self.disk.__enter__()
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
        size = Path(JOURNAL).stat().st_size
        assert_equal(self.synced[-1:], [size], "how much of the journal was synced")

    @rule(key=keys, ttl=lifetimes)
    def get_or_compute(self, key: str, ttl: float | None) -> None:
        self.sets += 1
        compute = Compute(self.sets)
        expected = self.model.get_or_compute(key, compute, ttl)
        answer = self.cache.get_or_compute(key, compute, ttl=ttl)
        assert_equal(answer, expected, f"the value of {key!r}")

    @rule(key=keys)
    def get(self, key: str) -> None:
        expected = self.model.get(key, MISSING)
        assert_equal(self.cache.get(key, MISSING), expected, f"the value of {key!r}")

    @rule(key=keys)
    def delete(self, key: str) -> None:
        expected = self.model.delete(key)
        assert_equal(self.cache.delete(key), expected, "the answer of delete")

    @rule()
    def count(self) -> None:
        assert_equal(len(self.cache), len(self.model), "the number of entries")

    @precondition(lambda self: self.sets)
    @rule(torn=st.sampled_from(["", "[", '[["a"], {}]']))
    def reopen(self, torn: str) -> None:
        with Path(JOURNAL).open("a") as file:
            file.write(torn)
        self.model.reopen()
        self.cache = Cache(self.capacity, self.clock, JOURNAL)


def test_the_earlier_levels_hold() -> None:
    """One call after another, the cache answers as a list in order of use would."""
    run_machine(_Machine)


def test_one_computes_for_all_who_wait() -> None:
    """Threads that ask for a missing key get what one computes, and others go on."""
    clock = Clock()
    cache = Cache(5, clock)
    gate, compute = Gate(), Compute("value")
    flight = gate.guarding(compute)
    team = Team([lambda: cache.get_or_compute("a", flight, 2.0)] * THREADS)
    gate.wait_for(1)
    team.settle(SOON)
    meanwhile: list[Callable[[], object]] = [
        lambda: cache.set("b", 1),
        lambda: cache.get("a", MISSING),
        lambda: cache.delete("c"),
        lambda: cache.get_or_compute("d", Compute("of d")),
        lambda: cache.get_or_compute("e", lambda: cache.set("inner", 2)),
    ]
    answers = run_together(meanwhile, SOON)
    assert_equal(answers, [None, MISSING, False, "of d", None], "the answers meanwhile")
    clock.advance(1.0)
    gate.open()
    assert_equal(team.join(SOON), ["value"] * THREADS, "the answers of who waited")
    assert_equal(compute.calls, 1, "how often the value was computed")
    clock.advance(1.75)
    assert_equal(cache.get("a", MISSING), "value", "the value just before its end")
    clock.advance(0.25)
    assert_equal(cache.get("a", MISSING), MISSING, "the value at its end")
    (again,) = run_together([lambda: cache.get_or_compute("a", Compute(2))], SOON)
    assert_equal(again, 2, "the value of a later call")


def test_what_goes_wrong_is_raised_in_all_who_wait() -> None:
    """A failure reaches each thread that waits; nothing is stored; the next may try."""
    error = OSError("the source is gone")

    def fails() -> object:
        raise error

    for compute, kind in ((fails, OSError), (Compute(object()), TypeError)):
        with disk():
            cache = Cache(2, Clock(), JOURNAL)
            gate = Gate()
            flight = gate.guarding(compute)
            team = Team([lambda c=cache, f=flight: c.get_or_compute("a", f)] * THREADS)
            gate.wait_for(1)
            team.settle(SOON)
            gate.open()
            kinds = [type(answer) for answer in team.join(SOON)]
            assert_equal(kinds, [kind] * THREADS, "what the threads got")
            assert_equal(gate.entered, 1, "how often the value was computed")
            assert_equal(len(cache), 0, "the number of entries")
            ask = [lambda c=cache: c.get_or_compute("a", Compute(1))]
            assert_equal(run_together(ask, SOON), [1], "the answer to the next call")
            assert_equal(Cache(2, Clock(), JOURNAL).get("a"), 1, "the value on disk")


_Cache = Cache | Model
_Call = tuple[str, str, tuple[object, ...]]
_Story = dict[str, object]

# A call, another one in its midst, and how many seconds have gone by before. The cache
# is full with an older entry and a younger one, which live for two seconds.
PAIRS: list[tuple[_Call, _Call, float]] = [
    (("get", "old", ()), ("delete", "old", ()), 0.0),
    (("delete", "old", ()), ("delete", "old", ()), 0.0),
    (("set", "new", (1,)), ("set", "newer", (2,)), 0.0),
    (("__len__", "", ()), ("set", "old", (2,)), 2.0),
    (("get_or_compute", "new", (1,)), ("get_or_compute", "new", (2,)), 0.0),
]
# Before the first of these points a call has nothing yet that it could rely on.
TURNS = range(2, 5)


def _make(cache: _Cache, call: _Call) -> object:
    method, key, arguments = call
    if method == "__len__":
        return len(cache)
    if method == "get_or_compute":
        arguments = (Compute(arguments[0]),)
    answer: object = getattr(cache, method)(VisitedText(key), *arguments)
    return answer


def _fill(cache: _Cache) -> None:
    _make(cache, ("set", "old", (0, 2.0)))
    _make(cache, ("set", "young", (0, 2.0)))


def _look_around(cache: _Cache) -> _Story:
    """Return what is in the cache, the oldest use first as far as that can be seen."""
    story: _Story = {"entries": len(cache)}
    for name in ("w", "x"):
        cache.set(name, None)
        names = ("old", "young", "new", "newer")
        story[f"after {name}"] = [cache.get(other, MISSING) for other in names]
    return story


def _one_after_the_other(
    calls: tuple[_Call, _Call], order: tuple[int, int], wait: float
) -> _Story:
    """Return what comes of two calls to the model in this order."""
    clock = Clock()
    model = Model(2, clock)
    _fill(model)
    clock.now += wait
    answers = {number: _make(model, calls[number]) for number in order}
    return {"answers": [answers[0], answers[1]]} | _look_around(model)


def _one_in_the_other(first: _Call, second: _Call, wait: float, turn: int) -> _Story:
    """Return what comes of a call to the cache with a second one in its midst."""
    clock = VisitedClock()
    cache = Cache(2, clock=clock)
    _fill(cache)
    clock.advance(wait)
    step("# two threads at once:")
    answers = list(
        run_inside(lambda: _make(cache, first), lambda: _make(cache, second), turn)
    )
    step("# both are done")
    return {"answers": answers} | _look_around(cache)


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


@settings(phases=[Phase.explicit])
@given(st.booleans(), st.booleans())
@example(True, False)
@example(False, True)
def test_the_journal_tells_the_same_story(sets_first: bool, sets_second: bool) -> None:
    """Two changes at once are in the journal in the order in which they were made."""
    with disk():
        cache = Cache(2, Clock(), JOURNAL)

        def change(sets: bool, value: int) -> None:
            cache.set("a", value) if sets else cache.delete("a")

        cache.set("a", 0)
        step("# two threads at once, the second while the first writes:")
        run_inside(lambda: change(sets_first, 1), lambda: change(sets_second, 2), 0)
        again = Cache(2, Clock(), JOURNAL)
        live = cache.get("a", MISSING)
        assert_equal(again.get("a", MISSING), live, "the value after a restart")


@given(st.sampled_from([0, -1.0]), st.booleans())
@example(0, True)
@example(-1.0, False)
def test_what_is_refused_changes_nothing(ttl: float, known: bool) -> None:
    """A bad ttl is refused before anything is computed, and nothing changes."""
    for capacity in (0, -1):
        assert_raises_naming("capacity", Cache, capacity)
    cache, compute = Cache(2, Clock()), Compute(3)
    cache.set("a", 1)
    cache.set("b", 2)
    key = "a" if known else "c"
    assert_raises_naming("ttl", cache.get_or_compute, key, compute, ttl=ttl)
    assert_raises_naming("ttl", cache.set, key, 3, ttl=ttl)
    assert_equal(compute.calls, 0, "how often the value was computed")
    cache.set("d", 4)
    left = [cache.get(other, MISSING) for other in "abcd"]
    assert_equal(left, [MISSING, 2, MISSING, 4], "the values of a, b, c and d")
