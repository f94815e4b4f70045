"""Approximate nearest neighbours in a hierarchical navigable small world.

Every vector is a node of a graph. Level 0 holds all nodes, each level above a random
share of those below it, so that a search takes long steps on top and short ones below.
Each node draws the highest level it is on, with the generator of `seed`, one number a
vector in the order in which they are added:

    U = 1 − generator.random()          generator = numpy.random.default_rng(seed)
    level = ⌊−ln U / ln M⌋              so that one node in M rises a level

**Walk** (algorithm 2): from given nodes of one level to the `ef` nearest to q. Of the
nodes that were met, keep the `ef` nearest. Expand the nearest one that was not expanded
yet: measure the nodes it links to, each once. Stop where none is left, or the one to be
expanded is farther than the farthest of the `ef` that are kept.

**Search** (5): begin at the entry point, the node that was first on the top level. On
each level down to 1 walk with ef = 1, then on level 0 with `ef`; the answer is the k
nearest.

**Add** (1): the first node is the entry point. A later one descends as a search does to
its own level, and from there down to 0, where the results of one level are the start of
the next, it walks with `ef_construction`, and links to at most M of the nodes found,
which link back. A node that has more links than fit then, M on the upper levels and 2M
on level 0, chooses again among all it has. The new node becomes the entry point where
it is on a level on which none was before.

**Choice of links** (4) of a node among candidates: from near to far, one is taken where
it is nearer to the node than to each that was taken before it, until there are enough.
The rest is not used to fill up. The nearest alone would be a clique in one direction:
clusters would have no way to each other, and no search finds what has no way to it.

Write `HNSW(dim, M=16, ef_construction=200, seed=0)`, for Euclidean distances. Vectors
are kept as float32. `add(vectors, ids=None)`: shape (n, dim) or (dim,), n from 0; adds
them one after the other and returns their ids, int64 of shape (n,). Without `ids` they
get the numbers after the largest that was ever given, from 0. `search(query, k=10, *,
ef=None)`: the pair (ids, distances), int64 and float32, of shape (min(k, n),) if the
walk finds as many, from near to far, equal distances by the smaller id. `ef` is 50
where it is None, and k where it is less than k. `len(index)` counts the vectors. To
look inside, in Python's ints: `levels`, a dict from id to its level; `neighbors(id,
level)`, the list of ids it links to; `entry_point`, an id, or None in an empty index.

`ValueError` that names the argument: `dim`, `ef_construction`, `k` and `ef` below 1,
`M` below 2; `vectors` and `query` of another shape, or not finite; `ids` that are not
one a vector, are negative, given twice or there already; `level` outside those of the
node. Then nothing is added, and no number is drawn. An unknown id is a `KeyError`.

Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search
using Hierarchical Navigable Small World graphs", IEEE TPAMI 42(4), 2020; algorithms 1,
2, 4 and 5.

In production: the same loops are compiled, a deleted node stays as a way to others, and
equal vectors share a node, since many of them would link to each other alone.
"""

import heapq
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.int64]
Floats = NDArray[np.float32]
# Nodes with their distances to the vector in question.
_Found = list[tuple[float, int]]

_EF_SEARCH = 50


