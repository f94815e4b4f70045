"""ModelVersionManager under threads and under several processes at once."""

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

from reference.production.deployment import ModelSerializer, ModelVersionManager

SERIALIZER = ModelSerializer(b"a key of thirty-two bytes, fixed")
EACH = 15  # versions that each process registers and activates


def manager(folder: str | Path) -> ModelVersionManager:
    return ModelVersionManager(folder, serializer=SERIALIZER)


def test_threads_lose_nothing(tmp_path: Path) -> None:
    shared = manager(tmp_path)

    def work(number: int) -> None:
        shared.register(f"v{number}", number)
        assert shared.activate(f"v{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert sorted(shared.versions()) == sorted(f"v{number}" for number in range(24))
    history = json.loads((tmp_path / "state.json").read_text())["history"]
    assert sorted(history) == sorted(shared.versions())
    assert all(shared.load(f"v{number}") == number for number in range(24))


def test_one_of_several_registers_a_version(tmp_path: Path) -> None:
    shared = manager(tmp_path)

    def work(number: int) -> bool:
        try:
            shared.register("v1", number)
        except ValueError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(work, range(8)))
    assert sum(won) == 1
    assert shared.load("v1") == won.index(True)


def work_in_a_process(folder: str, name: str, barrier: Barrier) -> None:
    versions = manager(folder)
    barrier.wait(60)
    for number in range(EACH):
        versions.register(f"{name}{number}", [name, number] * 50)
        assert versions.activate(f"{name}{number}")


def read_in_a_process(folder: str, barrier: Barrier) -> None:
    versions = manager(folder)
    barrier.wait(60)
    seen: list[str] = []
    while len(seen) < 2 * EACH:
        now = versions.versions()
        assert now[: len(seen)] == seen  # it only grows
        seen = now
        model = versions.load_active()
        assert model is None or model == model[:2] * 50
        assert model is None or f"{model[0]}{model[1]}" in versions.versions()


def test_two_processes_lose_nothing_and_a_third_reads(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    folder = str(tmp_path)
    processes = [
        context.Process(target=work_in_a_process, args=(folder, "a", barrier)),
        context.Process(target=work_in_a_process, args=(folder, "b", barrier)),
        context.Process(target=read_in_a_process, args=(folder, barrier)),
    ]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0, 0, 0]
    finally:
        for process in processes:
            process.kill()
    history = json.loads((tmp_path / "state.json").read_text())["history"]
    for name in "ab":
        expected = [f"{name}{number}" for number in range(EACH)]
        for found in (manager(folder).versions(), history):
            assert [version for version in found if version[0] == name] == expected
    assert len(history) == 2 * EACH
    assert manager(folder).load("b3") == ["b", 3] * 50
