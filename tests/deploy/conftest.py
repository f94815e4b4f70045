"""The service as it is deployed: a registry, Redis, and requests of every kind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dojo.testing.redis import RedisServer
from reference.production.deployment import ModelVersionManager
from tests.deploy.scaled import Scaled
from tests.reference.production.serving.running import Server, running

KEY = "a key for these tests alone"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running service with a registry and a cache; its model fails below zero."""
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch, RedisServer() as redis:
        patch.setenv("MODEL_SIGNING_KEY", KEY)
        manager = ModelVersionManager(folder / "scaled", name="scaled")
        manager.register("1", Scaled(2.0, fails_below=0.0))
        manager.activate("1")
        with running(MODEL_PATH=str(folder), REDIS_URL=redis.url) as started:
            yield started


@pytest.fixture(scope="session")
def ask_all(server: Server) -> Iterator[Callable[[], int]]:
    """A function that asks for everything, and returns how many of it it asked.

    One of the requests ends in a 500, and one in a hit of the cache.
    """
    posts: list[tuple[str, object, int]] = [
        ("/predict", {"features": [1]}, 200),
        ("/predict", {"features": [1]}, 200),
        ("/predict", {"features": [-1]}, 500),
        ("/predict", {"features": []}, 422),
        ("/predict/batch", {"features": [[1], [2], [3]]}, 200),
        ("/predict/stream", {"features": [2]}, 200),
        ("/models/reload", None, 200),
        ("/nowhere", None, 404),
    ]
    gets = ["/", "/health", "/ready", "/models", "/models/scaled", "/metadata"]

    with httpx.Client(base_url=server.url, timeout=30) as client:

        def ask() -> int:
            for path, body, status in posts:
                assert client.post(path, json=body).status_code == status, path
            for path in gets:
                assert client.get(path).status_code == 200, path
            return len(posts) + len(gets)

        yield ask


@pytest.fixture
def registry_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty registry whose files are signed by a key that servers are given too."""
    monkeypatch.setenv("MODEL_SIGNING_KEY", KEY)
    return tmp_path