class HNSW:
    """A graph of vectors on several levels, in which a search walks to near ones."""

    def __init__(
        self, dim: int, M: int = 16, ef_construction: int = 200, seed: int = 0
    ) -> None:
        """Begin without any vector."""
        _require_least("dim", dim, 1)
        _require_least("M", M, 2)
        _require_least("ef_construction", ef_construction, 1)
        self._M = M
        self._ef_construction = ef_construction
        self._generator = np.random.default_rng(seed)
        self._vectors = np.empty((0, dim), np.float32)
        # Nodes are rows of the table; links[node][level] are nodes.
        self._links: list[list[list[int]]] = []
        self._ids: list[int] = []
        self._entry = 0

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Labels:
        """Add vectors (n, dim) or one (dim,), link them, return their ids (n,)."""
        rows = np.atleast_2d(np.asarray(vectors, np.float32))
        dim = self._vectors.shape[1]
        if rows.shape[1:] != (dim,) or not np.isfinite(rows).all():
            raise ValueError(f"vectors must be finite, of shape (n, {dim})")
        if ids is None:
            first = max(self._ids, default=-1) + 1
            ids = range(first, first + len(rows))
        named = np.asarray(ids, np.int64)
        every = [*self._ids, *named.tolist()]
        if named.shape != (len(rows),) or len(set(every)) < len(every):
            raise ValueError(f"ids must be new, one for each vector, got {named}")
        if any(one < 0 for one in every):
            raise ValueError(f"ids must not be negative, got {named}")
        self._ids = every
        self._vectors = np.concatenate([self._vectors, rows])
        for node in range(len(self._links), len(every)):
            self._insert(node)
        return named

    def search(
        self, query: ArrayLike, k: int = 10, *, ef: int | None = None
    ) -> tuple[Labels, Floats]:
        """Return ids and distances of about the k nearest, from near to far."""
        point = np.asarray(query, np.float32)
        shape = self._vectors.shape[1:]
        if point.shape != shape or not np.isfinite(point).all():
            raise ValueError(f"query must be finite, of shape {shape}")
        _require_least("k", k, 1)
        effort = _EF_SEARCH if ef is None else ef
        _require_least("ef", effort, 1)
        found: _Found = []
        if self._ids:
            found = self._walk(point, self._descend(point, 0), max(effort, k), 0)
        answer = sorted((distance, self._ids[node]) for distance, node in found)[:k]
        ids = np.array([one for _, one in answer], np.int64)
        return ids, np.array([distance for distance, _ in answer], np.float32)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._ids)

    @property
    def levels(self) -> dict[int, int]:
        """The highest level of each id."""
        return {one: len(self._links[node]) - 1 for node, one in enumerate(self._ids)}

    @property
    def entry_point(self) -> int | None:
        """The id where a search begins; None without vectors."""
        return self._ids[self._entry] if self._ids else None

    def neighbors(self, id_: int, level: int) -> list[int]:
        """Return the ids that `id_` links to on `level`."""
        if id_ not in self._ids:
            raise KeyError(id_)
        links = self._links[self._ids.index(id_)]
        if not 0 <= level < len(links):
            raise ValueError(f"level must be from 0 to {len(links) - 1}, got {level}")
        return [self._ids[node] for node in links[level]]

    def _insert(self, node: int) -> None:
        share = 1 - self._generator.random()
        level = math.floor(-math.log(share) / math.log(self._M))
        self._links.append([[] for _ in range(level + 1)])
        if node == 0:
            return
        point, top = self._vectors[node], len(self._links[self._entry]) - 1
        near = self._descend(point, level)
        for floor in range(min(level, top), -1, -1):
            near = self._walk(point, near, self._ef_construction, floor)
            links = self._links[node][floor]
            links += self._choose(near, self._M)
            for other in links:
                self._link_back(other, node, floor)
        if level > top:
            self._entry = node

    def _link_back(self, node: int, new: int, level: int) -> None:
        """Link `node` to `new`, and choose again where there are too many links."""
        links = self._links[node][level]
        links.append(new)
        most = self._M if level else 2 * self._M
        if len(links) > most:
            found = self._measured(self._vectors[node], links)
            links[:] = self._choose(sorted(found), most)

    def _choose(self, candidates: _Found, most: int) -> list[int]:
        """Take candidates, sorted by distance, that no taken one is as near to."""
        taken: list[int] = []
        for distance, node in candidates:
            others = self._measured(self._vectors[node], taken)
            if len(taken) < most and all(distance < gap for gap, _ in others):
                taken.append(node)
        return taken

    def _descend(self, point: Floats, level: int) -> _Found:
        """Walk from the entry point down to just above `level`."""
        near = self._measured(point, [self._entry])
        for floor in range(len(self._links[self._entry]) - 1, level, -1):
            near = self._walk(point, near, 1, floor)
        return near

    def _walk(self, point: Floats, waiting: _Found, ef: int, level: int) -> _Found:
        """Use up the sorted `waiting`; return the `ef` nearest met, sorted."""
        seen = {node for _, node in waiting}
        # The distances are negative: the farthest is on top.
        best = [(-distance, node) for distance, node in waiting]
        heapq.heapify(best)
        while waiting:
            distance, node = heapq.heappop(waiting)
            if distance > -best[0][0]:
                break
            fresh = [other for other in self._links[node][level] if other not in seen]
            seen.update(fresh)
            for gap, other in self._measured(point, fresh):
                heapq.heappush(waiting, (gap, other))
                heapq.heappush(best, (-gap, other))
                if len(best) > ef:
                    heapq.heappop(best)
        return sorted((-distance, node) for distance, node in best)

    def _measured(self, point: Floats, nodes: list[int]) -> _Found:
        distances = np.linalg.norm(self._vectors[nodes] - point, axis=1)
        return list(zip(distances.tolist(), nodes, strict=True))


def _require_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
