"""The routes that describe the models, and the one that reads the registry anew."""

from fastapi import APIRouter, HTTPException

from reference.production.serving.messages import ModelInfo, ModelList, Reloaded
from reference.production.serving.routes.problems import AT_THE_DOOR, problems
from reference.production.serving.service import RegistryError, Service


def model_routes(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["models"])
    # "4XX" keeps FastAPI from documenting a 422 of another shape.
    unknown = problems({404: "It is not loaded.", "4XX": "The request is wrong."})

    @router.get("/models")
    async def list_models() -> ModelList:
        """List the loaded models."""
        return ModelList(models=service.catalogue.infos)

    @router.get("/models/{model_id}", responses=unknown)
    async def describe_model(model_id: str) -> ModelInfo:
        """Describe one model."""
        return service.find(model_id).info

    @router.get("/metadata", responses=unknown)
    async def describe_default() -> ModelInfo:
        """Describe the default model, with what was recorded of it."""
        return service.find(None).info

    conflict = problems(
        {409: "There is no registry, or it cannot be served; nothing has changed."}
    )

    @router.post("/models/reload", responses=conflict | AT_THE_DOOR)
    async def reload_models() -> Reloaded:
        """Read the registry anew; requests that are under way keep their model."""
        try:
            catalogue = await service.reload()
        except RegistryError as error:
            raise HTTPException(409, str(error)) from error
        return Reloaded(models_loaded=len(catalogue), models=catalogue.infos)

    return router
