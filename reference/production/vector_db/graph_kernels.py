"""The loops of HNSW, compiled.

Imported on first use, since it imports numba. The algorithms are numbered as in
Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs" (IEEE TPAMI, 2018).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference.production.vector_db.compiling import (
    inlined,
    kernel,
    measure,
    prefetch,
    routine,
)
from reference.production.vector_db.heaps import (
    offer,
    pop_nearest,
    push_farthest,
    push_nearest,
    sort,
)
from reference.production.vector_db.metrics import Floats, Labels, Nodes

_MOST_VISITS = 255  # the largest epoch that a byte holds


class Graph(NamedTuple):
    """The vectors and their links.

    ``base`` holds the links of level 0, ``1 + 2M`` entries a node: their number, then
    the nodes. ``upper`` holds those of the levels above, ``1 + M`` entries each,
    where a node's begin at ``starts[node]``, level 1 first. ``what`` is compared.
    """

    vectors: Floats
    base: Nodes
    upper: Nodes
    starts: Labels
    levels: Nodes
    M: int
    what: int


class Scratch(NamedTuple):
    """What one search writes to; no two threads share one.

    ``visited[node] == epoch[0]`` marks a node as seen in the current search of one
    level. ``near_*`` is the heap of results, the farthest first, ``next_*`` the heap
    of nodes to expand, the nearest first, ``fresh`` the unseen neighbours of one.
    """

    visited: NDArray[np.uint8]
    epoch: Labels
    near_distances: Floats
    near_nodes: Nodes
    next_distances: Floats
    next_nodes: Nodes
    fresh: Nodes


@inlined
def _place(starts: Labels, M: int, node: int, level: int) -> int:
    """Return where the links of ``node`` on ``level`` begin in their array."""
    if level == 0:
        return node * (2 * M + 1)
    return starts[node] + (level - 1) * (M + 1)  # type: ignore[no-any-return]  # arrays of Numba


@inlined
def _new_epoch(visited: NDArray[np.uint8], epoch: Labels) -> int:
    """Forget which nodes were visited."""
    if epoch[0] == _MOST_VISITS:
        for node in range(len(visited)):
            visited[node] = 0
        epoch[0] = 0
    epoch[0] += 1
    return epoch[0]  # type: ignore[no-any-return]  # arrays of Numba


@routine
def _descend(
    graph: Graph, query: Floats, entry: int, top: int, bottom: int
) -> tuple[int, float]:
    """Go to ever nearer neighbours from level ``top`` to just above ``bottom``.

    Algorithm 2 with ``ef = 1``, where a search is a walk without a way back.
    """
    vectors, upper = graph.vectors, graph.upper
    distance = measure(vectors, entry, query, graph.what)
    for level in range(top, bottom, -1):
        nearer = True
        while nearer:
            nearer = False
            first = _place(graph.starts, graph.M, entry, level)
            for slot in range(first + 1, first + 1 + upper[first]):
                node = upper[slot]
                found = measure(vectors, node, query, graph.what)
                if found < distance:
                    entry, distance, nearer = node, found, True
    return entry, distance


@inlined
def _unseen(
    links: Nodes,
    first: int,
    vectors: Floats,
    visited: NDArray[np.uint8],
    epoch: int,
    fresh: Nodes,
) -> int:
    """Gather the linked nodes that were not visited, mark them, return their number.

    Their vectors are asked for here, so that they arrive while others are measured.
    """
    count = 0
    for slot in range(first + 1, first + 1 + links[first]):
        node = links[slot]
        if visited[node] != epoch:
            visited[node] = epoch
            fresh[count] = node
            prefetch(vectors, node)
            count += 1
    return count


@routine
def _search_level(
    graph: Graph,
    query: Floats,
    ef: int,
    level: int,
    labels: Labels,
    every: bool,
    scratch: Scratch,
    waiting: int,
) -> int:
    """Leave the nearest ``ef`` nodes of one level in ``near``, return their number.

    Algorithm 2, from the ``waiting`` nodes in ``next`` on. All nodes are walked
    through; unless ``every``, results are those whose label is not negative.
    """
    # The fields are read once: a tuple of arrays is slow to hand around.
    near_d, near_n = scratch.near_distances, scratch.near_nodes
    next_d, next_n = scratch.next_distances, scratch.next_nodes
    visited, fresh = scratch.visited, scratch.fresh
    vectors, starts, M, what = graph.vectors, graph.starts, graph.M, graph.what
    links = graph.base if level == 0 else graph.upper
    epoch = _new_epoch(visited, scratch.epoch)
    size = 0
    for slot in range(waiting):
        visited[next_n[slot]] = epoch
        if every or labels[next_n[slot]] >= 0:
            size = offer(near_d, near_n, size, ef, next_d[slot], next_n[slot])
    while waiting > 0 and not (size == ef and next_d[0] > near_d[0]):
        first = _place(starts, M, next_n[0], level)
        pop_nearest(next_d, next_n, waiting)
        waiting -= 1
        for slot in range(_unseen(links, first, vectors, visited, epoch, fresh)):
            node = fresh[slot]
            distance = measure(vectors, node, query, what)
            if size < ef or distance < near_d[0]:
                push_nearest(next_d, next_n, waiting, distance, node)
                waiting += 1
                prefetch(links, _place(starts, M, next_n[0], level))
                if every or labels[node] >= 0:
                    size = offer(near_d, near_n, size, ef, distance, node)
    return size


@routine
def _select(
    graph: Graph, distances: Floats, nodes: Nodes, size: int, limit: int, chosen: Nodes
) -> int:
    """Choose at most ``limit`` of ``size`` sorted candidates; return how many.

    Algorithm 4 without extending the candidates: one is taken if it is nearer to the
    point than to each that was taken before it. ``chosen`` gets their places. What is
    left over is not used to fill up (``keepPrunedConnections`` is false, other than
    the paper's default): links in directions that are covered already would be
    measured each time the node is expanded.
    """
    vectors, what = graph.vectors, graph.what
    count = 0
    for slot in range(size):
        if count == limit:
            break
        candidate, apart = vectors[nodes[slot]], True
        for other in range(count):
            between = measure(vectors, nodes[chosen[other]], candidate, what)
            if between <= distances[slot]:
                apart = False
                break
        if apart:
            chosen[count] = slot
            count += 1
    return count


@routine
def _link_back(
    graph: Graph,
    node: int,
    new: int,
    distance: float,
    level: int,
    distances: Floats,
    nodes: Nodes,
    chosen: Nodes,
) -> None:
    """Link ``node`` to ``new``; where there is no room, choose among all its links.

    They are compared by their distance to ``node``. The last three arrays are room
    for ``2M + 1`` entries.
    """
    links = graph.base if level == 0 else graph.upper
    limit = 2 * graph.M if level == 0 else graph.M
    first = _place(graph.starts, graph.M, node, level)
    count = links[first]
    if count < limit:
        links[first + 1 + count] = new
        links[first] = count + 1
        return
    point = graph.vectors[node]
    nodes[0], distances[0] = new, distance
    for slot in range(count):
        other = links[first + 1 + slot]
        apart = measure(graph.vectors, other, point, graph.what)
        push_farthest(distances, nodes, slot + 1, apart, other)
    sort(distances, nodes, count + 1)
    kept = _select(graph, distances, nodes, count + 1, limit, chosen)
    links[first] = kept
    for slot in range(kept):
        links[first + 1 + slot] = nodes[chosen[slot]]


@routine
def _link(
    graph: Graph, new: int, level: int, size: int, scratch: Scratch, chosen: Nodes
) -> None:
    """Link ``new`` to neighbours chosen among the ``size`` sorted results, and back."""
    near_d, near_n = scratch.near_distances, scratch.near_nodes
    count = _select(graph, near_d, near_n, size, graph.M, chosen)
    links = graph.base if level == 0 else graph.upper
    first = _place(graph.starts, graph.M, new, level)
    links[first] = count
    room = 2 * graph.M + 1
    distances = np.empty(room, near_d.dtype)
    nodes, kept = np.empty(room, np.int32), np.empty(room, np.int32)
    for slot in range(count):
        other, distance = near_n[chosen[slot]], near_d[chosen[slot]]
        links[first + 1 + slot] = other
        _link_back(graph, other, new, distance, level, distances, nodes, kept)


@kernel
def insert_all(
    graph: Graph,
    start: int,
    stop: int,
    entry: int,
    top: int,
    ef: int,
    labels: Labels,
    scratch: Scratch,
) -> tuple[int, int]:
    """Link the nodes from ``start`` to ``stop``; return entry point and its level.

    Algorithm 1; a node's level is drawn already. ``entry`` is -1 in an empty graph.
    """
    chosen = np.empty(graph.M, np.int32)
    for new in range(start, stop):
        query, level = graph.vectors[new], graph.levels[new]
        if entry < 0:
            entry, top = new, level
            continue
        node, distance = _descend(graph, query, entry, top, level)
        scratch.next_distances[0], scratch.next_nodes[0] = distance, node
        waiting = 1
        for lower in range(min(top, level), -1, -1):
            size = _search_level(
                graph, query, ef, lower, labels, True, scratch, waiting
            )
            sort(scratch.near_distances, scratch.near_nodes, size)
            _link(graph, new, lower, size, scratch, chosen)
            # What is sorted is a heap: the next level starts from all that was found.
            waiting = size
            for slot in range(size):
                scratch.next_distances[slot] = scratch.near_distances[slot]
                scratch.next_nodes[slot] = scratch.near_nodes[slot]
        if level > top:
            entry, top = new, level
    return entry, top


@routine
def _order_equals(distances: Floats, nodes: Nodes, size: int, labels: Labels) -> None:
    """Sort nodes at equal distances by their labels; the distances are sorted."""
    for slot in range(1, size):
        node, place = nodes[slot], slot
        while (
            place > 0
            and distances[place - 1] == distances[slot]
            and labels[nodes[place - 1]] > labels[node]
        ):
            nodes[place] = nodes[place - 1]
            place -= 1
        nodes[place] = node


@kernel
def search_all(
    graph: Graph,
    queries: Floats,
    entry: int,
    top: int,
    ef: int,
    labels: Labels,
    every: bool,
    scratch: Scratch,
    distances: Floats,
    nodes: Nodes,
) -> None:
    """Write the nearest nodes to each query ``(q, k)``; absent ones are -1 and inf.

    Algorithm 5. Equal distances are in the order of the labels.
    """
    near_d, near_n = scratch.near_distances, scratch.near_nodes
    for row in range(len(queries)):
        query = queries[row]
        node, distance = _descend(graph, query, entry, top, 0)
        scratch.next_distances[0], scratch.next_nodes[0] = distance, node
        size = _search_level(graph, query, ef, 0, labels, every, scratch, 1)
        sort(near_d, near_n, size)
        _order_equals(near_d, near_n, size, labels)
        found = min(size, nodes.shape[1])
        for slot in range(found):
            distances[row, slot], nodes[row, slot] = near_d[slot], near_n[slot]
        for slot in range(found, nodes.shape[1]):
            distances[row, slot], nodes[row, slot] = np.inf, -1
