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

from collections.abc import Sequence

Pair = tuple[int, int]


class Tokenizer:
    """Text to ids and back."""

    def __init__(
        self, specials: Sequence[str] = (), merges: Sequence[Pair] = ()
    ) -> None:
        """Give ids to the bytes, to the specials and to the merges."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of ids."""
        raise NotImplementedError

    @property
    def merges(self) -> tuple[Pair, ...]:
        """The pairs of ids that were learned, in order."""
        raise NotImplementedError

    def encode(self, text: str, allow_specials: bool = True) -> list[int]:
        """Return the ids of a text; without specials, if it may hold none."""
        raise NotImplementedError

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of the ids."""
        raise NotImplementedError

    def train(self, text: str, vocabulary_size: int) -> None:
        """Learn merges from a text until there are `vocabulary_size` ids."""
        raise NotImplementedError
