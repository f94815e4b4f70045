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

import math
from collections.abc import Sequence


def allocate(costs: Sequence[int], values: Sequence[float], budget: int) -> list[int]:
    """Return the projects that are worth most within the budget."""
    if any(cost < 0 for cost in costs):
        raise ValueError(f"costs must be at least 0, got {costs}")
    if len(values) != len(costs):
        raise ValueError(f"values must be {len(costs)} numbers, got {len(values)}")
    if not all(0 <= value < math.inf for value in values):
        raise ValueError(f"values must be finite and at least 0, got {values}")
    if budget < 0:
        raise ValueError(f"budget must be at least 0, got {budget}")
    best = [[0.0] * (budget + 1)]
    for number, cost in enumerate(costs):
        row = list(best[-1])
        for amount in range(cost, budget + 1):
            row[amount] = max(row[amount], best[-1][amount - cost] + values[number])
        best.append(row)
    chosen: list[int] = []
    left = budget
    for number in reversed(range(len(costs))):
        if best[number + 1][left] > best[number][left]:
            chosen.append(number)
            left -= costs[number]
    return chosen[::-1]
