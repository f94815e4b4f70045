import enum
import inspect
import json
import math
import os
import pickle
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from unittest import mock

import numpy as np
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.clock import START, Clock
from dojo.testing.redis import server
from dojo.testing.stateful import StateMachine, run_machine, step
from dojo.testing.threads import VisitedClock, run_inside, run_together
from katas.caching.redis_cache import RedisCache

MISSING = "missing"
# Nobody listens here.
NOWHERE = "unix:///nobody/listens/here"
# Seconds for what a hanging server holds up for a twentieth of a second.
PATIENCE = 2.0

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "1", "é", ""]), inner, max_size=3),
    ),
    max_leaves=5,
)
keys = st.sampled_from(["a", "b", "c"])
# Redis counts real time: it must not forget, in a slow run, what the clock still holds.
lifetimes = st.sampled_from([100.0, 100.25, 250.5, 4000.0])


def cache_of(clock: Clock | None = None, **arguments: object) -> RedisCache:
    """Return a cache on the judge's server, with time enough for a busy machine."""
    arguments = {"timeout": 5.0, "clock": clock or Clock()} | arguments
    return RedisCache(server().url, **arguments)


def raw(*words: str | bytes | int) -> object:
    """Send a command to the server as another program would, and show it."""
    shown = " ".join(word if isinstance(word, str) else repr(word) for word in words)
    step(f"# redis-cli {shown[:80]}")
    return server().command(*words)


@given(keys, values, values)
@example("a", None, 1)
@example("a", 1, 1.0)
@example("a", True, 1)
@example("a", {"1": [None, {"é": "\x00"}]}, 2**70)
def test_what_is_set_is_got(key: str, value: object, later: object) -> None:
    """A value comes back, from any object on the same Redis, equal and of its type."""
    server().flush()
    cache, other = cache_of(), cache_of()
    assert_equal(other.get(key, MISSING), MISSING, "the value before")
    for new in (value, later):
        assert_equal(cache.set(key, new), True, "the answer of set")
        assert_equal(other.get(key, MISSING), new, "the value")
        assert_equal(cache.get(key), new, "the value")


def test_none_is_a_value() -> None:
    """A stored None is found; only where nothing is stored the default comes back."""
    server().flush()
    cache = cache_of()
    cache.set("a", None)
    assert_equal(cache.get("a", MISSING), None, "the value of 'a'")
    assert_equal(cache.exists("a"), True, "whether 'a' exists")
    assert_equal(cache.get("b", MISSING), MISSING, "the value of 'b', never set")
    assert_equal(cache.get("b"), None, "the value of 'b' without a default")
    assert_equal(cache.exists("b"), False, "whether 'b' exists")
    assert_equal(cache.delete("a"), True, "the answer of delete")
    assert_equal(cache.delete("a"), False, "the second answer of delete")
    assert_equal(cache.get("a", MISSING), MISSING, "the deleted value")


@given(lifetimes, st.sampled_from([None, 50.0, 9000.0]), st.booleans())
@example(100.0, None, True)
@example(100.0, 9000.0, True)
@example(250.5, 50.0, False)
def test_an_entry_lives_until_its_deadline(
    ttl: float, other: float | None, own: bool
) -> None:
    """By the clock an entry is there before t + ttl and gone at exactly t + ttl."""
    server().flush()
    clock = Clock()
    cache = cache_of(clock, default_ttl=other if own else ttl)
    for key in "ghd":
        cache.set(key, None, ttl if own else None)
    clock.advance(ttl - 0.25)
    assert_equal(cache.get("g", MISSING), None, "the value shortly before")
    assert_equal(cache.exists("h"), True, "whether it exists shortly before")
    clock.advance(0.25)
    assert_equal(cache.get("g", MISSING), MISSING, "the value at t + ttl")
    assert_equal(cache.exists("h"), False, "whether it exists at t + ttl")
    assert_equal(cache.delete("d"), False, "the answer of delete at t + ttl")
    forever = cache_of(clock, default_ttl=None)
    forever.set("g", 1)
    clock.advance(1e9)
    assert_equal(forever.get("g"), 1, "a value without a lifetime, much later")


