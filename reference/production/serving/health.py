"""Whether the service and what it depends on are well, and the routes that say so."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypedDict

from fastapi import FastAPI, Response
from pydantic import BaseModel, Field

from reference.core.validation import describe, require
from reference.production.serving.arguments import (
    checked_callable,
    checked_number,
    checked_text,
)
from reference.production.serving.calling import OverdueError, call_within, is_async

Status = Literal["healthy", "degraded", "unhealthy"]

# A plain function that hangs holds its thread; this many may, then it is not called.
_MOST_THREADS = 4


@dataclass(frozen=True)
class HealthCheckResult:
    """What a check found; ``latency_ms``, its time in ms, is no part of equality."""

    healthy: bool
    message: str = ""
    latency_ms: float = field(default=0.0, compare=False)


Outcome = bool | HealthCheckResult
Check = Callable[[], Awaitable[Outcome]] | Callable[[], Outcome]


class HealthReport(TypedDict):
    """State of the whole, and of its parts in the order in which they were added."""

    status: Status
    checks: dict[str, HealthCheckResult]


class HealthChecker:
    """Runs checks by name, all at once, each within its own time."""

    def __init__(self) -> None:
        self._checks: dict[str, _Check] = {}

    def add_check(
        self,
        name: str,
        check_fn: Check,
        critical: bool = True,
        timeout: float = 1.0,
    ) -> None:
        """Add a check: an async function, or a plain one, which runs in a thread.

        It returns a bool or a ``HealthCheckResult``. Where it raises, returns something
        else or takes longer than ``timeout`` seconds, it found ill health; an async one
        is cancelled then. A plain one that still hangs in four threads is not called.

        Raises ``ValueError`` where the name is taken or ``timeout`` is not above zero,
        ``TypeError`` for arguments of a wrong type.
        """
        checked_text(name, "name")
        require(name not in self._checks, "name", "one that no check has yet", name)
        checked_callable(check_fn, "check_fn")
        if not isinstance(critical, bool):
            raise TypeError(f"critical must be a bool, got {describe(critical)}")
        seconds = checked_number(timeout, "timeout")
        require(seconds > 0, "timeout", "above 0 seconds", timeout)
        self._checks[name] = _Check(check_fn, critical, seconds)

    async def run_all(self) -> HealthReport:
        """Run every check and report.

        The whole is unhealthy where a critical check is, degraded where only others
        are, and healthy without any check.
        """
        checks = dict(self._checks)
        results = await asyncio.gather(*(check.run() for check in checks.values()))
        failing = [
            check.critical
            for check, result in zip(checks.values(), results, strict=True)
            if not result.healthy
        ]
        status: Status = "degraded" if failing else "healthy"
        if any(failing):
            status = "unhealthy"
        return {"status": status, "checks": dict(zip(checks, results, strict=True))}


class _Check:
    """One check with its settings."""

    def __init__(self, function: Check, critical: bool, timeout: float) -> None:
        self.critical = critical
        self._timeout = timeout
        self._function = function if is_async(function) else self._in_place
        self._plain = function
        self._places = threading.BoundedSemaphore(_MOST_THREADS)

    async def run(self) -> HealthCheckResult:
        loop = asyncio.get_running_loop()
        started = loop.time()
        result = await self._result()
        return replace(result, latency_ms=(loop.time() - started) * 1e3)

    async def _result(self) -> HealthCheckResult:
        try:
            outcome: object = await call_within(self._function, self._timeout)
        except OverdueError:
            return HealthCheckResult(False, f"timed out after {self._timeout} s")
        except Exception as error:
            text = f"{type(error).__name__}: {error}".removesuffix(": ")
            return HealthCheckResult(False, text)
        if isinstance(outcome, HealthCheckResult):
            return outcome
        if isinstance(outcome, bool):
            return HealthCheckResult(outcome)
        expected = "must return a bool or a HealthCheckResult"
        return HealthCheckResult(
            False, f"the check {expected}, got {describe(outcome)}"
        )

    def _in_place(self) -> Awaitable[Outcome] | Outcome:
        """Call a plain function, unless too many calls of it hang."""
        if not self._places.acquire(blocking=False):
            raise RuntimeError(f"{_MOST_THREADS} earlier calls have not returned yet")
        try:
            return self._plain()
        finally:
            self._places.release()


class Component(BaseModel):
    """State of one part of the service."""

    status: Literal["healthy", "unhealthy"]
    message: str = Field(description="What is wrong or worth knowing; may be empty.")


class ServiceHealth(BaseModel):
    """State of the service: degraded where no critical part is unhealthy."""

    status: Status
    components: dict[str, Component]


def components_of(report: HealthReport) -> dict[str, Component]:
    """Return the parts of a report as they are sent."""
    return {
        name: Component(
            status="healthy" if result.healthy else "unhealthy",
            message=result.message,
        )
        for name, result in report["checks"].items()
    }


def create_app(checker: HealthChecker) -> FastAPI:
    """Return an ASGI application with ``GET /health`` and ``GET /ready``.

    Both run the checks and give the same body. ``/health`` answers 200 as long as it
    can answer; ``/ready`` answers 503 where a critical check fails.
    """
    app = FastAPI(title="Health", redirect_slashes=False)

    async def body() -> ServiceHealth:
        report = await checker.run_all()
        return ServiceHealth(status=report["status"], components=components_of(report))

    @app.get("/health")
    async def health() -> ServiceHealth:
        """Tell how the service and its parts are."""
        return await body()

    @app.get("/ready", responses={503: {"model": ServiceHealth}})
    async def ready(response: Response) -> ServiceHealth:
        """Tell whether to send requests."""
        answer = await body()
        if answer.status == "unhealthy":
            response.status_code = 503
        return answer

    return app
