import itertools
import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_holds, assert_raises_naming, unchanged
from katas.optimization_problems.knapsack_budget import allocate

Projects = list[tuple[int, int]]

# Whole values have exact sums: what is worth more is never a matter of rounding.
projects = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 9)), min_size=1, max_size=7
)


def _most(rows: Projects, budget: int) -> int:
    """What the best of all choices is worth."""
    worths = [0]
    for bits in itertools.product((0, 1), repeat=len(rows)):
        chosen = [row for row, bit in zip(rows, bits, strict=True) if bit]
        if sum(cost for cost, _ in chosen) <= budget:
            worths.append(sum(value for _, value in chosen))
    return max(worths)


def _assert_allowed(chosen: object, costs: list[int], budget: int) -> list[int]:
    """Check the form of a choice and its costs; the numbers are safe after that."""
    if not isinstance(chosen, list) or not all(type(i) is int for i in chosen):
        assert_holds(False, "the choice is a list of whole numbers", actual=chosen)
        return []
    known = all(0 <= i < len(costs) for i in chosen)
    rising = all(a < b for a, b in itertools.pairwise(chosen))
    assert_holds(known and rising, "each project once, in rising order", actual=chosen)
    spent = sum(costs[i] for i in chosen)
    claim = "the choice is within the budget"
    assert_holds(spent <= budget, claim, actual=spent, expected=budget)
    return chosen


@given(st.integers(1, 12), st.integers(0, 2))
@example(1, 0)
@example(5, 1)
def test_the_budget_may_be_spent_in_full(budget: int, short: int) -> None:
    """What costs all of the budget can be paid; what costs more cannot."""
    costs = [budget + 1, budget + short, budget + 2]
    expected = [1] if short == 0 else []
    assert_equal(allocate(costs, [5, 3, 9], budget), expected, "the choice")
    halves = allocate([budget, 1, budget], [2, 1, 2], 2 * budget)
    assert_equal(halves, [0, 2], "the choice of two that cost all together")


@given(projects, st.integers(0, 25))
@example([(6, 7), (5, 5), (5, 5)], 10)
@example([(2, 3)], 6)
@example([(3, 4), (4, 5), (2, 3)], 6)
@example([(0, 2), (1, 1)], 0)
def test_no_choice_is_worth_more(rows: Projects, budget: int) -> None:
    """Within the budget, each project once, and worth as much as the best of all."""
    costs, values = [cost for cost, _ in rows], [value for _, value in rows]
    with unchanged(costs=costs, values=values):
        answer = allocate(costs, values, budget)
    chosen = _assert_allowed(answer, costs, budget)
    worth = sum(values[i] for i in chosen)
    assert_equal(worth, _most(rows, budget), "what the choice is worth")


@given(projects, st.integers(0, 25))
@example([(0, 0)], 3)
@example([(1, 0), (1, 1), (0, 0)], 3)
@example([(1, 4), (2, 0)], 3)
def test_what_adds_nothing_is_not_chosen(rows: Projects, budget: int) -> None:
    """A project that is worth nothing is left out, even if it costs nothing."""
    costs, values = [cost for cost, _ in rows], [value for _, value in rows]
    for i in _assert_allowed(allocate(costs, values, budget), costs, budget):
        assert_holds(values[i] > 0, f"project {i} adds something", actual=values[i])


@given(projects, st.integers(0, 25), st.integers(1, 60))
@example([(1, 3), (1, 2)], 1, 2)
@example([(2, 1), (1, 1)], 1, 60)
def test_values_may_be_fractions(rows: Projects, budget: int, power: int) -> None:
    """With all values divided by one power of two the choice is worth its share."""
    costs = [cost for cost, _ in rows]
    values = [value / 2**power for _, value in rows]
    chosen = _assert_allowed(allocate(costs, values, budget), costs, budget)
    worth = float(sum(values[i] for i in chosen))
    expected = _most(rows, budget) / 2**power
    assert_equal(worth, expected, "what the choice is worth")


@given(st.integers(0, 2**32 - 1), st.integers(1, 39))
@example(0, 20)
def test_forty_projects_take_a_moment(seed: int, number: int) -> None:
    """Of forty projects at one price the best are chosen, as many as can be paid."""
    values = np.random.default_rng(seed).permutation(40) + 1
    chosen = allocate([7] * 40, values.tolist(), 7 * number + 6)
    best = [i for i in range(40) if values[i] > 40 - number]
    assert_equal(chosen, best, "the choice")


@given(st.integers(1, 3))
@example(1)
def test_bad_arguments_are_refused(below: int) -> None:
    """Costs, values or a budget below 0, and values that do not fit, are refused."""
    assert_raises_naming("costs", allocate, [1, -below], [1, 1], 3)
    for values in ([1], [1, 1, 1], [1, -below], [1, math.nan], [1, math.inf]):
        assert_raises_naming("values", allocate, [1, 1], values, 3)
    assert_raises_naming("budget", allocate, [1, 1], [1, 1], -below)
    assert_equal(allocate([], [], 3), [], "the choice among no projects")
    assert_equal(allocate([1, 0], [1, 1], 0), [1], "the choice without a budget")
