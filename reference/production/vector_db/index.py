"""What every vector index does: ids, checks, filters, one writer, files."""

import operator
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import describe, require, require_one_of
from reference.production.vector_db import storage
from reference.production.vector_db.locks import ReadWriteLock
from reference.production.vector_db.metrics import (
    DTYPES,
    METRICS,
    Floats,
    Labels,
    as_distances,
    as_vectors,
    compared,
)

Found = tuple[Floats, Labels]
# Answers queries with the nearest k of all, or of the given ids, in ``Found``.
Finder = Callable[[Floats, int, set[int] | None], Found]

# The largest number stands for "no id" in the loops of exact search.
_LARGEST_ID = int(np.iinfo(np.int64).max) - 1
# What a file that is no index, though its checksum fits, may lead to.
_FORGED = (
    AssertionError, LookupError, TypeError, ValueError,
    OverflowError, MemoryError, RecursionError,
)  # fmt: skip


class VectorIndex(ABC):
    """Vectors of one dimension under integer ids, searched by distance.

    Metrics: ``cosine`` 1 − cos (1 where either vector is zero), ``euclidean`` ‖q − v‖,
    ``inner_product`` −⟨q, v⟩. Lengths whose squares the dtype cannot hold are refused
    under the last two, above 4.6e18 and, but for zero vectors, below 1.1e-19 in
    float32; a distance less than that may be told as 0.

    All methods may be called from several threads: searches run at the same time, a
    change waits for them and they for it, so that a search sees all of a change or
    nothing of it. So a long ``add`` keeps searches waiting: where that is too long, add
    in parts.
    """

    kind: ClassVar[str]
    _kinds: ClassVar[dict[str, type["VectorIndex"]]] = {}

    def __init_subclass__(cls, *, kind: str) -> None:
        """Make the class known to ``create`` and ``load`` as ``kind``."""
        cls.kind = kind
        VectorIndex._kinds[kind] = cls

    def __init__(self, dim: int, metric: str, dtype: str) -> None:
        """Check what all kinds share."""
        self.dim = as_count("dim", dim)
        require_one_of("metric", metric, METRICS)
        require_one_of("dtype", dtype, DTYPES)
        self.metric = metric
        self.dtype: np.dtype[np.floating] = np.dtype(dtype)
        self._what = compared(metric)
        self._next_id = 0
        self._lock = ReadWriteLock()

    @staticmethod
    def create(
        kind: str, dim: int, metric: str = "cosine", **options: object
    ) -> "VectorIndex":
        """Return an empty index of that kind.

        ``kind`` is ``brute_force``, ``lsh``, ``hnsw`` or ``product_quantization``;
        ``options`` are those of the class; an unknown one raises ``TypeError``.
        """
        require_one_of("kind", kind, VectorIndex._kinds)
        make: Callable[..., VectorIndex] = VectorIndex._kinds[kind]
        return make(dim, metric=metric, **options)

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Labels:
        """Add vectors ``(n, dim)`` or one ``(dim,)``; return their ids ``(n,)``.

        Without ``ids`` they get the numbers after the largest that was ever given.
        Raises ``ValueError`` for ids that are negative, given twice or there already,
        and for vectors that are not finite or of another shape; nothing is added then.
        """
        rows = np.atleast_2d(self._vectors(vectors, "vectors"))
        shape = rows.ndim == 2 and rows.shape[1] == self.dim
        require(shape, "vectors", f"of shape (n, {self.dim}) or ({self.dim},)", rows)
        chosen = None if ids is None else _as_ids(ids, len(rows))
        with self._lock.writing():
            if chosen is None:
                last = self._next_id + len(rows) - 1
                require(last <= _LARGEST_ID, "ids", "given: no larger id is left", None)
                chosen = np.arange(self._next_id, last + 1, dtype=np.int64)
            else:
                there = [one for one in chosen.tolist() if self._holds(one)]
                require(not there, "ids", "new", there)
            if len(chosen):
                self._add(rows, chosen)
                self._next_id = max(self._next_id, int(chosen.max()) + 1)
        return chosen

    def search(
        self, query: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Labels, Floats]:
        """Return ids ``(m,)`` and distances ``(m,)`` of the nearest, from near to far.

        ``query`` has shape ``(dim,)``; ``m`` is ``k`` or the number of vectors (of
        those in ``allowed``), whichever is less. Equal distances are in the order of
        the ids.
        """
        return self._search_one(query, k, allowed, self._find)

    def search_batch(
        self, queries: ArrayLike, k: int = 10, allowed: Collection[int] | None = None
    ) -> tuple[Labels, Floats]:
        """Return ids and distances ``(q, m)`` for ``queries`` ``(q, dim)``.

        Rows with fewer answers are filled with -1 and ∞.
        """
        return self._search_many(queries, k, allowed, self._find)

    def delete(self, ids: int | Collection[int] | Labels) -> int:
        """Delete the vectors with these ids; return how many there were."""
        given = _as_id_set(ids, "ids")
        with self._lock.writing():
            there = {one for one in given if self._holds(one)}
            if there:
                self._delete(there)
        return len(there)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, whole or not at all."""
        with self._lock.reading():
            header: storage.Header = {
                "kind": self.kind,
                "options": {
                    "dim": self.dim,
                    "metric": self.metric,
                    "dtype": self.dtype.name,
                    **self._options(),
                },
                "next_id": self._next_id,
                "state": self._state(),
            }
            storage.write(path, header, self._arrays())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what ``save`` wrote: the answers are the same.

        Raises ``ValueError`` where the file is torn, changed or of another kind.
        """
        header, arrays = storage.read(path)
        found = VectorIndex._kinds.get(str(header.get("kind")))
        if found is None or not issubclass(found, cls):
            raise ValueError(
                f"path must be the file of a {cls.__name__}, got {header.get('kind')}"
            )
        make: Callable[..., Self] = found
        try:
            options, state = header["options"], header["state"]
            assert isinstance(options, dict)  # noqa: S101 - told as a bad file below
            assert isinstance(state, dict)  # noqa: S101 - the same
            index = make(**options)
            index._restore(state, arrays)
            index._next_id = _as_next_id(header["next_id"], arrays["ids"])
        except _FORGED as error:
            raise ValueError(f"path must hold a whole index, got {error}") from error
        return index

    def __len__(self) -> int:
        with self._lock.reading():
            return self._count()

    def __contains__(self, id_: object) -> bool:
        with self._lock.reading():
            return isinstance(id_, int | np.integer) and self._holds(int(id_))

    def _search_one(
        self, query: ArrayLike, k: int, allowed: Collection[int] | None, find: Finder
    ) -> tuple[Labels, Floats]:
        row = self._vectors(query, "query")
        require(row.shape == (self.dim,), "query", f"of shape ({self.dim},)", row)
        ids, distances = self._answer(row[np.newaxis], k, allowed, find)
        there = ids[0] >= 0
        return ids[0, there], distances[0, there]

    def _search_many(
        self, queries: ArrayLike, k: int, allowed: Collection[int] | None, find: Finder
    ) -> tuple[Labels, Floats]:
        rows = self._vectors(queries, "queries")
        shape = rows.ndim == 2 and rows.shape[1] == self.dim
        require(shape, "queries", f"of shape (q, {self.dim})", rows)
        return self._answer(rows, k, allowed, find)

    def _answer(
        self, queries: Floats, k: int, allowed: Collection[int] | None, find: Finder
    ) -> tuple[Labels, Floats]:
        k = as_count("k", k)
        chosen = None if allowed is None else _as_id_set(allowed, "allowed")
        with self._lock.reading():
            if chosen is not None:
                chosen = {one for one in chosen if self._holds(one)}
            m = min(k, self._count() if chosen is None else len(chosen))
            if m == 0 or len(queries) == 0:
                empty = np.empty((len(queries), m), self.dtype)
                return empty.astype(np.int64), empty
            found, ids = find(queries, m, chosen)
        distances = as_distances(found, self.metric)
        # A root or a clip may make equal what was not.
        order = np.lexsort((ids, distances), axis=-1)
        return (
            np.take_along_axis(ids, order, axis=-1),
            np.take_along_axis(distances, order, axis=-1),
        )

    def _vectors(self, value: ArrayLike, argument: str) -> Floats:
        return as_vectors(value, argument, self.metric, self.dtype)

    # What a kind of index adds. All are called under the lock, with checked arguments.

    @abstractmethod
    def _add(self, vectors: Floats, ids: Labels) -> None: ...

    @abstractmethod
    def _delete(self, ids: set[int]) -> None: ...

    @abstractmethod
    def _find(self, queries: Floats, k: int, allowed: set[int] | None) -> Found: ...

    @abstractmethod
    def _count(self) -> int: ...

    @abstractmethod
    def _holds(self, id_: int) -> bool: ...

    @abstractmethod
    def _options(self) -> dict[str, object]: ...

    @abstractmethod
    def _state(self) -> dict[str, object]: ...

    @abstractmethod
    def _arrays(self) -> Mapping[str, storage.Stored]: ...

    @abstractmethod
    def _restore(
        self, state: dict[str, object], arrays: Mapping[str, storage.Stored]
    ) -> None: ...


