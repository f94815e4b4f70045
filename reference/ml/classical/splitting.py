"""The best split of a node of a classification tree.

One search, in plain loops: it runs as it is on lists for a small tree, and compiled by
Numba on arrays for a large one, so that a small fit costs no compilation.
"""

from collections.abc import Sequence

import numpy as np

from reference.core.validation import Array
from reference.ml.checks import Indices

CRITERIA = ("gini", "entropy")

# Impurities differ through rounding by about 1e-15; splits closer than this are tied.
TIE = 1e-12

# Both plain lists and, compiled, arrays.
Reals = Sequence[float] | Array
Integers = Sequence[int] | Indices
Split = tuple[int, int, float]


def term_table(criterion: str, n_samples: int) -> Array:
    """Return the criterion's term for each possible class count ``0 … n_samples``.

    The terms are k² for the Gini impurity and k log₂ k for the entropy.
    """
    count = np.arange(n_samples + 1, dtype=np.float64)
    if criterion == "gini":
        return count * count
    return count * np.log2(np.maximum(count, 1.0))


def purity(counts: Indices, table: Array, gini: bool) -> float:
    """Return what a node's impurity times its size falls short of its worst.

    Gini: Σ nᵢ²/n, for n·(1 − Σ pᵢ²) = n − Σ nᵢ²/n. Entropy: Σ nᵢ log₂ nᵢ − n log₂ n,
    which is minus n times the entropy.
    """
    size = int(counts.sum())
    terms = float(table[counts].sum())
    return terms / size if gini else terms - float(table[size])


def best_split(
    values: Sequence[Reals] | Array,
    labels: Sequence[Integers] | Indices,
    counts: Integers,
    table: Reals,
    gini: bool,
) -> Split:
    """Return feature, number of samples on the left, and purity of the best split.

    ``values`` holds a row of sorted values a feature, ``labels`` the class indices in
    the same order, ``counts`` the samples of each class, and ``table`` the terms of
    the criterion. A split lies between two distinct values. Among tied splits the
    lowest feature wins, then the lowest value. The feature is −1 where every feature
    is constant.
    """
    size = len(values[0])
    n_classes = len(counts)
    best_feature, best_position, best_purity = -1, 0, -np.inf
    for feature in range(len(values)):
        column, classes = values[feature], labels[feature]
        left = [0 for _ in range(n_classes)]
        right = [counts[c] for c in range(n_classes)]
        for position in range(1, size):
            moved = classes[position - 1]
            left[moved] += 1
            right[moved] -= 1
            if column[position - 1] == column[position]:
                continue
            left_terms, right_terms = 0.0, 0.0
            for c in range(n_classes):
                left_terms += table[left[c]]
                right_terms += table[right[c]]
            if gini:
                total = left_terms / position + right_terms / (size - position)
            else:
                total = left_terms - table[position]
                total += right_terms - table[size - position]
            if total > best_purity + TIE * size:
                best_feature, best_position, best_purity = feature, position, total
    return best_feature, best_position, best_purity


def search_small(
    values: Array, labels: Indices, counts: Indices, table: Array, gini: bool
) -> Split:
    """Run :func:`best_split` interpreted, on lists, which Python indexes faster."""
    terms = table[: values.shape[1] + 1].tolist()
    return best_split(values.tolist(), labels.tolist(), counts.tolist(), terms, gini)
