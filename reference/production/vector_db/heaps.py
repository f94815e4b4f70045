"""Binary heaps in two arrays, distances and nodes, compiled.

Imported on first use, since it imports numba.
"""

from reference.production.vector_db.compiling import inlined, routine
from reference.production.vector_db.metrics import Floats, Nodes


@inlined
def push_nearest(
    distances: Floats, nodes: Nodes, size: int, distance: float, node: int
) -> None:
    """Add to a heap of ``size`` entries whose nearest is first."""
    slot = size
    while slot > 0:
        parent = (slot - 1) >> 1
        if distances[parent] <= distance:
            break
        distances[slot], nodes[slot] = distances[parent], nodes[parent]
        slot = parent
    distances[slot], nodes[slot] = distance, node


@inlined
def pop_nearest(distances: Floats, nodes: Nodes, size: int) -> None:
    """Take the first of ``size`` entries off; the caller has read it."""
    last = size - 1
    distance, node = distances[last], nodes[last]
    slot, child = 0, 1
    while child < last:
        if child + 1 < last and distances[child + 1] < distances[child]:
            child += 1
        if distance <= distances[child]:
            break
        distances[slot], nodes[slot] = distances[child], nodes[child]
        slot, child = child, 2 * child + 1
    distances[slot], nodes[slot] = distance, node


@inlined
def push_farthest(
    distances: Floats, nodes: Nodes, size: int, distance: float, node: int
) -> None:
    """Add to a heap of ``size`` entries whose farthest is first."""
    slot = size
    while slot > 0:
        parent = (slot - 1) >> 1
        if distances[parent] >= distance:
            break
        distances[slot], nodes[slot] = distances[parent], nodes[parent]
        slot = parent
    distances[slot], nodes[slot] = distance, node


@inlined
def replace_farthest(
    distances: Floats, nodes: Nodes, size: int, distance: float, node: int
) -> None:
    """Put an entry in the place of the farthest of ``size`` entries."""
    slot, child = 0, 1
    while child < size:
        if child + 1 < size and distances[child + 1] > distances[child]:
            child += 1
        if distance >= distances[child]:
            break
        distances[slot], nodes[slot] = distances[child], nodes[child]
        slot, child = child, 2 * child + 1
    distances[slot], nodes[slot] = distance, node


@inlined
def offer(
    distances: Floats, nodes: Nodes, size: int, most: int, distance: float, node: int
) -> int:
    """Add to a heap of at most ``most`` entries, return how many it now holds.

    Where it is full the farthest gives way; the caller knows that it is farther.
    """
    if size < most:
        push_farthest(distances, nodes, size, distance, node)
        return size + 1
    replace_farthest(distances, nodes, size, distance, node)
    return size


@routine
def sort(distances: Floats, nodes: Nodes, size: int) -> None:
    """Turn a heap whose farthest is first into the order from near to far."""
    for last in range(size - 1, 0, -1):
        distance, node = distances[last], nodes[last]
        distances[last], nodes[last] = distances[0], nodes[0]
        replace_farthest(distances, nodes, last, distance, node)
