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
        raise NotImplementedError

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Ids:
        """Store vectors and return their ids."""
        raise NotImplementedError

    def search(
        self, query: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Ids, Floats]:
        """Return the ids and the distances of the nearest to one query."""
        raise NotImplementedError

    def search_batch(
        self, queries: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Ids, Floats]:
        """Return the ids and the distances of the nearest to each query."""
        raise NotImplementedError

    def delete(self, ids: Collection[int]) -> int:
        """Remove vectors and return how many there were."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of vectors."""
        raise NotImplementedError

    def __contains__(self, id_: int) -> bool:
        """Tell whether there is a vector of this id."""
        raise NotImplementedError
