"""Gradients by differences and optimizers of the first order."""

from reference.core.optimization.gradients import gradient_check, numerical_gradient
from reference.core.optimization.optimizers import Adam, AdamW, NAdam, Optimizer

__all__ = [
    "Adam",
    "AdamW",
    "NAdam",
    "Optimizer",
    "gradient_check",
    "numerical_gradient",
]
