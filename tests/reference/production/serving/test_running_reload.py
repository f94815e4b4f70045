"""A registry that changes under load, on the real server."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from reference.production.deployment import ModelVersionManager
from reference.production.serving.examples import train_examples
from tests.reference.production.serving.running import Server, poll, running

KEY = "a key for this test alone"
ROW = {"features": [50, 2, 1.5]}


def reload(server: Server) -> httpx.Response:
    return httpx.post(f"{server.url}/models/reload", timeout=30)


def test_a_reload_under_load_fails_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_SIGNING_KEY", KEY)
    manager = ModelVersionManager(tmp_path / "rent", name="rent")
    model = train_examples()["rent"]
    manager.register("0", model)
    manager.activate("0")
    stop = threading.Event()
    seen: list[tuple[int, str | None]] = []

    def load(server: Server) -> None:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/predict", json=ROW)
                seen.append((answer.status_code, answer.json().get("model_version")))

    def is_met(version: str) -> bool:
        return (200, version) in seen

    with running(MODEL_PATH=str(tmp_path)) as server, ThreadPoolExecutor(4) as threads:
        loads = [threads.submit(load, server) for _ in range(4)]
        try:
            for version in ("1", "2", "3"):
                manager.register(version, model)
                manager.activate(version)
                assert reload(server).status_code == 200
                poll(partial(is_met, version))
            assert manager.rollback()
            assert reload(server).status_code == 200
            # What is damaged is not taken, and no client notices.
            damaged = Path(manager.register("4", model))
            manager.activate("4")
            damaged.write_bytes(b"damaged")
            assert reload(server).status_code == 409
        finally:
            stop.set()
        for one in loads:
            one.result(60)
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {"0", "1", "2", "3"}
