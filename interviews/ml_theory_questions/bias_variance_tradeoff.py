"""Bias, variance and what regularization and averaging do to them."""

import math
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import row, say, total


def variance_of_correlated_average(random: Random) -> Question:
    """Variance of the mean of equally correlated predictors."""
    models = random.choice((4, 5, 8, 10, 20, 25, 50))
    variance = random.choice((1, 2, 4, 9))
    rho = random.choice((5, 10, 20, 25, 30, 40, 50, 60)) / 100
    answer = rho * variance + (1 - rho) * variance / models
    return Question(
        prompt=f"The predictions of {models} trees each have the variance {variance}; "
        f"the correlation between any two is {say(rho)}. What is the variance of "
        "their average?",
        answer=answer,
        steps=(
            "Variance of the average: rho s^2 + (1 - rho) s^2 / B",
            (
                f"{say(rho)} × {variance} + {say(1 - rho)} × {variance} / {models} "
                f"= {say(answer)}"
            ),
        ),
        distractors=(
            Distractor("taken as independent: s^2 / B", variance / models),
            Distractor("the limit of infinitely many trees", rho * variance),
            Distractor("the uncorrelated part only", (1 - rho) * variance / models),
            Distractor("averaging changes nothing", variance),
        ),
        given={"models": models, "variance": variance, "rho": rho},
    )


def error_of_five_models(random: Random) -> Question:
    """Expected squared error from predictions of models on five training sets."""
    truth = random.randint(10, 20)
    shift = random.choice((-4, -3, -2, 2, 3, 4))
    predictions = [truth + shift + random.randint(-4, 4) for _ in range(5)]
    noise = random.choice((1, 2, 3))
    mean = sum(predictions) / 5
    bias = mean - truth
    variance = sum((p - mean) ** 2 for p in predictions) / 5
    answer = bias**2 + variance + noise**2
    return Question(
        prompt="The same model is trained on five training sets; at one point its "
        f"predictions are {row(predictions)}. The true value there is {truth}, and "
        f"observations have noise of standard deviation {noise}. Taking the five as "
        "the whole distribution (divide by 5), what is the expected squared error on "
        "a new observation at that point?",
        answer=answer,
        steps=(
            f"Mean prediction {say(mean)}: bias {say(bias)}, squared {say(bias**2)}",
            f"Variance of the predictions: {say(variance)}",
            f"Noise: {noise}^2 = {noise**2}",
            f"{total((bias**2, variance, noise**2))} = {say(answer)}",
        ),
        distractors=(
            Distractor("noise left out", bias**2 + variance),
            Distractor("bias not squared", abs(bias) + variance + noise**2),
            Distractor("variance left out", bias**2 + noise**2),
            Distractor(
                "standard deviations added instead of variances",
                bias**2 + math.sqrt(variance) + noise,
            ),
        ),
        given={"truth": truth, "predictions": tuple(predictions), "noise": noise},
    )


def shrunken_mean_error(random: Random) -> Question:
    """Mean squared error of a multiple of the sample mean."""
    c = random.choice((0.5, 0.6, 0.7, 0.8, 0.9))
    mu = random.randint(1, 6)
    sigma = random.choice((2, 3, 4, 6))
    n = random.choice((4, 5, 9, 10, 16))
    spread = sigma**2 / n
    answer = (1 - c) ** 2 * mu**2 + c**2 * spread
    return Question(
        prompt=f"The mean {mu} of a population with standard deviation {sigma} is "
        f"estimated by {say(c)} times the mean of {n} independent observations. What "
        "is the mean squared error of this estimator?",
        answer=answer,
        steps=(
            f"Bias: ({say(c)} - 1) × {mu} = {say((c - 1) * mu)}",
            f"Variance: {say(c)}^2 × {sigma**2} / {n} = {say(c**2 * spread)}",
            f"MSE: {say((1 - c) ** 2 * mu**2)} + {say(c**2 * spread)} = {say(answer)}",
        ),
        distractors=(
            Distractor("variance alone", c**2 * spread),
            Distractor(
                "factor not squared in the variance", (1 - c) ** 2 * mu**2 + c * spread
            ),
            Distractor("bias not squared", (1 - c) * mu + c**2 * spread),
            Distractor(
                "variance of one observation: not divided by n",
                (1 - c) ** 2 * mu**2 + c**2 * sigma**2,
            ),
        ),
        given={"c": c, "mu": mu, "sigma": sigma, "n": n},
    )


