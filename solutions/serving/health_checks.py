"""Liveness and readiness.

Whoever runs a service asks it two questions. Is it alive? If not, start it anew. Is it
ready? If not, send no requests for now. A database that is down makes a service not
ready, but a new start would not bring the database back.

Write `HealthChecker()`, for one event loop. What a check has found is a
`HealthCheckResult(healthy, message="")`, a frozen dataclass that stands below.

`add_check(name, check_fn, critical=True, timeout=1.0)` adds a check. `check_fn` is an
async function without arguments that returns a bool or a `HealthCheckResult`.
`ValueError` that names the argument, and nothing is added: `name` is the name of an
earlier check; `timeout`, in seconds, is not above 0, or NaN.

`await run_all()` runs all checks and returns a dict:

- `"checks"`: a dict from the name of each check to its `HealthCheckResult`, in the
  order in which they were added, whichever ended first;
- `"status"`: "unhealthy" where a critical check is not healthy, "degraded" where only
  others are not, and "healthy" where all are, or where there is none.

Every call runs every check anew, all at the same time: it takes as long as the slowest
of them, never the sum. The result of a check is

- the `HealthCheckResult` that it returned, or one with its bool and no message;
- unhealthy where it returned anything else, whatever its truth; the message is not
  empty;
- unhealthy where it raised an exception; the message has the name of its type and its
  text. `CancelledError`, which a check raises that awaits a task somebody has
  cancelled, is no different, though no text is asked for here;
- unhealthy with the message `timed out after 0.5 s` (the timeout, as an f-string shows
  it) where it has not ended after that time. The check is cancelled at that moment, and
  counts as ended, whatever it makes of being cancelled: nobody waits for one that
  resists. The others have their own time and go on.

Whatever happens to one check leaves the others alone. If `run_all` is cancelled, as
happens when a client goes away, the checks that still run are cancelled, and the
cancellation goes on to the caller. Time is that of the event loop.

Write `create_app(checker)`, which returns a FastAPI application (or any other for
ASGI):

| request | status |
|---|---|
| `GET /health` | 200, always: whoever can answer is alive |
| `GET /ready` | 503 if the status is "unhealthy", else 200 |

Each of them runs the checks, and both give the same JSON:
`{"status": text, "components": {name: {"status": text, "message": text}, …}}`, with the
status of the whole, and in the order of the checks "healthy" or "unhealthy" for each
with its message.

Source: Burns, Beda, Hightower, Kubernetes: Up and Running (2nd edition, 2019), chapter
5 (Pods), on health checks.

In production: results are kept for a second or so, since many ask and each question
costs the database a query; and what an exception says may be a secret, so that it is
for the log wherever the endpoints are open to the world.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypedDict

from fastapi import FastAPI
from fastapi.responses import JSONResponse


@dataclass(frozen=True)
class HealthCheckResult:
    """What a check has found."""

    healthy: bool
    message: str = ""


class HealthReport(TypedDict):
    """The state of the whole and of its parts."""

    status: str
    checks: dict[str, HealthCheckResult]


class HealthChecker:
    """Runs checks, all at the same time and each within its own time."""

    def __init__(self) -> None:
        """Begin without any check."""
        self._checks: dict[str, _Check] = {}

    def add_check(
        self,
        name: str,
        check_fn: Callable[[], Awaitable[bool | HealthCheckResult]],
        critical: bool = True,
        timeout: float = 1.0,
    ) -> None:
        """Add an async function as a check that may take `timeout` seconds."""
        if name in self._checks:
            raise ValueError(f"name must be new, got {name!r} once more")
        if not timeout > 0:
            raise ValueError(f"timeout must be above 0 seconds, got {timeout}")
        self._checks[name] = _Check(check_fn, critical, timeout)

    async def run_all(self) -> HealthReport:
        """Run all checks, and return the status and the results in order."""
        runs = {
            name: asyncio.create_task(check.run())
            for name, check in self._checks.items()
        }
        await asyncio.gather(*runs.values())
        checks = {name: run.result() for name, run in runs.items()}
        failed = [name for name, result in checks.items() if not result.healthy]
        status = "degraded" if failed else "healthy"
        if any(self._checks[name].critical for name in failed):
            status = "unhealthy"
        return {"status": status, "checks": checks}


@dataclass
class _Check:
    function: Callable[[], Awaitable[bool | HealthCheckResult]]
    critical: bool
    timeout: float

    async def run(self) -> HealthCheckResult:
        """Return what the check finds before its time is over."""
        task = asyncio.ensure_future(self.function())
        try:
            await asyncio.wait([task], timeout=self.timeout)
        finally:
            late = task.cancel()
        if late:
            return HealthCheckResult(False, f"timed out after {self.timeout} s")
        try:
            outcome: object = task.result()
        except (Exception, asyncio.CancelledError) as error:
            return HealthCheckResult(False, f"{type(error).__name__}: {error}")
        if isinstance(outcome, bool):
            return HealthCheckResult(outcome)
        if isinstance(outcome, HealthCheckResult):
            return outcome
        return HealthCheckResult(False, f"{outcome!r} is not the result of a check")


def create_app(checker: HealthChecker) -> FastAPI:
    """Return the application that answers `/health` and `/ready`."""
    app = FastAPI()

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse(_shown(await checker.run_all()))

    @app.get("/ready")
    async def ready() -> JSONResponse:
        report = await checker.run_all()
        return JSONResponse(
            _shown(report), 503 if report["status"] == "unhealthy" else 200
        )

    return app


def _shown(report: HealthReport) -> dict[str, object]:
    components = {
        name: {
            "status": "healthy" if result.healthy else "unhealthy",
            "message": result.message,
        }
        for name, result in report["checks"].items()
    }
    return {"status": report["status"], "components": components}
