import math
from collections.abc import Callable

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    floats,
    layouts,
    unchanged,
    vectors,
)
from katas.optimization.gradient_check import gradient_check, numerical_gradient
from reference.core import optimization as reference

Array = NDArray[np.float64]

shapes = st.sampled_from([(), (1,), (3,), (2, 3), (3, 1, 2), (0,), (2, 0)])
# With whole numbers and these steps every sum below is exact in floating point.
whole = shapes.flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=st.integers(-5, 5).map(float))
)
exact_steps = st.sampled_from([1.0, 0.5, 0.25, 2.0**-10])
pairs = shapes.flatmap(
    lambda shape: st.tuples(
        *[hnp.arrays(np.float64, shape, elements=floats(), fill=st.nothing())] * 2
    )
)


def _weights(x: Array) -> Array:
    return np.arange(1.0, x.size + 1).reshape(x.shape)


def weighted_squares(x: Array) -> float:
    """Σₖ k·xₖ² + (Σₖ xₖ)²."""
    return float((_weights(x) * x**2).sum() + x.sum() ** 2)


def sum_of_cubes(x: Array) -> float:
    """Σₖ xₖ³."""
    return float((x**3).sum())


def waves(x: Array) -> float:
    """Σₖ sin(k·xₖ) + cos(Σₖ xₖ)."""
    return float(np.sin(_weights(x) * x).sum() + np.cos(x.sum()))


def last_entry(x: Array) -> float:
    """The last entry of x."""
    return float(x.flat[-1])


def _relative_error(a: Array, n: Array) -> float:
    norms = math.hypot(*a.flat) + math.hypot(*n.flat)
    return math.hypot(*(a - n).flat) / norms


@given(whole, exact_steps)
@example(np.array([1.0, 2.0]), 1.0)
@example(np.array(3.0), 1.0)
def test_the_gradient_of_a_quadratic_is_exact(x: Array, epsilon: float) -> None:
    """The gradient of Σ k·xₖ² + (Σ xₖ)² is 2k·xₖ + 2·Σ xₖ, exactly, for any ε."""
    gradient = numerical_gradient(weighted_squares, x, epsilon)
    assert_shape(gradient, x.shape)
    assert_dtype(gradient, np.float64)
    expected = np.asarray(2 * _weights(x) * x + 2 * x.sum())
    assert_close(np.asarray(gradient), expected)


@given(whole)
@example(np.array([1.0, -2.0]))
def test_half_the_step_is_a_quarter_of_the_error(x: Array) -> None:
    """A central difference is off by ε²·f‴/6: by ε² in each entry for f = Σ xₖ³."""
    for epsilon in (0.5, 0.25):
        error = np.asarray(numerical_gradient(sum_of_cubes, x, epsilon)) - 3 * x**2
        expected = np.full(x.shape, epsilon**2)
        assert_close(error, expected, what=f"the error at epsilon = {epsilon}")


@given(
    shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=floats(2.0))),
    st.sampled_from([1e-5, 1e-3, 0.1]),
)
@example(np.array([[0.3, -1.2, 0.7], [0.1, 0.4, -0.6]]), 1e-5)
def test_agrees_with_the_reference(x: Array, epsilon: float) -> None:
    """Any function at any point, f seeing the shape of x: here sines and a cosine."""
    gradient = numerical_gradient(waves, x, epsilon)
    assert_shape(gradient, x.shape)
    expected = reference.numerical_gradient(waves, x, epsilon)
    # waves is at most 7, made of values that are off by a few ulps; twice over 2ε.
    assert_close(np.asarray(gradient), expected, rtol=0, atol=1e-14 / epsilon)


def test_the_step_is_a_hundred_thousandth() -> None:
    """Without an epsilon the step is 1e-5."""
    points: list[float] = []

    def square(x: Array) -> float:
        points.append(float(x[0]))
        return float(x[0] ** 2)

    numerical_gradient(square, [1.0])
    assert_close(max(points), 1.0 + 1e-5, what="the point above")
    assert_close(min(points), 1.0 - 1e-5, what="the point below")