def naive_variance(random: Random) -> Question:
    """The expectation of the variance estimator that divides by n."""
    n = random.randint(3, 12)
    variance = random.choice((4, 6, 9, 10, 12, 16, 20, 25))
    answer = (n - 1) / n * variance
    return Question(
        prompt=f"{n} independent observations are drawn from a distribution with "
        f"variance {variance}. What is the expected value of the sample variance "
        f"that divides by {n} (squared distances to the sample mean)?",
        answer=answer,
        steps=(
            "The sample mean is fitted to the data: E = (n - 1) / n × variance",
            f"{n - 1} / {n} × {variance} = {say(answer)}",
        ),
        distractors=(
            Distractor("taken as unbiased", variance),
            Distractor("biased the other way: n / (n - 1)", n / (n - 1) * variance),
            Distractor("variance of the mean instead", variance / n),
        ),
        given={"n": n, "variance": variance},
    )


def knn_error(random: Random) -> Question:
    """Expected squared error of k-NN regression at a fixed point."""
    k = random.choice((2, 3, 4, 5))
    truth = random.randint(5, 12)
    near = [truth + random.randint(-2, 5) for _ in range(k)]
    noise = random.choice((1, 2, 3, 4))
    bias = truth - sum(near) / k
    answer = noise**2 + bias**2 + noise**2 / k
    return Question(
        prompt=f"A {k}-nearest-neighbour regression predicts at a point where the true "
        f"function is {truth}. The true function at the {k} neighbours (fixed) is "
        f"{row(near)}; all observations have noise of standard deviation {noise}. "
        "What is the expected squared error on a new observation at the point?",
        answer=answer,
        steps=(
            f"Irreducible: {noise}^2 = {noise**2}",
            f"Squared bias: ({truth} - {say(sum(near) / k)})^2 = {say(bias**2)}",
            (
                f"Variance of the mean of {k} noisy values: {noise**2} / {k} "
                f"= {say(noise**2 / k)}"
            ),
            f"Sum: {say(answer)}",
        ),
        distractors=(
            Distractor("irreducible noise left out", bias**2 + noise**2 / k),
            Distractor("variance not divided by k", noise**2 + bias**2 + noise**2),
            Distractor("bias left out", noise**2 + noise**2 / k),
            Distractor("bias not squared", noise**2 + abs(bias) + noise**2 / k),
        ),
        given={"truth": truth, "near": tuple(near), "noise": noise},
    )


def ridge_in_one_dimension(random: Random) -> Question:
    """The ridge coefficient of one feature."""
    x = [random.choice((-3, -2, -1, 1, 2, 3)) for _ in "123"]
    y = [2 * a + random.randint(-2, 2) for a in x]
    penalty = random.choice((1, 2, 4, 5, 10))
    top = sum(a * b for a, b in zip(x, y, strict=True))
    below = sum(a * a for a in x)
    answer = top / (below + penalty)
    return Question(
        prompt="Ridge regression without an intercept minimises the sum of "
        f"(y - w x)^2 plus {penalty} w^2 over the points x = {row(x)}, "
        f"y = {row(y)}. What is w?",
        answer=answer,
        steps=(
            f"Sum of x y: {top}; sum of x^2: {below}",
            f"w = {top} / ({below} + {penalty}) = {say(answer)}",
        ),
        distractors=(
            Distractor("penalty left out: least squares", top / below),
            Distractor(
                "penalty times the number of points", top / (below + 3 * penalty)
            ),
            Distractor(
                "lasso's soft threshold",
                math.copysign(max(abs(top) - penalty / 2, 0), top) / below,
            ),
            Distractor(
                "penalty subtracted",
                top / (below - penalty) if below != penalty else math.nan,
            ),
        ),
        given={"x": tuple(x), "y": tuple(y), "penalty": penalty},
    )


