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

from torch import Tensor


def scaled_dot_product_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the output (..., L, d_v) and the weights (..., L, S)."""
    raise NotImplementedError
