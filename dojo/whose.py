"""Tells whose code it is that runs."""

import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

REPOSITORY = Path(__file__).resolve().parent.parent
LIBRARY = str(Path(os.__file__).parent) + os.sep
# What the judge works with, and a learner's code has no use for.
TOOLS = ("hypothesis", "pytest", "_pytest")
# Code that only passes on what its caller asked for.
_PASS_ON = (
    "importlib/", "concurrent/futures/", "pkgutil.py", "runpy.py", "pydoc.py",
    "inspect.py", "functools.py", "operator.py", "threading.py", "subprocess.py",
    "os.py", "<", *(str(REPOSITORY / "dojo" / f"{n}.py") for n in ("barrier", "whose")),
)  # fmt: skip


class Whose:
    """Tells whose code a frame runs: OWN, the JUDGE's, a library's, or nobody's."""

    OWN, JUDGE, LIBRARY, NOBODY = range(4)

    def __init__(self, tree: Path | None, watched: Path | None, root: Path) -> None:
        self._watched = str(watched) if watched else ""
        self._tree = f"{tree}{os.sep}" if tree else ""
        folders = [REPOSITORY / n for n in ("dojo", "reference", "interviews")]
        folders += [REPOSITORY / "katas", root / "katas", root / "solutions"]
        folders += [tree] if tree else []
        # A candidate's tests call these: there they only pass on.
        folders += [] if watched else _folders_of(TOOLS)
        self._judges = tuple(f"{folder}{os.sep}" for folder in folders)
        self._known: dict[str, int] = {"<mistake>": self.JUDGE}

    def of(self, file: str) -> int:
        """Return whose file this is."""
        found = self._known.get(file)
        if found is None:
            found = self._known[file] = self._find(file)
        return found

    def _find(self, file: str) -> int:
        if file.removeprefix(LIBRARY).startswith(_PASS_ON):
            return self.NOBODY
        if self._watched:
            if file == self._watched:
                return self.OWN
        elif self._tree and file.startswith(self._tree) and not is_test(file):
            return self.OWN
        return self.JUDGE if file.startswith(self._judges) else self.LIBRARY

    def caller(
        self, frame: FrameType | None, *, direct: bool = False
    ) -> FrameType | None:
        """Return the frame of the code that acts, if it is the code that is judged.

        ``direct`` leaves out what a library does on its behalf.
        """
        innermost = frame
        while frame is not None:
            whose = self.of(frame.f_code.co_filename)
            if whose == self.OWN:
                return frame
            if whose == self.JUDGE or (direct and whose == self.LIBRARY):
                return None
            frame = frame.f_back
        # A thread that was started on a library's function: the judge starts none.
        main = threading.current_thread() is threading.main_thread()
        return None if main else innermost


def is_test(file: str) -> bool:
    """Tell whether a file holds properties, compiled or not."""
    return Path(file).name.startswith("test_")


def _folders_of(packages: Iterable[str]) -> list[Path]:
    files = (getattr(sys.modules.get(name), "__file__", None) for name in packages)
    return [Path(file).parent for file in files if file]
