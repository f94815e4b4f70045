"""Flights that must land, or be given up, whatever becomes of those who lead them."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from numpy.typing import ArrayLike

from dojo.testing.threads import Gate, Team
from reference.production.caching import (
    EmbeddingCache,
    LRUCache,
    PredictionCache,
    single_flight,
)

Call = Callable[[Callable[[object], Any]], object]


def embed(texts: object) -> ArrayLike:
    """Return the vector (1.0) for each text."""
    assert isinstance(texts, list)
    return [[1.0]] * len(texts)


async def aembed(texts: list[str]) -> ArrayLike:
    """Return the vector (1.0) for each text."""
    return embed(texts)


def embedding(backend: LRUCache[Any]) -> Call:
    """Return a call that computes one embedding."""
    cache = EmbeddingCache(backend)
    return lambda function: cache.get_or_compute(["a"], function).tolist()


def prediction(backend: LRUCache[Any]) -> Call:
    """Return a call that computes one prediction."""
    cache = PredictionCache[Any](backend)
    return lambda function: cache.get_or_compute("m", "1", ["a"], function)


CACHES = pytest.mark.parametrize("make", [embedding, prediction])


class Pending:
    """An async embedding function that never ends by itself."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()

    async def __call__(self, _: list[str]) -> ArrayLike:
        """Say that it has begun, and wait."""
        self.entered.set()
        await asyncio.Event().wait()
        raise AssertionError


# Order


@CACHES
def test_nobody_computes_while_the_backend_is_written(
    make: Callable[[LRUCache[Any]], Call],
) -> None:
    """What lands before it is stored would be neither in flight nor in the cache."""
    gate, calls = Gate(), Gate(is_open=True)

    class Slow(LRUCache[Any]):
        def set(self, *args: Any, **kwargs: Any) -> bool:
            gate.enter()
            return super().set(*args, **kwargs)

    call, function = make(Slow()), calls.guarding(embed)
    leader = Team([lambda: call(function)])
    gate.wait_for(1)
    follower = Team([lambda: call(function)])
    follower.settle()
    gate.open()
    assert leader.join() == follower.join() == [[[1.0]]]
    assert calls.entered == 1


@CACHES
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupted_computation_lands(
    make: Callable[[LRUCache[Any]], Call], kind: type[BaseException]
) -> None:
    call, gate = make(LRUCache()), Gate()

    def interrupted(_: object) -> ArrayLike:
        raise kind

    def lead() -> object:
        with pytest.raises(kind):
            call(gate.guarding(interrupted))
        return None

    leader = Team([lead])
    gate.wait_for(1)
    waiter = Team([lambda: call(embed)])
    waiter.settle()
    gate.open()
    assert leader.join() == [None]
    assert waiter.join() == [[[1.0]]]


# Event loops


def test_waiting_threads_do_not_starve_the_task_they_wait_for() -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        cache, entered, opened = EmbeddingCache(), asyncio.Event(), asyncio.Event()

        async def held(texts: list[str]) -> ArrayLike:
            entered.set()
            await opened.wait()
            return embed(texts)

        leader = asyncio.create_task(cache.aget_or_compute(["a"], held))
        await entered.wait()
        inside = Gate(is_open=True)

        def wait() -> object:
            inside.enter()
            return cache.get_or_compute(["a"], embed).tolist()

        waiters = [asyncio.create_task(asyncio.to_thread(wait)) for _ in range(4)]
        while inside.entered < 2:
            await asyncio.sleep(0)
        opened.set()
        _, pending = await asyncio.wait([leader, *waiters], timeout=5)
        leader.cancel()  # lets the threads go where they hang
        assert not pending
        assert (await leader).tolist() == [[1.0]]
        assert [await waiter for waiter in waiters] == [[[1.0]]] * 4

    asyncio.run(main())


def test_the_event_loop_never_waits_for_the_backend() -> None:
    gates = {"get": Gate(), "set": Gate()}

    class Slow(LRUCache[Any]):
        def get(self, *args: Any, **kwargs: Any) -> Any:
            gates["get"].enter()
            return super().get(*args, **kwargs)

        def set(self, *args: Any, **kwargs: Any) -> bool:
            gates["set"].enter()
            return super().set(*args, **kwargs)

    async def main() -> None:
        cache = EmbeddingCache(Slow())
        call = asyncio.create_task(cache.aget_or_compute(["a"], aembed))
        for gate in gates.values():
            # Only this loop opens the gate that the backend stands at.
            await asyncio.to_thread(gate.wait_for, 1)
            gate.open()
        assert (await call).tolist() == [[1.0]]

    asyncio.run(main())


def leave(cache: EmbeddingCache) -> tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]:
    """Return a loop that nobody runs any more and its task that computes ``a``."""
    loop, pending = asyncio.new_event_loop(), Pending()
    task = loop.create_task(cache.aget_or_compute(["a"], pending))
    loop.run_until_complete(pending.entered.wait())
    return loop, task


def test_a_closed_loop_leads_nothing() -> None:
    cache = EmbeddingCache()
    loop, task = leave(cache)
    loop.close()
    gate = Gate()
    call = partial(cache.get_or_compute, ["a"], gate.guarding(embed))
    leader = Team([lambda: call().tolist()])
    gate.wait_for(1)
    # The late end of its task lands nothing that others lead by now.
    assert not task.done()
    del task
    gc.collect()
    follower = Team([lambda: call().tolist()])
    follower.settle()
    gate.open()
    assert leader.join() == follower.join() == [[[1.0]]]
    assert gate.entered == 1


