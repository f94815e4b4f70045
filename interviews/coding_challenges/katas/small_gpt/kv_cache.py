"""A KV cache for the small GPT.

To draw one token after another, a model without a cache computes keys and values of the
whole text anew for every token. They do not change: a place sees only what is before
it. The cache keeps them, so that each call computes what is new and nothing else.

Given the small GPT (its modules, their names and what they compute stay as they are;
training is not asked for here), add:

`Cache(config)`: what was computed so far, empty at first; its property `length` is the
number of tokens in it. Two caches have nothing to do with one another.

`GPT.forward(tokens, cache=None)`: with a cache, `tokens` (batch, new) are those that
follow what is in the cache. Their logits (batch, new, vocabulary) are the ones that the
whole text would give at these places, however it is cut into calls, and the cache holds
them afterwards. Linear layers and embeddings see the new tokens only. Where old and new
together are more than `context`, `ValueError` names `tokens` and the cache is as it
was. Without a cache nothing changes.

`generate_cached(model, tokens, count, temperature, generator)`: appends `count` tokens,
each drawn with `torch.multinomial(probabilities, 1, generator=generator)` from the
logits over `temperature`. The first call takes all `tokens`, each further one the token
that was drawn, so that `count` tokens take `count` calls.
The text with what is drawn fits into the context: `length + count` over `context`
raises `ValueError` that names `count`. No gradient is recorded, and the model is left
in the mode in which it came.

Source: Pope et al., Efficiently Scaling Transformer Inference (2022), section 2.1.

In production: memory is the limit, 2 · layers · width numbers a token; pages of it are
shared between requests (PagedAttention), heads share keys and values, and what does
not fit is computed again.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Sizes: `vocabulary`, `context` (tokens at most), `width`, `heads`, `layers`."""

    vocabulary: int
    context: int
    width: int
    heads: int
    layers: int


class Cache:
    """Keys and values of the tokens so far, layer by layer."""

    def __init__(self, config: Config) -> None:
        """Begin empty."""
        raise NotImplementedError

    @property
    def length(self) -> int:
        """How many tokens are in it."""
        raise NotImplementedError


class GPT(nn.Module):
    """The model: tokens (batch, length) in, logits (batch, length, vocabulary) out."""

    def __init__(self, config: Config) -> None:
        raise NotImplementedError

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Return the logits of the next token at every place."""
        raise NotImplementedError


def generate_cached(
    model: GPT,
    tokens: Tensor,
    count: int,
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """Return tokens (batch, length + count), each computed once."""
    raise NotImplementedError
