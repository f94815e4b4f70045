"""Estimates given as an interval, scored in decades."""

import math
from dataclasses import dataclass

# Error in decades, up to which each credit is given (0.3 is a factor of two).
CREDITS = ((0.1, 1.0), (0.3, 0.75), (0.5, 0.5), (1.0, 0.25))
WIDE, TOO_WIDE = 1.0, 2.0
WIDE_CREDIT = 0.5
# So sure (±1 %) and so far off (10 % beyond either end) that it is no full mark.
SURE, MISSED = 1.01 / 0.99, 1.1
SURE_CREDIT = 0.75
# The borders themselves belong to the better side, rounding apart.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Score:
    """What an estimate earned: ``error`` in decades, ``credit`` from 0 to 1."""

    error: float
    credit: float
    why: str


def middle(low: float, high: float) -> float:
    """Return the geometric mean of an interval of positive numbers."""
    return math.sqrt(low) * math.sqrt(high)


def refusal(low: float, high: float) -> str:
    """Tell in a line why low–high is no estimate, or ""."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"an estimate must be finite, got {low:g} to {high:g}"
    if low <= 0 or high <= 0:
        return f"an estimate must be above zero, got {low:g} to {high:g}"
    if low > high:
        return f"low must not be above high, got {low:g} to {high:g}"
    return ""


def score(low: float, high: float, expected: float) -> Score:
    """Score an interval by the distance of its geometric mean from ``expected``.

    Raises ValueError where ``refusal`` has something to say.
    """
    problem = refusal(low, high) or refusal(expected, expected)
    if problem:
        raise ValueError(problem)
    error = abs(math.log10(middle(low, high)) - math.log10(expected))
    credit = next(
        (earned for border, earned in CREDITS if error <= border + ROUNDING), 0.0
    )
    why = f"the middle is off by a factor of {10**error:,.2f}"
    width = math.log10(high) - math.log10(low)
    if width > TOO_WIDE + ROUNDING:
        return Score(error, 0.0, f"{why}; wider than two decades earns nothing")
    if width > WIDE + ROUNDING and credit > WIDE_CREDIT:
        return Score(error, WIDE_CREDIT, f"{why}; wider than a decade earns half")
    if credit > SURE_CREDIT and _too_sure(low, high, expected):
        said = f"{why}; surer than ±1 % and off by more than 10 %"
        return Score(error, SURE_CREDIT, said)
    return Score(error, credit, why)


def _too_sure(low: float, high: float, expected: float) -> bool:
    """Tell whether a narrow interval misses even when widened by 10 %."""
    near = 1 + ROUNDING
    outside = expected * MISSED * near < low or expected > high * MISSED * near
    return outside and high < low * SURE
