"""Which tree answers ``from katas.<track>.<kata> import …``.

A finder at the front of ``sys.meta_path`` serves every kata module from the
target: ``katas``, ``solutions``, ``reference`` (through the modules that the
track file names) or any folder laid out like ``katas/``.
"""

import importlib
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from dojo.catalogue import Catalogue, CatalogueError, Kata

DEFAULT = "katas"
ENVIRONMENT_VARIABLE = "KATA_TARGET"
_TREES = ("katas", "solutions")
_PACKAGE = "katas"


@dataclass(frozen=True)
class Target:
    """The tree that is judged: ``tree`` is None for the reference."""

    name: str
    tree: Path | None

    def file(self, kata: Kata) -> Path | None:
        """The file that answers for ``kata``; None for the reference."""
        return kata.file_in(self.tree) if self.tree else None


def resolve_target(name: str | None, root: Path) -> Target:
    """Return the target for a name or a folder; the environment names the default."""
    chosen = name or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT
    if chosen == "reference":
        return Target(chosen, None)
    tree = root / chosen if chosen in _TREES else Path(chosen).resolve()
    if not tree.is_dir():
        raise CatalogueError(
            f"target must be katas, solutions, reference or a folder, got '{chosen}'"
        )
    return Target(chosen, tree)


class _ReferenceLoader(importlib.abc.Loader):
    """Fills a kata's module with the public names of its reference modules."""

    def __init__(self, kata: Kata) -> None:
        self._kata = kata

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Copy the public names."""
        if not self._kata.reference:
            raise ImportError(f"{self._kata.path} names no reference")
        for name in self._kata.reference:
            source = importlib.import_module(name)
            public = {k: v for k, v in vars(source).items() if not k.startswith("_")}
            vars(module).update(public)


class TargetFinder(importlib.abc.MetaPathFinder):
    """Answers for ``katas`` and everything below it, as the target says."""

    def __init__(self, catalogue: Catalogue, target: Target) -> None:
        self.target = target
        self._katas = {kata.module: kata for kata in catalogue.katas}
        self._root = catalogue.root

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the spec of a kata's module or of a package above it."""
        del path, target
        package, _, rest = fullname.partition(".")
        if package != _PACKAGE:
            return None
        kata = self._katas.get(fullname)
        if kata is not None:
            return self._kata_spec(kata)
        if "." in rest:
            return None
        spec = ModuleSpec(fullname, None, is_package=True)
        folder = self._root / _PACKAGE / rest if rest else self._root / _PACKAGE
        spec.submodule_search_locations = [str(folder)]
        return spec if folder.is_dir() else None

    def _kata_spec(self, kata: Kata) -> ModuleSpec | None:
        file = self.target.file(kata)
        if file is None:
            return ModuleSpec(kata.module, _ReferenceLoader(kata))
        return importlib.util.spec_from_file_location(kata.module, file)


def install(catalogue: Catalogue, target: Target) -> TargetFinder:
    """Let ``target`` answer for the katas, in place of any earlier target."""
    finder = TargetFinder(catalogue, target)
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, TargetFinder)]
    sys.meta_path.insert(0, finder)
    for name in [n for n in sys.modules if n.partition(".")[0] == _PACKAGE]:
        del sys.modules[name]
    return finder
