"""The application as it runs: models, cache, limits and checks by the settings."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI
from pydantic import AnyUrl

from reference.production.caching import RedisCache
from reference.production.serving.application import create_app
from reference.production.serving.catalogue import Catalogue, Serving
from reference.production.serving.examples import train_examples
from reference.production.serving.health import HealthChecker, HealthCheckResult
from reference.production.serving.inference import ServedModel, serve
from reference.production.serving.instruments import Instruments
from reference.production.serving.predictor import Predictor, RowCache
from reference.production.serving.rate_limit import RateLimiter
from reference.production.serving.registry import ModelRegistry
from reference.production.serving.remembering import RememberedPredictions
from reference.production.serving.routes.problems import RETRY_AFTER
from reference.production.serving.settings import Settings, read_settings
from reference.production.serving.shutdown import GracefulShutdown

# How many seconds' worth of requests a client may send at once.
BURST_SECONDS = 5.0
REMEMBERED_SECONDS = 300.0
EXAMPLE_VERSION = "example-1"

_DATABASE_PORTS = {"postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306}


def make_app(settings: Settings | None = None) -> FastAPI:
    """Return the application that ``settings`` ask for, by default the environment's.

    Without a registry it serves the two examples. Raises ``SettingsError`` for a wrong
    setting and ``RegistryError`` for a registry that cannot be served.
    """
    settings = read_settings() if settings is None else settings
    instruments = Instruments()
    instruments.registry.register_process_metrics()
    health = HealthChecker()
    shutdown = GracefulShutdown()
    cache: RowCache | None = None
    if settings.redis_url is not None:
        cache = _shared_cache(settings.redis_url, instruments, health, shutdown)
    if settings.database_url is not None:
        check = _reachable(settings.database_url)
        health.add_check("database", check, critical=False)

    def predictor(served: ServedModel) -> Predictor:
        return Predictor(served, instruments, cache=cache)

    return create_app(
        load=_loader(settings, predictor),
        instruments=instruments,
        limiter=_limiter(settings.rate_limit),
        health=health,
        shutdown=shutdown,
        notice=1.0,
        routers=(_chat(),),
        document_all=True,
    )


def _limiter(rate: float) -> RateLimiter | None:
    # A burst below one would let nothing pass.
    return RateLimiter(rate, max(1.0, rate * BURST_SECONDS)) if rate else None


def _loader(
    settings: Settings, predictor: Callable[[ServedModel], Predictor]
) -> Callable[[], Catalogue]:
    if settings.model_path is not None:
        return ModelRegistry(settings.model_path, predictor).load
    examples = [
        serve(name, model, version=EXAMPLE_VERSION)
        for name, model in train_examples().items()
    ]
    return lambda: Catalogue(Serving(predictor(served)) for served in examples)


def _shared_cache(
    url: str,
    instruments: Instruments,
    health: HealthChecker,
    shutdown: GracefulShutdown,
) -> RowCache:
    redis: RedisCache[dict[str, object]] = RedisCache(url, "serving:")
    shutdown.add_cleanup(redis.close)

    def answers() -> HealthCheckResult:
        written = redis.set("health", {"written": True}, 10)
        return HealthCheckResult(written, "" if written else "no answer")

    health.add_check("redis", answers, critical=False)
    return RememberedPredictions(redis, instruments, REMEMBERED_SECONDS)


def _reachable(url: AnyUrl) -> Callable[[], Awaitable[HealthCheckResult]]:
    host = (url.host or "").strip("[]")
    port = url.port or _DATABASE_PORTS.get(url.scheme.partition("+")[0], 5432)

    async def database() -> HealthCheckResult:
        """Open a connection: that something listens, not that it knows our password."""
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return HealthCheckResult(True, "accepts connections")

    return database


def _chat() -> APIRouter:
    # The language model is trained at its first use, not here.
    from reference.production.serving.chat import chat_router
    from reference.production.serving.chat.assistant import generate
    from reference.production.serving.chat.messages import ErrorBody

    refused = {"model": ErrorBody, "description": "Too many requests of this client."}
    return chat_router(generate, responses={429: refused | {"headers": RETRY_AFTER}})
