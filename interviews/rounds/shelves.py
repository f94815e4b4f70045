"""The two shelves of katas: those to practise, and those met in interviews only."""

import importlib.util
import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from dojo.catalogue import Catalogue, Kata, catalogue, read_catalogue

CHALLENGES = Path(__file__).resolve().parent.parent / "coding_challenges"
SHELVES = ("katas", "challenges")


@lru_cache(maxsize=2)
def shelf_called(name: str) -> Catalogue:
    """Return the shelf ``katas`` or ``challenges``."""
    if name not in SHELVES:
        raise ValueError(f"shelf must be one of {', '.join(SHELVES)}, got '{name}'")
    return catalogue() if name == "katas" else read_catalogue(CHALLENGES)


def runs_here(kata: Kata) -> bool:
    """Tell whether the kata's judge finds what it needs on this machine."""
    if kata.torch and importlib.util.find_spec("torch") is None:
        return False
    if kata.redis:
        from dojo.testing.redis import program

        return program() is not None
    return True


def find_named(item: str) -> tuple[str, Kata]:
    """Return the shelf and the kata of that name; ``ValueError`` if there is none."""
    for shelf in SHELVES:
        for kata in shelf_called(shelf).katas:
            if item in (kata.name, kata.path):
                return shelf, kata
    raise ValueError(f"no kata is called '{item}': see 'kata list'")


def drawn_unseen(
    pool: Sequence[tuple[str, Kata]], seen: frozenset[str], seed: int
) -> tuple[str, Kata]:
    """Draw one that was not seen before; among all where all were seen."""
    new = [entry for entry in pool if entry[1].name not in seen] or list(pool)
    return random.Random(seed).choice(new)  # noqa: S311 - to be replayed, not secret
