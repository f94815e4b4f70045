"""Which passages speak of a question."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from reference.core.validation import Array, require


class PassageIndex:
    """Ranks passages by the cosine of tf-idf vectors.

    A word has the weight (1 + log tf) · log(1 + N / df) (variants of both factors are
    in Manning, Raghavan and Schütze, "Introduction to information retrieval", 2008,
    section 6.4). Words are compared in lower case and without a final s.
    """

    def __init__(self, passages: Sequence[str]) -> None:
        require(len(passages) >= 1, "passages", "at least one", len(passages))
        counted = [Counter(_words(passage)) for passage in passages]
        frequency = Counter(word for words in counted for word in words)
        self._columns = {word: column for column, word in enumerate(frequency)}
        present = np.array(list(frequency.values()), dtype=float)
        self._rarity = np.log1p(len(passages) / present)
        self._rows = np.stack([self._vector(words) for words in counted])

    def scores(self, question: str) -> Array:
        """Return the cosine with each passage, float64 of shape (n,), in [0, 1].

        All are zero where no word of the question is known.
        """
        result: Array = self._rows @ self._vector(Counter(_words(question)))
        return result.clip(0, 1)

    def nearest(self, question: str, k: int) -> list[int]:
        """Return the numbers of up to ``k`` passages that share a word, best first."""
        require(k >= 1, "k", "at least 1", k)
        scores = self.scores(question)
        order = np.argsort(-scores, kind="stable")[:k]
        return [int(number) for number in order if scores[number] > 0]

    def _vector(self, words: Counter[str]) -> Array:
        vector = np.zeros(len(self._columns))
        for word, count in words.items():
            if word in self._columns:
                vector[self._columns[word]] = 1 + np.log(count)
        vector *= self._rarity
        length = float(np.linalg.norm(vector))
        return vector / length if length > 0 else vector


def _words(text: str) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    return [word[:-1] if len(word) > 3 and word[-1] == "s" else word for word in words]
