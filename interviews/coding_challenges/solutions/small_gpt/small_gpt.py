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


class _Attention(nn.Module):
    """Causal self-attention over (batch, length, width)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each place gathers from itself and the places before it."""
        batch, length, width = x.shape
        shape = (batch, length, self.heads, width // self.heads)
        # each (batch, heads, length, width / heads)
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.qkv(x).chunk(3, 2))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(future, -math.inf).softmax(dim=-1)
        gathered: Tensor = self.out((weights @ v).transpose(1, 2).reshape(x.shape))
        return gathered


class _Block(nn.Module):
    """A layer: attention and a perceptron, each beside the residual stream."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.width
        self.norm1 = nn.LayerNorm(width)
        self.attention = _Attention(config)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the stream (batch, length, width) with both additions."""
        x = x + self.attention(self.norm1(x))
        added: Tensor = x + self.mlp(self.norm2(x))
        return added


class GPT(nn.Module):
    """The model: tokens (batch, length) in, logits (batch, length, vocabulary) out."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif "norm" not in name:
                writes = name.endswith(("attention.out.weight", "mlp.2.weight"))
                scale = math.sqrt(2 * config.layers) if writes else 1.0
                nn.init.normal_(parameter, std=0.02 / scale)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the next token at every place."""
        length = tokens.shape[1]
        if length > self.config.context:
            raise ValueError(
                f"tokens must be at most {self.config.context} long, got {length}"
            )
        x = self.tokens(tokens) + self.positions(torch.arange(length))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x))
        return logits


def next_token_loss(model: GPT, tokens: Tensor) -> Tensor:
    """Return the mean cross-entropy (a scalar) of each token given those before."""
    logits = model(tokens[:, :-1])
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def train_step(model: GPT, tokens: Tensor, rate: float, max_norm: float) -> float:
    """Return the loss before the step that this makes."""
    model.zero_grad()
    loss = next_token_loss(model, tokens)
    loss.backward()  # type: ignore[no-untyped-call]  # PyTorch has no types for it
    moving = [(p, p.grad) for p in model.parameters() if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for _, gradient in moving))
    scale = max_norm / norm if norm > max_norm else 1.0
    with torch.no_grad():
        for parameter, gradient in moving:
            parameter.sub_(rate * scale * gradient)
    return loss.item()


@torch.no_grad()
def generate(
    model: GPT,
    tokens: Tensor,
    count: int,
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """Return tokens (batch, length + count)."""
    was_training = model.training
    model.eval()
    for _ in range(count):
        logits = model(tokens[:, -model.config.context :])[:, -1]
        probabilities = (logits / temperature).softmax(dim=-1)
        drawn = torch.multinomial(probabilities, 1, generator=generator)
        tokens = torch.cat([tokens, drawn], dim=1)
    model.train(was_training)
    return tokens
