"""Scored, calibrated and updated probabilities: a second derivation of each."""

from fractions import Fraction
from itertools import product

import numpy as np

from tests.interviews.ml_theory_questions.derive import Given, check


def _exact(value: float) -> Fraction:
    """Return the decimal that was printed, exactly."""
    return Fraction(str(value))


def test_brier_score_is_scikit_learns() -> None:
    from sklearn.metrics import brier_score_loss

    def derive(given: Given) -> float:
        return float(brier_score_loss(given.wholes("outcomes"), given.reals("chances")))

    check("brier-score", derive)


def test_log_loss_is_torchs() -> None:
    import torch
    from torch.nn.functional import binary_cross_entropy

    def derive(given: Given) -> float:
        chances = torch.tensor(given.reals("chances"), dtype=torch.float64)
        outcomes = torch.tensor(given.reals("outcomes"), dtype=torch.float64)
        return float(binary_cross_entropy(chances, outcomes))

    check("log-loss", derive)


def test_calibration_error_over_single_examples() -> None:
    def derive(given: Given) -> float:
        counts = given.wholes("counts")
        accuracy, confidence = given.reals("accuracy"), given.reals("confidence")
        # Every example carries the gap of its bin.
        gaps = np.repeat(np.abs(np.subtract(accuracy, confidence)), counts)
        return float(gaps.mean())

    check("expected-calibration-error", derive)


def test_the_threshold_is_where_blocking_becomes_cheaper() -> None:
    from scipy.optimize import brentq

    def derive(given: Given) -> float:
        review, loss = given.whole("review"), given.whole("loss")
        return float(
            brentq(lambda p: (1 - p) * review - p * loss, 0, 1, xtol=1e-14, rtol=1e-14)
        )

    check("threshold-from-costs", derive)


def test_two_tests_by_enumerating_the_joint_distribution() -> None:
    def derive(given: Given) -> float:
        base, hit, clear = (_exact(given.real(n)) for n in ("base", "hit", "clear"))
        positive = {1: hit, 0: 1 - clear}
        mass = {0: Fraction(0), 1: Fraction(0)}
        for ill, first, second in product((0, 1), repeat=3):
            weight = base if ill else 1 - base
            for test in (first, second):
                weight *= positive[ill] if test else 1 - positive[ill]
            if first and second:
                mass[ill] += weight
        return float(100 * mass[1] / (mass[0] + mass[1]))

    check("two-positive-tests", derive)


def test_undersampling_by_counting_examples() -> None:
    def derive(given: Given) -> float:
        # Of 20,000 training examples with this score, so many are clicks; the
        # others stand for 1 / beta times as many in the traffic.
        clicks = 20000 * _exact(given.real("score"))
        others = (20000 - clicks) / _exact(given.real("beta"))
        return float(clicks / (clicks + others))

    check("probability-after-undersampling", derive)
