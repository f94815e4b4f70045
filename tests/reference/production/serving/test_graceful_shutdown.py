"""The end of a service: order, time limits, signals, and uvicorn's part in it."""

import asyncio
import functools
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo.testing.loops import START, now, run_virtual, settle
from dojo.testing.threads import all_at_once
from reference.production.serving.shutdown import GracefulShutdown, ShutdownReport


@given(
    timeout=st.integers(0, 8),
    durations=st.lists(st.integers(1, 12).map(lambda n: n + 0.5), max_size=6),
)
def test_waits_for_requests_as_long_as_it_may(
    timeout: int, durations: list[float]
) -> None:
    async def main() -> None:
        shutdown = GracefulShutdown(timeout)
        ran_at: list[float] = []

        async def request(seconds: float) -> None:
            assert shutdown.request_started()
            await asyncio.sleep(seconds)
            shutdown.request_finished()

        async def cleanup() -> None:
            ran_at.append(now() - START)

        shutdown.add_cleanup(cleanup)
        requests = [asyncio.create_task(request(seconds)) for seconds in durations]
        await settle()
        assert shutdown.active == len(durations)
        late = sum(seconds > timeout for seconds in durations)
        report = await shutdown.shutdown()
        assert report == ShutdownReport(late == 0, late, ())
        assert ran_at == [timeout if late else max(durations, default=0.0)]
        # What was abandoned may still come to its end.
        await asyncio.gather(*requests)
        assert shutdown.active == 0

    run_virtual(main)


def test_ready_turns_false_and_requests_are_refused_at_once() -> None:
    async def main() -> None:
        shutdown = GracefulShutdown()
        assert [shutdown.ready, shutdown.request_started()] == [True, True]
        ending = asyncio.create_task(shutdown.shutdown())
        await settle()
        assert not shutdown.ready
        assert not shutdown.request_started()
        with pytest.raises(RuntimeError, match="too late"):
            shutdown.add_cleanup(print)
        assert not ending.done()
        shutdown.request_finished()
        assert await ending == ShutdownReport(True, 0, ())
        assert now() == START
        with pytest.raises(RuntimeError, match="had not started"):
            shutdown.request_finished()

    run_virtual(main)


def test_an_announcement_alone_refuses_nobody() -> None:
    shutdown = GracefulShutdown()
    shutdown.announce()
    assert not shutdown.ready
    assert shutdown.request_started()


def test_cleanups_run_one_after_the_other_last_added_first() -> None:
    async def main() -> None:
        shutdown = GracefulShutdown(cleanup_timeout=2.0)
        steps: list[tuple[str, float]] = []

        def cleanup(name: str, seconds: float) -> Callable[[], object]:
            async def run() -> None:
                steps.append((f"{name} begins", now() - START))
                try:
                    await asyncio.sleep(seconds)
                    if name == "failing":
                        raise OSError(name)
                    steps.append((f"{name} ends", now() - START))
                finally:
                    steps.append((f"{name} is left", now() - START))

            run.__name__ = name
            return run

        for name, seconds in [("first", 1.0), ("failing", 0.5), ("hung", 60.0)]:
            shutdown.add_cleanup(cleanup(name, seconds))
        assert await shutdown.shutdown() == ShutdownReport(True, 0, ("hung", "failing"))
        assert steps == [
            ("hung begins", 0.0),
            ("hung is left", 2.0),
            ("failing begins", 2.0),
            ("failing is left", 2.5),
            ("first begins", 2.5),
            ("first ends", 3.5),
            ("first is left", 3.5),
        ]

    run_virtual(main)


def test_a_cleanup_that_resists_is_not_waited_for() -> None:
    async def main() -> None:
        shutdown = GracefulShutdown(cleanup_timeout=1.0)

        async def stubborn() -> None:
            for _ in range(3):
                try:
                    await asyncio.sleep(100)
                except asyncio.CancelledError:
                    continue

        async def cancelled() -> None:
            raise asyncio.CancelledError

        shutdown.add_cleanup(cancelled)
        shutdown.add_cleanup(stubborn)
        report = await shutdown.shutdown()
        assert report.failed == ("stubborn", "cancelled")
        assert now() == START + 1.0

    run_virtual(main)


