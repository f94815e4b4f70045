"""Virtual time is exact, jumps, and tells of whoever waits without end."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo.testing.loops import START, in_virtual_time, now, run_virtual, settle
from tests.dojo.failing import mismatch


def test_time_jumps_to_the_next_timer_exactly() -> None:
    async def main() -> list[float]:
        loop, times = asyncio.get_running_loop(), list[float]()
        for delay in (2.5, 0.25, 3600.0):
            loop.call_later(delay, lambda: times.append(loop.time()))
        loop.call_at(START + 0.1, lambda: times.append(loop.time()))
        await asyncio.sleep(3600.0)
        await settle()
        return times

    begin = time.monotonic()
    expected = [START + 0.1, START + 0.25, START + 2.5, START + 3600.0]
    assert run_virtual(main) == expected
    assert time.monotonic() - begin < 60.0


def test_time_begins_where_it_is_told_to() -> None:
    async def main() -> float:
        return now()

    assert run_virtual(main, start=0.0) == 0.0


@given(st.integers(1, 5))
@in_virtual_time
async def test_timeouts_are_virtual(eighths: int) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), eighths / 8)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.25):
            await asyncio.Event().wait()
    assert now() == START + eighths / 8 + 0.25


def test_settle_lets_everything_happen_but_time() -> None:
    async def main() -> tuple[list[str], float]:
        told: list[str] = []

        async def work(name: str) -> None:
            for _ in range(20):
                await asyncio.sleep(0)
            told.append(name)
            await asyncio.sleep(1.0)
            told.append("late")

        tasks = [asyncio.create_task(work(name)) for name in "ab"]
        await asyncio.gather(settle(), settle())
        assert not any(task.done() for task in tasks)
        return told, now()

    assert run_virtual(main) == (["a", "b"], START)


def test_settle_needs_virtual_time() -> None:
    with pytest.raises(TypeError, match="run_virtual"):
        asyncio.run(settle())


def test_a_deadlock_is_told_with_its_place() -> None:
    async def wait_for_ever() -> None:
        await asyncio.sleep(0.5)
        await asyncio.Event().wait()

    failure = mismatch(run_virtual, wait_for_ever)
    assert failure.what == f"the event loop at {START + 0.5:g} s"
    assert "wait_for_ever waits in line" in failure.detail


def test_a_deadlock_tells_what_a_callback_raised() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(1.0, int, "x")
        await asyncio.Event().wait()

    assert "before that came ValueError" in mismatch(run_virtual, main).detail


def test_what_is_not_written_yet_is_no_deadlock() -> None:
    async def main() -> None:
        def unwritten() -> None:
            raise NotImplementedError

        asyncio.get_running_loop().call_later(1.0, unwritten)
        await asyncio.Event().wait()

    with pytest.raises(NotImplementedError):
        run_virtual(main)


async def tick() -> None:
    while True:
        await asyncio.sleep(1.0)


async def spin() -> None:
    while True:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("main", "detail"), [(tick, "more time goes by"), (spin, "goes in circles")]
)
def test_neither_time_nor_turns_go_on_for_ever(
    main: Callable[[], Coroutine[None, None, None]], detail: str
) -> None:
    assert detail in mismatch(run_virtual, main, limit=10.0).detail


def test_tasks_left_over_are_cancelled() -> None:
    told: list[str] = []

    async def left_over() -> None:
        try:
            await asyncio.sleep(1.0)
        finally:
            await asyncio.sleep(0)
            told.append("cancelled")

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told.append("refused")

    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        tasks.extend(map(asyncio.create_task, (left_over(), stubborn())))
        await asyncio.sleep(0)

    run_virtual(main)
    assert sorted(set(told)) == ["cancelled", "refused"]


def test_time_stands_still_for_work_in_threads() -> None:
    async def main() -> tuple[int, float]:
        release = threading.Event()
        threading.Timer(0.05, release.set).start()
        async with asyncio.timeout(1.0):
            await asyncio.to_thread(release.wait)
            answer = await asyncio.get_running_loop().run_in_executor(None, int, "7")
        await asyncio.sleep(0.5)
        return answer, now()

    assert run_virtual(main) == (7, START + 0.5)


def test_an_answer_of_a_thread_that_somebody_else_started_comes_first() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[float] = loop.create_future()

        def work() -> None:
            loop.call_soon_threadsafe(answer.set_result, 0.5)

        threading.Thread(target=work, daemon=True).start()
        return await asyncio.wait_for(answer, 1.0) + now()

    assert run_virtual(main) == START + 0.5


def test_a_thread_that_takes_too_long_runs_into_its_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dojo.testing.loops.PATIENCE", 0.05)
    release = threading.Event()

    async def main() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(release.wait), 1.0)
        return now()

    async def without_a_timeout() -> None:
        await asyncio.to_thread(release.wait)

    try:
        assert run_virtual(main) == START + 1.0
        assert "everyone waits" in mismatch(run_virtual, without_a_timeout).detail
    finally:
        release.set()
