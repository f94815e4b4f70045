import functools
import math
from dataclasses import dataclass

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_gradient,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    layouts,
    matrices,
    seeds,
    unchanged,
)
from katas.deep_learning.dense import Dense
from reference.ml import deep_learning as reference

Array = NDArray[np.float64]
Shape = tuple[int, ...]


@dataclass
class Problem:
    """A layer's parameters, an input and the gradient that comes back."""

    weights: Array
    bias: Array
    x: Array
    gradient: Array

    def layer(self) -> Dense:
        """Return the learner's layer with these parameters, as loading would."""
        layer = Dense(len(self.weights), len(self.bias), seed=0)
        layer.weights, layer.bias = self.weights.copy(), self.bias.copy()
        return layer

    def expected(self) -> reference.Dense:
        """Return the reference's layer with these parameters."""
        layer = reference.Dense(len(self.weights), len(self.bias), seed=0)
        layer.weights, layer.bias = self.weights.copy(), self.bias.copy()
        return layer

    def loss(self, x: Array, weights: Array, bias: Array) -> float:
        """Return a loss whose gradient at the output is ``gradient``."""
        return float((self.gradient * (x @ weights + bias)).sum())


def problem(seed: int, rows: Shape, p: int, q: int) -> Problem:
    """Return a problem of whole tenths, none of them a gradient of ones."""
    rng = np.random.default_rng(seed)
    shapes = ((p, q), (q,), (*rows, p), (*rows, q))
    return Problem(*(rng.normal(size=shape).round(1) for shape in shapes))


# The number of rows and the two sizes of the layer are never equal.
batches = st.builds(
    lambda seed, sizes: problem(seed, (sizes[0],), sizes[1], sizes[2]),
    seeds(),
    st.permutations([1, 2, 3, 4, 5]),
)
row_shapes = st.sampled_from([(), (3,), (0,), (2, 5), (5, 2, 3)])
BATCH = problem(0, (3,), 4, 2)
RATE = 0.5
# Entries are tenths of at most 5 or so, and sums have at most thirty terms: their
# rounding stays below 30² · 25 · 1e-16 in any order. A few steps add up a few of those.
# An entry that cancels to nearly nothing errs as much as the others.
assert_near = functools.partial(assert_close, rtol=1e-11, atol=1e-11)


@given(batches)
@example(BATCH)
def test_forward_is_a_product_and_a_bias(case: Problem) -> None:
    """forward(X) is X W + b, the bias added to every row."""
    layer = case.layer()
    result = layer.forward(case.x)
    assert_shape(result, (len(case.x), len(case.bias)))
    assert_dtype(result, np.float64)
    expected = case.expected().forward(case.x)
    assert_near(result, expected)
    assert_equal(layer.weights, case.weights, "weights after forward")
    assert_equal(layer.bias, case.bias, "bias after forward")


@given(batches, st.sampled_from([0.0, RATE]))
@example(BATCH, 0.0)
@example(BATCH, RATE)
def test_parameter_gradients_are_the_slopes(case: Problem, rate: float) -> None:
    """The gradients that backward stores are the slopes of the loss, Xᵀ G and Σ G."""
    layer = case.layer()
    layer.forward(case.x)
    layer.backward(case.gradient, rate)
    assert_gradient(
        lambda weights: case.loss(case.x, weights, case.bias),
        case.weights,
        layer.weight_gradient,
        what="weight_gradient",
    )
    assert_gradient(
        lambda bias: case.loss(case.x, case.weights, bias),
        case.bias,
        layer.bias_gradient,
        what="bias_gradient",
    )


@given(batches, st.sampled_from([0.0, RATE]))
@example(BATCH, 0.0)
@example(BATCH, RATE)
def test_input_gradient_is_that_before_the_step(case: Problem, rate: float) -> None:
    """What backward returns is G Wᵀ with the weights of forward, before the step."""
    layer = case.layer()
    layer.forward(case.x)
    assert_gradient(
        lambda x: case.loss(x, case.weights, case.bias),
        case.x,
        layer.backward(case.gradient, rate),
        what="the gradient of the input",
    )


@given(batches, st.sampled_from([0.0, 0.01, RATE, 2.0]))
@example(BATCH, 0.0)
@example(BATCH, RATE)
def test_the_step_goes_downhill(case: Problem, rate: float) -> None:
    """Each parameter moves by −learning_rate times its gradient; at rate 0 not at all.

    The step is worked out here from the definition of the gradients.
    """
    layer = case.layer()
    layer.forward(case.x)
    layer.backward(case.gradient, rate)
    weights = case.weights - rate * np.einsum("np,nq->pq", case.x, case.gradient)
    bias = case.bias - rate * np.einsum("nq->q", case.gradient)
    assert_near(layer.weights, weights, what="weights")
    assert_near(layer.bias, bias, what="bias")
    if rate == 0.0:
        assert_equal(layer.weights, case.weights, "weights at rate 0")
        assert_equal(layer.bias, case.bias, "bias at rate 0")


