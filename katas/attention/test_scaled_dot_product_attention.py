import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    seeds,
    unchanged,
)
from katas.attention.scaled_dot_product_attention import scaled_dot_product_attention
from reference.llm import attention as reference

Shape = tuple[int, ...]

# L, S, d_k and d_v, never two of them equal.
sizes = st.permutations([1, 2, 3, 4, 5]).map(lambda drawn: tuple(drawn[:4]))
SIZES = (2, 3, 4, 5)
NAMES = ("Q", "K", "V", "mask")
dtypes = st.sampled_from([torch.float64, torch.float32])
# Entries are of the order of 1 and scores of the order of 10 at most, which is what a
# rounding of the score becomes in its exponential: ten times its relative size.
CONDITION = 10.0


def _tensor(
    rng: np.random.Generator, *shape: int, dtype: torch.dtype = torch.float64
) -> Tensor:
    return torch.tensor(rng.normal(size=shape).round(1), dtype=dtype)


def _inputs(
    seed: int,
    sizes: Shape,
    batch: Shape = (),
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return Q (*batch, L, d_k), K (*batch, S, d_k) and V (*batch, S, d_v)."""
    rng = np.random.default_rng(seed)
    L, S, d_k, d_v = sizes
    shapes = ((L, d_k), (S, d_k), (S, d_v))
    Q, K, V = (_tensor(rng, *batch, *shape, dtype=dtype) for shape in shapes)
    return Q, K, V


def _allowed(seed: int, *shape: int) -> Tensor:
    """Return a boolean mask with at least one True in each row."""
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < 0.5
    mask[..., int(rng.integers(shape[-1]))] = True
    return torch.tensor(mask)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))


def _by_loops(Q: Tensor, K: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
    """Return output and weights for two axes, entry by entry as they are defined."""
    weights, output = [], []
    columns = list(zip(*V.tolist(), strict=True))
    for q in Q.tolist():
        products = [_dot(q, k) for k in K.tolist()]
        powers = [math.exp(product / math.sqrt(len(q))) for product in products]
        row = [power / math.fsum(powers) for power in powers]
        weights.append(row)
        output.append([_dot(row, column) for column in columns])
    return torch.tensor(output, dtype=V.dtype), torch.tensor(weights, dtype=V.dtype)


def _assert_agrees(got: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    """Check shapes, then dtypes, then values of output and weights."""
    names = ("the output", "the weights")
    assert_holds(isinstance(got, tuple) and len(got) == 2, "output and weights come")
    for name, mine, theirs in zip(names, got, expected, strict=True):
        assert_shape(mine, tuple(theirs.shape), name)
        assert_dtype(mine, theirs.dtype, name)
        assert_close(mine, theirs, what=name, terms=5, condition=CONDITION)


@given(seeds(), sizes)
@example(0, SIZES)
def test_each_query_mixes_the_values(seed: int, sizes: Shape) -> None:
    """The weights are softmax(Q Kᵀ / √d_k) over the keys, the output is weights V."""
    Q, K, V = _inputs(seed, sizes)
    _assert_agrees(scaled_dot_product_attention(Q, K, V), _by_loops(Q, K, V))


@given(seeds(), sizes, st.sampled_from([(), (3,), (2, 3)]), dtypes)
@example(0, SIZES, (2, 3), torch.float32)
@example(0, SIZES, (2, 3), torch.float64)
def test_a_batch_is_many_at_once(
    seed: int, sizes: Shape, batch: Shape, dtype: torch.dtype
) -> None:
    """Leading dimensions are worked through one by one, and the dtype stays."""
    Q, K, V = _inputs(seed, sizes, batch, dtype)
    got = scaled_dot_product_attention(Q, K, V)
    _assert_agrees(got, reference.scaled_dot_product_attention(Q, K, V))
    one = Q.reshape(-1, *Q.shape[-2:])[0]
    got = scaled_dot_product_attention(one, K, V)
    _assert_agrees(got, reference.scaled_dot_product_attention(one, K, V))


@given(seeds(), sizes, dtypes)
@example(0, SIZES, torch.float32)
def test_the_output_lies_between_the_values(
    seed: int, sizes: Shape, dtype: torch.dtype
) -> None:
    """Each row of weights is ≥ 0 and sums to 1: the output lies between the values."""
    Q, K, V = _inputs(seed, sizes, dtype=dtype)
    output, weights = scaled_dot_product_attention(Q, K, V)
    assert_holds(bool((weights >= 0).all()), "no weight is negative", actual=weights)
    total = weights.sum(dim=-1)
    assert_close(total, torch.ones_like(total), what="the sum of a row", terms=5)
    slack = 100 * torch.finfo(dtype).eps
    low, high = V.min(dim=0).values - slack, V.max(dim=0).values + slack
    inside = bool(((low <= output) & (output <= high)).all())
    assert_holds(inside, "the output lies between the values", actual=output)


@given(seeds(), sizes, st.sampled_from([30.0, 300.0]))
@example(0, SIZES, 300.0)
def test_large_scores_do_not_overflow(seed: int, sizes: Shape, scale: float) -> None:
    """Scores of 10⁴ and more give plain weights, as smaller ones do."""
    Q, K, V = _inputs(seed, sizes)
    got = scaled_dot_product_attention(Q * scale, K * scale, V)
    output, weights = reference.scaled_dot_product_attention(Q * scale, K * scale, V)
    # A score of 10⁶ is rounded by some 1e-10, which the exponential turns into a
    # relative error.
    for mine, theirs in zip(got, (output, weights), strict=True):
        assert_close(mine, theirs, rtol=1e-8, atol=1e-8)


@given(seeds(), sizes)
@example(0, SIZES)
def test_what_a_boolean_mask_forbids_is_not_there(seed: int, sizes: Shape) -> None:
    """With a boolean mask each query attends as if the forbidden keys did not exist."""
    Q, K, V = _inputs(seed, sizes)
    allowed = _allowed(seed, sizes[0], sizes[1])
    output, weights = scaled_dot_product_attention(Q, K, V, allowed)
    assert_shape(output, (sizes[0], sizes[3]), "the output")
    assert_shape(weights, (sizes[0], sizes[1]), "the weights")
    forbidden = weights[~allowed]
    assert_equal(forbidden, torch.zeros_like(forbidden), "the forbidden weights")
    for row, keys in enumerate(allowed):
        alone = _by_loops(Q[row : row + 1], K[keys], V[keys])
        got = output[row : row + 1], weights[row : row + 1, keys]
        _assert_agrees(got, alone)


@given(seeds(), sizes, dtypes)
@example(0, SIZES, torch.float64)
@example(0, SIZES, torch.float32)
def test_a_floating_mask_is_added(seed: int, sizes: Shape, dtype: torch.dtype) -> None:
    """A floating mask is added to the scaled scores; its −∞ forbids."""
    Q, K, V = _inputs(seed, sizes, dtype=dtype)
    rng = np.random.default_rng(seed)
    mask = _tensor(rng, sizes[0], sizes[1], dtype=dtype)
    # log c added to a score multiplies its weight by c before they are normalized.
    factors = scaled_dot_product_attention(Q, K, V)[1] * mask.exp()
    expected = factors / factors.sum(dim=-1, keepdim=True)
    _assert_agrees(
        scaled_dot_product_attention(Q, K, V, mask), (expected @ V, expected)
    )
    mask = mask.masked_fill(~_allowed(seed, sizes[0], sizes[1]), -math.inf)
    wanted = reference.scaled_dot_product_attention(Q, K, V, mask)
    _assert_agrees(scaled_dot_product_attention(Q, K, V, mask), wanted)
    # A mask of the other dtype does not change that of the results.
    other = torch.float32 if dtype == torch.float64 else torch.float64
    _, weights = scaled_dot_product_attention(Q, K, V, mask.to(other))
    assert_dtype(weights, dtype, "the weights")


@given(seeds(), sizes, st.booleans(), dtypes)
@example(0, SIZES, True, torch.float32)
@example(0, SIZES, False, torch.float64)
def test_a_query_without_keys_gets_zeros(
    seed: int, sizes: Shape, boolean: bool, dtype: torch.dtype
) -> None:
    """A query that may attend to no key has weights and output 0, never NaN."""
    Q, K, V = _inputs(seed, sizes, (2,), dtype)
    allowed = _allowed(seed, 2, sizes[0], sizes[1])
    allowed[1, seed % sizes[0]] = False
    mask = allowed if boolean else _as_floating(allowed, dtype)
    got = scaled_dot_product_attention(Q, K, V, mask)
    for what, result in zip(("the output", "the weights"), got, strict=True):
        blind = result[1, seed % sizes[0]]
        assert_equal(blind, torch.zeros_like(blind), f"{what} of a query without keys")
    _assert_agrees(got, reference.scaled_dot_product_attention(Q, K, V, mask))


@given(seeds(), sizes, st.booleans())
@example(0, SIZES, True)
@example(0, SIZES, False)
def test_gradients_pass_through(seed: int, sizes: Shape, boolean: bool) -> None:
    """Q, K, V and the mask get their gradients, 0 from a query without keys."""
    inputs = _inputs(seed, sizes)
    allowed = _allowed(seed, sizes[0], sizes[1])
    allowed[seed % sizes[0]] = False
    mask = allowed if boolean else _as_floating(allowed, torch.float64) + 0.5
    rng = np.random.default_rng(seed)
    upstream = _tensor(rng, sizes[0], sizes[3]), _tensor(rng, sizes[0], sizes[1])
    for each in (None, mask):
        got = _gradients(scaled_dot_product_attention, inputs, each, upstream)
        wanted = _gradients(
            reference.scaled_dot_product_attention, inputs, each, upstream
        )
        for name, mine, theirs in zip(NAMES, got, wanted, strict=False):
            # Differences of products of up to five entries, each with the rounding
            # of the weights.
            what = f"the gradient of {name}"
            assert_close(mine, theirs, what=what, rtol=1e-11, atol=1e-11)


def _gradients(
    function: Callable[..., tuple[Tensor, Tensor]],
    inputs: tuple[Tensor, ...],
    mask: Tensor | None,
    upstream: tuple[Tensor, Tensor],
) -> tuple[Tensor, ...]:
    """Return the gradients of Q, K, V and a floating mask from those upstream."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    if mask is not None:
        mask = mask.clone()
        if mask.is_floating_point():
            leaves.append(mask.requires_grad_())
    output, weights = function(*leaves[:3], mask)
    loss = (output * upstream[0]).sum() + (weights * upstream[1]).sum()
    assert_holds(loss.requires_grad, "the results depend on Q, K and V")
    return torch.autograd.grad(loss, leaves)


@given(seeds(), sizes, st.booleans(), st.integers(0, 5))
@example(0, SIZES, True, 0)
@example(0, SIZES, False, 1)
@example(0, SIZES, True, 4)
def test_a_mask_broadcasts(seed: int, sizes: Shape, boolean: bool, kind: int) -> None:
    """A mask with fewer or shorter axes serves every batch, head, query or key."""
    L, S = sizes[:2]
    shapes = ((S,), (L, 1), (L, S), (3, 1, S), (2, 1, 1, S), (2, 1, L, S))
    Q, K, V = _inputs(seed, sizes, (2, 3))
    allowed = _allowed(seed, *shapes[kind])
    mask = allowed if boolean else _as_floating(allowed, torch.float64)
    full = mask.expand(2, 3, L, S)
    got = scaled_dot_product_attention(Q, K, V, mask)
    _assert_agrees(got, reference.scaled_dot_product_attention(Q, K, V, full))


@given(seeds(), sizes)
@example(0, SIZES)
def test_the_order_of_the_keys_does_not_matter(seed: int, sizes: Shape) -> None:
    """Keys, values and mask in another order give the same output."""
    Q, K, V = _inputs(seed, sizes)
    rng = np.random.default_rng(seed)
    order = torch.tensor(rng.permutation(sizes[1]))
    allowed = _allowed(seed, sizes[0], sizes[1])
    output, weights = scaled_dot_product_attention(Q, K, V, allowed)
    got = scaled_dot_product_attention(Q, K[order], V[order], allowed[:, order])
    _assert_agrees(got, (output, weights[:, order]))


@given(seeds(), st.integers(2, 5))
@example(0, 4)
def test_a_causal_mask_leaks_nothing(seed: int, length: int) -> None:
    """Under a causal mask no output depends on later tokens."""
    Q, K, V = _inputs(seed, (length, length, 6, 7), (2,))
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    output, _ = scaled_dot_product_attention(Q, K, V, causal)
    now = seed % (length - 1) + 1
    for later in (K, V):
        later[:, now:] = 1e3
    changed, _ = scaled_dot_product_attention(Q, K, V, causal)
    first = f"the first {now} outputs"
    assert_close(changed[:, :now], output[:, :now], what=first, terms=length)


@given(seeds(), sizes)
@example(0, SIZES)
def test_the_inputs_are_not_changed(seed: int, sizes: Shape) -> None:
    """Q, K, V and the mask are left alone, and transposed views of them will do."""
    Q, K, V = _inputs(seed, sizes)
    expected = reference.scaled_dot_product_attention(Q, K, V)
    Q, K, V = (tensor.T.contiguous().T for tensor in (Q, K, V))
    for mask in (None, torch.zeros(sizes[0], sizes[1]), torch.tensor(True)):
        with unchanged(Q=Q, K=K, V=V):
            got = scaled_dot_product_attention(Q, K, V, mask)
        _assert_agrees(got, expected)
    mask = _allowed(seed, sizes[0], sizes[1])
    with unchanged(mask=mask):
        scaled_dot_product_attention(Q, K, V, mask)


def test_bad_input_is_refused() -> None:
    """What does not fit together is refused by name."""
    attend = scaled_dot_product_attention
    Q, K, V = _inputs(0, SIZES)
    assert_raises_naming("Q", attend, Q[0], K, V)
    assert_raises_naming("K", attend, Q, K[0], V)
    assert_raises_naming("V", attend, Q, K, V[:, 0])
    for columns in (1, 3, 5):
        assert_raises_naming("K", attend, Q, K.new_ones(3, columns), V)
    for rows in (1, 2, 4):
        assert_raises_naming("V", attend, Q, K, V.new_ones(rows, 5))
    for shape in ((3, 2), (2, 2), (1, 4), (2,), (4, 2, 3)):
        for mask in (torch.ones(shape, dtype=torch.bool), torch.zeros(shape)):
            assert_raises_naming("mask", attend, Q, K, V, mask)
    for dtype in (torch.int64, torch.uint8):
        whole = torch.ones(2, 3, dtype=dtype)
        assert_raises_naming("mask", attend, Q, K, V, whole, error=TypeError)


def _as_floating(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    """Return 0 where the mask allows and −∞ where it forbids."""
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, -math.inf)
