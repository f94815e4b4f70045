"""Checks of arguments that the building blocks of the service share."""

import math
from numbers import Real

from reference.core.validation import describe, require


def checked_count(value: object, argument: str) -> int:
    """Return an integer of at least one.

    Raises ``TypeError`` where ``value`` is no integer, ``ValueError`` below one.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{argument} must be an integer, got {describe(value)}")
    require(value >= 1, argument, "at least 1", value)
    return value


def checked_number(value: object, argument: str, *, finite: bool = True) -> float:
    """Return a real number as a float.

    Raises ``TypeError`` where ``value`` is no number, ``ValueError`` where it has to be
    finite and is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{argument} must be a number, got {describe(value)}")
    number = float(value)
    require(math.isfinite(number) or not finite, argument, "finite", value)
    return number


def checked_text(value: object, argument: str) -> str:
    """Return a text; raises ``TypeError`` where ``value`` is none."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be text, got {describe(value)}")
    return value


def checked_callable(value: object, argument: str) -> None:
    """Raise ``TypeError`` where ``value`` cannot be called."""
    if not callable(value):
        raise TypeError(f"{argument} must be callable, got {describe(value)}")
