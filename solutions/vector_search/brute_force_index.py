"""Exact nearest neighbours.

Which of n stored vectors are nearest to a query q? The exact answer looks at all of
them, n·d operations a query, and every faster index is measured against it. Near is
what the metric says; each is a distance here, small for near:

    cosine          1 − ⟨q, v⟩ / (‖q‖ ‖v‖), and 1 where q or v is the zero vector
    euclidean       ‖q − v‖
    inner_product   −⟨q, v⟩

‖q − v‖² is also ‖q‖² − 2⟨q, v⟩ + ‖v‖², which is faster as one matrix product, and wrong
where q and v lie close together and far from zero: the squares cancel, and what is left
is their rounding. Subtract first here.

Write `BruteForceIndex(dim, metric="cosine", dtype="float32")`; dtype is "float32" or
"float64", that of the stored vectors, the arithmetic and the distances. Ids are int64.

- `add(vectors, ids=None)`: vectors of shape (n, dim), or one of shape (dim,). Returns
  their ids, shape (n,): those given, which are not negative, differ, and are not in the
  index; else the n integers after the largest id ever added, 0, 1, ... at first. The
  index keeps copies.
- `search(query, k=10, allowed=None)`: query of shape (dim,). Returns the ids and the
  distances of the m nearest, each of shape (m,), ascending by distance, equal distances
  ascending by id. `allowed` is a collection of ids outside which nothing is found, None
  for all; ids in it that are not in the index do no harm. m is k, or the number of
  vectors that can be found if that is less; an empty index gives empty arrays.
- `search_batch(queries, k=10, allowed=None)`: queries of shape (q, dim); ids and
  distances of shape (q, m), row i as `search(queries[i], ...)` gives them.
- `delete(ids)`: a collection of ids; returns how many of them were there. An id may be
  given again to `add` afterwards, but is not given by itself.
- `len(index)` is the number of vectors, `id in index` tells whether it is there.

`ValueError` that names the argument, and nothing changes: `dim` below 1; `metric` or
`dtype` that is none of those; `vectors`, `query` or `queries` of another shape, or with
NaN or ±∞; `ids` that break the rules, or are not as many as the vectors; `k` below 1.

Source: Manning, Raghavan, Schütze, Introduction to Information Retrieval (2008),
section 6.3 on cosine similarity; Higham, Accuracy and Stability of Numerical Algorithms
(2nd edition, 2002), section 1.7 on cancellation.

In production: vectors are scaled once, when they are added; the queries of a batch go
through one matrix product, the best few are looked at again exactly, and `argpartition`
spares the sorting of the rest.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.floating]


class BruteForceIndex:
    """Vectors under ids, searched by looking at each."""

    def __init__(
        self, dim: int, metric: str = "cosine", dtype: str = "float32"
    ) -> None:
        """Make an empty index."""
        if dim < 1:
            raise ValueError(f"dim must be at least 1, got {dim}")
        if metric not in ("cosine", "euclidean", "inner_product"):
            raise ValueError(f"metric must be one of the three, got {metric!r}")
        if dtype not in ("float32", "float64"):
            raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
        self._metric = metric
        self._vectors: Floats = np.empty((0, dim), dtype)
        self._ids: Ids = np.empty(0, np.int64)
        self._next_id: int | np.int64 = 0

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Ids:
        """Store vectors and return their ids."""
        rows = self._checked(np.atleast_2d(vectors), "vectors")
        if ids is None:
            ids = np.arange(self._next_id, self._next_id + len(rows))
        new = np.array(ids, np.int64)
        if new.shape != (len(rows),):
            raise ValueError(f"ids must be {len(rows)}, got shape {new.shape}")
        together = np.concatenate([self._ids, new])
        if (new < 0).any() or len(np.unique(together)) < len(together):
            raise ValueError(f"ids must be new, distinct and not negative, got {new}")
        self._vectors = np.concatenate([self._vectors, rows])
        self._ids = together
        self._next_id = max([self._next_id, *(new + 1)])
        return new

    def search(
        self, query: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Ids, Floats]:
        """Return the ids and the distances of the nearest to one query."""
        queries = self._checked(np.asarray(query)[np.newaxis], "query")
        ids, distances = self._nearest(queries, k, allowed)
        return ids[0], distances[0]

    def search_batch(
        self, queries: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Ids, Floats]:
        """Return the ids and the distances of the nearest to each query."""
        return self._nearest(self._checked(queries, "queries"), k, allowed)

    def delete(self, ids: Collection[int]) -> int:
        """Remove vectors and return how many there were."""
        before = len(self._ids)
        left = ~np.isin(self._ids, list(ids))
        self._vectors = self._vectors[left]
        self._ids = self._ids[left]
        return before - len(self._ids)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._ids)

    def __contains__(self, id_: int) -> bool:
        """Tell whether there is a vector of this id."""
        return id_ in self._ids

    def _checked(self, vectors: ArrayLike, argument: str) -> Floats:
        rows: Floats = np.asarray(vectors, self._vectors.dtype)
        dim = self._vectors.shape[1]
        if rows.ndim != 2 or rows.shape[1] != dim:
            raise ValueError(f"{argument} must have dimension {dim}, got {rows.shape}")
        if not np.isfinite(rows).all():
            raise ValueError(f"{argument} must be finite, got NaN or infinity")
        return rows

    def _nearest(
        self, queries: Floats, k: int, allowed: Collection[int] | None
    ) -> tuple[Ids, Floats]:
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        vectors, ids = self._vectors, self._ids
        if allowed is not None:
            open_ = np.isin(ids, list(allowed))
            vectors, ids = vectors[open_], ids[open_]
        m = min(k, len(ids))
        found = np.empty((len(queries), m), np.int64)
        distances = np.empty((len(queries), m), vectors.dtype)
        for row, query in enumerate(queries):
            every = self._distances(query, vectors)
            best = np.lexsort((ids, every))[:m]
            found[row], distances[row] = ids[best], every[best]
        return found, distances

    def _distances(self, query: Floats, vectors: Floats) -> Floats:
        if self._metric == "euclidean":
            lengths: Floats = np.linalg.norm(vectors - query, axis=1)
            return lengths
        products: Floats = vectors @ query
        if self._metric == "inner_product":
            return -products
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
        return 1 - products / np.where(lengths > 0, lengths, np.inf)
