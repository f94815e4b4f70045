"""Assumptions drawn from their ranges, for the second derivations."""

import math
import random
from collections.abc import Callable
from inspect import signature

from interviews.system_design_questions import Prompt, prompts

DRAWS = 40


def prompt(wanted: str) -> Prompt:
    """Return the prompt of that id."""
    return next(one for one in prompts() if one.id == wanted)


def assumptions(wanted: str) -> list[dict[str, float]]:
    """Return the defaults, then draws, each logarithmic between low and high."""
    one = prompt(wanted)
    chance = random.Random(f"assumptions of {wanted}")  # noqa: S311 (reproducible)
    draws = [
        {
            each.name: math.exp(chance.uniform(math.log(each.low), math.log(each.high)))
            for each in one.assumptions
        }
        for _ in range(DRAWS)
    ]
    return [one.defaults, *draws]


def called(function: Callable[..., float], given: dict[str, float]) -> float:
    """Call a function of a prompt with the assumptions that it names."""
    return function(**{name: given[name] for name in signature(function).parameters})


def expected(wanted: str) -> dict[str, float]:
    """Return the estimates of a prompt from its default assumptions."""
    one = prompt(wanted)
    return {each.id: each.expected(one.defaults) for each in one.estimates}
