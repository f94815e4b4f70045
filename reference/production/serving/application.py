"""The application factory."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from reference.core.validation import require
from reference.production.serving.body_limit import BODY_SECONDS, BodyLimit
from reference.production.serving.catalogue import Catalogue, Serving
from reference.production.serving.health import HealthChecker
from reference.production.serving.inference import Model, serve
from reference.production.serving.instruments import Instruments
from reference.production.serving.middleware import Observation
from reference.production.serving.predictor import Batching, Predictor
from reference.production.serving.rate_limit import RateLimiter
from reference.production.serving.routes import (
    model_routes,
    operation_routes,
    prediction_routes,
)
from reference.production.serving.service import Clock, Service
from reference.production.serving.shutdown import GracefulShutdown
from reference.production.serving.transport import (
    explain_invalid_request,
    explain_refusal,
)


def create_app(
    models: Mapping[str, Model] | None = None,
    *,
    title: str = "ML Model API",
    version: str = "1.0.0",
    debug: bool = False,
    max_batch_size: int = 1000,
    max_body_bytes: int = 1_000_000,
    body_seconds: float = BODY_SECONDS,
    clock: Clock = time.monotonic,
    batching: Batching | None = None,
    load: Callable[[], Catalogue] | None = None,
    instruments: Instruments | None = None,
    limiter: RateLimiter | None = None,
    health: HealthChecker | None = None,
    shutdown: GracefulShutdown | None = None,
    notice: float | None = None,
    routers: tuple[APIRouter, ...] = (),
    document_all: bool = False,
) -> FastAPI:
    """Return an ASGI application that serves ``models``, the first by default.

    ``body_seconds`` is the time in which the body of a request has to arrive.
    ``clock`` gives seconds and never goes back; latency and uptime come from it.
    ``batching`` says how single rows are gathered. ``load`` gives the models instead
    of ``models``, at once and again on ``/models/reload``; it runs in a thread there.
    ``limiter`` bounds the requests of each client, ``health`` holds further checks,
    the routes of ``routers`` are added. With ``notice`` the service is not ready from a
    signal on, and ends that many seconds later; without it signals are left to others.
    A second lifespan, after the end of the first, makes it ready again. OpenAPI
    describes the routes that answer in JSON, and with ``document_all`` the others,
    ``/metrics`` and ``/predict/stream``, too. ``app.state.service`` is what the routes
    share.

    Raises ``ValueError`` for a limit below one or a model that cannot be served.
    """
    require(max_batch_size >= 1, "max_batch_size", "at least 1", max_batch_size)
    require(max_body_bytes >= 1, "max_body_bytes", "at least 1", max_body_bytes)
    require(body_seconds > 0, "body_seconds", "above 0 seconds", body_seconds)
    instruments = Instruments() if instruments is None else instruments
    make_catalogue: Callable[[], Catalogue]
    if load is None:
        make_catalogue = partial(_catalogue, models or {}, instruments, batching)
    else:
        make_catalogue = load
    service = Service(
        make_catalogue(),
        instruments,
        GracefulShutdown() if shutdown is None else shutdown,
        HealthChecker() if health is None else health,
        max_batch_size,
        clock,
        load,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if service.shutdown.reopen():
            # The models were closed at the end of the lifespan before.
            service.catalogue = await asyncio.to_thread(make_catalogue)
        watching = notice is not None and service.shutdown.install(notice=notice)
        try:
            yield
        finally:
            await service.shutdown.shutdown()
            if watching:
                service.shutdown.uninstall()

    # A redirect to the path without a slash would be an answer outside the contract.
    app = FastAPI(
        title=title,
        version=version,
        debug=debug,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = service
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes, seconds=body_seconds)
    # Added last, so it is the outer one.
    app.add_middleware(
        Observation,
        instruments=instruments,
        shutdown=service.shutdown,
        limiter=limiter,
        debug=debug,
    )
    app.exception_handler(RequestValidationError)(explain_invalid_request)
    app.exception_handler(StarletteHTTPException)(explain_refusal)
    for own in (
        prediction_routes(service, document_all=document_all),
        model_routes(service),
        operation_routes(service, title, version, document_all=document_all),
        *routers,
    ):
        # Not include_router: FastAPI would look for the route in two steps, by far
        # the dearest part of a small request.
        app.router.routes.extend(own.routes)
    return app


def _catalogue(
    models: Mapping[str, Model], instruments: Instruments, batching: Batching | None
) -> Catalogue:
    return Catalogue(
        Serving(Predictor(serve(name, model), instruments, batching))
        for name, model in models.items()
    )
