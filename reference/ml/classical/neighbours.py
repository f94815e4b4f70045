"""Exact nearest neighbours by brute force.

The three metrics are one sum over the features, taken in their order: of squares
(Euclidean, and cosine on unit vectors) or of absolute differences (Manhattan). A small
search runs in NumPy, a large one in the same loops compiled by Numba; both add in the
same order and so give the same bits.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from reference.core.validation import Array
from reference.ml.checks import Indices
from reference.ml.classical.compiled import compiled

METRICS = ("euclidean", "manhattan", "cosine")

# Coordinate differences from which compiling (once a machine) pays.
_LARGE = 20_000_000
# Entries of the largest distance matrix that NumPy holds at a time, 16 MiB.
_BLOCK = 2**21

Neighbours = tuple[Array, Indices]


def nearest(
    queries: Array, training: Array, k: int, metric: str, large: int = _LARGE
) -> Neighbours:
    """Return distances and indices ``(m, k)`` of the nearest, from near to far.

    ``queries`` has shape ``(m, d)``, ``training`` ``(n, d)``, and ``k`` is at most
    ``n``. Of equal distances the lower training index comes first. From ``large``
    coordinate differences on, the compiled loops search.
    """
    if metric == "cosine":
        queries, training = _directions(queries, training)
        exponent = -1  # ½‖a/|a| − b/|b|‖² = 1 − cos(a, b)
    else:
        # A power of two is an exact scale; it keeps the squares of huge and of tiny
        # coordinates within range.
        peak = max(np.abs(queries).max(initial=0.0), np.abs(training).max(initial=0.0))
        exponent = int(np.frexp(peak)[1])
        queries, training = np.ldexp(queries, -exponent), np.ldexp(training, -exponent)
    queries, columns = np.ascontiguousarray(queries), np.ascontiguousarray(training.T)
    squared, root = metric != "manhattan", metric == "euclidean"
    search = _search_compiled if queries.size * len(training) >= large else _search
    distances, indices = search(queries, columns, k, squared, root)
    return np.ldexp(distances, exponent), indices


def _directions(queries: Array, training: Array) -> tuple[Array, Array]:
    """Scale the rows to length one; zero rows get directions orthogonal to all.

    So the cosine of a zero vector with any other is zero, and its distance one.
    """
    extra = np.zeros((len(queries), 2)), np.zeros((len(training), 2))
    units = []
    for side, rows in enumerate((queries, training)):
        peak = np.abs(rows).max(axis=1, keepdims=True)
        zero = peak == 0.0
        scaled = rows / np.where(zero, 1.0, peak)
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        extra[side][:, side] = zero[:, 0]
        units.append(np.hstack([scaled / np.where(zero, 1.0, length), extra[side]]))
    return units[0], units[1]


def _search(
    queries: Array, columns: Array, k: int, squared: bool, root: bool
) -> Neighbours:
    """Search in NumPy, a block of queries at a time."""
    m, n = len(queries), columns.shape[1]
    distances, indices = np.empty((m, k)), np.empty((m, k), dtype=np.intp)
    rows = max(1, _BLOCK // n)
    for start in range(0, m, rows):
        block = queries[start : start + rows]
        total = np.zeros((len(block), n))
        for coordinate, column in zip(block.T, columns, strict=True):
            difference = coordinate[:, np.newaxis] - column
            total += difference * difference if squared else np.abs(difference)
        if root:
            np.sqrt(total, out=total)
        # A stable sort leaves equal distances in the order of their indices.
        order = np.argsort(total, axis=1, kind="stable")[:, :k]
        indices[start : start + rows] = order
        distances[start : start + rows] = np.take_along_axis(total, order, axis=1)
    return distances, indices


def _search_compiled(
    queries: Array, columns: Array, k: int, squared: bool, root: bool
) -> Neighbours:
    """Search in compiled loops, each core on its share of the queries."""
    m, n = len(queries), columns.shape[1]
    distances, indices = np.full((m, k), np.inf), np.zeros((m, k), dtype=np.intp)
    measure_all, keep_nearest = compiled(_measure_all), compiled(_keep_nearest)

    def work(share: Indices) -> None:
        total = np.empty(n)
        for i in share:
            measure_all(queries[i], columns, squared, root, total)
            keep_nearest(total, distances[i], indices[i])

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, np.array_split(np.arange(m), workers)))
    return distances, indices


def _measure_all(
    query: Array, columns: Array, squared: bool, root: bool, total: Array
) -> None:
    """Write the distance of ``query`` ``(d,)`` to each of ``n`` points to ``total``."""
    total[:] = 0.0
    # The points run in the inner loop, where they fill the vector registers.
    for feature in range(len(query)):
        coordinate, column = query[feature], columns[feature]
        if squared:
            for j in range(len(total)):
                difference = coordinate - column[j]
                total[j] += difference * difference
        else:
            for j in range(len(total)):
                total[j] += abs(coordinate - column[j])
    if root:
        for j in range(len(total)):
            total[j] = np.sqrt(total[j])


def _keep_nearest(total: Array, distances: Array, indices: Indices) -> None:
    """Insert the nearest points into the sorted ``distances``, which start at ∞."""
    last = len(distances) - 1
    for j in range(len(total)):
        if total[j] < distances[last]:
            slot = last
            while slot > 0 and total[j] < distances[slot - 1]:
                distances[slot], indices[slot] = distances[slot - 1], indices[slot - 1]
                slot -= 1
            distances[slot], indices[slot] = total[j], j
