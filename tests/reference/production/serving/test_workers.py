"""Threads for what must not block: how many, and that they end."""

import asyncio
import gc
import subprocess
import sys
import threading

import pytest

from reference.production.serving.workers import Workers


def threads_of(name: str) -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith(f"{name}-")]


def test_results_and_exceptions_come_back() -> None:
    async def scenario() -> None:
        workers = Workers(2, "back")
        assert await workers.run(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 // 0)
        assert await workers.run(threading.get_ident) != threading.get_ident()
        workers.close()

    asyncio.run(scenario())


def test_no_more_threads_than_allowed_or_needed() -> None:
    async def scenario() -> None:
        workers = Workers(2, "bounded")
        for _ in range(5):
            await workers.run(lambda: None)
        # One that is idle is used again; it may say so a moment after its result.
        assert len(threads_of("bounded")) <= 2
        barrier = threading.Barrier(2)
        both = [workers.run(lambda: barrier.wait(10)) for _ in range(2)]
        more = [workers.run(lambda: None) for _ in range(3)]
        await asyncio.gather(*both, *more)
        assert len(threads_of("bounded")) == 2
        workers.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("way", ["close", "forget"])
def test_the_threads_end_after_their_work(way: str) -> None:
    released = threading.Event()

    async def scenario() -> bool:
        workers = Workers(2, way)
        jobs = [workers.run(lambda: released.wait(10)) for _ in range(4)]
        if way == "close":
            workers.close()
        del workers
        gc.collect()
        released.set()
        return all(await asyncio.gather(*jobs))

    assert asyncio.run(scenario())
    for thread in threads_of(way):
        thread.join(10)
    assert not threads_of(way)


def test_a_result_that_nobody_waits_for_is_dropped() -> None:
    entered, released = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        assert released.wait(10)

    async def scenario() -> Workers:
        workers = Workers(1, "dropped")
        job = workers.run(wait)
        await asyncio.to_thread(entered.wait, 10)
        job.cancel()
        return workers

    # The loop is closed when the function ends; the thread goes on to the next.
    workers = asyncio.run(scenario())
    released.set()

    async def next_one() -> int:
        return await workers.run(lambda: 7)

    assert asyncio.run(next_one()) == 7
    workers.close()


def test_a_function_that_hangs_does_not_keep_the_process() -> None:
    code = """
import asyncio, threading
from reference.production.serving.workers import Workers

async def start():
    entered = threading.Event()
    workers = Workers(1, "hanging")
    workers.run(lambda: (entered.set(), threading.Event().wait()))
    await asyncio.to_thread(entered.wait)

asyncio.run(start())
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
