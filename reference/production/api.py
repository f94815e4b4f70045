"""The service by the documents' name: ``uvicorn reference.production.api:app``.

All of it is defined in ``reference.production.serving``.
"""

from typing import TYPE_CHECKING

from reference.production import serving
from reference.production.deployment import (
    ModelMetadata,
    load_pytorch_model,
    load_sklearn_model,
)
from reference.production.serving import (
    BatchPredictionRequest,
    ModelCache,
    PredictionRequest,
    PredictionResponse,
    create_app,
)
from reference.production.serving.chat.messages import ChatMessage, ChatRequest

if TYPE_CHECKING:
    from fastapi import FastAPI

    app: FastAPI

__all__ = [
    "BatchPredictionRequest",
    "ChatMessage",
    "ChatRequest",
    "ModelCache",
    "ModelMetadata",
    "PredictionRequest",
    "PredictionResponse",
    "create_app",
    "load_pytorch_model",
    "load_sklearn_model",
]


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return serving.app
