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

from collections.abc import Sequence

Pair = tuple[int, int]


class Tokenizer:
    """Text to ids and back."""

    def __init__(self, specials: Sequence[str] = ()) -> None:
        """Give ids to the bytes and to the specials."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of ids."""
        raise NotImplementedError

    @property
    def merges(self) -> tuple[Pair, ...]:
        """The pairs of ids that were learned, in order."""
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        raise NotImplementedError

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of the ids."""
        raise NotImplementedError

    def train(self, text: str, vocabulary_size: int) -> None:
        """Learn merges from a text until there are `vocabulary_size` ids."""
        raise NotImplementedError
