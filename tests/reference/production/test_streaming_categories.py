"""Categories of streams: what is named, merged, and told of the rest."""

import itertools
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Hashable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.production.drift import (
    DriftDetector,
    StreamingDriftDetector,
    categories,
)
from reference.production.drift.categories import CategoryCounts, rank

CATEGORIES = st.lists(st.integers(0, 12), max_size=60)


@settings(deadline=None)
@given(first=CATEGORIES, second=CATEGORIES, size=st.integers(1, 8))
def test_counts_that_are_known_are_exact(
    first: list[int], second: list[int], size: int
) -> None:
    one, other = CategoryCounts(size).update(first), CategoryCounts(size).update(second)
    merged = CategoryCounts(size).merge(one).merge(other)
    whole = CategoryCounts(size).update(second + first)
    assert (merged.named, merged.limit) == (whole.named, whole.limit)
    assert merged.count == len(first) + len(second)
    for counts, values in ((one, first), (other, second), (merged, first + second)):
        assert len(counts.named) <= size
        expected = Counter(values)
        for category in range(13):
            if counts.knows(category):
                assert counts.named[category] == expected[category]
    tables = one.beside(other)
    assert list(tables[0]) == list(tables[1])
    for cells, values in zip(tables, (first, second), strict=True):
        assert sum(cells.values()) == len(values)
        assert all(cells[c] == values.count(c) for c in cells if isinstance(c, int))


def skewed(generator: np.random.Generator, rows: int, lost: int) -> list[int]:
    """Return values of 500 categories, ``lost`` of which do not come."""
    shares = np.arange(1, 501) ** -1.0
    shares[:lost] = 0
    return list(generator.choice(500, rows, p=shares / shares.sum()).tolist())


def test_shards_of_categories_hold_what_one_stream_holds() -> None:
    generator = np.random.default_rng(7)
    values = skewed(generator, 8000, 0)
    whole = CategoryCounts(50).update(values)
    merged = CategoryCounts(50)
    for shard in range(8):
        merged.merge(CategoryCounts(50).update(reversed(values[shard::8])))
    assert len(whole.named) == 50
    assert merged.named == whole.named
    assert (merged.others, merged.limit) == (whole.others, whole.limit)


@pytest.mark.parametrize("shards", [1, 8])
def test_sharded_categories_that_vanish_are_seen(shards: int) -> None:
    generator = np.random.default_rng(7)
    first, second = skewed(generator, 20_000, 0), skewed(generator, 20_000, 60)
    detector = StreamingDriftDetector("chi_square", max_categories=400, seed=0)
    begun = detector.summary()
    for shard in range(shards):
        begun.merge(detector.summary().update({"x": first[shard::shards]}))
    detector.set_reference(begun)
    for shard in range(shards):
        detector.merge(detector.summary().update({"x": second[shard::shards]}))
    (result,) = detector.detect_drift()
    limit = sorted(map(rank, set(first)))[400]

    def pooled(values: list[int]) -> list[Hashable]:
        return [value if rank(value) < limit else "rest" for value in values]

    # Few categories are lost on the other side, so its limit is higher.
    batch = DriftDetector("chi_square").set_reference({"x": pooled(first)})
    (expected,) = batch.detect_drift({"x": pooled(second)})
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert result.drifted
    assert result.note == ""


def test_a_rest_of_most_values_is_not_judged() -> None:
    ids = [f"id {place}" for place in range(4000)]
    detector = StreamingDriftDetector("chi_square", max_categories=100)
    detector.set_reference({"x": ids[:2000]}).update({"x": ids[2000:]})
    (result,) = detector.detect_drift()
    assert "too many categories" in result.note
    assert math.isnan(result.statistic)
    assert (result.p_value, result.drifted) == (None, False)
    # Where it is so on one side only, the rest itself is what differs.
    two = sorted(ids, key=rank)[:2]
    detector.set_reference({"x": two * 1000}).update({"x": ids[2000:]})
    (result,) = detector.detect_drift()
    assert (result.drifted, result.note) == (True, "")


@pytest.mark.parametrize(("hidden", "judged"), [(50, True), (51, False)])
def test_more_than_half_in_the_rest_is_most(hidden: int, judged: bool) -> None:
    one, two, other, last = sorted("abcd", key=rank)
    values = [one, two] * 50 + [other, last] * hidden
    detector = StreamingDriftDetector("chi_square", max_categories=2)
    (result,) = (
        detector.set_reference({"x": values}).update({"x": values}).detect_drift()
    )
    assert (result.note == "") == judged


def test_rare_categories_of_streams_are_one_cell() -> None:
    generator = np.random.default_rng(9)
    first, second = skewed(generator, 3000, 0), skewed(generator, 30, 0)
    for least in (0.0, 0.5, 5.0, 40.0):
        batch = DriftDetector("chi_square", min_expected=least)
        (expected,) = batch.set_reference({"x": first}).detect_drift({"x": second})
        stream = StreamingDriftDetector("chi_square", min_expected=least)
        (result,) = (
            stream.set_reference({"x": first}).update({"x": second}).detect_drift()
        )
        assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
        assert (result.drifted, result.note) == (expected.drifted, expected.note)


def test_ranks_are_those_of_the_value() -> None:
    same = [1, 1.0, True, np.int64(1), np.float32(1), np.bool_(True), Fraction(1)]
    assert len({rank(value) for value in same}) == 1
    assert rank("a") == rank(np.str_("a"))
    assert rank(("a", 1)) == rank((np.str_("a"), 1.0))
    assert rank(frozenset("abc")) == rank(frozenset("cab"))
    others = ["1", 1, 2, (1,), ("1",), frozenset([1]), b"1", "\ud800", math.inf, 1.5]
    assert len({rank(value) for value in others}) == len(others)


def test_ranks_are_the_same_in_every_process() -> None:
    code = (
        "from reference.production.drift.categories import rank; "
        "print(rank('a'), rank(('b', 2)), rank(frozenset('abc')), rank(b'c'))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_categories_of_one_rank_are_named_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(categories, "rank", lambda value: value // 2)
    for order in itertools.permutations(range(6)):
        counts = CategoryCounts(3).update(order)
        assert (counts.named, counts.others) == ({0: 1, 1: 1}, 4)
        assert (counts.knows(1), counts.knows(2)) == (True, False)
