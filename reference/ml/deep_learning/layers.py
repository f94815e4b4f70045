"""Layers: a map with parameters, and the gradients of what follows through it."""

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from reference.core.validation import Array, as_array, require, require_one_of
from reference.ml.checks import require_integer, require_non_negative


class Layer(ABC):
    """A differentiable map from an array to an array."""

    @abstractmethod
    def forward(self, input_data: ArrayLike, training: bool = True) -> Array:
        """Return the output, and keep what :meth:`backward` needs of the input."""

    @abstractmethod
    def backward(self, output_gradient: ArrayLike, learning_rate: float) -> Array:
        """Return the gradient of the loss with respect to the last input.

        ``output_gradient`` is the gradient with respect to the last output. The
        parameters then take one step of gradient descent of ``learning_rate``; a rate
        of zero leaves them to an optimizer.
        """

    def parameters(self) -> list[Array]:
        """Return the arrays that are learnt; none unless a layer has some."""
        return []

    def gradients(self) -> list[Array]:
        """Return the gradient of each of :meth:`parameters`, in the same order."""
        return []


class Dense(Layer):
    """A fully connected layer, ``output = input @ weights + bias``.

    ``weight_init``: ``"xavier"`` draws weights uniformly from ±√(6/(input_size +
    output_size)) (Glorot & Bengio 2010, Understanding the difficulty of training deep
    feedforward neural networks, eq. 16); ``"he"`` from a normal distribution of
    standard deviation √(2/input_size) (He et al. 2015, Delving Deep into Rectifiers,
    section 2.2); ``"zeros"`` sets them to zero. The bias starts at zero. ``seed`` is
    an int or a NumPy generator.

    Attributes, all float64: ``weights`` ``(input_size, output_size)``, ``bias``
    ``(output_size,)``, and of the last :meth:`backward` (zero before it)
    ``weight_gradient`` and ``bias_gradient``, sums over the batch.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        weight_init: str = "xavier",
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self.input_size = require_integer("input_size", input_size, 1)
        self.output_size = require_integer("output_size", output_size, 1)
        require_one_of("weight_init", weight_init, ("xavier", "he", "zeros"))
        shape = (self.input_size, self.output_size)
        generator = np.random.default_rng(seed)
        if weight_init == "xavier":
            bound = math.sqrt(6.0 / (self.input_size + self.output_size))
            self.weights = generator.uniform(-bound, bound, shape)
        elif weight_init == "he":
            self.weights = generator.normal(0.0, math.sqrt(2.0 / input_size), shape)
        else:
            self.weights = np.zeros(shape)
        self.bias = np.zeros(self.output_size)
        self.weight_gradient = np.zeros(shape)
        self.bias_gradient = np.zeros(self.output_size)
        self._input: Array | None = None

    def forward(self, input_data: ArrayLike, training: bool = True) -> Array:
        """Map ``(..., input_size)`` to ``(..., output_size)``, most often a batch.

        ``training`` changes nothing here. Keeps a copy of the input, which the caller
        may overwrite.
        """
        del training
        array = as_array(input_data, "input_data")
        expected = f"an array of shape (..., {self.input_size})"
        require(array.shape[-1:] == (self.input_size,), "input_data", expected, array)
        self._input = array.copy()
        output: Array = self._input @ self.weights + self.bias
        return output

    def backward(self, output_gradient: ArrayLike, learning_rate: float) -> Array:
        """Return the gradient ``(..., input_size)`` with respect to the last input.

        It uses the weights of the last :meth:`forward`; the step of ``learning_rate``
        on weights and bias comes after it. Raises ``RuntimeError`` before a forward.
        """
        if self._input is None:
            raise RuntimeError("backward needs an input, call forward first")
        rate = require_non_negative("learning_rate", learning_rate)
        gradient = as_array(output_gradient, "output_gradient")
        shape = (*self._input.shape[:-1], self.output_size)
        expected = f"an array of shape {shape} like the output"
        require(gradient.shape == shape, "output_gradient", expected, gradient)
        rows = gradient.reshape(-1, self.output_size)
        input_gradient: Array = gradient @ self.weights.T
        self.weight_gradient = self._input.reshape(-1, self.input_size).T @ rows
        self.bias_gradient = rows.sum(axis=0)
        # New arrays, so that nobody who holds the old ones sees them change.
        self.weights = self.weights - rate * self.weight_gradient
        self.bias = self.bias - rate * self.bias_gradient
        return input_gradient

    def parameters(self) -> list[Array]:
        """Return ``[weights, bias]``."""
        return [self.weights, self.bias]

    def gradients(self) -> list[Array]:
        """Return ``[weight_gradient, bias_gradient]``."""
        return [self.weight_gradient, self.bias_gradient]