@given(vectors(max_magnitude=1e10))
@example(np.array([1.0, 1e6 / 3]))
@example(np.array([1e10]))
def test_the_distance_is_the_one_taken(x: Array) -> None:
    """The slope of f(x) = xₖ is 1 without any error, however ε is rounded next to x."""
    expected = np.zeros(x.shape)
    expected[-1] = 1.0
    assert_equal(numerical_gradient(last_entry, x), expected)


@given(whole)
@example(np.array([1.0, 2.0]))
def test_two_calls_an_entry_each_with_its_own_array(x: Array) -> None:
    """Each entry takes two calls of f, at xₖ + ε and xₖ − ε, in arrays f may keep."""
    kept: list[Array] = []

    def keep(argument: Array) -> float:
        kept.append(argument)
        return float(len(kept))

    numerical_gradient(keep, x, 0.5)
    moves = set()
    for argument in kept:
        assert_shape(argument, x.shape, "the argument of f")
        assert_dtype(argument, np.float64, "the argument of f")
        move = (argument - x).ravel()
        moves.update((int(k), float(move[k])) for k in np.nonzero(move)[0])
        one = int(np.count_nonzero(move)) == 1
        assert_holds(one, "f sees one entry moved at a time", actual=argument)
    assert_equal(len(kept), 2 * x.size, "the number of calls of f")
    expected = {(k, move) for k in range(x.size) for move in (0.5, -0.5)}
    assert_holds(
        moves == expected,
        "each entry moves up by epsilon and down by epsilon",
        actual=moves,
        expected=expected,
    )


@given(layouts(whole))
@example(np.array([1.0, 2.0]))
def test_x_is_not_changed(x: Array) -> None:
    """The caller's x stays as it was, even if f overwrites what it is given."""

    def squares_then_zeros(argument: Array) -> float:
        value = weighted_squares(argument)
        argument[...] = 0.0
        return value

    with unchanged(x=x):
        gradient = numerical_gradient(squares_then_zeros, x, 0.5)
    expected = np.asarray(2 * _weights(x) * x + 2 * x.sum())
    assert_close(np.asarray(gradient), expected)


def test_whole_numbers_and_lists_are_welcome() -> None:
    """Lists, integers and float32 are taken as float64, before ε is added."""
    # The derivative of x³ at 2 with ε = 1e-5 is 12 + 1e-10; the rounding of 8 over ε.
    for x in ([1, 2], np.array([1, 2]), np.array([1, 2], dtype=np.float32)):
        gradient = numerical_gradient(sum_of_cubes, x)
        assert_dtype(gradient, np.float64)
        assert_close(gradient, np.array([3.0, 12.0]), rtol=0, atol=1e-9)
    # A fall from 5 to 3 would wrap around in the unsigned integers of f.
    for kind in (int, np.uint8, np.float64, np.asarray):
        result = numerical_gradient(_returning(kind), [1.0, 2.0], 1.0)
        assert_close(result, np.array([-1.0, -1.0]))


def _returning(kind: Callable[[float], object]) -> Callable[[Array], object]:
    def seven_less_the_sum(x: Array) -> object:
        return kind(7.0 - float(x.sum()))

    return seven_less_the_sum


@given(pairs)
@example((np.array([3.0, 0.0]), np.array([0.0, 4.0])))
@example((np.array([[1.0, 2.0]]), np.array([[1.0, 2.5]])))
@example((np.array([1.0, 1e3]), np.array([-1.0, 1e3])))
@example((np.array([1.0, 2.0]), np.array([100.0, 200.0])))
@example((np.array([100.0, 200.0]), np.array([1.0, 2.0])))
def test_the_relative_error_is_compared(pair: tuple[Array, Array]) -> None:
    """Gradients agree where ‖a − n‖ / (‖a‖ + ‖n‖), over all entries, is less."""
    a, n = pair
    if not a.any() and not n.any():
        return
    error = _relative_error(a, n)
    # Norms of a few entries round by a few ulps, far less than one in 1e9.
    above = gradient_check(a, n, error * (1 + 1e-9) + 1e-14)
    assert_holds(above is True, f"an error of {error:.6g} is below a larger threshold")
    if error > 1e-12:
        below = gradient_check(a, n, error * (1 - 1e-9))
        claim = f"an error of {error:.6g} is not below a smaller threshold"
        assert_holds(below is False, claim)


