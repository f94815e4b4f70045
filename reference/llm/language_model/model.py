"""The language model: a vocabulary and what comes next in it."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from reference.core.validation import Array, require
from reference.llm.language_model.kneser_ney import Distribution, KneserNey, Mixture
from reference.llm.language_model.sampling import Sampling, draw, reshape
from reference.llm.language_model.stopping import StopFilter
from reference.llm.language_model.vocabulary import END, UNKNOWN, Vocabulary


class LanguageModel:
    """An n-gram model of ``texts``; immutable, so threads may share it."""

    def __init__(self, texts: Sequence[str], order: int = 4) -> None:
        self.order = order
        self.vocabulary = Vocabulary(texts)
        self._next: Distribution = self._train(texts)

    def focused(
        self, texts: Sequence[str], weight: float = 0.9, copies: int = 20
    ) -> "LanguageModel":
        """Return this model mixed with one of ``texts`` alone, of the given weight.

        Counted ``copies`` times, what the texts say loses little to the discounts,
        which would take most of the single counts of a short text. The vocabulary
        stays. Raises ``ValueError`` unless 0 ≤ weight ≤ 1, copies ≥ 1 and there is a
        text.
        """
        require(0 <= weight <= 1, "weight", "from 0 to 1", weight)
        require(copies >= 1, "copies", "at least 1", copies)
        model = object.__new__(LanguageModel)
        model.order = self.order
        model.vocabulary = self.vocabulary
        local = self._train(list(texts) * copies)
        model._next = Mixture([(weight, local), (1 - weight, self._next)])
        return model

    def probabilities(self, text: str) -> Array:
        """Return p(token | text) for each token, float64 of shape (len(vocabulary),).

        ``text`` stands at the beginning; number 0 is any unknown token, 1 the end.
        """
        return self._next.probabilities(self._context(self.vocabulary.encode(text)))

    def generate(
        self, prompt: str, sampling: Sampling, stop: Sequence[str] = ()
    ) -> Iterator[str]:
        """Continue ``prompt``, lazily: yield a piece for each token.

        Ends after ``sampling.max_tokens``, at the end of the text or where one of the
        ``stop`` sequences is complete, of which nothing is yielded. Text that may
        begin one comes late.
        """
        stops = StopFilter(stop)
        for piece in self._pieces(prompt, sampling):
            yield from stops.push(piece)
            if stops.stopped:
                return
        yield from stops.finish()

    def perplexity(self, texts: Sequence[str]) -> float:
        """Return exp of the mean of -log p over all tokens and ends of ``texts``.

        Raises ``ValueError`` where there is no text.
        """
        require(len(texts) >= 1, "texts", "at least one text", len(texts))
        logarithms = [
            math.log(self._next.probabilities(self._context(tokens[:place]))[token])
            for tokens in ([*self.vocabulary.encode(text), END] for text in texts)
            for place, token in enumerate(tokens)
        ]
        return math.exp(-sum(logarithms) / len(logarithms))

    def _pieces(self, prompt: str, sampling: Sampling) -> Iterator[str]:
        tokens = self.vocabulary.encode(prompt)
        generator = np.random.default_rng(sampling.seed)
        for _ in range(sampling.max_tokens):
            chances = self._next.probabilities(self._context(tokens))
            # What is unknown cannot be written.
            chances[UNKNOWN] = 0.0
            token = draw(reshape(chances, sampling), generator)
            if token == END:
                return
            tokens.append(token)
            yield self.vocabulary.decode([token])

    def _context(self, tokens: Sequence[int]) -> Sequence[int]:
        return tokens[max(len(tokens) - self.order + 1, 0) :]

    def _train(self, texts: Sequence[str]) -> KneserNey:
        encoded = [self.vocabulary.encode(text) for text in texts]
        return KneserNey(encoded, len(self.vocabulary), self.order)