def as_count(argument: str, value: int, least: int = 1) -> int:
    """Return an integer that is at least ``least``."""
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise TypeError(f"{argument} must be an integer, got {describe(value)}")
    require(value >= least, argument, f"an integer of at least {least}", value)
    return operator.index(value)


def _as_next_id(value: object, ids: storage.Stored) -> int:
    """Return a number above all ids, which no vector had yet."""
    assert isinstance(value, int)  # noqa: S101 - told as a bad file
    least = int(ids.max(initial=-1)) + 1
    free = least <= value <= _LARGEST_ID + 1
    require(free, "next_id", f"from {least} to {_LARGEST_ID + 1}", value)
    return value


def _as_ids(value: ArrayLike, count: int) -> Labels:
    """Return ids ``(count,)``, of which no two are equal."""
    ids = np.atleast_1d(np.asarray(value))
    if ids.size == 0:
        ids = ids.astype(np.int64)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids must be integers, got {describe(value)}")
    require(ids.shape == (count,), "ids", f"one for each of {count} vectors", ids)
    inside = not count or (int(ids.min()) >= 0 and int(ids.max()) <= _LARGEST_ID)
    require(inside, "ids", f"from 0 to {_LARGEST_ID}", value)
    require(len(np.unique(ids)) == count, "ids", "different from each other", value)
    return ids.astype(np.int64)


def _as_id_set(value: object, argument: str) -> set[int]:
    """Return the ids of a collection, or of one id."""
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    elif isinstance(value, int | np.integer):
        value = [value]
    if not isinstance(value, Collection):
        raise TypeError(
            f"{argument} must be a collection of ids, got {describe(value)}"
        )
    ids: set[int] = set()
    for one in value:
        if not isinstance(one, int | np.integer) or isinstance(one, bool):
            raise TypeError(f"{argument} must be integers, got {describe(one)} in it")
        ids.add(int(one))
    return ids