@given(keys, values, st.sampled_from([None, 100.0, 2_592_000.75]))
@example("a", [1], 100.0)
@example("a", None, None)
@example("a", 1, 2_592_000.75)
def test_the_envelope_and_its_expiry(
    key: str, value: object, ttl: float | None
) -> None:
    """Redis holds format, deadline and value as JSON, and forgets them afterwards."""
    server().flush()
    cache = cache_of(default_ttl=None, prefix="p/")
    begin = time.monotonic()
    cache.set(key, value, ttl)
    remaining = raw("PTTL", f"p/{key}")
    passed = 1000 * (time.monotonic() - begin)
    envelope = json.loads(stored(f"p/{key}"))
    assert_equal(sorted(envelope), ["deadline", "format", "value"], "the names")
    assert_holds(isinstance(envelope["format"], str), "the format is a text")
    assert_equal(envelope["value"], value, "the value in the envelope")
    if ttl is None:
        assert_equal(envelope["deadline"], None, "the deadline")
        assert_equal(remaining, -1, "Redis's expiry (-1: none)")
    else:
        assert_equal(envelope["deadline"], START + ttl, "the deadline")
        assert_holds(
            # Redis counts in whole milliseconds.
            1000 * ttl - passed - 1 <= remaining <= 1000 * ttl + 60_000,
            "Redis forgets the entry from its deadline on, and a minute later at most",
            actual=f"{remaining} ms to live",
            expected=f"{1000 * ttl:.0f} to {1000 * ttl + 60_000:.0f} ms",
        )


@given(st.binary(max_size=8))
@example(b"")
@example(b"1")
@example(b"null")
@example(b'"text"')
@example(b"[1, 2]")
@example(b"{}")
@example(b'{"value": 1}')
@example(b'{"deadline": null, "value": 1}')
@example(b"NaN")
@example(b"\xff\xfe\x00")
@example(b"[" * 100_000)
@example(pickle.dumps({"format": 1, "deadline": None, "value": 1}))
def test_foreign_bytes_are_a_miss(data: bytes) -> None:
    """What another program has stored is a miss, raises nothing, and makes way."""
    server().flush()
    check_foreign(data)


@given(values, st.integers(0, 40), st.sampled_from(["", "x"]))
@example(1, 0, "x")
@example({"a": [1]}, 20, "")
def test_a_torn_envelope_is_a_miss(value: object, cut: int, tail: str) -> None:
    """An envelope that lacks its end, or has got more behind it, is a miss."""
    whole = sample(value)
    data = whole[: len(whole) - cut] + tail.encode()
    if data != whole:
        check_foreign(data)


def test_another_envelope_is_a_miss() -> None:
    """Another format, a name that lacks or a deadline of another type is a miss."""
    envelope = json.loads(sample([1]))
    changes = [{"format": envelope["format"] + "0"}, {"format": None}, {"format": 1}]
    changes += [{"deadline": other} for other in ("soon", "", [1e9], {})]
    for change in changes:
        check_foreign(json.dumps(envelope | change).encode())
    for name in envelope:
        rest = {other: envelope[other] for other in envelope if other != name}
        check_foreign(json.dumps(rest).encode())
    check_foreign(json.dumps([envelope]).encode())


def test_a_key_of_another_kind_is_a_miss() -> None:
    """A Redis list or hash under the key is a miss, and set overwrites it."""
    server().flush()
    for words in (("RPUSH", "cache:f", "a"), ("HSET", "cache:f", "value", "1")):
        check_stored_as(lambda words=words: raw(*words), f"after {words[0]}")


class Number(enum.IntEnum):
    """An int that JSON would bring back as a plain one."""

    ONE = 1


