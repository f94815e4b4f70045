"""Exact search: the k nearest rows of a matrix.

A small search runs in NumPy, so that nothing has to be compiled or loaded for it; a
large one in loops compiled by Numba. The two add in different orders: their distances
may differ in the last bits.
"""

import numpy as np
from numpy.typing import NDArray

from reference.production.vector_db.metrics import SQUARED, Floats, Labels

# Coordinates to look at from which the compiled loops are worth being loaded.
_LARGE = 2_000_000
# Queries from which a matrix product pays, and how many of them and of the vectors one
# product takes: 2 MiB in float32.
_FEW_QUERIES = 4
_QUERIES, _VECTORS = 256, 2048


def nearest(
    vectors: Floats,
    labels: Labels,
    norms: Floats,
    queries: Floats,
    k: int,
    what: int,
    large: int = _LARGE,
) -> tuple[Floats, Labels]:
    """Return what is compared and the labels ``(q, k)``, from near to far.

    ``vectors`` ``(n, d)`` with their ``labels`` and squared ``norms`` ``(n,)``,
    ``queries`` ``(q, d)``, all of one dtype; ``1 <= k <= n``. Of equal vectors the
    lower label comes first. From ``large`` coordinates on, the compiled loops search.
    """
    if vectors.size * len(queries) < large:
        return _nearest_plain(vectors, labels, queries, k, what)
    from reference.production.vector_db import scan_kernels

    best, best_labels = scan_kernels.empty_heaps(len(queries), k, vectors.dtype)
    if len(queries) < _FEW_QUERIES:
        scan_kernels.scan(vectors, labels, queries, what, best, best_labels)
    else:
        _scan_blocks(vectors, labels, norms, queries, what, best, best_labels)
    scan_kernels.sort_heaps(best, best_labels)
    return best, best_labels


def _nearest_plain(
    vectors: Floats, labels: Labels, queries: Floats, k: int, what: int
) -> tuple[Floats, Labels]:
    best = np.empty((len(queries), k), vectors.dtype)
    best_labels = np.empty((len(queries), k), np.int64)
    for row, query in enumerate(queries):
        # Sums, no matrix product: equal vectors get equal sums wherever they stand.
        if what == SQUARED:
            found = np.square(vectors - query).sum(axis=1)
        else:
            found = -(vectors * query).sum(axis=1)
        order = least(found, labels, k)
        best[row], best_labels[row] = found[order], labels[order]
    return best, best_labels


def least(found: Floats, labels: Labels, k: int) -> NDArray[np.intp]:
    """Return where the k least of ``found`` ``(n,)`` are, in order, then by label."""
    within = np.flatnonzero(found <= np.partition(found, k - 1)[k - 1])
    order: NDArray[np.intp] = within[np.lexsort((labels[within], found[within]))[:k]]
    return order


def _scan_blocks(
    vectors: Floats,
    labels: Labels,
    norms: Floats,
    queries: Floats,
    what: int,
    best: Floats,
    best_labels: Labels,
) -> None:
    """Let matrix products tell which vectors are worth being measured.

    ‖q − v‖² = ‖q‖² + ‖v‖² − 2⟨q, v⟩ is fast, but where q and v are near to each other
    and far from zero it has few digits. So it only estimates. A sum of d products in
    floating point is off by at most γ_d = d·u / (1 − d·u) times the sum of their
    magnitudes (Higham, "Accuracy and Stability of Numerical Algorithms", section
    3.1), in whatever order: estimate and measure differ by less than
    2 γ_{d+2} (‖q‖ + ‖v‖)², for which (d + 4)·eps·(‖q‖ + ‖v‖)² is taken.
    """
    from reference.production.vector_db import scan_kernels

    dtype, factor = vectors.dtype, -2.0 if what == SQUARED else -1.0
    lengths = np.sqrt(np.square(queries).sum(axis=1))
    peak = np.sqrt(norms.max())
    offset = np.square(lengths) if what == SQUARED else np.zeros_like(lengths)
    error = (vectors.shape[1] + 4) * np.finfo(dtype).eps * np.square(lengths + peak)
    slack = (error - offset).astype(dtype)
    scaled = queries * dtype.type(factor)
    added = norms if what == SQUARED else np.zeros_like(norms)
    room = np.empty(min(_QUERIES, len(queries)) * _VECTORS, dtype)
    for top in range(0, len(queries), _QUERIES):
        rows = slice(top, min(top + _QUERIES, len(queries)))
        for start in range(0, len(vectors), _VECTORS):
            part = slice(start, min(start + _VECTORS, len(vectors)))
            shape = rows.stop - top, part.stop - start
            products = room[: shape[0] * shape[1]].reshape(shape)
            np.matmul(scaled[rows], vectors[part].T, out=products)
            scan_kernels.scan_estimated(
                vectors[part], labels[part], queries[rows], what,
                best[rows], best_labels[rows], added[part], products, slack[rows],
            )  # fmt: skip
