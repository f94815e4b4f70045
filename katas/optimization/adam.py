"""Adam, AdamW and NAdam.

Adam keeps two running averages of the gradients g₁, g₂, …, entry by entry, both
zero before the first step: of the gradient, and of its square. At step t = 1, 2, …

    m ← β₁·m + (1 − β₁)·gₜ                 v ← β₂·v + (1 − β₂)·gₜ²
    m̂ = m / (1 − β₁ᵗ)                      v̂ = v / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√v̂ + ε)

A fresh average is mostly the zero it began with; dividing by 1 − βᵗ corrects that.
Note that ε is added to the root of v̂, after the correction. AdamW is Adam with
decoupled weight decay: it first shrinks the parameters by the decay λ,

    θ ← (1 − α·λ)·θ,

and then takes Adam's step. The decay never enters g, m or v, which would divide it
by √v̂. NAdam is Adam with Nesterov's momentum: m as it will be at the next step takes
the place of m. Its momentum grows with t by a schedule of its own, with ψ for
`momentum_decay`:

    μₜ = β₁·(1 − ½·0.96^(t·ψ))             Πₜ = μ₁·μ₂·…·μₜ
    θ ← θ − α·(μₜ₊₁·m / (1 − Πₜ₊₁) + (1 − μₜ)·gₜ / (1 − Πₜ)) / (√v̂ + ε)

where m and v̂ are Adam's: m is averaged with β₁, and only its correction uses μ.

Write `Adam`, `AdamW` and `NAdam`. `learning_rate` is α, an attribute that may be set
anew between two steps. `step(params, gradients)` takes two array-likes of one shape,
any shape, and returns θ after the step as a new float64 array of that shape. It keeps
m, v and t for the next step, and neither changes its arguments nor holds on to them:
what the caller later writes into them must not matter. Each object has its own state.

`ValueError` that names the argument. When an optimizer is made: `learning_rate` and
`epsilon` must be positive, `beta1` and `beta2` at least 0 and below 1, `weight_decay`
and `momentum_decay` at least 0. In `step`: `gradients` where its shape is not that of
`params`; `params` where both have another shape than at the first step; either where
it holds NaN or an infinity. A step that is refused leaves m, v and t as they were: one
NaN that got into m would stay there for ever.

Source: Kingma, Ba, Adam: A Method for Stochastic Optimization (ICLR 2015), algorithm
1; Loshchilov, Hutter, Decoupled Weight Decay Regularization (ICLR 2019), algorithm 2,
with λ times α as in PyTorch; Dozat, Incorporating Nesterov Momentum into Adam (ICLR
2016 workshop), with the schedule of PyTorch.

In production: torch.optim takes the same steps (NAdam with Πₜ in float32, unless that
is not the default dtype). m and v take twice the memory of the parameters, so they are
sharded over machines, or kept in fewer bits.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Adam:
    """A step against the mean gradient, divided by the root of its mean square."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        raise NotImplementedError

    def step(self, params: ArrayLike, gradients: ArrayLike) -> Array:
        """Return the parameters after one step, float64, of the shape of `params`."""
        raise NotImplementedError


class AdamW(Adam):
    """Adam on parameters that first shrink by `learning_rate` · `weight_decay`."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        raise NotImplementedError


class NAdam(Adam):
    """Adam whose mean gradient looks one step ahead."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 0.004,
    ) -> None:
        raise NotImplementedError
