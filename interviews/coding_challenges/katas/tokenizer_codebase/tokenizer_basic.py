"""Level 1 of a tokenizer: bytes, and specials.

Write `Tokenizer(specials=())`. An id is a number from 0 to `len(tokenizer)` − 1:

- the ids 0 to 255 are the bytes;
- the specials, texts such as `<end>`, follow in the order given, from 256 on.

- `encode(text)` returns the list of ids. A special that stands in the text becomes its
  one id. Specials are looked for from left to right; where several begin at the same
  place, the longest one counts. All the rest becomes its UTF-8 bytes.
- `decode(ids)` joins the bytes of all ids (a special stands for the bytes of its text)
  and returns them as text. Bytes that are no UTF-8 become U+FFFD, as
  `bytes.decode(errors="replace")` does it. For every text,
  `decode(encode(text)) == text`.

`specials` that hold an empty text, or one text twice, and `ids` that hold a number
which is no id (below 0 or too large) are a `ValueError` that names the argument.

Three more levels build on this file: merges learned from a text, encoding with them,
decoding id by id.

Source: Radford et al., Language Models are Unsupervised Multitask Learners (2019),
section 2.2, on bytes as the base vocabulary.

In production: the text of users must not be able to write specials; level 3 comes to
that.
"""

from collections.abc import Sequence


class Tokenizer:
    """Text to ids and back."""

    def __init__(self, specials: Sequence[str] = ()) -> None:
        """Give ids to the bytes and to the specials."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of ids."""
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        raise NotImplementedError

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of the ids."""
        raise NotImplementedError
