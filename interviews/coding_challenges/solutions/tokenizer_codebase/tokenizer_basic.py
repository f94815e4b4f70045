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

import re
from collections.abc import Sequence


class Tokenizer:
    """Text to ids and back."""

    def __init__(self, specials: Sequence[str] = ()) -> None:
        """Give ids to the bytes and to the specials."""
        if "" in specials or len(set(specials)) < len(specials):
            raise ValueError(f"specials must be distinct, none empty, got {specials}")
        self._specials = {special: 256 + i for i, special in enumerate(specials)}
        self._bytes = [bytes([value]) for value in range(256)]
        self._bytes += [special.encode() for special in specials]

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self._bytes)

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

    def _pieces(self, text: str) -> list[str]:
        """Cut a text before and after each special; the specials are kept."""
        longest_first = sorted(self._specials, key=len, reverse=True)
        # Where there is no special, a pattern that fits nowhere.
        pattern = "|".join(map(re.escape, longest_first)) or "(?!)"
        return re.split(f"({pattern})", text)
