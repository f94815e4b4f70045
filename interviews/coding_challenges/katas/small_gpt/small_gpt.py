"""A small GPT, trained and sampled.

A decoder-only transformer: tokens and positions are embedded and added, `layers`
blocks transform the sequence, a last normalisation and a projection on the vocabulary
give the logits of the next token at every position.

    x ← x + attention(norm(x))
    x ← x + mlp(norm(x)),    mlp(x) = W₂ gelu(W₁ x)
    attention: softmax(Q Kᵀ / √d, over the keys up to the query's own place) V

Here d = width / heads, and head h works on the columns h·d to (h+1)·d of Q, K and V.

Write `GPT(config)`, called with tokens (batch, length) it returns logits (batch,
length, vocabulary). Its modules are called `tokens` and `positions` (embeddings),
`blocks` (each with `norm1`, `attention`, `norm2`, `mlp`), `norm` and `head`;
`attention` has the linear layers `qkv` (Q, K and V side by side, in this order) and
`out`; `mlp` is a sequence of linear, GELU (exact) and linear, 4 × width wide. `head`
has no bias and shares its weight with `tokens`. Weights of linear and embedding
layers begin normal with deviation 0.02, and those that write into the residual stream
(`attention.out` and the last of `mlp`) with 0.02 / √(2 · layers); biases begin at 0.
More tokens than `context` raise `ValueError` that names `tokens`.

`next_token_loss(model, tokens)`: the mean cross-entropy of every token but the first,
each predicted from those before it.

`train_step(model, tokens, rate, max_norm)`: one step of plain gradient descent on the
loss's own gradients, which are scaled down together where their common norm is over
`max_norm`; returns the loss before the step, as a float.

`generate(model, tokens, count, temperature, generator)`: appends `count` tokens, each
drawn with `torch.multinomial(probabilities, 1, generator=generator)` from the logits
divided by `temperature`, given the last `context` tokens. No gradient is recorded, the
model works in evaluation mode, and is left in the mode in which it came.

Sources: Vaswani et al., Attention Is All You Need (2017), section 3; Radford et al.,
Language Models are Unsupervised Multitask Learners (2019), section 2.3.

In production: a fused attention kernel, a KV cache for generation, mixed precision,
and gradients that are summed over many machines before they are clipped.
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


class GPT(nn.Module):
    """The model: tokens (batch, length) in, logits (batch, length, vocabulary) out."""

    def __init__(self, config: Config) -> None:
        raise NotImplementedError

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the next token at every place."""
        raise NotImplementedError


def next_token_loss(model: GPT, tokens: Tensor) -> Tensor:
    """Return the mean cross-entropy (a scalar) of each token given those before."""
    raise NotImplementedError


def train_step(model: GPT, tokens: Tensor, rate: float, max_norm: float) -> float:
    """Return the loss before the step that this makes."""
    raise NotImplementedError


def generate(
    model: GPT,
    tokens: Tensor,
    count: int,
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """Return tokens (batch, length + count)."""
    raise NotImplementedError
