"""Level 3 of the tokenizer: it encodes with the merges.

All that levels 1 and 2 asked for goes on to hold. New:

- `encode` uses the merges, and the older merge goes first: among all pairs of
  neighbours in a piece (the text between two specials; nothing else splits it), the one
  that was learned first is replaced by its id, everywhere in the piece and from left to
  right; then the same again, until no pair of neighbours is a merge. So it is neither
  the longest token that fits nor the first pair from the left. The pieces of the text
  that was trained on become just what training made of them.
- `encode(text, allow_specials=True)`: with `allow_specials=False` there are no specials
  in the text: what looks like one is encoded as any other text.
- `Tokenizer(specials=(), merges=())` begins with merges that were learned before, in
  order: the first one makes the first id after the specials. `train` forgets them.
- Without merges `encode` gives what it gave at level 1. For every text,
  `decode(encode(text)) == text`, with either value of `allow_specials`.

`merges` are a `ValueError` that names them if a pair holds anything but bytes and ids
of pairs that stand before it (so no special either), or if a pair stands there twice.

Source: Sennrich, Haddow, Birch, Neural Machine Translation of Rare Words with Subword
Units (ACL 2016), section 3.2: merges are applied in the order in which they were
learned.

In production: the pairs of a piece wait in a heap by rank, so that a long piece costs
n log n, and what words become is kept in a cache.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

Pair = tuple[int, int]


class Tokenizer:
    """Text to ids and back."""

    def __init__(
        self, specials: Sequence[str] = (), merges: Sequence[Pair] = ()
    ) -> None:
        """Give ids to the bytes, to the specials and to the merges."""
        if "" in specials or len(set(specials)) < len(specials):
            raise ValueError(f"specials must be distinct, none empty, got {specials}")
        self._specials = {special: 256 + i for i, special in enumerate(specials)}
        self._base = [bytes([value]) for value in range(256)]
        self._base += [special.encode() for special in specials]
        self._refuse_unknown(merges)
        self._learn(merges)

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self._bytes)

    @property
    def merges(self) -> tuple[Pair, ...]:
        """The pairs of ids that were learned, in order."""
        return self._merges

    def encode(self, text: str, allow_specials: bool = True) -> list[int]:
        """Return the ids of a text; without specials, if it may hold none."""
        if not allow_specials:
            return self._merged(text)
        ids: list[int] = []
        for piece in self._pieces(text):
            if piece in self._specials:
                ids.append(self._specials[piece])
            else:
                ids.extend(self._merged(piece))
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of the ids."""
        for number in ids:
            if not 0 <= number < len(self):
                raise ValueError(f"ids must be from 0 to {len(self) - 1}, got {number}")
        return b"".join(self._bytes[number] for number in ids).decode(errors="replace")

    def train(self, text: str, vocabulary_size: int) -> None:
        """Learn merges from a text until there are `vocabulary_size` ids."""
        least = len(self._base)
        if vocabulary_size < least:
            message = f"vocabulary_size must be at least {least}, got {vocabulary_size}"
            raise ValueError(message)
        pieces: list[Sequence[int]] = [
            piece.encode()
            for piece in self._pieces(text)
            if piece not in self._specials
        ]
        merges: list[Pair] = []
        for new in range(least, vocabulary_size):
            counts = Counter(pair for ids in pieces for pair in pairwise(ids))
            highest = max(counts.values(), default=0)
            if highest < 2:
                break
            pair = min(pair for pair, count in counts.items() if count == highest)
            pieces = [_merge(ids, pair, new) for ids in pieces]
            merges.append(pair)
        self._learn(merges)

    def _refuse_unknown(self, merges: Sequence[Pair]) -> None:
        known = set(range(256))
        for rank, pair in enumerate(merges):
            if not known.issuperset(pair) or pair in merges[:rank]:
                raise ValueError(
                    f"merges must be distinct pairs of bytes and earlier merges, "
                    f"got {pair}"
                )
            known.add(len(self._base) + rank)

    def _learn(self, merges: Sequence[Pair]) -> None:
        self._merges = tuple(merges)
        self._ids = {pair: len(self._base) + i for i, pair in enumerate(merges)}
        self._bytes = list(self._base)
        for first, second in merges:
            self._bytes.append(self._bytes[first] + self._bytes[second])

    def _merged(self, text: str) -> list[int]:
        ids = list(text.encode())
        while True:
            # The older the merge, the smaller its id.
            pairs = [pair for pair in pairwise(ids) if pair in self._ids]
            if not pairs:
                return ids
            oldest = min(pairs, key=self._ids.__getitem__)
            ids = _merge(ids, oldest, self._ids[oldest])

    def _pieces(self, text: str) -> list[str]:
        """Cut a text before and after each special; the specials are kept."""
        longest_first = sorted(self._specials, key=len, reverse=True)
        # Where there is no special, a pattern that fits nowhere.
        pattern = "|".join(map(re.escape, longest_first)) or "(?!)"
        return re.split(f"({pattern})", text)


def _merge(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Write `new` in place of each `pair`, from left to right."""
    merged: list[int] = []
    place = 0
    while place < len(ids):
        if tuple(ids[place : place + 2]) == pair:
            merged.append(new)
            place += 2
        else:
            merged.append(ids[place])
            place += 1
    return merged
