"""Where the key comes from, and that only what writes makes one."""

import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reference.production.deployment import (
    IntegrityError,
    ModelSerializer,
    ModelVersionManager,
)

KEY = b"a key of thirty-two bytes, fixed"
MODEL = {"weights": [1.5, -2.0], "bias": 0.25}
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX owners and links")


def test_key_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ModelSerializer(KEY).save(MODEL, tmp_path / "model.bin")
    monkeypatch.setenv("MODEL_SIGNING_KEY", KEY.decode())
    assert ModelSerializer().load(path) == MODEL
    monkeypatch.setenv("MODEL_SIGNING_KEY", "short")
    with pytest.raises(ValueError, match="in MODEL_SIGNING_KEY"):
        ModelSerializer()


def test_key_file_is_made_once_and_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_SIGNING_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: ModelSerializer(), range(8)))
        assert not list(tmp_path.iterdir())  # no key before there is something to sign
        paths = [tmp_path / str(number) for number in range(8)]
        list(pool.map(lambda one, path: one.save(MODEL, path), made, paths))
    assert all(one.load(path) == MODEL for one in made for path in paths)
    path = paths[0]
    key_file = tmp_path / "ml-dojo" / "model-signing.key"
    assert len(key_file.read_bytes()) == 64
    if sys.platform != "win32":
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    other = ModelSerializer(key_file=tmp_path / "other.key")
    with pytest.raises(ValueError, match=r"^key must be given, .*other\.key"):
        other.load(path)
    assert not (tmp_path / "other.key").exists()
    other.save(MODEL, tmp_path / "other.bin")
    with pytest.raises(IntegrityError):
        other.load(path)


@posix
def test_key_file_that_others_may_touch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_SIGNING_KEY", raising=False)
    file = tmp_path / "key"
    file.write_bytes(KEY)
    file.chmod(0o640)
    with pytest.raises(PermissionError, match="owner only"):
        ModelSerializer(key_file=file)
    file.chmod(0o600)
    ModelSerializer(key_file=file)
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(IntegrityError, match="symbolic link"):
        ModelSerializer(key_file=tmp_path / "link")
    file.write_bytes(b"short")
    with pytest.raises(ValueError, match=r"^key must be at least 16 bytes, got 5"):
        ModelSerializer(key_file=file)


def test_default_key_stays_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_SIGNING_KEY", raising=False)
    ModelVersionManager(tmp_path / "new").register("v1", [1])
    again = ModelVersionManager(str(tmp_path / "new"))
    assert again.activate("v1")
    assert again.load_active() == [1]


def test_a_reader_makes_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_SIGNING_KEY", raising=False)
    writer = ModelVersionManager(tmp_path / "given", serializer=ModelSerializer(KEY))
    writer.register("v1", 1)
    writer.activate("v1")
    before = sorted((tmp_path / "given").iterdir())
    reader = ModelVersionManager(tmp_path / "given")
    assert reader.active == "v1"
    calls: list[Callable[[], object]] = [
        reader.load_active,
        lambda: reader.load("v1"),
        lambda: reader.get_metadata("v1"),
        lambda: reader.activate("v1"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"^key must be given, in MODEL_SIGNING_"):
            call()
    assert sorted((tmp_path / "given").iterdir()) == before
    # a reader that was there before the first version finds the key that it made
    early = ModelVersionManager(tmp_path / "made")
    assert early.load_active() is None
    assert list((tmp_path / "made").iterdir()) == []
    ModelVersionManager(tmp_path / "made").register("v1", 1)
    assert early.load("v1") == 1
