"""Optimizers, step by step, and what their settings mean."""

import math
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import row, say


def adam_two_steps(random: Random) -> Question:
    """The parameter after two steps of Adam."""
    start = random.randint(5, 20) / 10
    rate = random.choice((0.1, 0.2, 0.5))
    first, second = (random.choice((-4, -3, -2, -1, 1, 2, 3, 4)) for _ in "12")
    beta1, beta2 = 0.9, 0.99

    def run(correct_m: bool = True, correct_v: bool = True) -> list[float]:
        theta, m, v, path = start, 0.0, 0.0, []
        for t, g in enumerate((first, second), 1):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            top = m / (1 - beta1**t) if correct_m else m
            below = v / (1 - beta2**t) if correct_v else v
            theta -= rate * top / math.sqrt(below)
            path.append(theta)
        return path

    m2 = (beta1 * (1 - beta1) * first + (1 - beta1) * second) / (1 - beta1**2)
    v2 = (beta2 * first**2 + second**2) * (1 - beta2) / (1 - beta2**2)
    path = run()
    return Question(
        prompt=f"Adam with learning rate {say(rate)}, beta1 = 0.9, beta2 = 0.99, "
        f"epsilon = 0 starts at {say(start)} with zero moments. The gradients of the "
        f"first two steps are {first} and {second}. Where is the parameter after the "
        "second step?",
        # Near zero the subtraction would ask for more digits than anybody carries.
        answer=path[1] if abs(path[1]) > 0.2 else math.nan,
        steps=(
            (
                f"Step 1: corrected moments are {first} and {first**2}, so the step is "
                f"{say(rate)} × {first} / {abs(first)}: {say(path[0])}"
            ),
            f"Step 2: m = 0.09 × {first} + 0.1 × {second}, over 1 - 0.81: {say(m2)}",
            f"v = 0.0099 × {first**2} + 0.01 × {second**2}, over 1 - 0.9801: {say(v2)}",
            (
                f"{say(path[0])} - {say(rate)} × {say(m2)} / sqrt({say(v2)}) "
                f"= {say(path[1])}"
            ),
        ),
        distractors=(
            Distractor("no bias correction", run(False, False)[1]),
            Distractor("bias correction of the first moment only", run(True, False)[1]),
            Distractor("plain gradient descent", start - rate * (first + second)),
            Distractor(
                "the sign of each gradient, without memory (RMS of the last alone)",
                start - rate * (math.copysign(1, first) + math.copysign(1, second)),
            ),
        ),
        given={"start": start, "rate": rate, "gradients": (first, second)},
    )


def adamw_first_step(random: Random) -> Question:
    """The parameter after one step of AdamW."""
    start = random.randint(10, 50) / 10
    rate = random.choice((0.1, 0.2))
    decay = random.choice((0.1, 0.2, 0.5))
    gradient = random.choice((-3, -2, -1.5, 1.5, 2, 3))
    step = rate * math.copysign(1, gradient)
    answer = start - rate * decay * start - step
    return Question(
        prompt=f"AdamW with learning rate {say(rate)}, decoupled weight decay "
        f"{say(decay)} (multiplied by the learning rate, as in PyTorch) and epsilon = "
        f"0 takes its first step from the weight {say(start)}. The gradient of the "
        f"loss there is {say(gradient)}. Moments start at zero and are bias-corrected. "
        "What is the weight afterwards?",
        answer=answer,
        steps=(
            (
                f"Decay: {say(start)} × (1 - {say(rate)} × {say(decay)}) "
                f"= {say(start * (1 - rate * decay))}"
            ),
            f"Corrected first step of Adam: {say(rate)} × g / |g| = {say(step)}",
            (
                f"Weight: {say(start * (1 - rate * decay))} - ({say(step)}) "
                f"= {say(answer)}"
            ),
        ),
        distractors=(
            Distractor(
                "decay added to the gradient (L2): Adam's normalisation swallows it",
                start - rate * math.copysign(1, gradient + decay * start),
            ),
            Distractor(
                "decay not multiplied by the learning rate (the paper's own form)",
                start - decay * start - step,
            ),
            Distractor(
                "gradient not normalised: SGD with weight decay",
                start - rate * decay * start - rate * gradient,
            ),
            Distractor(
                "no bias correction (beta1 = 0.9, beta2 = 0.999)",
                start - rate * decay * start - step * 0.1 / math.sqrt(0.001),
            ),
        ),
        given={"start": start, "rate": rate, "decay": decay, "gradient": gradient},
    )


