"""Models from a registry on disk: loading, reloading, refusing, and canaries."""

import asyncio
import json
import os
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

from dojo.testing.redis import RedisServer
from reference.core.validation import Array
from reference.production.deployment import ModelSerializer, ModelVersionManager
from reference.production.serving import create_app
from reference.production.serving.catalogue import Catalogue, Serving
from reference.production.serving.inference import serve
from reference.production.serving.instruments import Instruments
from reference.production.serving.predictor import Predictor
from reference.production.serving.production import make_app
from reference.production.serving.registry import ModelRegistry
from reference.production.serving.service import RegistryError
from reference.production.serving.settings import Settings
from tests.reference.production.serving.support import (
    Scripted,
    ask,
    ask_async,
    assert_problem,
    post,
    strict_json,
)


class Constant:
    """A model of one feature that always says the same, or raises."""

    n_features = 1

    def __init__(self, answer: float, *, broken: bool = False) -> None:
        self.answer = answer
        self.broken = broken

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the answer for every row."""
        if self.broken:
            raise RuntimeError("broken")
        return np.full(len(features), self.answer)


class Witness:
    """Tells by a file that it was unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.place,)


class Leaving:
    """Ends the process when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return sys.exit, (3,)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SIGNING_KEY", "a key for these tests alone")


def register(folder: Path, version: str, model: object) -> ModelVersionManager:
    manager = ModelVersionManager(folder)
    manager.register(version, model, metrics={"r2": 0.5})
    assert manager.activate(version)
    return manager


def registry_app(path: Path) -> FastAPI:
    instruments = Instruments()
    registry = ModelRegistry(path, lambda served: Predictor(served, instruments))
    return create_app(load=registry.load, instruments=instruments)


def prediction(app: FastAPI, **choice: str) -> tuple[object, object]:
    """Return the prediction and the version that made it."""
    answer = strict_json(post("/predict", {"features": [0], **choice}, app))
    return answer["prediction"], answer["model_version"]


def test_the_active_versions_are_served(tmp_path: Path) -> None:
    register(tmp_path / "a", "1", Constant(1.0))
    manager = register(tmp_path / "b", "1", Constant(2.0))
    manager.register("2", Constant(3.0))
    ModelVersionManager(tmp_path / "nothing-active").register("1", Constant(4.0))
    app = registry_app(tmp_path)
    assert prediction(app) == (1.0, "1")
    assert prediction(app, model_name="b") == (2.0, "1")
    listed = strict_json(ask(app, "GET", "/models"))["models"]
    assert isinstance(listed, list)
    assert [one["model_id"] for one in listed] == ["a", "b"]
    assert [one["version"] for one in listed] == ["1", "1"]
    assert listed[1]["metadata"]["metrics"] == {"r2": 0.5}


def test_a_scikit_learn_model_tells_its_width_and_classes(tmp_path: Path) -> None:
    X = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.8, 0.1]])
    model = LogisticRegression().fit(X, ["no", "yes", "no", "yes"])
    register(tmp_path / "clf", "1", model)
    app = registry_app(tmp_path)
    info = strict_json(ask(app, "GET", "/models/clf"))
    assert (info["n_features"], info["n_classes"]) == (2, 2)
    assert info["model_type"] == "LogisticRegression"
    answer = strict_json(post("/predict", {"features": X[0].tolist()}, app))
    assert answer["prediction"] == "no"
    assert answer["model_type"] == "LogisticRegression"
    assert answer["probabilities"] == model.predict_proba(X[:1]).tolist()


def test_a_reload_serves_what_is_active_then(tmp_path: Path) -> None:
    manager = register(tmp_path / "m", "1", Constant(1.0))
    app = registry_app(tmp_path)
    manager.register("2", Constant(2.0))
    manager.activate("2")
    register(tmp_path / "n", "7", Constant(7.0))
    assert prediction(app) == (1.0, "1")
    reloaded = strict_json(ask(app, "POST", "/models/reload"))
    assert reloaded["models_loaded"] == 2
    assert prediction(app) == (2.0, "2")
    assert prediction(app, model_name="n") == (7.0, "7")
    assert manager.rollback()
    assert ask(app, "POST", "/models/reload").status_code == 200
    assert prediction(app) == (1.0, "1")
    text = ask(app, "GET", "/metrics").text
    assert "ml_models_loaded 2.0" in text
    assert 'ml_model_info{model="m",version="1"} 1.0' in text
    assert 'ml_model_info{model="m",version="2"}' not in text


def test_the_service_is_ready_during_a_slow_reload() -> None:
    entered, released = threading.Event(), threading.Event()
    readings = 0
    instruments = Instruments()

    def load() -> Catalogue:
        nonlocal readings
        readings += 1
        if readings == 2:
            entered.set()
            assert released.wait(10)
        served = serve("m", Scripted(), version=str(readings))
        return Catalogue([Serving(Predictor(served, instruments))])

    app = create_app(load=load, instruments=instruments)

    async def scenario() -> None:
        body = '{"features": [1]}'
        reload = asyncio.create_task(ask_async(app, "POST", "/models/reload"))
        assert await asyncio.to_thread(entered.wait, 10)
        ready = await ask_async(app, "GET", "/ready")
        assert (ready.status_code, strict_json(ready)["ready"]) == (200, True)
        answer = await ask_async(app, "POST", "/predict", body)
        assert strict_json(answer)["model_version"] == "1"
        assert not reload.done()
        released.set()
        assert (await reload).status_code == 200
        answer = await ask_async(app, "POST", "/predict", body)
        assert strict_json(answer)["model_version"] == "2"

    asyncio.run(scenario())


def test_a_request_under_way_keeps_its_model() -> None:
    entered, released = threading.Event(), threading.Event()

    def wait(features: Array) -> ArrayLike:
        entered.set()
        assert released.wait(10)
        return features[:, 0]

    instruments = Instruments()
    versions = iter([("old", Scripted(wait)), ("new", Scripted())])

    def load() -> Catalogue:
        version, model = next(versions)
        served = serve("m", model, version=version)
        return Catalogue([Serving(Predictor(served, instruments))])

    app = create_app(load=load, instruments=instruments)

    async def scenario() -> list[object]:
        body = '{"features": [1]}'
        slow = asyncio.create_task(ask_async(app, "POST", "/predict", body))
        assert await asyncio.to_thread(entered.wait, 10)
        late = asyncio.create_task(ask_async(app, "POST", "/predict", body))
        assert (await ask_async(app, "POST", "/models/reload")).status_code == 200
        fresh = await ask_async(app, "POST", "/predict", body)
        released.set()
        answers = [await slow, await late, fresh]
        return [strict_json(answer)["model_version"] for answer in answers]

    old, _, new = asyncio.run(scenario())
    assert (old, new) == ("old", "new")


@pytest.mark.parametrize(
    "damage", ["torn", "foreign", "other key", "other model", "no model"]
)
def test_a_reload_that_fails_changes_nothing(tmp_path: Path, damage: str) -> None:
    manager = register(tmp_path / "m", "1", Constant(1.0))
    app = registry_app(tmp_path)
    witness = tmp_path / "it-ran"
    file = Path(manager.register("2", Constant(2.0)))
    manager.activate("2")
    if damage == "torn":
        file.write_bytes(file.read_bytes()[:-1])
    elif damage == "foreign":
        file.write_bytes(pickle.dumps(Witness(witness)))
    elif damage == "other key":
        other = ModelSerializer(b"a key of somebody else")
        other.save(Witness(witness), file)
    elif damage == "other model":
        stray = ModelVersionManager(tmp_path / "stray", name="stray")
        stray.register("1", Constant(9.0))
        file.write_bytes(Path(stray.register("2", Constant(9.0))).read_bytes())
    else:
        manager.register("3", {"weights": [1, 2]})
        manager.activate("3")
    detail = assert_problem(ask(app, "POST", "/models/reload"), 409)
    assert "\n" not in detail
    assert not witness.exists()
    assert prediction(app) == (1.0, "1")


@pytest.mark.parametrize("content", [b"changed", None])
def test_a_reload_verifies_what_is_loaded_already(
    tmp_path: Path, content: bytes | None
) -> None:
    manager = ModelVersionManager(tmp_path / "m")
    file = Path(manager.register("1", Constant(1.0)))
    manager.activate("1")
    app = registry_app(tmp_path)
    before = file.stat()
    changed = file.read_bytes()[:-1] + b"?" if content is None else content
    file.write_bytes(changed)
    # No date gives it away.
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    detail = assert_problem(ask(app, "POST", "/models/reload"), 409)
    assert "signed" in detail
    assert prediction(app) == (1.0, "1")


def test_a_reload_serves_what_a_file_of_ours_holds_then(tmp_path: Path) -> None:
    manager = ModelVersionManager(tmp_path / "m")
    file = Path(manager.register("1", Constant(1.0)))
    manager.activate("1")
    app = registry_app(tmp_path)
    other = ModelVersionManager(tmp_path.with_name("elsewhere"))
    file.write_bytes(Path(other.register("1", Constant(2.0))).read_bytes())
    assert ask(app, "POST", "/models/reload").status_code == 200
    assert prediction(app) == (2.0, "1")


def test_a_model_that_ends_the_process_when_it_is_loaded_is_refused(
    tmp_path: Path,
) -> None:
    manager = register(tmp_path / "m", "1", Constant(1.0))
    app = registry_app(tmp_path)
    # Registered and then activated without being loaded.
    manager.register("2", Leaving())
    manager.activate("2")
    assert_problem(ask(app, "POST", "/models/reload"), 409)
    assert prediction(app) == (1.0, "1")


def test_registries_that_share_a_redis_share_no_wrong_predictions(
    tmp_path: Path,
) -> None:
    with RedisServer() as redis:
        for name, answer in (("one", 1.0), ("other", 2.0), ("one", 1.0)):
            folder = tmp_path / name
            if not folder.exists():
                # The same name, the same version, another model.
                register(folder / "m", "1", Constant(answer))
            settings = {"MODEL_PATH": str(folder), "REDIS_URL": redis.url}
            app = make_app(Settings.model_validate(settings))
            for _ in range(2):
                assert prediction(app) == (answer, "1")
    # The last had nothing to compute: its registry is the first one's.
    text = ask(app, "GET", "/metrics").text
    assert 'cache_requests_total{cache="predictions",outcome="hit"} 2.0' in text


def test_without_a_registry_there_is_nothing_to_reload() -> None:
    app = create_app({"m": Scripted()})
    detail = assert_problem(ask(app, "POST", "/models/reload"), 409)
    assert detail == "there is no registry: MODEL_PATH is not set"


def test_an_empty_registry_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="no model has an active version"):
        registry_app(tmp_path)


def with_canary(folder: Path, canary: Constant, **terms: object) -> None:
    manager = register(folder, "1", Constant(1.0))
    manager.register("2", canary)
    (folder / "canary.json").write_text(json.dumps({"version": "2", **terms}))


def versions_for(app: FastAPI, clients: range) -> list[object]:
    body = '{"features": [0]}'
    answers = [
        ask(
            app,
            "POST",
            "/predict",
            body,
            {"content-type": "application/json", "x-client-id": f"client-{number}"},
        )
        for number in clients
    ]
    return [
        strict_json(answer).get("model_version", answer.status_code)
        for answer in answers
    ]


def test_a_canary_gets_its_share_and_a_client_keeps_its_version(
    tmp_path: Path,
) -> None:
    with_canary(tmp_path / "m", Constant(2.0), share=0.25)
    app = registry_app(tmp_path)
    assert strict_json(ask(app, "GET", "/models/m"))["canary"] == "2"
    assert {
        'ml_model_info{model="m",version="1"} 1.0',
        'ml_model_info{model="m",version="2"} 1.0',
        'ml_canary_share{model="m"} 0.25',
        'ml_canary_rolled_back{model="m"} 0.0',
    } <= set(ask(app, "GET", "/metrics").text.splitlines())
    met = versions_for(app, range(80))
    # Fixed by the hash of the keys; the binomial 99.9 % interval of 80 x 0.25.
    assert 8 <= met.count("2") <= 34
    assert met.count("1") == 80 - met.count("2")
    assert versions_for(app, range(80)) == met
    assert ask(app, "POST", "/models/reload").status_code == 200
    assert versions_for(app, range(80)) == met


def test_a_canary_that_fails_is_withdrawn(tmp_path: Path) -> None:
    with_canary(tmp_path / "m", Constant(0.0, broken=True), share=1.0)
    app = registry_app(tmp_path)
    # log(100) / log(5): the third error in a row is enough.
    assert versions_for(app, range(5)) == [500, 500, 500, "1", "1"]
    assert strict_json(ask(app, "GET", "/models/m"))["canary"] is None
    assert {
        'ml_canary_share{model="m"} 0.0',
        'ml_canary_rolled_back{model="m"} 1.0',
    } <= set(ask(app, "GET", "/metrics").text.splitlines())
    # A reload begins no new trial of the same version.
    assert ask(app, "POST", "/models/reload").status_code == 200
    assert versions_for(app, range(2)) == ["1", "1"]


@pytest.mark.parametrize(
    "terms", [{"share": 2}, {"version": "9"}, {"version": 2}, {"other": 1}]
)
def test_a_wrong_canary_is_an_error(tmp_path: Path, terms: dict[str, object]) -> None:
    with_canary(tmp_path / "m", Constant(2.0), **terms)
    with pytest.raises(RegistryError):
        registry_app(tmp_path)
