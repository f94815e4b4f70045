"""Any order of add, delete, search, save and load agrees with a plain dict."""

import tempfile
from pathlib import Path
from typing import ClassVar

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reference.production.vector_db import VectorIndex

# Few values: equal vectors, zeros and equal distances are common.
VECTORS = st.lists(st.integers(-2, 2), min_size=2, max_size=2).map(tuple)
IDS = st.integers(0, 40)


class _Machine(RuleBasedStateMachine):
    """An index whose answers are exact at this size, beside a dict."""

    kind = "brute_force"
    metric = "euclidean"
    options: ClassVar[dict[str, object]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.index = VectorIndex.create(
            self.kind, 2, self.metric, dtype="float64", **self.options
        )
        self.model: dict[int, tuple[int, ...]] = {}
        self.next_id = 0

    @rule(vectors=st.lists(VECTORS, min_size=1, max_size=12))
    def add(self, vectors: list[tuple[int, ...]]) -> None:
        expected = list(range(self.next_id, self.next_id + len(vectors)))
        assert self.index.add(vectors).tolist() == expected
        self.model.update(zip(expected, vectors, strict=True))
        self.next_id += len(vectors)

    @rule(vectors=st.dictionaries(IDS, VECTORS, min_size=1, max_size=12))
    def add_with_ids(self, vectors: dict[int, tuple[int, ...]]) -> None:
        if vectors.keys() & self.model.keys():
            with pytest.raises(ValueError, match=r"^ids must be new"):
                self.index.add([*vectors.values()], [*vectors])
        else:
            self.index.add([*vectors.values()], [*vectors])
            self.model.update(vectors)
            self.next_id = max(self.next_id, max(vectors) + 1)

    @rule(ids=st.lists(IDS))
    def delete(self, ids: list[int]) -> None:
        assert self.index.delete(ids) == len(self.model.keys() & set(ids))
        for id_ in ids:
            self.model.pop(id_, None)

    @rule(
        query=VECTORS,
        k=st.integers(1, 20),
        allowed=st.none() | st.sets(IDS),
    )
    def search(self, query: tuple[int, ...], k: int, allowed: set[int] | None) -> None:
        ids, distances = self.index.search(query, k, allowed)
        pairs = sorted(
            (self.distance(query, vector), id_)
            for id_, vector in self.model.items()
            if allowed is None or id_ in allowed
        )[:k]
        assert ids.tolist() == [id_ for _, id_ in pairs]
        assert distances.tolist() == [distance for distance, _ in pairs]
        many, _ = self.index.search_batch([query] * 5, k, allowed)
        assert many.tolist() == [ids.tolist()] * 5

    def distance(self, one: tuple[int, ...], other: tuple[int, ...]) -> float:
        a, b = np.array(one, float), np.array(other, float)
        if self.metric == "euclidean":
            return float(np.sqrt(np.square(a - b).sum()))
        return 0.0 - float(a @ b)

    @rule()
    def reload(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "index"
            self.index.save(file)
            self.index = VectorIndex.load(file)

    @invariant()
    def sizes(self) -> None:
        assert len(self.index) == len(self.model)
        assert all(id_ in self.index for id_ in self.model)


class _Products(_Machine):
    metric = "inner_product"


class _Hashed(_Machine):
    kind = "lsh"
    # Pieces so wide that all share a bucket.
    options: ClassVar[dict[str, object]] = {"n_tables": 1, "n_bits": 1, "width": 1e9}


class _Graph(_Machine):
    kind = "hnsw"
    options: ClassVar[dict[str, object]] = {
        "M": 2,
        "ef_construction": 5,
        "ef_search": 200,
    }


class _GraphProducts(_Graph):
    metric = "inner_product"


_SETTINGS = settings(max_examples=60, stateful_step_count=30, deadline=None)
for machine in (_Machine, _Products, _Hashed, _Graph, _GraphProducts):
    machine.TestCase.settings = _SETTINGS
TestBruteForce = _Machine.TestCase
TestProducts = _Products.TestCase
TestHashed = _Hashed.TestCase
TestGraph = _Graph.TestCase
TestGraphProducts = _GraphProducts.TestCase
