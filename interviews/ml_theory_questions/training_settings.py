"""Settings of a training run: schedules, clipping and batches."""

import math
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import say


def warmup_cosine_rate(random: Random) -> Question:
    """The learning rate in the cosine part of a schedule with warm-up."""
    peak = random.choice((1, 2, 3, 6)) * 1e-4
    low = peak * random.choice((0, 10, 20)) / 100
    warm = random.choice((500, 1000, 2000))
    steps = warm + 12 * random.choice((500, 750, 1500))
    step = warm + (steps - warm) * random.choice((2, 3, 4, 8, 9, 10)) // 12
    share = (step - warm) / (steps - warm)

    def cosine(x: float, floor: float = low) -> float:
        return floor + (peak - floor) * (1 + math.cos(math.pi * x)) / 2

    answer = cosine(share)
    return Question(
        prompt=f"A schedule warms up linearly from 0 to {say(peak)} in {say(warm)} "
        f"steps, then follows half a cosine down to {say(low)} at step {say(steps)}. "
        f"What is the learning rate at step {say(step)}?",
        answer=answer,
        steps=(
            (
                f"Share of the decay: ({step} - {warm}) / ({steps} - {warm}) "
                f"= {say(share)}"
            ),
            (
                f"(1 + cos(pi × {say(share)})) / 2 = "
                f"{say((1 + math.cos(math.pi * share)) / 2)}"
            ),
            f"{say(low)} + ({say(peak)} - {say(low)}) × that = {say(answer)}",
        ),
        distractors=(
            Distractor("warm-up not subtracted: step / steps", cosine(step / steps)),
            Distractor("linear decay", peak + (low - peak) * share),
            Distractor(
                "a quarter of the cosine: cos(pi x / 2)",
                low + (peak - low) * math.cos(math.pi * share / 2),
            ),
            Distractor("still warming up: peak × step / steps", peak * step / steps),
        ),
        given={"peak": peak, "low": low, "warm": warm, "steps": steps, "step": step},
    )


def clip_by_global_norm(random: Random) -> Question:
    """A gradient component after clipping by the global norm."""
    shape = random.choice(((2, 3, 6), (1, 4, 8), (4, 4, 7), (2, 6, 9), (3, 4, 12)))
    a, b, c = (random.choice((-1, 1)) * value for value in shape)
    norm = math.sqrt(a * a + b * b + c * c)
    limit = random.choice((1.0, 2.0, 0.5))
    answer = a * limit / norm
    layer = math.hypot(a, b)
    return Question(
        prompt=f"A network has two layers with the gradients ({a}, {b}) and ({c}). "
        f"Gradients are clipped by their global norm to at most {say(limit)}. What is "
        "the first component of the first layer's gradient afterwards?",
        answer=answer,
        steps=(
            f"Global norm: sqrt({a * a} + {b * b} + {c * c}) = {say(norm)}",
            (
                f"It is above {say(limit)}, so all gradients shrink by {say(limit)} / "
                f"{say(norm)} = {say(limit / norm)}"
            ),
            f"{a} × {say(limit / norm)} = {say(answer)}",
        ),
        distractors=(
            Distractor("clipped by value", math.copysign(min(abs(a), limit), a)),
            Distractor("each layer clipped by its own norm", a * limit / layer),
            Distractor(
                "divided by the sum of magnitudes (L1 norm)",
                a * limit / (abs(a) + abs(b) + abs(c)),
            ),
            Distractor("divided by the norm squared", a * limit / norm**2),
        ),
        given={"first": (a, b), "second": (c,), "limit": limit},
    )


def optimizer_steps_per_epoch(random: Random) -> Question:
    """Optimizer steps under data parallelism and gradient accumulation."""
    micro = random.choice((2, 4, 8, 16))
    devices = random.choice((4, 8, 16, 32))
    accumulate = random.choice((2, 4, 8))
    length = random.choice((1024, 2048, 4096))
    batch = micro * devices * accumulate
    answer = random.choice((500, 1200, 2000, 2500))
    tokens = answer * batch * length
    return Question(
        prompt=f"{devices} GPUs train with data parallelism, {micro} sequences of "
        f"{length} tokens on each at a time, and gradients are accumulated over "
        f"{accumulate} passes. The corpus holds {tokens:,} tokens. How many optimizer "
        "steps is one epoch?",
        answer=answer,
        steps=(
            f"Sequences a step: {micro} × {devices} × {accumulate} = {batch}",
            f"Tokens a step: {batch} × {length} = {batch * length:,}",
            f"Steps: {tokens:,} / {batch * length:,} = {answer:,}",
        ),
        distractors=(
            Distractor("accumulation left out", answer * accumulate),
            Distractor("a single device's batch", answer * devices),
            Distractor("one pass on one device", answer * devices * accumulate),
            Distractor(
                "accumulation taken to shrink the batch", answer * accumulate**2
            ),
        ),
        given={
            "micro": micro,
            "devices": devices,
            "accumulate": accumulate,
            "length": length,
            "tokens": tokens,
        },
    )
