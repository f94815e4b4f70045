"""The routes, by subject: predictions, models, and the operation of the service."""

from reference.production.serving.routes.models import model_routes
from reference.production.serving.routes.operations import operation_routes
from reference.production.serving.routes.predictions import prediction_routes

__all__ = ["model_routes", "operation_routes", "prediction_routes"]
