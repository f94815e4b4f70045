"""Drift and caching beside SciPy and cachetools."""

import threading
from collections.abc import MutableMapping

import cachetools
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.stats import ks_2samp

from benchmarks.pairs import compare
from reference.production.caching import LRUCache
from reference.production.drift import ks_test

_SIZE = 1000
_TTL = 3600.0
_OPERATIONS = 50_000


def test_ks_test(benchmark: BenchmarkFixture) -> None:
    generator = np.random.default_rng(0)
    first = generator.normal(size=100_000)
    second = generator.normal(loc=0.005, size=100_000)
    ours, peer = ks_test(first, second), ks_2samp(first, second, method="asymp")
    np.testing.assert_allclose(ours, (peer.statistic, peer.pvalue), rtol=1e-6)
    compare(
        benchmark,
        "ks_test",
        lambda: ks_test(first, second),
        lambda: ks_2samp(first, second, method="asymp"),
    )


def _mix() -> list[tuple[int, bool]]:
    """Return keys, few of them often and many seldom, and whether each is written."""
    generator = np.random.default_rng(0)
    keys = generator.zipf(1.2, size=_OPERATIONS) % 4000
    written = generator.random(_OPERATIONS) < 0.3
    return list(zip(keys.tolist(), written.tolist(), strict=True))


@pytest.mark.parametrize("kind", ["lru", "ttl"])
def test_cache(benchmark: BenchmarkFixture, kind: str) -> None:
    mix = _mix()
    ours: LRUCache[int]
    peer: MutableMapping[int, int]
    if kind == "lru":
        ours, peer = LRUCache(_SIZE), cachetools.LRUCache(_SIZE)
    else:
        ours, peer = LRUCache(_SIZE, _TTL), cachetools.TTLCache(_SIZE, _TTL)
    lock = threading.RLock()

    def run_ours() -> None:
        for key, written in mix:
            if written:
                ours.set(key, key)
            else:
                ours.get(key)

    def run_peer() -> None:
        for key, written in mix:
            with lock:
                if written:
                    peer[key] = key
                else:
                    peer.get(key)

    compare(benchmark, f"cache_{kind}", run_ours, run_peer)
    assert len(ours) == len(peer) == _SIZE
