"""Whole processes, run on a copy of the katas."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dojo.catalogue import Catalogue, Kata, read_catalogue

ROOT = Path(__file__).parents[1]
# What the caller's shell may have set for its own pytest or Python.
_NOT_OURS = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS", "KATA_TARGET", "DOJO_CHILD")


@dataclass(frozen=True)
class Tree:
    """A folder with ``katas`` and ``solutions``, and the environment to judge it in."""

    root: Path
    environment: Mapping[str, str]

    def run(
        self, *arguments: str, cwd: Path | None = None, **more: str
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run Python, by default in the tree, with ``more`` in its environment."""
        return subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, *arguments],
            cwd=cwd or self.root,
            env={**self.environment, **more},
            capture_output=True,
            check=False,
        )

    def succeed(self, *arguments: str, cwd: Path | None = None, **more: str) -> None:
        """Run Python; a failure is told with what was printed, and measures nothing."""
        done = self.run(*arguments, cwd=cwd, **more)
        printed = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode == 0, f"{arguments} ended with {printed}"


def copy_tree(folder: Path) -> Tree:
    """Copy the katas and the solutions of this repository into ``folder``."""
    for name in ("katas", "solutions"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    environment = kept | {
        "DOJO_ROOT": str(folder),
        "NO_COLOR": "1",
        # Compiled modules are kept, as in a learner's checkout, but beside the copy.
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "PYTHONPATH": str(ROOT),
    }
    return Tree(folder, environment)


def fill(tree: Tree) -> Sequence[str]:
    """Judge every solution once and return the names of those that hold."""
    shelf = read_catalogue(tree.root)
    names = [kata.name for kata in shelf.katas if _is_whole(shelf, kata)]
    told = tree.root / "verdicts.json"
    check = ("-m", "dojo", "check", "--target", "solutions", "--json", str(told))
    tree.run(*check, *names)
    verdicts = json.loads(told.read_text(encoding="utf-8"))["verdicts"]
    return [one["kata"] for one in verdicts if one["state"] == "solved"]


def _is_whole(shelf: Catalogue, kata: Kata) -> bool:
    files = (shelf.test_file, shelf.solution_file, shelf.notes_file)
    return all(file(kata).exists() for file in files)
