"""kill -9 at every step: what a dead process leaves is the old state or the new.

A child process counts its system calls that change something, and kills itself before,
after and, for a write, in the middle of the n-th; for every n until it gets through.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from reference.production.deployment import ModelSerializer, ModelVersionManager

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and kill")

KEY = b"a key of thirty-two bytes, fixed"
SERIALIZER = ModelSerializer(KEY)
CALLS = ["open", "close", "fsync", "replace", "unlink", "mkdir"]
DONE = 0

Seen = tuple[list[str], str | None, object]


def child(moment_of_death: int, work: Callable[[], object]) -> None:
    """Run ``work`` and die at that moment; never returns."""
    passed = count(1)

    def moment() -> None:
        if next(passed) == moment_of_death:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **options: object) -> object:
            moment()
            answer = call(*args, **options)
            moment()
            return answer

        return wrapper

    write = os.write

    def torn_write(handle: int, data: memoryview) -> int:
        moment()
        half = write(handle, data[: len(data) // 2])
        moment()
        rest = write(handle, data[half:])
        moment()
        return half + rest

    try:
        for name in CALLS:
            setattr(os, name, watched(getattr(os, name)))
        os.write = torn_write  # type: ignore[assignment]  # a stand-in
        import fcntl

        fcntl.flock = watched(fcntl.flock)  # type: ignore[assignment]  # a stand-in
        work()
        os._exit(DONE)
    finally:
        os._exit(1)


def dies_at(moment_of_death: int, work: Callable[[], object]) -> bool:
    """Run ``work`` in a child; whether it died at that moment or got through."""
    process = os.fork()
    if process == 0:
        child(moment_of_death, work)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status in (DONE, -signal.SIGKILL)
    return status != DONE


def manager(folder: Path) -> ModelVersionManager:
    return ModelVersionManager(folder, serializer=SERIALIZER)


def seen(folder: Path) -> Seen:
    """What a new process finds; every version can be loaded."""
    found = manager(folder)
    versions = found.versions()
    for version in versions:
        assert found.load(version) == [version]
    return versions, found.active, found.load_active()


def register(versions: ModelVersionManager) -> None:
    versions.register("c", ["c"], format="pickle")


def activate(versions: ModelVersionManager) -> None:
    versions.activate("a")


def rollback(versions: ModelVersionManager) -> None:
    versions.rollback()


def prepared(folder: Path) -> None:
    """Two versions, of which the second is active after the first."""
    versions = manager(folder)
    for version in ("a", "b"):
        versions.register(version, [version], format="pickle")
        versions.activate(version)


def goes_on(folder: Path) -> None:
    """Whatever died here, everything works, and its litter goes."""
    versions = manager(folder)
    before = versions.versions()
    versions.register("later", ["later"], format="pickle")
    assert versions.activate("later")
    assert versions.load_active() == ["later"]
    assert versions.rollback()
    assert versions.versions() == [*before, "later"]
    expected = {f"{number:06d}.model" for number in range(1, len(before) + 2)}
    expected |= {"state.json", "lock"}
    assert {file.name for file in folder.iterdir()} == expected
    seen(folder)


@pytest.mark.parametrize(
    ("work", "after"),
    [
        (register, (["a", "b", "c"], "b", ["b"])),
        (activate, (["a", "b"], "a", ["a"])),
        (rollback, (["a", "b"], "a", ["a"])),
    ],
)
def test_a_change_is_whole_or_absent(
    tmp_path: Path, work: Callable[[ModelVersionManager], None], after: Seen
) -> None:
    prepared(tmp_path / "prepared")
    before = seen(tmp_path / "prepared")
    found: list[Seen] = []
    for moment in count(1):
        folder = tmp_path / str(moment)
        shutil.copytree(tmp_path / "prepared", folder)
        versions = manager(folder)
        died = dies_at(moment, lambda versions=versions: work(versions))  # type: ignore[misc]  # a lambda
        found.append(seen(folder))
        goes_on(folder)
        if not died:
            break
    turned = found.index(after)
    assert found == [before] * turned + [after] * (len(found) - turned)
    # it did die on either side of the turn, and the two files took their many steps
    assert turned > 5
    assert len(found) - turned > 5


def test_the_first_use_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_SIGNING_KEY", raising=False)
    for moment in count(1):
        folder = tmp_path / str(moment) / "models"

        def work(folder: Path = folder) -> None:
            register(ModelVersionManager(folder))

        died = dies_at(moment, work)
        again = ModelVersionManager(folder)  # whatever there is of a key serves
        if "c" not in again.versions():
            register(again)
        assert again.activate("c")
        assert again.load_active() == ["c"]
        left = {file.name for file in folder.iterdir()}
        assert left == {"000001.model", "lock", "signing.key", "state.json"}
        if not died:
            break
    assert moment > 40


def test_a_saved_file_is_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    states = []
    for moment in count(1):
        SERIALIZER.save("old", path)
        died = dies_at(moment, lambda: SERIALIZER.save("new", path))
        states.append(SERIALIZER.load(path))
        if not died:
            break
    turned = states.index("new")
    assert states == ["old"] * turned + ["new"] * (len(states) - turned)
    assert turned > 5


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    prepared(tmp_path)
    versions = manager(tmp_path)
    moments = 4  # within the lock: opened and locked are the first four
    assert dies_at(moments, lambda: register(versions))
    register(versions)  # does not wait for the dead
    assert versions.versions() == ["a", "b", "c"]


def test_nothing_is_named_before_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(tmp_path)
    versions = manager(tmp_path)
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        is_folder = os.path.samestat(os.fstat(handle), tmp_path.stat())
        steps.append("folder" if is_folder else "file")
        fsync(handle)

    def noted_replace(source: Path, target: Path) -> None:
        steps.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    register(versions)
    places = ["state.json", "000003.model", "state.json"]  # intent, file, version
    assert steps == [step for place in places for step in ("file", place, "folder")]
