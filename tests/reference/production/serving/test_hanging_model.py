"""A model that hangs takes its own requests with it, and nobody else's for long."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from numpy.typing import ArrayLike

from reference.core.validation import Array
from reference.production.serving import Batching, create_app
from reference.production.serving.calling import OverdueError
from reference.production.serving.inference import serve
from reference.production.serving.instruments import Instruments
from reference.production.serving.predictor import (
    ModelOverdueError,
    OverloadedError,
    Prediction,
    Predictor,
)
from reference.production.serving.workers import Workers
from tests.reference.production.serving.support import (
    ask_async,
    assert_problem,
    strict_json,
)

SHORT = 0.05
HANGS = 666.0


class Hanging:
    """A model of one feature that waits for an event where it meets one number."""

    n_features = 1

    def __init__(self) -> None:
        self.released = threading.Event()
        self.rows: list[float] = []

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the features, sooner or later."""
        self.rows += features[:, 0].tolist()
        if (features == HANGS).any():
            self.released.wait(60)
        return features[:, 0]


@pytest.fixture
def model() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.released.set()


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/predict/stream"])
def test_one_row_that_hangs_ends_nothing_but_its_own_request(
    model: Hanging, path: str
) -> None:
    app = create_app({"m": model}, batching=Batching(timeout=SHORT))

    async def models() -> tuple[object, object]:
        health = strict_json(await ask_async(app, "GET", "/health"))
        component = health["components"]["models"]  # type: ignore[index]  # a mapping
        return health["status"], component

    async def scenario() -> None:
        many = path == "/predict/batch"
        body = json.dumps({"features": [[HANGS]] if many else [HANGS]})
        response = await ask_async(app, "POST", path, body)
        if path == "/predict/stream":
            last = json.loads(response.text.splitlines()[-1])
            told = (last["stage"], last["detail"])
            assert told == ("failed", "the model took too long")
        else:
            assert assert_problem(response, 504) == "the model took too long"
        degraded = {"status": "degraded", "message": "1 loaded, calls that hang: 1"}
        assert await models() == ("degraded", degraded)
        fine = await ask_async(app, "POST", "/predict", '{"features": [1]}')
        assert strict_json(fine)["prediction"] == 1
        metrics = (await ask_async(app, "GET", "/metrics")).text
        assert 'ml_prediction_errors_total{model="m"} 1.0' in metrics
        model.released.set()
        while app.state.service.catalogue.stuck:
            await asyncio.sleep(0)
        assert await models() == (
            "healthy",
            {"status": "healthy", "message": "1 loaded"},
        )

    asyncio.run(scenario())


def test_rows_that_hang_together_are_one_line_of_the_log(
    model: Hanging, caplog: pytest.LogCaptureFixture
) -> None:
    batching = Batching(window=0.01, timeout=SHORT)
    predictor = Predictor(serve("m", model), Instruments(), batching)

    async def scenario() -> None:
        rows = (predictor.row([number]) for number in (1.0, HANGS, 3.0))
        outcomes = await asyncio.gather(*rows, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ModelOverdueError] * 3
        model.released.set()
        await predictor.close()

    asyncio.run(scenario())
    [record] = caplog.records
    assert record.getMessage() == f"model m has not answered within {SHORT} s"


def test_the_504_is_documented() -> None:
    paths = create_app({"m": Hanging()}).openapi()["paths"]
    for path in ("/predict", "/predict/batch"):
        answer = paths[path]["post"]["responses"]["504"]
        schema = answer["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}


def test_rows_with_a_call_of_their_own_go_on_without_the_one_that_hangs(
    model: Hanging,
) -> None:
    batching = Batching(size=1, timeout=SHORT)
    predictor = Predictor(serve("m", model), Instruments(), batching)

    async def scenario() -> list[Prediction | BaseException]:
        # Several of them in one go, from the second time on.
        for number in range(5):
            await predictor.row([float(-number)])
        rows = [predictor.row([number]) for number in (0.0, 1.0, 2.0, HANGS, 4.0, 5.0)]
        outcomes = await asyncio.gather(*rows, return_exceptions=True)
        model.released.set()
        await predictor.close()
        return outcomes

    outcomes = asyncio.run(scenario())
    assert isinstance(outcomes.pop(3), ModelOverdueError)
    labels = [one.label for one in outcomes if isinstance(one, Prediction)]
    assert labels == [0, 1, 2, 4, 5]
    # What was under way when it hung was not done twice.
    assert sorted(model.rows[5:]) == [0, 1, 2, 4, 5, HANGS]


def test_a_model_that_always_hangs_is_asked_no_more_until_it_returns(
    model: Hanging,
) -> None:
    batching = Batching(size=1, timeout=0.005)
    instruments = Instruments()
    predictor = Predictor(serve("m", model), instruments, batching)

    async def scenario() -> None:
        outcomes = await asyncio.gather(
            *(predictor.row([HANGS]) for _ in range(40)), return_exceptions=True
        )
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [ModelOverdueError] * 16 + [OverloadedError] * 24
        with pytest.raises(OverloadedError, match="16 calls of the model hang"):
            await predictor.rows([[1.0]])
        assert predictor.stuck == 16
        # Who was refused is no failure of the model.
        text = instruments.registry.render()
        assert 'ml_prediction_errors_total{model="m"} 16.0' in text
        model.released.set()
        while predictor.stuck:
            await asyncio.sleep(0)
        assert (await predictor.row([1.0])).label == 1
        await predictor.close()

    asyncio.run(scenario())


def test_a_thread_that_hangs_is_replaced_and_ends_when_it_can() -> None:
    released = threading.Event()

    async def scenario() -> None:
        workers = Workers(1, "replaced")
        job = workers.run(lambda: released.wait(60), SHORT)
        waiting = workers.run(lambda: 7, SHORT)
        with pytest.raises(OverdueError):
            await job
        assert await waiting == 7
        assert workers.stuck == 1
        released.set()
        while workers.stuck:
            await asyncio.sleep(0)
        assert await workers.run(lambda: 8, SHORT) == 8
        alive = [one for one in threading.enumerate() if "replaced" in one.name]
        assert len(alive) == 1
        workers.close()

    asyncio.run(scenario())
