import math
from collections.abc import Callable

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_dtype,
    assert_equal,
    assert_raises_naming,
    unchanged,
)
from katas.optimization_problems.line_search import descend, line_search

Vector = NDArray[np.float64]

# Powers of two, with which all that is compared here is exact.
curvatures = st.integers(-6, 8).map(lambda power: 2.0**power)
shrinks = st.sampled_from([0.5, 0.25, 0.75])
slopes = st.sampled_from([1e-4, 0.25, 0.75])


def _bowl(curvature: float) -> Callable[[Vector], float]:
    return lambda x: float(curvature * x @ x / 2)


def _first_good(
    f: Callable[[Vector], float], x: Vector, g: Vector, d: Vector, *rest: float
) -> float:
    """Write all the steps down, and look for the first that is good enough."""
    first, shrink, slope, tries = rest
    steps = [first]
    while len(steps) < tries:
        steps.append(steps[-1] * shrink)
    good = [t for t in steps if f(x) - f(x + t * d) >= slope * t * float(-g @ d)]
    return good[0] if good else 0.0


@given(curvatures, st.sampled_from([1.0, 2.0, 0.375]), shrinks, slopes)
@example(1.0, 1.0, 0.5, 1e-4)
@example(4.0, 1.0, 0.5, 1e-4)
@example(256.0, 2.0, 0.25, 0.75)
@example(1.75, 1.0, 0.5, 1e-4)
def test_the_step_brings_enough(
    curvature: float, first: float, shrink: float, slope: float
) -> None:
    """The first step counts that brings its share of what the tangent promises."""
    f = _bowl(curvature)
    x = np.array([1.0, -2.0])
    g, d = curvature * x, -curvature * x
    with unchanged(x=x, g=g, d=d):
        step = line_search(f, x, g, d, first, shrink, slope)
    expected = _first_good(f, x, g, d, first, shrink, slope, 50)
    assert_equal(step, expected, "the step")
    by_default = _first_good(f, x, g, d, 1.0, 0.5, 1e-4, 50)
    assert_equal(line_search(f, x, g, d), by_default, "the step by default")
    # Along a direction that is not the gradient's.
    way = np.array([-1.0, 0.0])
    aside = _first_good(f, x, g, way, first, shrink, slope, 50)
    found = line_search(f, x, g, way, first, shrink, slope)
    assert_equal(found, aside, "the step along one axis")


@given(st.integers(1, 8), st.sampled_from([0.25, 0.5]))
@example(1, 0.5)
@example(3, 0.25)
def test_just_enough_is_enough(first: int, slope: float) -> None:
    """A step that brings exactly what is asked for is taken."""

    def line(x: Vector) -> float:
        return float(-slope * x[0])

    step = line_search(line, [0], [-1.0], [1], float(first), slope=slope)
    assert_equal(step, float(first), "the step")
    steeper = line_search(lambda x: 0.5 * line(x), [0], [-1.0], [1], 1.0, slope=slope)
    assert_equal(steeper, 0.0, "the step where none brings enough")
    for share, expected in ((1.5e-4, 1.0), (0.75e-4, 0.0)):
        found = line_search(lambda x, s=share: -s * x[0], [0.0], [-1.0], [1.0])
        assert_equal(found, expected, f"the step that brings {share} of its length")


@given(st.integers(0, 6), st.sampled_from([math.nan, math.inf]))
@example(3, math.nan)
@example(2, math.inf)
@example(0, math.nan)
def test_values_that_are_no_numbers(wall: int, value: float) -> None:
    """A NaN or an infinity is never good enough; if nothing is, the answer is 0.0."""

    def f(x: Vector) -> float:
        return float(-x[0]) if x[0] <= 2.0**-wall else value

    assert_equal(line_search(f, [0.0], [-1.0], [1.0]), 2.0**-wall, "the step")
    too_few = line_search(f, [0.0], [-1.0], [1.0], 2.0, tries=wall + 1)
    assert_equal(too_few, 0.0, "the step after too few tries")
    enough = line_search(f, [0.0], [-1.0], [1.0], 2.0, tries=wall + 2)
    assert_equal(enough, 2.0**-wall, "the step at the last try")


@given(st.integers(0, 60))
@example(0)
@example(2)
@example(49)
@example(50)
def test_no_more_calls_than_steps_tried(halvings: int) -> None:
    """The function is called once at x, and once for each step that is tried."""
    seen: list[float] = []

    def f(x: Vector) -> float:
        seen.append(float(x[0]))
        return float(-x[0]) if x[0] <= 2.0**-halvings else 1.0

    step = line_search(f, [0.0], [-1.0], [1.0])
    tried = [2.0**-k for k in range(min(halvings + 1, 50))]
    assert_equal(sorted(seen), sorted([0.0, *tried]), "where the function was called")
    assert_equal(step, 2.0**-halvings if halvings < 50 else 0.0, "the step")


@given(st.integers(0, 4), curvatures)
@example(1, 4.0)
@example(3, 1.0)
@example(4, 0.5)
@example(0, 1.0)
def test_descent_by_searched_steps(steps: int, curvature: float) -> None:
    """Each step of the descent is searched; at a minimum it stays where it is."""
    f = _bowl(curvature)
    start = np.array([1.0, -2.0, 0.0])
    asked: list[Vector] = []

    def gradient_of(x: Vector) -> Vector:
        asked.append(x.copy())
        return curvature * x

    with unchanged(start=start):
        x = descend(f, gradient_of, start, steps)
    expected, calls = start, 0
    for _ in range(steps):
        calls += 1
        g = curvature * expected
        if not g.any():
            break
        t = _first_good(f, expected, g, -g, 1.0, 0.5, 1e-4, 50)
        expected = expected - t * g
    assert_dtype(x, np.float64)
    assert_equal(x, expected, "where it arrives")
    assert_equal(len(asked), calls, "the number of gradients")
    assert_equal(descend(f, gradient_of, [0, 0], 3), np.zeros(2), "from the minimum")


@given(st.integers(1, 5))
@example(2)
def test_descent_ends_where_no_step_helps(steps: int) -> None:
    """Where no step is good enough the descent ends: one gradient, and x as it was."""
    asked: list[Vector] = []

    def upwards(x: Vector) -> Vector:
        asked.append(x.copy())
        return -x

    x = descend(_bowl(1.0), upwards, [1.0, 2.0], steps)
    assert_equal(x, np.array([1.0, 2.0]), "where it stays")
    assert_equal(len(asked), 1, "the number of gradients")


@given(st.sampled_from([0.0, -1.0, math.nan]), st.sampled_from([1.0, 1.5]))
@example(0.0, 1.0)
@example(math.nan, 1.0)
def test_bad_arguments_are_refused(low: float, high: float) -> None:
    """What is out of its bounds is refused by name, before anything is called."""

    def f(_x: Vector) -> float:
        raise AssertionError(
            "the function was called before the arguments were checked"
        )

    for way in ([1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [math.nan, 0.0]):
        assert_raises_naming("direction", line_search, f, [1, 1], [2.0, 0.0], way)
    fine = ([1.0], [2.0], [-1.0])
    assert_raises_naming("first", line_search, f, *fine, low)
    for bad in (low, high):
        assert_raises_naming("shrink", line_search, f, *fine, shrink=bad)
        assert_raises_naming("slope", line_search, f, *fine, slope=bad)
    for tries in (0, -1):
        assert_raises_naming("tries", line_search, f, *fine, tries=tries)
    step = line_search(_bowl(1.0), *fine, first=1e-3, tries=1)
    assert_equal(step, 1e-3, "the step with one try")
