"""Which projects to pay for: the 0/1 knapsack.

There are n projects; project i costs cᵢ, a whole number of at least 0, and is worth vᵢ.
Each is done once or not at all. With best(i, b) the most that the first i projects are
worth within the budget b,

    best(0, b) = 0,
    best(i, b) = max(best(i − 1, b), best(i − 1, b − cᵢ) + vᵢ), the second if cᵢ ≤ b.

Write `allocate(costs, values, budget)`. It returns the list of the projects chosen, as
numbers from 0 in rising order: their costs sum to at most `budget`, and no other choice
is worth more. Where several choices are worth the same, any of them is right, but a
project that adds nothing (worth 0) is never chosen.

- The work is of the order of n·budget: forty projects and a budget of some thousands
  take a moment, where trying all choices would take days.
- Values are finite numbers of at least 0, not always whole. Sums of values are compared
  as floats. The inputs are not changed.

`ValueError` that names the argument: `costs` that hold a number below 0; `values` with
another length than `costs`, or with a number that is below 0 or not finite; a `budget`
below 0.

Source: Kellerer, Pferschy, Pisinger, Knapsack Problems (2004), section 2.3.

In production: costs are rounded to a unit first, since the table grows with the budget;
with many constraints a solver for integer programs takes over.
"""

from collections.abc import Sequence


def allocate(costs: Sequence[int], values: Sequence[float], budget: int) -> list[int]:
    """Return the projects that are worth most within the budget."""
    raise NotImplementedError