def ridge_degrees_of_freedom(random: Random) -> Question:
    """Effective degrees of freedom from singular values."""
    values = sorted(random.sample((1, 2, 3, 4, 5, 6, 8, 10), 3), reverse=True)
    penalty = random.choice((1, 2, 4, 5, 10, 20))
    parts = [d**2 / (d**2 + penalty) for d in values]
    answer = sum(parts)
    return Question(
        prompt=f"A centred design matrix has the singular values {row(values)}. How "
        f"many effective degrees of freedom has ridge regression with lambda = "
        f"{penalty} (penalty lambda |w|^2 on the sum of squares)?",
        answer=answer,
        steps=(
            f"d^2 / (d^2 + lambda): {row(parts)}",
            f"Their sum: {say(answer)}",
        ),
        distractors=(
            Distractor("penalty left out: the number of features", 3),
            Distractor(
                "singular values not squared",
                sum(d / (d + penalty) for d in values),
            ),
            Distractor(
                "shrinkage squared: that is the trace of S S^T",
                sum(part**2 for part in parts),
            ),
            Distractor("what is lost instead of what is kept", 3 - answer),
        ),
        given={"values": tuple(values), "penalty": penalty},
    )


def lasso_orthonormal(random: Random) -> Question:
    """The lasso where features are orthonormal: soft thresholds."""
    sizes = (random.randint(20, 50) / 10, random.randint(2, 9) / 10)
    free = [sizes[0], -random.randint(15, 40) / 10, random.choice((-1, 1)) * sizes[1]]
    random.shuffle(free)
    penalty = random.randint(10, 14) / 10

    def soft(amount: float) -> tuple[float, ...]:
        # Adding zero turns -0.0 into 0.0.
        return tuple(math.copysign(max(abs(b) - amount, 0), b) + 0.0 for b in free)

    return Question(
        prompt="The columns of X are orthonormal; least squares gives the "
        f"coefficients {row(free)}. The lasso minimises (1/2) |y - Xw|^2 + "
        f"{say(penalty)} × (sum of |w_j|). What are its coefficients, in the same "
        "order?",
        answer=soft(penalty),
        steps=(
            f"Each coefficient moves {say(penalty)} towards zero and stops there",
            f"= {row(soft(penalty))}",
        ),
        distractors=(
            Distractor(
                "hard threshold: small ones vanish, the others do not shrink",
                tuple(b if abs(b) > penalty else 0.0 for b in free),
            ),
            Distractor(
                "ridge: all shrink by 1 / (1 + lambda)",
                tuple(b / (1 + penalty) for b in free),
            ),
            Distractor("half the threshold: loss without 1/2", soft(penalty / 2)),
            Distractor(
                "threshold not stopped at zero: the sign flips",
                tuple(b - math.copysign(penalty, b) for b in free),
            ),
        ),
        given={"free": tuple(free), "penalty": penalty},
    )


