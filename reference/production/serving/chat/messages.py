"""The bodies of the chat routes, in the schema of the OpenAI chat completions API.

What would change the answer is honoured or refused: fields of the API that are not
honoured are taken only with the value that changes nothing. Fields that are not listed
here are ignored, so that a client newer than this service goes on working.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

DEFAULT_TEMPERATURE = 0.7
DEFAULT_MAX_TOKENS = 512
MOST_TOKENS = 4096
LARGEST_SEED = 2**63

FinishReason = Literal["stop", "length"]


def _refuse_text_and_truth(value: object) -> object:
    """Leave only JSON numbers: pydantic would also read ``"5"`` and ``true``."""
    if isinstance(value, str | bool):
        raise ValueError("a number is needed")
    return value


def _whole(value: object) -> object:
    """Turn 5.0 into 5, as JSON knows one kind of number, at any size."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_NumbersOnly = BeforeValidator(_refuse_text_and_truth)
Whole = Annotated[int, BeforeValidator(_whole), _NumbersOnly]
Real = Annotated[float, _NumbersOnly, Field(allow_inf_nan=False)]
Truth = Annotated[bool, Field(strict=True)]
Zero = Annotated[Real, Field(ge=0, le=0)]
NoneOfThem = Annotated[list[object], Field(max_length=0)]
StopSequence = Annotated[str, Field(min_length=1, max_length=1000)]


class ChatMessage(BaseModel):
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class StreamOptions(BaseModel):
    """What a stream tells beside the answer."""

    include_usage: Truth | None = Field(
        default=None, description="Send one more chunk, with the usage, at the end."
    )


class ResponseFormat(BaseModel):
    """The one form there is: text, not JSON of a schema."""

    type: Literal["text"]


class ChatRequest(BaseModel):
    """A conversation to continue; null stands for the default everywhere."""

    # The first wrong one is enough: a hostile body could hold a million.
    messages: list[ChatMessage] = Field(min_length=1, fail_fast=True)
    model: str | None = Field(
        default=None, description="Any name; the one model there is answers."
    )
    temperature: Annotated[Real, Field(ge=0, le=2)] | None = Field(
        default=None, description=f"Default {DEFAULT_TEMPERATURE}."
    )
    max_tokens: Annotated[Whole, Field(ge=1, le=MOST_TOKENS)] | None = Field(
        default=None, description=f"Default {DEFAULT_MAX_TOKENS}."
    )
    max_completion_tokens: Annotated[Whole, Field(ge=1, le=MOST_TOKENS)] | None = Field(
        default=None,
        description="The newer name of `max_tokens`, before which it goes.",
    )
    stream: Truth | None = None
    stream_options: StreamOptions | None = None
    top_p: Annotated[Real, Field(ge=0, le=1)] | None = None
    stop: StopSequence | Annotated[list[StopSequence], Field(max_length=4)] | None = (
        None
    )
    seed: Annotated[Whole, Field(ge=-LARGEST_SEED, le=LARGEST_SEED)] | None = Field(
        default=None, description="Read to 53 bits, as most JSON numbers are."
    )
    n: Annotated[Whole, Field(ge=1, le=1)] | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Zero | None = None
    frequency_penalty: Zero | None = None
    presence_penalty: Zero | None = None
    logit_bias: Annotated[dict[str, object], Field(max_length=0)] | None = None
    response_format: ResponseFormat | None = None
    modalities: Annotated[list[Literal["text"]], Field(fail_fast=True)] | None = None
    audio: None = None
    web_search_options: None = None
    tools: NoneOfThem | None = None
    functions: NoneOfThem | None = None
    user: str | None = None

    @property
    def token_limit(self) -> int:
        """The most pieces of text to give."""
        return self.max_completion_tokens or self.max_tokens or DEFAULT_MAX_TOKENS

    @property
    def stop_sequences(self) -> tuple[str, ...]:
        """The stop sequences, none to four."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    @property
    def wants_usage(self) -> bool:
        """Whether a stream shall end with the usage."""
        return self.stream_options is not None and bool(
            self.stream_options.include_usage
        )


class Usage(BaseModel):
    """Sizes: words of the messages, and pieces that the model gave."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    total_tokens: int = Field(ge=0)


class AnswerMessage(BaseModel):
    """What the model said."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """The one answer."""

    index: Literal[0] = 0
    message: AnswerMessage
    finish_reason: FinishReason
    logprobs: None = None


class ChatCompletion(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="Seconds since 1970.")
    model: str
    choices: list[Choice] = Field(min_length=1, max_length=1)
    usage: Usage


class Delta(BaseModel):
    """What a chunk adds: the role, a piece of text or nothing."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """The part of the one answer in a chunk."""

    index: Literal[0] = 0
    delta: Delta
    finish_reason: FinishReason | None = None


class ChatChunk(BaseModel):
    """One event of a stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice] = Field(max_length=1)
    usage: Usage | None = None


class ErrorDetail(BaseModel):
    """What was wrong, and which field."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """Body of every error of the chat routes."""

    error: ErrorDetail
