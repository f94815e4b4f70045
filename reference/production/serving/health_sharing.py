"""The report of the health checks, for many who ask at once."""

import asyncio
from collections.abc import Callable

from reference.production.serving.health import HealthChecker, HealthReport


class SharedReport:
    """Runs the checks for all who ask at the same time, and again after ``seconds``.

    However often clients ask, what is checked is asked about once a second.
    """

    def __init__(
        self, checker: HealthChecker, clock: Callable[[], float], seconds: float = 1.0
    ) -> None:
        self._checker = checker
        self._clock = clock
        self._seconds = seconds
        self._kept: tuple[float, HealthReport] | None = None
        self._running: asyncio.Task[HealthReport] | None = None

    async def get(self) -> HealthReport:
        """Return the last report, or a new one where that is too old."""
        if self._kept is not None and self._clock() - self._kept[0] < self._seconds:
            return self._kept[1]
        loop = asyncio.get_running_loop()
        running = self._running
        # Tests run one application in several event loops, one after the other.
        if running is None or running.get_loop() is not loop:
            running = self._running = loop.create_task(self._run())
        # Who leaves does not take the report from the others.
        return await asyncio.shield(running)

    async def _run(self) -> HealthReport:
        try:
            report = await self._checker.run_all()
            self._kept = self._clock(), report
            return report
        finally:
            self._running = None
