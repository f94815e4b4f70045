"""Probabilities: how they are scored, calibrated, updated and acted on."""

import math
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import row, say, total


def _forecasts(random: Random) -> tuple[list[float], list[int]]:
    """Draw four probabilities and outcomes of both kinds."""
    chances = [random.choice((5, 10, 20, 30, 40, 60, 70, 80, 90)) / 100 for _ in "1234"]
    outcomes = [0, 1, random.randint(0, 1), random.randint(0, 1)]
    random.shuffle(outcomes)
    return chances, outcomes


def brier_score(random: Random) -> Question:
    """Brier score of four forecasts."""
    chances, outcomes = _forecasts(random)
    gaps = [p - y for p, y in zip(chances, outcomes, strict=True)]
    squares = [gap**2 for gap in gaps]
    answer = sum(squares) / 4
    return Question(
        prompt=f"A model predicts the probabilities {row(chances)} of a click; the "
        f"outcomes are {row(outcomes)} (1 = click). What is its Brier score, in the "
        "form that scores the probability of a click alone, averaged over the four "
        "examples?",
        answer=answer,
        steps=(
            f"Squared errors (p - y)^2: {row(squares)}",
            f"Mean: ({total(squares)}) / 4 = {say(answer)}",
        ),
        distractors=(
            Distractor("mean absolute error", sum(map(abs, gaps)) / 4),
            Distractor("root taken: RMSE", math.sqrt(answer)),
            Distractor("sum instead of mean", 4 * answer),
            Distractor("both classes counted, as in Brier's own form", 2 * answer),
            Distractor(
                "share of errors at the threshold 0.5",
                sum(abs(gap) > 0.5 for gap in gaps) / 4,
            ),
        ),
        given={"chances": tuple(chances), "outcomes": tuple(outcomes)},
    )


def log_loss(random: Random) -> Question:
    """Binary cross-entropy of four forecasts, in nats."""
    chances, outcomes = _forecasts(random)
    right = [p if y else 1 - p for p, y in zip(chances, outcomes, strict=True)]
    losses = [-math.log(p) for p in right]
    answer = sum(losses) / 4
    return Question(
        prompt=f"A model predicts the probabilities {row(chances)} of a click; the "
        f"outcomes are {row(outcomes)} (1 = click). What is its log loss: the mean "
        "binary cross-entropy, with the natural logarithm?",
        answer=answer,
        steps=(
            f"Probability given to what happened: {row(right)}",
            f"-ln of each: {row(losses)}",
            f"Mean: {say(answer)}",
        ),
        distractors=(
            Distractor("logarithm to base 2", answer / math.log(2)),
            Distractor(
                "negatives left out: only -y ln p, over all examples",
                sum(x for x, y in zip(losses, outcomes, strict=True) if y) / 4,
            ),
            Distractor("sum instead of mean", 4 * answer),
            Distractor(
                "-ln p for every example, also for negatives",
                -sum(math.log(p) for p in chances) / 4,
            ),
        ),
        given={"chances": tuple(chances), "outcomes": tuple(outcomes)},
    )


def expected_calibration_error(random: Random) -> Question:
    """ECE from bins."""
    counts = [random.randint(1, 12) * 50 for _ in range(3)]
    confidence = [random.randint(a, a + 15) / 100 for a in (52, 70, 84)]
    accuracy = [round(c + random.randint(-15, 8) / 100, 2) for c in confidence]
    accuracy = [min(a, 1.0) for a in accuracy]
    n = sum(counts)
    gaps = [a - c for a, c in zip(accuracy, confidence, strict=True)]
    answer = sum(k * abs(gap) for k, gap in zip(counts, gaps, strict=True)) / n
    bins = "; ".join(
        f"{k} examples, confidence {say(c)}, accuracy {say(a)}"
        for k, c, a in zip(counts, confidence, accuracy, strict=True)
    )
    return Question(
        prompt="The predictions of a classifier fall into three bins (mean confidence "
        f"and accuracy in the bin): {bins}. What is the expected calibration error, "
        "as a number between 0 and 1?",
        answer=answer,
        steps=(
            f"Gaps |accuracy - confidence|: {row(map(abs, gaps))}",
            f"Weights: {row(k / n for k in counts)} (of {say(n)})",
            f"Weighted sum: {say(answer)}",
        ),
        distractors=(
            Distractor("plain mean over bins, sizes left out", sum(map(abs, gaps)) / 3),
            Distractor(
                "the largest gap (maximum calibration error)", max(map(abs, gaps))
            ),
            Distractor(
                "gaps with their signs cancel each other",
                abs(sum(k * gap for k, gap in zip(counts, gaps, strict=True))) / n,
            ),
            Distractor(
                "gaps squared",
                sum(k * gap**2 for k, gap in zip(counts, gaps, strict=True)) / n,
            ),
        ),
        given={
            "counts": tuple(counts),
            "confidence": tuple(confidence),
            "accuracy": tuple(accuracy),
        },
    )


