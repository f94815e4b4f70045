"""The graph of HNSW: points, their levels and links, in arrays that grow."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from reference.core.validation import require
from reference.production.vector_db.metrics import Floats, Labels, Nodes
from reference.production.vector_db.storage import Stored, taken
from reference.production.vector_db.table import grown, taken_vectors

if TYPE_CHECKING:
    from reference.production.vector_db.graph_kernels import Graph, Scratch


class LevelGraph:
    """Nodes 0 to n − 1, of which ``entry`` on level ``top`` is where searches start.

    ``entry`` is -1 in an empty graph. Walks may run at the same time, an append not
    beside anything.
    """

    def __init__(
        self,
        dim: int,
        M: int,
        ef_construction: int,
        what: int,
        dtype: np.dtype[np.floating],
    ) -> None:
        self.M = M
        self.entry = -1
        self._ef = max(ef_construction, M)
        self._what = what
        self._count = 0
        self._points: Floats = np.empty((0, dim), dtype)
        # As the kernels' Graph describes them.
        self._base: Nodes = np.empty((0, 2 * M + 1), np.int32)
        self._upper: Nodes = np.empty(1, np.int32)
        self._upper_used = 0
        self._starts: Labels = np.empty(0, np.int64)
        self._levels: Nodes = np.empty(0, np.int32)
        self._free: list[Scratch] = []

    def __len__(self) -> int:
        return self._count

    @property
    def points(self) -> Floats:
        """The vectors ``(n, d)``, a view."""
        return self._points[: self._count]

    @property
    def levels(self) -> Nodes:
        """The top level of each node ``(n,)``, a view."""
        return self._levels[: self._count]

    @property
    def top(self) -> int:
        """The level of the entry point, 0 in an empty graph."""
        return 0 if self.entry < 0 else int(self._levels[self.entry])

    def linked(self, node: int, level: int) -> Nodes:
        """Return the nodes that ``node`` links to on ``level``, a view."""
        if level == 0:
            links = self._base[node]
        else:
            start = int(self._starts[node]) + (level - 1) * (self.M + 1)
            links = self._upper[start : start + self.M + 1]
        linked: Nodes = links[1 : 1 + links[0]]
        return linked

    def append(self, points: Floats, generator: np.random.Generator) -> None:
        """Add and link nodes for ``points`` ``(m, d)``, m at least 1."""
        from reference.production.vector_db.graph_kernels import insert_all

        start, stop = self._count, self._count + len(points)
        uniform = 1 - generator.random(len(points))  # in (0, 1]
        levels = np.floor(-np.log(uniform) / math.log(self.M)).astype(np.int32)
        self._make_room(points, levels)
        with self._scratch(self._ef) as scratch:
            self.entry, _ = insert_all(
                self._graph(), start, stop, self.entry, self.top, self._ef,
                np.empty(0, np.int64), scratch,
            )  # fmt: skip
        self._count = stop

    def walk(
        self, queries: Floats, k: int, ef: int, labels: Labels, every: bool
    ) -> tuple[Floats, Nodes]:
        """Return what is compared and the nodes ``(q, k)``; absent ones are ∞ and -1.

        ``labels`` ``(n,)`` order what is equally far; unless ``every``, a node with a
        negative one is no answer.
        """
        from reference.production.vector_db.graph_kernels import search_all

        found = np.empty((len(queries), k), self._points.dtype)
        nodes = np.empty((len(queries), k), np.int32)
        with self._scratch(ef) as scratch:
            search_all(
                self._graph(), queries, self.entry, self.top, ef, labels, every,
                scratch, found, nodes,
            )  # fmt: skip
        return found, nodes

    def arrays(self) -> dict[str, Stored]:
        """Return what has to be kept, beside ``entry``."""
        return {
            "vectors": self.points,
            "base": self._base[: self._count],
            "upper": self._upper[: self._upper_used],
            "levels": self.levels,
        }

    def restore(self, entry: int, arrays: Mapping[str, Stored]) -> None:
        """Fill an empty graph with what was kept; ``ValueError`` if it is no graph."""
        points = taken_vectors(arrays, self._points)
        numbers = np.dtype(np.int32)
        base = taken(arrays, "base", numbers, (2 * self.M + 1,))
        levels = taken(arrays, "levels", numbers)
        upper = taken(arrays, "upper", numbers)
        n = len(points)
        fits = len(levels) == n and bool((levels >= 0).all())
        require(fits, "levels", "one for each vector", levels)
        require(-1 <= entry < n and (entry < 0) == (n == 0), "entry", "a node", entry)
        width = self.M + 1
        blocks = int(levels.sum(dtype=np.int64))
        require(upper.shape == (blocks * width,), "upper", "links of the levels", upper)
        ends = np.cumsum(levels, dtype=np.int64)
        # Of each block of links, the level it belongs to.
        begins = np.repeat(ends - levels, levels)
        block_levels: Labels = np.arange(blocks, dtype=np.int64) - begins + 1
        _check_links(base, np.zeros(n, np.int64), levels, 2 * self.M)
        _check_links(upper.reshape(blocks, width), block_levels, levels, self.M)
        self._make_room(points, levels)
        self._base[:n] = base
        self._upper[: len(upper)] = upper
        self._count, self.entry = n, entry

    def _make_room(self, points: Floats, levels: Nodes) -> None:
        """Put points behind those there are, with empty lists of links."""
        start, stop = self._count, self._count + len(points)
        ends = self._upper_used + np.cumsum(levels, dtype=np.int64) * (self.M + 1)
        used = int(ends[-1]) if len(ends) else self._upper_used
        self._points = grown(self._points, stop)
        self._base = grown(self._base, stop)
        self._starts = grown(self._starts, stop)
        self._levels = grown(self._levels, stop)
        self._upper = grown(self._upper, used)
        self._points[start:stop] = points
        self._base[start:stop, 0] = 0
        self._levels[start:stop] = levels
        self._starts[start:stop] = ends - levels * (self.M + 1)
        self._upper[self._upper_used : used] = 0
        self._upper_used = used

    def _graph(self) -> "Graph":
        from reference.production.vector_db.graph_kernels import Graph

        return Graph(
            self._points, self._base.reshape(-1), self._upper, self._starts,
            self._levels, self.M, self._what,
        )  # fmt: skip

    @contextmanager
    def _scratch(self, ef: int) -> Iterator["Scratch"]:
        """Lend room for one search; threads at work at the same time get different."""
        from reference.production.vector_db.graph_kernels import Scratch

        room, dtype = len(self._points), self._points.dtype
        try:
            lent: Scratch | None = self._free.pop()
        except IndexError:
            lent = None
        if lent is None or len(lent.visited) < room or len(lent.near_nodes) < ef:
            lent = Scratch(
                np.zeros(room, np.uint8), np.zeros(1, np.int64),
                np.empty(ef, dtype), np.empty(ef, np.int32),
                np.empty(room, dtype), np.empty(room, np.int32),
                np.empty(2 * self.M, np.int32),
            )  # fmt: skip
        try:
            yield lent
        finally:
            self._free.append(lent)


def _check_links(links: Nodes, on: Labels, levels: Nodes, most: int) -> None:
    """Raise ``ValueError`` where lists of links ``(blocks, 1 + most)`` lead nowhere.

    Each is on the level ``on``, where its nodes have to be, too.
    """
    require(len(links) == len(on), "links", f"{len(on)} lists", links)
    counts = links[:, 0]
    bounded = bool(((counts >= 0) & (counts <= most)).all())
    require(bounded, "links", f"at most {most} a node", counts)
    used = np.arange(most) < counts[:, np.newaxis]
    nodes = links[:, 1:][used].astype(np.int64)
    inside = bool(((nodes >= 0) & (nodes < len(levels))).all())
    require(inside, "links", "nodes of the graph", nodes)
    reached = levels[nodes] >= np.broadcast_to(on[:, np.newaxis], used.shape)[used]
    require(bool(reached.all()), "links", "to nodes of the same level", nodes)
