"""What language models cost: experts, training, memory and the speed of decoding."""

import math
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import say


def mixture_of_experts_parameters(random: Random) -> Question:
    """Parameters that a token uses in a mixture of experts."""
    layers = random.choice((16, 24, 32, 48))
    model = random.choice((2048, 3072, 4096))
    inner = model * random.choice((1, 2, 3)) // 2
    experts = random.choice((8, 16, 32, 64))
    active = random.choice((2, 4))
    attention, router, expert = 4 * model**2, experts * model, 3 * model * inner
    answer = layers * (attention + router + active * expert)
    every = layers * (attention + router + experts * expert)
    return Question(
        prompt=f"Each of {layers} layers has attention with four square projections "
        f"of width {say(model)}, a linear router, and {experts} experts, each a gated "
        f"feed-forward network of three {say(model)} × {say(inner)} matrices; "
        f"{active} experts work on a token. Without biases, norms and embeddings: how "
        "many parameters does one token use?",
        answer=float(answer),
        steps=(
            f"Attention: 4 × {say(model)}^2 = {say(attention)}",
            f"Router: {say(model)} × {experts} = {say(router)}",
            (
                f"Experts: {active} × 3 × {say(model)} × {say(inner)} "
                f"= {say(active * expert)}"
            ),
            f"{layers} layers: {say(answer)} of {say(every)}",
        ),
        distractors=(
            Distractor("all parameters, not the active ones", float(every)),
            Distractor(
                "the active share of all parameters, as if attention were routed too",
                every * active / experts,
            ),
            Distractor(
                "two matrices an expert instead of three",
                answer - float(layers * active * model * inner),
            ),
            Distractor(
                "attention left out, though every token uses it",
                answer - float(layers * attention),
            ),
        ),
        given={
            "layers": layers,
            "model": model,
            "inner": inner,
            "experts": experts,
            "active": active,
        },
    )


def training_days(random: Random) -> Question:
    """Days that a training run takes at a utilization."""
    size = random.choice((1.5, 3, 7, 8, 13, 30, 34, 70))
    data = random.choice((0.3, 0.5, 1, 1.5, 2, 4, 10))
    cards = random.choice((256, 512, 1024, 2048, 4096))
    peak = random.choice((312, 400, 990))
    use = random.choice((0.3, 0.35, 0.4, 0.45, 0.5))
    work = 6 * size * 1e9 * data * 1e12
    speed = cards * peak * 1e12 * use
    answer = work / speed / 86400
    return Question(
        prompt=f"A dense model of {say(size)} billion parameters is trained on "
        f"{say(data)} trillion tokens with {say(cards)} accelerators. Each has a peak "
        f"of {peak} TFLOP/s; the model FLOPs utilization is {say(100 * use)}%. Forward "
        "and backward pass take 6 FLOPs a parameter and token together. How many days "
        "does the run take?",
        answer=answer,
        steps=(
            f"Work: 6 × {say(size)}e9 × {say(data)}e12 = {say(work, 4)} FLOPs",
            f"Speed: {say(cards)} × {peak}e12 × {say(use)} = {say(speed, 4)} FLOP/s",
            (
                f"{say(work, 4)} / {say(speed, 4)} = {say(work / speed)} s, "
                f"over 86,400: {say(answer)} days"
            ),
        ),
        distractors=(
            Distractor("2 FLOPs: the forward pass alone", answer / 3),
            Distractor("the utilization left out", answer * use),
            Distractor("4 FLOPs: the backward pass alone", answer * 2 / 3),
            Distractor("days of one accelerator, not of all", answer * cards),
        ),
        given={"size": size, "data": data, "cards": cards, "peak": peak, "use": use},
    )


def compute_optimal_tokens(random: Random) -> Question:
    """Tokens of a compute-optimal run for a budget."""
    budget = random.choice((1, 1.5, 2, 3, 4, 5, 6, 8)) * 10 ** random.randint(20, 25)
    ratio = random.choice((15, 20, 25))
    parameters = math.sqrt(budget / (6 * ratio))
    answer = ratio * parameters
    return Question(
        prompt=f"A training budget is {say(budget)} FLOPs. Training takes 6 FLOPs a "
        f"parameter and token, and {ratio} tokens a parameter are taken as "
        "compute-optimal. On how many tokens is the model trained?",
        answer=answer,
        steps=(
            f"C = 6ND and D = {ratio}N, so C = {6 * ratio} N^2",
            f"N = sqrt({say(budget)} / {6 * ratio}) = {say(parameters)} parameters",
            f"D = {ratio} × {say(parameters)} = {say(answer)} tokens",
        ),
        distractors=(
            Distractor("the parameters, not the tokens", parameters),
            Distractor("the 6 left out: C = ND", math.sqrt(budget * ratio)),
            Distractor(
                "as many tokens as parameters: sqrt(C / 6)", math.sqrt(budget / 6)
            ),
            Distractor(
                "2 FLOPs: the forward pass alone", math.sqrt(budget * ratio / 2)
            ),
        ),
        given={"budget": float(budget), "ratio": ratio},
    )


