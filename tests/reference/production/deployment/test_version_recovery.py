"""ModelVersionManager when something was lost, damaged or left behind."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reference.production.deployment import (
    IntegrityError,
    ModelSerializer,
    ModelVersionManager,
)

SERIALIZER = ModelSerializer(b"a key of thirty-two bytes, fixed")


def manager(folder: Path) -> ModelVersionManager:
    return ModelVersionManager(folder, serializer=SERIALIZER)


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"[]",
        b"{}",
        b'{"versions": ["v1"]',
        b'{"versions": 3, "history": []}',
        b'{"versions": ["../x"], "history": []}',
        b'{"versions": ["v1", "v1"], "history": []}',
        b'{"versions": [], "history": ["v1"]}',
        b'{"versions": [["v1"]], "history": []}',
        b'{"versions": "ab", "history": []}',
        b'{"versions": ["v1"], "history": "v1"}',
        b'{"versions": {"v1": 0}, "history": []}',
        b'{"versions": ["v1"], "history": [], "numbers": []}',
        b'{"versions": ["v1"], "history": [], "numbers": [0]}',
        b'{"versions": ["v1"], "history": [], "numbers": ["1"]}',
        b'{"versions": ["v1", "v2"], "history": [], "numbers": [1, 1]}',
        b'{"versions": ["v1"], "history": [], "writing": 1}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_state_is_not_taken_for_an_empty_one(
    tmp_path: Path, state: bytes
) -> None:
    versions = manager(tmp_path)
    file = Path(versions.register("v1", 1))
    (tmp_path / "state.json").write_bytes(state)
    before = file.read_bytes()
    for call in (versions.versions, versions.load_active, versions.rollback):
        with pytest.raises(IntegrityError, match=r"^base_path must hold"):
            call()
    with pytest.raises(IntegrityError):
        versions.register("v2", 2)
    assert file.read_bytes() == before


def test_what_a_lost_state_named_is_not_overwritten(tmp_path: Path) -> None:
    versions = manager(tmp_path)
    files = [Path(versions.register(name, name)) for name in ("v1", "v2")]
    (tmp_path / "000003.model").mkdir()
    early = (tmp_path / "state.json").read_bytes()
    files.append(Path(versions.register("v3", "v3")))
    before = [file.read_bytes() for file in files]
    for lost in (early, None):  # an older copy put back, and none
        (tmp_path / "state.json").unlink()
        if lost is not None:
            (tmp_path / "state.json").write_bytes(lost)
        added = Path(versions.register("v4", "v4"))
        assert added not in files
        assert [file.read_bytes() for file in files] == before
        assert versions.load("v4") == "v4"
        files, before = [*files, added], [*before, added.read_bytes()]
    assert versions.versions() == ["v4"]


def test_a_state_from_before_files_had_numbers(tmp_path: Path) -> None:
    versions = manager(tmp_path)
    for name in ("v1", "v2"):
        versions.register(name, name)
    (tmp_path / "state.json").write_text(
        '{"versions": ["v1", "v2"], "history": ["v2"]}'
    )
    assert versions.load_active() == "v2"
    versions.register("v3", "v3")
    assert [versions.load(name) for name in versions.versions()] == ["v1", "v2", "v3"]


def test_a_folder_that_has_gone_is_no_empty_one(tmp_path: Path) -> None:
    versions = manager(tmp_path / "base")
    versions.register("v1", 1)
    calls: list[Callable[[], object]] = [
        versions.versions,
        lambda: versions.active,
        versions.load_active,
        lambda: versions.load("v1"),
        lambda: versions.activate("v1"),
        versions.rollback,
        lambda: versions.register("v2", 2),
    ]
    shutil.rmtree(tmp_path / "base")
    for call in calls:
        with pytest.raises(FileNotFoundError, match=r"^base_path must be a folder"):
            call()
    assert not list(tmp_path.iterdir())
    (tmp_path / "base").touch()  # another thing in its place
    with pytest.raises(FileNotFoundError, match=r"^base_path must be a folder"):
        versions.versions()


def test_only_dead_writers_of_the_registry_are_cleaned_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = manager(tmp_path)
    versions.register("v1", 1)
    (tmp_path / ".locked-writing-dead").touch()
    (tmp_path / ".locked-writing-folder").mkdir()
    (tmp_path / ".writing-folder").mkdir()
    fsync, calls = os.fsync, iter([True])

    def change_meanwhile(handle: int) -> None:
        if next(calls, False):
            versions.activate("v1")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", change_meanwhile)
    SERIALIZER.save("mine", tmp_path / "mine")
    assert versions.active == "v1"
    assert SERIALIZER.load(tmp_path / "mine") == "mine"
    left = {".locked-writing-folder", ".writing-folder"}
    assert {file.name for file in tmp_path.glob(".*")} == left
