"""The dense layer against torch and central differences.

Values agree with torch to the rounding of one matrix product, 1e-12 relative at these
sizes. Central differences of a function that is quadratic in the weights have no
truncation error, so what is left is eps/step: 1e-16/1e-4 of the loss, below 1e-7.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from reference.ml.deep_learning import Dense, Layer

Array = NDArray[np.float64]
# The first example may compile or import; a deadline would judge that.
unhurried = settings(deadline=None)

sizes = st.integers(1, 6)
batches = st.lists(st.integers(0, 4), max_size=3).map(tuple)


def numbers(generator: np.random.Generator, *shape: int) -> Array:
    return generator.normal(size=shape)


@unhurried
@given(batches, sizes, sizes, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3]))
def test_agrees_with_autograd(
    batch: tuple[int, ...], inputs: int, outputs: int, seed: int, rate: float
) -> None:
    generator = np.random.default_rng(seed)
    layer = Dense(inputs, outputs, seed=generator)
    layer.bias = numbers(generator, outputs)
    x, upstream = (
        numbers(generator, *batch, inputs),
        numbers(generator, *batch, outputs),
    )
    W = torch.tensor(layer.weights, requires_grad=True)
    b = torch.tensor(layer.bias, requires_grad=True)
    t = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.linear(t, W.T, b)
    gradients = torch.autograd.grad(expected, (W, b, t), torch.tensor(upstream))
    expected_W, expected_b, expected_x = (g.numpy() for g in gradients)

    output = layer.forward(x)
    assert output.shape == (*batch, outputs)
    assert output.dtype == np.float64
    np.testing.assert_allclose(output, expected.detach().numpy(), 1e-12, 1e-12)
    weights, bias = layer.weights.copy(), layer.bias.copy()
    gradient = layer.backward(upstream, rate)
    assert gradient.shape == x.shape
    np.testing.assert_allclose(gradient, expected_x, 1e-12, 1e-12)
    np.testing.assert_allclose(layer.weight_gradient, expected_W, 1e-12, 1e-12)
    np.testing.assert_allclose(layer.bias_gradient, expected_b, 1e-12, 1e-12)
    step = weights - rate * expected_W, bias - rate * expected_b
    np.testing.assert_allclose(layer.weights, step[0], 1e-12, 1e-12)
    np.testing.assert_allclose(layer.bias, step[1], 1e-12, 1e-12)


def difference(loss: Any, at: Array) -> Array:
    """The central difference of ``loss()`` in each entry of the array ``at``."""
    result, step = np.empty_like(at), 1e-4
    for index in np.ndindex(at.shape):
        kept = at[index]
        at[index] = kept + step
        above = loss()
        at[index] = kept - step
        result[index] = (above - loss()) / (2 * step)
        at[index] = kept
    return result


def test_agrees_with_central_differences() -> None:
    generator = np.random.default_rng(0)
    layer = Dense(4, 3, weight_init="he", seed=1)
    x, target = numbers(generator, 5, 4), numbers(generator, 5, 3)

    def loss() -> float:
        return float(np.sum((x @ layer.weights + layer.bias - target) ** 2))

    gradient = layer.backward(2.0 * (layer.forward(x) - target), 0.0)
    for analytical, array in (
        (gradient, x),
        (layer.weight_gradient, layer.weights),
        (layer.bias_gradient, layer.bias),
    ):
        np.testing.assert_allclose(analytical, difference(loss, array), 1e-7, 1e-7)


def test_the_input_gradient_uses_the_weights_before_the_step() -> None:
    layer = Dense(1, 1, "zeros")
    layer.weights = np.array([[2.0]])
    layer.forward([[3.0]])
    assert layer.backward([[1.0]], 10.0).tolist() == [[2.0]]
    assert layer.weights.tolist() == [[-28.0]]
    assert layer.bias.tolist() == [-10.0]


def test_gradients_are_sums_over_the_batch() -> None:
    """A batch gives the sum of what its rows give one by one."""
    generator = np.random.default_rng(0)
    x, upstream = numbers(generator, 6, 4), numbers(generator, 6, 2)
    layer = Dense(4, 2, seed=0)
    total = np.zeros((4, 2))
    for row, gradient in zip(x, upstream, strict=True):
        layer.forward(row[np.newaxis])
        layer.backward(gradient[np.newaxis], 0.0)
        total += layer.weight_gradient
    layer.forward(x)
    layer.backward(upstream, 0.0)
    np.testing.assert_allclose(layer.weight_gradient, total, 1e-12)
    np.testing.assert_allclose(layer.bias_gradient, upstream.sum(axis=0), 1e-12)


@unhurried
@given(arrays(np.float64, (3, 2), elements=st.integers(-9, 9).map(float)))
def test_a_rate_of_zero_leaves_the_parameters(x: Array) -> None:
    layer = Dense(2, 4, seed=0)
    weights, bias = layer.weights.copy(), layer.bias.copy()
    layer.forward(x)
    layer.backward(np.ones((3, 4)), 0.0)
    assert np.array_equal(layer.weights, weights)
    assert np.array_equal(layer.bias, bias)


def test_the_callers_arrays_stay_apart() -> None:
    layer = Dense(2, 2, seed=0)
    mine = layer.weights = layer.weights.copy()
    before, x, upstream = mine.copy(), np.ones((3, 2)), np.ones((3, 2))
    output = layer.forward(x)
    x[:] = np.nan
    output[:] = np.nan
    gradient = layer.backward(upstream, 0.5)
    upstream[:] = np.nan
    assert np.array_equal(layer.weight_gradient, np.full((2, 2), 3.0))
    assert np.array_equal(layer.bias_gradient, [3.0, 3.0])
    np.testing.assert_allclose(gradient, np.tile(before.sum(axis=1), (3, 1)), 1e-15)
    assert np.array_equal(mine, before)


def test_training_changes_nothing() -> None:
    layer, x = Dense(2, 3, seed=0), np.array([[1.0, -2.0]])
    assert np.array_equal(layer.forward(x, training=False), layer.forward(x))


def test_parameters_and_gradients_match() -> None:
    layer = Dense(2, 3, seed=0)
    layer.forward([[1.0, 2.0]])
    layer.backward([[1.0, 1.0, 1.0]], 0.1)
    assert [p.shape for p in layer.parameters()] == [(2, 3), (3,)]
    assert layer.parameters()[0] is layer.weights
    assert layer.parameters()[1] is layer.bias
    assert layer.gradients()[0] is layer.weight_gradient
    assert layer.gradients()[1] is layer.bias_gradient


def test_xavier_is_uniform_within_its_bound() -> None:
    """Kolmogorov–Smirnov with one seed: p falls below 1e-3 for one seed in 1000."""
    layer, bound = Dense(300, 200, seed=0), math.sqrt(6 / 500)
    assert np.abs(layer.weights).max() <= bound
    uniform = stats.uniform(-bound, 2 * bound)
    assert stats.kstest(layer.weights.ravel(), uniform.cdf).pvalue > 1e-3


def test_he_is_normal_with_variance_two_over_inputs() -> None:
    layer = Dense(300, 200, weight_init="he", seed=0)
    normal = stats.norm(0.0, math.sqrt(2 / 300))
    assert stats.kstest(layer.weights.ravel(), normal.cdf).pvalue > 1e-3


@pytest.mark.parametrize("weight_init", ["xavier", "he", "zeros"])
def test_initial_shapes(weight_init: str) -> None:
    layer = Dense(4, 3, weight_init, seed=0)
    assert isinstance(layer, Layer)
    assert layer.weights.shape == (4, 3)
    assert layer.weights.dtype == layer.bias.dtype == np.float64
    assert np.array_equal(layer.bias, np.zeros(3))
    assert layer.weights.any() == (weight_init != "zeros")


def test_the_seed_decides() -> None:
    assert np.array_equal(Dense(3, 2, seed=7).weights, Dense(3, 2, seed=7).weights)
    assert not np.array_equal(Dense(3, 2, seed=7).weights, Dense(3, 2, seed=8).weights)
    generator = np.random.default_rng(7)
    assert np.array_equal(
        Dense(3, 2, seed=generator).weights, Dense(3, 2, seed=7).weights
    )
    assert not np.array_equal(
        Dense(3, 2, seed=generator).weights, Dense(3, 2, seed=7).weights
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 2), ValueError, "input_size"),
        ((2, -1), ValueError, "output_size"),
        ((2.0, 2), TypeError, "input_size"),
        ((2, True), TypeError, "output_size"),
        ((2, 2, "glorot"), ValueError, "weight_init"),
    ],
)
def test_bad_options_are_refused(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message} must be"):
        Dense(*arguments)


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (np.zeros((2, 4)), ValueError),
        (1.0, ValueError),
        ([[np.nan] * 3], ValueError),
        ([["a"] * 3], TypeError),
    ],
)
def test_bad_inputs_are_refused(x: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^input_data must be"):
        Dense(3, 2).forward(x)


def test_backward_needs_forward() -> None:
    with pytest.raises(RuntimeError, match="call forward first"):
        Dense(3, 2).backward([[1.0, 1.0]], 0.1)


@pytest.mark.parametrize(
    ("gradient", "rate", "error", "message"),
    [
        (np.ones((5, 3)), 0.1, ValueError, "output_gradient"),
        (np.ones((1, 2)), 0.1, ValueError, "output_gradient"),
        (np.ones(2), 0.1, ValueError, "output_gradient"),
        (1.0, 0.1, ValueError, "output_gradient"),
        (np.full((5, 2), np.inf), 0.1, ValueError, "output_gradient"),
        (np.ones((5, 2)), -0.1, ValueError, "learning_rate"),
        (np.ones((5, 2)), math.nan, ValueError, "learning_rate"),
        (np.ones((5, 2)), "0.1", TypeError, "learning_rate"),
    ],
)
def test_bad_gradients_are_refused_and_change_nothing(
    gradient: Any, rate: Any, error: type[Exception], message: str
) -> None:
    layer = Dense(3, 2, seed=0)
    layer.forward(np.ones((5, 3)))
    before = [array.copy() for array in layer.parameters() + layer.gradients()]
    with pytest.raises(error, match=f"^{message} must be"):
        layer.backward(gradient, rate)
    after = layer.parameters() + layer.gradients()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
