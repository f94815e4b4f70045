"""Locality-sensitive hashing: near vectors often fall into the same bucket."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.core.validation import require
from reference.production.vector_db.index import Found, VectorIndex, as_count
from reference.production.vector_db.metrics import Floats, Labels
from reference.production.vector_db.storage import Stored, taken
from reference.production.vector_db.table import Table

# Products of coordinates that are held at a time, 16 MiB.
_BLOCK = 2**21


class LSH(VectorIndex, kind="lsh"):
    """Exact ranking of the vectors that share a bucket with the query in some table.

    ``cosine``: a bit is the side of a random hyperplane on which a vector lies, and
    two vectors at the angle θ agree in one with probability 1 − θ/π (Charikar,
    "Similarity estimation techniques from rounding algorithms", 2002). ``euclidean``:
    a random projection is cut into pieces of ``width`` (Datar et al.,
    "Locality-sensitive hashing scheme based on p-stable distributions", 2004), with
    ``n_bits`` projections. ``inner_product`` raises ``ValueError``: no such family
    fits it. More tables find more, more bits look at less. A search answers with
    fewer than k where fewer share a bucket.
    """

    def __init__(
        self,
        dim: int,
        n_tables: int = 8,
        n_bits: int = 12,
        seed: int = 0,
        *,
        metric: str = "cosine",
        dtype: str = "float32",
        width: float = 4.0,
    ) -> None:
        super().__init__(dim, metric, dtype)
        hashed = metric != "inner_product"
        require(hashed, "metric", "cosine or euclidean for LSH", metric)
        require(0 < width < np.inf, "width", "positive and finite", width)
        self.n_tables = as_count("n_tables", n_tables)
        self.n_bits = as_count("n_bits", n_bits)
        self.seed = as_count("seed", seed, least=0)
        self.width = float(width)
        generator = np.random.default_rng(self.seed)
        self._planes = generator.standard_normal((n_tables, n_bits, self.dim))
        self._offsets = generator.uniform(0, width, (n_tables, n_bits))
        self._table = Table(self.dim, self.dtype)
        self._buckets: list[dict[bytes, set[int]]] = [{} for _ in range(n_tables)]

    def candidates(self, query: ArrayLike) -> set[int]:
        """Return the ids that share a bucket with ``query`` ``(dim,)``."""
        row = self._vectors(query, "query")
        require(row.shape == (self.dim,), "query", f"of shape ({self.dim},)", row)
        with self._lock.reading():
            return self._sharing(self._keys(row[np.newaxis])[0])

    def _keys(self, vectors: Floats) -> list[list[bytes]]:
        """Return the bucket of each vector in each table."""
        step = max(1, _BLOCK // self._planes.size)
        keys: list[list[bytes]] = []
        for start in range(0, len(vectors), step):
            rows = vectors[start : start + step, np.newaxis, np.newaxis]
            # A sum, no matrix product: a vector gets the same bits alone as among
            # others, even where it lies in a plane.
            sides = (rows * self._planes).sum(axis=-1)
            codes: NDArray[np.bool_] | NDArray[np.int64]
            if self.metric == "cosine":
                codes = sides >= 0
            else:
                codes = np.floor((sides + self._offsets) / self.width).astype(np.int64)
            keys += [[code.tobytes() for code in one] for one in codes]
        return keys

    def _sharing(self, keys: list[bytes]) -> set[int]:
        sharing: set[int] = set()
        for key, buckets in zip(keys, self._buckets, strict=True):
            sharing |= buckets.get(key, set())
        return sharing

    def _add(self, vectors: Floats, ids: Labels) -> None:
        every = self._keys(vectors)
        self._table.add(vectors, ids)
        for id_, keys in zip(ids.tolist(), every, strict=True):
            for key, buckets in zip(keys, self._buckets, strict=True):
                buckets.setdefault(key, set()).add(id_)

    def _delete(self, ids: set[int]) -> None:
        rows = [self._table.place[id_] for id_ in ids]
        every = self._keys(self._table.vectors[rows])
        for id_, keys in zip(ids, every, strict=True):
            for key, buckets in zip(keys, self._buckets, strict=True):
                buckets[key].discard(id_)
                if not buckets[key]:
                    del buckets[key]
        self._table.delete(ids)

    def _find(self, queries: Floats, k: int, allowed: set[int] | None) -> Found:
        found = np.full((len(queries), k), np.inf, self.dtype)
        ids = np.full((len(queries), k), -1, np.int64)
        for row, keys in enumerate(self._keys(queries)):
            sharing = self._sharing(keys)
            if allowed is not None:
                sharing &= allowed
            if m := min(k, len(sharing)):
                query = queries[row : row + 1]
                found[row : row + 1, :m], ids[row : row + 1, :m] = self._table.nearest(
                    query, m, self._what, sharing
                )
        return found, ids

    def _count(self) -> int:
        return len(self._table)

    def _holds(self, id_: int) -> bool:
        return id_ in self._table.place

    def _options(self) -> dict[str, object]:
        return {
            "n_tables": self.n_tables,
            "n_bits": self.n_bits,
            "seed": self.seed,
            "width": self.width,
        }

    def _state(self) -> dict[str, object]:
        return {}

    def _arrays(self) -> Mapping[str, Stored]:
        # The planes are kept: another NumPy may draw others from the same seed.
        return {
            **self._table.arrays(),
            "planes": self._planes,
            "offsets": self._offsets,
        }

    def _restore(self, state: dict[str, object], arrays: Mapping[str, Stored]) -> None:
        del state
        for name, drawn in (("planes", self._planes), ("offsets", self._offsets)):
            kept = taken(arrays, name, drawn.dtype, drawn.shape[1:])
            fits = len(kept) == len(drawn) and bool(np.isfinite(kept).all())
            require(fits, name, f"finite and of shape {drawn.shape}", kept)
            drawn[:] = kept
        self._table.restore(arrays)
        every = self._keys(self._table.vectors)
        for id_, keys in zip(self._table.ids.tolist(), every, strict=True):
            for key, buckets in zip(keys, self._buckets, strict=True):
                buckets.setdefault(key, set()).add(id_)
