"""Scaled dot-product attention against PyTorch's own.

Tolerances: inputs are standard normal and weights sum to one, so outputs and
gradients are of order one to ten. A sum of up to 64 products rounds to some tens of
eps: 1e-12 for float64 (eps 2.2e-16) and 1e-5 for float32 (eps 1.2e-7), absolute and
relative. bfloat16 keeps eight bits, and the results are rounded once: 2^-8.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from reference.llm.attention import scaled_dot_product_attention

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2**-8}
SIZES = st.integers(1, 9)


def assert_close(actual: Tensor, expected: Tensor) -> None:
    tolerance = TOLERANCE[expected.dtype]
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def normal(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=dtype, generator=generator)


def example(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Return Q, K, V of distinct sizes: L = 5, S = 7, d_k = 4, d_v = 6."""
    return (
        normal(2, 3, 5, 4, dtype=dtype, seed=1),
        normal(2, 3, 7, 4, dtype=dtype, seed=2),
        normal(2, 3, 7, 6, dtype=dtype, seed=3),
    )


def torch_weights(Q: Tensor, K: Tensor, mask: Tensor | None = None) -> Tensor:
    """Read the weights out of torch, which returns none: the output for V = I."""
    identity = torch.eye(K.shape[-2], dtype=K.dtype).expand(*K.shape[:-1], -1)
    return functional.scaled_dot_product_attention(Q, K, identity, attn_mask=mask)