def sharded_training_memory(random: Random) -> Question:
    """Memory of model states an accelerator, at a stage of ZeRO."""
    size = random.choice((1.5, 3, 7, 8, 13, 30, 70))
    cards = random.choice((8, 16, 32, 64))
    stage = random.choice((1, 2, 3))
    held = {
        0: ("nothing", 16.0),
        1: ("the optimizer states", 4 + 12 / cards),
        2: ("the optimizer states and the gradients", 2 + 14 / cards),
        3: ("the optimizer states, the gradients and the weights", 16 / cards),
    }
    split, each = held[stage]
    answer = size * each
    without_copy = each - 4 / cards
    working = {
        1: f"2 + 2 + 12 / {cards}",
        2: f"2 + (2 + 12) / {cards}",
        3: f"(2 + 2 + 12) / {cards}",
    }[stage]
    return Question(
        prompt=f"A model of {say(size)} billion parameters is trained with Adam in "
        "mixed precision: weights and gradients in 16 bits; the optimizer states, a "
        "master copy of the weights and two moments, in 32 bits. Over "
        f"{cards} accelerators, {split} are split evenly; the rest is replicated. How "
        "many GB (10^9 bytes) of all these does each accelerator hold?",
        answer=answer,
        steps=(
            "Bytes a parameter: weights 2, gradients 2, optimizer 4 + 4 + 4 = 12",
            f"On each accelerator: {working} = {say(each)} bytes",
            f"{say(size)}e9 × {say(each)} bytes = {say(answer)} GB",
        ),
        distractors=(
            Distractor(
                "the master copy left out: 8 bytes of optimizer state",
                size * without_copy,
            ),
            *(
                Distractor(f"as if {name} were split", size * other)
                for place, (name, other) in held.items()
                if place != stage
            ),
        ),
        given={"size": size, "cards": cards, "stage": stage},
    )


def pipeline_bubble(random: Random) -> Question:
    """Share of idle time in a pipeline of micro-batches."""
    stages = random.randint(4, 16)
    batches = random.choice((8, 12, 16, 20, 24, 32, 40, 48, 64))
    answer = 100 * (stages - 1) / (batches + stages - 1)
    return Question(
        prompt=f"A model is cut into {stages} pipeline stages that take equally long. "
        f"A batch is cut into {batches} micro-batches; all forward passes run, then "
        "all backward passes (GPipe), and communication costs nothing. During what "
        "share of a training step, in percent, is each accelerator idle?",
        answer=answer,
        steps=(
            f"A pass of all micro-batches: {batches} + {stages} - 1 slots of time",
            f"An accelerator works in {batches} of them and waits in {stages - 1}",
            (
                f"Idle: {stages - 1} / {batches + stages - 1} = {say(answer)}%, "
                "backward as forward"
            ),
        ),
        distractors=(
            Distractor(
                "idle time over busy time, not over all the time",
                100 * (stages - 1) / batches,
            ),
            Distractor(
                "one batch at a time: micro-batches left out",
                100 * (stages - 1) / stages,
            ),
            Distractor(
                "the bubbles of both passes against the work of one",
                200 * (stages - 1) / (batches + 2 * (stages - 1)),
            ),
        ),
        given={"stages": stages, "batches": batches},
    )


def speculative_decoding_speed(random: Random) -> Question:
    """Speed-up by speculative decoding."""
    rate = random.choice((0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9))
    drafts = random.randint(3, 8)
    cost = random.choice((0.02, 0.05, 0.1, 0.15))
    tokens = (1 - rate ** (drafts + 1)) / (1 - rate)
    price = drafts * cost + 1
    return Question(
        prompt=f"In speculative decoding a draft model proposes {drafts} tokens, each "
        f"accepted with probability {say(rate)} independently, until the first "
        "rejection. The target model then adds one token: a correction, or one more "
        f"when all are accepted. A draft step takes {say(cost)} of the time of a "
        "target step, and checking all drafts takes one target step. How many times "
        "faster than the target alone is it on average?",
        answer=tokens / price,
        steps=(
            (
                f"Tokens a round: 1 + {say(rate)} + ... + {say(rate)}^{drafts} = "
                f"(1 - {say(rate)}^{drafts + 1}) / (1 - {say(rate)}) = {say(tokens)}"
            ),
            f"Time a round: {drafts} × {say(cost)} + 1 = {say(price)} target steps",
            f"{say(tokens)} / {say(price)} = {say(tokens / price)}",
        ),
        distractors=(
            Distractor("the time of the draft model left out", tokens),
            Distractor("the target's own token left out", max(tokens - 1, 0.0) / price),
            Distractor(
                "accepted tokens after a rejection counted too",
                (drafts * rate + 1) / price,
            ),
            Distractor("every draft taken as accepted", (drafts + 1) / price),
        ),
        given={"rate": rate, "drafts": drafts, "cost": cost},
    )


