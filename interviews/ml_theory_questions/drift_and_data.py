"""Distances between distributions, information, and shifts of a population."""

import math
from itertools import pairwise
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import row, say


def _shares(random: Random, size: int, parts: int = 20) -> list[float]:
    """Draw positive shares in steps of 1 / parts that add to one."""
    cuts = sorted(random.sample(range(1, parts), size - 1))
    ends = [0, *cuts, parts]
    return [(b - a) / parts for a, b in pairwise(ends)]


def _kl(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def _entropy(p: list[float]) -> float:
    """Entropy in bits."""
    return -sum(a * math.log2(a) for a in p if a)


def psi_by_hand(random: Random) -> Question:
    """Population stability index of four bins."""
    then, now = _shares(random, 4), _shares(random, 4)
    parts = [(b - a) * math.log(b / a) for a, b in zip(then, now, strict=True)]
    answer = sum(parts)
    return Question(
        prompt=f"A score falls into four bins with the shares {row(then)} in training "
        f"and {row(now)} this week. What is the population stability index, with the "
        "natural logarithm?",
        answer=answer,
        steps=(
            f"(now - then) × ln(now / then): {row(parts)}",
            f"Sum: {say(answer)}",
        ),
        distractors=(
            Distractor("KL divergence of now from then", _kl(now, then)),
            Distractor("KL divergence of then from now", _kl(then, now)),
            Distractor("logarithm to base 2", answer / math.log(2)),
            Distractor(
                "absolute differences of the shares summed",
                sum(abs(b - a) for a, b in zip(then, now, strict=True)),
            ),
        ),
        given={"then": tuple(then), "now": tuple(now)},
    )


def ks_by_hand(random: Random) -> Question:
    """Two-sample Kolmogorov-Smirnov statistic with ties."""
    old = sorted(random.choices(range(1, 8), k=random.choice((4, 5))))
    new = sorted(random.choices(range(2, 10), k=random.choice((4, 5))))
    points = sorted({*old, *new})

    def below(sample: list[int], x: int) -> float:
        return sum(value <= x for value in sample) / len(sample)

    gaps = [abs(below(old, x) - below(new, x)) for x in points]
    where = points[gaps.index(max(gaps))]
    return Question(
        prompt=f"A feature was {row(old)} in training and is {row(new)} in production. "
        "What is the two-sample Kolmogorov-Smirnov statistic?",
        answer=max(gaps),
        steps=(
            f"At {row(points)} the distribution functions differ by {row(gaps)}",
            f"The largest gap, at {where}: {say(max(gaps))}",
        ),
        distractors=(
            Distractor(
                "the largest gap between the shares of single values",
                max(
                    abs(old.count(x) / len(old) - new.count(x) / len(new))
                    for x in points
                ),
            ),
            Distractor(
                "the area between the distribution functions (Wasserstein distance)",
                sum(
                    gap * (b - a)
                    for gap, a, b in zip(gaps, points, points[1:], strict=False)
                ),
            ),
            Distractor(
                "the difference of the means",
                abs(sum(old) / len(old) - sum(new) / len(new)),
            ),
            Distractor("the mean gap", sum(gaps) / len(gaps)),
        ),
        given={"old": tuple(old), "new": tuple(new)},
    )


def chi_square_by_hand(random: Random) -> Question:
    """Chi-square statistic of counts against shares."""
    shares = _shares(random, 4, 10)
    n = random.choice((100, 200, 400))
    expected = [round(share * n) for share in shares]
    moves = [random.randint(-expected[i] // 3, expected[i] // 3) for i in range(3)]
    seen = [e + m for e, m in zip(expected, [*moves, -sum(moves)], strict=True)]
    parts = [(o - e) ** 2 / e for o, e in zip(seen, expected, strict=True)]
    answer = sum(parts) if min(seen) > 0 else math.nan
    return Question(
        prompt=f"In training, four categories had the shares {row(shares)}. Of {n} "
        f"requests today they have {row(seen)}. What is the chi-square statistic?",
        answer=answer,
        steps=(
            f"Expected counts: {row(expected)}",
            f"(observed - expected)^2 / expected: {row(parts)}",
            f"Sum: {say(sum(parts))}",
        ),
        distractors=(
            Distractor(
                "divided by the observed counts",
                sum(
                    (o - e) ** 2 / o
                    for o, e in zip(seen, expected, strict=True)
                    if o > 0
                ),
            ),
            Distractor(
                "differences not squared",
                sum(abs(o - e) / e for o, e in zip(seen, expected, strict=True)),
            ),
            Distractor("shares instead of counts: divided by n", sum(parts) / n),
            Distractor("mean over the categories", sum(parts) / 4),
        ),
        given={"shares": tuple(shares), "seen": tuple(seen)},
    )


def entropy_in_bits(random: Random) -> Question:
    """Entropy of a distribution over four classes."""
    p = _shares(random, 4)
    answer = _entropy(p)
    return Question(
        prompt=f"A classifier gives four classes the probabilities {row(p)}. What is "
        "the entropy of this distribution, in bits?",
        answer=answer,
        steps=(
            f"-p log2 p: {row(-a * math.log2(a) for a in p)}",
            f"Sum: {say(answer)} bits",
        ),
        distractors=(
            Distractor("in nats: natural logarithm", answer * math.log(2)),
            Distractor("the uniform distribution's: log2 4", 2.0),
            Distractor("Gini impurity", 1 - sum(a * a for a in p)),
            Distractor("the most likely class's surprise", -math.log2(max(p))),
        ),
        given={"p": tuple(p)},
    )


def kl_divergence(random: Random) -> Question:
    """KL divergence in bits."""
    p, q = _shares(random, 3, 10), _shares(random, 3, 10)
    parts = [a * math.log2(a / b) for a, b in zip(p, q, strict=True)]
    answer = sum(parts)
    return Question(
        prompt=f"P = ({row(p)}) and Q = ({row(q)}). What is the Kullback-Leibler "
        "divergence D(P || Q), in bits?",
        answer=answer if answer > 0.05 else math.nan,
        steps=(f"p log2(p / q): {row(parts)}", f"Sum: {say(answer)} bits"),
        distractors=(
            Distractor("the other way round: D(Q || P)", _kl(q, p) / math.log(2)),
            Distractor("in nats: natural logarithm", answer * math.log(2)),
            Distractor(
                "cross-entropy: the entropy of P not subtracted", answer + _entropy(p)
            ),
            Distractor(
                "half the sum of absolute differences (total variation)",
                sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2,
            ),
        ),
        given={"p": tuple(p), "q": tuple(q)},
    )


def perplexity(random: Random) -> Question:
    """Perplexity from the probabilities of tokens."""
    p = [random.choice((0.05, 0.1, 0.2, 0.25, 0.4, 0.5, 0.8)) for _ in range(4)]
    mean = -sum(math.log(a) for a in p) / 4
    return Question(
        prompt=f"A language model gives the four tokens of a text the probabilities "
        f"{row(p)}. What is its perplexity on this text?",
        answer=math.exp(mean),
        steps=(
            f"-ln p: {row(-math.log(a) for a in p)}; mean {say(mean)}",
            f"e^{say(mean)} = {say(math.exp(mean))}",
        ),
        distractors=(
            Distractor("mean of 1 / p", sum(1 / a for a in p) / 4),
            Distractor("1 / mean of p", 4 / sum(p)),
            Distractor("cross-entropy, not exponentiated", mean),
            Distractor("bases mixed: 2 to the power of nats", 2**mean),
            Distractor("not divided by the length: 1 / product", 1 / math.prod(p)),
        ),
        given={"p": tuple(p)},
    )


def mutual_information(random: Random) -> Question:
    """Mutual information of a two by two table, in bits."""
    counts = [random.randint(2, 20) * 5 for _ in range(4)]
    n = sum(counts)
    joint = [count / n for count in counts]
    one = [joint[0] + joint[1], joint[2] + joint[3]]
    two = [joint[0] + joint[2], joint[1] + joint[3]]
    h1, h2, h12 = _entropy(one), _entropy(two), _entropy(joint)
    answer = h1 + h2 - h12
    return Question(
        prompt="Counts of users by churn (rows: yes, no) and complaint (columns: yes, "
        f"no): first row {counts[0]}, {counts[1]}; second row {counts[2]}, "
        f"{counts[3]}. What is the mutual information of the two variables, in bits?",
        # Below a few hundredths, rounding in the working eats up the answer.
        answer=answer if answer > 0.05 else math.nan,
        steps=(
            f"Entropy of churn: {say(h1)}; of complaint: {say(h2)}",
            f"Joint entropy: {say(h12)}",
            f"{say(h1)} + {say(h2)} - {say(h12)} = {say(answer)} bits",
        ),
        distractors=(
            Distractor("joint entropy", h12),
            Distractor("conditional entropy of churn given complaint", h12 - h2),
            Distractor("in nats: natural logarithm", answer * math.log(2)),
            Distractor("sum of the entropies: joint not subtracted", h1 + h2),
        ),
        given={"counts": tuple(counts)},
    )


def information_gain(random: Random) -> Question:
    """Information gain of a binary split."""
    left = [random.randint(4, 12), random.randint(1, 6)]
    right = [random.randint(1, 6), random.randint(3, 12)]
    both = [a + b for a, b in zip(left, right, strict=True)]
    n = sum(both)

    def h(counts: list[int]) -> float:
        return _entropy([count / sum(counts) for count in counts])

    after = (sum(left) * h(left) + sum(right) * h(right)) / n

    def gini(counts: list[int]) -> float:
        return 1 - sum((count / sum(counts)) ** 2 for count in counts)

    return Question(
        prompt=f"A node of a decision tree holds {both[0]} positive and {both[1]} "
        f"negative examples. A split sends {left[0]} positive and {left[1]} negative "
        "to the left and the rest to the right. What is its information gain, in bits?",
        # A small difference would ask for more digits than anybody carries.
        answer=h(both) - after if h(both) - after > 0.03 else math.nan,
        steps=(
            f"Entropy before: {say(h(both))}",
            (
                f"Left ({sum(left)} of {n}): {say(h(left))}; right "
                f"({sum(right)} of {n}): {say(h(right))}; weighted mean {say(after)}"
            ),
            f"Gain: {say(h(both))} - {say(after)} = {say(h(both) - after)} bits",
        ),
        distractors=(
            Distractor(
                "children not weighted by size", h(both) - (h(left) + h(right)) / 2
            ),
            Distractor("entropy after the split", after),
            Distractor(
                "decrease of the Gini impurity",
                gini(both) - (sum(left) * gini(left) + sum(right) * gini(right)) / n,
            ),
            Distractor("in nats: natural logarithm", (h(both) - after) * math.log(2)),
        ),
        given={"left": tuple(left), "right": tuple(right)},
    )


def mix_shift(random: Random) -> Question:
    """The change of a rate when only the shares of segments change."""
    rates = random.sample((1, 2, 3, 4, 5, 6, 8, 10, 12), 3)
    before, after = _shares(random, 3, 10), _shares(random, 3, 10)
    old = sum(r * s for r, s in zip(rates, before, strict=True))
    new = sum(r * s for r, s in zip(rates, after, strict=True))
    return Question(
        prompt="Conversion is "
        + ", ".join(
            f"{r}% on {name}"
            for r, name in zip(rates, ("web", "iOS", "Android"), strict=True)
        )
        + ", last month as well as this. The shares of traffic were "
        f"{row(before)} and are now {row(after)}. By how many percentage points has "
        "the overall conversion changed? (negative if it fell)",
        answer=new - old if abs(new - old) > 0.05 else math.nan,
        steps=(
            f"Before: {say(old)}%; now: {say(new)}%",
            (
                f"Change: {say(new)} - {say(old)} = {say(new - old)} points, with no "
                "segment changed"
            ),
        ),
        distractors=(
            Distractor("no segment changed, so nothing changed", 0.0),
            Distractor("relative change instead of points", 100 * (new - old) / old),
            Distractor("the sign turned: before minus now", old - new),
            Distractor(
                "the new mix against the plain mean of the segments",
                new - sum(rates) / 3,
            ),
        ),
        given={"rates": tuple(rates), "before": tuple(before), "after": tuple(after)},
    )


def label_shift(random: Random) -> Question:
    """A posterior corrected for a new base rate."""
    old = random.choice((0.1, 0.2, 0.25, 0.5))
    new = random.choice((0.01, 0.02, 0.05, 0.3, 0.4))
    score = random.choice((0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9))
    up, down = score * new / old, (1 - score) * (1 - new) / (1 - old)
    answer = up / (up + down)
    return Question(
        prompt=f"A calibrated classifier was trained where {say(100 * old)}% were "
        f"positive. In production {say(100 * new)}% are, and the features given the "
        f"class have not changed. It says {say(score)} for an example. What is the "
        "right probability there?",
        answer=answer,
        steps=(
            f"Positive: {say(score)} × {say(new)} / {say(old)} = {say(up)}",
            (
                f"Negative: {say(1 - score)} × {say(1 - new)} / {say(1 - old)} "
                f"= {say(down)}"
            ),
            f"{say(up)} / ({say(up)} + {say(down)}) = {say(answer)}",
        ),
        distractors=(
            Distractor("no correction", score),
            Distractor("scaled, not normalised again: p × new / old", up),
            Distractor(
                "the old prior not taken out: multiplied by the new odds only",
                score * new / (score * new + (1 - score) * (1 - new)),
            ),
            Distractor(
                "corrected the wrong way round",
                (score * old / new)
                / (score * old / new + (1 - score) * (1 - old) / (1 - new)),
            ),
        ),
        given={"old": old, "new": new, "score": score},
    )
