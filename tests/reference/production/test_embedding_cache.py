"""The cache of embeddings: bit for bit, each text once, and many callers at a time."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import ArrayLike, NDArray

from dojo.testing.redis import RedisServer, server
from dojo.testing.threads import Gate, Team
from reference.production.caching import (
    CacheInterface,
    EmbeddingCache,
    LRUCache,
    RedisCache,
)
from tests.naming import shown

BACKENDS: dict[str, Callable[[], CacheInterface[Any]]] = {
    "lru": LRUCache[Any],
    "redis": lambda: RedisCache[Any](server().url, timeout=10),
}


def embed(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return (length, first code point, last code point) of each text."""
    rows = [(len(t), ord(t[0]) if t else -1, ord(t[-1]) if t else -1) for t in texts]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


class Recording:
    """An embedding function that remembers what it was called with."""

    def __init__(self, function: Callable[[Sequence[str]], ArrayLike] = embed) -> None:
        self.calls: list[list[str]] = []
        self._function = function
        self._lock = threading.Lock()

    def __call__(self, texts: list[str]) -> ArrayLike:
        """Remember the texts and embed them."""
        with self._lock:
            self.calls.append(list(texts))
        return self._function(texts)

    @property
    def texts(self) -> list[str]:
        """All texts that were asked for, sorted."""
        return sorted(text for call in self.calls for text in call)


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Iterator[CacheInterface[Any]]:
    server().flush()
    made = BACKENDS[request.param]()
    yield made
    if isinstance(made, RedisCache):
        made.close()


# Bit for bit

CODES = ["<f2", "<f4", "<f8", ">f4", ">f8", "<i8", "|u1", "|b1"]


def bits(array: NDArray[Any] | None) -> tuple[object, ...]:
    """Return everything that two equal arrays share, down to the payload of a NaN."""
    assert array is not None
    return array.dtype.str, array.shape, array.tobytes()


