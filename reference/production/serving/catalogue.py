"""The models that are served at one moment: never changed, only replaced as a whole."""

import asyncio
from collections.abc import Iterable, Iterator

from reference.core.validation import describe
from reference.production.deployment.canary import CanaryRouter
from reference.production.serving.inference import Inference
from reference.production.serving.instruments import ModelState
from reference.production.serving.messages import ModelInfo
from reference.production.serving.predictor import (
    ModelFailedError,
    Prediction,
    Predictor,
)


class UnknownModelError(LookupError):
    """No model has that name."""


class Serving:
    """A model by its name: the stable version, and perhaps a canary beside it.

    ``pick`` chooses between the two by a key, so that one client always meets the same
    version. The canary's failures end its trial as ``CanaryRouter`` describes.
    """

    def __init__(
        self,
        stable: Predictor,
        canary: Predictor | None = None,
        router: CanaryRouter | None = None,
    ) -> None:
        self.stable = stable
        self.canary = canary
        self.router = router

    @property
    def info(self) -> ModelInfo:
        """The description of the stable version."""
        if self.router is None or self.router.rolled_back:
            return self.stable.info
        return self.stable.info.model_copy(update={"canary": self.router.canary})

    @property
    def predictors(self) -> list[Predictor]:
        """The stable version, and the canary if there is one."""
        return [self.stable] if self.canary is None else [self.stable, self.canary]

    @property
    def state(self) -> ModelState:
        """What the metrics say about it."""
        ended = self.router is not None and self.router.rolled_back
        share = 0.0 if self.router is None or ended else self.router.share
        versions = tuple(one.info.version or "" for one in self.predictors)
        return ModelState(self.stable.info.model_id, versions, share, ended)

    def pick(self, key: str) -> "Chosen":
        """Return the version that answers the holder of ``key``."""
        if self.router is None or self.canary is None:
            return Chosen(self.stable, None)
        version = self.router.route(key)
        predictor = self.canary if version == self.router.canary else self.stable
        return Chosen(predictor, self.router)


class Chosen:
    """One version for one request; what it does is reported to the canary's test."""

    def __init__(self, predictor: Predictor, router: CanaryRouter | None) -> None:
        self.predictor = predictor
        self.info = predictor.info
        self._router = router

    async def row(self, row: list[float]) -> Prediction:
        """Predict one row; raises as ``Predictor.row`` does."""
        try:
            prediction = await self.predictor.row(row)
        except ModelFailedError:
            self._report(error=True)
            raise
        self._report(error=False)
        return prediction

    async def rows(self, rows: list[list[float]]) -> Inference:
        """Predict many rows; raises as ``Predictor.rows`` does."""
        try:
            inference = await self.predictor.rows(rows)
        except ModelFailedError:
            self._report(error=True)
            raise
        self._report(error=False)
        return inference

    def _report(self, *, error: bool) -> None:
        if self._router is not None and self.info.version is not None:
            self._router.record(self.info.version, error)


class Catalogue:
    """Models by name, in order; the first is the default."""

    def __init__(self, servings: Iterable[Serving] = ()) -> None:
        self._servings = {serving.stable.info.model_id: serving for serving in servings}

    def __len__(self) -> int:
        return len(self._servings)

    def __iter__(self) -> Iterator[Serving]:
        return iter(self._servings.values())

    def find(self, name: str | None) -> Serving:
        """Return a model, the first one for no name; raises ``UnknownModelError``."""
        if name is None:
            name = next(iter(self._servings), None)
        if name is None:
            raise UnknownModelError("no model is loaded")
        if name not in self._servings:
            raise UnknownModelError(f"no model {describe(name)} is loaded")
        return self._servings[name]

    @property
    def infos(self) -> list[ModelInfo]:
        """The descriptions of all models."""
        return [serving.info for serving in self]

    @property
    def states(self) -> list[ModelState]:
        """What the metrics say about all models."""
        return [serving.state for serving in self]

    @property
    def queued(self) -> int:
        """How many rows wait for any of them."""
        return sum(one.queued for one in self._predictors)

    @property
    def stuck(self) -> int:
        """How many calls of any of them were given up and still hang."""
        return sum(one.stuck for one in self._predictors)

    @property
    def _predictors(self) -> list[Predictor]:
        return [one for serving in self for one in serving.predictors]

    async def close(self) -> None:
        """Answer what waits."""
        await asyncio.gather(*(one.close() for one in self._predictors))