def momentum_three_steps(random: Random) -> Question:
    """The position after three steps with heavy-ball momentum."""
    mu = random.choice((0.5, 0.8, 0.9))
    rate = random.choice((0.1, 0.01, 0.5))
    gradients = [random.choice((-3, -2, -1, 1, 2, 3, 4)) for _ in "123"]

    def run(share: float, ahead: bool = False) -> tuple[float, list[float]]:
        velocity, place, seen = 0.0, 0.0, []
        for g in gradients:
            velocity = mu * velocity + share * g
            place -= rate * (mu * velocity + g if ahead else velocity)
            seen.append(velocity)
        return place, seen

    answer, velocities = run(1.0)
    return Question(
        prompt="SGD with momentum keeps v = mu v + g and moves by -rate v (as in "
        f"PyTorch, no dampening, v = 0 at first). With mu = {say(mu)}, rate "
        f"{say(rate)} and the gradients {row(gradients)}, where is a parameter after "
        "three steps from 0?",
        answer=answer,
        steps=(
            f"Velocities: {row(velocities)}",
            f"-{say(rate)} × their sum = {say(answer)}",
        ),
        distractors=(
            Distractor("momentum left out", -rate * sum(gradients)),
            Distractor("averaged velocity: v = mu v + (1 - mu) g", run(1 - mu)[0]),
            Distractor("Nesterov's step instead of the heavy ball's", run(1, True)[0]),
            Distractor("only the last velocity moves it", -rate * velocities[-1]),
        ),
        given={"mu": mu, "rate": rate, "gradients": tuple(gradients)},
    )


def descent_on_a_quadratic(random: Random) -> Question:
    """Gradient descent on half a x squared after some steps."""
    a = random.choice((2, 4, 5, 8))
    rate = random.choice((0.02, 0.05, 0.1, 0.15))
    steps = random.randint(3, 5)
    start = random.choice((1, 2, 5, 10))
    factor = 1 - rate * a
    answer = start * factor**steps
    return Question(
        prompt=f"Gradient descent with learning rate {say(rate)} minimises "
        f"f(x) = ({a}/2) x^2 from x = {start}. "
        f"Where is it after {steps} steps?",
        answer=answer,
        steps=(
            (
                f"f'(x) = {a} x, so a step multiplies x by 1 - {say(rate)} × {a} "
                f"= {say(factor)}"
            ),
            f"{start} × {say(factor)}^{steps} = {say(answer)}",
        ),
        distractors=(
            Distractor(
                f"the half forgotten: gradient {2 * a} x",
                start * (1 - 2 * rate * a) ** steps,
            ),
            Distractor(
                "the gradient at the start kept for all steps",
                start * (1 - steps * rate * a),
            ),
            Distractor(
                "continuous time: exp(-rate × a × steps)",
                start * math.exp(-rate * a * steps),
            ),
            Distractor("one step too few", start * factor ** (steps - 1)),
        ),
        given={"a": a, "rate": rate, "steps": steps, "start": start},
    )


def newton_step(random: Random) -> Question:
    """One step of Newton's method for a minimum."""
    a, b = random.randint(1, 4), random.randint(2, 12)
    start = random.choice((1, 2, 3))
    value = a * start**4 - b * start
    slope, bend = 4 * a * start**3 - b, 12 * a * start**2
    answer = start - slope / bend
    return Question(
        prompt=f"Newton's method minimises f(x) = {a if a > 1 else ''}x^4 - {b}x from "
        f"x = {start}. Where is it after one step?",
        answer=answer,
        steps=(
            f"f'({start}) = {4 * a} × {start}^3 - {b} = {slope}",
            f"f''({start}) = {12 * a} × {start}^2 = {bend}",
            f"{start} - ({slope}) / {bend} = {say(answer)}",
        ),
        distractors=(
            Distractor(
                "a root of f sought instead of a minimum: x - f / f'",
                start - value / slope if slope else math.nan,
            ),
            Distractor("step uphill: x + f' / f''", start + slope / bend),
            Distractor("gradient step of size 1", float(start - slope)),
            Distractor(
                "f'' multiplied instead of divided", float(start - slope * bend)
            ),
        ),
        given={"a": a, "b": b, "start": start},
    )


