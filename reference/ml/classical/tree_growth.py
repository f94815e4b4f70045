"""Growing a classification tree from sorted features."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from reference.core.validation import Array
from reference.ml.checks import Indices
from reference.ml.classical.compiled import compiled
from reference.ml.classical.splitting import (
    TIE,
    best_split,
    purity,
    search_small,
    term_table,
)

LEAF = -1

# Entries of X from which compiling pays.
LARGE = 10_000


@dataclass
class Tree:
    """The nodes in depth-first order, a list entry each, and what growing measured."""

    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    value: list[Array] = field(default_factory=list)
    depth: int = 0

    def add_leaf(self, value: Array) -> int:
        """Append a leaf with the class fractions ``value``; return its number."""
        self.feature.append(LEAF)
        self.threshold.append(np.nan)
        self.left.append(LEAF)
        self.right.append(LEAF)
        self.value.append(value)
        return len(self.feature) - 1


class _Part(NamedTuple):
    """Samples ``start … end`` of the order, that will be a child of ``parent``."""

    start: int
    end: int
    depth: int
    parent: int
    is_left: bool


def grow_tree(
    columns: Array,
    codes: Indices,
    criterion: str,
    max_depth: int | None,
    min_samples_split: int,
    large: int = LARGE,
) -> tuple[Tree, Array]:
    """Return the tree and the drop of impurity, times samples, by each feature.

    ``columns`` has shape ``(d, n)``, ``codes`` holds a class index a sample. Every
    feature is sorted once; a node is the same slice in each row of ``order``, and a
    split parts that slice in two which stay sorted. From ``large`` entries on the
    search for splits is compiled.
    """
    d, n = columns.shape
    n_classes = int(codes.max()) + 1
    gini, table = criterion == "gini", term_table(criterion, n)
    search = compiled(best_split) if columns.size >= large else search_small
    order = np.argsort(columns, axis=1)
    tree, gains = Tree(), np.zeros(d)
    waiting = [_Part(0, n, 0, LEAF, False)]
    while waiting:
        part = waiting.pop()
        size, segment = part.end - part.start, order[:, part.start : part.end]
        counts = np.bincount(codes[segment[0]], minlength=n_classes)
        node = tree.add_leaf(counts / size)
        if part.parent != LEAF:
            (tree.left if part.is_left else tree.right)[part.parent] = node
        tree.depth = max(tree.depth, part.depth)
        if part.depth == max_depth or size < min_samples_split or counts.max() == size:
            continue
        values = np.take_along_axis(columns, segment, axis=1)
        best, position, after = search(values, codes[segment], counts, table, gini)
        if best == LEAF:
            continue
        tree.feature[node] = best
        tree.threshold[node] = _between(*values[best, position - 1 : position + 1])
        gain = after - purity(counts, table, gini)
        gains[best] += gain if gain > TIE * size else 0.0
        _part_in_two(segment, segment[best, :position], n)
        middle, deeper = part.start + position, part.depth + 1
        waiting.append(_Part(middle, part.end, deeper, node, False))
        waiting.append(_Part(part.start, middle, deeper, node, True))
    return tree, gains


def _between(low: float, high: float) -> float:
    """Return a threshold ``low <= t < high``, half way where there is a number."""
    middle = low / 2.0 + high / 2.0
    return float(middle) if low <= middle < high else float(low)


def _part_in_two(segment: Indices, left: Indices, n_samples: int) -> None:
    """Move the samples ``left`` to the front of each row, in place and in order."""
    goes_left = np.zeros(n_samples, dtype=np.bool_)
    goes_left[left] = True
    mask = goes_left[segment]
    rows = len(segment)
    front, back = segment[mask].reshape(rows, -1), segment[~mask].reshape(rows, -1)
    segment[:] = np.hstack([front, back])
