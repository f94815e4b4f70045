"""Settings of a training run: a second derivation of every answer."""

import numpy as np
import torch

from tests.interviews.ml_theory_questions.derive import Given, check


def test_the_schedule_by_adding_up_the_slope() -> None:
    # Gauss-Legendre with 20 nodes integrates the sine to rounding error.
    nodes, weights = np.polynomial.legendre.leggauss(20)

    def derive(given: Given) -> float:
        peak, low = given.real("peak"), given.real("low")
        warm, steps = given.whole("warm"), given.whole("steps")
        span = given.whole("step") - warm
        at = (nodes + 1) / 2 * span
        slope = -(peak - low) / 2 * np.pi / (steps - warm)
        fall = (weights * np.sin(np.pi * at / (steps - warm))).sum() * span / 2
        return float(peak + slope * fall)

    check("warmup-cosine-rate", derive)


def test_clipping_is_torchs() -> None:
    def derive(given: Given) -> float:
        first = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
        second = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
        first.grad = torch.tensor(given.reals("first"), dtype=torch.float64)
        second.grad = torch.tensor(given.reals("second"), dtype=torch.float64)
        torch.nn.utils.clip_grad_norm_(
            [first, second], given.real("limit"), foreach=False
        )
        return float(first.grad[0])

    # PyTorch adds 1e-6 to the norm.
    check("clip-by-global-norm", derive, relative=1e-6)


def test_steps_by_working_through_the_corpus() -> None:
    def derive(given: Given) -> float:
        left, steps = given.whole("tokens"), 0
        while left > 0:
            for _ in range(given.whole("accumulate")):
                left -= (
                    given.whole("devices")
                    * given.whole("micro")
                    * given.whole("length")
                )
            steps += 1
        return steps

    check("optimizer-steps-per-epoch", derive)