@pytest.mark.parametrize("kinds", ["thread", "task", "thread task"])
def test_those_who_wait_notice_that_a_loop_is_closed(
    monkeypatch: pytest.MonkeyPatch, kinds: str
) -> None:
    monkeypatch.setattr(single_flight, "_LOOK", 0.05)
    cache, calls = EmbeddingCache(), Gate(is_open=True)
    loop, task = leave(cache)
    counted = calls.guarding(embed)
    entered = threading.Barrier(len(kinds.split()) + 1, timeout=10)

    def wait() -> object:
        entered.wait()
        return cache.get_or_compute(["a"], counted).tolist()

    async def acount(texts: list[str]) -> ArrayLike:
        return counted(texts)

    async def await_it() -> object:
        call = asyncio.create_task(cache.aget_or_compute(["a"], acount))
        await asyncio.sleep(0)
        entered.wait()
        return (await call).tolist()

    waiting = {"thread": wait, "task": lambda: asyncio.run(await_it())}
    team = Team([waiting[kind] for kind in kinds.split()])
    entered.wait()
    assert calls.entered == 0
    loop.close()
    assert all(result == [[1.0]] for result in team.join())
    assert calls.entered == 1
    assert not task.done()


def test_a_collected_task_lets_its_texts_land() -> None:
    cache = EmbeddingCache()
    loop, task = leave(cache)
    waiter = Team([lambda: cache.get_or_compute(["a"], embed).tolist()])
    waiter.settle()
    del task
    gc.collect()
    assert not loop.is_closed()
    assert waiter.join() == [[[1.0]]]
    loop.close()


# Forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forks among threads
def test_a_forked_child_waits_for_no_flight_of_its_parent() -> None:
    cache, gate = EmbeddingCache(), Gate()
    # Its threads are not in the child either.
    asyncio.run(cache.aget_or_compute(["b"], aembed))
    leader = Team([lambda: cache.get_or_compute(["a"], gate.guarding(embed)).tolist()])
    gate.wait_for(1)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            signal.alarm(10)
            assert cache.get_or_compute(["a"], embed).tolist() == [[1.0]]
            result = asyncio.run(cache.aget_or_compute(["b", "c"], aembed))
            assert result.tolist() == [[1.0]] * 2
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    gate.open()
    assert leader.join() == [[[1.0]]]
    assert status == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_computation_that_forks_goes_on_in_both() -> None:
    cache, children = EmbeddingCache(), list[int]()

    def fork(texts: object) -> ArrayLike:
        children.append(os.fork())
        if children == [0]:  # what a child begins with is its own work
            cache.get_or_compute(["a", "b"], embed)
        return embed(texts)

    try:
        result = cache.get_or_compute(["a"], fork).tolist()
    finally:
        if children == [0]:
            os._exit(0 if "result" in locals() else 1)
    _, status = os.waitpid(children[0], 0)
    assert (result, status) == ([[1.0]], 0)


# Computations that ask


def test_a_computation_must_not_ask_its_own_cache() -> None:
    cache, other = EmbeddingCache(), EmbeddingCache()

    def ask(_: object) -> ArrayLike:
        other.get_or_compute(["x"], embed)
        assert cache.get("x") is None
        return cache.get_or_compute(["x"], embed)

    async def aask(texts: list[str]) -> ArrayLike:
        call = cache.aget_or_compute(texts, aembed)
        return await asyncio.wait_for(call, 5)  # in a task of its own

    async def ask_in_a_thread(texts: list[str]) -> ArrayLike:
        return await asyncio.to_thread(cache.get_or_compute, texts, embed)

    with pytest.raises(RuntimeError, match="a computation must not ask"):
        cache.get_or_compute(["a"], ask)
    for function in (aask, ask_in_a_thread):
        with pytest.raises(RuntimeError, match="a computation must not ask"):
            asyncio.run(cache.aget_or_compute(["a"], function))
    assert other.get("x") is not None
    assert cache.get_or_compute(["a", "x"], embed).tolist() == [[1.0]] * 2


def test_crossed_computations_end() -> None:
    cache, both = PredictionCache[object](), threading.Barrier(2, timeout=10)

    def call(own: str, other: str) -> Callable[[], object]:
        def ask(_: object) -> object:
            both.wait()
            return cache.get_or_compute("m", "1", [other], len)

        return lambda: cache.get_or_compute("m", "1", [own], ask)

    for result in Team([call("x", "y"), call("y", "x")]).join():
        assert isinstance(result, RuntimeError)
    assert cache.get_or_compute("m", "1", ["x"], len) == 1


def test_a_computation_between_asks_through_another_cache() -> None:
    cache, other = EmbeddingCache(), EmbeddingCache()

    def ask(_: object) -> ArrayLike:
        other.get_or_compute(["y"], embed)
        return other.get_or_compute(["x"], lambda _: cache.get_or_compute(["b"], embed))

    with pytest.raises(RuntimeError, match="a computation must not ask"):
        cache.get_or_compute(["a"], ask)


def test_what_a_computation_leaves_behind_may_ask_once_it_is_over() -> None:
    async def main() -> None:
        cache, over = EmbeddingCache(), asyncio.Event()

        async def later() -> object:
            await over.wait()
            return (await cache.aget_or_compute(["b"], aembed)).tolist()

        tasks: list[asyncio.Task[object]] = []

        async def start(texts: list[str]) -> ArrayLike:
            tasks.append(asyncio.create_task(later()))
            return embed(texts)

        await cache.aget_or_compute(["a"], start)
        over.set()
        assert await tasks[0] == [[1.0]]

    asyncio.run(main())
