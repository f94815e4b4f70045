"""A canary on the running server under load: on trial, promoted, or rolled back."""

import asyncio
import json
from pathlib import Path

import pytest

from reference.production.deployment import CanaryRouter, ModelVersionManager
from tests.deploy.scaled import Scaled
from tests.deploy.traffic import Answer, Load
from tests.reference.production.serving.running import running

NAME = "scaled"
CLIENTS = 8
KEYS = [f"client-{number}" for number in range(40)]
# The last one is what a broken canary cannot take.
VALUES = (1.0, 2.0, -1.0)
FACTORS = {"stable": 2.0, "canary": 3.0}
SHARE = 0.4


def router() -> CanaryRouter:
    """A router as the service makes it from ``canary.json``."""
    return CanaryRouter("stable", "canary", SHARE, salt=NAME)


CANARY_KEYS = frozenset(key for key in KEYS if router().route(key) == "canary")


@pytest.fixture
def folder(registry_folder: Path) -> Path:
    """The registry's folder of a model with an active version, and nothing else."""
    folder = registry_folder / NAME
    manager = ModelVersionManager(folder, name=NAME)
    manager.register("stable", Scaled(FACTORS["stable"]))
    manager.activate("stable")
    return folder


def put_on_trial(folder: Path, canary: Scaled) -> None:
    ModelVersionManager(folder, name=NAME).register("canary", canary)
    terms = {"version": "canary", "share": SHARE}
    (folder / "canary.json").write_text(json.dumps(terms), "utf-8")


async def reload(load: Load) -> float:
    """Have the registry read anew; return when that was answered."""
    response = await load.service.post("/models/reload")
    assert response.status_code == 200, response.text
    return asyncio.get_running_loop().time()


def assert_of_their_models(answers: list[Answer]) -> None:
    for answer in answers:
        if answer.version is not None:
            assert answer.prediction == FACTORS[answer.version] * answer.value


async def errors_counted(load: Load) -> float:
    text = (await load.service.get("/metrics")).text
    series = f'ml_prediction_errors_total{{model="{NAME}"}} '
    return sum(
        float(line.removeprefix(series))
        for line in text.splitlines()
        if line.startswith(series)
    )


def test_the_keys_are_of_both_kinds() -> None:
    assert 5 < len(CANARY_KEYS) < 35


def test_a_sound_canary_gets_its_keys_and_is_promoted_without_a_failure(
    folder: Path,
) -> None:
    async def release(url: str) -> tuple[list[Answer], float, float, float]:
        async with Load.on(url, keys=KEYS, values=VALUES, clients=CLIENTS) as load:
            await load.more(50)
            put_on_trial(folder, Scaled(FACTORS["canary"]))
            begun = await reload(load)
            await load.more(300)
            manager = ModelVersionManager(folder, name=NAME)
            asked = asyncio.get_running_loop().time()
            assert await asyncio.to_thread(manager.activate, "canary")
            promoted = await reload(load)
            await load.more(100)
        return load.answers, begun, asked, promoted

    with running(MODEL_PATH=str(folder.parent)) as server:
        answers, begun, asked, promoted = asyncio.run(release(server.url))
    assert {answer.status for answer in answers} == {200}
    assert_of_their_models(answers)
    trial = [one for one in answers if begun < one.sent and one.received < asked]
    assert len(trial) > 200
    for one in trial:
        expected = "canary" if one.key in CANARY_KEYS else "stable"
        assert one.version == expected, one
    after = [one for one in answers if one.sent > promoted]
    assert len(after) >= 90
    assert {one.version for one in after} == {"canary"}


def test_a_canary_that_fails_is_rolled_back_and_fails_nobody_else(
    folder: Path,
) -> None:
    def is_ended(answers: list[Answer], begun: float) -> bool:
        return any(
            one.key in CANARY_KEYS and one.version == "stable" and one.sent > begun
            for one in answers
        )

    async def release(url: str) -> tuple[list[Answer], float, float, str | None]:
        async with Load.on(url, keys=KEYS, values=VALUES, clients=CLIENTS) as load:
            await load.more(50)
            put_on_trial(folder, Scaled(FACTORS["canary"], fails_below=0.0))
            begun = await reload(load)
            await load.until(lambda answers: is_ended(answers, begun))
            await load.more(2 * len(KEYS) * len(VALUES))
            # Nobody tells it: to read the registry again does not begin it anew.
            await reload(load)
            await load.more(len(KEYS) * len(VALUES))
            about = (await load.service.get(f"/models/{NAME}")).json()["canary"]
            return load.answers, begun, await errors_counted(load), about

    with running(MODEL_PATH=str(folder.parent)) as server:
        answers, begun, errors, canary = asyncio.run(release(server.url))
    assert canary is None
    assert_of_their_models(answers)
    failures = [one for one in answers if one.status != 200]
    # What failed is what the canary itself answered, and is counted one by one.
    assert {one.status for one in failures} == {500}
    assert {(one.key in CANARY_KEYS, one.value) for one in failures} == {(True, -1.0)}
    assert len(failures) == errors
    # Those answers are evidence enough for the test that the service states.
    judge = router()
    tried = [one for one in answers if one.version == "canary"]
    for one in (*tried, *failures):
        judge.record("canary", error=one in failures)
    assert judge.rolled_back
    # And not much more than that: the others were under way when it was rolled back.
    judge, needed = router(), 0
    for one in sorted((*tried, *failures), key=lambda one: one.received):
        if not judge.rolled_back:
            judge.record("canary", error=one in failures)
            needed += one in failures
    assert len(failures) < needed + CLIENTS
    # From the first proof of its end on the canary answers nobody.
    proof = min(
        one.received
        for one in answers
        if one.key in CANARY_KEYS and one.version == "stable" and one.sent > begun
    )
    after = [one for one in answers if one.sent > proof]
    assert len(after) > 200
    assert {(one.status, one.version) for one in after} == {(200, "stable")}
