import asyncio
import math
from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.loops import START, in_virtual_time, now, run_virtual, settle
from dojo.testing.stateful import step
from katas.serving.graceful_shutdown import GracefulShutdown

Task = asyncio.Task[Any]

# Halves and quarters are exact in binary, so that times can be met exactly.
seconds = st.sampled_from([0.25, 0.5, 0.75, 1.0, 1.5])


class Diary:
    """What happened, and how many seconds after the start."""

    def __init__(self) -> None:
        self.entries: list[tuple[float, str]] = []

    def write(self, what: str) -> None:
        self.entries.append((now() - START, what))

    def assert_is(self, *expected: tuple[float, str]) -> None:
        """Check everything that has happened up to now."""
        __tracebackhide__ = True
        assert_equal(self.entries, list(expected), "what happened, and when")


class Cleanup:
    """An async function of that name, which takes its time, and may end in an error."""

    def __init__(
        self,
        name: str,
        diary: Diary,
        takes: float = 0.0,
        error: BaseException | None = None,
    ) -> None:
        self.__name__ = name
        self._diary = diary
        self._takes = takes
        self._error = error

    def __repr__(self) -> str:
        return self.__name__

    async def __call__(self) -> None:
        self._diary.write(f"{self.__name__} begins")
        await asyncio.sleep(self._takes)
        if self._error is not None:
            raise self._error
        self._diary.write(f"{self.__name__} ends")


async def begin(shutdown: GracefulShutdown) -> Task:
    """Call shutdown, and let all happen that happens at once."""
    task: Task = asyncio.ensure_future(shutdown.shutdown())
    await settle()
    if task.done():
        task.result()
    return task


async def wait(seconds: float) -> None:
    """Let time go by, and all happen that happens in it."""
    step(f"# {seconds} s go by")
    await asyncio.sleep(seconds)
    await settle()


def assert_report(
    report: Any, drained: bool, abandoned: int, failed: tuple[str, ...]
) -> None:
    """Check all that a report says."""
    __tracebackhide__ = True
    assert_equal(report.drained, drained, "whether the report says drained")
    assert_equal(report.abandoned, abandoned, "how many requests were abandoned")
    assert_equal(report.failed, failed, "which cleanups failed")


@given(st.integers(0, 3))
@example(0)
@example(1)
@in_virtual_time
async def test_ready_until_it_begins(count: int) -> None:
    """Requests are welcome until the shutdown begins, and refused from then on."""
    shutdown = GracefulShutdown(8)
    assert_equal(shutdown.ready, True, "whether it is ready at first")
    for _ in range(count):
        assert_equal(shutdown.request_started(), True, "the answer to a request")
    task = await begin(shutdown)
    for _ in range(count):
        assert_equal(task.done(), False, "whether it ends with a request in progress")
        assert_equal(shutdown.ready, False, "whether it is ready during the shutdown")
        assert_equal(shutdown.request_started(), False, "the answer to a late request")
        shutdown.request_finished()
    assert_report(await task, drained=True, abandoned=0, failed=())
    assert_equal(now(), START, "when it is over")
    assert_equal(shutdown.ready, False, "whether it is ready after the shutdown")
    assert_equal(shutdown.request_started(), False, "the answer to a late request")


@given(st.lists(seconds, min_size=1, max_size=4))
@example([1.0, 0.5])
@in_virtual_time
async def test_it_waits_for_the_last_request(gaps: list[float]) -> None:
    """Once the last request is finished the shutdown goes on, at that moment."""
    diary = Diary()
    shutdown = GracefulShutdown(100.0)
    shutdown.add_cleanup(Cleanup("close", diary, 0.25))
    # A busy time before, with nothing in progress in between.
    for _ in range(2):
        shutdown.request_started()
        shutdown.request_finished()
    for _ in gaps:
        shutdown.request_started()
    task = await begin(shutdown)
    for gap in gaps:
        await wait(gap)
        diary.assert_is()
        shutdown.request_finished()
    await settle()
    diary.assert_is((sum(gaps), "close begins"))
    assert_report(await task, drained=True, abandoned=0, failed=())
    diary.assert_is((sum(gaps), "close begins"), (sum(gaps) + 0.25, "close ends"))


@given(st.integers(1, 3), st.integers(0, 2), st.sampled_from([0, 0.5, 2]))
@example(2, 1, 2)
@example(1, 0, 2)
@example(1, 0, 0)
@in_virtual_time
async def test_it_waits_no_longer_than_the_timeout(
    hanging: int, finished: int, timeout: float
) -> None:
    """At the timeout it goes on, cleans up, and reports how many were in progress."""
    diary = Diary()
    shutdown = GracefulShutdown(timeout)
    shutdown.add_cleanup(Cleanup("close", diary))
    for _ in range(hanging + finished):
        shutdown.request_started()
    for _ in range(finished):
        shutdown.request_finished()
    task = await begin(shutdown)
    if timeout > 0:
        await wait(timeout - 0.25)
        diary.assert_is()
        await wait(0.25)
    diary.assert_is((timeout + 0.0, "close begins"), (timeout + 0.0, "close ends"))
    assert_report(await task, drained=False, abandoned=hanging, failed=())
    for _ in range(hanging):
        shutdown.request_finished()
    report = await shutdown.shutdown()
    assert_report(report, drained=False, abandoned=hanging, failed=())


