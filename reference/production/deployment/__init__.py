"""Deployment: signed model files, versions that survive crashes, canary releases.

The health checks and the graceful shutdown of ``reference.production.serving`` can be
imported from here as well; they are loaded when first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from reference.production.deployment.canary import CanaryRouter
from reference.production.deployment.formats import ModelFormat
from reference.production.deployment.onnx_format import OnnxModel
from reference.production.deployment.serializer import (
    ModelMetadata,
    ModelSerializer,
    VerifiedModel,
    load_pytorch_model,
    load_sklearn_model,
)
from reference.production.deployment.versions import ModelVersionManager
from reference.production.files import IntegrityError

if TYPE_CHECKING:
    from reference.production.serving.health import HealthChecker, HealthCheckResult
    from reference.production.serving.shutdown import GracefulShutdown

__all__ = [
    "CanaryRouter",
    "GracefulShutdown",
    "HealthCheckResult",
    "HealthChecker",
    "IntegrityError",
    "ModelFormat",
    "ModelMetadata",
    "ModelSerializer",
    "ModelVersionManager",
    "OnnxModel",
    "VerifiedModel",
    "load_pytorch_model",
    "load_sklearn_model",
]

_ELSEWHERE = {
    "HealthChecker": "reference.production.serving.health",
    "HealthCheckResult": "reference.production.serving.health",
    "GracefulShutdown": "reference.production.serving.shutdown",
}


def __getattr__(name: str) -> object:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_ELSEWHERE[name]), name)
    return value
