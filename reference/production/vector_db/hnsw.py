"""Approximate search in a graph of many levels."""

import functools
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import require
from reference.production.vector_db.exact import nearest
from reference.production.vector_db.graph import LevelGraph
from reference.production.vector_db.index import Found, VectorIndex, as_count
from reference.production.vector_db.metrics import Floats, Labels
from reference.production.vector_db.storage import Stored, taken
from reference.production.vector_db.table import grown


class HNSW(VectorIndex, kind="hnsw"):
    """Hierarchical navigable small world (Malkov and Yashunin, 2018).

    ``M`` links a node on the upper levels and at most ``2M`` on level 0; the level is
    floor(−ln U / ln M) with U uniform in (0, 1], so that one node in M rises.
    ``ef_construction`` candidates are looked at for a new node's links, ``ef`` (at
    least k; ``ef_search`` unless a search says otherwise) results are kept in a
    search. The same seed and the same calls give the same graph.

    - Answers are approximate, ties among them: of several vectors that are equally far
      as the last answer, those with the smallest ids may be missed.
    - Equal vectors share one node: many of them would link only to each other and cut
      the graph apart.
    - A deleted vector's node stays and is walked through, but is no answer: a delete
      costs O(1), and each search is slower by the share of such nodes, which
      ``rebuild`` takes out. Adding the same vector again revives the node.
    - Filters are applied while walking, which then leads past about ``ef`` times
      n/m nodes, where m of n are allowed, and measures some M of each. A scan of the
      allowed ones measures m. So where m² ≤ ef·M·n, they are scanned, exactly; also
      where ``ef`` is at least m, or where the walk ends with less than k answers.
    """

    def __init__(
        self,
        dim: int,
        M: int = 16,
        ef_construction: int = 200,
        seed: int = 0,
        *,
        metric: str = "euclidean",
        dtype: str = "float32",
        ef_search: int = 50,
    ) -> None:
        super().__init__(dim, metric, dtype)
        self.M = as_count("M", M, least=2)
        self.ef_construction = as_count("ef_construction", ef_construction)
        self.ef_search = as_count("ef_search", ef_search)
        self.seed = as_count("seed", seed, least=0)
        self._generator = np.random.default_rng(self.seed)
        self._clear()

    def _clear(self) -> None:
        """Start an empty graph; ids that were given are not given again."""
        self._graph = LevelGraph(
            self.dim, self.M, self.ef_construction, self._what, self.dtype
        )
        self._node: dict[int, int] = {}
        # Ids of the nodes that have several, and the node of a vector's hash.
        self._twins: dict[int, set[int]] = {}
        self._known: dict[int, int] = {}
        # The least id of a node, or -1: so many nodes have none.
        self._labels: Labels = np.empty(0, np.int64)
        self._silent = 0

    def search(
        self,
        query: ArrayLike,
        k: int = 10,
        allowed: Collection[int] | None = None,
        *,
        ef: int | None = None,
    ) -> tuple[Labels, Floats]:
        """Return ids and distances as every index does, nearly the nearest.

        A larger ``ef`` finds more of them and takes longer.
        """
        find = functools.partial(self._find, ef=self._effort(ef))
        return self._search_one(query, k, allowed, find)

    def search_batch(
        self,
        queries: ArrayLike,
        k: int = 10,
        allowed: Collection[int] | None = None,
        *,
        ef: int | None = None,
    ) -> tuple[Labels, Floats]:
        """Search for each row of ``queries``, without Python between them."""
        find = functools.partial(self._find, ef=self._effort(ef))
        return self._search_many(queries, k, allowed, find)

    def rebuild(self) -> None:
        """Build the graph anew from what is left, without the deleted nodes."""
        with self._lock.writing():
            ids = np.array(sorted(self._node), np.int64)
            vectors = self._graph.points[[self._node[one] for one in ids.tolist()]]
            self._clear()
            if len(ids):
                self._add(vectors, ids)

    @property
    def levels(self) -> dict[int, int]:
        """The top level of each id's node."""
        with self._lock.reading():
            levels = self._graph.levels
            return {id_: int(levels[node]) for id_, node in self._node.items()}

    @property
    def entry_point(self) -> int | None:
        """The id where every search starts, on the top level; None if empty."""
        with self._lock.reading():
            entry = self._graph.entry
            return None if entry < 0 else int(self._labels[entry])

    def neighbors(self, id_: int, level: int) -> list[int]:
        """Return the ids that ``id_`` links to on ``level``, without deleted ones.

        A node of several equal vectors is named by the least of their ids. Raises
        ``KeyError`` for an unknown id and ``ValueError`` for a level it is not on.
        """
        with self._lock.reading():
            node = self._node[id_]
            top = int(self._graph.levels[node])
            require(0 <= level <= top, "level", f"from 0 to {top}", level)
            labels = self._labels[self._graph.linked(node, level)]
            return [int(one) for one in labels if one >= 0]

    def _effort(self, ef: int | None) -> int:
        return self.ef_search if ef is None else as_count("ef", ef)

    def _add(self, vectors: Floats, ids: Labels) -> None:
        nodes, new = self._places(vectors)
        start, stop = len(self._graph), len(self._graph) + len(new)
        if new:
            labels = grown(self._labels, stop)
            labels[start:] = -1
            self._graph.append(vectors[new], self._generator)
            self._labels = labels
            self._silent += len(new)
            for node, row in enumerate(new, start):
                self._known.setdefault(_key(vectors[row]), node)
        for id_, node in zip(ids.tolist(), nodes, strict=True):
            self._give(id_, node)

    def _places(self, vectors: Floats) -> tuple[list[int], list[int]]:
        """Return the node of each vector, and which vectors need a new one."""
        start, points = len(self._graph), self._graph.points
        nodes: list[int] = []
        new: list[int] = []
        fresh: dict[int, int] = {}
        for row, vector in enumerate(vectors):
            key = _key(vector)
            node, other = self._known.get(key), fresh.get(key)
            if node is not None and np.array_equal(points[node], vector):
                nodes.append(node)
            elif other is not None and np.array_equal(vectors[new[other]], vector):
                nodes.append(start + other)
            else:
                fresh.setdefault(key, len(new))
                nodes.append(start + len(new))
                new.append(row)
        return nodes, new

    def _give(self, id_: int, node: int) -> None:
        """Let a node answer for one more id."""
        self._node[id_] = node
        least = int(self._labels[node])
        if least < 0:
            self._labels[node] = id_
            self._silent -= 1
        else:
            self._twins.setdefault(node, {least}).add(id_)
            self._labels[node] = min(least, id_)

    def _delete(self, ids: set[int]) -> None:
        for id_ in ids:
            node = self._node.pop(id_)
            others = self._twins.get(node, set())
            others.discard(id_)
            if len(others) == 1:
                del self._twins[node]
            self._labels[node] = min(others, default=-1)
            self._silent += not others
        graph = self._graph
        if not self._node:
            self._clear()
        elif self._labels[graph.entry] < 0:
            # Of the nodes that are left, one on the highest level.
            there = self._labels[: len(graph)] >= 0
            graph.entry = int(np.argmax(np.where(there, graph.levels, -1)))

    def _find(
        self, queries: Floats, k: int, allowed: set[int] | None, ef: int | None = None
    ) -> Found:
        effort = max(ef or self.ef_search, k)
        n = len(self._graph)
        labels = self._labels[:n]
        if allowed is not None:
            labels = np.full(n, -1, np.int64)
            for id_ in sorted(allowed, reverse=True):
                labels[self._node[id_]] = id_
        m = n - self._silent if allowed is None else int((labels >= 0).sum())
        if m <= effort or (m < n and m * m <= effort * self.M * n):
            found, ids = self._scan(queries, min(k, m), labels)
        else:
            found, nodes = self._graph.walk(queries, min(k, m), effort, labels, m == n)
            ids = np.where(nodes < 0, -1, labels[nodes])
            for row in np.flatnonzero(ids[:, -1] < 0):
                one = slice(row, row + 1)
                found[one], ids[one] = self._scan(queries[one], min(k, m), labels)
        return self._with_twins(found, ids, k, allowed)

    def _scan(self, queries: Floats, k: int, labels: Labels) -> Found:
        """Search exactly among the nodes whose label is not negative."""
        nodes = np.flatnonzero(labels >= 0)
        vectors = self._graph.points[nodes]
        norms: Floats = np.square(vectors).sum(axis=1)
        return nearest(vectors, labels[nodes], norms, queries, k, self._what)

    def _with_twins(
        self, found: Floats, ids: Labels, k: int, allowed: set[int] | None
    ) -> Found:
        """Let nodes with several ids answer with all of them."""
        if not self._twins:
            return found, ids
        every = np.full((len(ids), k), np.inf, self.dtype)
        every_ids = np.full((len(ids), k), -1, np.int64)
        for row, labels in enumerate(ids.tolist()):
            pairs = [
                (distance, id_)
                for distance, label in zip(found[row], labels, strict=True)
                for id_ in self._twins.get(self._node[label], (label,))
                if allowed is None or id_ in allowed
            ]
            for slot, (distance, id_) in enumerate(sorted(pairs)[:k]):
                every[row, slot], every_ids[row, slot] = distance, id_
        return every, every_ids

    def _count(self) -> int:
        return len(self._node)

    def _holds(self, id_: int) -> bool:
        return id_ in self._node

    def _options(self) -> dict[str, object]:
        return {
            "M": self.M,
            "ef_construction": self.ef_construction,
            "ef_search": self.ef_search,
            "seed": self.seed,
        }

    def _state(self) -> dict[str, object]:
        return {
            "entry": self._graph.entry,
            "generator": self._generator.bit_generator.state,
        }

    def _arrays(self) -> Mapping[str, Stored]:
        count = len(self._node)
        return {
            **self._graph.arrays(),
            "ids": np.fromiter(self._node.keys(), np.int64, count),
            "nodes": np.fromiter(self._node.values(), np.int32, count),
        }

    def _restore(self, state: dict[str, object], arrays: Mapping[str, Stored]) -> None:
        ids = taken(arrays, "ids", np.dtype(np.int64))
        nodes = taken(arrays, "nodes", np.dtype(np.int32))
        generator = state["generator"]
        require(isinstance(generator, dict), "generator", "a state", generator)
        vars_of = dict[str, object](generator) if isinstance(generator, dict) else {}
        self._generator.bit_generator.state = vars_of
        self._graph.restore(int(str(state["entry"])), arrays)
        n = len(self._graph)
        fits = ids.shape == nodes.shape == (len(np.unique(ids)),)
        require(fits and bool((ids >= 0).all()), "ids", "different, with nodes", ids)
        inside = bool(((nodes >= 0) & (nodes < n)).all())
        require(inside, "nodes", "of the graph", nodes)
        self._labels, self._silent = np.full(n, -1, np.int64), n
        for node, point in enumerate(self._graph.points):
            self._known.setdefault(_key(point), node)
        for id_, node in zip(ids.tolist(), nodes.tolist(), strict=True):
            self._give(id_, node)
        entered = n == 0 or self._labels[self._graph.entry] >= 0
        require(entered, "entry", "a node with an id", state["entry"])


def _key(vector: Floats) -> int:
    """Return a number that equal vectors share; others hardly ever do."""
    return hash(vector.tobytes())
