"""What the routes share: the models of the moment, the limits, the clock."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import HTTPException

from reference.production.serving.catalogue import Catalogue, Serving, UnknownModelError
from reference.production.serving.health import HealthChecker
from reference.production.serving.health_sharing import SharedReport
from reference.production.serving.instruments import Instruments
from reference.production.serving.shutdown import GracefulShutdown

logger = logging.getLogger(__name__)

Clock = Callable[[], float]


class RegistryError(ValueError):
    """The registry cannot be served as it is."""


@dataclass
class Service:
    """State of one application.

    ``load`` reads the registry and gives a new catalogue, or raises ``RegistryError``;
    None where there is no registry.
    """

    catalogue: Catalogue
    instruments: Instruments
    shutdown: GracefulShutdown
    health: HealthChecker
    max_batch_size: int = 1000
    clock: Clock = time.monotonic
    load: Callable[[], Catalogue] | None = None
    started: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock, and see to the models at the end."""
        self.started = self.clock()
        self.report = SharedReport(self.health, self.clock)
        self.instruments.show_models(lambda: self.catalogue.states)
        self._reloading = asyncio.Lock()
        self._retired: set[asyncio.Task[None]] = set()
        self.shutdown.add_cleanup(self._close_models)

    def find(self, name: str | None) -> Serving:
        """Return a model, the first one for no name; answer 404 if it is unknown."""
        try:
            return self.catalogue.find(name)
        except UnknownModelError as error:
            raise HTTPException(404, str(error)) from error

    async def reload(self) -> Catalogue:
        """Read the registry anew and serve what it holds, all at once or not at all.

        Requests that found their model before are answered by it. Raises
        ``RegistryError`` where there is no registry, or it cannot be served.
        """
        if self.load is None:
            raise RegistryError("there is no registry: MODEL_PATH is not set")
        async with self._reloading:
            fresh = await asyncio.to_thread(self.load)
            old, self.catalogue = self.catalogue, fresh
        retirement = asyncio.create_task(old.close())
        self._retired.add(retirement)
        retirement.add_done_callback(self._retired.discard)
        logger.info("models reloaded")
        return fresh

    async def _close_models(self) -> None:
        await asyncio.gather(self.catalogue.close(), *self._retired)
