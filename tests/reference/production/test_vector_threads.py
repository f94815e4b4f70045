"""Readers beside a writer: each search sees all of a change or nothing of it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reference.production.vector_db import HNSW, VectorIndex
from reference.production.vector_db.locks import ReadWriteLock

KINDS: list[tuple[str, dict[str, object]]] = [
    ("brute_force", {}),
    ("lsh", {"n_tables": 1, "n_bits": 1, "width": 1e9}),
    ("hnsw", {"M": 4, "ef_construction": 20}),
]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_searches_see_whole_changes(kind: str, options: dict[str, object]) -> None:
    """The writer adds and deletes groups of eight at one place each."""
    index = VectorIndex.create(kind, 2, "euclidean", **options)
    index.add([[-100.0, place] for place in range(50)])
    stop = threading.Event()

    def write() -> int:
        for place in range(60):
            group = [[float(place % 6), 0.001 * i] for i in range(8)]
            ids = index.add(group)
            if place % 3:
                assert index.delete(ids) == 8
        stop.set()
        return len(index)

    def read(seed: int) -> int:
        generator, count = np.random.default_rng(seed), 0
        while not stop.is_set() or count < 5:
            place = float(generator.integers(6))
            found, distances = index.search_batch([[place, 0.0]] * 2, 200)
            np.testing.assert_array_equal(found[0], found[1])
            here = found[0][distances[0] < 0.5]
            # Groups hold eight ids in a row that begin at 50 + 8i.
            groups, sizes = np.unique((here - 50) // 8, return_counts=True)
            assert (sizes == 8).all(), (groups, sizes)
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, seed) for seed in range(3)]
        assert pool.submit(write).result(60) == 50 + 20 * 8
        assert all(one.result(60) >= 5 for one in readers)


def test_searches_at_the_same_time_answer_as_alone() -> None:
    index = HNSW(8, M=8, ef_construction=50)
    index.add(np.random.default_rng(0).normal(size=(3000, 8)))
    queries = np.random.default_rng(1).normal(size=(400, 8))
    alone = [index.search(query, 10, ef=30 + i % 50) for i, query in enumerate(queries)]
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(
                lambda i: index.search(queries[i], 10, ef=30 + i % 50),
                range(len(queries)),
            )
        )
    for (ids, distances), (more_ids, more_distances) in zip(
        alone, together, strict=True
    ):
        np.testing.assert_array_equal(ids, more_ids)
        np.testing.assert_array_equal(distances, more_distances)


def in_thread(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def test_readers_enter_together_and_a_waiting_writer_goes_first() -> None:
    lock, both, order = ReadWriteLock(), threading.Barrier(2), list[str]()

    def read_together() -> None:
        with lock.reading():
            both.wait(10)  # would break if readers entered one by one

    threads = [in_thread(read_together) for _ in range(2)]
    for thread in threads:
        thread.join(10)
    assert not both.broken

    def write() -> None:
        with lock.writing():
            order.append("writer")

    def read() -> None:
        with lock.reading():
            order.append("reader")

    with lock.reading():
        writer = in_thread(write)
        while not lock._writers_waiting:
            pass
        reader = in_thread(read)
        reader.join(0.05)
        assert order == []
    writer.join(10)
    reader.join(10)
    assert order == ["writer", "reader"]


def test_the_lock_is_free_after_an_error() -> None:
    lock = ReadWriteLock()
    for side in (lock.reading, lock.writing):
        with pytest.raises(KeyError), side():
            raise KeyError
    with lock.writing():
        pass
