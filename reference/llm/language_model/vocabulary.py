"""From text to numbers and back."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

# A word carries the space before it, so that joining tokens gives the text back.
_TOKEN: Final = re.compile(r" ?\w+(?:['’-]\w+)*|\n+| ?[^\w\s]|\s")

BEGIN: Final = -1
"""Stands before the text; never predicted, so it has no probability."""
UNKNOWN: Final = 0
"""Stands for every token that training did not show."""
END: Final = 1
"""Comes after the last token of a text."""


def tokenize(text: str) -> list[str]:
    """Split into words, marks and line breaks; joined they are ``text`` again."""
    return _TOKEN.findall(text)


class Vocabulary:
    """The numbers of tokens: 0 unknown, 1 end of text, then tokens in sorted order."""

    def __init__(self, texts: Iterable[str]) -> None:
        tokens = sorted({token for text in texts for token in tokenize(text)})
        self._tokens = ["", "", *tokens]
        self._numbers = {token: n for n, token in enumerate(tokens, start=2)}

    def __len__(self) -> int:
        return len(self._tokens)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the tokens of ``text``, without an end."""
        return [self._numbers.get(token, UNKNOWN) for token in tokenize(text)]

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text; the unknown token and the end are empty in it.

        Raises ``IndexError`` for a number outside the vocabulary.
        """
        if any(number < 0 for number in numbers):
            raise IndexError(f"numbers must not be negative, got {min(numbers)}")
        return "".join(self._tokens[number] for number in numbers)
