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

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.int64]
Floats = NDArray[np.float32]


class HNSW:
    """A graph of vectors on several levels, in which a search walks to near ones."""

    def __init__(
        self, dim: int, M: int = 16, ef_construction: int = 200, seed: int = 0
    ) -> None:
        """Begin without any vector."""
        raise NotImplementedError

    def add(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> Labels:
        """Add vectors (n, dim) or one (dim,), link them, return their ids (n,)."""
        raise NotImplementedError

    def search(
        self, query: ArrayLike, k: int = 10, *, ef: int | None = None
    ) -> tuple[Labels, Floats]:
        """Return ids and distances of about the k nearest, from near to far."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of vectors."""
        raise NotImplementedError

    @property
    def levels(self) -> dict[int, int]:
        """The highest level of each id."""
        raise NotImplementedError

    @property
    def entry_point(self) -> int | None:
        """The id where a search begins; None without vectors."""
        raise NotImplementedError

    def neighbors(self, id_: int, level: int) -> list[int]:
        """Return the ids that `id_` links to on `level`."""
        raise NotImplementedError
