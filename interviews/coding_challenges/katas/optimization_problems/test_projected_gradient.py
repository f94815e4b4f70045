import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_raises_naming,
    assert_shape,
    layouts,
    unchanged,
    vectors,
)
from katas.optimization_problems.projected_gradient import project, projected_gradient

Vector = NDArray[np.float64]
EPSILON = float(np.finfo(np.float64).eps)

# Around 1, where some entries are cut and some are not; and far apart.
points = st.one_of(vectors(max_magnitude=1.0), vectors(max_magnitude=1e3))


def _nearest(v: Vector) -> Vector:
    """Find τ by halving: the sum of what is left falls as τ grows."""
    v = v - v.max()
    low, high = -1.0, 0.0
    for _ in range(60):
        middle = (low + high) / 2
        if np.maximum(v - middle, 0).sum() > 1:
            low = middle
        else:
            high = middle
    return np.maximum(v - low, 0)


def _tolerance(v: Vector) -> float:
    # What is kept is within 1 of the largest entry: sums of n numbers of at most 1.
    return 8 * len(v) * EPSILON


@given(layouts(points))
@example(np.array([0.9, 0.4, -0.2]))
@example(np.array([-3.0, 2.0, 1.5, 1.5]))
@example(np.array([0.1, 0.2]))
@example(np.array([-5.0]))
@example(np.array([0.0, -1.0]))
def test_it_is_the_nearest_point(v: Vector) -> None:
    """The same is taken from all entries and cut at zero, so that the sum is one."""
    with unchanged(v=v):
        x = project(v)
    assert_shape(x, v.shape)
    assert_dtype(x, np.float64)
    assert_close(x, _nearest(v), what="P(v)", rtol=0.0, atol=_tolerance(v))
    assert_equal(bool((x >= 0).all()), True, "whether all entries are at least 0")


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
@example(1, 0)
@example(3, 0)
def test_a_point_of_the_simplex_stays(size: int, seed: int) -> None:
    """What is on the simplex already, a corner too, is its own nearest point."""
    inside = np.random.default_rng(seed).dirichlet(np.ones(size))
    for x in (inside, np.eye(size)[seed % size]):
        atol = _tolerance(x)
        assert_close(project(x), x, what="P(x)", rtol=0.0, atol=atol)


@given(points, st.sampled_from([-1e15, -1e6, 0.5, 1e6, 1e15]))
@example(np.array([0.0, 0.25, 1.0]), 1e15)
@example(np.array([0.0, 3.0]), -1e6)
@example(np.array([-2e15, 0.0, 0.25, 0.5]), 1e6)
def test_a_common_shift_changes_nothing(v: Vector, shift: float) -> None:
    """A number added to all entries does not count, be it ever so large."""
    moved = v + shift
    # What the addition rounded away is not to be found again: the exact point of
    # comparison is what was stored.
    expected = _nearest(moved)
    atol = _tolerance(moved)
    assert_close(project(moved), expected, what="P(v + c)", rtol=0.0, atol=atol)


@given(vectors(max_size=4, max_magnitude=2.0), st.integers(0, 4))
@example(np.array([2.0, -1.0, 0.5]), 1)
@example(np.array([2.0, -1.0, 0.5]), 3)
@example(np.array([0.9, 0.4]), 0)
def test_each_step_goes_down_and_back(start: Vector, steps: int) -> None:
    """From the projected start each step goes against the gradient and is projected."""
    target = np.linspace(-0.4, 0.9, len(start))
    weights = np.arange(1.0, len(start) + 1)
    seen: list[Vector] = []

    def gradient(x: Vector) -> Vector:
        seen.append(x.copy())
        return weights * (x - target)

    with unchanged(start=start):
        x = projected_gradient(gradient, start, 0.25, steps)
    path = [_nearest(start)]
    for _ in range(steps):
        path.append(_nearest(path[-1] - 0.25 * weights * (path[-1] - target)))
    assert_equal(len(seen), steps, "the number of gradients")
    # Projection brings points no farther apart, and so errors of steps only add up.
    atol = 8 * (steps + 1) * _tolerance(start)
    for number, (given_to, expected) in enumerate(zip(seen, path[:-1], strict=True)):
        what = f"the point of gradient {number}"
        assert_close(given_to, expected, what=what, rtol=0.0, atol=atol)
    assert_dtype(x, np.float64)
    assert_close(x, path[-1], what="x", rtol=0.0, atol=atol)


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
@example(3, 0)
def test_it_arrives_at_the_minimum(size: int, seed: int) -> None:
    """For f(x) = |x − c|²/2 enough steps lead to the nearest point to c."""
    c = np.random.default_rng(seed).normal(size=size)
    x = projected_gradient(lambda x: x - c, np.zeros(size), 0.5, 80)
    # Each step halves the distance: after 80 of them rounding is all that is left.
    assert_close(x, _nearest(c), what="x", rtol=0.0, atol=4 * _tolerance(c))


@given(st.integers(1, 3))
@example(2)
def test_the_gradient_may_write_into_its_argument(steps: int) -> None:
    """What the gradient does to its argument, or gives as a list, is its own affair."""

    def gradient(x: Vector) -> list[float]:
        slope = (x - 0.5).tolist()
        x[:] = 7.0
        return slope

    found = projected_gradient(gradient, [1, 0, 0], 0.5, steps)
    clean = projected_gradient(lambda x: x - 0.5, [1, 0, 0], 0.5, steps)
    assert_equal(found, clean, "x")


@given(st.sampled_from([0.0, -1.0, math.nan]), st.integers(-3, -1))
@example(0.0, -1)
def test_bad_arguments_are_refused(rate: float, steps: int) -> None:
    """No vector, nothing, numbers that are not finite, bad rates and steps: refused."""
    for bad in ([], [[0.5]], 1.0, [math.nan, 0.0], [math.inf, 0.0]):
        assert_raises_naming("v", project, bad)
    for bad_steps in (0, 2):
        arguments = (np.negative, [1.0], rate, bad_steps)
        assert_raises_naming("rate", projected_gradient, *arguments)
    assert_raises_naming("steps", projected_gradient, np.negative, [1.0], 0.5, steps)
    assert_equal(project([3, 0]), np.array([1.0, 0.0]), "P of a list of integers")
