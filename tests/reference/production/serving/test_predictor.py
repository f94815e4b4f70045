"""Rows that come together are predicted together; too many are refused."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest
from fastapi import FastAPI
from numpy.typing import ArrayLike

from reference.core.validation import Array
from reference.production.caching import CacheStatistics, LRUCache
from reference.production.serving import Batching, create_app
from reference.production.serving.inference import serve
from reference.production.serving.instruments import Instruments
from reference.production.serving.predictor import (
    ModelFailedError,
    Prediction,
    Predictor,
)
from reference.production.serving.remembering import RememberedPredictions
from reference.production.serving.workers import Workers
from tests.reference.production.serving.support import (
    Scripted,
    ScriptedClassifier,
    ask_async,
    assert_problem,
    strict_json,
)

T = TypeVar("T")


class Gate:
    """A model that waits to be let go, and notes what it was asked."""

    n_features = 1

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()
        self.batches: list[list[float]] = []

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the features, when it is let go."""
        self.batches.append(features[:, 0].tolist())
        self.entered.set()
        if not self.released.wait(10):
            raise TimeoutError
        return features[:, 0]


async def predict(app: FastAPI, number: int) -> Any:
    body = json.dumps({"features": [number]})
    return await ask_async(app, "POST", "/predict", body)


async def waiting_rows(app: FastAPI, count: int) -> None:
    """Return when so many rows wait."""
    while app.state.service.catalogue.queued < count:
        await asyncio.sleep(0)


def test_rows_that_wait_are_one_call_in_their_order() -> None:
    gate = Gate()
    app = create_app({"m": gate}, batching=Batching(size=3))

    async def scenario() -> list[object]:
        first = asyncio.create_task(predict(app, 0))
        assert await asyncio.to_thread(gate.entered.wait, 10)
        others = []
        for number in range(1, 6):
            others.append(asyncio.create_task(predict(app, number)))
            await waiting_rows(app, number)
        gate.released.set()
        answers = await asyncio.gather(first, *others)
        return [strict_json(answer)["prediction"] for answer in answers]

    assert asyncio.run(scenario()) == [0, 1, 2, 3, 4, 5]
    assert gate.batches == [[0], [1, 2, 3], [4, 5]]


def test_by_default_at_most_64_rows_are_one_call() -> None:
    gate = Gate()
    app = create_app({"m": gate})

    async def scenario() -> None:
        tasks = [asyncio.create_task(predict(app, -1))]
        assert await asyncio.to_thread(gate.entered.wait, 10)
        tasks += [asyncio.create_task(predict(app, number)) for number in range(100)]
        await waiting_rows(app, 100)
        gate.released.set()
        answers = await asyncio.gather(*tasks)
        assert {answer.status_code for answer in answers} == {200}

    asyncio.run(scenario())
    assert [len(batch) for batch in gate.batches] == [1, 64, 36]


def test_short_calls_are_made_several_in_one_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    goes = 0

    def run(
        self: Workers, function: Callable[[], T], timeout: float | None = None
    ) -> "asyncio.Future[T]":
        nonlocal goes
        goes += 1
        return original(self, function, timeout)

    original = Workers.run
    monkeypatch.setattr(Workers, "run", run)
    calls: list[list[float]] = []

    def note(features: Array) -> ArrayLike:
        calls.append(features[:, 0].tolist())
        return features[:, 0]

    batching = Batching(size=2)
    predictor = Predictor(serve("m", Scripted(note)), Instruments(), batching)

    async def scenario() -> None:
        for _ in range(5):
            rows = (predictor.row([float(number)]) for number in range(100))
            found = await asyncio.gather(*rows)
            assert [one.label for one in found] == list(range(100))
        await predictor.close()

    asyncio.run(scenario())
    assert sum(map(len, calls)) == 500
    assert max(map(len, calls)) == 2
    # Calls of two rows; one in a go would be 250.
    assert goes < 125 < 250 <= len(calls)


def test_long_calls_are_made_one_in_a_go() -> None:
    now = 0.0
    done: list[int] = []

    def take_long(features: Array) -> ArrayLike:
        nonlocal now
        now += 0.02
        return features[:, 0]

    batching = Batching(size=1)
    predictor = Predictor(
        serve("m", Scripted(take_long)),
        Instruments(),
        batching,
        clock=lambda: now,
    )

    async def one(number: int) -> None:
        await predictor.row([float(number)])
        # How many calls there were when it was answered.
        done.append(round(now / 0.02))

    async def scenario() -> None:
        await asyncio.gather(*map(one, range(20)))
        await predictor.close()

    asyncio.run(scenario())
    assert len(set(done)) == 20


