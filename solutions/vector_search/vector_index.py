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

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.int64]
Floats = NDArray[np.float32]

_METRICS = ("cosine", "euclidean", "inner_product")
_DIGEST_SIZE = 32


class _State(NamedTuple):
    """Never changed, only replaced."""

    ids: Labels
    vectors: Floats
    next_id: int


class VectorIndex:
    """Vectors under ids that threads share and files keep."""

    def __init__(self, dim: int, metric: str) -> None:
        """Begin without any vector; `create` is what users call."""
        if dim < 1:
            raise ValueError(f"dim must be at least 1, got {dim}")
        if metric not in _METRICS:
            raise ValueError(f"metric must be one of {_METRICS}, got {metric!r}")
        self._dim = dim
        self._metric = metric
        self._writing = threading.Lock()
        self._state = _State(np.empty(0, np.int64), np.empty((0, dim), np.float32), 0)

    @classmethod
    def create(cls, kind: str, dim: int, metric: str = "cosine") -> Self:
        """Return an empty index of this kind."""
        if kind != "brute_force":
            raise ValueError(f"kind must be 'brute_force', got {kind!r}")
        return cls(dim, metric)

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Labels:
        """Add vectors (n, dim) or one (dim,), and return their ids (n,)."""
        rows = np.atleast_2d(np.asarray(vectors, np.float32))
        if rows.shape[1:] != (self._dim,) or not np.isfinite(rows).all():
            raise ValueError(f"vectors must be finite, of shape (n, {self._dim})")
        with self._writing:
            before = self._state
            if ids is None:
                ids = range(before.next_id, before.next_id + len(rows))
            new = np.array(ids, np.int64)
            if new.shape != (len(rows),):
                raise ValueError(f"ids must be {len(rows)}, got shape {new.shape}")
            every = np.concatenate([before.ids, new])
            if len(np.unique(every)) < len(every) or (new < 0).any():
                raise ValueError(f"ids must be new and not negative, got {new}")
            after = np.concatenate([before.vectors, rows])
            next_id = max([before.next_id, *(new + 1).tolist()])
            self._state = _State(every, after, next_id)
        return new

    def search(
        self, query: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Labels, Floats]:
        """Return the ids and the distances of the k nearest, from near to far."""
        point = np.asarray(query, np.float32)
        if point.shape != (self._dim,) or not np.isfinite(point).all():
            raise ValueError(f"query must be finite, of shape ({self._dim},)")
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        ids, vectors, _ = self._state
        if allowed is not None:
            there = np.isin(ids, list(allowed))
            ids, vectors = ids[there], vectors[there]
        distances = self._distances(vectors, point)
        order = np.lexsort((ids, distances))[:k]
        return ids[order], distances[order]

    def delete(self, ids: Collection[int]) -> int:
        """Delete the vectors with these ids; return how many there were."""
        with self._writing:
            before = self._state
            left = ~np.isin(before.ids, list(ids))
            after = _State(before.ids[left], before.vectors[left], before.next_id)
            self._state = after
        return len(before.ids) - len(after.ids)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, whole or not at all."""
        ids, vectors, next_id = self._state
        whole = {
            "dim": self._dim,
            "metric": self._metric,
            "next_id": next_id,
            "ids": ids.tolist(),
            "vectors": vectors.tolist(),
        }
        body = json.dumps(whole).encode()
        handle, name = tempfile.mkstemp(dir=Path(path).parent)
        with os.fdopen(handle, "wb") as file:
            file.write(body + hashlib.sha256(body).digest())
        Path(name).replace(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote."""
        data = Path(path).read_bytes()
        body, digest = data[:-_DIGEST_SIZE], data[-_DIGEST_SIZE:]
        if hashlib.sha256(body).digest() != digest:
            raise ValueError(f"path must be the file of a whole index, got {path}")
        whole = json.loads(body)
        index = cls(whole["dim"], whole["metric"])
        ids = np.array(whole["ids"], np.int64)
        vectors = np.array(whole["vectors"], np.float32).reshape(-1, whole["dim"])
        index._state = _State(ids, vectors, whole["next_id"])
        return index

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._state.ids)

    def __contains__(self, id_: int) -> bool:
        """Tell whether there is a vector of this id."""
        return id_ in self._state.ids

    def _distances(self, vectors: Floats, point: Floats) -> Floats:
        if self._metric == "euclidean":
            distances: Floats = np.linalg.norm(vectors - point, axis=1)
            return distances
        products = vectors @ point
        if self._metric == "inner_product":
            return -products
        lengths: Floats = np.linalg.norm(vectors, axis=1) * np.linalg.norm(point)
        # Where a length is zero, the product is, and stays.
        np.divide(products, lengths, out=products, where=lengths > 0)
        return 1 - products
