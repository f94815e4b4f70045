"""Chat in the OpenAI schema, whole or streamed, over any generator of text."""

from reference.production.serving.chat.application import chat_router, create_app
from reference.production.serving.chat.generation import (
    Generate,
    Generation,
    Messages,
    SimpleGenerate,
    with_options,
)
from reference.production.serving.chat.limits import ChatLimits

__all__ = [
    "ChatLimits",
    "Generate",
    "Generation",
    "Messages",
    "SimpleGenerate",
    "chat_router",
    "create_app",
    "with_options",
]