REFUSED = [
    (b"bytes", TypeError),
    ((1, 2), TypeError),
    ({1: 2}, TypeError),
    ({None: 2}, TypeError),
    ({1, 2}, TypeError),
    (1j, TypeError),
    (object(), TypeError),
    (np.float64(1.0), TypeError),
    (np.ones(2), TypeError),
    (Number.ONE, TypeError),
    (OrderedDict(a=1), TypeError),
    (math.nan, ValueError),
    (math.inf, ValueError),
    (-math.inf, ValueError),
]


def test_what_json_would_change_is_refused() -> None:
    """Values that would not come back as they are raise before anything is sent."""
    server().flush()
    cache, nowhere = cache_of(), RedisCache(NOWHERE)
    cache.set("a", "old")
    for value, error in REFUSED:
        for form in (value, [1, value], {"a": {"b": value}}):
            assert_raises_naming("value", cache.set, "a", form, error=error)
        assert_raises_naming("value", nowhere.set, "a", value, error=error)
    assert_equal(cache.get("a"), "old", "the value after the refusals")


PREFIXES = ["cache:", "a", "ab", "a*", "a?", "[ab]", "a\\", "é:", "^a", "a-b"]


@given(st.sampled_from(PREFIXES), st.sampled_from(PREFIXES))
@example("a*", "ab")
@example("a?", "ab")
@example("[ab]", "a")
@example("a\\", "a*")
@example("cache:", "a")
@example("ab", "a")
def test_clear_removes_what_is_under_the_prefix(prefix: str, other: str) -> None:
    """Every key under the prefix goes, of any kind, and no key of anybody else."""
    server().flush()
    names = [f"{start}{number}" for start in (prefix, other) for number in range(40)]
    raw("MSET", *(word for name in names for word in (name, "1")))
    raw("RPUSH", f"{prefix}list", "1")
    raw("CONFIG", "RESETSTAT")
    cache = cache_of(prefix=prefix)
    assert_equal(cache.clear(), None, "the answer of clear")
    used = set(re.findall(r"cmdstat_(\w+)", str(server().command("INFO", "all"))))
    left = server().command("KEYS", "*")
    rest = [name.encode() for name in names if not name.startswith(prefix)]
    assert_equal(sorted(left), sorted(set(rest)), "the keys that are left")
    harmful = sorted(used & {"keys", "flushdb", "flushall"})
    assert_equal(harmful, [], "commands that stop or empty the whole server")


class Machine(StateMachine):
    """Two objects on one prefix, one on another, and a clock that goes on."""

    @initialize(default_ttl=st.one_of(st.none(), lifetimes))
    def begin(self, default_ttl: float | None) -> None:
        server().flush()
        self.clock = Clock()
        self.default_ttl = default_ttl
        self.caches = [
            cache_of(self.clock, default_ttl=default_ttl, prefix=prefix)
            for prefix in ("a:", "a:", "b:")
        ]
        # prefix -> key -> (value, deadline)
        shared: dict[str, tuple[object, float]] = {}
        self.models = [shared, shared, {}]

    def found(self, number: int, key: str) -> tuple[object, float] | None:
        """Return the live entry of the model."""
        entry = self.models[number].get(key)
        return entry if entry and self.clock.now < entry[1] else None

    @rule(number=st.integers(0, 2), key=keys, value=plain, ttl=st.none() | lifetimes)
    def set(self, number: int, key: str, value: object, ttl: float | None) -> None:
        """Set in both."""
        lifetime = self.default_ttl if ttl is None else ttl
        end = math.inf if lifetime is None else self.clock.now + lifetime
        self.models[number][key] = (value, end)
        got = self.caches[number].set(key, value, ttl)
        assert_equal(got, True, "the answer of set")

    @rule(number=st.integers(0, 2), key=keys)
    def get(self, number: int, key: str) -> None:
        """Get from both."""
        expected = (self.found(number, key) or (MISSING, 0.0))[0]
        got = self.caches[number].get(key, MISSING)
        assert_equal(got, expected, f"the value of {key!r}")

    @rule(number=st.integers(0, 2), key=keys)
    def exists(self, number: int, key: str) -> None:
        """Ask both."""
        expected = self.found(number, key) is not None
        assert_equal(self.caches[number].exists(key), expected, f"whether {key!r} is")

    @rule(number=st.integers(0, 2), key=keys)
    def delete(self, number: int, key: str) -> None:
        """Delete from both."""
        expected = self.found(number, key) is not None
        self.models[number].pop(key, None)
        assert_equal(self.caches[number].delete(key), expected, "the answer of delete")

    @rule(number=st.integers(0, 2))
    def clear(self, number: int) -> None:
        """Clear both."""
        self.models[number].clear()
        self.caches[number].clear()

    @rule(seconds=st.sampled_from([50.0, 99.75, 0.25, 100.0]))
    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.advance(seconds)