@given(seeds(), row_shapes, st.permutations([1, 2, 3, 4]))
@example(0, (), [4, 2])
@example(0, (0,), [4, 2])
@example(0, (2, 5), [4, 3])
def test_every_axis_but_the_last_counts_rows(
    seed: int, rows: Shape, sizes: list[int]
) -> None:
    """One row, no row and a batch of sequences work as a batch of rows does."""
    p, q = sizes[:2]
    case = problem(seed, rows, p, q)
    layer, expected = case.layer(), case.expected()
    output = layer.forward(case.x)
    assert_shape(output, (*rows, q))
    assert_near(output, expected.forward(case.x))
    result = layer.backward(case.gradient, RATE)
    assert_shape(result, (*rows, p))
    assert_near(result, expected.backward(case.gradient, RATE))
    _assert_same_gradients(layer, expected)


@given(seeds(), st.permutations([2, 3, 4, 5]))
@example(0, [2, 3, 4, 5])
def test_each_backward_belongs_to_the_last_forward(seed: int, sizes: list[int]) -> None:
    """In the passes after the first nothing of an earlier input is left."""
    few, many, p, q = sizes
    case = problem(seed, (few,), p, q)
    layer, expected = case.layer(), case.expected()
    # Of the same shape first: that one is hard to notice.
    for number, rows in enumerate((few, few, many), start=1):
        other = problem(seed + number, (rows,), p, q)
        for model in (layer, expected):
            model.forward(case.x)
            model.forward(other.x)
        result = layer.backward(other.gradient, RATE)
        assert_shape(result, other.x.shape)
        assert_near(result, expected.backward(other.gradient, RATE))
        _assert_same_gradients(layer, expected)


@given(batches)
@example(BATCH)
def test_the_caller_may_reuse_the_array(case: Problem) -> None:
    """What the caller writes into the array after forward changes no gradient."""
    layer, expected = case.layer(), case.expected()
    x = case.x.copy()
    expected.forward(x)
    expected.backward(case.gradient, 0.0)
    layer.forward(x)
    x += 1.0
    layer.backward(case.gradient, 0.0)
    _assert_same_gradients(layer, expected)


@given(layouts(matrices(2, 3, max_magnitude=9.0)), layouts(matrices(2, 4)))
@example(np.ones((2, 3)), np.ones((2, 4)))
def test_the_arguments_are_not_changed(x: Array, gradient: Array) -> None:
    """Input and gradient are left as they are, and lists of whole numbers will do."""
    layer = Dense(3, 4, seed=1)
    with unchanged(x=x, gradient=gradient):
        output = layer.forward(x)
        result = layer.backward(gradient, 0.0)
    assert_holds(
        not np.shares_memory(output, x) and not np.shares_memory(result, gradient),
        "the results are new arrays",
    )
    whole = [[1, 0, -2], [3, 1, 1]]
    wanted = np.array(whole, dtype=np.float64) @ layer.weights + layer.bias
    assert_near(layer.forward(whole), wanted)
    result = layer.backward([[1, 0, 2, 0], [0, 1, 1, 3]], 0.0)
    assert_dtype(result, np.float64)


@given(seeds(), st.permutations([60, 140]))
@example(0, [60, 140])
def test_xavier_weights_are_uniform_in_their_bounds(
    seed: int, sizes: list[int]
) -> None:
    """Xavier's weights are uniform within ±√(6 / (p + q)); all else starts at zero."""
    p, q = sizes
    layer = Dense(p, q, seed=seed)
    bound = math.sqrt(6 / (p + q))
    weights = layer.weights
    _assert_starts_at_zero(layer, p, q)
    largest = float(np.abs(weights).max())
    assert_holds(largest <= bound, f"no weight beyond {bound:.4f}", actual=largest)
    # Of 8,400 draws the variance has a relative deviation of √(0.8 / 8400) ≈ 1 %, the
    # mean one of bound / √(3 · 8400) ≈ 0.6 % of the bound: eight of each, or more.
    variance = float(weights.var())
    assert_close(variance, bound**2 / 3, what="the variance", rtol=0.08)
    assert_close(float(weights.mean()), 0.0, what="the mean", atol=0.05 * bound)
    assert_equal(Dense(p, q, "xavier", seed).weights, weights, "the default weights")