@pytest.mark.parametrize("kind", sorted(BACKENDS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_vectors_of_any_bits_come_back(kind: str, data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(CODES))
    dtype, rows, length = np.dtype(code), 3, data.draw(st.integers(0, 5))
    size = rows * length * dtype.itemsize
    if code == "|b1":
        raw = data.draw(arrays(np.bool_, (rows * length,))).tobytes()
    else:
        raw = data.draw(st.binary(min_size=size, max_size=size))
    matrix = np.frombuffer(raw, dtype).reshape(rows, length)
    backend = BACKENDS[kind]()
    backend.clear()
    cache, texts = EmbeddingCache(backend), ["a", "b", "c"]
    computed = cache.get_or_compute(texts, lambda _: matrix)
    assert bits(computed) == bits(matrix)
    assert bits(cache.get_or_compute(texts, never)) == bits(matrix)
    for text, row in zip(texts, matrix, strict=True):
        assert bits(cache.get(text)) == bits(row)
        assert cache.set(text + "!", row) is True
        assert bits(cache.get(text + "!")) == bits(row)


def never(texts: Sequence[str]) -> ArrayLike:
    """Fail: nothing should be computed."""
    raise AssertionError(f"computed {texts}")


def test_special_values_keep_their_bits(backend: CacheInterface[Any]) -> None:
    patterns = [0x7FF8000000000001, 0xFFF0000000000001, 0x8000000000000000, 1]
    row = np.array(patterns, dtype=np.uint64).view(np.float64)
    cache = EmbeddingCache(backend)
    cache.set("a", row)
    found = cache.get("a")
    assert found is not None
    assert found.view(np.uint64).tolist() == patterns


def test_lists_become_float64(backend: CacheInterface[Any]) -> None:
    cache = EmbeddingCache(backend)
    result = cache.get_or_compute(["a"], lambda _: [[0.1, 2.0]])
    assert result.dtype == np.float64
    assert result.tolist() == [[0.1, 2.0]]


def test_rows_of_two_dtypes_get_their_common_one(backend: CacheInterface[Any]) -> None:
    cache = EmbeddingCache(backend)
    cache.set("a", np.array([1.5], dtype=np.float32))
    result = cache.get_or_compute(["a", "b"], lambda _: np.array([[0.1]]))
    assert result.dtype == np.float64
    assert result.tolist() == [[1.5], [0.1]]


# What is computed


@settings(max_examples=100, deadline=None)
@given(batches=st.lists(st.lists(st.text(st.characters(codec=None), max_size=2))))
def test_each_text_is_computed_once_in_order(batches: list[list[str]]) -> None:
    cache, function = EmbeddingCache(), Recording()
    known: set[str] = set()
    for batch in batches:
        before = len(function.calls)
        result = cache.get_or_compute(batch, function)
        missing = [text for text in dict.fromkeys(batch) if text not in known]
        assert function.calls[before:] == ([missing] if missing else [])
        assert result.tolist() == embed(batch).tolist()
        known.update(batch)


def test_no_texts_give_no_rows() -> None:
    result = EmbeddingCache().get_or_compute([], never)
    assert result.shape == (0, 0)
    assert result.dtype == np.float64


def test_texts_are_told_apart_by_their_code_points(
    backend: CacheInterface[Any],
) -> None:
    cache, function = EmbeddingCache(backend), Recording()
    texts = ["é", "e\u0301", "\ud800", "\U0001f600", "\ud83d\ude00", "", " "]
    cache.get_or_compute(texts, function)
    assert function.calls == [texts]


def test_results_are_the_callers_own(backend: CacheInterface[Any]) -> None:
    cache = EmbeddingCache(backend)
    buffer = np.array([[1.0, 2.0]])
    first = cache.get_or_compute(["a", "a"], lambda _: buffer)
    buffer[:] = 7
    first[:] = 8
    given_away = cache.get("a")
    assert given_away is not None
    given_away[:] = 9
    cache.get_or_compute(["a"], never)[:] = 10
    (listed,) = cache.get_batch(["a"])
    assert listed is not None
    listed[:] = 11
    assert cache.get_or_compute(["a"], never).tolist() == [[1.0, 2.0]]
    row = np.array([3.0])
    cache.set("b", row)
    row[:] = 4
    assert cache.get_or_compute(["b"], never).tolist() == [[3.0]]


def test_the_function_may_change_its_list() -> None:
    def greedy(texts: list[str]) -> ArrayLike:
        rows = embed(texts)
        texts.clear()
        return rows

    result = EmbeddingCache().get_or_compute(["a", "bb"], greedy)
    assert result.tolist() == embed(["a", "bb"]).tolist()


def test_lifetime_is_the_backends() -> None:
    now = [0.0]
    cache = EmbeddingCache(LRUCache[Any](clock=lambda: now[0]))
    function = Recording()
    cache.get_or_compute(["a"], function, ttl=5)
    now[0] = 4.75
    cache.get_or_compute(["a"], never)
    now[0] = 5.0
    assert cache.get("a") is None
    cache.get_or_compute(["a"], function)
    assert function.texts == ["a", "a"]


def test_batches(backend: CacheInterface[Any]) -> None:
    cache = EmbeddingCache(backend)
    texts = ["a", "bb", "a"]
    assert cache.set_batch(texts, embed(texts)) is True
    found = cache.get_batch(["missing", *texts])
    assert [None if row is None else row.tolist() for row in found] == [
        None,
        *embed(texts).tolist(),
    ]
    with pytest.raises(ValueError, match=r"^embeddings must give shape \(2, d\)"):
        cache.set_batch(["c", "d"], embed(["c"]))
    assert cache.get("c") is None


def test_namespaces_and_algorithms_share_a_backend() -> None:
    backend = LRUCache[Any]()
    caches = [
        EmbeddingCache(backend, algorithm, namespace=namespace)
        for algorithm in ("sha256", "blake2b", "sha3_256")
        for namespace in ("", "model", "model:sha256", "m")
    ]
    for number, cache in enumerate(caches):
        cache.set("a", [float(number)])
    for number, cache in enumerate(caches):
        found = cache.get("a")
        assert found is not None
        assert found.tolist() == [number]
    assert len(backend) == len(caches)


@pytest.mark.parametrize(
    "stored",
    [
        1,
        "text",
        [1.0, 2.0],
        {},
        {"dtype": "<f8", "shape": [2], "data": "AAAA"},
        {"dtype": "<f8", "shape": [1], "data": "not base64!!"},
        {"dtype": "|O", "shape": [1], "data": "AAAAAAAAAAA="},
        {"dtype": "nonsense", "shape": [1], "data": "AAAAAAAAAAA="},
        {"dtype": "<f8", "shape": 1, "data": "AAAAAAAAAAA="},
    ],
    ids=shown,
)
def test_a_foreign_value_is_a_logged_miss(
    stored: object, caplog: pytest.LogCaptureFixture
) -> None:
    backend = LRUCache[Any]()
    cache = EmbeddingCache(backend)
    cache.set("a", [1.0])
    (key,) = backend._entries
    backend.set(key, stored)
    assert cache.get("a") is None
    assert "no embedding" in caplog.text
    assert cache.get_or_compute(["a"], embed).tolist() == embed(["a"]).tolist()


def test_any_object_with_get_and_set_is_a_backend() -> None:
    class Plain:
        def __init__(self) -> None:
            self.stored: dict[str, Any] = {}

        def get(self, key: str) -> Any:
            return self.stored.get(key)

        def set(self, key: str, value: Any, ttl: float | None = None) -> bool:
            del ttl
            self.stored[key] = value
            return True

    plain = Plain()
    cache = EmbeddingCache(plain)
    cache.get_or_compute(["a"], embed)
    assert len(plain.stored) == 1
    assert cache.get_or_compute(["a"], never).tolist() == embed(["a"]).tolist()


def test_answers_where_the_backend_is_down(tmp_path: object) -> None:
    down = RedisCache[Any](f"unix://{tmp_path}/nobody", timeout=0.1)
    cache, function = EmbeddingCache(down), Recording()
    for _ in range(2):
        result = cache.get_or_compute(["a", "bb"], function)
        assert result.tolist() == embed(["a", "bb"]).tolist()
    assert function.calls == [["a", "bb"]] * 2
    assert cache.set("a", [1.0]) is False


# Failures and refusals


def test_a_failure_poisons_nothing(backend: CacheInterface[Any]) -> None:
    cache = EmbeddingCache(backend)

    def fail(_: Sequence[str]) -> ArrayLike:
        raise OSError("no model")

    for _ in range(2):
        with pytest.raises(OSError, match="no model"):
            cache.get_or_compute(["a", "b"], fail)
        assert cache.get("a") is None
    assert cache.get_or_compute(["a", "b"], embed).tolist() == [
        [1, 97, 97],
        [1, 98, 98],
    ]


@pytest.mark.parametrize(
    "result",
    [[[1.0]], [[1.0]] * 3, [1.0, 2.0], 1.0, [[[1.0]], [[2.0]]], [[1.0], [1, 2]]],
)
def test_the_wrong_shape_is_refused(result: ArrayLike) -> None:
    backend = LRUCache[Any]()
    cache = EmbeddingCache(backend)
    with pytest.raises(ValueError, match=r"^embed_fn must"):
        cache.get_or_compute(["a", "b"], lambda _: result)
    assert len(backend) == 0
    cache.get_or_compute(["a", "b"], embed)


@pytest.mark.parametrize("entry", ["x", None, 1j, np.longdouble(1)])
def test_what_is_no_real_number_is_refused(entry: object) -> None:
    backend = LRUCache[Any]()
    cache = EmbeddingCache(backend)
    with pytest.raises(TypeError, match=r"^embed_fn must be real numbers"):
        cache.get_or_compute(["a"], lambda _: np.array([[entry]]))
    with pytest.raises(TypeError, match=r"^embedding must be real numbers"):
        cache.set("a", np.array([entry]))
    assert len(backend) == 0


def test_rows_must_be_as_long_as_those_in_the_cache() -> None:
    cache = EmbeddingCache()
    cache.set("a", [1.0, 2.0])
    with pytest.raises(ValueError, match=r"^embed_fn must give rows as long"):
        cache.get_or_compute(["b", "a"], lambda _: [[1.0]])
    assert cache.get("b") is None


def test_bad_arguments_are_refused() -> None:
    cache = EmbeddingCache()
    for texts in ("abc", b"abc", 5, None, ["a", 1], [None]):
        with pytest.raises(TypeError, match=r"^texts must be"):
            cache.get_or_compute(texts, never)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=r"^text must be"):
        cache.get(1)  # type: ignore[arg-type] # on purpose
    with pytest.raises(ValueError, match=r"^embedding must be a vector"):
        cache.set("a", [[1.0]])
    with pytest.raises(ValueError, match=r"^ttl must be above zero"):
        cache.get_or_compute(["a"], never, ttl=0)
    for name in ("sha257", "", "shake_128"):
        with pytest.raises(ValueError, match=r"^hash_algorithm must be one of"):
            EmbeddingCache(hash_algorithm=name)
    with pytest.raises(TypeError, match=r"^hash_algorithm must be"):
        EmbeddingCache(hash_algorithm=hashlib.sha256)  # type: ignore[arg-type] # so


# Threads


def test_concurrent_callers_compute_once(backend: CacheInterface[Any]) -> None:
    cache, gate, function = EmbeddingCache(backend), Gate(), Recording()
    held = gate.guarding(function)
    team = Team([lambda: cache.get_or_compute(["a", "bb"], held)] * 6)
    gate.wait_for(1)
    team.settle()
    gate.open()
    for result in team.join():
        assert isinstance(result, np.ndarray)
        assert result.tolist() == embed(["a", "bb"]).tolist()
        result[:] = 0
    assert function.calls == [["a", "bb"]]
    assert cache.get_or_compute(["a"], never).tolist() == embed(["a"]).tolist()


def test_overlapping_batches_in_opposite_orders() -> None:
    """The first holds y and asks for x, which the second holds who asks for y."""
    cache = EmbeddingCache()
    both = threading.Barrier(2, timeout=10)
    function = Recording()

    def meet(texts: list[str]) -> ArrayLike:
        both.wait()
        return function(texts)

    # Each begins with a text of its own, so that both compute at the same time.
    batches = [["1", "x", "y"], ["2", "y", "x"]]
    team = Team([partial(cache.get_or_compute, batch, meet) for batch in batches])
    for batch, result in zip(batches, team.join(), strict=True):
        assert isinstance(result, np.ndarray)
        assert result.tolist() == embed(batch).tolist()
    assert function.texts == ["1", "2", "x", "y"]


def test_a_held_text_is_waited_for_only_after_the_own_are_done() -> None:
    cache, gate, own = EmbeddingCache(), Gate(), Recording()
    first = Team([lambda: cache.get_or_compute(["x"], gate.guarding(embed))])
    gate.wait_for(1)
    second = Team([lambda: cache.get_or_compute(["x", "y"], own)])
    second.settle()
    # y is there for a third, while the second still waits for x.
    assert own.calls == [["y"]]
    assert cache.get_or_compute(["y"], never).tolist() == embed(["y"]).tolist()
    gate.open()
    first.join()
    second.join()
    assert own.calls == [["y"]]


def test_waiters_of_a_failure_try_for_themselves() -> None:
    cache, gate, retry = EmbeddingCache(), Gate(), Recording()

    def fail(_: Sequence[str]) -> ArrayLike:
        raise OSError("no model")

    leader = Team([lambda: cache.get_or_compute(["a", "b"], gate.guarding(fail))])
    gate.wait_for(1)
    waiters = Team([lambda: cache.get_or_compute(["b", "c"], retry)] * 4)
    waiters.settle()
    gate.open()
    (failure,) = leader.join()
    assert isinstance(failure, OSError)
    for result in waiters.join():
        assert isinstance(result, np.ndarray)
        assert result.tolist() == embed(["b", "c"]).tolist()
    assert retry.texts == ["b", "c"]
    assert cache.get("a") is None


def test_a_function_may_use_one_buffer_for_all_its_answers() -> None:
    cache, gate, buffer = EmbeddingCache(), Gate(), np.zeros((1, 3))

    def fail(_: Sequence[str]) -> ArrayLike:
        raise OSError("no model")

    def reuse(texts: list[str]) -> ArrayLike:
        buffer[:] = embed(texts)
        return buffer

    leader = Team([lambda: cache.get_or_compute(["b"], gate.guarding(fail))])
    gate.wait_for(1)
    # Computes a, waits for b, and then computes b into the same buffer.
    waiter = Team([lambda: cache.get_or_compute(["a", "b"], reuse)])
    waiter.settle()
    gate.open()
    leader.join()
    (result,) = waiter.join()
    assert isinstance(result, np.ndarray)
    assert result.tolist() == embed(["a", "b"]).tolist()


def test_a_hit_does_not_wait_for_what_the_same_batch_computes() -> None:
    cache, gate = EmbeddingCache(), Gate()
    cache.set_batch(["hit"], embed(["hit"]))
    held = gate.guarding(embed)
    team = Team([lambda: cache.get_or_compute(["hit", "miss"], held)])
    gate.wait_for(1)
    result = cache.get_or_compute(["hit"], never)
    gate.open()
    assert result.tolist() == embed(["hit"]).tolist()
    team.join()


def test_a_raising_backend_holds_nobody() -> None:
    class Broken(LRUCache[Any]):
        def get_many(self, keys: object) -> dict[str, Any]:
            del keys
            raise RuntimeError("backend")

    cache = EmbeddingCache(Broken())
    for _ in range(2):
        with pytest.raises(RuntimeError, match="backend"):
            cache.get_or_compute(["a"], never)


def test_many_threads_and_overlapping_batches(redis: RedisServer) -> None:
    rng = np.random.default_rng(0)
    batches = [list(rng.permutation(list("abcdefgh"))[:5]) for _ in range(64)]
    cache = EmbeddingCache(RedisCache[Any](redis.url, timeout=10))
    function = Recording()

    def work(number: int) -> Callable[[], list[Any]]:
        mine = batches[number * 8 : number * 8 + 8]
        return lambda: [cache.get_or_compute(b, function).tolist() for b in mine]

    results = Team([work(number) for number in range(8)]).join(patience=30)
    for number, result in enumerate(results):
        expected = [embed(b).tolist() for b in batches[number * 8 : number * 8 + 8]]
        assert result == expected
    assert function.texts == sorted({text for batch in batches for text in batch})


@pytest.fixture
def redis() -> RedisServer:
    """Give the server that all tests share, without data."""
    server().flush()
    return server()


# asyncio


class AsyncGate:
    """An async embedding function that is held until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.entered, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self, texts: list[str]) -> ArrayLike:
        """Wait to be let go, and embed."""
        self.calls.append(list(texts))
        self.entered.set()
        await self.opened.wait()
        return embed(texts)


async def turns() -> None:
    """Let every task go on as far as it can without others."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_tasks_compute_once(backend: CacheInterface[Any]) -> None:
    async def main() -> None:
        cache, gate = EmbeddingCache(backend), AsyncGate()
        calls = [cache.aget_or_compute(["a", "bb", "a"], gate) for _ in range(5)]
        tasks = [asyncio.create_task(call) for call in calls]
        await gate.entered.wait()
        await turns()
        gate.opened.set()
        for result in await asyncio.gather(*tasks):
            assert result.tolist() == embed(["a", "bb", "a"]).tolist()
            result[:] = 0
        assert gate.calls == [["a", "bb"]]
        hit = await cache.aget_or_compute(["a"], gate)
        assert hit.tolist() == embed(["a"]).tolist()
        assert (await cache.aget_or_compute([], gate)).shape == (0, 0)
        assert gate.calls == [["a", "bb"]]

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_cancelled_task_leaves_its_texts_to_those_who_wait() -> None:
    async def main() -> None:
        cache, gate, other = EmbeddingCache(), AsyncGate(), AsyncGate()
        leader = asyncio.create_task(cache.aget_or_compute(["a"], gate))
        await gate.entered.wait()
        waiter = asyncio.create_task(cache.aget_or_compute(["a"], other))
        await turns()
        assert other.calls == []
        leader.cancel()
        other.opened.set()
        assert (await waiter).tolist() == embed(["a"]).tolist()
        assert other.calls == [["a"]]
        assert leader.cancelled()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_cancelled_waiter_disturbs_nobody() -> None:
    async def main() -> None:
        cache, gate = EmbeddingCache(), AsyncGate()
        leader = asyncio.create_task(cache.aget_or_compute(["a"], gate))
        await gate.entered.wait()
        waiters = [
            asyncio.create_task(cache.aget_or_compute(["a"], gate)) for _ in range(3)
        ]
        await turns()
        waiters[1].cancel()
        await turns()
        gate.opened.set()
        for task in (leader, waiters[0], waiters[2]):
            assert (await task).tolist() == embed(["a"]).tolist()
        assert waiters[1].cancelled()
        assert gate.calls == [["a"]]

    asyncio.run(asyncio.wait_for(main(), 20))


def test_tasks_in_opposite_orders_and_a_failure() -> None:
    async def main() -> None:
        cache, first, second = EmbeddingCache(), AsyncGate(), AsyncGate()
        one = asyncio.create_task(cache.aget_or_compute(["1", "x", "y"], first))
        await first.entered.wait()
        two = asyncio.create_task(cache.aget_or_compute(["2", "y", "x"], second))
        await second.entered.wait()
        assert second.calls == [["2"]]
        second.opened.set()
        await turns()

        async def fail(_: list[str]) -> ArrayLike:
            raise OSError("no model")

        with pytest.raises(OSError, match="no model"):
            await cache.aget_or_compute(["z", "1"], fail)
        first.opened.set()
        assert (await one).tolist() == embed(["1", "x", "y"]).tolist()
        assert (await two).tolist() == embed(["2", "y", "x"]).tolist()
        assert second.calls == [["2"]]
        assert cache.get("z") is None

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_thread_and_a_task_share_one_flight() -> None:
    async def main() -> None:
        cache, gate = EmbeddingCache(), AsyncGate()
        leader = asyncio.create_task(cache.aget_or_compute(["a"], gate))
        await gate.entered.wait()
        team = Team([lambda: cache.get_or_compute(["a"], never)])
        await asyncio.to_thread(team.settle)
        gate.opened.set()
        await leader
        (result,) = await asyncio.to_thread(team.join)
        assert isinstance(result, np.ndarray)
        assert result.tolist() == embed(["a"]).tolist()

        held = Gate()
        team = Team([lambda: cache.get_or_compute(["b"], held.guarding(embed))])
        await asyncio.to_thread(held.wait_for, 1)
        waiter = asyncio.create_task(cache.aget_or_compute(["b"], gate))
        await turns()
        held.open()
        assert (await waiter).tolist() == embed(["b"]).tolist()
        assert gate.calls == [["a"]]
        await asyncio.to_thread(team.join)

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_loop_that_would_wait_for_itself_is_told_so() -> None:
    async def main() -> None:
        cache, gate = EmbeddingCache(), AsyncGate()
        leader = asyncio.create_task(cache.aget_or_compute(["a"], gate))
        await gate.entered.wait()
        with pytest.raises(RuntimeError, match="an event loop must not wait"):
            cache.get_or_compute(["a"], never)
        gate.opened.set()
        assert (await leader).tolist() == embed(["a"]).tolist()

    asyncio.run(asyncio.wait_for(main(), 20))
