"""However many ask for the health, what is checked is asked about once a second."""

import asyncio

import pytest

from reference.production.serving import HealthChecker, HealthCheckResult, create_app
from reference.production.serving.health_sharing import SharedReport
from tests.reference.production.serving.support import Scripted, ask_async


class Counting:
    """A check that counts its calls and waits until it is let go."""

    def __init__(self) -> None:
        self.calls = 0
        self.released = asyncio.Event()

    async def __call__(self) -> HealthCheckResult:
        """Tell how often it was called."""
        self.calls += 1
        await self.released.wait()
        return HealthCheckResult(True, str(self.calls))


def sharing(check: Counting, now: list[float]) -> SharedReport:
    checker = HealthChecker()
    checker.add_check("counting", check)
    return SharedReport(checker, lambda: now[0])


async def message(report: SharedReport) -> str:
    return (await report.get())["checks"]["counting"].message


def test_who_asks_at_the_same_time_shares_a_run_and_its_report_lasts_a_second() -> None:
    async def scenario() -> None:
        now, check = [10.0], Counting()
        report = sharing(check, now)
        asking = [asyncio.create_task(message(report)) for _ in range(500)]
        while not check.calls:
            await asyncio.sleep(0)
        # The second begins when the run ends.
        now[0] = 20.0
        check.released.set()
        assert set(await asyncio.gather(*asking)) == {"1"}
        for time, expected in ((20.9, "1"), (21.0, "2"), (21.9, "2"), (22.0, "3")):
            now[0] = time
            assert await message(report) == expected

    asyncio.run(scenario())


def test_who_leaves_takes_the_report_from_nobody() -> None:
    async def scenario() -> None:
        check = Counting()
        report = sharing(check, [0.0])
        leaving, staying = (asyncio.create_task(message(report)) for _ in range(2))
        while not check.calls:
            await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        check.released.set()
        assert await staying == "1"

    asyncio.run(scenario())


def test_the_route_shares() -> None:
    calls = 0

    async def count() -> bool:
        nonlocal calls
        calls += 1
        return True

    health = HealthChecker()
    health.add_check("counted", count)
    app = create_app({"m": Scripted()}, health=health, clock=lambda: 0.0)

    async def scenario() -> None:
        asking = (ask_async(app, "GET", "/health") for _ in range(50))
        answers = await asyncio.gather(*asking)
        assert {answer.status_code for answer in answers} == {200}

    asyncio.run(scenario())
    # Another event loop, as tests have it, sees the same report.
    asyncio.run(scenario())
    assert calls == 1
