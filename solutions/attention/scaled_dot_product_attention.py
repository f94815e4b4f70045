"""Scaled dot-product attention.

Each of L queries looks at S keys and takes away a mixture of their S values:

    scores = Q Kᵀ / √d_k
    weights = softmax(scores + mask), over the keys
    output = weights V

Q is (..., L, d_k), K is (..., S, d_k), V is (..., S, d_v). Each row of weights
sums to one, so each row of the output lies between the values. If the entries of q
and k are independent with variance 1, q·k has variance d_k; the root brings it back
to 1, where the softmax is not yet saturated and lets gradients through.

Write `scaled_dot_product_attention`: it returns `(output, weights)` of shapes
(..., L, d_v) and (..., L, S), in the dtype of the inputs, float32 or float64. K and V
have the same leading dimensions, and Q's broadcast with them as in any product of
matrices. The sizes L, S, d_k and d_v have nothing to do with one another.

`mask` broadcasts to the scores (..., L, S). There are two kinds:

- boolean: True where the query may attend to the key, False forbids it;
- floating: added to the scores after they are scaled; −∞ forbids.

What is forbidden has a weight of exactly 0. A query that may attend to no key at
all has weights of 0 and an output of 0, not NaN.

Scores may be large, 10⁴ and more. Autograd has to pass through to Q, K, V and a
floating mask, and a query that may attend to no key gets and gives gradients of 0.
The inputs are not changed.

`ValueError` that names the argument: `Q`, `K` or `V` with fewer than two axes; `K`
whose last axis is not d_k; `V` that has not one row for each row of K; `mask` that
does not broadcast to the scores. `TypeError` that names `mask`: one of whole numbers,
which could be meant either way.

Source: Vaswani et al., Attention Is All You Need (2017), section 3.2.1, equation 1.

In production: a fused kernel goes through the keys in tiles and never holds the
L × S weights in memory; the mask is then a rule, such as «causal», not a tensor.
"""

import math

import torch
from torch import Tensor


def scaled_dot_product_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the output (..., L, d_v) and the weights (..., L, S)."""
    for name, tensor in (("Q", Q), ("K", K), ("V", V)):
        if tensor.ndim < 2:
            raise ValueError(f"{name} must have two axes, got {tuple(tensor.shape)}")
    d_k = Q.shape[-1]
    if K.shape[-1] != d_k:
        raise ValueError(f"K must have {d_k} columns as Q has, got {K.shape[-1]}")
    if V.shape[-2] != K.shape[-2]:
        raise ValueError(f"V must have {K.shape[-2]} rows as K has, got {V.shape[-2]}")
    scores = Q @ K.transpose(-2, -1) / math.sqrt(d_k)
    if mask is not None:
        scores = _masked(scores, mask)
    # Softmax makes NaN of a row of −∞ alone, and so would its gradient be. Such a row
    # gets any finite scores, and its weights are set to zero afterwards.
    blind = (scores == -math.inf).all(dim=-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(blind, 0.0), dim=-1)
    weights = weights.masked_fill(blind, 0.0)
    return weights @ V, weights


def _masked(scores: Tensor, mask: Tensor) -> Tensor:
    """Check the mask and apply it to the scores."""
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise TypeError(f"mask must be boolean or floating, got {mask.dtype}")
    try:
        mask = mask.broadcast_to(scores.shape)
    except RuntimeError as error:
        shapes = f"{tuple(scores.shape)}, got {tuple(mask.shape)}"
        raise ValueError(f"mask must broadcast to the scores {shapes}") from error
    if mask.dtype == torch.bool:
        return scores.masked_fill(~mask, -math.inf)
    return scores + mask.to(scores.dtype)
