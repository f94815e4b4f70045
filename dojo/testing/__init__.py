"""The vocabulary of a kata's properties: assertions, and strategies for inputs.

What fewer katas need is imported from its own module: ``stateful`` (state machines),
``clock``, ``threads``, ``loops`` (asyncio in virtual time), ``http`` and ``openapi``
(ASGI applications), ``events`` (server-sent events), ``redis`` (a real server).
"""

from dojo.testing.assertions import (
    UNSTATED,
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_gradient,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    unchanged,
)
from dojo.testing.strategies import (
    float_tensors,
    floats,
    generators,
    labels,
    layouts,
    magnitudes,
    matrices,
    orthogonal_matrices,
    positive_definite_matrices,
    probabilities,
    samples,
    seeds,
    symmetric_matrices,
    token_batches,
    vector_pairs,
    vectors,
    well_conditioned_matrices,
)

__all__ = [
    "UNSTATED",
    "Mismatch",
    "assert_close",
    "assert_dtype",
    "assert_equal",
    "assert_gradient",
    "assert_holds",
    "assert_raises_naming",
    "assert_shape",
    "float_tensors",
    "floats",
    "generators",
    "labels",
    "layouts",
    "magnitudes",
    "matrices",
    "orthogonal_matrices",
    "positive_definite_matrices",
    "probabilities",
    "samples",
    "seeds",
    "symmetric_matrices",
    "token_batches",
    "unchanged",
    "vector_pairs",
    "vectors",
    "well_conditioned_matrices",
]
