"""Metrics of classifiers, and what they mean at a base rate and a sample size."""

import math
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import row, say


def precision_from_base_rate(random: Random) -> Question:
    """Precision from prevalence, recall and false positive rate."""
    base = random.choice((0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05))
    recall = random.randint(12, 19) * 5 / 100
    false = random.choice((0.005, 0.01, 0.02, 0.03, 0.04, 0.05))
    caught, wrong = base * recall, (1 - base) * false
    precision = caught / (caught + wrong)
    return Question(
        prompt=f"{say(100 * base)}% of all transactions are fraud. A classifier flags "
        f"{say(100 * recall)}% of the fraud and {say(100 * false)}% of the honest "
        "transactions. What is its precision, in percent?",
        answer=100 * precision,
        steps=(
            f"Flagged and fraud: {say(base)} × {say(recall)} = {say(caught)}",
            f"Flagged and honest: {say(1 - base)} × {say(false)} = {say(wrong)}",
            (
                f"Precision: {say(caught)} / ({say(caught)} + {say(wrong)}) "
                f"= {say(100 * precision)}%"
            ),
        ),
        distractors=(
            Distractor(
                "the base rate left out: recall / (recall + false positive rate)",
                100 * recall / (recall + false),
            ),
            Distractor("recall taken for precision", 100 * recall),
            Distractor(
                "the share of all transactions that are flagged",
                100 * (caught + wrong),
            ),
        ),
        given={"base": base, "recall": recall, "false": false},
    )


def f_beta(random: Random) -> Question:
    """F-beta from a confusion matrix."""
    tp = random.randint(4, 18) * 5
    fp = random.randint(2, 16) * 5
    fn = random.randint(2, 16) * 5
    tn = random.randint(20, 180) * 5
    beta = random.choice((2.0, 0.5))
    precision, recall = tp / (tp + fp), tp / (tp + fn)

    def f(p: float, r: float, weight: float) -> float:
        return (1 + weight) * p * r / (weight * p + r)

    answer = f(precision, recall, beta**2)
    return Question(
        prompt=f"A classifier's confusion matrix: {tp} true positives, {fp} false "
        f"positives, {fn} false negatives, {tn} true negatives. Compute the F-beta "
        f"score for beta = {say(beta)}, as a number between 0 and 1.",
        answer=answer,
        steps=(
            (
                f"Precision: {tp} / {tp + fp} = {say(precision)}; "
                f"recall: {tp} / {tp + fn} = {say(recall)}"
            ),
            "F-beta = (1 + beta^2) P R / (beta^2 P + R)",
            (
                f"= {say(1 + beta**2)} × {say(precision)} × {say(recall)} / "
                f"({say(beta**2)} × {say(precision)} + {say(recall)}) = {say(answer)}"
            ),
        ),
        distractors=(
            Distractor("F1: beta left out", f(precision, recall, 1)),
            Distractor(
                "precision and recall swapped: beta weights recall",
                f(recall, precision, beta**2),
            ),
            Distractor("beta not squared", f(precision, recall, beta)),
            Distractor(
                "weighted arithmetic mean instead of the harmonic one",
                (precision + beta**2 * recall) / (1 + beta**2),
            ),
        ),
        given={"tp": tp, "fp": fp, "fn": fn, "tn": tn, "beta": beta},
    )


