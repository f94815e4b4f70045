"""The routes that predict: one row, several rows, one row told in stages."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from reference.production.serving.catalogue import Chosen
from reference.production.serving.inference import ordered_row
from reference.production.serving.messages import (
    BatchPredictionRequest,
    BatchPredictionResponse,
    ModelChoice,
    PredictionRequest,
    PredictionResponse,
    PredictionStage,
    Stage,
)
from reference.production.serving.predictor import (
    ModelFailedError,
    OverloadedError,
    Prediction,
)
from reference.production.serving.routes.problems import (
    AT_THE_DOOR,
    failure,
    problems,
)
from reference.production.serving.service import Service
from reference.production.serving.transport import DirectJSONRoute

NDJSON = "application/x-ndjson"

_Row = list[float] | dict[str, float]


def prediction_routes(service: Service, *, document_all: bool = False) -> APIRouter:
    """Return the routes; OpenAPI lists the stream only where it shall list all."""
    router = APIRouter(
        route_class=DirectJSONRoute,
        tags=["predictions"],
        responses=problems(
            {
                404: "The model is not loaded.",
                408: "The body did not arrive in time.",
                413: "The body is too large.",
                415: "The body is not `application/json`.",
                422: "The body is not strict JSON, not of this schema, or does not "
                "fit the model.",
                500: "The model failed.",
                504: "The model took too long.",
            }
        )
        | AT_THE_DOOR,
    )

    @router.post("/predict")
    async def predict(body: PredictionRequest, request: Request) -> PredictionResponse:
        """Predict one row."""
        return await _one(service, body, request)

    limit = f"Predict several rows, at most {service.max_batch_size}."

    @router.post("/predict/batch", description=limit)
    async def predict_batch(
        body: BatchPredictionRequest, request: Request
    ) -> BatchPredictionResponse:
        return await _many(service, body, request)

    @router.post(
        "/predict/stream",
        response_class=Response,
        include_in_schema=document_all,
        responses={
            200: {
                "description": "Lines of JSON, each a `PredictionStage`.",
                "content": {NDJSON: {"schema": {"type": "string"}}},
            }
        },
    )
    async def predict_stream(body: PredictionRequest, request: Request) -> Response:
        """Predict one row, and tell how far it has come, one JSON object a line."""
        chosen = _chosen(service, body, request)
        # What is wrong with the row is a plain 422, before anything is streamed.
        row = _fitting(body.features, chosen, 0)
        # Handed in now: a reload meanwhile closes the model to what comes later.
        prediction = asyncio.create_task(chosen.row(row))
        return StreamingResponse(
            _stages(service, body, chosen, prediction), media_type=NDJSON
        )

    return router


async def _one(
    service: Service, body: PredictionRequest, request: Request
) -> PredictionResponse:
    started = service.clock()
    chosen = _chosen(service, body, request)
    row = _fitting(body.features, chosen, 0)
    try:
        prediction = await chosen.row(row)
    except (ModelFailedError, OverloadedError) as error:
        raise failure(error) from error
    return _answer(service, body, chosen, prediction, started)


async def _many(
    service: Service, body: BatchPredictionRequest, request: Request
) -> BatchPredictionResponse:
    started = service.clock()
    count = len(body.features)
    if count > service.max_batch_size:
        limit = f"at most {service.max_batch_size} rows"
        raise HTTPException(422, f"features must be {limit}, got {count}")
    chosen = _chosen(service, body, request)
    rows = [_fitting(row, chosen, number) for number, row in enumerate(body.features)]
    try:
        inference = await chosen.rows(rows)
    except (ModelFailedError, OverloadedError) as error:
        raise failure(error) from error
    seconds = max(0.0, service.clock() - started)
    info = chosen.info
    return BatchPredictionResponse(
        predictions=inference.predictions,
        probabilities=inference.probabilities,
        model_name=info.model_id,
        model_id=info.model_id,
        model_type=info.model_type,
        model_version=info.version,
        request_id=body.request_id,
        latency_ms=seconds * 1e3,
        processing_time=seconds,
        timestamp=datetime.now(UTC),
    )


async def _stages(
    service: Service,
    body: PredictionRequest,
    chosen: Chosen,
    pending: "asyncio.Task[Prediction]",
) -> AsyncIterator[bytes]:
    def line(
        stage: Stage,
        result: PredictionResponse | None = None,
        detail: str | None = None,
    ) -> bytes:
        told = PredictionStage(
            stage=stage,
            model_name=chosen.info.model_id,
            request_id=body.request_id,
            result=result,
            detail=detail,
        )
        return told.model_dump_json().encode() + b"\n"

    started = service.clock()
    try:
        yield line("received")
        yield line("predicting")
        prediction = await pending
    except (ModelFailedError, OverloadedError) as error:
        yield line("failed", detail=str(failure(error).detail))
    else:
        result = _answer(service, body, chosen, prediction, started)
        yield line("completed", result=result)
    finally:
        pending.cancel()


def _chosen(service: Service, body: ModelChoice, request: Request) -> Chosen:
    """Return the model that was asked for, in the version for this client."""
    serving = service.find(body.chosen_model)
    if serving.router is None:
        return serving.pick("")
    client = request.headers.get("x-client-id")
    address = request.client.host if request.client else ""
    return serving.pick(address if client is None else client)


def _fitting(row: _Row, chosen: Chosen, number: int) -> list[float]:
    try:
        return ordered_row(row, chosen.info, f"features of row {number}")
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


def _answer(
    service: Service,
    body: PredictionRequest,
    chosen: Chosen,
    prediction: Prediction,
    started: float,
) -> PredictionResponse:
    seconds = max(0.0, service.clock() - started)
    chances = prediction.probabilities
    info = chosen.info
    return PredictionResponse(
        prediction=prediction.label,
        confidence=None if chances is None else max(chances),
        predictions=[prediction.label],
        probabilities=None if chances is None else [chances],
        model_name=info.model_id,
        model_id=info.model_id,
        model_type=info.model_type,
        model_version=info.version,
        request_id=body.request_id,
        latency_ms=seconds * 1e3,
        processing_time=seconds,
        timestamp=datetime.now(UTC),
    )
