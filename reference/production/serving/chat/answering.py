"""One answer, from the checked request to the last byte."""

import logging
import uuid
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from reference.production.serving.chat.generation import (
    Generate,
    Generating,
    Generation,
    GenerationError,
)
from reference.production.serving.chat.limits import Places
from reference.production.serving.chat.messages import (
    DEFAULT_TEMPERATURE,
    AnswerMessage,
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    Choice,
    ChunkChoice,
    Delta,
    FinishReason,
    Usage,
)
from reference.production.serving.chat.problems import ChatError
from reference.production.serving.chat.streaming import EventStream, while_connected

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChatService:
    """What all answers share."""

    generate: Generate
    model: str
    clock: Callable[[], float]
    places: Places


class ChatAnswer(Response):
    """A response that generates while it is sent, and stops when nobody listens.

    Everything that must be given back, the place and the model's generator, is taken
    and given back inside one call.
    """

    def __init__(self, request: ChatRequest, service: ChatService) -> None:
        super().__init__()
        self.request = request
        self.service = service
        self.answer_id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(service.clock())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say what went wrong before there was anything to send."""

        async def work() -> None:
            try:
                with self.service.places:
                    await self._answer(scope, receive, send)
            except ChatError as problem:
                await problem.response()(scope, receive, send)

        await while_connected(receive, work())

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            generating = self._begin()
            async with aclosing(generating):
                # Its failure can still be a 500, which it cannot once a 200 is sent.
                shown = await generating.pull()
                if self.request.stream:
                    await self._stream(generating, shown, send)
                    return
                text = await _rest(generating, shown)
        except GenerationError as failure:
            raise _explain(failure) from failure
        body = self._completion(text, generating).model_dump()
        await JSONResponse(body)(scope, receive, send)

    def _begin(self) -> Generating:
        request = self.request
        temperature = request.temperature
        options = Generation(
            temperature=DEFAULT_TEMPERATURE if temperature is None else temperature,
            max_tokens=request.token_limit,
            top_p=1.0 if request.top_p is None else request.top_p,
            seed=request.seed,
        )
        messages = [
            {"role": message.role, "content": message.content}
            for message in request.messages
        ]
        generate = self.service.generate
        return Generating(generate, messages, options, request.stop_sequences)

    async def _stream(
        self, generating: Generating, shown: list[str], send: Send
    ) -> None:
        stream = EventStream(send)
        await stream.start()
        await stream.event(self._chunk(Delta(role="assistant")))
        try:
            await self._send_pieces(generating, shown, stream)
        except GenerationError as failure:
            await stream.event(_explain(failure).body.model_dump_json())
        else:
            await stream.event(self._chunk(Delta(), generating.finish_reason))
            if self.request.wants_usage:
                await stream.event(self._usage_chunk(generating))
            await stream.event("[DONE]")
        await stream.end()

    async def _send_pieces(
        self, generating: Generating, shown: list[str], stream: EventStream
    ) -> None:
        while True:
            for piece in shown:
                await stream.event(self._chunk(Delta(content=piece)))
            if generating.finish_reason is not None:
                return
            shown = await generating.pull()

    def _chunk(self, delta: Delta, finish_reason: FinishReason | None = None) -> str:
        choice = ChunkChoice(index=0, delta=delta, finish_reason=finish_reason)
        return self._chunk_of([choice], None)

    def _usage_chunk(self, generating: Generating) -> str:
        return self._chunk_of([], self._usage(generating))

    def _chunk_of(self, choices: list[ChunkChoice], usage: Usage | None) -> str:
        """Return a chunk as JSON; what a delta does not add is left out of it."""
        chunk = ChatChunk(
            id=self.answer_id,
            object="chat.completion.chunk",
            created=self.created,
            model=self.service.model,
            choices=choices,
        )
        # With the option every chunk has the field, as in the API.
        if self.request.wants_usage:
            chunk.usage = usage
        return chunk.model_dump_json(exclude_unset=True)

    def _completion(self, text: str, generating: Generating) -> ChatCompletion:
        choice = Choice(
            message=AnswerMessage(content=text),
            finish_reason=generating.finish_reason or "stop",
        )
        return ChatCompletion(
            id=self.answer_id,
            created=self.created,
            model=self.service.model,
            choices=[choice],
            usage=self._usage(generating),
        )

    def _usage(self, generating: Generating) -> Usage:
        prompt = sum(len(message.content.split()) for message in self.request.messages)
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=generating.pieces,
            total_tokens=prompt + generating.pieces,
        )


async def _rest(generating: Generating, shown: list[str]) -> str:
    while generating.finish_reason is None:
        shown += await generating.pull()
    return "".join(shown)


def _explain(failure: GenerationError) -> ChatError:
    """Log the cause; the client learns only that it was not its fault."""
    logger.error("the model failed", exc_info=failure.__cause__)
    return ChatError(500, "the model failed", code="model_failed")
