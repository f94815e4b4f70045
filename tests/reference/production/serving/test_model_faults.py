"""What is the fault of the model is a 500, and no one else's trouble."""

import asyncio
import json
import logging
import threading

import numpy as np
import pytest
from numpy.typing import ArrayLike

from reference.core.validation import Array
from reference.production.serving import Model, create_app
from tests.reference.production.serving.support import (
    Scripted,
    ScriptedClassifier,
    ask,
    ask_async,
    assert_problem,
    post,
)

FAILED = "the model failed to predict"


def fail(_: Array) -> ArrayLike:
    raise KeyError("secret")


BROKEN: dict[str, Model] = {
    "raises": Scripted(fail),
    "too short": Scripted(lambda _: []),
    "too long": Scripted(lambda _: [1.0, 2.0]),
    "a scalar": Scripted(lambda _: 1.0),
    "a column": Scripted(lambda _: [[1.0]]),
    "NaN": Scripted(lambda _: [np.nan]),
    "infinity": Scripted(lambda _: [-np.inf]),
    "complex": Scripted(lambda _: np.array([1j])),
    "an object": Scripted(lambda _: np.array([None])),
    "probabilities NaN": ScriptedClassifier(chances=[[np.nan, 0.5]]),
    "probabilities too large": ScriptedClassifier(chances=[[1.1, 0.0]]),
    "probabilities negative": ScriptedClassifier(chances=[[1.0, -0.1]]),
    "probabilities flat": ScriptedClassifier(chances=[0.5]),
    "probabilities without classes": ScriptedClassifier(chances=np.empty((1, 0))),
    "probabilities of more rows": ScriptedClassifier(chances=[[1.0], [1.0]]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_a_clean_500(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app({"m": BROKEN[name]})
    with caplog.at_level(logging.ERROR, "reference.production.serving"):
        response = post("/predict", {"features": [1]}, app)
    assert assert_problem(response, 500) == FAILED
    [record] = caplog.records
    assert record.getMessage() == "model m failed"
    assert record.exc_info is not None
    assert ask(app, "GET", "/health").status_code == 200


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
        StopIteration(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/predict/stream"])
def test_nothing_that_a_model_raises_ends_more_than_its_request(
    error: BaseException, path: str
) -> None:
    def give_up(_: Array) -> ArrayLike:
        raise error

    app = create_app({"m": Scripted(give_up)})
    features = [[1]] if path == "/predict/batch" else [1]
    response = post(path, {"features": features}, app)
    if path == "/predict/stream":
        last = json.loads(response.text.splitlines()[-1])
        assert (last["stage"], last["detail"]) == ("failed", FAILED)
    else:
        assert assert_problem(response, 500) == FAILED


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/predict/stream"])
def test_words_that_cannot_be_sent_are_a_fault_of_the_model(path: str) -> None:
    app = create_app({"m": Scripted(lambda rows: ["fine", "\ud800"][-len(rows) :])})
    features = [[1], [2]] if path == "/predict/batch" else [1]
    response = post(path, {"features": features}, app)
    assert FAILED in response.text
    assert response.status_code == (200 if path == "/predict/stream" else 500)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/predict", '{"features": [1]}'), ("/predict/batch", '{"features": [[1]]}')],
)
def test_a_slow_model_does_not_block_the_others(path: str, body: str) -> None:
    entered, released = threading.Event(), threading.Event()

    def wait(features: Array) -> ArrayLike:
        entered.set()
        if not released.wait(10):
            raise TimeoutError
        return features[:, 0]

    app = create_app({"m": Scripted(wait)})

    async def scenario() -> tuple[int, int]:
        slow = asyncio.create_task(ask_async(app, "POST", path, body))
        assert await asyncio.to_thread(entered.wait, 10)
        health = await ask_async(app, "GET", "/health")
        assert not slow.done()
        released.set()
        return health.status_code, (await slow).status_code

    assert asyncio.run(scenario()) == (200, 200)


@pytest.mark.parametrize(
    "model_id", ["", "a/b", "..", "a b", "\N{SNOWMAN}", "m\n", "-m"]
)
def test_models_need_a_name_that_fits_a_path(model_id: str) -> None:
    with pytest.raises(ValueError, match=r"^models must be named by letters"):
        create_app({model_id: Scripted()})


def test_models_must_be_described_consistently() -> None:
    with pytest.raises(ValueError, match="n_features of m must be at least 1, got 0"):
        create_app({"m": Scripted(n_features=0)})
    for names in (["a"], ["a", "a"]):
        with pytest.raises(ValueError, match="must be 2 different names"):
            create_app({"m": Scripted(n_features=2, feature_names=names)})


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_batch_size must be at least 1, got 0"):
        create_app(max_batch_size=0)
    with pytest.raises(ValueError, match="max_body_bytes must be at least 1, got 0"):
        create_app(max_body_bytes=0)
