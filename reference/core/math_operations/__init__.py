"""Vectors, matrix decompositions and activations."""

from reference.core.math_operations.activations import log_softmax, softmax
from reference.core.math_operations.decompositions import (
    gram_schmidt,
    power_iteration,
    qr_decomposition,
)
from reference.core.math_operations.vectors import (
    cosine_similarity,
    dot_product,
    euclidean_distance,
    magnitude,
    manhattan_distance,
    normalize,
    vector_norm,
)

__all__ = [
    "cosine_similarity",
    "dot_product",
    "euclidean_distance",
    "gram_schmidt",
    "log_softmax",
    "magnitude",
    "manhattan_distance",
    "normalize",
    "power_iteration",
    "qr_decomposition",
    "softmax",
    "vector_norm",
]
