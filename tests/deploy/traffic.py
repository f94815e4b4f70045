"""A bounded load on a running service, and what it met, answer by answer."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import httpx

PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """What one request met; ``sent`` and ``received`` are times of the event loop.

    ``version`` and ``prediction`` are None where the status is not 200.
    """

    key: str
    value: float
    sent: float
    received: float
    status: int
    version: str | None
    prediction: float | None


class Load:
    """``clients`` that ask one request after the other, for keys and values in turn."""

    def __init__(self, url: str, keys: Sequence[str], values: Sequence[float]) -> None:
        self.answers: list[Answer] = []
        self.service = httpx.AsyncClient(
            base_url=url, timeout=PATIENCE, limits=httpx.Limits(max_connections=50)
        )
        # Keys outermost, so that each of them meets every value.
        self._turns = itertools.cycle(itertools.product(values, keys))
        self._more = asyncio.Condition()
        self._stop = False

    @classmethod
    @asynccontextmanager
    async def on(
        cls,
        url: str,
        *,
        keys: Sequence[str] = ("",),
        values: Sequence[float] = (1.0, 2.0, 3.0),
        clients: int = 8,
    ) -> AsyncIterator[Self]:
        """Load the service while the block runs; then let every request finish."""
        load = cls(url, keys, values)
        async with load.service:
            asking = [asyncio.create_task(load._ask()) for _ in range(clients)]
            try:
                yield load
            finally:
                load._stop = True
                await asyncio.gather(*asking)

    async def until(self, holds: Callable[[list[Answer]], bool]) -> None:
        """Wait until it holds for the answers so far."""
        async with asyncio.timeout(PATIENCE), self._more:
            await self._more.wait_for(lambda: holds(self.answers))

    async def more(self, count: int) -> None:
        """Wait for so many further answers."""
        wanted = len(self.answers) + count
        await self.until(lambda answers: len(answers) >= wanted)

    async def _ask(self) -> None:
        clock = asyncio.get_running_loop().time
        while not self._stop:
            value, key = next(self._turns)
            sent = clock()
            response = await self.service.post(
                "/predict", json={"features": [value]}, headers={"x-client-id": key}
            )
            body = response.json()
            self.answers.append(
                Answer(
                    key,
                    value,
                    sent,
                    clock(),
                    response.status_code,
                    body.get("model_version"),
                    body.get("prediction"),
                )
            )
            async with self._more:
                self._more.notify_all()