def macro_f1(random: Random) -> Question:
    """Macro-averaged F1 from a confusion matrix of three classes."""
    sizes = (random.choice((60, 80)), random.choice((30, 40)), random.choice((10, 20)))
    matrix = []
    for place, size in enumerate(sizes):
        wrong = [random.randint(1, size // 5), random.randint(1, size // 4)]
        wrong.insert(place, size - sum(wrong))
        matrix.append(wrong)
    columns = [sum(line[place] for line in matrix) for place in range(3)]
    recalls = [matrix[i][i] / sizes[i] for i in range(3)]
    precisions = [matrix[i][i] / columns[i] for i in range(3)]
    scores = [2 * p * r / (p + r) for p, r in zip(precisions, recalls, strict=True)]
    answer = sum(scores) / 3
    p, r = sum(precisions) / 3, sum(recalls) / 3
    rows = "; ".join(
        f"{name}: {row(line)}" for name, line in zip("ABC", matrix, strict=True)
    )
    return Question(
        prompt="A confusion matrix of three classes has one row for each true class "
        f"and in it the counts predicted as A, B, C. {rows}. Compute the "
        "macro-averaged F1: the plain mean of the F1 scores of the classes.",
        answer=answer,
        steps=(
            f"Precisions, by column: {row(precisions)}",
            f"Recalls, by row: {row(recalls)}",
            f"F1 = 2PR / (P + R): {row(scores)}; their mean is {say(answer)}",
        ),
        distractors=(
            Distractor(
                "micro average: it equals accuracy and hides the small class",
                sum(matrix[i][i] for i in range(3)) / sum(sizes),
            ),
            Distractor(
                "weighted by the size of the classes",
                sum(s * n for s, n in zip(scores, sizes, strict=True)) / sum(sizes),
            ),
            Distractor(
                "F1 of the mean precision and the mean recall", 2 * p * r / (p + r)
            ),
        ),
        given={"matrix": tuple(tuple(line) for line in matrix)},
    )


def alerts_per_day(random: Random) -> Question:
    """Alerts a day of a detector, from its throughput, recall and precision."""
    tps = random.choice((200, 500, 1000, 2000, 5000, 10000))
    base = random.choice((0.0002, 0.0005, 0.001, 0.002, 0.005))
    recall = random.choice((0.7, 0.75, 0.8, 0.9, 0.95))
    precision = random.choice((0.1, 0.2, 0.25, 0.3, 0.4))
    fraud = tps * 86400 * base
    answer = fraud * recall / precision
    return Question(
        prompt=f"A payment network handles {say(tps)} transactions a second, day and "
        f"night. {say(100 * base)}% of them are fraud. The detector has a recall of "
        f"{say(100 * recall)}% at a precision of {say(100 * precision)}%. How many "
        "alerts a day does it raise?",
        answer=answer,
        steps=(
            f"Frauds a day: {say(tps)} × 86,400 × {say(base)} = {say(fraud)}",
            f"True alerts: {say(fraud)} × {say(recall)} = {say(fraud * recall)}",
            f"All alerts: {say(fraud * recall)} / {say(precision)} = {say(answer)}",
        ),
        distractors=(
            Distractor("only the true alerts are counted", fraud * recall),
            Distractor("recall left out: frauds / precision", fraud / precision),
            Distractor(
                "multiplied by precision instead of divided",
                fraud * recall * precision,
            ),
            Distractor("alerts an hour", answer / 24),
        ),
        given={"tps": tps, "base": base, "recall": recall, "precision": precision},
    )


def accuracy_interval(random: Random) -> Question:
    """Half-width of the normal 95% interval of an accuracy."""
    n = random.choice((100, 200, 400, 500, 1000, 2000, 2500, 5000))
    correct = n * random.randint(12, 19) // 20
    share = correct / n
    error = math.sqrt(share * (1 - share) / n)
    return Question(
        prompt=f"A model answers {say(correct)} of {say(n)} independent test examples "
        "rightly. By the normal approximation (z = 1.96), its accuracy lies in a 95% "
        "confidence interval of plus or minus how many percentage points?",
        answer=196 * error,
        steps=(
            f"Accuracy: {say(correct)} / {say(n)} = {say(share)}",
            (
                f"Standard error: sqrt({say(share)} × {say(1 - share)} / {say(n)}) "
                f"= {say(error)}"
            ),
            (
                f"Half-width: 1.96 × {say(error)} = {say(1.96 * error)}, "
                f"that is {say(196 * error)} points"
            ),
        ),
        distractors=(
            Distractor("the whole width instead of half of it", 392 * error),
            Distractor("the standard error, without z", 100 * error),
            Distractor("one-sided z = 1.645 instead of two-sided 1.96", 164.5 * error),
            Distractor(
                "standard error without p(1 - p): 1.96 / sqrt(n)", 196 / math.sqrt(n)
            ),
        ),
        given={"n": n, "correct": correct},
    )


def ab_sample_size(random: Random) -> Question:
    """Users an arm of an A/B test on a conversion rate."""
    base = random.choice((0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.2))
    lift = random.choice((0.02, 0.03, 0.04, 0.05, 0.08, 0.1, 0.2))
    gap = base * lift
    target = base + gap
    spread = base * (1 - base) + target * (1 - target)

    def users(z: float, difference: float = gap) -> float:
        other = base + difference
        return z**2 * (base * (1 - base) + other * (1 - other)) / difference**2

    answer = users(1.96 + 0.84)
    return Question(
        prompt=f"An A/B test is to detect a relative lift of {say(100 * lift)}% on a "
        f"conversion rate of {say(100 * base)}%, two-sided at the 5% level "
        "(z = 1.96) with a power of 80% (z = 0.84). By the normal approximation with "
        "each arm's own variance p(1 - p), how many users does each arm need?",
        answer=answer,
        steps=(
            (
                f"Difference: {say(base)} × {say(lift)} = {say(gap)}, "
                f"so the rates are {say(base)} and {say(target)}"
            ),
            (
                f"Variances: {say(base)} × {say(1 - base)} + {say(target)} × "
                f"{say(1 - target)} = {say(spread)}"
            ),
            f"n = (1.96 + 0.84)^2 × {say(spread)} / {say(gap)}^2 = {say(answer)}",
        ),
        distractors=(
            Distractor("both arms together", 2 * answer),
            Distractor("power left out: z = 1.96 alone", users(1.96)),
            Distractor("one-sided level: z = 1.645", users(1.645 + 0.84)),
            Distractor(
                "the relative lift taken as an absolute difference",
                users(1.96 + 0.84, lift),
            ),
        ),
        given={"base": base, "lift": lift},
    )


def cohen_kappa(random: Random) -> Question:
    """Agreement of two annotators beyond chance."""
    yes, no = random.randint(20, 60), random.randint(20, 60)
    first, second = random.randint(3, 20), random.randint(3, 20)
    n = yes + no + first + second
    observed = (yes + no) / n
    one, two = (yes + first) / n, (yes + second) / n
    chance = one * two + (1 - one) * (1 - two)
    answer = (observed - chance) / (1 - chance)
    return Question(
        prompt=f"Two annotators label the same {n} comments. Both say toxic for {yes}, "
        f"both say fine for {no}; {first} are toxic for the first only, {second} for "
        "the second only. What is Cohen's kappa?",
        answer=answer,
        steps=(
            f"Observed agreement: ({yes} + {no}) / {n} = {say(observed)}",
            (
                f"Toxic for the first {say(one)}, for the second {say(two)}; "
                f"agreement by chance: {say(one)} × {say(two)} + "
                f"{say(1 - one)} × {say(1 - two)} "
                f"= {say(chance)}"
            ),
            (
                f"Kappa: ({say(observed)} - {say(chance)}) / (1 - {say(chance)}) "
                f"= {say(answer)}"
            ),
        ),
        distractors=(
            Distractor("raw agreement, chance left in", observed),
            Distractor("not divided by 1 - chance", observed - chance),
            Distractor(
                "chance agreement on the positive label only",
                (observed - one * two) / (1 - one * two),
            ),
            Distractor("the share of both-toxic among any-toxic", yes / (n - no)),
        ),
        given={"yes": yes, "no": no, "first": first, "second": second},
    )


def probability_of_any_false_alarm(random: Random) -> Question:
    """Chance of at least one false alarm among many tests."""
    tests = random.randint(5, 40)
    level = random.choice((0.01, 0.02, 0.05))
    quiet = (1 - level) ** tests
    return Question(
        prompt=f"A monitor tests {tests} independent features for drift every night, "
        f"each at the {say(100 * level)}% level. Nothing has drifted. What is the "
        "chance, in percent, that at least one test raises an alarm tonight?",
        answer=100 * (1 - quiet),
        steps=(
            f"No alarm at all: {say(1 - level)}^{tests} = {say(quiet)}",
            f"At least one: 1 - {say(quiet)} = {say(100 * (1 - quiet))}%",
        ),
        distractors=(
            Distractor(
                "chances added: the expected number of alarms", 100 * tests * level
            ),
            Distractor("the level of a single test", 100 * level),
            Distractor("the chance of no alarm", 100 * quiet),
            Distractor(
                "the chance of exactly one alarm",
                100 * tests * level * (1 - level) ** (tests - 1),
            ),
        ),
        given={"tests": tests, "level": level},
    )
