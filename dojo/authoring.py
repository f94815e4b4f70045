"""Begins a kata: the four files of its author, and its entry in the track."""

import ast
from pathlib import Path

from dojo.catalogue import Catalogue, CatalogueError, read_catalogue
from dojo.judge import stub_of
from dojo.progress import write_atomically

_SOLUTION = '''"""{title}.

The definition, in plain Unicode: f(x) = 2x.

Write `{name}`: shapes, dtypes, edge cases, and what bad input raises.

Source: the book, the paper or the standard, with its section.

In production: what changes when this is deployed.
"""


def {name}(x: float) -> float:
    """Return twice `x`."""
    return 2.0 * x
'''
_TEST = '''from hypothesis import example, given

from dojo.testing import assert_close, floats
from katas.{track}.{name} import {name}


@given(floats())
@example(1.0)
def test_doubles(x: float) -> None:
    """The result is twice x."""
    assert_close({name}(x), x + x)
'''
_NOTES = '''hints = [
    """
A nudge: a question that leads to the idea.
""",
]

[[mistake]]
name = "adds-one"
why = "The misconception, in one sentence."
hint = 1
breaks = "test_doubles"
find = "    return 2.0 * x"
replace = "    return 1.0 + x"
'''
_ENTRY = """
[[kata]]
name = "{name}"
title = "{title}"
difficulty = 2
minutes = 20
asked = "sometimes"
seconds = 5
tags = []
"""


def begin_kata(shelf: Catalogue, path: str) -> list[Path]:
    """Write the files of ``track/name``; nothing is written if one is in the way."""
    track, _, name = path.partition("/")
    if not (track.isidentifier() and name.isidentifier()):
        raise CatalogueError(f"a kata is named track/name, got '{path}'")
    if track not in {known.name for known in shelf.tracks}:
        known_tracks = ", ".join(known.name for known in shelf.tracks)
        raise CatalogueError(f"no track is called '{track}', there are {known_tracks}")
    if name in {kata.name for kata in shelf.katas}:
        raise CatalogueError(f"a kata is called '{name}' already")
    title = name.replace("_", " ").capitalize()
    words = {"name": name, "track": track, "title": title}
    katas, solutions = shelf.root / "katas" / track, shelf.root / "solutions" / track
    files = {
        solutions / f"{name}.py": _SOLUTION.format(**words),
        katas / f"test_{name}.py": _TEST.format(**words),
        solutions / f"{name}.toml": _NOTES,
    }
    taken = [file for file in (*files, katas / f"{name}.py") if file.exists()]
    if taken:
        raise CatalogueError(f"{taken[0]} is there already")
    for file, text in files.items():
        write_atomically(file, text)
    entry = katas / "track.toml"
    content = entry.read_text(encoding="utf-8").rstrip("\n")
    write_atomically(entry, f"{content}\n{_ENTRY.format(**words)}")
    return [*files, entry, *refresh_stub(read_catalogue(shelf.root), path)]


def refresh_stub(shelf: Catalogue, path: str) -> list[Path]:
    """Make the stubs of a kata or a track anew, where no learner has begun them."""
    written = []
    for kata in shelf.find(path):
        file, stub = shelf.stub_file(kata), stub_of(kata, shelf)
        if file.exists() and _is_begun(file.read_text(encoding="utf-8")):
            raise CatalogueError(
                f"{kata.path} has been worked on: kata reset {kata.name} archives that"
            )
        write_atomically(file, stub)
        written.append(file)
    return written


def _is_begun(text: str) -> bool:
    """A stub of any age has no bodies but ``raise NotImplementedError``."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return True
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef)
    last = [node.body[-1] for node in ast.walk(tree) if isinstance(node, definitions)]
    return not all(isinstance(statement, ast.Raise | ast.Expr) for statement in last)
