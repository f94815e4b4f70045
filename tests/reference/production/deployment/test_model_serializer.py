"""ModelSerializer: what is refused, what survives, who holds the key."""

import hashlib
import hmac
import json
import os
import pickle
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.production.deployment import (
    IntegrityError,
    ModelMetadata,
    ModelSerializer,
)
from reference.production.deployment.sealing import seal

KEY = b"a key of thirty-two bytes, fixed"
OTHER = b"another key, as long as the one."
MODEL = {"weights": [1.5, -2.0], "bias": 0.25}
METADATA = ModelMetadata("churn", "1.2.0", ("age", "städte"), {"auc": 0.1 + 0.2}, "now")
START = 8 + 32 + 4  # magic, signature, length of the header
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX owners and links")


class Touch:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.file,))


class Unwritable:
    """A model that pickle cannot write."""

    def __reduce__(self) -> tuple[object, ...]:
        raise RuntimeError("this model cannot be written")


def saved(folder: Path, **options: object) -> Path:
    path = folder / "model.bin"
    ModelSerializer(KEY).save(MODEL, path, metadata=METADATA, **options)  # type: ignore[arg-type]  # options by name
    return path


def refused(content: bytes, folder: Path) -> None:
    """Neither load nor get_metadata takes this file."""
    path = folder / "tampered.bin"
    path.write_bytes(content)
    for read in (ModelSerializer(KEY).load, ModelSerializer(KEY).get_metadata):
        with pytest.raises(IntegrityError, match=r"^path must be"):
            read(path)


@pytest.mark.parametrize("format", ["pickle", "joblib"])
@pytest.mark.parametrize("compress", [True, False])
def test_round_trip_of_model_and_metadata(
    tmp_path: Path,
    format: str,  # noqa: A002 - the parameter of save
    compress: bool,
) -> None:
    path = str(tmp_path / "new" / "model.bin")
    serializer = ModelSerializer(KEY)
    assert serializer.save(MODEL, path, format, METADATA, compress) == path
    assert serializer.load(path) == MODEL
    assert serializer.load(path, format) == MODEL
    assert serializer.get_metadata(path) == METADATA
    assert [entry.name for entry in Path(path).parent.iterdir()] == ["model.bin"]


def test_no_metadata_is_none(tmp_path: Path) -> None:
    path = ModelSerializer(KEY).save(None, str(tmp_path / "model.bin"))
    assert ModelSerializer(KEY).get_metadata(path) is None
    assert ModelSerializer(KEY).load(path) is None


names = st.text(max_size=8)


@given(
    st.builds(
        ModelMetadata,
        name=names,
        version=names,
        features=st.lists(names, max_size=3).map(tuple),
        metrics=st.dictionaries(names, st.floats(allow_nan=False), max_size=3),
        created_at=names,
        target=names,
    )
)
def test_metadata_comes_back_equal(metadata: ModelMetadata) -> None:
    with TemporaryDirectory() as folder:
        path = ModelSerializer(KEY).save(1, f"{folder}/model", metadata=metadata)
        assert ModelSerializer(KEY).get_metadata(path) == metadata


def test_metadata_keeps_copies_and_checks_types() -> None:
    metrics = {"auc": 0.5}
    metadata = ModelMetadata(features=["a"], metrics=metrics)  # type: ignore[arg-type]  # wrong on purpose
    metrics["auc"] = 0.9
    assert metadata == ModelMetadata(features=("a",), metrics={"auc": 0.5})
    for wrong in ({"name": 1}, {"features": "ab"}, {"features": [1]}, {"metrics": [1]}):
        with pytest.raises(TypeError, match=f"^{next(iter(wrong))} must be"):
            ModelMetadata(**wrong)
    with pytest.raises(TypeError, match=r"^metrics must be"):
        ModelMetadata(metrics={"auc": "high"})  # type: ignore[dict-item]  # wrong on purpose