def additive(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> Tensor:
    """Return a mask of random biases; every row keeps its first key."""
    forbidden = torch.rand(shape, generator=torch.Generator().manual_seed(4)) < 0.4
    forbidden[..., 0] = False
    return normal(*shape, dtype=dtype, seed=5).masked_fill(forbidden, -math.inf)


@settings(deadline=None)
@given(
    batch=st.lists(st.integers(1, 3), max_size=2),
    L=SIZES,
    S=SIZES,
    d_k=SIZES,
    d_v=SIZES,
    dtype=st.sampled_from([torch.float32, torch.float64]),
    kind=st.sampled_from(["none", "boolean", "additive"]),
    seed=st.integers(0, 2**31),
)
def test_equals_torch(
    batch: list[int],
    L: int,
    S: int,
    d_k: int,
    d_v: int,
    dtype: torch.dtype,
    kind: str,
    seed: int,
) -> None:
    Q = normal(*batch, L, d_k, dtype=dtype, seed=seed)
    K = normal(*batch, S, d_k, dtype=dtype, seed=seed + 1)
    V = normal(*batch, S, d_v, dtype=dtype, seed=seed + 2)
    bias = additive((L, S), dtype)
    masks = {"none": None, "boolean": bias > -math.inf, "additive": bias}
    mask = masks[kind]
    output, weights = scaled_dot_product_attention(Q, K, V, mask)
    assert output.dtype == weights.dtype == dtype
    assert output.shape == (*batch, L, d_v)
    assert weights.shape == (*batch, L, S)
    expected = functional.scaled_dot_product_attention(Q, K, V, attn_mask=mask)
    assert_close(output, expected)
    assert_close(weights, torch_weights(Q, K, mask))


@pytest.mark.parametrize("kind", ["none", "boolean", "additive"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_equal_torch(kind: str, dtype: torch.dtype) -> None:
    inputs = [tensor.requires_grad_() for tensor in example(dtype)]
    bias = additive((2, 3, 5, 7), dtype)
    mask = {"none": None, "boolean": bias > -math.inf, "additive": bias}[kind]
    if kind == "additive":
        inputs.append(bias.requires_grad_())
    upstream = normal(2, 3, 5, 6, dtype=dtype, seed=9)
    Q, K, V = inputs[:3]
    output, _ = scaled_dot_product_attention(Q, K, V, mask)
    expected = functional.scaled_dot_product_attention(Q, K, V, attn_mask=mask)
    ours = torch.autograd.grad(output, inputs, upstream)
    for actual, wanted in zip(
        ours, torch.autograd.grad(expected, inputs, upstream), strict=True
    ):
        assert_close(actual, wanted)


def test_gradient_of_the_weights_equals_torch() -> None:
    Q, K, V = (tensor.requires_grad_() for tensor in example())
    upstream = normal(2, 3, 5, 7, seed=9)
    weights = scaled_dot_product_attention(Q, K, V)[1]
    ours = torch.autograd.grad(weights, (Q, K), upstream)
    theirs = torch.autograd.grad(torch_weights(Q, K), (Q, K), upstream)
    for actual, wanted in zip(ours, theirs, strict=True):
        assert_close(actual, wanted)


def test_causal_mask_equals_torch() -> None:
    Q, K, V = (normal(2, 6, 4, seed=seed) for seed in range(3))
    causal = torch.ones(6, 6, dtype=torch.bool).tril()
    output, weights = scaled_dot_product_attention(Q, K, V, causal)
    expected = functional.scaled_dot_product_attention(Q, K, V, is_causal=True)
    assert_close(output, expected)
    assert not weights[..., ~causal].any()


@pytest.mark.parametrize(
    "shape", [(), (7,), (1, 7), (5, 1), (5, 7), (3, 1, 7), (2, 1, 5, 7)]
)
@pytest.mark.parametrize("floating", [False, True])
def test_mask_broadcasts(shape: tuple[int, ...], floating: bool) -> None:
    Q, K, V = example()
    generator = torch.Generator().manual_seed(6)
    mask = torch.rand(shape, generator=generator) < 0.7
    mask = mask | (torch.arange(7) == 0) if shape and shape[-1] == 7 else mask | True
    given_mask = torch.where(mask, 0.3, -math.inf) if floating else mask
    output, weights = scaled_dot_product_attention(Q, K, V, given_mask)
    full = mask.expand(2, 3, 5, 7)
    expected = functional.scaled_dot_product_attention(Q, K, V, attn_mask=full)
    assert_close(output, expected)
    assert_close(weights, torch_weights(Q, K, full))


@pytest.mark.parametrize(
    ("q_batch", "k_batch", "v_batch"),
    [((2, 3), (3,), ()), ((), (2, 3), (2, 1)), ((), (), (4,)), ((2, 1), (1, 3), ())],
)
def test_leading_dimensions_broadcast(
    q_batch: tuple[int, ...], k_batch: tuple[int, ...], v_batch: tuple[int, ...]
) -> None:
    Q = normal(*q_batch, 5, 4, seed=1)
    K = normal(*k_batch, 7, 4, seed=2)
    V = normal(*v_batch, 7, 6, seed=3)
    batch = np.broadcast_shapes(q_batch, k_batch, v_batch)
    output, weights = scaled_dot_product_attention(Q, K, V)
    full = (tensor.expand(*batch, *tensor.shape[-2:]) for tensor in (Q, K, V))
    Q, K, V = full
    assert output.shape == (*batch, 5, 6)
    assert weights.shape == (*batch, 5, 7)
    assert_close(output, functional.scaled_dot_product_attention(Q, K, V))
    assert_close(weights, torch_weights(Q, K))


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_fully_masked_rows_are_zero(floating: bool, dtype: torch.dtype) -> None:
    Q, K, V = (tensor.requires_grad_() for tensor in example(dtype))
    allowed = torch.ones(5, 7, dtype=torch.bool)
    allowed[0] = allowed[3] = False
    allowed[1, 2:] = False
    bias = torch.zeros(5, 7, dtype=dtype).masked_fill(~allowed, -math.inf)
    mask = bias.requires_grad_() if floating else allowed
    inputs = (Q, K, V, bias) if floating else (Q, K, V)
    # Refuses a NaN in any intermediate gradient too.
    with torch.autograd.set_detect_anomaly(True):
        output, weights = scaled_dot_product_attention(Q, K, V, mask)
        gradients = torch.autograd.grad(output.sum() + weights.square().sum(), inputs)
    for row in (0, 3):
        assert not output[..., row, :].any()
        assert not weights[..., row, :].any()
    sums = weights[..., [1, 2, 4], :].sum(-1)
    torch.testing.assert_close(sums, torch.ones_like(sums))
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert not gradients[0][..., 0, :].any()
    assert gradients[0][..., 1, :].any()


def test_other_rows_do_not_change_beside_a_fully_masked_one() -> None:
    Q, K, V = example()
    mask = torch.ones(5, 7, dtype=torch.bool)
    mask[2] = False
    output, weights = scaled_dot_product_attention(Q, K, V, mask)
    full_output, full_weights = scaled_dot_product_attention(Q, K, V)
    others = [0, 1, 3, 4]
    assert torch.equal(output[..., others, :], full_output[..., others, :])
    assert torch.equal(weights[..., others, :], full_weights[..., others, :])


def test_bfloat16_accumulates_in_float32() -> None:
    Q, K, V = (normal(64, 32, dtype=torch.bfloat16, seed=seed) for seed in range(3))
    output, weights = scaled_dot_product_attention(Q, K, V)
    assert output.dtype == weights.dtype == torch.bfloat16
    exact = scaled_dot_product_attention(Q.double(), K.double(), V.double())
    # One rounding to bfloat16 is at most 2^-8 relative (and float32 adds little);
    # rounding the scores or the weights on the way would exceed it.
    for actual, expected in zip((output, weights), exact, strict=True):
        torch.testing.assert_close(actual.double(), expected, rtol=2**-7.99, atol=1e-6)
    assert_close(output, functional.scaled_dot_product_attention(Q, K, V))


def test_float16_does_not_overflow() -> None:
    Q = torch.full((1, 64), 60.0, dtype=torch.float16)
    K = torch.stack([Q[0], Q[0] * 0.5])  # scores of 28,800 and half, products beyond
    output, weights = scaled_dot_product_attention(Q, K, K)
    assert torch.equal(weights, torch.tensor([[1.0, 0.0]], dtype=torch.float16))
    assert torch.equal(output, Q)


def test_huge_scores_saturate() -> None:
    Q = torch.tensor([[1e100, 0.0], [0.0, -1e100]], dtype=torch.float64)
    K = torch.tensor([[1e100, 1e100], [-1e100, -1e100]], dtype=torch.float64)
    output, weights = scaled_dot_product_attention(Q, K, torch.eye(2).double())
    assert torch.equal(weights, torch.eye(2).double())
    assert torch.equal(output, weights)


def test_no_queries_give_an_empty_output() -> None:
    output, weights = scaled_dot_product_attention(
        torch.zeros(2, 0, 4), torch.zeros(2, 7, 4), torch.zeros(2, 7, 6)
    )
    assert output.shape == (2, 0, 6)
    assert weights.shape == (2, 0, 7)


def test_non_contiguous_inputs_and_inputs_unchanged() -> None:
    Q, K, V = example()
    strided = [t.transpose(-2, -1).contiguous().transpose(-2, -1) for t in (Q, K, V)]
    before = [tensor.clone() for tensor in strided]
    q, k, v = strided
    assert not q.is_contiguous()
    mask = torch.ones(5, 7, dtype=torch.bool)
    mask[0] = False
    output, _ = scaled_dot_product_attention(q, k, v, mask)
    assert_close(output, scaled_dot_product_attention(Q, K, V, mask)[0])
    assert all(torch.equal(a, b) for a, b in zip(strided, before, strict=True))
    assert not mask[0].any()


@pytest.mark.parametrize(
    ("name", "q", "k", "v", "mask"),
    [
        ("Q", (4,), (7, 4), (7, 6), None),
        ("K", (5, 4), (4,), (7, 6), None),
        ("V", (5, 4), (7, 4), (7,), None),
        ("Q", (5, 0), (7, 0), (7, 6), None),
        ("K", (5, 4), (7, 3), (7, 6), None),
        ("K", (5, 4), (0, 4), (0, 6), None),
        ("V", (5, 4), (7, 4), (8, 6), None),
        ("K", (2, 5, 4), (3, 7, 4), (7, 6), None),
        ("V", (2, 5, 4), (7, 4), (3, 7, 6), None),
        ("mask", (5, 4), (7, 4), (7, 6), (7, 5)),
        ("mask", (5, 4), (7, 4), (7, 6), (2, 5, 7)),
    ],
)
def test_wrong_shapes_are_named(
    name: str,
    q: tuple[int, ...],
    k: tuple[int, ...],
    v: tuple[int, ...],
    mask: tuple[int, ...] | None,
) -> None:
    given_mask = None if mask is None else torch.ones(mask)
    with pytest.raises(ValueError, match=f"^{name} must be"):
        scaled_dot_product_attention(
            torch.ones(q), torch.ones(k), torch.ones(v), given_mask
        )


@pytest.mark.parametrize("position", [0, 1, 2, 3])
@pytest.mark.parametrize("wrong", ["integer", "list"])
def test_wrong_types_are_named(position: int, wrong: str) -> None:
    arguments: list[Any] = [torch.ones(2, 2) for _ in range(4)]
    integer = torch.ones(2, 2, dtype=torch.int64)
    arguments[position] = integer if wrong == "integer" else [[1.0, 1.0], [1.0, 1.0]]
    Q, K, V, mask = arguments
    name = ("Q", "K", "V", "mask")[position]
    with pytest.raises(TypeError, match=f"^{name} must be"):
        scaled_dot_product_attention(Q, K, V, mask)


def test_mixed_dtypes_are_refused() -> None:
    Q, K, V = example()
    with pytest.raises(TypeError, match=r"^K must be of Q's dtype"):
        scaled_dot_product_attention(Q, K.float(), V)
    with pytest.raises(TypeError, match=r"^V must be of Q's dtype"):
        scaled_dot_product_attention(Q, K, V.float())
