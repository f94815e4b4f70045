"""From validated rows to predictions: the models, and what is checked around them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from pydantic import JsonValue

from reference.core.validation import Array, as_matrix, describe, require
from reference.production.serving.messages import ModelInfo

# A probability may leave [0, 1] by rounding, in float32 by some 1e-7.
_ROUNDING = 1e-6


class Model(Protocol):
    """What can be served.

    A model may also have ``feature_names`` and ``predict_proba``. Requests call it
    from several threads at once, so predicting must not change its state.
    """

    @property
    def n_features(self) -> int:
        """Number of columns that ``predict`` takes, at least one."""

    def predict(self, features: Array, /) -> ArrayLike:
        """Map float64 of shape ``(n, n_features)`` to ``n`` finite numbers or words."""


@runtime_checkable
class _HasNames(Protocol):
    feature_names: Sequence[str] | None


@runtime_checkable
class _HasProbabilities(Protocol):
    def predict_proba(self, features: Array, /) -> ArrayLike: ...


@dataclass(frozen=True)
class ServedModel:
    """A model with its description, which was checked once, when it was loaded."""

    model: Model
    info: ModelInfo
    # SHA-256 of the file that it came from; empty where it came from none.
    digest: str = ""


@dataclass(frozen=True)
class Inference:
    """Outcome for ``n`` rows; probabilities are ``(n, n_classes)``, each in [0, 1]."""

    predictions: list[int | float | str]
    probabilities: list[list[float]] | None


def serve(
    model_id: str,
    model: Model,
    *,
    version: str | None = None,
    metadata: Mapping[str, JsonValue] | None = None,
    model_type: str | None = None,
    digest: str = "",
) -> ServedModel:
    """Check and describe a model, of its own class where no ``model_type`` is given.

    Raises ``ValueError`` where the id cannot stand in a URL, ``n_features`` is not
    positive, or ``feature_names`` are not ``n_features`` different names.
    """
    usable = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", model_id) is not None
    require(usable, "models", "named by letters, digits and ._-", model_id)
    width = int(model.n_features)
    require(width >= 1, f"n_features of {model_id}", "at least 1", width)
    names = None
    if isinstance(model, _HasNames) and model.feature_names is not None:
        names = [str(name) for name in model.feature_names]
        fitting = len(names) == len(set(names)) == width
        argument = f"feature_names of {model_id}"
        require(fitting, argument, f"{width} different names", names)
    info = ModelInfo(
        model_id=model_id,
        model_type=type(model).__name__ if model_type is None else model_type,
        n_features=width,
        feature_names=names,
        n_classes=_number_of_classes(model),
        version=version,
        metadata=dict(metadata or {}),
    )
    return ServedModel(model, info, digest)


def _number_of_classes(model: Model) -> int | None:
    classes = getattr(model, "classes_", None)
    return None if classes is None else len(classes)


def ordered_row(
    row: list[float] | dict[str, float], info: ModelInfo, argument: str
) -> list[float]:
    """Return the features in the order of the model.

    Raises ``ValueError`` where their number or their names are not the model's.
    """
    if isinstance(row, list):
        width = info.n_features
        expected = f"{width} numbers for model {info.model_id}"
        if len(row) != width:
            raise ValueError(f"{argument} must be {expected}, got {len(row)}")
        return row
    if info.feature_names is None:
        raise ValueError(
            f"{argument} must be a list, model {info.model_id} has no feature names"
        )
    missing = [name for name in info.feature_names if name not in row]
    unknown = sorted(row.keys() - set(info.feature_names))
    if missing or unknown:
        raise ValueError(
            f"{argument} must name every feature of model {info.model_id} and no "
            f"other, missing {describe(missing)}, unknown {describe(unknown)}"
        )
    return [row[name] for name in info.feature_names]


def infer(model: Model, features: Array) -> Inference:
    """Run the model on ``(n, n_features)``.

    Raises what the model raises, and ``ValueError`` or ``TypeError`` where its
    output is not finite, not of the right shape or not a probability.
    """
    rows = len(features)
    predictions = _predictions(model.predict(features), rows)
    if not isinstance(model, _HasProbabilities):
        return Inference(predictions, None)
    return Inference(predictions, _probabilities(model.predict_proba(features), rows))


def _predictions(output: ArrayLike, rows: int) -> list[int | float | str]:
    array = np.asarray(output)
    require(array.shape == (rows,), "predictions", f"of shape ({rows},)", array)
    labels: list[int | float | str] = array.tolist()
    words = all(isinstance(label, str) for label in labels)
    numbers = array.dtype.kind in "biuf"
    require(words or numbers, "predictions", "numbers or words", array)
    sendable = all(_can_be_sent(label) for label in labels)
    require(sendable, "predictions", "text that UTF-8 can carry", array)
    finite = words or bool(np.isfinite(array).all())
    require(finite, "predictions", "finite", array)
    return labels


def _can_be_sent(label: int | float | str) -> bool:
    """Tell half of a surrogate pair, which is no text to others, from the rest."""
    if not isinstance(label, str):
        return True
    try:
        label.encode()
    except UnicodeEncodeError:
        return False
    return True


def _probabilities(output: ArrayLike, rows: int) -> list[list[float]]:
    array = as_matrix(output, "probabilities")
    shaped = array.shape[0] == rows and array.shape[1] >= 1
    require(shaped, "probabilities", f"of shape ({rows}, n_classes)", array)
    bounded = bool(((array >= -_ROUNDING) & (array <= 1 + _ROUNDING)).all())
    require(bounded, "probabilities", "between 0 and 1", array)
    clipped: list[list[float]] = array.clip(0, 1).tolist()
    return clipped