@given(st.lists(seconds, min_size=2, max_size=4), st.booleans())
@example([0.5, 0.25], False)
@example([0.5, 0.25], True)
@in_virtual_time
async def test_what_was_opened_last_is_closed_first(
    durations: list[float], late: bool
) -> None:
    """After the last request cleanups run one by one, the last added first."""
    diary = Diary()
    shutdown = GracefulShutdown(2.0)
    cleanups = [Cleanup(f"close_{n}", diary, s) for n, s in enumerate(durations)]
    for cleanup in cleanups:
        shutdown.add_cleanup(cleanup)
    shutdown.add_cleanup(cleanups[0])
    shutdown.request_started()
    task = await begin(shutdown)
    await wait(1.0)
    if not late:
        shutdown.request_finished()
    await task
    time, entries = 2.0 if late else 1.0, []
    for number in [0, *reversed(range(len(cleanups)))]:
        entries.append((time, f"close_{number} begins"))
        time += durations[number]
        entries.append((time, f"close_{number} ends"))
    diary.assert_is(*entries)


@given(st.lists(st.booleans(), min_size=1, max_size=4))
@example([True, False, True])
@in_virtual_time
async def test_a_cleanup_that_fails_stops_no_other(failing: list[bool]) -> None:
    """A cleanup that raises is named in the report, and all others run all the same."""
    diary = Diary()
    shutdown = GracefulShutdown()
    names = [f"close_{number}" for number in range(len(failing))]
    for name, fails in zip(names, failing, strict=True):
        error = OSError("already closed") if fails else None
        shutdown.add_cleanup(Cleanup(name, diary, 0.5, error))
    report = await shutdown.shutdown()
    failed = [name for name, fails in zip(names, failing, strict=True) if fails]
    assert_report(report, True, 0, tuple(reversed(failed)))
    begun = [what for _, what in diary.entries if what.endswith("begins")]
    assert_equal(begun, [f"{name} begins" for name in reversed(names)], "what has run")
    assert_equal(now(), START + 0.5 * len(names), "when it is over")


@in_virtual_time
async def test_a_cleanup_may_end_a_background_task() -> None:
    """A cleanup that raises CancelledError has failed, and the shutdown goes on."""
    diary = Diary()
    background = asyncio.ensure_future(asyncio.sleep(1e6))

    async def end_background_task() -> None:
        background.cancel()
        await background

    shutdown = GracefulShutdown()
    shutdown.add_cleanup(Cleanup("close", diary))
    shutdown.add_cleanup(end_background_task)
    report = await shutdown.shutdown()
    assert_report(report, True, 0, ("end_background_task",))
    diary.assert_is((0.0, "close begins"), (0.0, "close ends"))


@given(st.sampled_from([0.5, 1.0, 2.0]))
@example(2.0)
@in_virtual_time
async def test_a_cleanup_that_hangs_is_cut(patience: float) -> None:
    """After cleanup_timeout seconds a cleanup is cancelled, and the next one runs."""
    diary = Diary()
    shutdown = GracefulShutdown(cleanup_timeout=patience)
    shutdown.add_cleanup(Cleanup("slow", diary, patience - 0.25))
    shutdown.add_cleanup(Cleanup("hanging", diary, 1e6))

    async def polite() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            diary.write("polite is cancelled")

    shutdown.add_cleanup(polite)
    task = await begin(shutdown)
    await wait(patience - 0.25)
    diary.assert_is()
    report = await task
    assert_report(report, True, 0, ("polite", "hanging"))
    told = {what: time for time, what in diary.entries}
    expected = {
        "polite is cancelled": patience,
        "hanging begins": patience,
        "slow begins": 2 * patience,
        "slow ends": 3 * patience - 0.25,
    }
    assert_equal(told, expected, "what happened, and when")


@in_virtual_time
async def test_a_cleanup_that_refuses_to_be_cut_holds_nobody_up() -> None:
    """What a cancelled cleanup goes on to do neither delays nor changes the rest."""
    diary = Diary()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(1e3)
        except asyncio.CancelledError:
            await asyncio.sleep(1e3)

    shutdown = GracefulShutdown(cleanup_timeout=1.0)
    shutdown.add_cleanup(Cleanup("close", diary, 0.5))
    shutdown.add_cleanup(stubborn)
    report = await shutdown.shutdown()
    assert_report(report, True, 0, ("stubborn",))
    diary.assert_is((1.0, "close begins"), (1.5, "close ends"))