@given(st.data())
def test_a_change_of_any_byte_is_refused(data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        marker = folder / "marker"
        path = folder / "model.bin"
        serializer = ModelSerializer(KEY)
        serializer.save(
            Touch(marker), path, metadata=METADATA, compress=data.draw(st.booleans())
        )
        content = bytearray(path.read_bytes())
        # the length depends on the folder's name, what is drawn must not
        position = data.draw(st.integers(0, 2**16), label="position") % len(content)
        content[position] ^= data.draw(st.integers(1, 255), label="changed bits")
        refused(bytes(content), folder)
        assert not marker.exists()
        serializer.load(path)  # the control: the untouched file does run
        assert marker.exists()


def test_every_bit_of_the_header_counts(tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    length = int.from_bytes(content[START - 4 : START], "big")
    for position in range(START + length):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        refused(bytes(changed), tmp_path)


def test_every_truncation_and_every_addition_is_refused(tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    for length in range(len(content)):
        refused(content[:length], tmp_path)
    refused(content + b"\0", tmp_path)
    refused(content + content, tmp_path)


def test_edited_metadata_is_refused(tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    assert content.count(b'"1.2.0"') == 1
    refused(content.replace(b'"1.2.0"', b'"9.2.0"'), tmp_path)
    refused(content.replace(b'"pickle"', b'"joblib"'), tmp_path)


def test_header_and_payload_of_two_good_files_are_refused(tmp_path: Path) -> None:
    first = saved(tmp_path).read_bytes()
    path = tmp_path / "second.bin"
    ModelSerializer(KEY).save({"other": 1}, path, metadata=METADATA)
    second = path.read_bytes()
    cut = START + int.from_bytes(first[START - 4 : START], "big")
    refused(first[:cut] + second[cut:], tmp_path)
    refused(first[:8] + second[8:40] + first[40:], tmp_path)


def test_the_border_of_header_and_payload_cannot_move(tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    length = int.from_bytes(content[START - 4 : START], "big")
    for moved in (0, length - 1, length + 1, 2**32 - 1):
        changed = content[: START - 4] + moved.to_bytes(4, "big") + content[START:]
        refused(changed, tmp_path)


@pytest.mark.parametrize("dump", [pickle.dump, import_module("joblib").dump])
def test_a_foreign_pickle_never_runs(tmp_path: Path, dump: object) -> None:
    marker, path = tmp_path / "marker", tmp_path / "foreign.bin"
    with path.open("wb") as file:
        dump(Touch(marker), file)  # type: ignore[operator]  # of two modules
    content = path.read_bytes()
    refused(content, tmp_path)
    good = saved(tmp_path).read_bytes()
    refused(good[:8] + content, tmp_path)
    refused(good[:START] + content, tmp_path)
    unkeyed = hashlib.sha256(good[:8] + good[40:44] + content).digest()
    refused(good[:8] + unkeyed + good[40:44] + content, tmp_path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Touch(marker)))  # noqa: S301 - the control
    assert marker.exists()


def test_another_key_is_refused(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = ModelSerializer(OTHER).save(Touch(marker), tmp_path / "model.bin")
    refused(Path(path).read_bytes(), tmp_path)
    assert not marker.exists()


def test_signature_is_hmac_sha256_of_all_else(tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    signed = content[:8] + content[40:]
    assert content[8:40] == hmac.digest(KEY, signed, "sha256")
    length = int.from_bytes(content[40:44], "big")
    header = json.loads(content[44 : 44 + length])
    assert header["format"] == "pickle"
    assert header["metadata"]["version"] == "1.2.0"


def test_missing_file_and_folder(tmp_path: Path) -> None:
    serializer = ModelSerializer(KEY)
    with pytest.raises(FileNotFoundError):
        serializer.load(tmp_path / "none.bin")
    with pytest.raises(FileNotFoundError):
        serializer.get_metadata(tmp_path / "none" / "none.bin")
    with pytest.raises(IntegrityError, match=r"^path must be"):
        serializer.load(tmp_path)


@posix
def test_links_and_pipes(tmp_path: Path) -> None:
    path = saved(tmp_path)
    link = tmp_path / "link.bin"
    link.symlink_to(path)
    serializer = ModelSerializer(KEY)
    assert serializer.load(link) == MODEL
    with pytest.raises(IntegrityError, match="symbolic link"):
        serializer.open(link, follow_links=False)
    before = path.read_bytes()
    serializer.save([1], link)  # replaces the link, leaves what it pointed to
    assert not link.is_symlink()
    assert path.read_bytes() == before
    assert serializer.load(link) == [1]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IntegrityError, match="regular file"):  # and does not wait
        serializer.load(tmp_path / "pipe")


@pytest.mark.parametrize("format", ["pickle", "joblib"])
def test_a_failing_dump_leaves_the_old_file(
    tmp_path: Path,
    format: str,  # noqa: A002 - the parameter of save
) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="cannot be written"):
        ModelSerializer(KEY).save([1, Unwritable()], path, format)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RuntimeError, match="cannot be written"):
        ModelSerializer(KEY).save(Unwritable(), tmp_path / "new" / "model", format)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def fail(*_: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="no space"):
        ModelSerializer(KEY).save([1], path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_short_writes_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
    path = saved(tmp_path)
    monkeypatch.undo()
    assert ModelSerializer(KEY).load(path) == MODEL


def test_writers_of_one_path_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    serializer = ModelSerializer(KEY)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: serializer.save([number] * 99, path), range(40)))
    model = serializer.load(path)
    assert model == [model[0]] * 99
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_files_have_the_usual_mode(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    assert saved(tmp_path).stat().st_mode == plain.stat().st_mode


def test_arguments_are_checked(tmp_path: Path) -> None:
    serializer = ModelSerializer(KEY)
    path = tmp_path / "model.bin"
    for key in (b"", b"fifteen bytes .."[:15]):
        with pytest.raises(ValueError, match=r"^key must be") as caught:
            ModelSerializer(key)
        assert "fifteen" not in str(caught.value)
    with pytest.raises(TypeError, match=r"^key must be") as caught_type:
        ModelSerializer("a secret of enough bytes")  # type: ignore[arg-type]  # wrong on purpose
    assert "secret" not in str(caught_type.value)
    with pytest.raises(ValueError, match=r"^format must be"):
        serializer.save(MODEL, path, "yaml")
    with pytest.raises(TypeError, match=r"^format must be"):
        serializer.save(MODEL, path, 3)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"^metadata must be"):
        serializer.save(MODEL, path, metadata={"a": 1})  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"^path must be"):
        serializer.load(7)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ValueError, match=r"^path must be"):
        serializer.load("a\0b")
    assert not list(tmp_path.iterdir())
    saved(tmp_path)
    with pytest.raises(ValueError, match=r"^format must be pickle"):
        serializer.load(path, "joblib")


@pytest.mark.parametrize(
    "header",
    [
        {"format": "pickle", "compressed": False, "metadata": {"owner": "x"}},
        {"format": "pickle", "compressed": False, "metadata": ["x"]},
        {"format": "pickle", "compressed": "zstd", "metadata": None},
        {"format": "gguf", "compressed": False, "metadata": None},
        {"format": 7, "compressed": False, "metadata": None},
        {"format": "pickle"},
        {},
    ],
)
def test_a_sound_file_of_another_version(
    tmp_path: Path, header: dict[str, object]
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(seal(KEY, header, b""))
    for read in (ModelSerializer(KEY).load, ModelSerializer(KEY).get_metadata):
        with pytest.raises(IntegrityError, match=r"^path must be .* another version"):
            read(path)


@posix
def test_a_folder_that_does_not_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one failure that leaves the new file: it is told, and nothing is litter."""
    path = saved(tmp_path)
    fsync = os.fsync

    def fail(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError("the folder")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the folder"):
        ModelSerializer(KEY).save("new", path)
    assert ModelSerializer(KEY).load(path) == "new"
    assert list(tmp_path.iterdir()) == [path]