@given(seeds(), st.permutations([60, 140]))
@example(0, [60, 140])
def test_he_weights_are_normal(seed: int, sizes: list[int]) -> None:
    """He's weights are normal with mean 0 and variance 2 / p."""
    p, q = sizes
    layer = Dense(p, q, weight_init="he", seed=seed)
    weights = layer.weights
    _assert_starts_at_zero(layer, p, q)
    scale = math.sqrt(2 / p)
    # The relative deviation of the variance is √(2 / 8400) ≈ 1.5 %, that of the mean
    # 1.1 % of the scale, that of the share √(0.68 · 0.32 / 8400) ≈ 0.5 %.
    assert_close(float(weights.var()), scale**2, what="the variance", rtol=0.12)
    assert_close(float(weights.mean()), 0.0, what="the mean", atol=0.09 * scale)
    share = float((np.abs(weights) < scale).mean())
    assert_close(share, 0.6827, what="the share within one deviation", atol=0.04)


@given(seeds())
@example(0)
def test_randomness_comes_from_the_seed_alone(seed: int) -> None:
    """The same seed gives the same weights, a generator goes on, others stay alone."""
    before = np.random.get_state(legacy=True)  # noqa: NPY002 - the state looked after
    for kind in ("xavier", "he"):
        weights = Dense(3, 2, kind, seed).weights
        assert_equal(Dense(3, 2, kind, seed).weights, weights, "weights of one seed")
        generator = np.random.default_rng(seed)
        drawn = Dense(3, 2, kind, generator).weights
        assert_equal(drawn, weights, "weights of a generator of that seed")
        for other in (Dense(3, 2, kind, generator), Dense(3, 2, kind, seed + 1)):
            assert_holds(not np.array_equal(other.weights, weights), "others differ")
    one, two = Dense(3, 2).weights, Dense(3, 2).weights
    assert_holds(not np.array_equal(one, two), "without a seed no two layers are alike")
    after = np.random.get_state(legacy=True)  # noqa: NPY002 - the state looked after
    assert_equal(after, before, "the state of NumPy's global generator")


def test_bad_arguments_are_refused() -> None:
    """What has no meaning is refused by name, and changes nothing."""
    assert_raises_naming("input_size", Dense, 0, 2)
    assert_raises_naming("output_size", Dense, 2, 0)
    assert_raises_naming("weight_init", Dense, 2, 3, "glorot")
    assert_shape(Dense(1, 1, seed=0).weights, (1, 1))
    untouched = Dense(4, 2, seed=0)
    zeros = np.zeros((3, 2))
    assert_raises_naming("forward", untouched.backward, zeros, 0.1, error=RuntimeError)
    layer, expected = BATCH.layer(), BATCH.expected()
    for model in (layer, expected):
        model.forward(BATCH.x)
        model.backward(BATCH.gradient, RATE)
        model.forward(BATCH.x)
    held = [layer.weights, layer.bias, layer.weight_gradient, layer.bias_gradient]
    with unchanged(parameters=held):
        for bad in (np.ones(3), np.ones((4, 3)), np.ones((4, 1)), 2.0):
            assert_raises_naming("input_data", layer.forward, bad)
        for shape in ((3, 1), (2, 2), (2, 3), (2,), (1, 3, 2)):
            assert_raises_naming("output_gradient", layer.backward, np.ones(shape), 0.1)
        assert_raises_naming("learning_rate", layer.backward, BATCH.gradient, -1e-9)
    now = [layer.weights, layer.bias, layer.weight_gradient, layer.bias_gradient]
    assert_equal(now, held, "the layer after the refusals")
    result = layer.backward(BATCH.gradient, RATE)
    wanted = expected.backward(BATCH.gradient, RATE)
    assert_near(result, wanted, what="backward after the refusals")


def _assert_same_gradients(layer: Dense, expected: reference.Dense) -> None:
    """Check the stored gradients and the parameters after the step."""
    for name in ("weight_gradient", "bias_gradient", "weights", "bias"):
        mine, theirs = getattr(layer, name), getattr(expected, name)
        assert_near(mine, theirs, what=name)


def _assert_starts_at_zero(layer: Dense, p: int, q: int) -> None:
    assert_shape(layer.weights, (p, q), "the shape of weights")
    assert_dtype(layer.weights, np.float64, "weights")
    for name, shape in (
        ("bias", (q,)),
        ("weight_gradient", (p, q)),
        ("bias_gradient", (q,)),
    ):
        assert_equal(getattr(layer, name), np.zeros(shape), name)