def decoding_rate(random: Random) -> Question:
    """Tokens a second of a decoder bound by memory bandwidth."""
    size = random.choice((7, 8, 13, 34, 70))
    width = random.choice((1, 2))
    band = random.choice((1.5, 2, 3.2, 4.8, 8))
    batch = random.choice((4, 8, 16, 32, 64))
    cache = random.choice((0.5, 0.8, 1, 1.25, 2, 2.5, 4))
    read = size * width + batch * cache
    step = read / (band * 1000)
    answer = batch / step
    return Question(
        prompt=f"A dense decoder of {say(size)} billion parameters in {8 * width}-bit "
        f"numbers serves {batch} sequences at once. Each decoding step reads all the "
        f"weights once and of each sequence a KV cache of {say(cache)} GB; memory "
        f"delivers {say(band)} TB/s, and nothing else takes time. How many tokens a "
        "second are made in all?",
        answer=answer,
        steps=(
            (
                f"Read in a step: {say(size)} × {width} + {batch} × {say(cache)} "
                f"= {say(read)} GB"
            ),
            f"A step: {say(read)} / {say(band * 1000)} = {say(step)} s",
            f"{batch} tokens a step: {batch} / {say(step)} = {say(answer)} tokens/s",
        ),
        distractors=(
            Distractor("the tokens of one sequence only", 1 / step),
            Distractor("the KV caches left out", batch * band * 1000 / (size * width)),
            Distractor(
                "the weights read again for each sequence",
                band * 1000 / (size * width + cache),
            ),
            Distractor(
                "one cache read for the whole batch",
                batch * band * 1000 / (size * width + cache),
            ),
        ),
        given={
            "size": size,
            "width": width,
            "band": band,
            "batch": batch,
            "cache": cache,
        },
    )


def concurrent_sequences(random: Random) -> Question:
    """How many sequences fit beside the weights."""
    cards = random.choice((2, 4, 8))
    memory = random.choice((40, 80, 141))
    size = random.choice((8, 13, 34, 70))
    layers = random.choice((32, 40, 48, 80))
    shared = random.choice((4, 8))
    context = random.choice((2000, 4000, 8000, 16000))
    usable = 0.9 * cards * memory
    free = usable - 2 * size
    token = 2 * layers * shared * 128 * 2
    one = token * context / 1e9
    answer = math.floor(free / one)
    return Question(
        prompt=f"{cards} accelerators of {memory} GB (10^9 bytes) each serve one copy "
        f"of a model of {size} billion parameters in 16 bits, split evenly over them "
        "together with the KV cache. 10% of the memory stays free for activations. "
        f"The model has {layers} layers with {shared} key-value heads of dimension "
        f"128; the cache is in 16 bits. How many sequences of {say(context)} tokens "
        "fit at once?",
        answer=float(answer),
        steps=(
            f"Usable: 0.9 × {cards} × {memory} = {say(usable)} GB",
            f"Beside the weights: {say(usable)} - 2 × {size} = {say(free)} GB",
            f"Cache a token: 2 × {layers} × {shared} × 128 × 2 = {say(token)} bytes",
            f"A sequence: {say(token)} × {say(context)} bytes = {say(one)} GB",
            f"{say(free)} / {say(one)} = {say(free / one)}, rounded down: {answer}",
        ),
        distractors=(
            Distractor(
                "the weights left out of the sum", float(math.floor(usable / one))
            ),
            Distractor(
                "a copy of the weights on each accelerator",
                float(math.floor((usable - 2 * size * cards) / one)),
            ),
            Distractor(
                "values left out of the cache", float(math.floor(2 * free / one))
            ),
            Distractor(
                "the free tenth left out",
                float(math.floor((cards * memory - 2 * size) / one)),
            ),
        )
        # Else nothing fits, in truth or by a misconception: drawn anew.
        if usable > 2 * size * cards and answer >= 5
        else (),
        given={
            "cards": cards,
            "memory": memory,
            "size": size,
            "layers": layers,
            "shared": shared,
            "context": context,
        },
    )
