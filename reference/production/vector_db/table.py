"""Vectors in one matrix without gaps, each under its id."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from reference.core.validation import require
from reference.production.vector_db.exact import nearest
from reference.production.vector_db.metrics import Floats, Labels
from reference.production.vector_db.storage import Stored, T, taken

_FIRST_ROOM = 16


def grown(array: NDArray[T], rows: int) -> NDArray[T]:
    """Return an array with room for ``rows``: itself or a copy, twice as large."""
    if rows <= len(array):
        return array
    larger: NDArray[T] = np.zeros(
        (max(rows, 2 * len(array), _FIRST_ROOM), *array.shape[1:]), array.dtype
    )
    larger[: len(array)] = array
    return larger


class Table:
    """Rows in no particular order; ``place`` tells in which row an id is.

    The last row takes the place of a deleted one: adding and deleting cost O(d) a
    vector.
    """

    def __init__(self, dim: int, dtype: np.dtype[np.floating]) -> None:
        self.place: dict[int, int] = {}
        self._vectors: Floats = np.empty((0, dim), dtype)
        self._norms: Floats = np.empty(0, dtype)
        self._ids: Labels = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self.place)

    @property
    def vectors(self) -> Floats:
        """The vectors ``(n, d)``, a view."""
        return self._vectors[: len(self)]

    @property
    def ids(self) -> Labels:
        """Their ids ``(n,)``, a view."""
        return self._ids[: len(self)]

    def add(self, vectors: Floats, ids: Labels) -> None:
        """Append rows; the ids are new."""
        start, stop = len(self), len(self) + len(ids)
        self._vectors = grown(self._vectors, stop)
        self._norms = grown(self._norms, stop)
        self._ids = grown(self._ids, stop)
        self._vectors[start:stop] = vectors
        self._norms[start:stop] = np.square(vectors).sum(axis=1)
        self._ids[start:stop] = ids
        self.place.update(zip(ids.tolist(), range(start, stop), strict=True))

    def delete(self, ids: Collection[int]) -> None:
        """Take rows out; the ids are there."""
        for id_ in ids:
            last = len(self) - 1
            row, moved = self.place[id_], int(self._ids[last])
            for array in (self._vectors, self._norms, self._ids):
                array[row] = array[last]
            self.place[moved] = row
            del self.place[id_]

    def nearest(
        self, queries: Floats, k: int, what: int, allowed: Collection[int] | None = None
    ) -> tuple[Floats, Labels]:
        """Return the exactly nearest k rows, of all or of the ``allowed`` ids."""
        vectors, ids, norms = self.vectors, self.ids, self._norms[: len(self)]
        if allowed is not None:
            rows = np.fromiter((self.place[one] for one in allowed), np.int64)
            rows.sort()  # memory is read in its order
            vectors, ids, norms = vectors[rows], ids[rows], norms[rows]
        return nearest(vectors, ids, norms, queries, k, what)

    def arrays(self) -> dict[str, Stored]:
        """Return what has to be kept."""
        return {"vectors": self.vectors, "ids": self.ids}

    def restore(self, arrays: Mapping[str, Stored]) -> None:
        """Fill an empty table with what was kept."""
        vectors = taken_vectors(arrays, self._vectors)
        ids = taken(arrays, "ids", np.dtype(np.int64))
        require(len(ids) == len(vectors), "ids", "one for each vector", ids)
        different = len(np.unique(ids)) == len(ids) and bool((ids >= 0).all())
        require(different, "ids", "different and not negative", ids)
        self.add(vectors, ids)


def taken_vectors(arrays: Mapping[str, Stored], like: Floats) -> Floats:
    """Return a file's vectors; ``ValueError`` unless they fit the rows of ``like``."""
    vectors = taken(arrays, "vectors", like.dtype, like.shape[1:])
    require(bool(np.isfinite(vectors).all()), "vectors", "finite", vectors)
    return vectors