@given(st.integers(1, 3), st.booleans())
@example(2, True)
@example(1, False)
@in_virtual_time
async def test_there_is_one_shutdown(calls: int, cancelled: bool) -> None:
    """All calls get the report of one shutdown, even if the first one is cancelled."""
    diary = Diary()
    shutdown = GracefulShutdown(1.0)
    shutdown.add_cleanup(Cleanup("close", diary, 0.5, OSError("already closed")))
    shutdown.request_started()
    tasks = [await begin(shutdown) for _ in range(calls)]
    if cancelled:
        step("# the first shutdown() is cancelled")
        tasks.pop(0).cancel()
    await wait(1.25)
    tasks.append(await begin(shutdown))
    reports = await asyncio.gather(*tasks)
    assert_equal(now(), START + 1.5, "when it is over")
    for report in [*reports, await shutdown.shutdown()]:
        assert_report(report, False, 1, ("close",))
    assert_equal(now(), START + 1.5, "when one more call is over")
    diary.assert_is((1.0, "close begins"))


def test_what_holds_if_nothing_is_said() -> None:
    """It waits for 30 s, and gives each cleanup 5 s; it is made where no loop runs."""
    shutdown = GracefulShutdown()
    diary = Diary()
    shutdown.add_cleanup(Cleanup("hanging", diary, 1e6))
    shutdown.request_started()

    async def story() -> None:
        report = await shutdown.shutdown()
        assert_report(report, False, 1, ("hanging",))
        diary.assert_is((30.0, "hanging begins"))
        assert_equal(now(), START + 35.0, "when it is over")

    run_virtual(story)


@in_virtual_time
async def test_what_comes_too_late_is_refused() -> None:
    """No finish without a start, and no new cleanup once the shutdown has begun."""
    shutdown = GracefulShutdown(8.0)
    assert_raises_runtime_error(shutdown.request_finished)
    shutdown.request_started()
    shutdown.request_finished()
    assert_raises_runtime_error(shutdown.request_finished)
    shutdown.request_started()
    diary = Diary()
    task = await begin(shutdown)
    late = Cleanup("late", diary)
    assert_raises_runtime_error(shutdown.add_cleanup, late)
    shutdown.request_started()
    shutdown.request_finished()
    assert_raises_runtime_error(shutdown.request_finished)
    assert_report(await task, drained=True, abandoned=0, failed=())
    assert_raises_runtime_error(shutdown.add_cleanup, late)
    diary.assert_is()


def assert_raises_runtime_error(call: Callable[..., object], *args: object) -> None:
    """Check that the call is refused with a RuntimeError, whatever it says."""
    __tracebackhide__ = True
    try:
        call(*args)
    except NotImplementedError:
        raise
    except RuntimeError:
        return
    assert_holds(False, f"{getattr(call, '__name__', call)} raises RuntimeError")


plans = st.lists(
    st.tuples(st.sampled_from([0.25, 0.75, 1.5]), st.booleans()), max_size=4
)


@given(plans, st.lists(st.sampled_from([0.25, 0.75, 1.25, 9.0]), max_size=4))
@in_virtual_time
async def test_any_requests_and_cleanups(
    cleanups: list[tuple[float, bool]], requests: list[float]
) -> None:
    """Whatever runs for however long, the report and the times follow the rules."""
    diary = Diary()
    shutdown = GracefulShutdown(2.0, cleanup_timeout=1.0)
    for number, (takes, fails) in enumerate(cleanups):
        error = OSError("already closed") if fails else None
        shutdown.add_cleanup(Cleanup(f"close_{number}", diary, takes, error))
    for takes in requests:
        shutdown.request_started()
        step(f"# a request that takes {takes} s")
        asyncio.get_running_loop().call_later(takes, shutdown.request_finished)
    report = await shutdown.shutdown()
    time = min(2.0, max(requests, default=0.0))
    failed: list[str] = []
    begins: list[tuple[float, str]] = []
    for number, (takes, fails) in [*enumerate(cleanups)][::-1]:
        begins.append((time, f"close_{number} begins"))
        time += min(takes, 1.0)
        if fails or takes > 1.0:
            failed.append(f"close_{number}")
    abandoned = requests.count(9.0)
    assert_report(report, abandoned == 0, abandoned, tuple(failed))
    told = [entry for entry in diary.entries if entry[1].endswith("begins")]
    assert_equal(told, begins, "which cleanups began, and when")
    assert_equal(now(), START + time, "when it is over")


def test_bad_arguments_are_refused() -> None:
    """Times that are negative, no number, or no time for a cleanup are refused."""
    for wrong in (-1.0, -5e-324, math.nan):
        assert_raises_naming("timeout", GracefulShutdown, wrong)
    for wrong in (-1.0, 0.0, math.nan):
        assert_raises_naming("cleanup_timeout", GracefulShutdown, cleanup_timeout=wrong)
    GracefulShutdown(0, cleanup_timeout=5e-324)
