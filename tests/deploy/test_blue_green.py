"""Blue-green on the running server under load: from one version to another and back."""

import asyncio
from pathlib import Path

from reference.production.deployment import ModelVersionManager
from tests.deploy.scaled import Scaled
from tests.deploy.traffic import Answer, Load
from tests.reference.production.serving.running import running

FACTORS = {"blue": 2.0, "green": 3.0}


async def reload(load: Load) -> tuple[float, float]:
    """Have the registry read anew; return when that was asked and when answered."""
    clock = asyncio.get_running_loop().time
    asked = clock()
    response = await load.service.post("/models/reload")
    assert response.status_code == 200, response.text
    return asked, clock()


async def switch_and_back(
    url: str, manager: ModelVersionManager
) -> tuple[list[Answer], list[tuple[float, float]]]:
    async with Load.on(url) as load:
        await load.more(100)
        assert await asyncio.to_thread(manager.activate, "green")
        # Until it is told, the service goes on with the old one.
        await load.more(50)
        to_green = await reload(load)
        await load.more(100)
        assert await asyncio.to_thread(manager.rollback)
        await load.more(50)
        to_blue = await reload(load)
        await load.more(100)
    return load.answers, [to_green, to_blue]


def test_a_switch_and_a_rollback_fail_nothing_and_never_go_back(
    registry_folder: Path,
) -> None:
    manager = ModelVersionManager(registry_folder / "scaled", name="scaled")
    for version, factor in FACTORS.items():
        manager.register(version, Scaled(factor))
    manager.activate("blue")
    with running(MODEL_PATH=str(registry_folder)) as server:
        answers, reloads = asyncio.run(switch_and_back(server.url, manager))
    assert {answer.status for answer in answers} == {200}
    for answer in answers:
        assert answer.version is not None
        # The version and the prediction are of one model.
        assert answer.prediction == FACTORS[answer.version] * answer.value
    (green_asked, green_told), (blue_asked, blue_told) = reloads
    in_time: dict[str, list[Answer]] = {
        "blue before": [one for one in answers if one.received < green_asked],
        "green": [
            one
            for one in answers
            if one.sent > green_told and one.received < blue_asked
        ],
        "blue again": [one for one in answers if one.sent > blue_told],
    }
    for phase, met in in_time.items():
        assert len(met) >= 90, phase
        assert {one.version for one in met} == {phase.split()[0]}, phase
    # In between, too, nobody who asks after a new answer gets an old one.
    for version, asked, until in (
        ("green", green_asked, blue_asked),
        ("blue", blue_asked, float("inf")),
    ):
        first = min(
            one.received
            for one in answers
            if one.version == version and one.received > asked
        )
        later = [one for one in answers if first < one.sent and one.received < until]
        assert {one.version for one in later} == {version}
