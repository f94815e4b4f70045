"""A dense layer, forward and backward.

A dense layer maps a batch of rows X (n, p) to rows Y (n, q):

    Y = X W + b         W is (p, q), b is (q,)

Whatever follows turns Y into one number, the loss L. It hands back the gradient
G = ∂L/∂Y, of the shape of Y, and the chain rule gives the three gradients

    ∂L/∂W = Xᵀ G        ∂L/∂b = Σₙ Gₙ        ∂L/∂X = G Wᵀ

The first two are sums over the batch, not means: where L is a mean, its 1/n is
already in G.

Write `Dense`. The constructor checks its arguments and sets these float64 arrays:

- `weights` (input_size, output_size): with `weight_init="xavier"` uniform on
  [−a, a) with a = √(6 / (input_size + output_size)), a variance of a²/3; with
  `"he"` normal with mean 0 and variance 2 / input_size. All randomness comes from
  `numpy.random.default_rng(seed)`, so `seed` is a number, a generator or None,
  and NumPy's global generator is left alone.
- `bias` (output_size,): zero.
- `weight_gradient` and `bias_gradient`: the gradients that the last `backward`
  found, in the shapes of `weights` and `bias`; zero before that.

`forward(input_data)` takes (..., input_size) and returns a new float64 array
(..., output_size). One row, a batch and a batch of sequences are all welcome: every
axis but the last counts rows. It remembers the input as it is at that moment, even
if the caller overwrites the array afterwards. Users may assign `weights` and `bias`
between calls.

`backward(output_gradient, learning_rate)` belongs to the last `forward`. It stores
the two parameter gradients, in place of the old ones, takes one step of gradient
descent, W ← W − learning_rate · ∂L/∂W and likewise b, and returns ∂L/∂X of the
shape of that input. All three gradients are those of the layer as it was in
`forward`, before the step. A rate of 0 changes no parameter.

What is refused changes nothing. `ValueError` that names the argument: `input_size`
or `output_size` below 1, another `weight_init`, `input_data` whose last axis is not
input_size, `output_gradient` not of the shape of the last output, a negative
`learning_rate`. `RuntimeError` that says to call forward first: a `backward` before
any `forward`.

Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.5. Xavier:
Glorot, Bengio, Understanding the difficulty of training deep feedforward neural
networks (2010), equation 16. He: He, Zhang, Ren, Sun, Delving Deep into Rectifiers
(2015), section 2.2.

In production: the layer only stores its gradients, and an optimizer takes the step;
the remembered inputs are what fills the memory in training, so large models drop
some of them and compute them again on the way back.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Dense:
    """A fully connected layer: `output = input @ weights + bias`."""

    weights: Array
    bias: Array
    weight_gradient: Array
    bias_gradient: Array

    def __init__(
        self,
        input_size: int,
        output_size: int,
        weight_init: str = "xavier",
        seed: int | np.random.Generator | None = None,
    ) -> None:
        """Draw the weights, and set the bias and both gradients to zero."""
        for name, size in (("input_size", input_size), ("output_size", output_size)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        rng = np.random.default_rng(seed)
        shape = (input_size, output_size)
        if weight_init == "xavier":
            bound = np.sqrt(6 / (input_size + output_size))
            self.weights = rng.uniform(-bound, bound, shape)
        elif weight_init == "he":
            self.weights = rng.normal(0, np.sqrt(2 / input_size), shape)
        else:
            message = f"weight_init must be 'xavier' or 'he', got {weight_init!r}"
            raise ValueError(message)
        self.bias = np.zeros(output_size)
        self.weight_gradient = np.zeros(shape)
        self.bias_gradient = np.zeros(output_size)
        self._input: Array | None = None

    def forward(self, input_data: ArrayLike) -> Array:
        """Map (..., input_size) to (..., output_size) and remember the input."""
        x = np.array(input_data, dtype=np.float64)
        input_size = len(self.weights)
        if x.shape[-1:] != (input_size,):
            expected = f"of shape (..., {input_size})"
            raise ValueError(f"input_data must be {expected}, got {x.shape}")
        self._input = x
        output: Array = x @ self.weights + self.bias
        return output

    def backward(self, output_gradient: ArrayLike, learning_rate: float) -> Array:
        """Take one step of gradient descent and return ∂L/∂X, (..., input_size)."""
        if self._input is None:
            raise RuntimeError("there is no input to go back to, call forward first")
        if learning_rate < 0:
            raise ValueError(f"learning_rate must not be negative, got {learning_rate}")
        gradient = np.asarray(output_gradient, dtype=np.float64)
        input_size, output_size = self.weights.shape
        expected = (*self._input.shape[:-1], output_size)
        if gradient.shape != expected:
            message = f"output_gradient must be of shape {expected}"
            raise ValueError(f"{message}, got {gradient.shape}")
        input_rows = self._input.reshape(-1, input_size)
        gradient_rows = gradient.reshape(-1, output_size)
        input_gradient: Array = gradient @ self.weights.T
        self.weight_gradient = input_rows.T @ gradient_rows
        self.bias_gradient = gradient_rows.sum(axis=0)
        self.weights = self.weights - learning_rate * self.weight_gradient
        self.bias = self.bias - learning_rate * self.bias_gradient
        return input_gradient