def test_more_than_may_wait_are_asked_to_come_back() -> None:
    gate = Gate()
    app = create_app({"m": gate}, batching=Batching(queue=2))

    async def scenario() -> None:
        tasks = [asyncio.create_task(predict(app, 0))]
        assert await asyncio.to_thread(gate.entered.wait, 10)
        for number in (1, 2):
            tasks.append(asyncio.create_task(predict(app, number)))
            await waiting_rows(app, number)
        refused = await predict(app, 3)
        assert assert_problem(refused, 503) == "too many predictions are waiting"
        assert refused.headers["retry-after"] == "1"
        metrics = await ask_async(app, "GET", "/metrics")
        assert "ml_queue_depth 2.0" in metrics.text
        gate.released.set()
        answers = await asyncio.gather(*tasks)
        assert [answer.status_code for answer in answers] == [200, 200, 200]

    asyncio.run(scenario())


def test_a_large_batch_too_many_is_asked_to_come_back() -> None:
    gate = Gate()
    app = create_app({"m": gate}, batching=Batching(queue=1))

    async def scenario() -> None:
        body = '{"features": [[1]]}'
        first = asyncio.create_task(ask_async(app, "POST", "/predict/batch", body))
        assert await asyncio.to_thread(gate.entered.wait, 10)
        assert_problem(await ask_async(app, "POST", "/predict/batch", body), 503)
        gate.released.set()
        assert (await first).status_code == 200

    asyncio.run(scenario())


def test_a_row_that_the_model_cannot_bear_fails_alone() -> None:
    def bear(features: Array) -> ArrayLike:
        if (features < 0).any():
            raise ValueError("negative")
        return features[:, 0]

    predictor = Predictor(serve("m", Scripted(bear)), Instruments())

    async def scenario() -> list[Prediction | BaseException]:
        rows = [predictor.row([float(number)]) for number in (5, 1, -2, 3)]
        outcomes = await asyncio.gather(*rows, return_exceptions=True)
        await predictor.close()
        return outcomes

    alone, first, second, third = asyncio.run(scenario())
    assert isinstance(second, ModelFailedError)
    found = [one.label for one in (alone, first, third) if isinstance(one, Prediction)]
    assert found == [5, 1, 3]


@pytest.mark.parametrize("classifier", [False, True])
def test_what_is_remembered_is_not_predicted_again(classifier: bool) -> None:
    calls: list[list[float]] = []

    def note(features: Array) -> ArrayLike:
        calls.append(features[:, 0].tolist())
        return features[:, 0]

    instruments = Instruments()
    backend: LRUCache[dict[str, object]] = LRUCache()
    cache = RememberedPredictions(backend, instruments)
    model = ScriptedClassifier(note) if classifier else Scripted(note)

    async def ask_twice(version: str | None) -> None:
        served = serve("m", model, version=version)
        predictor = Predictor(served, instruments, cache=cache)
        first = await predictor.row([1.5])
        assert await predictor.row([1.5]) == first
        assert first.probabilities == ([0.5, 0.5] if classifier else None)
        await predictor.close()

    asyncio.run(ask_twice("1"))
    assert calls == [[1.5]]
    asyncio.run(ask_twice("2"))
    assert calls == [[1.5], [1.5]]
    text = instruments.registry.render()
    for outcome in ("hit", "miss"):
        labels = f'cache="predictions",outcome="{outcome}"'
        assert f"cache_requests_total{{{labels}}} 2.0" in text
    # Without a version nobody knows what the name means tomorrow.
    asyncio.run(ask_twice(None))
    assert len(calls) == 4


class Failing:
    """A store that fails, and counts how often it was asked."""

    def __init__(self) -> None:
        self.statistics = CacheStatistics()

    def get_many(self, _: Iterable[str]) -> dict[str, dict[str, object]]:
        """Find nothing."""
        self.statistics = CacheStatistics(errors=self.statistics.errors + 1)
        return {}

    def set_many(self, _: object, ttl: float | None = None) -> bool:
        """Store nothing."""
        self.statistics = CacheStatistics(errors=self.statistics.errors + 1)
        return ttl is None


def test_a_store_that_fails_is_left_alone_for_a_while() -> None:
    now = [0.0]
    store = Failing()
    cache = RememberedPredictions(store, Instruments(), clock=lambda: now[0])
    served = serve("m", Scripted(), version="1")
    for seconds, asked in ((0.0, 1), (4.9, 1), (5.0, 2), (6.0, 2)):
        now[0] = seconds
        assert cache.get(served, [[1.0]]) == [None]
        cache.put(served, [[1.0]], [Prediction(1.0, None)])
        assert store.statistics.errors == asked
