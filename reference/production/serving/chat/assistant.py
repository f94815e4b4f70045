"""A small assistant for questions about machine learning, trained on shipped text.

It imitates: the words come from an n-gram model, so an answer may wander off. The
passages nearest to the question weigh most, which keeps it to the subject.
"""

import asyncio
import functools
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from importlib import resources

from reference.core.validation import require
from reference.llm.language_model import LanguageModel, PassageIndex, Sampling
from reference.production.serving.chat.generation import Generation, Messages

_ASKS = "Question:"
_SAYS = "Answer:"
_SEEDS = 2**64
# Asked in place of a question of which no word is known.
_WHEN_LOST = "Who are you, and what can you do?"


class Assistant:
    """Answers in the manner of its passages; immutable, so threads may share it.

    Each passage reads "Question: …", a line break, "Answer: …". ``nearest`` passages
    get ``focus`` of the weight, all together the rest.
    """

    def __init__(
        self, passages: Sequence[str], *, nearest: int = 1, focus: float = 0.9
    ) -> None:
        parts = [text.partition(f"\n{_SAYS}") for text in passages]
        formed = all(text.startswith(_ASKS) for text in passages)
        formed = formed and all(answer.strip() for _, _, answer in parts)
        require(formed, "passages", f'each "{_ASKS} … {_SAYS} …"', list(passages))
        self.passages = [
            (question.removeprefix(_ASKS).strip(), answer.strip())
            for question, _, answer in parts
        ]
        self._nearest = nearest
        self._focus = focus
        self._index = PassageIndex([_stress_question(*pair) for pair in self.passages])
        self._model = LanguageModel(passages)

    async def generate(
        self, messages: Messages, options: Generation
    ) -> AsyncGenerator[str, None]:
        """Yield the pieces of an answer; the work is done in threads."""
        pieces = await asyncio.to_thread(self.answer, messages, options)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    def answer(self, messages: Messages, options: Generation) -> Iterator[str]:
        """Return an iterator over the pieces of an answer, without leading space."""
        sampling = Sampling(
            temperature=options.temperature,
            top_p=options.top_p,
            max_tokens=options.max_tokens,
            seed=None if options.seed is None else options.seed % _SEEDS,
        )
        near = self._find_answers(messages)
        model = self._model.focused(near, self._focus) if near else self._model
        # An answer is one line; the next one would be another question.
        pieces = model.generate(_format(messages), sampling, stop=["\n"])
        return (
            piece.lstrip() if number == 0 else piece
            for number, piece in enumerate(pieces)
        )

    def _find_answers(self, messages: Messages) -> list[str]:
        """Return what suits the last question of which a word is known.

        Only answers: a model of the questions too would go on to ask them.
        """
        questions = [turn["content"] for turn in messages if turn["role"] == "user"]
        for question in [*reversed(questions), _WHEN_LOST]:
            found = self._index.nearest(question, self._nearest)
            if found:
                return [f"\n{_SAYS} {self.passages[number][1]}" for number in found]
        return []


@functools.cache
def default_assistant() -> Assistant:
    """Return the assistant of the shipped text; the first call trains it."""
    folder = resources.files("reference.production.serving.chat") / "data"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".txt")),
        key=lambda file: file.name,
    )
    texts = [file.read_text(encoding="utf-8") for file in files]
    return Assistant([_unwrap(p) for text in texts for p in text.split("\n\n")])


async def generate(
    messages: Messages, options: Generation
) -> AsyncGenerator[str, None]:
    """Yield an answer of the default assistant, which is trained at the first call."""
    assistant = await asyncio.to_thread(default_assistant)
    async with aclosing(assistant.generate(messages, options)) as pieces:
        async for piece in pieces:
            yield piece


def _unwrap(passage: str) -> str:
    """Join the lines of a passage of a file to one for the question and one more."""
    return " ".join(passage.split()).replace(f" {_SAYS}", f"\n{_SAYS}", 1)


def _format(messages: Messages) -> str:
    """Write the conversation as the passages are written, up to the next answer."""
    starts = {"user": f"{_ASKS} ", "assistant": f"{_SAYS} ", "system": ""}
    turns = [starts[message["role"]] + message["content"] for message in messages]
    return "\n".join([*turns, _SAYS])


def _stress_question(question: str, answer: str) -> str:
    """Repeat the question: it says better than the answer what a passage is about."""
    return f"{question} {question} {question} {answer}"
