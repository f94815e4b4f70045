"""Level 2 of the tokenizer: merges learned from a text (byte-pair encoding).

All that level 1 asked for goes on to hold. New:

- `train(text, vocabulary_size)` learns merges. The text is cut at its specials, which
  take no part, and each piece is the list of its bytes. Then, again and again: count
  every pair of neighbours in the pieces, at every place (`aaa` has the pair `aa`
  twice); take the pair with the highest count, and among equals the one with the
  smallest ids (the first id decides, then the second); write a new id in its place, in
  each piece from left to right (`aaa` becomes the new id and `a`). The new id is the
  number of ids so far, so the first one comes right after the specials.
- It stops when there are `vocabulary_size` ids, or when no pair has a count of at least
  two.
- `merges` (a property) is the tuple of the pairs learned, in order; `()` at first.
- The new ids count in `len(tokenizer)`, and `decode` knows them: such an id stands for
  the bytes of its two parts.
- Training again begins anew: what was learned before is forgotten.

`encode` does not use the merges; that is the next level.

A `vocabulary_size` below 256 plus the number of specials is a `ValueError` that names
it, and nothing changes.

Source: Sennrich, Haddow, Birch, Neural Machine Translation of Rare Words with Subword
Units (ACL 2016), section 3.2.

In production: the text is split into words first, so that equal words are counted once,
and after a merge only the pairs around it are counted again.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

Pair = tuple[int, int]


class Tokenizer:
    """Text to ids and back."""

    def __init__(self, specials: Sequence[str] = ()) -> None:
        """Give ids to the bytes and to the specials."""
        if "" in specials or len(set(specials)) < len(specials):
            raise ValueError(f"specials must be distinct, none empty, got {specials}")
        self._specials = {special: 256 + i for i, special in enumerate(specials)}
        self._base = [bytes([value]) for value in range(256)]
        self._base += [special.encode() for special in specials]
        self._learn(())

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self._bytes)

    @property
    def merges(self) -> tuple[Pair, ...]:
        """The pairs of ids that were learned, in order."""
        return self._merges

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        ids: list[int] = []
        for piece in self._pieces(text):
            if piece in self._specials:
                ids.append(self._specials[piece])
            else:
                ids.extend(piece.encode())
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

    def _learn(self, merges: Sequence[Pair]) -> None:
        self._merges = tuple(merges)
        self._bytes = list(self._base)
        for first, second in merges:
            self._bytes.append(self._bytes[first] + self._bytes[second])

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