def threshold_from_costs(random: Random) -> Question:
    """The probability from which acting is cheaper than not acting."""
    review, loss = random.randint(2, 15), random.randint(20, 120)
    answer = review / (review + loss)
    return Question(
        prompt="A calibrated model gives the probability that a transaction is fraud. "
        f"Blocking an honest customer costs ${review}, letting a fraud through costs "
        f"${loss}, right decisions cost nothing. From which probability on is it "
        "cheaper to block?",
        answer=answer,
        steps=(
            f"Blocking costs (1 - p) × {review} on average, letting through p × {loss}",
            f"Equal at p = {review} / ({review} + {loss}) = {say(answer)}",
        ),
        distractors=(
            Distractor("0.5, whatever the costs", 0.5),
            Distractor("the costs swapped", loss / (review + loss)),
            Distractor(
                "the ratio of the costs: an honest customer's (1 - p) left out",
                review / loss,
            ),
        ),
        given={"review": review, "loss": loss},
    )


def two_positive_tests(random: Random) -> Question:
    """Posterior after two independent positive tests."""
    base = random.choice((0.001, 0.002, 0.005, 0.01, 0.02))
    hit = random.choice((0.8, 0.85, 0.9, 0.95, 0.99))
    clear = random.choice((0.9, 0.92, 0.95, 0.96, 0.98))
    ratio = hit / (1 - clear)
    odds = base / (1 - base)

    def posterior(factor: float) -> float:
        return 100 * odds * factor / (1 + odds * factor)

    answer = posterior(ratio**2)
    return Question(
        prompt=f"A disease has a prevalence of {say(100 * base)}%. A test has a "
        f"sensitivity of {say(100 * hit)}% and a specificity of {say(100 * clear)}%. "
        "A patient from the general population tests positive twice; the tests are "
        "independent given the true state. What is the probability of the disease, "
        "in percent?",
        answer=answer,
        steps=(
            f"Prior odds: {say(base)} / {say(1 - base)} = {say(odds)}",
            (
                f"Likelihood ratio of one positive: {say(hit)} / {say(1 - clear)} "
                f"= {say(ratio)}"
            ),
            f"Posterior odds: {say(odds)} × {say(ratio)}^2 = {say(odds * ratio**2)}",
            f"Probability: odds / (1 + odds) = {say(answer)}%",
        ),
        distractors=(
            Distractor("one positive test only", posterior(ratio)),
            Distractor(
                "base rate left out: prior odds taken as 1",
                100 * ratio**2 / (1 + ratio**2),
            ),
            Distractor("sensitivity taken for the posterior", 100 * hit),
            Distractor(
                "posterior of one test counted twice as independent",
                100 * (1 - (1 - posterior(ratio) / 100) ** 2),
            ),
        ),
        given={"base": base, "hit": hit, "clear": clear},
    )


def probability_after_undersampling(random: Random) -> Question:
    """Correct a probability learnt on undersampled negatives."""
    kept = random.choice((1, 2, 4, 5, 10, 20, 25))
    score = random.randint(4, 18) / 20
    beta = kept / 100
    answer = beta * score / (beta * score + 1 - score)
    odds = score / (1 - score)
    return Question(
        prompt=f"A click model was trained on all clicks and a random {kept}% of the "
        f"non-clicks. It is calibrated on that training set and now says "
        f"{say(score)}. What is the click probability on real traffic?",
        answer=answer,
        steps=(
            f"Odds in the training set: {say(score)} / {say(1 - score)} = {say(odds)}",
            (
                f"Negatives were kept at {say(beta)}: true odds {say(odds)} × "
                f"{say(beta)} = {say(odds * beta)}"
            ),
            (
                f"Probability: {say(odds * beta)} / (1 + {say(odds * beta)}) "
                f"= {say(answer)}"
            ),
        ),
        distractors=(
            Distractor("no correction", score),
            Distractor("probability scaled instead of the odds", score * beta),
            Distractor(
                "odds divided by the kept share instead of multiplied",
                score / (score + beta * (1 - score)),
            ),
            Distractor("the corrected odds taken for a probability", odds * beta),
        ),
        given={"beta": beta, "score": score},
    )
