"""Optimizers of the first order: Adam and its relatives.

They equal those of ``torch.optim`` step by step, in float64.
"""

from abc import ABC, abstractmethod
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from reference.core.optimization.parameters import (
    ArrayMapping,
    Key,
    Parameters,
    Shapes,
    put_together,
    shapes_of,
    take_apart,
)
from reference.core.validation import Array, require


def _require_fraction(value: float, argument: str) -> None:
    require(0 <= value < 1, argument, "at least 0 and below 1", value)


def _require_positive(value: float, argument: str) -> None:
    require(0 < value < np.inf, argument, "positive and finite", value)


def _require_not_negative(value: float, argument: str) -> None:
    require(0 <= value < np.inf, argument, "non-negative and finite", value)


def _require_shapes(argument: str, given: Shapes, expected: Shapes) -> None:
    require(given == expected, argument, f"of shape {_shown(expected)}", _shown(given))


def _shown(shapes: Shapes) -> object:
    """A single array has a bare shape."""
    return shapes.get(None, shapes)


class Optimizer(ABC):
    """Base of the optimizers: keeps state for one set of parameters.

    ``learning_rate`` may be set anew between steps.
    """

    def __init__(self, learning_rate: float) -> None:
        _require_positive(learning_rate, "learning_rate")
        self.learning_rate = learning_rate
        self._steps = 0
        self._shapes: Shapes = {}

    @overload
    def step(
        self, params: ArrayMapping, gradients: ArrayMapping
    ) -> dict[str, Array]: ...
    @overload
    def step(
        self, params: list[Array], gradients: list[Array] | tuple[Array, ...]
    ) -> list[Array]: ...
    @overload
    def step(
        self,
        params: tuple[Array, ...],
        gradients: list[Array] | tuple[Array, ...],
    ) -> tuple[Array, ...]: ...
    @overload
    def step(self, params: ArrayLike, gradients: ArrayLike) -> Array: ...
    def step(self, params: Parameters, gradients: Parameters) -> object:
        """Return the parameters after one step down the gradients.

        ``params`` is one array-like, a list or tuple of NumPy arrays, or a mapping
        of names to array-likes; ``gradients`` is built alike. The result has the
        structure and the shapes of ``params``, in new float64 arrays; neither
        argument is changed.

        Raises ``ValueError``, and leaves the state as it was, where the shapes of
        ``gradients`` differ from those of ``params``, those of ``params`` from the
        first step's, or an entry is not finite; ``TypeError`` where an entry is not
        a real number.
        """
        values = take_apart(params, params, "params")
        slopes = take_apart(gradients, params, "gradients")
        shapes = shapes_of(values)
        _require_shapes("gradients", shapes_of(slopes), shapes)
        if self._steps > 0:
            _require_shapes("params", shapes, self._shapes)
        self._shapes = shapes
        self._advance()
        updated = {
            key: np.asarray(self._update(key, value, slopes[key]))
            for key, value in values.items()
        }
        return put_together(updated, params)

    def _advance(self) -> None:
        """Count a step; what all parameters share changes here."""
        self._steps += 1

    @abstractmethod
    def _update(self, key: Key, param: Array, gradient: Array) -> Array:
        """Return the new value of one parameter, as a new array."""


class Adam(Optimizer):
    """Adaptive moments: a step of about ``learning_rate`` in each entry.

    With m and v the running averages of g and g², and both divided by their weight
    so far (1 − β₁ᵗ, 1 − β₂ᵗ): θ ← θ − α·m̂ / (√v̂ + ε).

    Raises ``ValueError`` unless ``learning_rate`` and ``epsilon`` are positive and
    the betas in [0, 1).

    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015),
    algorithm 1.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate)
        _require_fraction(beta1, "beta1")
        _require_fraction(beta2, "beta2")
        _require_positive(epsilon, "epsilon")
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self._moments: dict[Key, tuple[Array, Array]] = {}

    def _update(self, key: Key, param: Array, gradient: Array) -> Array:
        mean, scale = self._average(key, gradient)
        mean = mean / (1 - self.beta1**self._steps)
        return param - self.learning_rate * mean / scale

    def _average(self, key: Key, gradient: Array) -> tuple[Array, Array]:
        """Take in a gradient; return its running mean and √v̂ + ε."""
        zeros = np.zeros_like(gradient)
        mean, square = self._moments.get(key, (zeros, zeros))
        mean = self.beta1 * mean + (1 - self.beta1) * gradient
        square = self.beta2 * square + (1 - self.beta2) * gradient * gradient
        self._moments[key] = mean, square
        scale = np.sqrt(square / (1 - self.beta2**self._steps)) + self.epsilon
        return mean, scale


class AdamW(Adam):
    """Adam with decoupled weight decay: θ is first multiplied by 1 − α·λ.

    ``weight_decay`` is λ ≥ 0; the rest is as for ``Adam``.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019),
    algorithm 2, with the decay multiplied by the learning rate as in PyTorch.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon)
        _require_not_negative(weight_decay, "weight_decay")
        self.weight_decay = weight_decay

    def _update(self, key: Key, param: Array, gradient: Array) -> Array:
        decayed = param * (1 - self.learning_rate * self.weight_decay)
        return super()._update(key, decayed, gradient)


class NAdam(Adam):
    """Adam with Nesterov momentum: the mean looks one step ahead.

    With μₜ = β₁·(1 − ½·0.96^(t·ψ)), ψ = ``momentum_decay`` ≥ 0, and Πₜ = μ₁·…·μₜ:
    θ ← θ − α·(μₜ₊₁·m / (1 − Πₜ₊₁) + (1 − μₜ)·g / (1 − Πₜ)) / (√v̂ + ε).

    Source: Dozat, "Incorporating Nesterov Momentum into Adam" (ICLR 2016 workshop),
    with the schedule of PyTorch.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 0.004,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon)
        _require_not_negative(momentum_decay, "momentum_decay")
        self.momentum_decay = momentum_decay
        self._product = 1.0

    def _momentum(self, step: int) -> float:
        return self.beta1 * (1 - 0.5 * float(0.96 ** (step * self.momentum_decay)))

    def _advance(self) -> None:
        super()._advance()
        self._product *= self._momentum(self._steps)

    def _update(self, key: Key, param: Array, gradient: Array) -> Array:
        mean, scale = self._average(key, gradient)
        now, ahead = self._momentum(self._steps), self._momentum(self._steps + 1)
        ahead_mean = ahead * mean / (1 - self._product * ahead)
        fresh = (1 - now) * gradient / (1 - self._product)
        return param - self.learning_rate * (ahead_mean + fresh) / scale
