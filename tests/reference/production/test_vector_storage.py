"""The file of an index: the same answers after reload, and nothing else is read."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from reference.production.vector_db import HNSW, BruteForceIndex, VectorIndex
from reference.production.vector_db.storage import read, write
from tests.reference.production.test_vector_exact import every_kind


def filled(kind: str, metric: str, options: dict[str, object]) -> VectorIndex:
    """Return an index in which vectors are equal, deleted and numbered anyhow."""
    index = VectorIndex.create(kind, 6, metric, **options)
    vectors = np.random.default_rng(0).normal(size=(300, 6))
    vectors[40:60] = vectors[:20]
    index.add(vectors, np.random.default_rng(1).permutation(1000)[:300])
    index.delete(range(0, 1000, 7))
    return index


@every_kind
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_answers_after_reload(
    kind: str, metric: str, options: dict[str, object], dtype: str, tmp_path: Path
) -> None:
    index = filled(kind, metric, {**options, "dtype": dtype})
    index.save(tmp_path / "index")
    again = VectorIndex.load(tmp_path / "index")
    assert type(again) is type(index)
    more = np.random.default_rng(2).normal(size=(60, 6))
    # Before and after both are changed in the same way.
    for _ in range(2):
        assert len(again) == len(index)
        for allowed in (None, range(400)):
            first = index.search_batch(more, 12, allowed)
            second = again.search_batch(more, 12, allowed)
            np.testing.assert_array_equal(first[0], second[0])
            np.testing.assert_array_equal(first[1], second[1])
        np.testing.assert_array_equal(index.add(more), again.add(more))
        assert index.delete(range(50)) == again.delete(range(50))
    index.save(tmp_path / "index")
    again.save(tmp_path / "again")


@every_kind
def test_an_empty_index_is_kept(
    kind: str, metric: str, options: dict[str, object], tmp_path: Path
) -> None:
    index = VectorIndex.create(kind, 3, metric, **options)
    index.add(np.eye(3))
    index.delete(range(3))
    index.save(tmp_path / "index")
    again = type(index).load(tmp_path / "index")
    assert len(again) == 0
    assert again.add([1, 2, 3]).tolist() == [3]
    assert again.search([1, 2, 3])[0].tolist() == [3]


@pytest.mark.parametrize("kind", ["brute_force", "lsh", "hnsw"])
def test_torn_or_changed_at_any_byte(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "index"
    index = VectorIndex.create(kind, 2)
    index.add([[1, 2], [3, 4], [5, 6]])
    index.save(file)
    whole = file.read_bytes()
    for place in range(len(whole)):
        for spoilt in (
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
        ):
            file.write_bytes(spoilt)
            with pytest.raises(ValueError, match=r"^path must be"):
                VectorIndex.load(file)
    file.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match=r"^path must be"):
        VectorIndex.load(file)
    file.write_bytes(whole)
    assert len(VectorIndex.load(file)) == 3


def test_other_files(tmp_path: Path) -> None:
    file = tmp_path / "index"
    with pytest.raises(FileNotFoundError):
        VectorIndex.load(file)
    BruteForceIndex(2).save(file)
    with pytest.raises(ValueError, match=r"^path must be the file of a HNSW"):
        HNSW.load(file)
    body = bytearray(file.read_bytes()[:-32])
    body[8:12] = struct.pack("<I", 2)
    file.write_bytes(bytes(body) + hashlib.sha256(body).digest())
    with pytest.raises(ValueError, match="its version is 2"):
        VectorIndex.load(file)


def test_what_the_checksum_cannot_tell(tmp_path: Path) -> None:
    """A file with a fitting checksum that is no graph would read other memory."""
    file = tmp_path / "index"
    index = HNSW(3, M=2)
    index.add(np.random.default_rng(0).normal(size=(50, 3)))
    index.save(file)
    header, arrays = read(file)
    assert np.any(arrays["levels"] != 0)

    def refused(name: str, place: tuple[int, ...], value: int) -> None:
        spoilt = {key: array.copy() for key, array in arrays.items()}
        spoilt[name][place] = value
        write(file, header, spoilt)
        with pytest.raises(ValueError, match=r"^path must hold a whole index"):
            VectorIndex.load(file)

    refused("base", (0, 1), 50)
    refused("base", (0, 1), -1)
    refused("base", (0, 0), 5)
    refused("upper", (0,), 3)
    low = int(np.flatnonzero(arrays["levels"] == 0)[0])
    refused("upper", (1,), low)
    refused("levels", (low,), 1)
    refused("levels", (low,), -1)
    refused("ids", (0,), 1)
    refused("nodes", (0,), 50)
    for name in arrays:
        write(file, header, {key: arrays[key] for key in arrays if key != name})
        with pytest.raises(ValueError, match=r"^path must hold a whole index"):
            VectorIndex.load(file)
    write(file, {**header, "state": {}}, arrays)
    with pytest.raises(ValueError, match=r"^path must hold a whole index"):
        VectorIndex.load(file)


def test_a_failing_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "index"
    index = BruteForceIndex(2)
    index.add([1, 2])
    index.save(file)
    before = file.read_bytes()
    index.add([3, 4])

    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        index.save(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
