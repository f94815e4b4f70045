"""Networks: shapes, parameters, receptive fields and single steps by hand."""

import math
from collections.abc import Sequence
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import row, say, total

ORDINALS = ("first", "second", "third")


def convolution_shape(random: Random) -> Question:
    """The output shape of a convolution with dilation."""
    channels, filters = random.choice((3, 16, 32)), random.choice((24, 48, 64, 96))
    height, width = random.randint(28, 64), random.randint(65, 128)
    kernel = random.choice((3, 5, 7))
    stride = random.choice((2, 3))
    padding = random.choice((1, 2, 3))
    dilation = random.choice((2, 3))

    def shape(first: int, each: int, pad: int, spread: int) -> tuple[float, ...]:
        reach = spread * (kernel - 1) + 1
        sizes = ((size + pad - reach) // each + 1 for size in (height, width))
        return (float(first), *map(float, sizes))

    reach = dilation * (kernel - 1) + 1
    answer = shape(filters, stride, 2 * padding, dilation)
    return Question(
        prompt=f"A convolution with {filters} filters of size {kernel} × {kernel}, "
        f"stride {stride}, padding {padding} on every side and dilation {dilation} is "
        f"applied to an input of {channels} channels, {height} rows and {width} "
        "columns. Give the output's channels, rows and columns.",
        answer=answer,
        steps=(
            f"The dilated kernel reaches {dilation} × ({kernel} - 1) + 1 = {reach}",
            *(
                f"floor(({size} + 2 × {padding} - {reach}) / {stride}) + 1 = {say(out)}"
                for size, out in zip((height, width), answer[1:], strict=True)
                if isinstance(out, float)
            ),
            f"Channels: one a filter, {filters}",
        ),
        distractors=(
            Distractor("the dilation left out", shape(filters, stride, 2 * padding, 1)),
            Distractor(
                "padding on one side only", shape(filters, stride, padding, dilation)
            ),
            Distractor("the stride left out", shape(filters, 1, 2 * padding, dilation)),
            Distractor(
                "the channels of the input kept",
                shape(channels, stride, 2 * padding, dilation),
            ),
        ),
        given={
            "shape": (channels, height, width),
            "filters": filters,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
        },
    )


def _field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Return how many inputs one output of a stack depends on."""
    field, jump = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field += (kernel - 1) * jump
        jump *= stride
    return field


def receptive_field(random: Random) -> Question:
    """The receptive field of a stack with strides and dilations."""
    kernels = [random.choice((3, 5, 7)) for _ in range(4)]
    strides = [random.choice((1, 2, 2, 3)) for _ in range(4)]
    dilation = random.choice((2, 3, 4))
    reaches = [*kernels[:3], dilation * (kernels[3] - 1) + 1]
    answer = _field(reaches, strides)
    layers = "; ".join(
        f"{kernel} and {stride}"
        for kernel, stride in zip(kernels, strides, strict=True)
    )
    jumps = [math.prod(strides[:place]) for place in range(4)]
    return Question(
        prompt="Four one-dimensional convolutions follow each other, with kernel size "
        f"and stride: {layers}. The last one has dilation {dilation}, the others 1. "
        "How wide is the receptive field of one output of the last layer, from its "
        "first input to its last?",
        answer=float(answer),
        steps=(
            f"Inputs between neighbours before each layer: {row(jumps)}",
            f"Reach of each kernel: {row(reaches)}",
            (
                "1 + "
                + total(
                    f"{reach - 1} × {jump}"
                    for reach, jump in zip(reaches, jumps, strict=True)
                )
                + f" = {answer}"
            ),
        ),
        distractors=(
            Distractor("the dilation left out", float(_field(kernels, strides))),
            Distractor("the strides left out", float(_field(reaches, [1] * 4))),
            Distractor(
                "the stride of each layer counted for its own kernel",
                1.0
                + sum(
                    (reach - 1) * jump * stride
                    for reach, jump, stride in zip(reaches, jumps, strides, strict=True)
                ),
            ),
            Distractor(
                "the dilated kernel taken as dilation × size",
                float(_field([*kernels[:3], dilation * kernels[3]], strides)),
            ),
        ),
        given={
            "kernels": tuple(kernels),
            "strides": tuple(strides),
            "dilation": dilation,
        },
    )


def separable_parameters(random: Random) -> Question:
    """Parameters of a depthwise separable convolution."""
    inputs = random.choice((16, 24, 32, 48, 64, 96))
    outputs = random.choice((40, 80, 112, 128, 160, 256))
    kernel = random.choice((3, 5, 7))
    depth, point = inputs * (kernel**2 + 1), outputs * (inputs + 1)
    answer = depth + point
    return Question(
        prompt=f"A depthwise {kernel} × {kernel} convolution on {inputs} channels (one "
        f"filter a channel) is followed by a 1 × 1 convolution to {outputs} channels; "
        "both have biases. How many parameters do the two have together?",
        answer=float(answer),
        steps=(
            f"Depthwise: {inputs} × ({kernel}^2 + 1) = {say(depth)}",
            f"Pointwise: {outputs} × ({inputs} + 1) = {say(point)}",
            f"Sum: {say(answer)}",
        ),
        distractors=(
            Distractor(
                "a full convolution, not a separable one",
                float(outputs * (inputs * kernel**2 + 1)),
            ),
            Distractor(
                "each depthwise filter over all channels",
                float(inputs * (inputs * kernel**2 + 1) + point),
            ),
            Distractor("biases left out", float(answer - inputs - outputs)),
            Distractor("the pointwise convolution left out", float(depth)),
        ),
        given={"inputs": inputs, "outputs": outputs, "kernel": kernel},
    )


def transposed_convolution_size(random: Random) -> Question:
    """The output size of a transposed convolution."""
    size = random.randint(5, 40)
    stride = random.choice((2, 3, 4))
    kernel = random.choice((3, 4, 5))
    padding = random.choice((1, 2))
    extra = 1
    answer = (size - 1) * stride - 2 * padding + kernel + extra
    return Question(
        prompt=f"A one-dimensional transposed convolution with kernel size {kernel}, "
        f"stride {stride}, padding {padding} and output padding {extra} (as PyTorch "
        f"names them) is applied to an input of length {size}. How long is the output?",
        answer=float(answer),
        steps=(
            (
                f"Placed {stride} apart: ({size} - 1) × {stride} + {kernel} "
                f"= {(size - 1) * stride + kernel}"
            ),
            f"Padding cuts 2 × {padding} off, output padding adds {extra}: {answer}",
        ),
        distractors=(
            Distractor("the input times the stride", float(size * stride)),
            Distractor(
                "the padding added instead of cut off", float(answer + 4 * padding)
            ),
            Distractor("the output padding left out", float(answer - extra)),
            Distractor("the padding cut off at one end only", float(answer + padding)),
            Distractor(
                "the size of an ordinary convolution",
                float((size + 2 * padding - kernel) // stride + 1),
            ),
        ),
        given={
            "size": size,
            "stride": stride,
            "kernel": kernel,
            "padding": padding,
            "extra": extra,
        },
    )


def cross_entropy_gradient(random: Random) -> Question:
    """The gradient of a smoothed cross-entropy in the logits."""
    logits = [random.randint(-10, 20) / 10 for _ in range(3)]
    target = random.randrange(3)
    smooth = random.choice((0.1, 0.2, 0.3))
    weights = [math.exp(logit) for logit in logits]
    chances = [weight / sum(weights) for weight in weights]
    hard = [float(place == target) for place in range(3)]
    soft = [(1 - smooth) * each + smooth / 3 for each in hard]

    def minus(wanted: Sequence[float]) -> tuple[float, ...]:
        return tuple(p - y for p, y in zip(chances, wanted, strict=True))

    answer = minus(soft)
    others = [1 - smooth if each else smooth / 2 for each in hard]
    jacobian = [
        -wanted * (1 - chance) for wanted, chance in zip(soft, chances, strict=True)
    ]
    return Question(
        prompt=f"A classifier's logits for one example are {row(logits)}. The true "
        f"class is the {ORDINALS[target]}; the loss is softmax cross-entropy with "
        f"label smoothing {say(smooth)}, spread evenly over all three classes, the "
        "true one included. What is the gradient of the loss with respect to the "
        "three logits?",
        answer=answer,
        steps=(
            f"Softmax: {row(chances)}",
            f"Targets: {row(soft)}",
            f"Gradient, softmax - targets: {row(answer)}",
        ),
        distractors=(
            Distractor("the smoothing left out", minus(hard)),
            Distractor("the sign turned: targets - softmax", tuple(-g for g in answer)),
            Distractor(
                "the smoothing spread over the other classes only", minus(others)
            ),
            Distractor(
                "the diagonal of the softmax's Jacobian only: -y(1 - p)",
                tuple(jacobian),
            ),
        )
        # Near zero a relative tolerance is too strict: drawn anew.
        if min(map(abs, answer)) > 0.05
        else (),
        given={"logits": tuple(logits), "target": target, "smooth": smooth},
    )


def batch_norm_running(random: Random) -> Question:
    """The running variance of batch normalisation after a batch."""
    batch = [random.randint(-6, 9) for _ in range(random.choice((4, 5, 6)))]
    before = random.randint(2, 20) / 2
    momentum = random.choice((0.1, 0.2, 0.3))
    mean = sum(batch) / len(batch)
    squares = sum((value - mean) ** 2 for value in batch)
    unbiased = squares / (len(batch) - 1)

    def moved(variance: float, share: float = momentum) -> float:
        return (1 - share) * before + share * variance

    answer = moved(unbiased)
    return Question(
        prompt="Batch normalisation as in PyTorch keeps a running variance: it moves "
        f"by the momentum {say(momentum)} towards the unbiased variance of each batch. "
        f"It stands at {say(before)}; the next batch of one feature is {row(batch)}. "
        "What is the running variance after it?",
        answer=answer,
        steps=(
            f"Mean: {say(mean)}; squared deviations: {say(squares)}",
            f"Unbiased variance: {say(squares)} / {len(batch) - 1} = {say(unbiased)}",
            (
                f"{say(1 - momentum)} × {say(before)} + {say(momentum)} × "
                f"{say(unbiased)} = {say(answer)}"
            ),
        ),
        distractors=(
            Distractor("the biased variance of the batch", moved(squares / len(batch))),
            Distractor("the momentum on the old value", moved(unbiased, 1 - momentum)),
            Distractor("the variance of the batch alone", unbiased),
            Distractor(
                "moved towards the batch's standard deviation, not its variance",
                moved(math.sqrt(unbiased)),
            ),
        ),
        given={"batch": tuple(batch), "before": before, "momentum": momentum},
    )


def attention_output(random: Random) -> Question:
    """One output of scaled dot-product attention."""
    size, seen = 4, random.choice((2, 3))
    query, *keys = ([random.randint(-2, 2) for _ in range(size)] for _ in range(5))
    values = [random.randint(-5, 10) for _ in range(4)]
    dots = [sum(q * k for q, k in zip(query, key, strict=True)) for key in keys]

    def attend(scale: float, seen: int) -> float:
        weights = [math.exp(dot * scale) for dot in dots[:seen]]
        mixed = zip(weights, values, strict=False)
        return sum(w * v for w, v in mixed) / sum(weights)

    weights = [math.exp(dot / 2) for dot in dots[:seen]]
    shares = [weight / sum(weights) for weight in weights]
    answer = attend(1 / 2, seen)
    listed = "; ".join(f"({row(key)})" for key in keys)
    return Question(
        prompt=f"Causal scaled dot-product attention, one head of dimension {size}: "
        f"the keys of positions 1 to 4 are {listed}, and their values (one number "
        f"each) {row(values)}. The query of position {seen} is ({row(query)}). What is "
        f"the output at position {seen}?",
        answer=answer,
        steps=(
            f"Dot products with the keys up to position {seen}: {row(dots[:seen])}",
            f"Over sqrt({size}) = 2: {row(dot / 2 for dot in dots[:seen])}",
            f"Softmax: {row(shares)}",
            f"Sum of the values by these weights: {say(answer)}",
        ),
        distractors=(
            Distractor("not divided by sqrt(d)", attend(1, seen)),
            Distractor("divided by d, not by its root", attend(1 / size, seen)),
            Distractor("a later position seen", attend(1 / 2, seen + 1)),
            Distractor("the position does not see itself", attend(1 / 2, seen - 1)),
        )
        # Near zero a relative tolerance is too strict: drawn anew.
        if abs(answer) > 0.5
        else (),
        given={
            "query": tuple(query),
            "keys": tuple(map(tuple, keys)),
            "values": tuple(values),
            "position": seen,
        },
    )
