"""Serve models over HTTP.

``create_app`` gives an ASGI application for given models. ``app`` is the application
that the settings in the environment ask for, two small examples without any:
``uvicorn reference.production.serving:app``. It is made when it is first asked for, so
that importing this package trains and reads nothing.
"""

import threading
from typing import TYPE_CHECKING

from reference.production.serving.application import create_app
from reference.production.serving.batching import QueueFull, RequestBatcher
from reference.production.serving.health import HealthChecker, HealthCheckResult
from reference.production.serving.inference import Model
from reference.production.serving.messages import (
    BatchPredictionRequest,
    PredictionRequest,
    PredictionResponse,
)
from reference.production.serving.metrics import MetricsRegistry
from reference.production.serving.model_cache import ModelCache
from reference.production.serving.predictor import Batching
from reference.production.serving.rate_limit import Decision, RateLimiter
from reference.production.serving.shutdown import GracefulShutdown, ShutdownReport

if TYPE_CHECKING:
    from fastapi import FastAPI

    app: FastAPI

__all__ = [
    "BatchPredictionRequest",
    "Batching",
    "Decision",
    "GracefulShutdown",
    "HealthCheckResult",
    "HealthChecker",
    "MetricsRegistry",
    "Model",
    "ModelCache",
    "PredictionRequest",
    "PredictionResponse",
    "QueueFull",
    "RateLimiter",
    "RequestBatcher",
    "ShutdownReport",
    "create_app",
]

_making = threading.Lock()


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reference.production.serving.logs import configure_logging
    from reference.production.serving.production import make_app
    from reference.production.serving.service import RegistryError
    from reference.production.serving.settings import SettingsError, read_settings

    with _making:
        if "app" not in globals():
            try:
                settings = read_settings()
                configure_logging(settings.log_level)
                globals()["app"] = make_app(settings)
            except (SettingsError, RegistryError) as error:
                # Whoever asks for `app` is about to serve it: one line, no traceback.
                raise SystemExit(f"error: {error}") from error
        return globals()["app"]