def test_plain_cleanups_run_in_threads_and_a_hung_one_is_left() -> None:
    async def main() -> tuple[ShutdownReport, list[bool]]:
        shutdown = GracefulShutdown(cleanup_timeout=0.05)
        in_main: list[bool] = []
        forever = threading.Event()

        def plain(_: int) -> None:
            in_main.append(threading.current_thread() is threading.main_thread())

        def hung() -> None:
            forever.wait()

        async def noted() -> None:
            in_main.append(threading.current_thread() is threading.main_thread())

        def plainly_async() -> Awaitable[None]:
            return noted()

        shutdown.add_cleanup(functools.partial(plain, 1))
        shutdown.add_cleanup(hung)
        shutdown.add_cleanup(plainly_async)
        return await shutdown.shutdown(), in_main

    # A real loop: it must also come to its end while the thread hangs.
    report, in_main = asyncio.run(main())
    assert report == ShutdownReport(True, 0, ("hung",))
    assert in_main == [True, False]


def test_several_calls_share_one_shutdown() -> None:
    async def main() -> None:
        shutdown = GracefulShutdown(timeout=4)
        runs: list[float] = []

        async def cleanup() -> None:
            runs.append(now() - START)

        shutdown.add_cleanup(cleanup)
        assert shutdown.request_started()
        impatient = asyncio.create_task(shutdown.shutdown())
        await asyncio.sleep(1.0)
        impatient.cancel()
        await settle()
        assert impatient.cancelled()
        first, second = await asyncio.gather(shutdown.shutdown(), shutdown.shutdown())
        assert first == second == ShutdownReport(False, 1, ())
        assert await shutdown.shutdown() == first
        assert runs == [4.0]

    run_virtual(main)


def test_requests_are_counted_over_threads() -> None:
    async def main() -> ShutdownReport:
        shutdown = GracefulShutdown()
        for _ in range(8):
            assert shutdown.request_started()

        def work(_: int) -> None:
            for _ in range(200):
                if shutdown.request_started():
                    shutdown.request_finished()
            shutdown.request_finished()

        threads = threading.Thread(target=all_at_once, args=(work,))
        threads.start()
        report = await shutdown.shutdown()
        threads.join()
        assert shutdown.active == 0
        return report

    assert asyncio.run(main()) == ShutdownReport(True, 0, ())


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="timeout must be at least 0 seconds, got -1"):
        GracefulShutdown(-1)
    with pytest.raises(ValueError, match="cleanup_timeout must be above 0 seconds"):
        GracefulShutdown(cleanup_timeout=0.0)
    with pytest.raises(TypeError, match="timeout must be a number"):
        GracefulShutdown("30")  # type: ignore[arg-type]  # the wrong type is the test
    shutdown = GracefulShutdown()
    with pytest.raises(TypeError, match="callback must be callable"):
        shutdown.add_cleanup(1)  # type: ignore[arg-type]  # the wrong type is the test


Received = list[tuple[int, float]]


@contextmanager
def server_handlers() -> Iterator[Received]:
    """Handlers such as a server's, which note the signal and the time of the loop."""
    received: Received = []

    def handler(number: int, _: FrameType | None) -> None:
        received.append((number, now() - START))

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield received
        assert [signal.getsignal(number) for number in numbers] == [handler, handler]
    finally:
        for number, previous in zip(numbers, before, strict=True):
            signal.signal(number, previous)


def test_a_signal_is_handed_over_after_the_notice() -> None:
    async def main(received: Received) -> None:
        shutdown = GracefulShutdown()
        assert shutdown.install(notice=5.0)
        with pytest.raises(RuntimeError, match="installed already"):
            shutdown.install()
        signal.raise_signal(signal.SIGTERM)
        assert not shutdown.ready
        await asyncio.sleep(4.0)
        assert shutdown.request_started()
        assert received == []
        await asyncio.sleep(2.0)
        assert received == [(signal.SIGTERM, 5.0)]
        signal.raise_signal(signal.SIGINT)
        assert received[1:] == [(signal.SIGINT, 6.0)]
        shutdown.uninstall()

    with server_handlers() as received:
        run_virtual(lambda: main(received))


