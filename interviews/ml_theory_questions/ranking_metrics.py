"""Metrics of rankings, by hand."""

import math
from itertools import product
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import row, say, total


def auc_with_ties(random: Random) -> Question:
    """Area under the ROC curve by counting pairs, ties as a half."""
    grid = [place / 10 for place in range(1, 10)]
    good = sorted(random.choices(grid[2:], k=random.randint(3, 4)), reverse=True)
    bad = sorted(random.choices(grid[:-2], k=random.randint(3, 5)), reverse=True)
    pairs = len(good) * len(bad)
    wins = sum(a > b for a, b in product(good, bad))
    ties = sum(a == b for a, b in product(good, bad))
    answer = (wins + ties / 2) / pairs
    n = len(good) + len(bad)
    return Question(
        prompt=f"A model scores the positives {row(good)} and the negatives "
        f"{row(bad)}. Compute the area under its ROC curve, whose points are joined "
        "by straight lines.",
        answer=answer,
        steps=(
            f"Pairs of a positive and a negative: {len(good)} × {len(bad)} = {pairs}",
            f"The positive is higher in {wins} pairs and equal in {ties}",
            f"AUC: ({wins} + {ties} / 2) / {pairs} = {say(answer)}",
        ),
        distractors=(
            Distractor("ties count for nothing", wins / pairs),
            Distractor("ties count in full", (wins + ties) / pairs),
            Distractor(
                "divided by all pairs of examples, also of one class",
                (wins + ties / 2) / (n * (n - 1) / 2),
            ),
            Distractor("tied pairs left out", wins / max(pairs - ties, 1)),
        ),
        given={"good": tuple(good), "bad": tuple(bad)},
    )


def ndcg_at_k(random: Random) -> Question:
    """NDCG with exponential gains."""
    k = random.choice((3, 4))
    grades = [random.randint(0, 3) for _ in range(k + 2)]

    def dcg(order: list[int], linear: bool = False) -> float:
        return sum(
            (grade if linear else 2**grade - 1) / math.log2(place + 2)
            for place, grade in enumerate(order[:k])
        )

    ideal = sorted(grades, reverse=True)
    answer = dcg(grades) / dcg(ideal) if any(grades) else math.nan
    seen = sorted(grades[:k], reverse=True)
    return Question(
        prompt="A search engine returns documents with the relevance grades "
        f"{row(grades)}, best rank first; there are no other relevant documents. "
        f"Compute NDCG@{k} with gain 2^grade - 1 and discount 1 / log2(rank + 1), "
        "ranks from 1.",
        answer=answer,
        steps=(
            f"Discounts: {row(1 / math.log2(place + 2) for place in range(k))}",
            (
                f"DCG: gains {row(2**grade - 1 for grade in grades[:k])} give "
                f"{say(dcg(grades))}"
            ),
            (
                f"Ideal order {row(ideal)}: gains "
                f"{row(2**grade - 1 for grade in ideal[:k])} give {say(dcg(ideal))}"
            ),
            f"NDCG@{k}: {say(dcg(grades))} / {say(dcg(ideal))} = {say(answer)}",
        ),
        distractors=(
            Distractor(
                "linear gains instead of 2^grade - 1",
                dcg(grades, True) / max(dcg(ideal, True), 1e-9),
            ),
            Distractor("DCG, not divided by the ideal", dcg(grades)),
            Distractor(
                f"the ideal made of the first {k} only, not of all documents",
                dcg(grades) / max(dcg(seen), 1e-9),
            ),
            Distractor(
                "no discount: gains divided by ideal gains",
                sum(2**g - 1 for g in grades[:k])
                / max(sum(2**g - 1 for g in ideal[:k]), 1e-9),
            ),
        ),
        given={"grades": tuple(grades), "k": k},
    )


def average_precision(random: Random) -> Question:
    """Average precision with a relevant document that was not found."""
    length = random.randint(6, 8)
    hits = sorted(random.sample(range(1, length + 1), 3))
    missed = random.randint(1, 2)
    relevant = len(hits) + missed
    precisions = [(place + 1) / rank for place, rank in enumerate(hits)]
    answer = sum(precisions) / relevant
    return Question(
        prompt=f"A query has {relevant} relevant documents. The engine returns "
        f"{length} documents, of which those at ranks {row(hits)} are relevant; the "
        "others were not found. What is the average precision of this ranking?",
        answer=answer,
        steps=(
            "Precision at each hit: "
            + ", ".join(f"{i + 1}/{rank}" for i, rank in enumerate(hits))
            + f" = {row(precisions)}",
            (
                f"Relevant documents that were not found add 0; divide by {relevant}: "
                f"({total(precisions)}) / {relevant} = {say(answer)}"
            ),
        ),
        distractors=(
            Distractor(
                "divided by the relevant documents found only", sum(precisions) / 3
            ),
            Distractor("divided by the length of the list", sum(precisions) / length),
            Distractor(f"precision at {length}", 3 / length),
            Distractor("recall: found / relevant", 3 / relevant),
        ),
        given={"hits": tuple(hits), "length": length, "relevant": relevant},
    )


def mean_reciprocal_rank(random: Random) -> Question:
    """MRR with a query that found nothing."""
    ranks = [random.randint(1, 10) for _ in range(random.randint(3, 4))]
    queries = len(ranks) + 1
    answer = sum(1 / rank for rank in ranks) / queries
    return Question(
        prompt=f"For {queries} queries, the first right answer stands at the ranks "
        f"{row(ranks)}; for the last query none was returned. What is the mean "
        "reciprocal rank?",
        answer=answer,
        steps=(
            f"Reciprocal ranks: {row(1 / rank for rank in ranks)}, and 0 for the miss",
            f"Their mean over {queries} queries: {say(answer)}",
        ),
        distractors=(
            Distractor(
                "the query without an answer left out", answer * queries / len(ranks)
            ),
            Distractor("the reciprocal of the mean rank", len(ranks) / sum(ranks)),
            Distractor("the mean rank", sum(ranks) / len(ranks)),
            Distractor(
                "reciprocal ranks counted from zero: 1 / (rank + 1)",
                sum(1 / (rank + 1) for rank in ranks) / queries,
            ),
        ),
        given={"ranks": tuple(ranks)},
    )