def steps_from_condition_number(random: Random) -> Question:
    """Steps of gradient descent at the best constant rate."""
    low = random.choice((0.1, 0.5, 1, 2))
    kappa = random.choice((10, 20, 25, 40, 50, 80, 100))
    high = low * kappa
    digits = random.randint(2, 6)
    best = (kappa - 1) / (kappa + 1)

    def steps(factor: float, base: float = 10.0) -> float:
        return float(math.ceil(digits * math.log(base) / -math.log(factor)))

    root = math.sqrt(kappa)
    return Question(
        prompt="Gradient descent minimises a quadratic whose Hessian has eigenvalues "
        f"between {say(low)} and {say(high)}, with the best constant learning rate "
        "2 / (smallest + largest). In the worst case, how many steps until the "
        f"distance to the minimum has shrunk by a factor of 10^{digits}?",
        answer=steps(best),
        steps=(
            f"Condition number: {say(high)} / {say(low)} = {kappa}",
            f"A step shrinks the error by ({kappa} - 1) / ({kappa} + 1) = {say(best)}",
            (
                f"{digits} × ln 10 / -ln({say(best)}) = "
                f"{say(digits * math.log(10) / -math.log(best))}, rounded up"
            ),
        ),
        distractors=(
            Distractor(
                "the rate 1 / largest, which shrinks by 1 - 1 / kappa",
                steps(1 - 1 / kappa),
            ),
            Distractor(
                "the square root of kappa: that is momentum's rate",
                steps((root - 1) / (root + 1)),
            ),
            Distractor("powers of e instead of 10", steps(best, math.e)),
        ),
        given={"low": low, "high": high, "digits": digits},
    )


def largest_stable_rate(random: Random) -> Question:
    """The learning rate from which gradient descent diverges."""
    a, c = random.randint(2, 10), random.randint(1, 9)
    b = random.randint(1, 4)
    middle, reach = (a + c) / 2, math.hypot((a - c) / 2, b)
    high, low = middle + reach, middle - reach
    return Question(
        prompt=f"f(x) = (1/2) x^T A x with the rows of A ({a}, {b}) and ({b}, {c}). "
        "Below which learning rate does gradient descent converge from every start?",
        answer=2 / high if low > 0.05 else math.nan,
        steps=(
            (
                f"Eigenvalues: {say(middle)} plus or minus "
                f"sqrt({say(abs(a - c) / 2)}^2 + {b}^2) = {say(high)} and {say(low)}"
            ),
            (
                f"|1 - rate × eigenvalue| < 1 for both: rate < 2 / {say(high)} "
                f"= {say(2 / high)}"
            ),
        ),
        distractors=(
            Distractor("1 / largest eigenvalue: safe, but not the limit", 1 / high),
            Distractor("2 / smallest eigenvalue", 2 / low if low else math.nan),
            Distractor("2 / trace", 2 / (a + c)),
            Distractor("2 / largest diagonal entry", 2 / max(a, c)),
        ),
        given={"a": a, "b": b, "c": c},
    )


def logistic_step(random: Random) -> Question:
    """One SGD step of logistic regression."""
    x = (random.choice((-2, -1, 1, 2)), random.choice((-2, -1, 1, 2)))
    w = (random.randint(-10, 10) / 10, random.randint(-10, 10) / 10)
    y = random.randint(0, 1)
    rate = random.choice((0.1, 0.5, 1.0))
    score = w[0] * x[0] + w[1] * x[1]
    p = 1 / (1 + math.exp(-score))
    move = rate * (p - y) * x[0]
    return Question(
        prompt=f"Logistic regression without a bias has the weights ({row(w)}). It "
        f"takes one SGD step with rate {say(rate)} on the log loss of the example "
        f"x = ({row(x)}), y = {y}. What is the first weight afterwards?",
        answer=w[0] - move if abs(w[0] - move) > 0.1 else math.nan,
        steps=(
            f"Score: {say(score)}; p = sigmoid of it = {say(p)}",
            (
                f"Gradient of the first weight: (p - y) x1 = ({say(p)} - {y}) × {x[0]} "
                f"= {say((p - y) * x[0])}"
            ),
            f"{say(w[0])} - {say(rate)} × {say((p - y) * x[0])} = {say(w[0] - move)}",
        ),
        distractors=(
            Distractor("step uphill: rate × (p - y) x1 added", w[0] + move),
            Distractor(
                "squared loss: a factor p(1 - p) too many", w[0] - move * p * (1 - p)
            ),
            Distractor(
                "no sigmoid: the score taken for the prediction",
                w[0] - rate * (score - y) * x[0],
            ),
            Distractor("the input left out: rate × (p - y)", w[0] - rate * (p - y)),
        ),
        given={"x": x, "w": w, "y": y, "rate": rate},
    )