def test_any_order_of_calls() -> None:
    """Whatever calls come, objects of one prefix share a cache, and no others do."""
    run_machine(Machine)


@given(st.integers(0, 1))
@settings(phases=[Phase.explicit])
@example(0)
@example(1)
def test_of_two_deletes_one_removes(turn: int) -> None:
    """Where two threads delete one entry, exactly one of them is told True."""
    server().flush()
    cache = cache_of(VisitedClock())
    cache.set("a", 1)
    step("# two threads at once:")
    answers = run_inside(lambda: cache.delete("a"), lambda: cache.delete("a"), turn)
    assert_equal(sorted(answers), [False, True], "the two answers, in any order")


@given(st.sampled_from(["get", "exists"]), st.integers(0, 1))
@settings(phases=[Phase.explicit])
@example("get", 0)
@example("get", 1)
@example("exists", 0)
def test_reading_removes_nothing_new(read: str, turn: int) -> None:
    """A value that is set while a reader meets the expired one before it stays."""
    server().flush()
    clock = VisitedClock()
    cache = cache_of(clock)
    cache.set("a", "old", 100.0)
    clock.advance(100.0)
    step("# two threads at once:")
    run_inside(
        lambda: getattr(cache, read)("a"), lambda: cache.set("a", "new", 100.0), turn
    )
    assert_equal(cache.get("a"), "new", "the value that was set last")


def test_redis_down_is_a_miss() -> None:
    """Without a server calls answer default or False, and with one they work again."""
    server().flush()
    cache = cache_of()
    try:
        assert_equal(cache.set("a", 1), True, "the answer of set")
        for _ in range(2):
            step("# the server is stopped")
            server().stop()
            check_trouble(cache)
            check_trouble(RedisCache(NOWHERE))
            step("# the server is started again, empty")
            server().start()
            assert_equal(cache.get("a", MISSING), MISSING, "the value, now lost")
            assert_equal(cache.set("a", 2), True, "the answer of set")
            assert_equal(cache.get("a"), 2, "the value")
    finally:
        server().start()


def test_redis_hanging_is_a_miss() -> None:
    """While the server hangs no call takes long, and afterwards they work again."""
    server().flush()
    cache = cache_of(timeout=0.05)
    cache.set("a", 1)
    step("# the server hangs")
    with server().paused():
        check_trouble(cache)
    step("# the server goes on")
    # A busy machine may need more than this cache's timeout, now and then.
    healed = any(cache.set("b", 2) for _ in range(50))
    assert_holds(healed, "set works again once the server answers")
    healed = any(cache.get("b") == 2 for _ in range(50))
    assert_holds(healed, "get works again once the server answers")


def test_redis_full_refuses_and_keeps() -> None:
    """A full server refuses new values: set says False, and the old value stays."""
    server().flush()
    cache = cache_of()
    cache.set("a", 1)
    try:
        raw("CONFIG", "SET", "maxmemory", 1)
        assert_equal(cache.set("a", 2), False, "the answer of set")
        assert_equal(cache.set("b", 2), False, "the answer of set")
        assert_equal(cache.get("a"), 1, "the old value")
        assert_equal(cache.exists("b"), False, "whether 'b' exists")
        assert_equal(cache.delete("a"), True, "the answer of delete")
    finally:
        raw("CONFIG", "SET", "maxmemory", 0)
    assert_equal(cache.set("a", 2), True, "the answer of set, with room again")
    assert_equal(cache.get("a"), 2, "the value")


