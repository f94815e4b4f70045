"""The file of an index: the same answers after reload, and nothing else is read."""

import hashlib
import os
import stat
import struct
from pathlib import Path

import numpy as np
import pytest

from reference.production.vector_db import HNSW, LSH, BruteForceIndex, VectorIndex
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


def test_a_file_is_as_open_as_others_and_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        steps.append("folder" if is_folder else "file")
        fsync(handle)

    def noted_replace(source: Path, target: Path) -> None:
        steps.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    BruteForceIndex(2).save(tmp_path / "index")
    (tmp_path / "other").touch()
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert len(modes) == 1
    folder = ["folder"] if os.name == "posix" else []  # elsewhere none can be opened
    assert steps == ["file", "index", *folder]


def with_header(file: Path, text: bytes, body: bytes = b"") -> None:
    """Write a file whose checksum fits, whatever is in it."""
    content = struct.pack("<8sIQ", b"VECINDEX", 1, len(text)) + text + body
    file.write_bytes(content + hashlib.sha256(content).digest())


def test_headers_that_ask_for_too_much(tmp_path: Path) -> None:
    file = tmp_path / "index"
    with_header(file, b"[" * 200_000)
    with pytest.raises(ValueError, match=r"^path must be the file of a whole"):
        VectorIndex.load(file)
    LSH(2, n_tables=1, n_bits=1).save(file)
    header, arrays = read(file)
    for options in (
        {"dim": 10**9, "n_tables": 1000, "n_bits": 1000},
        {"dim": 2, "n_tables": 10**30},
    ):
        write(file, {**header, "options": options}, arrays)
        with pytest.raises(ValueError, match=r"^path must hold a whole index"):
            VectorIndex.load(file)


@pytest.mark.parametrize("kind", ["brute_force", "lsh", "hnsw"])
def test_an_id_is_not_given_twice_by_a_forged_file(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "index"
    index = VectorIndex.create(kind, 2)
    index.add([[1, 2], [3, 4]], [5, 3])
    index.save(file)
    header, arrays = read(file)
    for next_id in (5, 0, -1, 2**63, "6", 6.0, None):
        write(file, {**header, "next_id": next_id}, arrays)
        with pytest.raises(ValueError, match=r"^path must hold a whole index"):
            VectorIndex.load(file)
    write(file, {**header, "next_id": 6}, arrays)
    assert VectorIndex.load(file).add([5, 6]).tolist() == [6]
    index = VectorIndex.create(kind, 2)
    index.save(file)
    header, arrays = read(file)
    write(file, {**header, "next_id": -1}, arrays)
    with pytest.raises(ValueError, match=r"^path must hold a whole index"):
        VectorIndex.load(file)


def test_levels_go_on_after_reload(tmp_path: Path) -> None:
    index = HNSW(4, M=2, seed=1)
    index.add(np.random.default_rng(0).normal(size=(50, 4)))
    index.save(tmp_path / "index")
    again = HNSW.load(tmp_path / "index")
    more = np.random.default_rng(1).normal(size=(200, 4))
    np.testing.assert_array_equal(index.add(more), again.add(more))
    assert again.levels == index.levels
    for id_, top in index.levels.items():
        for level in range(top + 1):
            assert again.neighbors(id_, level) == index.neighbors(id_, level)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_planes_are_those_of_the_file(metric: str, tmp_path: Path) -> None:
    """Not drawn again from the seed: another NumPy may draw others."""
    vectors = np.random.default_rng(0).normal(size=(200, 4))
    index, other = (
        LSH(4, n_tables=2, n_bits=3, seed=seed, metric=metric) for seed in (0, 1)
    )
    for one in (index, other):
        one.add(vectors)
        one.save(tmp_path / "index")
    header, arrays = read(tmp_path / "index")
    options = header["options"]
    assert isinstance(options, dict)
    # the other's file, under the seed of the first
    write(tmp_path / "index", {**header, "options": {**options, "seed": 0}}, arrays)
    again = LSH.load(tmp_path / "index")
    found = [again.candidates(vector) for vector in vectors]
    assert found == [other.candidates(vector) for vector in vectors]
    assert found != [index.candidates(vector) for vector in vectors]
