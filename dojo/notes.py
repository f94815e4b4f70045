"""Hints, known mistakes and surviving mutants of a kata, from its TOML file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from dojo.catalogue import CatalogueError


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make, as a patch of one place of the solution.

    ``hint`` is the rung of the ladder that helps, counted from one; ``breaks`` is
    the property that has to catch it.
    """

    name: str
    why: str
    hint: int
    breaks: str
    find: str
    replace: str

    def patch(self, source: str) -> str:
        """Return the solution with the mistake in it."""
        times = source.count(self.find)
        if times != 1:
            raise CatalogueError(
                f"mistake '{self.name}': find must occur once in the solution, "
                f"it occurs {times} times"
            )
        return source.replace(self.find, self.replace)


@dataclass(frozen=True)
class Survivor:
    """A mutant that no property can tell from the solution, and why."""

    mutant: str
    reason: str


@dataclass(frozen=True)
class Notes:
    """All that the file holds."""

    hints: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    survivors: tuple[Survivor, ...] = ()

    def mistake(self, name: str) -> Mistake | None:
        """Return the mistake of that name."""
        return next((m for m in self.mistakes if m.name == name), None)


def read_notes(file: Path) -> Notes:
    """Read the notes; raise ``CatalogueError`` naming the file if they are off."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        notes = Notes(
            tuple(str(hint).strip() for hint in data["hints"]),
            tuple(Mistake(**entry) for entry in data.get("mistake", [])),
            tuple(Survivor(**entry) for entry in data.get("survivor", [])),
        )
    except FileNotFoundError as error:
        raise CatalogueError(f"{file}: the notes are missing") from error
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise CatalogueError(f"{file}: {error}") from error
    for mistake in notes.mistakes:
        if not 1 <= mistake.hint <= len(notes.hints):
            raise CatalogueError(
                f"{file}: mistake '{mistake.name}': hint must be a rung from 1 to "
                f"{len(notes.hints)}, got {mistake.hint}"
            )
    return notes
