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

import math
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
        self._layers: list[tuple[Tensor, Tensor] | None] = [None] * config.layers

    @property
    def length(self) -> int:
        """How many tokens are in it."""
        first = self._layers[0]
        return 0 if first is None else first[0].shape[2]

    def _extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Append to a layer; return all of its keys and values."""
        before = self._layers[layer]
        if before is not None:
            k, v = torch.cat([before[0], k], dim=2), torch.cat([before[1], v], dim=2)
        self._layers[layer] = (k, v)
        return k, v


class _Attention(nn.Module):
    """Causal self-attention over (batch, length, width)."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.heads = config.heads
        self.layer = layer
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Return what each place gathers from itself and the places before it."""
        batch, length, width = x.shape
        shape = (batch, length, self.heads, width // self.heads)
        # each (batch, heads, length, width / heads)
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.qkv(x).chunk(3, 2))
        if cache is not None:
            k, v = cache._extend(self.layer, k, v)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        total = k.shape[2]
        future = torch.ones(length, total, dtype=torch.bool).triu(1 + total - length)
        weights = scores.masked_fill(future, -math.inf).softmax(dim=-1)
        gathered: Tensor = self.out((weights @ v).transpose(1, 2).reshape(x.shape))
        return gathered


class _Block(nn.Module):
    """A layer: attention and a perceptron, each beside the residual stream."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        width = config.width
        self.norm1 = nn.LayerNorm(width)
        self.attention = _Attention(config, layer)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Return the stream (batch, length, width) with both additions."""
        x = x + self.attention(self.norm1(x), cache)
        added: Tensor = x + self.mlp(self.norm2(x))
        return added


class GPT(nn.Module):
    """The model: tokens (batch, length) in, logits (batch, length, vocabulary) out."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList(
            _Block(config, layer) for layer in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Return the logits of the next token at every place."""
        start = 0 if cache is None else cache.length
        end = start + tokens.shape[1]
        if end > self.config.context:
            raise ValueError(
                f"tokens must be at most {self.config.context} long, got {end}"
            )
        x = self.tokens(tokens) + self.positions(torch.arange(start, end))
        for block in self.blocks:
            x = block(x, cache)
        logits: Tensor = self.head(self.norm(x))
        return logits


@torch.no_grad()
def generate_cached(
    model: GPT,
    tokens: Tensor,
    count: int,
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """Return tokens (batch, length + count), each computed once."""
    if tokens.shape[1] + count > model.config.context:
        raise ValueError(
            f"count must leave the text within {model.config.context} tokens, "
            f"got {tokens.shape[1]} + {count}"
        )
    was_training = model.training
    model.eval()
    cache, new = Cache(model.config), tokens
    for _ in range(count):
        logits = model(new, cache)[:, -1]
        probabilities = (logits / temperature).softmax(dim=-1)
        new = torch.multinomial(probabilities, 1, generator=generator)
        tokens = torch.cat([tokens, new], dim=1)
    model.train(was_training)
    return tokens
