"""Networks: a second derivation of every answer, mostly PyTorch's own."""

import torch
from torch import nn

from tests.interviews.ml_theory_questions.derive import Given, check


def test_the_shape_is_torchs() -> None:
    def derive(given: Given) -> tuple[float, ...]:
        shape = given.wholes("shape")
        layer = nn.Conv2d(
            shape[0],
            given.whole("filters"),
            given.whole("kernel"),
            stride=given.whole("stride"),
            padding=given.whole("padding"),
            dilation=given.whole("dilation"),
            device="meta",
        )
        return tuple(layer(torch.empty(1, *shape, device="meta")).shape[1:])

    check("convolution-shape", derive)


def test_the_field_is_where_the_gradient_is() -> None:
    def derive(given: Given) -> float:
        kernels, strides = given.wholes("kernels"), given.wholes("strides")
        dilations = [1, 1, 1, given.whole("dilation")]
        # Long enough for one output; all weights 1, so that nothing cancels.
        inputs = torch.ones(1, 1, 2000, requires_grad=True)
        outputs: torch.Tensor = inputs
        for kernel, stride, dilation in zip(kernels, strides, dilations, strict=True):
            outputs = nn.functional.conv1d(
                outputs, torch.ones(1, 1, kernel), stride=stride, dilation=dilation
            )
        outputs[0, 0, 0].backward()  # type: ignore[no-untyped-call]  # torch's own
        assert inputs.grad is not None
        seen = inputs.grad.flatten().nonzero().flatten()
        return int(seen.max() - seen.min()) + 1

    check("receptive-field", derive)


def test_parameters_are_those_of_the_layers() -> None:
    def derive(given: Given) -> float:
        inputs, kernel = given.whole("inputs"), given.whole("kernel")
        layers = nn.Sequential(
            nn.Conv2d(inputs, inputs, kernel, groups=inputs, device="meta"),
            nn.Conv2d(inputs, given.whole("outputs"), 1, device="meta"),
        )
        return sum(parameter.numel() for parameter in layers.parameters())

    check("separable-parameters", derive)


def test_the_length_is_torchs() -> None:
    def derive(given: Given) -> float:
        layer = nn.ConvTranspose1d(
            1,
            1,
            given.whole("kernel"),
            stride=given.whole("stride"),
            padding=given.whole("padding"),
            output_padding=given.whole("extra"),
        )
        return int(layer(torch.zeros(1, 1, given.whole("size"))).shape[2])

    check("transposed-convolution-size", derive)


def test_the_gradient_is_torchs() -> None:
    def derive(given: Given) -> tuple[float, ...]:
        logits = torch.tensor(given.reals("logits"), dtype=torch.float64)
        logits.requires_grad_()
        loss = nn.functional.cross_entropy(
            logits,
            torch.tensor(given.whole("target")),
            label_smoothing=given.real("smooth"),
        )
        (gradient,) = torch.autograd.grad(loss, logits)
        return tuple(gradient.tolist())

    check("cross-entropy-gradient", derive)


def test_the_running_variance_is_torchs() -> None:
    def derive(given: Given) -> float:
        layer = nn.BatchNorm1d(1, momentum=given.real("momentum"), dtype=torch.float64)
        assert layer.running_var is not None
        layer.running_var.fill_(given.real("before"))
        layer(torch.tensor(given.reals("batch"), dtype=torch.float64)[:, None])
        return float(layer.running_var[0])

    check("batch-norm-running", derive)


def test_attention_is_torchs() -> None:
    def derive(given: Given) -> float:
        seen = given.whole("position")
        keys = torch.tensor(given.table("keys"), dtype=torch.float64)
        values = torch.tensor(given.wholes("values"), dtype=torch.float64)[:, None]
        queries = torch.zeros_like(keys)
        queries[seen - 1] = torch.tensor(given.wholes("query"))
        outputs = nn.functional.scaled_dot_product_attention(
            queries, keys, values, is_causal=True
        )
        return float(outputs[seen - 1, 0])

    check("attention-output", derive)