def test_the_threshold_itself_is_too_much() -> None:
    """An error that equals the threshold is a disagreement; 1e-5 is the default."""
    # 3 / 5, which is rounded once; and 1, whatever a is.
    assert_equal(gradient_check([4.0], [1.0], 0.6), False)
    assert_equal(gradient_check([4.0], [1.0], math.nextafter(0.6, 1.0)), True)
    assert_equal(gradient_check([4.0], [0.0], 1.0), False)
    assert_equal(gradient_check([4.0], [0.0], math.nextafter(1.0, 2.0)), True)
    assert_equal(gradient_check(1.0, -1.0, 1.5), True)
    # Half of 1.99e-5 and of 2.01e-5, less one part in 1e5.
    assert_equal(gradient_check([1.0, 0.0], [1.0 + 1.99e-5, 0.0]), True)
    assert_equal(gradient_check([1.0, 0.0], [1.0 + 2.01e-5, 0.0]), False)


@given(pairs, st.integers(-700, 700))
@example((np.array([3.0, 1.0]), np.array([3.0, 2.0])), -600)
@example((np.array([3.0, 1.0]), np.array([3.0, 2.0])), 600)
def test_the_scale_does_not_matter(pair: tuple[Array, Array], power: int) -> None:
    """Gradients multiplied by any power of two agree or disagree as before."""
    # Below 1e-3 an entry times 2⁻⁷⁰⁰ gets near the numbers that lose digits.
    a, n = (np.where(np.abs(g) < 1e-3, 0.0, g) for g in pair)
    if not a.any() and not n.any():
        return
    error, scale = _relative_error(a, n), 2.0**power
    above = error * (1 + 1e-9) + 1e-14
    assert_equal(gradient_check(scale * a, scale * n, above), True)
    if error > 1e-12:
        below = error * (1 - 1e-9)
        assert_equal(gradient_check(scale * a, scale * n, below), False)


def test_zero_gradients_agree_and_nan_never_does() -> None:
    """Zero agrees with zero, a number with no zero, NaN and infinity with nothing."""
    for zero in (0.0, [0.0, 0.0], np.zeros((2, 3)), [], np.zeros((2, 0))):
        assert_equal(gradient_check(zero, zero), True)
    assert_equal(gradient_check([0.0, 1e-300], [0.0, 0.0]), False)
    assert_equal(gradient_check([0.0, 0.0], [0.0, 1e-300]), False)
    for bad in (np.nan, np.inf, -np.inf):
        for other in (0.0, 1.0, bad):
            assert_equal(gradient_check([0.0, bad], [0.0, other], 10.0), False)
            assert_equal(gradient_check([0.0, other], [0.0, bad], 10.0), False)


def test_bad_input_is_refused() -> None:
    """What has no gradient, no step or no comparison raises and says which."""
    calls: list[Array] = []

    def counted(x: Array) -> float:
        calls.append(x)
        return 0.0

    for x in ([1.0, np.nan], [np.inf], [[0.0, -np.inf]]):
        assert_raises_naming("x", numerical_gradient, counted, x)
    for epsilon in (0.0, -1e-5, np.nan):
        assert_raises_naming("epsilon", numerical_gradient, counted, [1.0], epsilon)
    for epsilon, x in (
        (1e-17, [0.0, 1.0]),
        # Halfway between two numbers the even one is taken: x itself, on one side.
        (1.0, [1.0, 2.0**53]),
        (1.0, [-(2.0**53)]),
    ):
        assert_raises_naming("epsilon", numerical_gradient, counted, x, epsilon)
    assert_equal(len(calls), 0, "the number of calls of f before the refusal")
    for value in ([1.0], [1.0, 2.0], np.zeros((1, 1))):
        assert_raises_naming(
            "f", numerical_gradient, _returning(lambda _, v=value: v), [1.0]
        )
    for a, n in (([1.0], [[1.0]]), ([1.0, 1.0], 1.0), ([1.0, 2.0], [1.0, 2.0, 3.0])):
        assert_raises_naming("numerical_grad", gradient_check, a, n)
    for threshold in (0.0, -1.0, np.nan):
        assert_raises_naming("threshold", gradient_check, [1.0], [1.0], threshold)
