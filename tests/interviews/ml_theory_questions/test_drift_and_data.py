"""Distances, information and shifts: a second derivation of every answer."""

from fractions import Fraction

import numpy as np
from scipy import stats
from scipy.special import rel_entr

from tests.interviews.ml_theory_questions.derive import Given, check


def test_psi_as_two_divergences() -> None:
    def derive(given: Given) -> float:
        then, now = given.reals("then"), given.reals("now")
        return float(rel_entr(then, now).sum() + rel_entr(now, then).sum())

    check("psi-by-hand", derive)


def test_ks_is_scipys() -> None:
    def derive(given: Given) -> float:
        result = stats.ks_2samp(
            given.wholes("old"), given.wholes("new"), method="asymp"
        )
        return float(result.statistic)

    check("ks-by-hand", derive)


def test_chi_square_as_observed_squared_over_expected() -> None:
    def derive(given: Given) -> float:
        # sum (o - e)^2 / e = sum o^2 / e - n, where both add up to n
        seen = given.wholes("seen")
        n = sum(seen)
        shares = [Fraction(str(share)) for share in given.reals("shares")]
        parts = zip(seen, shares, strict=True)
        return float(sum(Fraction(o * o) / (share * n) for o, share in parts) - n)

    check("chi-square-by-hand", derive)


def test_entropy_is_scipys() -> None:
    check(
        "entropy-in-bits", lambda given: float(stats.entropy(given.reals("p"), base=2))
    )


def test_divergence_is_scipys() -> None:
    def derive(given: Given) -> float:
        return float(stats.entropy(given.reals("p"), given.reals("q"), base=2))

    check("kl-divergence", derive)


def test_perplexity_as_a_geometric_mean() -> None:
    def derive(given: Given) -> float:
        return float(1 / stats.gmean(given.reals("p")))

    check("perplexity", derive)


def test_mutual_information_is_scikit_learns() -> None:
    from sklearn.metrics import mutual_info_score

    def derive(given: Given) -> float:
        table = np.array(given.wholes("counts")).reshape(2, 2)
        return float(mutual_info_score(None, None, contingency=table) / np.log(2))

    check("mutual-information", derive, relative=1e-8)


def test_information_gain_is_mutual_information_with_the_side() -> None:
    def derive(given: Given) -> float:
        joint = np.array([given.wholes("left"), given.wholes("right")], dtype=float)
        joint /= joint.sum()
        apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
        return float(rel_entr(joint, apart).sum() / np.log(2))

    check("information-gain", derive)


def test_the_mix_moves_people_between_segments() -> None:
    def derive(given: Given) -> float:
        before, after = given.reals("before"), given.reals("after")
        moved = [
            Fraction(str(b)) - Fraction(str(a))
            for a, b in zip(before, after, strict=True)
        ]
        rates = given.wholes("rates")
        # Shares that leave the first segment, seen from its rate.
        return float(sum(m * (r - rates[0]) for m, r in zip(moved, rates, strict=True)))

    check("mix-shift", derive)


def test_label_shift_by_weighting_examples() -> None:
    def derive(given: Given) -> float:
        old, new, score = (
            Fraction(str(given.real(n))) for n in ("old", "new", "score")
        )
        # 100 training examples with this score, reweighted to the new base rate:
        # odds in which the old prior odds are taken out.
        odds = score / (1 - score) * (new / (1 - new)) / (old / (1 - old))
        return float(odds / (1 + odds))

    check("label-shift", derive)
