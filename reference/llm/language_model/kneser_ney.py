"""Interpolated Kneser–Ney smoothing of n-gram counts.

Source: S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for
language modeling", Computer Speech & Language 13 (1999), section 2.7 (Kneser–Ney)
and section 3 (the modified form, with three discounts).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reference.core.validation import Array, require
from reference.llm.language_model.vocabulary import BEGIN, END

IntArray = NDArray[np.int64]


class Distribution(Protocol):
    """Anything that predicts the next token."""

    def probabilities(self, context: Sequence[int]) -> Array:
        """Return float64 of shape (vocabulary size,), which sums to one."""


@dataclass(frozen=True)
class _Row:
    """The tokens seen after one context: a slice of its level, and what is left."""

    start: int
    stop: int
    left_over: float


@dataclass(frozen=True)
class _Level:
    """N-grams of one length, sorted, with their discounted share of the context."""

    tokens: IntArray
    shares: Array
    rows: dict[tuple[int, ...], _Row]


class KneserNey:
    """Predicts a token from up to ``order - 1`` tokens before it.

    With c the counts of the longest n-grams, or for shorter ones the number of
    different tokens seen before them, and h' the context h without its first token:

        p(w | h) = max(c(hw) - D(c(hw)), 0) / Σ c(h·) + γ(h) p(w | h')

    where γ(h) is the share that the discounts D took, and the empty context falls
    back to the uniform distribution over the vocabulary. A context never seen passes
    its question on to h'. Each text is preceded by ``BEGIN`` and ends with ``END``.
    """

    def __init__(
        self, texts: Sequence[Sequence[int]], vocabulary_size: int, order: int = 4
    ) -> None:
        require(order >= 1, "order", "at least 1", order)
        require(len(texts) >= 1, "texts", "at least one text", len(texts))
        sequences = [np.array([*text, END], dtype=np.int64) for text in texts]
        least = min(int(sequence.min()) for sequence in sequences)
        largest = max(int(sequence.max()) for sequence in sequences)
        expected = f"numbers from 0 to {vocabulary_size - 1}"
        require(least >= 0, "texts", expected, least)
        require(largest < vocabulary_size, "texts", expected, largest)
        self.order = order
        self.vocabulary_size = vocabulary_size
        self._levels = _count_levels(sequences, order)

    def probabilities(self, context: Sequence[int]) -> Array:
        """Return p(· | context) as float64 of shape (vocabulary size,).

        A context of fewer than ``order - 1`` tokens is the beginning of a text.
        """
        padded = (*[BEGIN] * (self.order - 1), *context)
        result: Array = np.full(self.vocabulary_size, 1 / self.vocabulary_size)
        for length, level in enumerate(self._levels):
            row = level.rows.get(tuple(padded[len(padded) - length :]))
            if row is None:
                break
            result *= row.left_over
            seen = slice(row.start, row.stop)
            result[level.tokens[seen]] += level.shares[seen]
        return result


class Mixture:
    """A weighted mean of distributions over one vocabulary."""

    def __init__(self, parts: Sequence[tuple[float, Distribution]]) -> None:
        weights = [weight for weight, _ in parts]
        require(all(weight >= 0 for weight in weights), "weights", "≥ 0", weights)
        total = sum(weights)
        require(total > 0, "weights", "of a positive sum", weights)
        self._parts = [(weight / total, part) for weight, part in parts]

    def probabilities(self, context: Sequence[int]) -> Array:
        """Return the weighted mean of what the parts say."""
        weighted = [
            weight * part.probabilities(context) for weight, part in self._parts
        ]
        result: Array = np.sum(weighted, axis=0)
        return result


def estimate_discounts(counts: IntArray) -> Array:
    """Return the discounts of counts 1, 2 and 3 or more, float64 of shape (3,).

    With n_k the number of n-grams of count k and Y = n₁ / (n₁ + 2n₂) they are
    1 - 2Y n₂/n₁, 2 - 3Y n₃/n₂ and 3 - 4Y n₄/n₃ (Chen and Goodman, section 3). Too
    few counts for that, as in short texts, leave Y alone for all (section 2.7), and
    where even Y does not exist or would leave nothing of a count of 1, one half.
    """
    n = np.array([np.count_nonzero(counts == k) for k in range(1, 5)], dtype=float)
    if n[0] == 0 or n[1] == 0:
        return np.full(3, 0.5)
    single = n[0] / (n[0] + 2 * n[1])
    if n[2] > 0:
        k = np.arange(1, 4)
        discounts: Array = k - (k + 1) * single * n[1:] / n[:3]
        # With n₄ = 0 the third is 3: counts of 3 would be lost altogether.
        if n[3] > 0 and (discounts > 0).all():
            return discounts
    return np.full(3, single)


def _count_levels(sequences: Sequence[IntArray], order: int) -> list[_Level]:
    """Count n-grams of every length up to ``order``, the shortest first."""
    padding = np.full(order - 1, BEGIN, dtype=np.int64)
    windows = [
        np.lib.stride_tricks.sliding_window_view(np.append(padding, sequence), order)
        for sequence in sequences
    ]
    ngrams, counts = _distinct(np.concatenate(windows))
    levels = [_make_level(ngrams, counts)]
    while ngrams.shape[1] > 1:
        # Each n-gram counts once here: so many different tokens came before.
        ngrams, counts = _distinct(ngrams[:, 1:])
        levels.insert(0, _make_level(ngrams, counts))
    return levels


def _distinct(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the different rows in lexicographic order, and how often each is there."""
    rows = rows[np.lexsort(rows.T[::-1])]
    starts = _starts(rows)
    return rows[starts], np.diff(starts, append=len(rows))


def _starts(rows: IntArray) -> IntArray:
    """Return where in sorted ``rows`` a row differs from the one before it."""
    changed = np.any(rows[1:] != rows[:-1], axis=1)
    return np.flatnonzero(np.append(True, changed))


def _make_level(ngrams: IntArray, counts: IntArray) -> _Level:
    contexts = ngrams[:, :-1]
    starts = _starts(contexts)
    stops = np.append(starts[1:], len(ngrams))
    totals = np.add.reduceat(counts, starts)
    taken = estimate_discounts(counts)[np.minimum(counts, 3) - 1]
    left_over = np.add.reduceat(taken, starts) / totals
    rows = {
        tuple(context): _Row(start, stop, left)
        for context, start, stop, left in zip(
            contexts[starts].tolist(),
            starts.tolist(),
            stops.tolist(),
            left_over.tolist(),
            strict=True,
        )
    }
    shares = (counts - taken) / np.repeat(totals, stops - starts)
    return _Level(ngrams[:, -1].copy(), shares, rows)
