"""The application factory and its routes."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError

from reference.core.validation import describe, require
from reference.production.serving.inference import (
    Inference,
    Model,
    ServedModel,
    infer,
    ordered_row,
    serve,
)
from reference.production.serving.messages import (
    BatchPredictionRequest,
    BatchPredictionResponse,
    ComponentHealth,
    Health,
    ModelChoice,
    ModelInfo,
    ModelList,
    PredictionRequest,
    PredictionResponse,
    Problem,
    Status,
)
from reference.production.serving.transport import (
    BodyLimit,
    StrictJSONRoute,
    explain_invalid_request,
)

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
_Row = list[float] | dict[str, float]
_Responses = dict[int | str, dict[str, object]]


def create_app(
    models: Mapping[str, Model] | None = None,
    *,
    title: str = "ML Model API",
    version: str = "1.0.0",
    max_batch_size: int = 1000,
    max_body_bytes: int = 1_000_000,
    clock: Clock = time.monotonic,
) -> FastAPI:
    """Return an ASGI application that serves ``models``, the first by default.

    ``clock`` gives seconds and never goes back; latency and uptime come from it.
    Raises ``ValueError`` for a limit below one or a model that cannot be served.
    """
    require(max_batch_size >= 1, "max_batch_size", "at least 1", max_batch_size)
    require(max_body_bytes >= 1, "max_body_bytes", "at least 1", max_body_bytes)
    served = {name: serve(name, model) for name, model in (models or {}).items()}

    # A redirect to the path without a slash would be an answer outside the contract.
    app = FastAPI(title=title, version=version, redirect_slashes=False)
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)
    app.exception_handler(RequestValidationError)(explain_invalid_request)
    service = _Service(served, max_batch_size, clock, started=clock())
    app.include_router(_prediction_routes(service))
    app.include_router(_description_routes(service))
    return app


@dataclass(frozen=True)
class _Service:
    """What the routes share."""

    models: Mapping[str, ServedModel]
    max_batch_size: int
    clock: Clock
    started: float

    def find(self, name: str | None) -> ServedModel:
        """Return a model, the first one for no name; answer 404 if it is unknown."""
        if name is None:
            name = next(iter(self.models), None)
        if name is None:
            raise HTTPException(404, "no model is loaded")
        if name not in self.models:
            raise HTTPException(404, f"no model {describe(name)} is loaded")
        return self.models[name]

    def answer(self, choice: ModelChoice, rows: list[_Row]) -> BatchPredictionResponse:
        """Predict every row by the chosen model."""
        started = self.clock()
        if len(rows) > self.max_batch_size:
            limit = f"at most {self.max_batch_size} rows"
            raise HTTPException(422, f"features must be {limit}, got {len(rows)}")
        chosen = self.find(choice.chosen_model)
        inference = _guarded_inference(chosen, rows)
        seconds = self.clock() - started
        info = chosen.info
        return BatchPredictionResponse(
            predictions=inference.predictions,
            probabilities=inference.probabilities,
            model_name=info.model_id,
            model_id=info.model_id,
            model_type=info.model_type,
            request_id=choice.request_id,
            latency_ms=seconds * 1e3,
            processing_time=seconds,
            timestamp=datetime.now(UTC),
        )


def _guarded_inference(chosen: ServedModel, rows: list[_Row]) -> Inference:
    """Run the model: wrong rows are the client's fault, all that follows is ours."""
    try:
        matrix = np.array(
            [
                ordered_row(row, chosen.info, f"features of row {number}")
                for number, row in enumerate(rows)
            ]
        )
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    try:
        return infer(chosen.model, matrix)
    except Exception as error:
        logger.exception("model %s failed", chosen.info.model_id)
        raise HTTPException(500, "the model failed to predict") from error


def _prediction_routes(service: _Service) -> APIRouter:
    router = APIRouter(
        route_class=StrictJSONRoute,
        tags=["predictions"],
        responses=_problems(
            {
                404: "The model is not loaded.",
                413: "The body is too large.",
                415: "The body is not `application/json`.",
                422: "The body is not strict JSON, not of this schema, or does not "
                "fit the model.",
                500: "The model failed.",
            }
        ),
    )

    # Routes by plain `def` run in worker threads: a slow model blocks no one else.
    @router.post("/predict")
    def predict(request: PredictionRequest) -> PredictionResponse:
        """Predict one row."""
        answer = service.answer(request, [request.features])
        confidence = None
        if answer.probabilities is not None:
            confidence = max(answer.probabilities[0])
        return PredictionResponse(
            **dict(answer), prediction=answer.predictions[0], confidence=confidence
        )

    limit = f"Predict several rows, at most {service.max_batch_size}."

    @router.post("/predict/batch", description=limit)
    def predict_batch(request: BatchPredictionRequest) -> BatchPredictionResponse:
        return service.answer(request, request.features)

    return router


def _description_routes(service: _Service) -> APIRouter:
    router = APIRouter(tags=["service"])

    @router.get("/models")
    def list_models() -> ModelList:
        """List the loaded models."""
        return ModelList(models=[served.info for served in service.models.values()])

    # "4XX" keeps FastAPI from documenting a 422 of another shape.
    unknown = _problems({404: "It is not loaded.", "4XX": "The request is wrong."})

    @router.get("/models/{model_id}", responses=unknown)
    def describe_model(model_id: str) -> ModelInfo:
        """Describe one model."""
        return service.find(model_id).info

    @router.get("/health")
    def health() -> Health:
        """Tell whether there is anything to serve; always 200 while we can answer."""
        loaded = len(service.models)
        status: Status = "healthy" if loaded else "degraded"
        return Health(
            status=status,
            models_loaded=loaded,
            timestamp=datetime.now(UTC),
            uptime_seconds=service.clock() - service.started,
            components={
                "models": ComponentHealth(status=status, message=f"{loaded} loaded")
            },
        )

    return router


def _problems(meanings: Mapping[int | str, str]) -> _Responses:
    return {
        status: {"model": Problem, "description": meaning}
        for status, meaning in meanings.items()
    }
