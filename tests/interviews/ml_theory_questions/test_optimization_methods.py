"""Optimizers: a second derivation of every answer, mostly PyTorch's own."""

import numpy as np
import torch

from tests.interviews.ml_theory_questions.derive import Given, check


def _weight(value: float | list[float]) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))


def _run(
    optimizer: torch.optim.Optimizer, weight: torch.nn.Parameter, gradients: list[float]
) -> float:
    for gradient in gradients:
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
    return float(weight.detach())


def test_adam_is_torchs() -> None:
    def derive(given: Given) -> float:
        weight = _weight(given.real("start"))
        optimizer = torch.optim.Adam(
            [weight], lr=given.real("rate"), betas=(0.9, 0.99), eps=0, foreach=False
        )
        return _run(optimizer, weight, given.reals("gradients"))

    check("adam-two-steps", derive)


def test_adamw_is_torchs() -> None:
    def derive(given: Given) -> float:
        weight = _weight(given.real("start"))
        optimizer = torch.optim.AdamW(
            [weight],
            lr=given.real("rate"),
            weight_decay=given.real("decay"),
            eps=0,
            foreach=False,
        )
        return _run(optimizer, weight, [given.real("gradient")])

    check("adamw-first-step", derive)


def test_momentum_is_torchs() -> None:
    def derive(given: Given) -> float:
        weight = _weight(0.0)
        optimizer = torch.optim.SGD(
            [weight], lr=given.real("rate"), momentum=given.real("mu"), foreach=False
        )
        return _run(optimizer, weight, given.reals("gradients"))

    check("momentum-three-steps", derive)


def test_descent_by_automatic_differentiation() -> None:
    def derive(given: Given) -> float:
        x = _weight(given.real("start"))
        for _ in range(given.whole("steps")):
            (slope,) = torch.autograd.grad(given.real("a") / 2 * x**2, x)
            x.data -= given.real("rate") * slope
        return float(x.detach())

    check("descent-on-a-quadratic", derive)


def test_newton_goes_to_the_minimum_of_the_parabola() -> None:
    def derive(given: Given) -> float:
        curve = np.poly1d([given.whole("a"), 0, 0, -given.whole("b"), 0])
        start = given.whole("start")
        # The Taylor parabola at the start, and the root of its slope.
        parabola = np.poly1d(
            [curve.deriv(2)(start) / 2, curve.deriv(1)(start), curve(start)]
        )
        return float(start + parabola.deriv().roots[0])

    check("newton-step", derive)


def test_condition_number_by_running_the_worst_case() -> None:
    def derive(given: Given) -> float:
        ends = np.array([given.real("low"), given.real("high")])
        factors = 1 - 2 / ends.sum() * ends
        errors = np.abs(factors[:, None] ** np.arange(2000)).max(0)
        return float(np.argmax(errors <= 10.0 ** -given.whole("digits")))

    check("steps-from-condition-number", derive)


def test_the_stable_rate_is_a_power_iteration_away() -> None:
    def derive(given: Given) -> float:
        a, b, c = (given.whole(name) for name in "abc")
        high = np.linalg.eigvalsh(np.array([[a, b], [b, c]]))[-1]
        return float(2 / high)

    check("largest-stable-rate", derive)


def test_rates_around_the_stable_one_converge_and_diverge() -> None:
    A = np.array([[10.0, 3.0], [3.0, 2.0]])
    for share, inside in ((0.99, True), (1.01, False)):
        step = np.eye(2) - share * 2 / 11 * A
        assert (np.linalg.norm(np.linalg.matrix_power(step, 5000)) < 1) == inside


def test_the_logistic_step_is_torchs() -> None:
    from torch.nn.functional import binary_cross_entropy_with_logits

    def derive(given: Given) -> float:
        weight = _weight(given.reals("w"))
        x = torch.tensor(given.reals("x"), dtype=torch.float64)
        y = torch.tensor(given.real("y"), dtype=torch.float64)
        loss = binary_cross_entropy_with_logits(weight @ x, y)
        (slope,) = torch.autograd.grad(loss, weight)
        return float((weight - given.real("rate") * slope)[0].detach())

    check("logistic-step", derive)
