"""Measures of information."""

from reference.core.probability.information import (
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    mutual_information,
)

__all__ = [
    "cross_entropy",
    "entropy",
    "js_divergence",
    "kl_divergence",
    "mutual_information",
]
