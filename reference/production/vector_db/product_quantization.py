"""Approximate search in vectors that are compressed to a few bytes."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.core.validation import require
from reference.production.vector_db.exact import least
from reference.production.vector_db.index import Found, VectorIndex, as_count
from reference.production.vector_db.metrics import SQUARED, Floats, Labels
from reference.production.vector_db.storage import Stored, taken

Codes = NDArray[np.uint8]

_ROUNDS = 25
_BLOCK = 4096  # points whose distances to all centroids are held at a time


class ProductQuantization(VectorIndex, kind="product_quantization"):
    """Product quantization with asymmetric distances (Jégou, Douze, Schmid, 2011).

    A vector is cut into ``n_subspaces`` pieces of equal length, and of each piece only
    the number of the nearest of ``n_centroids`` (at most 256) is kept: a byte a piece
    instead of the vector ("Product quantization for nearest neighbor search", IEEE
    TPAMI 33(1), section II-B). The centroids come from ``train``, by k-means in each
    subspace, drawn by ``seed``; without them ``add`` raises ``RuntimeError``.

    A search compares the query itself, not its code, with the centroids that stand for
    a vector (section III-A): all distances are those to the vector's reconstruction.
    The Euclidean one is off by at most how far the reconstruction is from the vector
    (section III-B). A search looks at all codes, n·``n_subspaces`` table look-ups.
    """

    def __init__(
        self,
        dim: int,
        n_subspaces: int = 8,
        n_centroids: int = 256,
        seed: int = 0,
        *,
        metric: str = "euclidean",
        dtype: str = "float32",
    ) -> None:
        super().__init__(dim, metric, dtype)
        self.n_subspaces = as_count("n_subspaces", n_subspaces)
        self.n_centroids = as_count("n_centroids", n_centroids)
        self.seed = as_count("seed", seed, least=0)
        whole = self.dim % self.n_subspaces == 0
        require(whole, "n_subspaces", f"a divisor of dim ({dim})", n_subspaces)
        require(n_centroids <= 256, "n_centroids", "at most 256", n_centroids)
        self._shape = self.n_centroids, self.dim // self.n_subspaces
        # (n_subspaces, n_centroids, dim / n_subspaces), or none before the training
        self._codebooks: Floats = np.empty((0, *self._shape), self.dtype)
        self._codes: Codes = np.empty((0, self.n_subspaces), np.uint8)
        self._ids: Labels = np.empty(0, np.int64)
        self._known: set[int] = set()

    def train(self, vectors: ArrayLike) -> None:
        """Find the centroids from a sample ``(n, dim)``, n at least ``n_centroids``.

        Raises ``RuntimeError`` where vectors are there already: their codes would mean
        other vectors.
        """
        rows = self._vectors(vectors, "vectors")
        shape = rows.ndim == 2 and rows.shape[1] == self.dim
        require(shape, "vectors", f"of shape (n, {self.dim})", rows)
        enough = len(rows) >= self.n_centroids
        require(enough, "vectors", f"at least {self.n_centroids} to train on", rows)
        generator = np.random.default_rng(self.seed)
        found = [
            k_means(piece, self.n_centroids, generator) for piece in self._cut(rows)
        ]
        with self._lock.writing():
            if len(self._ids):
                raise RuntimeError("train must come before add: there are vectors")
            self._codebooks = np.stack(found).astype(self.dtype)

    def reconstruct(self, ids: ArrayLike) -> Floats:
        """Return what stands for the vectors of ``ids`` ``(n,)``, shape ``(n, dim)``.

        Raises ``KeyError`` for an id that is not there.
        """
        with self._lock.reading():
            place = {id_: row for row, id_ in enumerate(self._ids.tolist())}
            rows = [place[int(one)] for one in np.atleast_1d(np.asarray(ids))]
            pieces = self._codebooks[np.arange(self.n_subspaces), self._codes[rows]]
            return pieces.reshape(len(rows), self.dim)

    def _cut(self, vectors: Floats) -> Floats:
        """Return the pieces ``(n_subspaces, n, dim / n_subspaces)``."""
        cut: Floats = vectors.reshape(len(vectors), self.n_subspaces, -1)
        return cut.swapaxes(0, 1)

    def _add(self, vectors: Floats, ids: Labels) -> None:
        if not len(self._codebooks):
            raise RuntimeError("train must come before add: there are no centroids")
        pairs = zip(self._cut(vectors), self._codebooks, strict=True)
        codes = np.stack([assigned(*pair)[0] for pair in pairs], axis=1)
        self._codes = np.concatenate([self._codes, codes.astype(np.uint8)])
        self._ids = np.concatenate([self._ids, ids])
        self._known.update(ids.tolist())

    def _delete(self, ids: set[int]) -> None:
        stays = ~np.isin(self._ids, list(ids))
        self._codes, self._ids = self._codes[stays], self._ids[stays]
        self._known -= ids

    def _find(self, queries: Floats, k: int, allowed: set[int] | None) -> Found:
        codes, ids = self._codes, self._ids
        if allowed is not None:
            among = np.isin(ids, list(allowed))
            codes, ids = codes[among], ids[among]
        found = np.empty((len(queries), k), self.dtype)
        found_ids = np.empty((len(queries), k), np.int64)
        for row, query in enumerate(queries):
            pieces = query.reshape(self.n_subspaces, 1, -1)
            if self._what == SQUARED:
                table = np.square(self._codebooks - pieces).sum(axis=-1)
            else:
                table = -(self._codebooks * pieces).sum(axis=-1)
            compared = table[np.arange(self.n_subspaces), codes].sum(axis=1)
            order = least(compared, ids, k)
            found[row], found_ids[row] = compared[order], ids[order]
        return found, found_ids

    def _count(self) -> int:
        return len(self._ids)

    def _holds(self, id_: int) -> bool:
        return id_ in self._known

    def _options(self) -> dict[str, object]:
        return {
            "n_subspaces": self.n_subspaces,
            "n_centroids": self.n_centroids,
            "seed": self.seed,
        }

    def _state(self) -> dict[str, object]:
        return {}

    def _arrays(self) -> Mapping[str, Stored]:
        return {"codebooks": self._codebooks, "codes": self._codes, "ids": self._ids}

    def _restore(self, state: dict[str, object], arrays: Mapping[str, Stored]) -> None:
        del state
        codebooks = taken(arrays, "codebooks", self.dtype, self._shape)
        codes = taken(arrays, "codes", np.dtype(np.uint8), (self.n_subspaces,))
        ids = taken(arrays, "ids", np.dtype(np.int64))
        trained = len(codebooks) == self.n_subspaces
        whole = trained or len(codebooks) == len(ids) == 0
        finite = whole and bool(np.isfinite(codebooks).all())
        require(finite, "codebooks", f"{self.n_subspaces}, finite", codebooks)
        inside = len(codes) == len(ids) and bool((codes < self.n_centroids).all())
        require(inside, "codes", "numbers of centroids, for each id", codes)
        known = set(ids.tolist())
        fits = len(known) == len(ids) and bool((ids >= 0).all())
        require(fits, "ids", "different and not negative", ids)
        self._codebooks, self._codes, self._ids = codebooks, codes, ids
        self._known = known


def k_means(points: Floats, k: int, generator: np.random.Generator) -> Floats:
    """Return k centroids ``(k, d)`` of ``points`` ``(n, d)``, in float64.

    Lloyd's algorithm from k of the points, drawn by ``generator``, until no point
    changes its centroid, for at most 25 rounds. A centroid that no point is nearest to
    moves to the point that is farthest from its own.
    """
    points = points.astype(np.float64)
    centroids = points[generator.choice(len(points), k, replace=False)]
    before = None
    for _ in range(_ROUNDS):
        nearest, squares = assigned(points, centroids)
        if before is not None and np.array_equal(nearest, before):
            break
        before = nearest
        counts = np.bincount(nearest, minlength=k)
        sums = np.zeros_like(centroids)
        np.add.at(sums, nearest, points)
        centroids = sums / np.maximum(counts, 1)[:, np.newaxis]
        empty = np.flatnonzero(counts == 0)
        centroids[empty] = points[np.argsort(-squares, kind="stable")[: len(empty)]]
    return centroids


def assigned(points: Floats, centroids: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the nearest centroid of each point ``(n,)`` and its squared distance."""
    wide = centroids.astype(np.float64)
    norms = np.square(wide).sum(axis=1)
    nearest = np.empty(len(points), np.intp)
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        # ‖p − c‖² less ‖p‖², which is the same for all centroids
        products = points[block].astype(np.float64) @ wide.T
        nearest[block] = np.argmin(norms - 2 * products, axis=1)
    return nearest, np.square(points - centroids[nearest]).sum(axis=1)
