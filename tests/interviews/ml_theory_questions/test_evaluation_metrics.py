"""Metrics of classifiers: a second derivation of every answer."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import comb

import numpy as np

from tests.interviews.ml_theory_questions.derive import Given, check


def _exact(value: float) -> Fraction:
    """Return the decimal that was printed, exactly."""
    return Fraction(str(value))


def _labels(matrix: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Unroll a confusion matrix into true and predicted labels."""
    places = [
        place
        for i, line in enumerate(matrix)
        for j, count in enumerate(line)
        for place in [(i, j)] * count
    ]
    return [i for i, _ in places], [j for _, j in places]


def test_precision_is_counted_in_a_population() -> None:
    def derive(given: Given) -> float:
        people = 10**7
        fraud = people * _exact(given.real("base"))
        caught = fraud * _exact(given.real("recall"))
        wrong = (people - fraud) * _exact(given.real("false"))
        return float(100 * caught / (caught + wrong))

    check("precision-from-base-rate", derive)


def test_f_beta_is_scikit_learns() -> None:
    from sklearn.metrics import fbeta_score

    def derive(given: Given) -> float:
        tp, fp, fn, tn = (given.whole(name) for name in ("tp", "fp", "fn", "tn"))
        true = np.repeat([1, 0, 1, 0], [tp, fp, fn, tn])
        predicted = np.repeat([1, 1, 0, 0], [tp, fp, fn, tn])
        return float(fbeta_score(true, predicted, beta=given.real("beta")))

    check("f-beta", derive)


def test_macro_f1_is_scikit_learns() -> None:
    from sklearn.metrics import f1_score

    def derive(given: Given) -> float:
        true, predicted = _labels(given.table("matrix"))
        return float(f1_score(true, predicted, average="macro"))

    check("macro-f1", derive)


def test_alerts_solve_the_definition_of_precision() -> None:
    def derive(given: Given) -> float:
        # Per second, then by the seconds of a day; precision = true / alerts.
        true = _exact(given.real("base")) * given.whole("tps")
        true *= _exact(given.real("recall"))
        return float(true / _exact(given.real("precision")) * 24 * 60 * 60)

    check("alerts-per-day", derive)


def test_the_interval_is_that_of_a_mean_of_zeros_and_ones() -> None:
    def derive(given: Given) -> float:
        n, correct = given.whole("n"), given.whole("correct")
        right = np.zeros(n)
        right[:correct] = 1
        return float(100 * 1.96 * right.std() / np.sqrt(n))

    check("accuracy-interval", derive)


def test_the_sample_reaches_the_power() -> None:
    from scipy.optimize import brentq

    def derive(given: Given) -> float:
        old = given.real("base")
        new = old * (1 + given.real("lift"))

        def surplus(n: float) -> float:
            error = np.sqrt(old * (1 - old) / n + new * (1 - new) / n)
            return float((new - old) / error - 1.96 - 0.84)

        return float(brentq(surplus, 1, 1e9, rtol=1e-13))

    check("ab-sample-size", derive)


def test_kappa_is_scikit_learns() -> None:
    from sklearn.metrics import cohen_kappa_score

    def derive(given: Given) -> float:
        names = ("yes", "no", "first", "second")
        counts = [given.whole(name) for name in names]
        one = np.repeat([1, 0, 1, 0], counts)
        two = np.repeat([1, 0, 0, 1], counts)
        return float(cohen_kappa_score(one, two))

    check("cohen-kappa", derive)


def test_false_alarms_by_summing_the_binomial() -> None:
    def derive(given: Given) -> float:
        tests, level = given.whole("tests"), _exact(given.real("level"))
        some = sum(
            comb(tests, k) * level**k * (1 - level) ** (tests - k)
            for k in range(1, tests + 1)
        )
        return float(100 * some)

    check("probability-of-any-false-alarm", derive)


def test_the_binomial_is_the_enumeration() -> None:
    level = Fraction(1, 20)
    some = Fraction(0)
    for alarms in product((0, 1), repeat=6):
        if any(alarms):
            some += level ** sum(alarms) * (1 - level) ** (6 - sum(alarms))
    assert some == 1 - (1 - level) ** 6
