"""What stands between the service and a model: one call, pieces of text come back."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from reference.llm.language_model import StopFilter
from reference.production.serving.chat.messages import FinishReason

logger = logging.getLogger(__name__)

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Generation:
    """How to generate; stop sequences are the service's business, for any model."""

    temperature: float
    max_tokens: int
    top_p: float = 1.0
    seed: int | None = None


Generate = Callable[[Messages, Generation], AsyncIterator[str]]
SimpleGenerate = Callable[[Messages, float, int], AsyncIterator[str]]


class GenerationError(Exception):
    """The model raised; what it raised is the cause."""


def with_options(generate: SimpleGenerate) -> Generate:
    """Adapt ``generate(messages, temperature, max_tokens)``, without top_p and seed."""

    def generate_with_options(
        messages: Messages, options: Generation
    ) -> AsyncIterator[str]:
        return generate(messages, options.temperature, options.max_tokens)

    return generate_with_options


class Generating:
    """One answer while it comes; not to be used by two tasks at once.

    ``pieces`` counts what the model gave. ``finish_reason`` is None until the end,
    then "length" after ``max_tokens`` pieces, else "stop".
    """

    def __init__(
        self,
        generate: Generate,
        messages: Messages,
        options: Generation,
        stop: tuple[str, ...],
    ) -> None:
        self.pieces = 0
        self.finish_reason: FinishReason | None = None
        self._limit = options.max_tokens
        self._stops = StopFilter(stop)
        try:
            self._source = generate(messages, options)
        except Exception as error:
            raise GenerationError from error

    async def pull(self) -> list[str]:
        """Ask the model for one piece and return what may be shown now.

        Raises ``GenerationError``. Not to be called after the end.
        """
        try:
            piece = await anext(self._source, None)
            if piece is not None and not isinstance(piece, str):
                raise TypeError(f"a piece must be text, got {type(piece).__name__}")
        except Exception as error:
            raise GenerationError from error
        if piece is None:
            self.finish_reason = "stop"
            return self._stops.finish()
        self.pieces += 1
        shown = self._stops.push(piece)
        if self._stops.stopped:
            self.finish_reason = "stop"
        elif self.pieces == self._limit:
            self.finish_reason = "length"
            shown += self._stops.finish()
        return shown

    async def aclose(self) -> None:
        """Close the model's generator, if it is one; what it raises is logged."""
        close = getattr(self._source, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except Exception:
            logger.exception("the generator failed when it was closed")
