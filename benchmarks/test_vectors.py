"""Vector search beside hnswlib and FAISS, one thread each.

Standard normal vectors have no structure that a graph could follow: the recall for a
given effort is lower than on embeddings, for both.
"""

import functools
import time
from collections.abc import Callable, Iterator
from statistics import median

import faiss
import hnswlib
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from threadpoolctl import threadpool_limits

from benchmarks.pairs import compare
from reference.production.vector_db import HNSW, LSH, BruteForceIndex

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]

_COUNT, _DIM, _QUERIES, _K = 100_000, 64, 1000, 10
_M, _EF_CONSTRUCTION = 16, 200
_PARTS = 10
_RECALL = 0.95
_CURVE = (10, 20, 40, 80, 120, 200, 300, 400, 600, 800)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    with threadpool_limits(1):
        yield
    faiss.omp_set_num_threads(before)


@functools.lru_cache
def _data() -> tuple[Vectors, Vectors, Ids]:
    """Return vectors, queries, and the true neighbours of these."""
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((_COUNT, _DIM), np.float32)
    queries = generator.standard_normal((_QUERIES, _DIM), np.float32)
    exact = faiss.IndexFlatL2(_DIM)
    exact.add(vectors)
    return vectors, queries, exact.search(queries, _K)[1]


class _Rivals:
    """Two graphs that grow part by part, in turns."""

    def __init__(self) -> None:
        self.ours = HNSW(_DIM, _M, _EF_CONSTRUCTION)
        self.peer = hnswlib.Index("l2", _DIM)
        self.peer.init_index(_COUNT, M=_M, ef_construction=_EF_CONSTRUCTION)
        warm = HNSW(_DIM)
        warm.add(_data()[0][:500])
        warm.search_batch(_data()[0][:2])

    def add_ours(self) -> None:
        self.ours.add(_part(len(self.ours)))

    def add_peer(self) -> None:
        self.peer.add_items(_part(self.peer.element_count), num_threads=1)

    def finish(self) -> None:
        while len(self.ours) < _COUNT:
            self.add_ours()
        while self.peer.element_count < _COUNT:
            self.add_peer()

    def ask_ours(self, ef: int) -> Ids:
        return self.ours.search_batch(_data()[1], _K, ef=ef)[0]

    def ask_peer(self, ef: int) -> Ids:
        self.peer.set_ef(ef)
        found: Ids = self.peer.knn_query(_data()[1], _K, num_threads=1)[0]
        return found


def _part(start: int) -> Vectors:
    return _data()[0][start : start + _COUNT // _PARTS]


def _recall(found: Ids) -> float:
    pairs = zip(found.tolist(), _data()[2].tolist(), strict=True)
    return sum(len({*a} & {*b}) for a, b in pairs) / (_QUERIES * _K)


@pytest.fixture(scope="module")
def rivals() -> _Rivals:
    return _Rivals()


def test_hnsw_build(benchmark: BenchmarkFixture, rivals: _Rivals) -> None:
    """Parts are added in turns; the ratio is that of the whole times."""
    peers: list[float] = []

    def peer_first() -> None:
        began = time.perf_counter()
        rivals.add_peer()
        peers.append(time.perf_counter() - began)

    benchmark.pedantic(  # type: ignore[no-untyped-call]  # it publishes no types
        rivals.add_ours, setup=peer_first, rounds=_PARTS, iterations=1
    )
    rivals.finish()
    if benchmark.stats is None:  # --benchmark-disable
        return
    mine: list[float] = benchmark.stats.stats.data
    ratios = [one / other for one, other in zip(mine, peers, strict=True)]
    benchmark.extra_info.update(
        case="hnsw_build",
        detail=f"in {_PARTS} turns",
        ours=sum(mine),
        peer=sum(peers),
        ratio=sum(mine) / sum(peers),
        least=min(ratios),
        most=max(ratios),
        pairs=len(ratios),
    )


def _least_effort(ask: Callable[[int], Ids]) -> tuple[int, float]:
    """Return the least ef, in steps of 20, that reaches the recall, and the recall."""
    for ef in range(400, 1000, 20):
        if (recall := _recall(ask(ef))) >= _RECALL:
            return ef, recall
    raise AssertionError("ef below 1000 must reach the recall")


def test_hnsw_search(benchmark: BenchmarkFixture, rivals: _Rivals) -> None:
    """Each with the least effort that reaches the recall."""
    rivals.finish()
    ef, recall = _least_effort(rivals.ask_ours)
    peer_ef, peer_recall = _least_effort(rivals.ask_peer)
    compare(
        benchmark,
        "hnsw_search",
        lambda: rivals.ask_ours(ef),
        lambda: rivals.ask_peer(peer_ef),
        detail=f"recall {recall:.3f}, ef {ef}; peer {peer_recall:.3f}, {peer_ef}",
    )


def test_hnsw_curve(benchmark: BenchmarkFixture, rivals: _Rivals) -> None:
    """Recall and queries a second over ef, for ``benchmarks.recall_curve``."""
    rivals.finish()
    askers = {"HNSW": rivals.ask_ours, "hnswlib": rivals.ask_peer}

    def measure() -> dict[str, list[tuple[int, float, float]]]:
        curve: dict[str, list[tuple[int, float, float]]] = {one: [] for one in askers}
        for ef in _CURVE:
            seconds: dict[str, list[float]] = {one: [] for one in askers}
            for _ in range(3):
                for name, ask in askers.items():
                    began = time.perf_counter()
                    found = ask(ef)
                    seconds[name].append(time.perf_counter() - began)
                    if len(seconds[name]) == 3:
                        rate = _QUERIES / median(seconds[name])
                        curve[name].append((ef, _recall(found), rate))
        return curve

    curve = benchmark.pedantic(  # type: ignore[no-untyped-call]  # it publishes no types
        measure, rounds=1, iterations=1
    )
    benchmark.extra_info["curve"] = curve
    # Neither finds more for the same effort: what differs is the time.
    for ours, peer in zip(curve["HNSW"], curve["hnswlib"], strict=True):
        assert abs(ours[1] - peer[1]) < 0.05


def test_brute_force(benchmark: BenchmarkFixture) -> None:
    vectors, queries, true = _data()
    ours = BruteForceIndex(_DIM, "euclidean")
    ours.add(vectors)
    peer = faiss.IndexFlatL2(_DIM)
    peer.add(vectors)
    assert np.mean(ours.search_batch(queries, _K)[0] == true) > 0.999
    compare(
        benchmark,
        "brute_force",
        lambda: ours.search_batch(queries, _K),
        lambda: peer.search(queries, _K),
    )


def test_lsh(benchmark: BenchmarkFixture) -> None:
    """Beside our own exact search, on vectors that have near neighbours."""
    vectors = _data()[0]
    near = vectors[:_QUERIES] + np.float32(0.1) * _data()[1]
    ours, peer = LSH(_DIM, n_tables=8, n_bits=16), BruteForceIndex(_DIM)
    ours.add(vectors)
    peer.add(vectors)
    hit = float(np.mean(ours.search_batch(near, 1)[0][:, 0] == np.arange(_QUERIES)))
    compare(
        benchmark,
        "lsh",
        lambda: ours.search_batch(near, 1),
        lambda: peer.search_batch(near, 1),
        detail=f"nearest found {hit:.3f}",
    )
