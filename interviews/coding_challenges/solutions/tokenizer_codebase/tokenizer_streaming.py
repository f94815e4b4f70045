"""Level 4 of the tokenizer: decoding as the ids arrive.

All that levels 1 to 3 asked for goes on to hold. A model gives one id after the other,
and the reader wants to see the text at once; but an id may end in the midst of a
character. New:

- `stream()` returns a new `Stream` over this tokenizer. Streams know nothing of each
  other.
- `Stream.push(number)` takes the next id and returns the text that is certain by now
  and was not returned before, often `""`. Held back are only bytes at the end that can
  still become a character: the beginning of one, which is at most three bytes. A byte
  that no character can begin with, or that does not go on with the character begun,
  makes what is broken certain: it comes out as U+FFFD.
- `Stream.flush()` ends the text: it returns what was held back, as U+FFFD if there is
  anything, and the stream is as new.
- All texts that a stream returns up to and with `flush`, joined, are `decode(ids)`.

A `number` that is no id is a `ValueError` that names it, and the stream is as it was.
Decoders that the library has for streams (`codecs`, `io`) are what you are to write.

Source: RFC 3629, UTF-8, a transformation format of ISO 10646 (2003), sections 3 and 4;
The Unicode Standard, section 3.9, on U+FFFD for the maximal part of a broken sequence.

In production: a stop text, which may begin in one id and end in another, makes the
stream hold back in the same way.
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

    def stream(self) -> "Stream":
        """Begin to decode ids that come one by one."""
        return Stream(self._bytes)

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


class Stream:
    """Text from ids that come one by one."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        """Begin a text; `tokens` are the bytes of each id."""
        self._tokens = tokens
        self._held = b""

    def push(self, number: int) -> str:
        """Take the next id and return the text that is certain by now."""
        count = len(self._tokens)
        if not 0 <= number < count:
            raise ValueError(f"number must be from 0 to {count - 1}, got {number}")
        data = self._held + self._tokens[number]
        self._held = _unfinished(data)
        return data.removesuffix(self._held).decode(errors="replace")

    def flush(self) -> str:
        """End the text and return what was held back."""
        rest = self._held.decode(errors="replace")
        self._held = b""
        return rest


def _unfinished(data: bytes) -> bytes:
    """Return the bytes at the end that can still become one character."""
    for length in (1, 2, 3):
        tail = data[-length:]
        for missing in (1, 2, 3):
            # What may follow is a range that holds its lowest or its highest byte.
            for byte in (b"\x80", b"\xbf"):
                if _is_one_character(tail + missing * byte):
                    return tail
    return b""


def _is_one_character(data: bytes) -> bool:
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False
