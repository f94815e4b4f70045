"""The routes for those who run the service: welcome, health, readiness, metrics."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from reference.production.serving.messages import (
    ComponentHealth,
    Health,
    Readiness,
    Status,
    Welcome,
)
from reference.production.serving.service import Service

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def operation_routes(
    service: Service, title: str, version: str, *, document_all: bool = False
) -> APIRouter:
    """Return the routes; OpenAPI lists the metrics only where it shall list all."""
    router = APIRouter(tags=["service"])

    @router.get("/")
    async def welcome() -> Welcome:
        """Tell what this is."""
        return Welcome(message=title, version=version, documentation="/docs")

    @router.get("/health")
    async def health() -> Health:
        """Tell how the parts are; always 200 while we can answer at all."""
        return await _health(service)

    not_ready: dict[int | str, dict[str, object]] = {
        503: {"model": Readiness, "description": "Send no requests here."}
    }

    @router.get("/ready", responses=not_ready)
    async def ready(response: Response) -> Readiness:
        """Tell whether requests should be sent here: 200 if so, else 503."""
        readiness = _readiness(service)
        response.status_code = 200 if readiness.ready else 503
        return readiness

    @router.get(
        "/metrics",
        response_class=Response,
        include_in_schema=document_all,
        responses={
            200: {
                "description": "Prometheus text format 0.0.4.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    )
    async def metrics() -> Response:
        """Give the metrics of this process."""
        instruments = service.instruments
        instruments.queue_depth.set(service.catalogue.queued)
        return Response(
            instruments.registry.render(), headers={"content-type": PROMETHEUS}
        )

    return router


async def _health(service: Service) -> Health:
    loaded = len(service.catalogue)
    stuck = service.catalogue.stuck
    models: Status = "healthy" if loaded and not stuck else "degraded"
    message = f"{loaded} loaded" + (f", calls that hang: {stuck}" if stuck else "")
    components = {"models": ComponentHealth(status=models, message=message)}
    report = await service.report.get()
    for name, result in report["checks"].items():
        state: Status = "healthy" if result.healthy else "unhealthy"
        components[name] = ComponentHealth(status=state, message=result.message)
    status: Status = report["status"]
    if status == "healthy":
        status = models
    return Health(
        status=status,
        models_loaded=loaded,
        timestamp=datetime.now(UTC),
        uptime_seconds=max(0.0, service.clock() - service.started),
        components=components,
    )


def _readiness(service: Service) -> Readiness:
    if not service.shutdown.ready:
        return Readiness(ready=False, detail="the service is shutting down")
    loaded = len(service.catalogue)
    if not loaded:
        return Readiness(ready=False, detail="no model is loaded")
    return Readiness(ready=True, detail=f"{loaded} models loaded")
