"""How the tests of the strategies look for a draw of some kind."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Drawn = TypeVar("Drawn")

# Derandomized, so that what is found once is found every time.
_SEARCH = settings(
    max_examples=2_000,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def smallest(
    strategy: st.SearchStrategy[Drawn], condition: Callable[[Drawn], bool]
) -> Drawn:
    """Find the simplest draw for which the condition holds; fail if there is none."""
    return find(strategy, condition, settings=_SEARCH)


def anything(_: object) -> bool:
    """Accept every draw."""
    return True


def is_plain(array: NDArray[np.generic]) -> bool:
    """Tell whether the array holds finite float64 numbers."""
    return array.dtype == np.float64 and bool(np.isfinite(array).all())
