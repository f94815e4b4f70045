"""The cache on Redis beside redis-py, on one server and with the same JSON values."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis

from benchmarks.pairs import compare
from dojo.testing.redis import RedisServer
from reference.production.caching import RedisCache

_ENTRIES = 1000
_MILLISECONDS = 3_660_000

Value = dict[str, str | list[float]]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis server on a Unix socket, for both."""
    with RedisServer() as started:
        yield started


@pytest.fixture(scope="module")
def values() -> dict[str, Value]:
    """Predictions as a classifier of ten classes gives them."""
    scores = np.random.default_rng(0).dirichlet(np.ones(10), size=_ENTRIES)
    return {
        f"prediction:{number}": {
            "label": f"class {row.argmax()}",
            "scores": row.tolist(),
        }
        for number, row in enumerate(scores)
    }


def test_set_many(
    benchmark: BenchmarkFixture, server: RedisServer, values: dict[str, Value]
) -> None:
    ours, peer = RedisCache[Value](server.url), Redis.from_url(server.url)

    def run_peer() -> None:
        pipe = peer.pipeline(transaction=False)
        for key, value in values.items():
            pipe.set(key, json.dumps(value), px=_MILLISECONDS)
        pipe.execute()

    compare(benchmark, "redis_set_many", lambda: ours.set_many(values), run_peer)
    assert len(ours) == _ENTRIES


def test_get_many(
    benchmark: BenchmarkFixture, server: RedisServer, values: dict[str, Value]
) -> None:
    ours, peer = RedisCache[Value](server.url), Redis.from_url(server.url)
    ours.set_many(values)
    for key, value in values.items():
        peer.set(key, json.dumps(value))

    def run_peer() -> dict[str, Value]:
        pipe = peer.pipeline(transaction=False)
        for key in values:
            pipe.get(key)
        found = zip(values, pipe.execute(), strict=True)
        return {key: json.loads(data) for key, data in found if data is not None}

    assert ours.get_many(values) == run_peer() == values
    compare(benchmark, "redis_get_many", lambda: ours.get_many(values), run_peer)


def test_one_by_one(
    benchmark: BenchmarkFixture, server: RedisServer, values: dict[str, Value]
) -> None:
    ours, peer = RedisCache[Value](server.url), Redis.from_url(server.url)

    def run_ours() -> None:
        for key, value in values.items():
            ours.set(key, value)
            ours.get(key)

    def run_peer() -> None:
        for key, value in values.items():
            peer.set(key, json.dumps(value), px=_MILLISECONDS)
            data = peer.get(key)
            assert isinstance(data, bytes)
            json.loads(data)

    compare(benchmark, "redis_one_by_one", run_ours, run_peer)
    assert ours.statistics.errors == 0
