"""How much one conversation, and all of them together, may ask for."""

from dataclasses import dataclass

from reference.core.validation import require
from reference.production.serving.chat.messages import ChatMessage
from reference.production.serving.chat.problems import ChatError


@dataclass(frozen=True)
class ChatLimits:
    """Most messages and characters of a request, and most answers at the same time.

    ``retry_after`` is what a client is told that comes when all places are taken, in
    whole seconds.
    """

    messages: int = 256
    characters: int = 100_000
    concurrent: int = 16
    retry_after: int = 1

    def __post_init__(self) -> None:
        for name in ("messages", "characters", "concurrent", "retry_after"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))

    def check(self, messages: list[ChatMessage]) -> None:
        """Raise ``ChatError`` for a conversation that is too long."""
        given = len(messages)
        if given > self.messages:
            raise _too_long(f"at most {self.messages} messages, got {given}")
        size = sum(len(message.content) for message in messages)
        if size > self.characters:
            raise _too_long(f"at most {self.characters} characters, got {size}")


class Places:
    """Counts the answers in progress; for the tasks of one event loop."""

    def __init__(self, limits: ChatLimits) -> None:
        self.limits = limits
        self.taken = 0

    def __enter__(self) -> None:
        if self.taken >= self.limits.concurrent:
            raise ChatError(
                503,
                f"all {self.limits.concurrent} places are taken, try again",
                code="overloaded",
                headers={"Retry-After": str(self.limits.retry_after)},
            )
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


def _too_long(expected: str) -> ChatError:
    message = f"messages must be {expected}"
    return ChatError(400, message, param="messages", code="context_length_exceeded")
