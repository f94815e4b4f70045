"""The quantile sketch: its memory, its error beside its own bound, merging.

The bound holds with the confidence asked for, over the coins; streams are fixed, so
each test counts how often it fails over many seeds.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference.production.drift import QuantileSketch

Stream = NDArray[np.float64]
SIZE = 512
STREAMS: dict[str, Callable[[int], Stream]] = {
    "normal": lambda n: np.random.default_rng(0).normal(size=n),
    "ascending": lambda n: np.arange(float(n)),
    "descending": lambda n: -np.arange(float(n)),
    "zigzag": lambda n: np.where(np.arange(n) % 2, 1.0, -1.0) * np.arange(n),
    "ties": lambda n: np.random.default_rng(1).integers(0, 5, n).astype(np.float64),
    "constant": lambda n: np.full(n, 3.0),
}


def worst_error(sketch: QuantileSketch, stream: Stream) -> float:
    """Return the largest error of any rank, as a share, at all values of either."""
    ordered = np.sort(stream)
    # Between two neighbouring values no rank changes.
    points = np.unique(ordered)
    exact = np.searchsorted(ordered, points, side="right")
    return float(np.abs(sketch.ranks(points) - exact).max() / stream.size)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e9, 1e9), max_size=300), st.integers(1, 50))
def test_short_streams_are_kept_whole(values: list[float], batch: int) -> None:
    sketch = QuantileSketch(SIZE)
    for begin in range(0, len(values), batch):
        sketch.update(values[begin : begin + batch])
    kept, ranks = sketch.values()
    assert kept.tolist() == sorted(values)
    assert ranks.tolist() == list(range(1, len(values) + 1))
    assert (sketch.count, sketch.rank_error()) == (len(values), 0.0)


@pytest.mark.parametrize("name", list(STREAMS))
def test_no_rank_is_further_off_than_the_bound(name: str) -> None:
    stream = STREAMS[name](30_000)
    misses = {0.999: 0, 0.5: 0}
    errors = []
    for seed in range(60):
        sketch = QuantileSketch(SIZE, seed=seed).update(stream)
        errors.append(worst_error(sketch, stream))
        for confidence in misses:
            misses[confidence] += errors[-1] > sketch.rank_error(confidence)
        assert sketch.count == stream.size == sketch.values()[1][-1]
    # Of 60 more than 1 with chance 0.001 each would be one in 600; 48 is 4.6 standard
    # errors above half.
    assert misses[0.999] <= 1
    assert misses[0.5] <= 48
    # The bound is no mere formality: without order errors come within a sixth of it.
    if name in ("normal", "ties"):
        assert max(errors) > sketch.rank_error() / 6


def test_the_error_shrinks_with_the_size() -> None:
    stream = STREAMS["normal"](50_000)
    bounds = [QuantileSketch(size, seed=0).update(stream).rank_error()
              for size in (512, 2048, 8192)]  # fmt: skip
    for wide, narrow in itertools.pairwise(bounds):
        assert narrow < wide / 3
    assert bounds[-1] < 0.005


def test_ranks_are_right_on_average() -> None:
    stream = STREAMS["normal"](20_000)
    point = float(np.quantile(stream, 0.3))
    exact = np.count_nonzero(stream <= point)
    ranks = [
        int(QuantileSketch(SIZE, seed=seed).update(stream).ranks([point])[0])
        for seed in range(200)
    ]
    # Unbiased: the mean lies within four of its own standard errors.
    spread = np.std(ranks) / np.sqrt(len(ranks))
    assert spread > 0
    assert abs(np.mean(ranks) - exact) < 4 * spread


def test_memory_does_not_grow() -> None:
    generator = np.random.default_rng(0)
    sketch = QuantileSketch(SIZE, seed=0)
    for _ in range(3000):
        sketch.update(generator.normal(size=1000))
        assert len(sketch) < SIZE
        assert sketch.nbytes == 8 * len(sketch)
    assert sketch.count == 3_000_000


def test_batches_do_not_matter_for_memory_and_count() -> None:
    stream = STREAMS["normal"](5000)
    single, whole = QuantileSketch(SIZE, seed=3), QuantileSketch(SIZE, seed=3)
    for value in stream:
        single.update([value])
    whole.update(stream)
    # The levels are compacted at the same moments, so with the same coins all agrees.
    np.testing.assert_array_equal(single.values(), whole.values())


@pytest.mark.parametrize("shards", [2, 7, 40])
def test_merged_shards_keep_the_bound(shards: int) -> None:
    stream = np.sort(STREAMS["normal"](40_000))  # each shard another range
    misses = 0
    for run in range(20):
        parts = [
            QuantileSketch(SIZE, seed=1000 * run + i).update(part)
            for i, part in enumerate(np.array_split(stream, shards))
        ]
        before = [part.values()[0].tolist() for part in parts[1:]]
        merged = parts[0]
        for part in parts[1:]:
            merged.merge(part)
        assert before == [part.values()[0].tolist() for part in parts[1:]]
        assert merged.count == stream.size == merged.values()[1][-1]
        assert len(merged) < SIZE
        misses += worst_error(merged, stream) > merged.rank_error()
    assert misses <= 1
    # As if there had been no shards, but for the compactions that merging adds.
    alone = QuantileSketch(SIZE, seed=0).update(stream).rank_error()
    assert merged.rank_error() < 4 * alone


def test_quantiles_are_values_within_the_error() -> None:
    stream = STREAMS["normal"](20_000)
    sketch = QuantileSketch(SIZE, seed=0).update(stream)
    shares = np.arange(21) / 20
    quantiles = sketch.quantiles(shares)
    assert np.isin(quantiles, stream).all()
    ranks = np.searchsorted(np.sort(stream), quantiles, side="right") / stream.size
    # One value held stands for up to 2^h, beside the error of its rank.
    step = np.diff(sketch.values()[1]).max() / stream.size
    assert np.abs(ranks - shares).max() <= sketch.rank_error() + step


def test_a_sketch_of_nothing() -> None:
    sketch = QuantileSketch(SIZE).update([])
    assert sketch.ranks([0.0]).tolist() == [0]
    assert (sketch.count, len(sketch), sketch.rank_error()) == (0, 0, 0.0)
    with pytest.raises(ValueError, match=r"^sketch must be"):
        sketch.quantiles([0.5])
    filled = QuantileSketch(SIZE).merge(sketch).update([2.0]).merge(sketch)
    assert filled.quantiles([0.0, 0.5, 1.0]).tolist() == [2.0] * 3


def test_wrong_arguments_are_named() -> None:
    sketch = QuantileSketch(SIZE).update([1.0])
    with pytest.raises(ValueError, match=r"^size must be"):
        QuantileSketch(511)
    with pytest.raises(TypeError, match=r"^size must be"):
        QuantileSketch(1e4)  # type: ignore[arg-type] # on purpose
    with pytest.raises(ValueError, match=r"^values must be finite"):
        sketch.update([1.0, np.nan])
    with pytest.raises(ValueError, match=r"^confidence must be"):
        sketch.rank_error(1.0)
    with pytest.raises(ValueError, match=r"^other must be of size 512"):
        sketch.merge(QuantileSketch(1024))
    with pytest.raises(ValueError, match=r"^other must be another sketch"):
        sketch.merge(sketch)
    assert sketch.count == 1