def test_where_redis_is() -> None:
    """Without a url REDIS_URL counts; a url that is given counts more."""
    server().flush()
    with mock.patch.dict(os.environ, REDIS_URL=server().url):
        step(f"os.environ['REDIS_URL'] = {server().url!r}")
        cache = RedisCache(timeout=5.0, clock=Clock())
        assert_equal(RedisCache(NOWHERE).set("a", 1), False, "set, nobody there")
    assert_equal(cache.set("a", 1), True, "the answer of set")
    deadline = json.loads(stored("cache:a"))["deadline"]
    assert_equal(deadline, START + 3600, "the deadline, by default")
    timeout = inspect.signature(RedisCache).parameters["timeout"].default
    assert_equal(timeout, 0.5, "the default of timeout")


def test_bad_arguments_are_refused() -> None:
    """An empty prefix, another serializer and lifetimes of nothing are refused."""
    server().flush()
    assert_raises_naming("prefix", cache_of, prefix="")
    for serializer in ("pickle", "", "JSON"):
        assert_raises_naming("serializer", cache_of, serializer=serializer)
    for seconds in (0, 0.0, -1.0):
        assert_raises_naming("default_ttl", cache_of, default_ttl=seconds)
        assert_raises_naming("timeout", cache_of, timeout=seconds)
    cache = cache_of()
    cache.set("a", 1)
    for seconds in (0, 0.0, -1.0):
        assert_raises_naming("ttl", cache.set, "a", 2, ttl=seconds)
        assert_raises_naming("ttl", RedisCache(NOWHERE).set, "a", 2, ttl=seconds)
    assert_equal(cache.get("a"), 1, "the value after the refusals")
    for short in (1, 0.0001):
        short_lived = cache_of(timeout=1, default_ttl=short)
        assert_equal(short_lived.set("b", 1), True, f"set for {short} seconds")


def stored(name: str) -> bytes:
    """Return the bytes under this name in Redis."""
    data = raw("GET", name)
    claim = f"Redis holds a string under {name!r}"
    assert_holds(isinstance(data, bytes), claim, actual=data)
    return data  # type: ignore[return-value]  # has just been checked


def sample(value: object) -> bytes:
    """Return an envelope of the judged cache's own."""
    server().flush()
    cache_of().set("s", value)
    return stored("cache:s")


def check_foreign(data: bytes) -> None:
    """Check that a key with these bytes counts as missing, and can be set."""
    check_stored_as(lambda: raw("SET", "cache:f", data), f"with {data[:60]!r} stored")


def check_stored_as(store: Callable[[], object], when: str) -> None:
    """Check that a key counts as missing where `store` has been called."""
    cache = cache_of()
    store()
    assert_equal(cache.get("f", MISSING), MISSING, f"the value, {when}")
    assert_equal(cache.exists("f"), False, f"whether it exists, {when}")
    assert_equal(cache.delete("f"), False, f"the answer of delete, {when}")
    assert_equal(raw("EXISTS", "cache:f"), 0, "how many such keys delete has left")
    store()
    assert_equal(cache.set("f", 1), True, f"the answer of set, {when}")
    assert_equal(cache.get("f"), 1, "the value that was set instead")
    raw("DEL", "cache:f")


def check_trouble(cache: RedisCache) -> None:
    """Check that every call answers soon, and as if there were nothing."""
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: cache.get("a", MISSING),
        "get without a default": lambda: cache.get("a"),
        "set": lambda: cache.set("a", 2),
        "exists": lambda: cache.exists("a"),
        "delete": lambda: cache.delete("a"),
        "clear": cache.clear,
    }
    got = run_together(list(calls.values()), PATIENCE)
    wanted = [MISSING, None, False, False, False, None]
    for name, answer, expected in zip(calls, got, wanted, strict=True):
        assert_equal(answer, expected, f"the answer of {name}")
