"""Models from a registry on disk: one folder of versions for each model.

    MODEL_PATH/
        churn/            a folder of ``ModelVersionManager``; its active version serves
            canary.json   optional: {"version": "7", "share": 0.1}
        revenue/

Every file is signed and verified before anything in it is unpickled, at each reading
anew, also where the model is loaded already. Where a model was
registered with its name, ``ModelVersionManager(folder, name="churn")``, its files serve
in that folder only. Models are served in the order of their names, so the first of them
is the default.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from reference.core.validation import Array, describe
from reference.production.deployment import (
    CanaryRouter,
    ModelMetadata,
    ModelVersionManager,
)
from reference.production.serving.catalogue import Catalogue, Serving
from reference.production.serving.inference import Model, ServedModel, serve
from reference.production.serving.model_cache import ModelCache
from reference.production.serving.predictor import Predictor
from reference.production.serving.service import RegistryError

CANARY_FILE = "canary.json"


class CanaryConfiguration(BaseModel):
    """What ``canary.json`` says; the rates are those of ``CanaryRouter``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: str
    share: float = Field(default=0.1, ge=0, le=1)
    acceptable_error_rate: float = Field(default=0.01, gt=0, lt=1)
    harmful_error_rate: float = Field(default=0.05, gt=0, lt=1)
    alpha: float = Field(default=0.01, gt=0, lt=1)


class ModelRegistry:
    """Reads the folder of models; each file is loaded once, as long as it is the same.

    ``make_predictor`` turns a checked model into what serves it. At most ``max_models``
    loaded models are remembered from one reading to the next.
    """

    def __init__(
        self,
        path: str | Path,
        make_predictor: Callable[[ServedModel], Predictor],
        max_models: int = 64,
    ) -> None:
        self.path = Path(path)
        self._make_predictor = make_predictor
        self._cache: ModelCache[ServedModel] = ModelCache(max_models)
        self._routers: dict[str, tuple[object, CanaryRouter]] = {}

    def load(self) -> Catalogue:
        """Return what the registry holds now.

        Raises ``RegistryError`` in one line where it holds nothing to serve, or
        something that is damaged, not signed by our key, or no model.
        """
        try:
            folders = sorted(
                folder for folder in self.path.iterdir() if folder.is_dir()
            )
            servings = [self._serving(folder) for folder in folders]
        except RegistryError:
            raise
        except (Exception, SystemExit) as error:
            # Whatever a model raises while it is unpickled is a fault of the registry.
            raise RegistryError(f"{self.path}: {_one_line(error)}") from error
        found = [serving for serving in servings if serving is not None]
        if not found:
            raise RegistryError(f"{self.path}: no model has an active version")
        return Catalogue(found)

    def _serving(self, folder: Path) -> Serving | None:
        manager = ModelVersionManager(folder)
        active = manager.active
        if active is None:
            return None
        stable = self._make_predictor(self._served(manager, active))
        configuration = _canary(folder)
        if configuration is None or configuration.version == active:
            return Serving(stable)
        trial = self._make_predictor(self._served(manager, configuration.version))
        if trial.info.n_features != stable.info.n_features:
            expected, given = stable.info.n_features, trial.info.n_features
            raise RegistryError(
                f"{folder.name}: the canary must take {expected} features like the "
                f"active version, got {given}"
            )
        return Serving(stable, trial, self._router(folder.name, active, configuration))

    def _served(self, manager: ModelVersionManager, version: str) -> ServedModel:
        name = manager.base_path.name
        verified = manager.open(version)
        metadata = verified.metadata or ModelMetadata()
        if metadata.name not in {"", name}:
            raise RegistryError(f"{name}: holds a file of model {metadata.name}")

        def load() -> ServedModel:
            loaded = verified.unpack()
            recorded: Mapping[str, JsonValue] = {
                name: value for name, value in _plain(asdict(metadata)).items() if value
            }
            return serve(
                name,
                as_model(loaded, metadata.features),
                version=version,
                metadata=recorded,
                model_type=type(loaded).__name__,
                digest=verified.digest,
            )

        return self._cache.get_or_load(f"{name}@{version}@{verified.digest}", load)

    def _router(
        self, name: str, active: str, configuration: CanaryConfiguration
    ) -> CanaryRouter:
        """Keep the counts of a trial that goes on unchanged over a reload."""
        terms = (active, configuration)
        known = self._routers.get(name)
        if known is not None and known[0] == terms:
            return known[1]
        router = CanaryRouter(
            active,
            configuration.version,
            configuration.share,
            acceptable_error_rate=configuration.acceptable_error_rate,
            harmful_error_rate=configuration.harmful_error_rate,
            alpha=configuration.alpha,
            salt=name,
        )
        self._routers[name] = (terms, router)
        return router


@runtime_checkable
class _Predicts(Protocol):
    def predict(self, features: Array, /) -> ArrayLike: ...


@runtime_checkable
class _TellsWidth(_Predicts, Protocol):
    @property
    def n_features(self) -> int: ...


class _Estimator:
    """A model that tells its width in another way, as scikit-learn's do."""

    def __init__(
        self, estimator: _Predicts, n_features: int, names: Sequence[str] | None
    ) -> None:
        self.estimator = estimator
        self.n_features = n_features
        self.feature_names = names
        self.predict = estimator.predict
        # Only where the estimator has them: their presence is what tells a classifier.
        for name in ("predict_proba", "classes_"):
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))


def as_model(loaded: object, features: Sequence[str] = ()) -> Model:
    """Return what was loaded as a ``Model``; ``features`` are its recorded names.

    The width is taken from ``n_features``, ``n_features_in_`` or the number of names.
    Raises ``RegistryError`` where it cannot predict or does not tell its width.
    """
    if not isinstance(loaded, _Predicts):
        raise RegistryError(f"a model must have predict, got {describe(loaded)}")
    if isinstance(loaded, _TellsWidth):
        return loaded
    names = [str(name) for name in getattr(loaded, "feature_names_in_", features)]
    width = getattr(loaded, "n_features_in_", len(names))
    if not isinstance(width, int | np.integer) or width < 1:
        kind = type(loaded).__name__
        raise RegistryError(f"a model must tell its n_features, {kind} does not")
    return _Estimator(loaded, int(width), names or None)


def _canary(folder: Path) -> CanaryConfiguration | None:
    file = folder / CANARY_FILE
    if not file.exists():
        return None
    try:
        return CanaryConfiguration.model_validate_json(file.read_bytes())
    except ValidationError as error:
        [first, *_] = error.errors()
        place = ".".join(map(str, first["loc"])) or "content"
        raise RegistryError(f"{file}: {place}: {first['msg']}") from error


def _plain(record: Mapping[str, object]) -> dict[str, JsonValue]:
    plain: dict[str, JsonValue] = json.loads(json.dumps(record, default=dict))
    return plain


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
