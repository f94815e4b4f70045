"""The catalogue: which tracks and katas there are, read from the track files.

Plain dataclasses and ``tomllib``: this is read before every verdict, and a
validation library alone would take longer to import than the whole catalogue
takes to read.
"""

import difflib
import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(os.environ.get("DOJO_ROOT") or Path(__file__).parent.parent).resolve()
ASKED = ("often", "sometimes", "rarely")


class CatalogueError(ValueError):
    """A track file or a name that the catalogue cannot accept, in one line."""


@dataclass(frozen=True)
class Kata:
    """One kata, as its track file describes it.

    ``minutes`` is the par time, ``seconds`` the time limit of one property,
    ``reference`` the modules of ``reference/`` that implement it, ``forbidden``
    the library names that the learner is there to write; ``torch`` and ``redis`` tell
    that the judge needs PyTorch, or a Redis server.
    """

    name: str
    track: str
    title: str
    difficulty: int
    minutes: int
    asked: str
    seconds: float
    needs: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    torch: bool = False
    redis: bool = False

    @property
    def path(self) -> str:
        """The name with its track, as in ``activations/softmax``."""
        return f"{self.track}/{self.name}"

    @property
    def module(self) -> str:
        """The module that the learner writes, as tests import it."""
        return f"katas.{self.track}.{self.name}"

    def file_in(self, tree: Path) -> Path:
        """The kata's module in a folder laid out like ``katas/``."""
        return tree / self.track / f"{self.name}.py"


@dataclass(frozen=True)
class Track:
    """A track and its katas in learning order."""

    name: str
    title: str
    order: int
    katas: tuple[Kata, ...]


@dataclass(frozen=True)
class Catalogue:
    """All tracks in learning order, below one root."""

    root: Path
    tracks: tuple[Track, ...]

    @property
    def katas(self) -> tuple[Kata, ...]:
        """Every kata in learning order."""
        return tuple(kata for track in self.tracks for kata in track.katas)

    def stub_file(self, kata: Kata) -> Path:
        """The file that the learner edits."""
        return kata.file_in(self.root / "katas")

    def test_file(self, kata: Kata) -> Path:
        """The kata's properties."""
        return self.root / "katas" / kata.track / f"test_{kata.name}.py"

    def solution_file(self, kata: Kata) -> Path:
        """The worked solution."""
        return kata.file_in(self.root / "solutions")

    def notes_file(self, kata: Kata) -> Path:
        """The hints and the known mistakes."""
        return self.solution_file(kata).with_suffix(".toml")

    def find(self, name: str) -> tuple[Kata, ...]:
        """Return the katas that a kata's, a track's or a path's name stands for."""
        wanted = name.strip("/").removeprefix("katas/").removesuffix(".py")
        wanted = wanted.replace("/test_", "/")
        for kata in self.katas:
            if wanted in (kata.name, kata.path):
                return (kata,)
        for track in self.tracks:
            if wanted == track.name:
                return track.katas
        raise CatalogueError(self._unknown(wanted))

    def select(self, names: Iterable[str]) -> tuple[Kata, ...]:
        """Return the katas named, in learning order; all of them for no names."""
        chosen = {kata.name for name in names for kata in self.find(name)}
        return tuple(kata for kata in self.katas if not chosen or kata.name in chosen)

    def at(self, test_file: Path) -> Kata | None:
        """Return the kata whose properties ``test_file`` holds."""
        for kata in self.katas:
            if self.test_file(kata) == test_file:
                return kata
        return None

    def _unknown(self, name: str) -> str:
        known = [kata.name for kata in self.katas] + [t.name for t in self.tracks]
        kata = name.rpartition("/")[2]
        nearest = difflib.get_close_matches(kata, known, n=1, cutoff=0.5)
        advice = f"did you mean '{nearest[0]}'?" if nearest else "see 'kata list'"
        return f"no kata or track is called '{name}': {advice}"


_REQUIRED = ("name", "title", "difficulty", "minutes", "asked", "seconds")
_LISTS = ("needs", "reference", "forbidden", "tags")


def _read_kata(entry: dict[str, object], track: str, file: Path) -> Kata:
    name = entry.get("name", "?")
    missing = [key for key in _REQUIRED if key not in entry]
    if missing:
        raise CatalogueError(f"{file}: kata '{name}' has no {', '.join(missing)}")
    values = {
        key: tuple(value) if key in _LISTS and isinstance(value, list) else value
        for key, value in entry.items()
    }
    try:
        kata = Kata(track=track, **values)  # type: ignore[arg-type]  # checked next
    except TypeError as error:
        raise CatalogueError(f"{file}: kata '{name}': {error}") from error
    _check(kata, file)
    return kata


def _check(kata: Kata, file: Path) -> None:
    checks = {
        "name must be a Python identifier": str(kata.name).isidentifier(),
        "title must be text": isinstance(kata.title, str),
        "difficulty must be from 1 to 5": kata.difficulty in range(1, 6),
        "minutes must be a positive whole number": isinstance(kata.minutes, int)
        and kata.minutes > 0,
        f"asked must be one of {', '.join(ASKED)}": kata.asked in ASKED,
        "seconds must be positive": isinstance(kata.seconds, int | float)
        and kata.seconds > 0,
        "torch must be true or false": isinstance(kata.torch, bool),
        "redis must be true or false": isinstance(kata.redis, bool),
    } | {
        f"{key} must be a list of texts": isinstance(getattr(kata, key), tuple)
        and all(isinstance(value, str) for value in getattr(kata, key))
        for key in _LISTS
    }
    for claim, holds in checks.items():
        if not holds:
            raise CatalogueError(f"{file}: kata '{kata.name}': {claim}")


def _read_track(file: Path) -> Track:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{file}: {error}") from error
    track = file.parent.name
    try:
        katas = tuple(_read_kata(entry, track, file) for entry in data["kata"])
        return Track(track, data["title"], data["order"], katas)
    except KeyError as error:
        raise CatalogueError(f"{file}: no {error} in it") from error


def read_catalogue(root: Path = ROOT) -> Catalogue:
    """Read every track file below ``root``; raise ``CatalogueError`` if one is off."""
    files = sorted((root / "katas").glob("*/track.toml"))
    tracks = sorted(map(_read_track, files), key=lambda track: track.order)
    catalogue = Catalogue(root, tuple(tracks))
    seen: set[str] = set()
    for kata in catalogue.katas:
        if kata.name in seen:
            raise CatalogueError(f"two katas are called '{kata.name}'")
        seen.add(kata.name)
    for kata in catalogue.katas:
        unknown = [need for need in kata.needs if need not in seen]
        if unknown:
            raise CatalogueError(f"'{kata.name}' needs unknown katas: {unknown}")
    return catalogue


@lru_cache(maxsize=4)
def catalogue(root: Path = ROOT) -> Catalogue:
    """Return the catalogue below ``root``, read once a process."""
    return read_catalogue(root)
