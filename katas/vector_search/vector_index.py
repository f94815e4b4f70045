"""A vector index that lives: changed, searched by many, saved and loaded.

The search is the exact one of `brute_force_index`. What makes a service of it is what
must never happen: half a change, an id twice, a file that is read wrongly.

Write `VectorIndex`. `VectorIndex.create(kind, dim, metric="cosine")` returns an empty
index; "brute_force" is the only kind here, and the metrics are as they were:

    cosine          1 − ⟨q, v⟩ / (‖q‖ ‖v‖), and 1 where q or v is the zero vector
    euclidean       ‖q − v‖
    inner_product   −⟨q, v⟩

- `add(vectors, ids=None)`: vectors of shape (n, dim) or (dim,), kept as float32.
  Returns their ids, int64 of shape (n,): those given, or the numbers after the largest
  that was ever given, from 0, deleted ones included.
- `search(query, k=10, allowed=None)`: query of shape (dim,). Returns the ids, an int64
  array, and the distances, float32, of the m nearest, from near to far, equal distances
  by the smaller id. `allowed` is a collection of ids, all others are left out; None
  allows all. m is k, or how many there are where that is less, which may be none.
- `delete(ids)`: a collection of ids; returns how many of them there were. A deleted id
  may be given again.
- `len(index)`, `id in index`.
- `save(path)` writes a file, and `VectorIndex.load(path)` makes an index of it that
  answers and numbers as the saved one. The format is yours, but nothing in a file may
  be executed (no pickle), and `load` refuses a file which is not exactly what was
  written: any byte changed, the end missing, something behind it. A checksum of all
  that stands before it tells (`hashlib.sha256`). While a file is saved over another
  one, who loads it gets the old index or the new one (write beside it, then
  `os.replace`), and nothing else stays in the folder.

Threads share an index. Each call sees all of a change or nothing of it, at whatever
line a change is just then, and no change is lost. Readers need not wait for that: where
the whole state is one object that is never changed, but replaced by a new one in a
single assignment, who reads takes the state once. Writers, who build on the last state,
have to follow one another.

`ValueError` that names the argument, and nothing has changed: `kind` or `metric`
unknown; `dim` or `k` below 1; `vectors` or `query` of another shape, or not finite;
`ids` that are not one for each vector, are negative, given twice or there already;
`path` of a file that `load` refuses. Where there is no file, or no folder, it is the
`OSError` of the system.

Source: McKenney and Slingwine, "Read-copy update: using execution history to solve
concurrency problems", PDCS 1998; FIPS 180-4, Secure Hash Standard (2015).

In production: the file holds the arrays as bytes, and is forced to the disk before it
gets its name; a log of changes spares the writing of all of it. A checksum is no
signature: who can write the file can also write a checksum that fits.
"""

import os
from collections.abc import Collection
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.int64]
Floats = NDArray[np.float32]


class VectorIndex:
    """Vectors under ids that threads share and files keep."""

    def __init__(self, dim: int, metric: str) -> None:
        """Begin without any vector; `create` is what users call."""
        raise NotImplementedError

    @classmethod
    def create(cls, kind: str, dim: int, metric: str = "cosine") -> Self:
        """Return an empty index of this kind."""
        raise NotImplementedError

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Labels:
        """Add vectors (n, dim) or one (dim,), and return their ids (n,)."""
        raise NotImplementedError

    def search(
        self, query: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Labels, Floats]:
        """Return the ids and the distances of the k nearest, from near to far."""
        raise NotImplementedError

    def delete(self, ids: Collection[int]) -> int:
        """Delete the vectors with these ids; return how many there were."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, whole or not at all."""
        raise NotImplementedError

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of vectors."""
        raise NotImplementedError

    def __contains__(self, id_: int) -> bool:
        """Tell whether there is a vector of this id."""
        raise NotImplementedError
