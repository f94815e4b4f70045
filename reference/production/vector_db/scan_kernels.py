"""The loops of exact search, compiled.

Imported on first use, since it imports numba.
"""

import numpy as np

from reference.production.vector_db.compiling import inlined, kernel, least_sum, measure
from reference.production.vector_db.metrics import Floats, Labels

_STEP = 64  # so many estimates are looked at together


@inlined
def _replace_worst(
    distances: Floats, labels: Labels, size: int, distance: float, label: int
) -> None:
    """Replace the first of a heap whose worst is first: farther, or larger label."""
    slot, child = 0, 1
    while child < size:
        other = child + 1
        if other < size and (
            distances[other] > distances[child]
            or (distances[other] == distances[child] and labels[other] > labels[child])
        ):
            child = other
        if distance > distances[child] or (
            distance == distances[child] and label > labels[child]
        ):
            break
        distances[slot], labels[slot] = distances[child], labels[child]
        slot, child = child, 2 * child + 1
    distances[slot], labels[slot] = distance, label


@kernel
def scan(
    vectors: Floats,
    labels: Labels,
    queries: Floats,
    what: int,
    best: Floats,
    best_labels: Labels,
) -> None:
    """Put the nearest of all vectors into the heaps ``best`` of shape ``(q, k)``."""
    k = best.shape[1]
    for row in range(len(queries)):
        heap, heap_labels, query = best[row], best_labels[row], queries[row]
        for j in range(len(vectors)):
            found = measure(vectors, j, query, what)
            if found < heap[0] or (found == heap[0] and labels[j] < heap_labels[0]):
                _replace_worst(heap, heap_labels, k, found, labels[j])


@kernel
def scan_estimated(
    vectors: Floats,
    labels: Labels,
    queries: Floats,
    what: int,
    best: Floats,
    best_labels: Labels,
    norms: Floats,
    products: Floats,
    slack: Floats,
) -> None:
    """Like ``scan``, but measure only what the estimates do not rule out.

    ``norms[j] + products[row, j]`` estimates the measure of query and vector; the
    measure is at least that less ``slack[row]``.
    """
    k, n = best.shape[1], len(vectors)
    for row in range(len(queries)):
        heap, heap_labels, query = best[row], best_labels[row], queries[row]
        estimates = products[row]
        for start in range(0, n, _STEP):
            stop = min(start + _STEP, n)
            if least_sum(norms, estimates, start, stop) > heap[0] + slack[row]:
                continue
            for j in range(start, stop):
                if norms[j] + estimates[j] > heap[0] + slack[row]:
                    continue
                found = measure(vectors, j, query, what)
                if found < heap[0] or (found == heap[0] and labels[j] < heap_labels[0]):
                    _replace_worst(heap, heap_labels, k, found, labels[j])


@kernel
def sort_heaps(best: Floats, best_labels: Labels) -> None:
    """Turn each row from a heap into the order from near to far, then by label."""
    for row in range(len(best)):
        heap, labels = best[row], best_labels[row]
        for last in range(len(heap) - 1, 0, -1):
            distance, label = heap[last], labels[last]
            heap[last], labels[last] = heap[0], labels[0]
            _replace_worst(heap, labels, last, distance, label)


def empty_heaps(
    queries: int, k: int, dtype: np.dtype[np.floating]
) -> tuple[Floats, Labels]:
    """Return heaps of shape ``(q, k)`` of what is worse than anything."""
    nothing = np.iinfo(np.int64).max
    return np.full((queries, k), np.inf, dtype), np.full((queries, k), nothing)
