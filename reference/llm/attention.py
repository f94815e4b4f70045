"""Attention over torch tensors."""

import math

import numpy as np
import torch
from torch import Tensor

from reference.core.validation import require

Shape = tuple[int, ...]


def scaled_dot_product_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return softmax(Q Kᵀ / √d_k + mask) V and the softmax weights.

    Q is (..., L, d_k), K is (..., S, d_k), V is (..., S, d_v), with leading
    dimensions that broadcast; the output is (..., L, d_v), the weights (..., L, S).
    All three have one floating dtype, which the results keep; below float32 the
    arithmetic is done in float32.

    ``mask`` broadcasts to (..., L, S). A boolean one is True where a query may attend
    to a key; a floating one is added to the scores, −∞ forbids. A query that may
    attend to no key has weights of zero, an output of zero and gradients of zero.
    Differentiable in Q, K, V and a floating mask.

    Raises ``TypeError`` for wrong types and ``ValueError`` for wrong shapes, d_k = 0
    or S = 0. Source: Vaswani et al., "Attention is all you need" (2017), section
    3.2.1, equation 1.
    """
    shape = _check_inputs(Q, K, V)
    dtype = torch.promote_types(Q.dtype, torch.float32)
    scale = 1 / math.sqrt(Q.shape[-1])
    scores = (Q.to(dtype) * scale) @ K.to(dtype).transpose(-2, -1)
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        _check_mask(mask, shape)
        weights = _masked_softmax(scores, mask)
    output = weights @ V.to(dtype)
    return output.to(Q.dtype), weights.expand(shape).to(Q.dtype)


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax over the last axis, with zeros in rows that are all masked."""
    # A row of −∞ alone has no softmax. Finite scores stand in for it, so that
    # neither its weights nor its gradients are ever NaN.
    if mask.dtype == torch.bool:
        blind = ~mask.any(dim=-1, keepdim=True)
        forbidden = torch.full_like(blind, -math.inf, dtype=scores.dtype)
        scores = scores.where(mask, forbidden.masked_fill(blind, 0.0))
    else:
        blind = (mask == -math.inf).all(dim=-1, keepdim=True)
        scores = scores + mask.to(scores.dtype).masked_fill(blind, 0.0)
    weights = scores.softmax(dim=-1)
    return weights.masked_fill(blind, 0.0) if blind.any() else weights


def _check_inputs(Q: Tensor, K: Tensor, V: Tensor) -> Shape:
    """Check Q, K and V and return the shape of the weights."""
    for name, tensor in (("Q", Q), ("K", K), ("V", V)):
        _check_tensor(name, tensor)
        if not tensor.is_floating_point():
            raise TypeError(f"{name} must be of a floating dtype, got {tensor.dtype}")
        if tensor.dtype != Q.dtype:
            raise TypeError(
                f"{name} must be of Q's dtype {Q.dtype}, got {tensor.dtype}"
            )
        matrix = tensor.ndim >= 2
        require(matrix, name, "at least two-dimensional", tuple(tensor.shape))
    d_k, S = Q.shape[-1], K.shape[-2]
    require(d_k >= 1, "Q", "of a last dimension d_k ≥ 1", tuple(Q.shape))
    require(K.shape[-1] == d_k, "K", f"of shape (..., S, {d_k})", tuple(K.shape))
    require(S >= 1, "K", "of at least one key, S ≥ 1", tuple(K.shape))
    require(V.shape[-2] == S, "V", f"of shape (..., {S}, d_v)", tuple(V.shape))
    batch: Shape = tuple(Q.shape[:-2])
    for name, tensor in (("K", K), ("V", V)):
        batch = _broadcast(name, tensor.shape[:-2], batch)
    return (*batch, Q.shape[-2], S)


def _check_mask(mask: Tensor, shape: Shape) -> None:
    """Check that ``mask`` is boolean or floating and broadcasts to ``shape``."""
    _check_tensor("mask", mask)
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise TypeError(f"mask must be of a bool or floating dtype, got {mask.dtype}")
    fits = _broadcast("mask", mask.shape, shape) == shape
    require(fits, "mask", f"broadcastable to {shape}", tuple(mask.shape))


def _check_tensor(name: str, value: object) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")


def _broadcast(name: str, shape: Shape, other: Shape) -> Shape:
    """Return the common shape of both."""
    try:
        return np.broadcast_shapes(shape, other)
    except ValueError as error:
        raise ValueError(
            f"{name} must be broadcastable with {other}, got {tuple(shape)}"
        ) from error
