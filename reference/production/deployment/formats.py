"""A model to bytes and back, for each format.

``load`` of pickle and joblib runs what the bytes say: callers verify the bytes first.
"""

import io
import pickle
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from reference.core.validation import require_one_of
from reference.production.deployment.onnx_format import (
    OnnxModel,
    dump_onnx,
    is_torch_module,
    require_module,
)

if TYPE_CHECKING:
    import torch

# A class of modules, or a function that builds one where the class takes arguments.
ModuleBuilder = Callable[[], "torch.nn.Module"]


class ModelFormat(StrEnum):
    """How a model is written; each is equal to its text."""

    PICKLE = "pickle"
    JOBLIB = "joblib"
    PYTORCH = "pytorch"
    ONNX = "onnx"


def as_format(format: str) -> ModelFormat:  # noqa: A002 - the documents' name
    """Return the format of that name."""
    if not isinstance(format, str):
        raise TypeError(f"format must be text, got {format!r}")
    require_one_of("format", str(format), [known.value for known in ModelFormat])
    return ModelFormat(format)


def dump(
    model: object,
    format: ModelFormat,  # noqa: A002 - the documents' name
    example_inputs: Sequence[object] | None = None,
) -> bytes:
    """Return the bytes of ``model``.

    Raises ``TypeError`` for a model that the format cannot hold, and whatever the model
    itself raises when it is written.
    """
    if format is ModelFormat.ONNX:
        return dump_onnx(model, example_inputs)
    if format is ModelFormat.PYTORCH:
        return _dump_torch(model)
    if format is ModelFormat.JOBLIB:
        buffer = io.BytesIO()
        require_module("joblib", "joblib").dump(model, buffer)
        return buffer.getvalue()
    return pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL)


def load(
    payload: bytes,
    format: ModelFormat,  # noqa: A002 - the documents' name
    model_class: ModuleBuilder | None = None,
) -> object:
    """Return the model that ``dump`` wrote; ``payload`` must be trusted.

    ``model_class`` builds the module that takes a PyTorch state, and is for that format
    alone; the module comes back on the CPU and in evaluation mode.
    """
    if format is ModelFormat.PYTORCH:
        return _load_torch(payload, model_class)
    if format is ModelFormat.ONNX:
        return OnnxModel(payload)
    if format is ModelFormat.JOBLIB:
        return require_module("joblib", "joblib").load(io.BytesIO(payload))
    return pickle.loads(payload)  # noqa: S301 - verified by the caller


def _dump_torch(model: object) -> bytes:
    if not is_torch_module(model):
        raise TypeError(
            f"model must be a torch.nn.Module for pytorch, got {type(model).__name__}"
        )
    torch = require_module("torch", "torch")
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    payload = buffer.getvalue()
    try:
        _torch_state(payload)  # what could not be read back is refused now
    except pickle.UnpicklingError as error:
        raise TypeError("model must have a state of tensors and plain data") from error
    return payload


def _load_torch(payload: bytes, model_class: ModuleBuilder | None) -> object:
    if model_class is None:
        raise ValueError(
            "model_class must be given for a PyTorch model: the file has its state only"
        )
    module = model_class()
    if not is_torch_module(module):
        raise TypeError(
            f"model_class must build a torch.nn.Module, got {type(module).__name__}"
        )
    try:
        module.load_state_dict(_torch_state(payload))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"model_class must fit the saved state, got {type(module).__name__}: "
            f"{reason}"
        ) from error
    return module.eval()


def _torch_state(payload: bytes) -> dict[str, object]:
    torch = require_module("torch", "torch")
    state: dict[str, object] = torch.load(
        io.BytesIO(payload), map_location="cpu", weights_only=True
    )
    return state
