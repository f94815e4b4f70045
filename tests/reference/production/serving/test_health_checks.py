"""Health checks on virtual time, and the routes that show them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo.testing.http import Client
from dojo.testing.loops import START, now, run_virtual, settle
from reference.production.serving.health import (
    HealthChecker,
    HealthCheckResult,
    create_app,
)

Check = Callable[[], Awaitable[bool | HealthCheckResult]]


def found(outcome: object, seconds: float = 0.0) -> Check:
    """Return a check that takes ``seconds`` and returns or raises ``outcome``."""

    async def check() -> bool | HealthCheckResult:
        await asyncio.sleep(seconds)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[return-value]  # some are wrong on purpose

    return check


@given(
    st.lists(
        st.tuples(
            st.sampled_from([True, False, OSError("gone")]),
            st.booleans(),
            st.integers(0, 8).map(lambda n: n / 2),  # seconds that it takes
            st.integers(1, 4).map(lambda n: n + 0.25),  # its timeout
        ),
        max_size=6,
    )
)
def test_every_check_has_its_own_time_and_all_run_at_once(
    checks: list[tuple[object, bool, float, float]],
) -> None:
    async def main() -> None:
        checker = HealthChecker()
        for place, (outcome, critical, seconds, timeout) in enumerate(checks):
            checker.add_check(str(place), found(outcome, seconds), critical, timeout)
        report = await checker.run_all()
        longest = max(
            (min(seconds, timeout) for *_, seconds, timeout in checks), default=0.0
        )
        assert now() == START + longest
        assert list(report["checks"]) == [str(place) for place in range(len(checks))]
        bad = []
        for result, check in zip(report["checks"].values(), checks, strict=True):
            outcome, critical, seconds, timeout = check
            assert result.healthy == (outcome is True and seconds < timeout)
            assert result.latency_ms == min(seconds, timeout) * 1000
            if seconds > timeout:
                assert result.message == f"timed out after {timeout} s"
            elif isinstance(outcome, Exception):
                assert result.message == "OSError: gone"
            else:
                assert result.message == ""
            bad += [] if result.healthy else [critical]
        status = "unhealthy" if any(bad) else "degraded" if bad else "healthy"
        assert report["status"] == status

    run_virtual(main)


def test_a_check_past_its_time_is_cancelled() -> None:
    async def main() -> None:
        ends: list[float] = []

        async def slow() -> bool:
            try:
                await asyncio.sleep(60)
            finally:
                ends.append(now() - START)
            return True

        async def stubborn() -> bool:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(60)
            return True

        checker = HealthChecker()
        checker.add_check("slow", slow)
        checker.add_check("stubborn", stubborn, timeout=2)
        report = await checker.run_all()
        assert ends == [1.0]
        assert now() == START + 2.0
        assert report["checks"] == {
            "slow": HealthCheckResult(False, "timed out after 1.0 s"),
            "stubborn": HealthCheckResult(False, "timed out after 2.0 s"),
        }

    run_virtual(main)


def test_who_stops_waiting_stops_the_checks() -> None:
    async def main() -> None:
        left: list[float] = []

        async def slow() -> bool:
            try:
                await asyncio.sleep(60)
            finally:
                left.append(now() - START)
            return True

        checker = HealthChecker()
        checker.add_check("slow", slow, timeout=100)
        probe = asyncio.create_task(checker.run_all())
        await asyncio.sleep(1.0)
        probe.cancel()
        await settle()
        assert left == [1.0]

    run_virtual(main)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (HealthCheckResult(True, "3 replicas"), HealthCheckResult(True, "3 replicas")),
        (HealthCheckResult(False, "lag"), HealthCheckResult(False, "lag")),
        # Its own time-out, not ours.
        (TimeoutError("5 s"), HealthCheckResult(False, "TimeoutError: 5 s")),
        (ValueError(), HealthCheckResult(False, "ValueError")),
        (
            None,
            HealthCheckResult(
                False, "the check must return a bool or a HealthCheckResult, got None"
            ),
        ),
    ],
)
def test_outcomes(outcome: object, expected: HealthCheckResult) -> None:
    async def main() -> None:
        checker = HealthChecker()
        checker.add_check("a", found(outcome))
        assert (await checker.run_all())["checks"] == {"a": expected}

    run_virtual(main)


def test_plain_functions_run_in_threads_at_once() -> None:
    both = threading.Barrier(2, timeout=5)

    def check() -> bool:
        both.wait()  # broken unless both checks are inside at one time
        return threading.current_thread() is not threading.main_thread()

    checker = HealthChecker()
    checker.add_check("a", check, timeout=10)
    checker.add_check("b", check, timeout=10)
    assert asyncio.run(checker.run_all()) == {
        "status": "healthy",
        "checks": {"a": HealthCheckResult(True), "b": HealthCheckResult(True)},
    }


def test_a_plain_function_that_returns_is_called_as_often_as_asked() -> None:
    async def main() -> list[str]:
        checker = HealthChecker()
        checker.add_check("a", lambda: True, timeout=10)
        return [(await checker.run_all())["status"] for _ in range(10)]

    assert asyncio.run(main()) == ["healthy"] * 10


def test_a_plain_function_that_hangs_holds_few_threads() -> None:
    forever = threading.Event()
    calls: list[None] = []

    def hung() -> bool:
        calls.append(None)
        return forever.wait()

    async def main() -> list[str]:
        checker = HealthChecker()
        checker.add_check("a", hung, timeout=0.01)
        reports = [await checker.run_all() for _ in range(6)]
        assert {report["status"] for report in reports} == {"unhealthy"}
        messages = [report["checks"]["a"].message for report in reports]
        forever.set()
        return messages

    messages = asyncio.run(main())
    assert len(calls) == 4
    assert messages[:4] == ["timed out after 0.01 s"] * 4
    assert messages[4] == "RuntimeError: 4 earlier calls have not returned yet"


def test_wrong_arguments() -> None:
    checker = HealthChecker()
    with pytest.raises(TypeError, match="name must be text, got 1"):
        checker.add_check(1, found(True))  # type: ignore[arg-type]  # the test
    with pytest.raises(TypeError, match="check_fn must be callable, got True"):
        checker.add_check("a", True)  # type: ignore[arg-type]  # the test
    with pytest.raises(TypeError, match="critical must be a bool, got 1"):
        checker.add_check("a", found(True), 1)  # type: ignore[arg-type]  # the test
    with pytest.raises(ValueError, match="timeout must be above 0 seconds, got 0"):
        checker.add_check("a", found(True), timeout=0)
    checker.add_check("a", found(True))
    with pytest.raises(ValueError, match="name must be one that no check has yet"):
        checker.add_check("a", found(True))


def test_no_checks_are_healthy() -> None:
    assert run_virtual(HealthChecker().run_all) == {"status": "healthy", "checks": {}}


@pytest.mark.parametrize(
    ("critical", "status", "code"), [(True, "unhealthy", 503), (False, "degraded", 200)]
)
def test_routes(critical: bool, status: str, code: int) -> None:
    checker = HealthChecker()
    client = Client(create_app(checker))
    assert client.get("/ready").status == 200
    checker.add_check("database", found(OSError("refused")), critical)
    checker.add_check("model", found(HealthCheckResult(True, "v3")))
    expected = {
        "status": status,
        "components": {
            "database": {"status": "unhealthy", "message": "OSError: refused"},
            "model": {"status": "healthy", "message": "v3"},
        },
    }
    health, ready = client.get("/health"), client.get("/ready")
    assert (health.status, health.json()) == (200, expected)
    assert (ready.status, ready.json()) == (code, expected)
