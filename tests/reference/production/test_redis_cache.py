"""The cache on Redis: values, foreign ones, isolation, and a server in trouble."""

import json
import logging
import math
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dojo.testing.redis import RedisServer, server
from dojo.testing.threads import Gate, all_at_once
from reference.production.caching import CacheStatistics, RedisCache
from tests.naming import shown

MISSING = object()
LOGGER = "reference.production.caching.redis_cache"
# A call may take its time-out and what a busy machine adds, and no more.
TIMEOUT, BOUND = 0.1, 3.0


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def redis() -> RedisServer:
    """Give the server that all tests share, without data."""
    server().flush()
    return server()


@pytest.fixture
def own() -> Iterator[RedisServer]:
    """Give a server that a test may stop, halt and fill."""
    with RedisServer() as started:
        yield started


@pytest.fixture
def cache(redis: RedisServer) -> Iterator[RedisCache[object]]:
    made = RedisCache[object](redis.url, timeout=PATIENT)
    yield made
    made.close()


# A busy machine is no failing Redis.
PATIENT = 30.0


# Values


def same(one: object, other: object) -> bool:
    """Return whether two JSON values are equal, types and signs of zero included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(key=st.text(st.characters(codec=None)), value=JSON)
def test_values_come_back_as_they_were(key: str, value: object) -> None:
    cache = RedisCache[object](server().url, timeout=PATIENT)
    assert cache.set(key, value) is True
    assert same(cache.get(key, MISSING), value)
    assert cache.delete(key) is True
    assert cache.get(key, MISSING) is MISSING
    cache.close()


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        [(1,)],
        {1: "a"},
        {"a": {None: 1}},
        b"bytes",
        [b"bytes"],
        {1, 2},
        object(),
        OrderedDict(a=1),
        type("Text", (str,), {})("a"),
        1j,
    ],
    ids=shown,
)
def test_what_json_would_change_is_refused(
    cache: RedisCache[object], redis: RedisServer, value: object
) -> None:
    with pytest.raises(TypeError, match=r"^value must be"):
        cache.set("a", value)
    with pytest.raises(TypeError, match=r"^value must be"):
        cache.set_many({"b": 1, "a": value})
    assert redis.command("DBSIZE") == 0
    assert cache.statistics == CacheStatistics()


CYCLE: list[object] = []
CYCLE.append(CYCLE)
DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [math.nan, [math.inf], {"a": -math.inf}, "\ud800", ["\ud83d\ude00"], CYCLE, DEEP],
    ids=["nan", "inf", "-inf", "lone", "pair", "cycle", "deep"],
)
def test_what_json_lacks_is_refused(
    cache: RedisCache[object], redis: RedisServer, value: object
) -> None:
    with pytest.raises(ValueError, match=r"^value must be"):
        cache.set("a", value)
    assert redis.command("DBSIZE") == 0


def test_keys_are_text(cache: RedisCache[object]) -> None:
    wrong = b"a"
    with pytest.raises(TypeError, match=r"^key must be"):
        cache.get(wrong)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^key must be"):
        cache.set(wrong, 1)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^key must be"):
        cache.delete(wrong)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^key must be"):
        cache.exists(wrong)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^key must be"):
        cache.get_many(["a", wrong])  # type: ignore[list-item] # on purpose
    assert cache.statistics == CacheStatistics()


def test_many_keys_take_several_batches(cache: RedisCache[object]) -> None:
    items: dict[str, object] = {str(number): number for number in range(1203)}
    assert cache.set_many(items) is True
    assert len(cache) == 1203
    assert cache.get_many([*items, "missing"]) == items
    assert cache.statistics == CacheStatistics(hits=1203, misses=1)
    cache.clear()
    assert len(cache) == 0


# Lifetime


def test_expired_from_the_very_instant(redis: RedisServer) -> None:
    clock = Clock()
    cache = RedisCache[int](redis.url, clock=clock, timeout=PATIENT)
    cache.set("a", 1, ttl=5)
    clock.now = math.nextafter(105.0, 0)
    assert cache.get("a") == 1
    clock.now = 105.0
    assert cache.get("a") is None
    assert redis.command("DBSIZE") == 0
    assert cache.statistics == CacheStatistics(hits=1, misses=1, expirations=1)


def remaining(redis: RedisServer, key: str) -> int:
    """Return the milliseconds after which Redis drops a key; -1 for never."""
    answer = redis.command("PTTL", f"cache:{key}")
    assert isinstance(answer, int)
    return answer


def test_redis_drops_an_entry_itself_but_never_early(redis: RedisServer) -> None:
    cache = RedisCache[int](redis.url, default_ttl=200, clock=Clock(), timeout=PATIENT)
    cache.set("default", 1)
    cache.set("short", 1, ttl=0.001)
    cache.set("forever", 1, ttl=math.inf)
    cache.set("ages", 1, ttl=1e300)
    assert 200_000 <= remaining(redis, "default") <= 260_000
    assert 1 <= remaining(redis, "short") <= 60_001
    assert remaining(redis, "forever") == remaining(redis, "ages") == -1
    assert RedisCache[int](redis.url, default_ttl=None, timeout=PATIENT).set("short", 1)
    assert remaining(redis, "short") == -1


def test_an_expired_entry_that_was_renewed_by_another_stays(
    redis: RedisServer,
) -> None:
    late = Clock()
    late.now = 1e6
    redis_cache, other = (
        RedisCache[int](redis.url, clock=late, timeout=PATIENT),
        Clock(),
    )
    RedisCache[int](redis.url, clock=other, timeout=PATIENT).set("a", 1, ttl=1)
    stale = redis.command("GET", "cache:a")
    assert isinstance(stale, bytes)
    redis_cache.set("a", 2)
    # What a reader does that has read the stale bytes before the other renewed them.
    redis_cache._drop([(b"cache:a", stale)])
    assert redis_cache.get("a") == 2
    assert redis_cache.statistics == CacheStatistics(hits=1)


# Foreign values


def envelope(redis: RedisServer, prefix: str = "cache:") -> bytes:
    """Return what the cache stores for a list."""
    RedisCache[list[str]](redis.url, prefix, timeout=PATIENT).set("a", ["x" * 50])
    stored = redis.command("GET", f"{prefix}a")
    assert isinstance(stored, bytes)
    return stored


FOREIGN = [
    b"",
    b"\x00\xff\xfe",
    b"1",
    b"null",
    b'"text"',
    b'{"value":1}',
    b'{"format":"reference.caching/2","deadline":null,"value":1}',
    b'{"format":"reference.caching/1","deadline":"soon","value":1}',
    b'{"format":"reference.caching/1","deadline":true,"value":1}',
    b'{"format":"reference.caching/1","deadline":null,"value":NaN}',
    b'{"format":"reference.caching/1","deadline":null,"value":1,"more":2}',
    b"[" * 100_000,
    b"9" * 5000,
    pickle.dumps({"a": 1}),
]


@pytest.mark.parametrize("stored", FOREIGN, ids=lambda data: repr(data[:40]))
def test_foreign_bytes_are_a_logged_miss(
    cache: RedisCache[object],
    redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
    stored: bytes,
) -> None:
    redis.command("SET", "cache:a", stored)
    assert cache.get("a", MISSING) is MISSING
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "'a'" in record.message
    assert len(record.message) < 400
    assert cache.exists("a") is False
    assert cache.get_many(["a"]) == {}
    assert redis.command("GET", "cache:a") == stored
    assert cache.statistics == CacheStatistics(misses=2)
    assert cache.set("a", 1) is True
    assert cache.get("a") == 1


def test_a_torn_envelope_is_a_miss_wherever_it_was_torn(
    cache: RedisCache[object], redis: RedisServer
) -> None:
    whole = envelope(redis)
    for size in range(len(whole)):
        redis.command("SET", "cache:a", whole[:size])
        assert cache.get("a", MISSING) is MISSING
    redis.command("SET", "cache:a", whole)
    assert cache.get("a") == ["x" * 50]


@pytest.mark.parametrize(
    "command", [("RPUSH", "x"), ("HSET", "x", "y"), ("SADD", "x"), ("ZADD", "1", "x")]
)
def test_another_type_of_redis_is_a_logged_miss(
    cache: RedisCache[object],
    redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
    command: tuple[str, ...],
) -> None:
    name, *arguments = command
    redis.command(name, "cache:a", *arguments)
    assert cache.get("a", MISSING) is MISSING
    assert "WRONGTYPE" in caplog.text
    assert cache.exists("a") is False
    caplog.clear()
    redis.command("SET", "cache:c", envelope(redis, "other:"))
    assert cache.get_many(["a", "b", "c"]) == {"c": ["x" * 50]}
    (record,) = caplog.records
    assert "'a'" in record.message
    assert "WRONGTYPE" in record.message
    assert cache.statistics == CacheStatistics(hits=1, misses=3)
    assert cache.set("a", 1) is True
    assert cache.get("a") == 1
    assert cache.delete("a") is True
    redis.command(name, "cache:a", *arguments)
    assert cache.delete("a") is False
    assert redis.command("EXISTS", "cache:a") == 0


def test_another_refusal_of_many_is_an_error(
    own: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    cache = RedisCache[object](own.url, timeout=PATIENT)
    own.command("ACL", "SETUSER", "default", "-get")
    assert cache.get_many(["a", "b"]) == {}
    assert cache.statistics == CacheStatistics(misses=2, errors=1)
    assert "Redis refused get" in caplog.text


def test_a_pickle_is_never_loaded(
    cache: RedisCache[object], redis: RedisServer
) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (os._exit, (7,))

    redis.command("SET", "cache:a", pickle.dumps(Bomb()))
    assert cache.get("a") is None


# Isolation


def test_prefixes_keep_caches_apart(redis: RedisServer) -> None:
    one, other = (
        RedisCache[int](redis.url, "a:", timeout=PATIENT),
        RedisCache[int](redis.url, "b:", timeout=PATIENT),
    )
    one.set("key", 1)
    other.set("key", 2)
    assert (one.get("key"), other.get("key")) == (1, 2)
    one.clear()
    assert (one.get("key"), other.get("key")) == (None, 2)
    assert (len(one), len(other)) == (0, 1)


@pytest.mark.parametrize("prefix", ["*", "?:", "[ab]:", "a\\", "[^x]", "é:"])
def test_a_prefix_is_no_pattern(redis: RedisServer, prefix: str) -> None:
    others = ["a:1", "b:1", "ab", "a", "é", "\\", "x", "[ab"]
    for name in others:
        redis.command("SET", name, "theirs")
    cache = RedisCache[int](redis.url, prefix, timeout=PATIENT)
    cache.set("1", 1)
    assert len(cache) == 1
    cache.clear()
    assert len(cache) == 0
    assert redis.command("DBSIZE") == len(others)


def test_clear_removes_more_than_one_batch_and_nothing_else(
    redis: RedisServer,
) -> None:
    cache = RedisCache[int](redis.url, timeout=PATIENT)
    cache.set_many({str(number): number for number in range(2500)})
    redis.command("SET", "other", "theirs")
    redis.command("RPUSH", "cache:list", "foreign, and below the prefix")
    cache.clear()
    assert redis.command("KEYS", "*") == [b"other"]


# Trouble


def answers_as_misses(cache: RedisCache[object]) -> None:
    """Call everything once: eight calls that fail."""
    began = time.monotonic()
    assert cache.get("a", MISSING) is MISSING
    assert cache.set("a", 1) is False
    assert cache.delete("a") is False
    assert cache.exists("a") is False
    assert cache.get_many(map(str, range(1200))) == {}
    assert cache.set_many({str(number): 1 for number in range(1200)}) is False
    cache.clear()
    assert len(cache) == 0
    assert time.monotonic() - began < 8 * TIMEOUT + BOUND


def test_a_server_that_is_down(
    own: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    cache = RedisCache[object](own.url, timeout=TIMEOUT)
    cache.set("a", 1)
    own.stop()
    for _ in range(2):
        answers_as_misses(cache)
    assert cache.statistics == CacheStatistics(misses=2402, errors=16)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    own.start()
    assert cache.set("a", 2) is True
    assert cache.get("a") == 2
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.INFO]
    own.stop()
    assert cache.get("a") is None
    assert [record.levelno for record in caplog.records][2:] == [logging.WARNING]


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        cache = RedisCache[object](f"redis://127.0.0.1:{port}/0", timeout=TIMEOUT)
        answers_as_misses(cache)
    assert cache.statistics.errors == 8


def test_a_server_that_hangs(
    own: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    cache = RedisCache[object](own.url, timeout=TIMEOUT)
    fresh = RedisCache[object](own.url, timeout=TIMEOUT)
    cache.set("a", 1)
    with own.paused():
        answers_as_misses(cache)
        answers_as_misses(fresh)
    assert cache.statistics.errors == fresh.statistics.errors == 8
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    # The server now works off what it was sent; no late answer is taken for another.
    assert cache.set("b", "two") is True
    assert cache.get("b") == "two"
    assert fresh.get("b") == "two"
    assert cache.statistics.errors == 8


def test_a_server_that_hangs_at_an_expired_entry(own: RedisServer) -> None:
    clock = Clock()
    cache = RedisCache[int](own.url, timeout=TIMEOUT, clock=clock)
    cache.set_many({str(number): 1 for number in range(400)}, ttl=1)
    clock.now += 1
    stored = own.command("GET", "cache:0")
    with own.paused():
        began = time.monotonic()
        cache._drop([(f"cache:{number}".encode(), stored) for number in range(400)])
        assert time.monotonic() - began < TIMEOUT + BOUND
    assert cache.statistics == CacheStatistics(errors=1)
    # It has been sent some of the commands, and works them off now.
    assert cache.get_many(map(str, range(400))) == {}
    assert 0 < cache.statistics.expirations <= 400
    assert own.command("DBSIZE") == 0


def test_a_full_server_reads_and_refuses_to_write(
    own: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    clock = Clock()
    cache = RedisCache[object](own.url, clock=clock, timeout=PATIENT)
    cache.set("a", 1)
    cache.set("brief", 1, ttl=1)
    own.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    own.command("CONFIG", "SET", "maxmemory", "1")
    for _ in range(3):
        assert cache.set("b", 2) is False
        assert cache.set_many({"b": 2, "c": 3}) is False
        assert cache.get("a") == 1
    assert cache.statistics == CacheStatistics(hits=3, errors=6)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    clock.now += 1
    assert cache.exists("brief") is False
    assert cache.delete("a") is True
    assert cache.statistics.expirations == 1
    own.command("CONFIG", "SET", "maxmemory", "0")
    assert cache.set("b", 2) is True
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.INFO]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$x\r\n", b""]
)
def test_a_server_that_is_no_redis(answer: bytes) -> None:
    def serve() -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        cache = RedisCache[int](url, timeout=TIMEOUT)
        assert cache.get("a") is None
        assert cache.set("a", 1) is False
        thread.join()
    assert cache.statistics == CacheStatistics(misses=1, errors=2)


def test_the_log_tells_no_password(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        RedisCache[int](f"redis://:secret@127.0.0.1:{port}/0").get("a")
    assert caplog.records
    assert "secret" not in caplog.text
    with pytest.raises(ValueError, match=r"^url must be") as refusal:
        RedisCache[int]("http://:secret@127.0.0.1")
    assert "secret" not in str(refusal.value)


def test_threads_share_a_cache_and_its_counts(redis: RedisServer) -> None:
    cache = RedisCache[int](redis.url, timeout=10)
    gate = Gate(is_open=True)

    def work(number: int) -> None:
        gate.enter()
        for turn in range(100):
            assert cache.set(f"{number}:{turn}", turn)
            assert cache.get(f"{number}:{turn}") == turn

    all_at_once(work, threads=4)
    assert cache.statistics == CacheStatistics(hits=400)


# Construction


def test_nothing_connects_before_the_first_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        RedisCache[int](f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_the_environment_names_the_server(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis.url)
    RedisCache[int]().set("a", 1)
    assert redis.command("EXISTS", "cache:a") == 1


def test_what_is_written_is_json(redis: RedisServer) -> None:
    RedisCache[list[int]](redis.url, default_ttl=5, clock=Clock(), timeout=PATIENT).set(
        "a", [1]
    )
    stored = redis.command("GET", "cache:a")
    assert isinstance(stored, bytes)
    assert json.loads(stored)["value"] == [1]
    assert json.loads(stored)["deadline"] == 105.0


@pytest.mark.parametrize("name", ["pickle", "JSON", "", "yaml"])
def test_there_is_no_other_serializer(name: str) -> None:
    with pytest.raises(ValueError, match=r"^serializer must be 'json'"):
        RedisCache[int](serializer=name)


def test_bad_arguments_are_refused(redis: RedisServer) -> None:
    with pytest.raises(ValueError, match=r"^prefix must be"):
        RedisCache[int](prefix="")
    with pytest.raises(TypeError, match=r"^prefix must be"):
        RedisCache[int](prefix=b"a")  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^url must be"):
        RedisCache[int](6379)  # type: ignore[arg-type] # on purpose
    with pytest.raises(ValueError, match=r"^default_ttl must be above zero"):
        RedisCache[int](default_ttl=0)
    with pytest.raises(ValueError, match=r"^timeout must be"):
        RedisCache[int](timeout=math.inf)
    cache = RedisCache[int](redis.url, timeout=PATIENT)
    for wrong in (0, -1, math.nan):
        with pytest.raises(ValueError, match=r"^ttl must be above zero"):
            cache.set("a", 1, ttl=wrong)
    with pytest.raises(TypeError, match=r"^ttl must be a number"):
        cache.set("a", 1, ttl="5")  # type: ignore[arg-type] # on purpose
    assert redis.command("DBSIZE") == 0


def test_importing_the_caches_loads_neither_numpy_nor_redis() -> None:
    code = (
        "import sys; from reference.production.caching import LRUCache, RedisCache; "
        "print([name for name in ('numpy', 'redis', 'asyncio') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
