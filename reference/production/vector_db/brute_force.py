"""Exact search by looking at every vector."""

from collections.abc import Mapping

from reference.production.vector_db.index import Found, VectorIndex
from reference.production.vector_db.metrics import Floats, Labels
from reference.production.vector_db.storage import Stored
from reference.production.vector_db.table import Table


class BruteForceIndex(VectorIndex, kind="brute_force"):
    """The exact answer in O(n·d) a query; the measure of all the others."""

    def __init__(
        self, dim: int, metric: str = "cosine", dtype: str = "float32"
    ) -> None:
        super().__init__(dim, metric, dtype)
        self._table = Table(self.dim, self.dtype)

    def _add(self, vectors: Floats, ids: Labels) -> None:
        self._table.add(vectors, ids)

    def _delete(self, ids: set[int]) -> None:
        self._table.delete(ids)

    def _find(self, queries: Floats, k: int, allowed: set[int] | None) -> Found:
        return self._table.nearest(queries, k, self._what, allowed)

    def _count(self) -> int:
        return len(self._table)

    def _holds(self, id_: int) -> bool:
        return id_ in self._table.place

    def _options(self) -> dict[str, object]:
        return {}

    def _state(self) -> dict[str, object]:
        return {}

    def _arrays(self) -> Mapping[str, Stored]:
        return self._table.arrays()

    def _restore(self, state: dict[str, object], arrays: Mapping[str, Stored]) -> None:
        del state
        self._table.restore(arrays)
