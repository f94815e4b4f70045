"""From the probabilities of the next token to one token."""

import math
from dataclasses import dataclass

import numpy as np

from reference.core.validation import Array, require

# Sums of probabilities carry rounding of some 1e-16 a term; a nucleus must not grow
# by a token because 0.6 + 0.3 came out a hair below 0.9.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Sampling:
    """How to choose tokens; ``seed`` None draws anew each time.

    ``temperature`` ≥ 0, where 0 takes the most probable token (the first of equals);
    ``top_p`` in [0, 1]; ``top_k`` ≥ 1 or None for all; ``max_tokens`` ≥ 1.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    max_tokens: int = 512
    seed: int | None = None

    def __post_init__(self) -> None:
        usable = math.isfinite(self.temperature) and self.temperature >= 0
        require(usable, "temperature", "finite and at least 0", self.temperature)
        require(0 <= self.top_p <= 1, "top_p", "from 0 to 1", self.top_p)
        positive = self.top_k is None or self.top_k >= 1
        require(positive, "top_k", "at least 1", self.top_k)
        require(self.max_tokens >= 1, "max_tokens", "at least 1", self.max_tokens)
        natural = self.seed is None or self.seed >= 0
        require(natural, "seed", "at least 0", self.seed)


def reshape(probabilities: Array, sampling: Sampling) -> Array:
    """Return the distribution that is drawn from, float64 of the same shape (n,).

    First the temperature T: p^(1/T), normalised. Then of these the ``top_k`` most
    probable, then the nucleus: the fewest most probable tokens whose mass reaches
    ``top_p`` (Holtzman et al., "The curious case of neural text degeneration", 2020).
    Equals keep the order of their numbers. Probabilities need not sum to one; raises
    ``ValueError`` where none is positive.
    """
    total = float(probabilities.sum())
    require(total > 0, "probabilities", "of a positive sum", total)
    if sampling.temperature == 0:
        return _only(np.argmax(probabilities), len(probabilities))
    shaped = _temper(probabilities, sampling.temperature)
    if sampling.top_k is None and sampling.top_p == 1:
        return shaped
    order = np.argsort(-shaped, kind="stable")[: sampling.top_k]
    mass = np.cumsum(shaped[order])
    enough = sampling.top_p * mass[-1] - _ROUNDING
    kept = order[: int(np.searchsorted(mass, enough)) + 1]
    result = np.zeros_like(shaped)
    result[kept] = shaped[kept] / shaped[kept].sum()
    return result


def draw(probabilities: Array, generator: np.random.Generator) -> int:
    """Return the number of one entry, drawn by its probability; never one of zero."""
    cumulative = np.cumsum(probabilities)
    point = generator.random() * cumulative[-1]
    place = int(np.searchsorted(cumulative, point, side="right"))
    # The product above may round up to the sum itself.
    return min(place, int(np.flatnonzero(probabilities)[-1]))


def _only(place: np.intp, size: int) -> Array:
    result = np.zeros(size)
    result[place] = 1.0
    return result


def _temper(probabilities: Array, temperature: float) -> Array:
    # By logarithms, because p^(1/T) underflows for small temperatures.
    # What is beyond the range on the way, at the smallest of temperatures, is minus
    # infinity, whose exponential is the right 0.
    with np.errstate(divide="ignore", over="ignore"):
        logarithms = np.log(probabilities)
        scaled = np.exp((logarithms - logarithms.max()) / temperature)
    result: Array = scaled / scaled.sum()
    return result
