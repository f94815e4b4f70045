"""The scale: dimensions from 1 to 4, and the bars of ``scoring.toml``."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

DIMENSIONS = {
    "coding": ("core correctness", "edge cases", "pace", "verification"),
    "levels": ("levels reached", "regressions", "edge cases", "pace"),
    "repair": ("mistakes fixed", "regressions", "extension", "pace"),
    "tests": ("mistakes caught", "precision", "reach", "pace"),
    "theory": ("accuracy", "calibration", "pace"),
    "design": ("estimates", "decisions", "pace"),
}


@dataclass(frozen=True)
class Dimension:
    """One score from 1 to 4, or None: not measured; and what it rests on."""

    name: str
    score: int | None
    basis: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Scored:
    """What a round earned.

    ``dimensions`` are measured, the first of them is the core; ``apart`` is the
    candidate's own word. ``items`` is how many things were measured.
    """

    dimensions: tuple[Dimension, ...]
    items: int = 0
    caps: tuple[str, ...] = ()
    apart: tuple[Dimension, ...] = ()

    @property
    def score(self) -> float | None:
        """The mean of the measured dimensions, caps applied."""
        found = [d.score for d in self.dimensions if d.score is not None]
        return sum(found) / len(found) if found else None

    @property
    def core(self) -> int | None:
        """The score of the first dimension."""
        return self.dimensions[0].score if self.dimensions else None


@dataclass(frozen=True)
class Table:
    """The bars, as ``scoring.toml`` has them."""

    bar: dict[str, float]
    evidence: dict[str, float]
    cap: dict[str, int]
    at_least: dict[str, tuple[float, float, float]]
    at_most: dict[str, tuple[float, float, float]]


@lru_cache(maxsize=1)
def table() -> Table:
    """Return the bars."""
    file = Path(__file__).with_name("scoring.toml")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    return Table(**data)


def at_least(name: str, share: float) -> int:
    """Return the score of a share: the more the better."""
    bars = table().at_least[name]
    # A share is a ratio of small counts; the margin is far below one of them.
    return next((4 - i for i, bar in enumerate(bars) if share >= bar - 1e-9), 1)


def at_most(name: str, value: float) -> int:
    """Return the score of an amount: the less the better."""
    bars = table().at_most[name]
    return next((4 - i for i, bar in enumerate(bars) if value <= bar + 1e-9), 1)


def nothing(kind: str, why: str, lines: Iterable[int] = (), items: int = 1) -> Scored:
    """Return the lowest score everywhere, for one reason."""
    found = tuple(lines)
    names = DIMENSIONS[kind]
    return Scored(tuple(Dimension(n, 1, why, found) for n in names), max(1, items))


def unmeasured(kind: str, why: str) -> Scored:
    """Return no score anywhere, for one reason."""
    names = DIMENSIONS.get(kind, ())
    return Scored(tuple(Dimension(name, None, why) for name in names))


def capped(scored: Scored, name: str, why: str) -> Scored:
    """Let no measured dimension be above the cap, and say so."""
    limit = table().cap[name]
    dimensions = tuple(
        replace(d, score=limit, basis=f"{d.basis} (capped from {d.score})")
        if d.score is not None and d.score > limit
        else d
        for d in scored.dimensions
    )
    said = f"{why}: no dimension above {limit}"
    return replace(scored, dimensions=dimensions, caps=(*scored.caps, said))


def share_of(held: int, whole: int) -> float:
    """Return a share, 0 of nothing."""
    return held / whole if whole else 0.0


def mean(values: Sequence[float]) -> float:
    """Return the mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