def test_without_a_notice_a_signal_is_handed_over_at_once() -> None:
    async def main(received: Received) -> None:
        shutdown = GracefulShutdown()
        shutdown.install()
        signal.raise_signal(signal.SIGINT)
        assert not shutdown.ready
        assert received == [(signal.SIGINT, 0.0)]
        shutdown.uninstall()

    with server_handlers() as received:
        run_virtual(lambda: main(received))


@pytest.mark.parametrize("between", [0.0, 1.0])
def test_a_second_signal_ends_the_notice_and_the_first_is_not_told(
    between: float,
) -> None:
    # The server would take a second SIGINT as "now, whatever is under way".
    async def main(received: Received) -> None:
        shutdown = GracefulShutdown()
        shutdown.install(notice=5.0)
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(between)
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(10.0)
        assert received == [(signal.SIGINT, between)]
        shutdown.uninstall()

    with server_handlers() as received:
        run_virtual(lambda: main(received))


def test_only_the_main_thread_handles_signals() -> None:
    async def main() -> bool:
        return await asyncio.to_thread(GracefulShutdown().install)

    assert run_virtual(main) is False


PLAIN = """
import asyncio
from reference.production.serving.shutdown import GracefulShutdown

async def main():
    shutdown = GracefulShutdown()
    async def cleanup():
        print("cleaned", flush=True)
    shutdown.add_cleanup(cleanup)
    shutdown.install()
    print("started", flush=True)
    await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""

UNDER_UVICORN = """
import asyncio, contextlib, socket
import uvicorn
from fastapi import FastAPI, Response
from reference.production.serving.shutdown import GracefulShutdown

shutdown = GracefulShutdown(timeout=5)
listener = socket.create_server(("127.0.0.1", 0))

@contextlib.asynccontextmanager
async def lifespan(app):
    async def database():
        print("cleaned", flush=True)
    shutdown.add_cleanup(database)
    shutdown.install(notice=1.0)
    print(listener.getsockname()[1], flush=True)
    yield
    report = await shutdown.shutdown()
    shutdown.uninstall()
    print(report.drained, report.abandoned, flush=True)

app = FastAPI(lifespan=lifespan)

@app.get("/ready")
async def ready(response: Response):
    response.status_code = 200 if shutdown.ready else 503

@app.get("/slow")
async def slow():
    # Ends only after the server has stopped to accept.
    if not shutdown.request_started():
        return "refused"
    print("slow", flush=True)
    while not server.should_exit:
        await asyncio.sleep(0.01)
    shutdown.request_finished()
    return "done"

server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
server.run(sockets=[listener])
"""


@contextmanager
def program(text: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a Python program until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: "subprocess.Popen[str]") -> str:
    """Return the next line that the program prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip()


def test_a_process_without_a_server_shuts_down_before_the_signal_ends_it() -> None:
    with program(PLAIN) as process:
        assert line(process) == "started"
        process.send_signal(signal.SIGTERM)
        assert line(process) == "cleaned"
        assert process.wait(20) == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_uvicorn_loses_no_request(number: signal.Signals) -> None:
    with program(UNDER_UVICORN) as process:
        base = f"http://127.0.0.1:{line(process)}"
        answers: list[str] = []

        def ask() -> None:
            answers.append(httpx.get(f"{base}/slow", timeout=20).json())

        assert httpx.get(f"{base}/ready").status_code == 200
        early = threading.Thread(target=ask)
        early.start()
        assert line(process) == "slow"
        process.send_signal(number)
        # Within the notice the server still accepts, and says that it is not ready.
        while httpx.get(f"{base}/ready").status_code == 200:
            pass
        late = threading.Thread(target=ask)
        late.start()
        assert line(process) == "slow"
        for thread in (early, late):
            thread.join(20)
        assert answers == ["done", "done"]
        assert line(process) == "cleaned"
        assert line(process) == "True 0"
        # uvicorn raises the signal again when it is done.
        assert process.wait(20) in {-number, 0}
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{base}/ready")
