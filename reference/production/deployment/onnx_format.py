"""Models as ONNX graphs: written from scikit-learn or PyTorch, run by onnxruntime.

The graphs compute in float32, as the converters' operators do. Answers differ from a
float64 model by rounding, and where a feature lies within rounding of a tree's
threshold, by the branch.
"""

import copy
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import torch

_DTYPES = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


def require_module(name: str, package: str) -> ModuleType:
    """Import ``name``; where it is missing, say which ``package`` has it."""
    try:
        return import_module(name)
    except ImportError as error:
        message = f"format needs the package {package}, which cannot be imported"
        raise ImportError(f"{message}: {error}", name=name) from error


class OnnxModel:
    """An ONNX graph behind ``predict``; ``payload`` is its serialized ``ModelProto``.

    Inputs are converted to the types that the graph asks for. Thread-safe, as an
    onnxruntime session is.
    """

    def __init__(self, payload: bytes) -> None:
        onnxruntime = require_module("onnxruntime", "onnxruntime")
        self.payload = payload
        self._session = onnxruntime.InferenceSession(
            payload, providers=["CPUExecutionProvider"]
        )
        self._inputs = {
            entry.name: _DTYPES.get(entry.type) for entry in self._session.get_inputs()
        }
        self.outputs = tuple(entry.name for entry in self._session.get_outputs())

    def run(self, *inputs: ArrayLike) -> list[NDArray[np.generic]]:
        """Return every output of the graph, in the order of ``outputs``."""
        if len(inputs) != len(self._inputs):
            names = ", ".join(self._inputs)
            raise ValueError(
                f"inputs must be {len(self._inputs)} ({names}), got {len(inputs)}"
            )
        feed = {
            name: np.asarray(value, dtype=dtype)
            for (name, dtype), value in zip(self._inputs.items(), inputs, strict=True)
        }
        answers: list[NDArray[np.generic]] = self._session.run(None, feed)
        return answers

    def predict(self, *inputs: ArrayLike) -> NDArray[np.generic]:
        """Return the graph's first output: labels, values or a module's output.

        A regressor's column of shape (n, 1) becomes (n,), as scikit-learn has it.
        """
        answer = self.run(*inputs)[0]
        column = answer.ndim == 2 and answer.shape[1] == 1
        return answer[:, 0] if column and self.outputs[0] == "variable" else answer

    def predict_proba(self, *inputs: ArrayLike) -> NDArray[np.generic]:
        """Return the probabilities of a classifier, shape (n, classes)."""
        if "probabilities" not in self.outputs:
            raise AttributeError("this graph has no output named probabilities")
        return self.run(*inputs)[self.outputs.index("probabilities")]


def dump_onnx(model: object, example_inputs: Sequence[object] | None) -> bytes:
    """Return the serialized graph of a scikit-learn model, a module or an OnnxModel.

    ``example_inputs``: the arguments of one call of a module, each with the batch as
    its first axis; scikit-learn models know their number of features.
    Raises ``TypeError`` for a model that has no conversion.
    """
    if isinstance(model, OnnxModel):
        return model.payload
    if is_torch_module(model):
        return _from_torch(model, example_inputs)
    if not hasattr(model, "n_features_in_") or not hasattr(model, "get_params"):
        raise TypeError(
            "model must be a fitted scikit-learn model or a PyTorch module for onnx, "
            f"got {type(model).__name__}"
        )
    return _from_sklearn(model, int(model.n_features_in_))


def is_torch_module(model: object) -> "TypeGuard[torch.nn.Module]":
    """Whether ``model`` is a PyTorch module; imports nothing to find out."""
    torch = sys.modules.get("torch")  # there is no module without it
    return torch is not None and isinstance(model, torch.nn.Module)


def _from_sklearn(model: object, features: int) -> bytes:
    skl2onnx = require_module("skl2onnx", "skl2onnx")
    types = require_module("skl2onnx.common.data_types", "skl2onnx")
    errors = require_module("skl2onnx.common.exceptions", "skl2onnx")
    classifier = hasattr(model, "classes_")
    try:
        graph = skl2onnx.to_onnx(
            model,
            initial_types=[("features", types.FloatTensorType([None, features]))],
            # plain arrays of probabilities rather than a dictionary for each row
            options={"zipmap": False} if classifier else None,
        )
    except (errors.MissingConverter, errors.MissingShapeCalculator) as error:
        kind = type(model).__name__
        raise TypeError(
            f"model must have a conversion in skl2onnx, got {kind}"
        ) from error
    payload: bytes = graph.SerializeToString()
    return payload


def _from_torch(
    model: "torch.nn.Module", example_inputs: Sequence[object] | None
) -> bytes:
    torch = require_module("torch", "torch")
    require_module("onnxscript", "onnxscript")
    if not example_inputs:
        raise ValueError(
            "example_inputs must be the arguments of one call of the module, "
            f"got {example_inputs!r}"
        )
    batch = {0: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        copy.deepcopy(model).eval(),  # as it serves; the caller's stays as it is
        tuple(example_inputs),
        dynamo=True,
        verbose=False,
        dynamic_shapes=tuple(batch for _ in example_inputs),
    )
    payload: bytes = program.model_proto.SerializeToString()
    return payload
