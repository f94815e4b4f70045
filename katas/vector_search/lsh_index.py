"""Locality-sensitive hashing.

Look only at vectors that probably are near. A random hyperplane through zero with the
normal vector r sorts all directions by their side of it, one bit:

    bit_r(v) = 1 where ⟨r, v⟩ ≥ 0, else 0

If r is drawn evenly over all directions (a vector of standard normals is), two vectors
at the angle θ get the same bit with probability

    p = 1 − θ / π

Several bits together are the key of a bucket, which two vectors share with probability
p^bits: few share it, and near ones most. Several tables with planes of their own make
up for bad luck: the chance to meet in at least one is 1 − (1 − p^bits)^tables. Who
shares a bucket with the query in any table is a candidate, and only candidates are
looked at. So near vectors may be missed, and what is found is ranked exactly.

Write `LSH(dim, n_tables=8, n_bits=12, seed=0)` for the cosine distance, which is
1 − ⟨q, v⟩ / (‖q‖ ‖v‖), and 1 where q or v is the zero vector. The planes are

    numpy.random.default_rng(seed).standard_normal((n_tables, n_bits, dim))

Vectors are kept as float32, copies of what was given, and hashed as such; the products
with the planes are float64. Distances come as float32, ids as int64.

- `add(vectors, ids=None)`: vectors of shape (n, dim), or one of shape (dim,). Returns
  their ids, shape (n,): those given, which are not negative, differ, and are not in the
  index; else the n integers after the largest id ever added, 0, 1, ... at first.
- `candidates(query)`: the set of the ids that share a bucket with the query, of shape
  (dim,), in any of the tables.
- `search(query, k=10)`: ids and distances of the nearest candidates, each of shape
  (m,), ascending by distance, equal distances ascending by id; m is k, or the number of
  candidates if that is less.
- `delete(ids)`: a collection of ids; returns how many of them were there.
- `len(index)` is the number of vectors.

A search costs the keys of the query and its candidates, not the number of vectors.

`ValueError` that names the argument, and nothing changes: `dim`, `n_tables`, `n_bits`
or `k` below 1; `vectors` or `query` of another shape, or with NaN or ±∞; `ids` that
break the rules, or are not as many as the vectors.

Source: Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC
(2002), section 3; Indyk and Motwani, "Approximate Nearest Neighbors: Towards Removing
the Curse of Dimensionality", STOC (1998).

In production: neighbouring buckets, which differ from the query's key in one bit, are
looked at as well (multi-probe), so that fewer tables do; graphs such as HNSW reach the
same recall by looking at fewer vectors, and LSH stays where the index must be cheap to
build and to change.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


class LSH:
    """Vectors under ids, in the buckets of several tables."""

    def __init__(
        self, dim: int, n_tables: int = 8, n_bits: int = 12, seed: int = 0
    ) -> None:
        """Draw the planes and make an empty index."""
        raise NotImplementedError

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Ids:
        """Store vectors and return their ids."""
        raise NotImplementedError

    def candidates(self, query: ArrayLike) -> set[int]:
        """Return the ids that share a bucket with the query in any table."""
        raise NotImplementedError

    def search(self, query: ArrayLike, k: int = 10) -> tuple[Ids, Floats]:
        """Return the ids and the distances of the nearest candidates."""
        raise NotImplementedError

    def delete(self, ids: Collection[int]) -> int:
        """Remove vectors and return how many there were."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of vectors."""
        raise NotImplementedError
