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

    def stream(self) -> "Stream":
        """Begin to decode ids that come one by one."""
        raise NotImplementedError

    def train(self, text: str, vocabulary_size: int) -> None:
        """Learn merges from a text until there are `vocabulary_size` ids."""
        raise NotImplementedError


class Stream:
    """Text from ids that come one by one."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        """Begin a text; `tokens` are the bytes of each id."""
        raise NotImplementedError

    def push(self, number: int) -> str:
        """Take the next id and return the text that is certain by now."""
        raise NotImplementedError

    def flush(self) -> str:
        """End the text and return what was held back."""
        raise NotImplementedError
