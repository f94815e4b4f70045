"""Metrics of rankings: a second derivation of every answer."""

from itertools import permutations

import numpy as np

from tests.interviews.ml_theory_questions.derive import Given, check


def test_auc_is_the_area_under_the_curve() -> None:
    def derive(given: Given) -> float:
        good, bad = np.array(given.reals("good")), np.array(given.reals("bad"))
        thresholds = np.unique(np.concatenate([good, bad]))[::-1, None]
        true = np.concatenate([[0], (good >= thresholds).mean(1)])
        false = np.concatenate([[0], (bad >= thresholds).mean(1)])
        return float(np.trapezoid(true, false))

    check("auc-with-ties", derive)


def test_ndcg_by_trying_every_order() -> None:
    def derive(given: Given) -> float:
        grades, k = np.array(given.wholes("grades")), given.whole("k")
        discounts = np.log2(np.arange(2, k + 2))
        orders = np.array(list(permutations(2.0**grades - 1)))[:, :k]
        scores = (orders / discounts).sum(1)
        return float(scores[0] / scores.max())  # the first order is the given one

    check("ndcg-at-k", derive)


def test_average_precision_walks_down_the_list() -> None:
    def derive(given: Given) -> float:
        hits, relevant = given.wholes("hits"), given.whole("relevant")
        flags = np.isin(np.arange(1, given.whole("length") + 1), hits)
        precision = np.cumsum(flags) / np.arange(1, flags.size + 1)
        recall = np.cumsum(flags) / relevant
        return float((precision * np.diff(recall, prepend=0)).sum())

    check("average-precision", derive)


def test_reciprocal_rank_searches_the_list() -> None:
    def derive(given: Given) -> float:
        # A row for each query with its right answer, the last row without any.
        ranks = given.wholes("ranks")
        answers = np.zeros((len(ranks) + 1, 10))
        answers[np.arange(len(ranks)), np.array(ranks) - 1] = 1
        return float((answers / np.arange(1, 11)).max(1).mean())

    check("mean-reciprocal-rank", derive)