def dropout_variance(random: Random) -> Question:
    """Variance of a pre-activation under inverted dropout."""
    w = [random.choice((-2, -1, 1, 2)) for _ in "123"]
    x = [random.randint(1, 3) for _ in "123"]
    drop = random.choice((0.1, 0.2, 0.25, 0.4, 0.5))
    squares = sum((a * b) ** 2 for a, b in zip(w, x, strict=True))
    answer = squares * drop / (1 - drop)
    return Question(
        prompt=f"A unit sums w x over the weights w = {row(w)} and the inputs "
        f"x = {row(x)}. In training, each input is dropped independently with "
        f"probability {say(drop)} and the kept ones are scaled by 1 / (1 - p) "
        "(inverted dropout). What is the variance of the sum over the masks?",
        answer=answer,
        steps=(
            f"Variance of a mask of mean 1: p / (1 - p) = {say(drop / (1 - drop))}",
            f"Sum of (w x)^2: {squares}",
            f"{squares} × {say(drop / (1 - drop))} = {say(answer)}",
        ),
        distractors=(
            Distractor(
                "kept inputs not scaled: p (1 - p)", squares * drop * (1 - drop)
            ),
            Distractor("drop and keep swapped", squares * (1 - drop) / drop),
            Distractor(
                "the sum squared instead of the squares summed",
                sum(a * b for a, b in zip(w, x, strict=True)) ** 2 * drop / (1 - drop),
            ),
            Distractor("the second moment of the scaled masks", squares / (1 - drop)),
        ),
        given={"w": tuple(w), "x": tuple(x), "drop": drop},
    )


def leave_one_out(random: Random) -> Question:
    """Leave-one-out error of a straight line from residuals and leverages."""
    x = sorted(random.sample(range(8), 4))
    y = [a + random.randint(0, 6) for a in x]
    mx, my = sum(x) / 4, sum(y) / 4
    spread = sum((a - mx) ** 2 for a in x)
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / spread
    errors = [round(b - my - slope * (a - mx), 4) for a, b in zip(x, y, strict=True)]
    lever = [round(1 / 4 + (a - mx) ** 2 / spread, 4) for a in x]
    left = [e / (1 - h) for e, h in zip(errors, lever, strict=True)]
    answer = sum(e**2 for e in left) / 4
    # Four decimals must be enough to work with.
    clear = answer > 0.1 and max(lever) < 0.9
    train = sum(e**2 for e in errors) / 4
    return Question(
        prompt="A straight line was fitted by least squares to four points. Its "
        f"residuals are {row(errors)}, the leverages (diagonal of the hat matrix) "
        f"{row(lever)}. What is the leave-one-out mean squared error?",
        answer=answer if clear else math.nan,
        steps=(
            f"Left-out residuals e / (1 - h): {row(left)}",
            f"Mean of their squares: {say(answer)}",
        ),
        distractors=(
            Distractor("training error", train),
            Distractor(
                "1 - h not squared",
                sum(e * f for e, f in zip(errors, left, strict=True)) / 4,
            ),
            Distractor(
                "multiplied by 1 - h instead of divided",
                sum((e * (1 - h)) ** 2 for e, h in zip(errors, lever, strict=True)) / 4,
            ),
            Distractor("mean leverage: generalised cross-validation", train / 0.25),
        ),
        given={"x": tuple(x), "y": tuple(y)},
    )


def out_of_bag_share(random: Random) -> Question:
    """The share of a small training set that a bootstrap sample misses."""
    n = random.randint(3, 40)
    out = (1 - 1 / n) ** n
    return Question(
        prompt=f"A bagged tree is trained on a bootstrap sample of {n} draws from "
        f"{n} examples. What share of the examples, in percent, is out of the bag on "
        "average? (exactly, not in the limit)",
        answer=100 * out,
        steps=(
            f"One draw misses an example with probability 1 - 1/{n} = {say(1 - 1 / n)}",
            f"All {n} draws miss it: {say(1 - 1 / n)}^{n} = {say(100 * out)}%",
        ),
        distractors=(
            Distractor("the limit 1/e of large samples", 100 / math.e),
            Distractor("the share in the bag", 100 * (1 - out)),
            Distractor("a single draw: 1 - 1/n", 100 * (1 - 1 / n)),
            Distractor("1/n", 100 / n),
        ),
        given={"n": n},
    )
