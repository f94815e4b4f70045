"""Neural network layers in NumPy, with their gradients written out."""

from reference.ml.deep_learning.layers import Dense, Layer

__all__ = ["Dense", "Layer"]
