"""Serve models over HTTP: ``create_app`` gives an ASGI application."""

from reference.production.serving.application import create_app
from reference.production.serving.inference import Model

__all__ = ["Model", "create_app"]
