"""Keeps the code that is judged away from what would answer in its place.

What ``inspection`` refuses is what a file says in plain words. Here the process itself
watches: an audit hook sees files opened and frames read, imports are looked at
however they are spelled, the modules of the judge answer nobody else, and a library
function that the kata forbids asks who calls it. All of this is undone by who really
wants to: the judge and the code share one process. It makes an honest mistake plain
and a dishonest one deliberate.
"""

import builtins
import functools
import importlib
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType, FunctionType, ModuleType

from dojo.room import CHANGES, Room, is_written
from dojo.shield import Shield
from dojo.whose import LIBRARY, REPOSITORY, TOOLS, Whose, is_test

# Nobody's code but the judge's reaches these, through whatever library.
_HIDDEN = ("reference", "solutions", "interviews")
_JUDGE = "dojo"
_TESTING = "dojo.testing"
# Asking at each of their own modules would cost Hypothesis and pytest half their time.
_FRONTS = ("hypothesis", "hypothesis.core", "pytest")
_PLUGIN = "dojo.plugin"
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_SPIES = (
    "sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile",
    "gc.get_objects", "gc.get_referrers", "gc.get_referents",
)  # fmt: skip
_PROGRAMS = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn",
)  # fmt: skip
_TELLS = ("traceback.py", "warnings.py", "logging/__init__.py")

Refuse = Callable[[str, FrameType | None], None]


class _Looking(threading.local):
    """Whether this thread is inside of the barrier: it does not watch itself."""

    busy = False


class Barrier:
    """Watches a process from now on; ``refuse`` is told what was reached for."""

    def __init__(
        self,
        root: Path,
        tree: Path | None,
        forbidden: Sequence[str],
        refuse: Refuse,
        watched: Path | None = None,
        room: Path | None = None,
    ) -> None:
        self._refuse = refuse
        self._room = Room(room) if room else None
        self._closed = False
        self._looking = _Looking()
        self._whose = Whose(tree, watched, root)
        self._tree = tree
        self._testing = watched is not None
        hidden = [REPOSITORY / name for name in ("reference", "solutions")]
        hidden += [REPOSITORY / "interviews" / "coding_challenges", root / "solutions"]
        self._hidden = tuple(f"{path}{os.sep}" for path in hidden)
        self._katas = tuple(f"{r / 'katas'}{os.sep}" for r in (REPOSITORY, root))
        self._forbidden = tuple(forbidden)
        self._tops = {
            n.partition(".")[0] for n in (*_HIDDEN, _JUDGE, "katas", *TOOLS, *forbidden)
        }
        self._checks: dict[str, Callable[[tuple[object, ...], FrameType], None]] = {
            "open": self._open,
            "compile": self._compile,
            "import": self._import,
            "os.link": self._open,
            "os.symlink": self._open,
            "object.__getattr__": self._attribute,
        }
        for event in _SPIES:
            self._checks[event] = functools.partial(self._spy, event)
        for event in _PROGRAMS:
            self._checks[event] = functools.partial(self._spy, event)
        for event in CHANGES if room else ():
            self._checks[event] = functools.partial(self._change, event)

    def close(self) -> list[ModuleType]:
        """Let nothing through from here on; return what was shielded."""
        self._closed = True
        self._watch_functions()
        self._watch_imports()
        shielded = self.shield()
        sys.addaudithook(self._heard)
        return shielded

    # What the interpreter tells --------------------------------------------------

    def _heard(self, event: str, args: tuple[object, ...]) -> None:
        check = self._checks.get(event)
        if check is None or self._looking.busy:
            return
        self._looking.busy = True
        try:
            check(args, sys._getframe(1))
        finally:
            self._looking.busy = False

    def _open(self, args: tuple[object, ...], frame: FrameType) -> None:
        caller = self._whose.caller(frame)
        if caller is None or not isinstance(args[0], str | bytes):
            return
        if is_written(args):
            self._keep_inside(args[0], frame, caller)
        path = os.path.realpath(os.fsdecode(args[0]))
        if not self._is_hidden(path):
            return
        # A traceback shows the lines of whoever is on the stack: it goes without.
        if _tells(frame, caller):
            raise OSError("the judge's files are closed")
        self._refuse(f"open('{'/'.join(Path(path).parts[-3:])}')", caller)

    def _change(self, event: str, args: tuple[object, ...], frame: FrameType) -> None:
        caller = self._whose.caller(frame)
        if caller is None:
            return
        for path in args[: CHANGES[event]]:
            if isinstance(path, str | bytes):
                self._keep_inside(path, frame, caller)
        if event in ("os.link", "os.symlink"):
            self._open(args, frame)

    def _keep_inside(
        self, path: str | bytes, frame: FrameType, caller: FrameType
    ) -> None:
        """Let nothing be written that the next run could find."""
        if self._room is None or self._room.holds(path):
            return
        if self._whose.caller(frame, direct=True) is not None:
            self._refuse(f"write('{os.fsdecode(path)}')", caller)
        # A library may only want to keep what it can do without.
        raise PermissionError(f"tests write in their own folder, not in {path!r}")

    def _is_hidden(self, path: str) -> bool:
        if self._testing:
            own_tree = self._tree is not None and path.startswith(f"{self._tree}/")
            return own_tree or path.startswith(self._hidden)
        if path.startswith(self._katas):
            return is_test(path)
        if self._tree is not None and path.startswith(f"{self._tree}{os.sep}"):
            return is_test(path)
        return path.startswith(self._hidden)

    def _compile(self, args: tuple[object, ...], frame: FrameType) -> None:
        """Code that is made in the name of a judge's file is not the judge's."""
        file = args[1]
        name = os.fsdecode(file) if isinstance(file, str | bytes) else ""
        if self._whose.of(name) == Whose.JUDGE:
            caller = self._whose.caller(frame)
            if caller is not None:
                self._refuse("compile", caller)

    def _import(self, args: tuple[object, ...], frame: FrameType) -> None:
        self._asked_for(str(args[0]), (), frame)

    def _attribute(self, args: tuple[object, ...], frame: FrameType) -> None:
        if args[1] in _FRAMES:
            self._spy(str(args[1]), args, frame)

    def _spy(self, event: str, args: tuple[object, ...], frame: FrameType) -> None:
        del args
        caller = self._whose.caller(frame, direct=True)
        if caller is not None:
            self._refuse(event, caller)

    # Imports, however they are spelled ---------------------------------------------

    def _watch_imports(self) -> None:
        tops = self._tops
        its_own = {
            id(vars(module))
            for name, module in list(sys.modules.items())
            if not self._testing and _is_below(name, TOOLS)
        }
        original, by_name = builtins.__import__, importlib.import_module

        @functools.wraps(original)
        def looked_at(
            name: str,
            globals: Mapping[str, object] | None = None,  # noqa: A002 - its own name
            locals: Mapping[str, object] | None = None,  # noqa: A002 - its own name
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> ModuleType:
            top = name.partition(".")[0]
            # Hypothesis imports its own modules many times for each example.
            if not level and top in tops and id(globals) not in its_own:
                self._look_at_import(name, fromlist or ())
            return original(name, globals, locals, fromlist, level)

        @functools.wraps(by_name)
        def import_module(name: str, package: str | None = None) -> ModuleType:
            if name.partition(".")[0] in self._tops:
                self._look_at_import(name, ())
            return by_name(name, package)

        builtins.__import__ = importlib.__import__ = looked_at
        importlib.import_module = import_module

    def _look_at_import(self, name: str, fromlist: Iterable[str]) -> None:
        if self._looking.busy:
            return
        self._looking.busy = True
        try:
            self._asked_for(name, fromlist, sys._getframe(2))
        finally:
            self._looking.busy = False

    def _asked_for(self, name: str, parts: Iterable[str], frame: FrameType) -> None:
        for full in (name, *(f"{name}.{part}" for part in parts)):
            tool = not self._testing and _is_below(full, TOOLS)
            direct = tool or _is_below(full, self._forbidden)
            if direct or _is_below(full, _HIDDEN) or self._is_the_judges(full):
                caller = self._whose.caller(frame, direct=direct)
                if caller is not None:
                    self._refuse(full, caller)

    def _is_the_judges(self, name: str) -> bool:
        if self._testing and (name == _JUDGE or _is_below(name, (_TESTING,))):
            return False
        return _is_below(name, (_JUDGE,)) or _is_properties(name)

    # The judge's modules ------------------------------------------------------------

    def shield(self) -> list[ModuleType]:
        """Let the judge's modules in ``sys.modules`` answer nobody else."""
        shielded: list[ModuleType] = []
        if not self._closed:
            return shielded
        for name, module in list(sys.modules.items()):
            if isinstance(module, Shield) or type(module) is not ModuleType:
                continue
            if self._is_shielded(name):
                sys.modules[name] = Shield(module, self._may_use)
                shielded.append(sys.modules[name])
        return shielded

    def _is_shielded(self, name: str) -> bool:
        if name.partition(".")[0] in _HIDDEN:
            return True
        if self._testing:
            return _is_below(name, (_JUDGE,)) and self._is_the_judges(name)
        if name in _FRONTS or _is_properties(name):
            return True
        return _is_below(name, (_JUDGE,)) and name != _PLUGIN

    def _may_use(self, module: ModuleType, name: str) -> None:
        asking = sys._getframe(2)
        # It reads lines only: Hypothesis tells one test from another by them.
        reads_lines = asking.f_code is inspect.findsource.__code__
        if self._looking.busy or reads_lines:
            return
        self._looking.busy = True
        try:
            caller = self._whose.caller(asking)
            if caller is not None:
                self._refuse(f"{module.__name__}.{name}", caller)
        finally:
            self._looking.busy = False

    # Library functions that the kata forbids -----------------------------------------

    def _watch_functions(self) -> None:
        for entry in self._forbidden:
            module = sys.modules.get(entry)
            parent, _, name = entry.rpartition(".")
            if module is not None and parent:
                self._watch_all(entry, _public_functions(module))
            elif parent in sys.modules:
                thing = vars(sys.modules[parent]).get(name)
                if isinstance(thing, type):
                    self._watch_class(entry, thing)
                elif _is_function(thing):
                    self._watch_all(parent, {name: thing})

    def _watch_all(self, module: str, functions: dict[str, object]) -> None:
        """Watch functions wherever their package keeps them."""
        watched = {
            name: (function, self._asking(f"{module}.{name}", function))
            for name, function in functions.items()
        }
        top = module.partition(".")[0]
        for full, holder in list(sys.modules.items()):
            if full != top and not full.startswith(f"{top}."):
                continue
            names = vars(holder) if isinstance(holder, ModuleType) else {}
            for name, (function, asking) in watched.items():
                if names.get(name) is function:
                    names[name] = asking

    def _watch_class(self, entry: str, cls: type) -> None:
        begin = vars(cls).get("__init__")
        if isinstance(begin, FunctionType):
            setattr(cls, "__init__", self._asking(entry, begin))  # noqa: B010 - a type

    def _asking(self, name: str, function: object) -> Callable[..., object]:
        assert callable(function)  # noqa: S101 - only functions come here

        @functools.wraps(function)
        def asking(*args: object, **kwargs: object) -> object:
            if not self._looking.busy:
                self._looking.busy = True
                try:
                    caller = self._whose.caller(sys._getframe(1), direct=True)
                finally:
                    self._looking.busy = False
                if caller is not None:
                    self._refuse(name, caller)
            return function(*args, **kwargs)

        return asking


def _is_below(name: str, entries: Iterable[str]) -> bool:
    return any(name == entry or name.startswith(f"{entry}.") for entry in entries)


def _is_properties(name: str) -> bool:
    package, _, rest = name.partition(".")
    return package == "katas" and rest.rpartition(".")[2].startswith("test_")


def _is_function(thing: object) -> bool:
    """Tell whether a thing can be called and is no class, and no ufunc."""
    return (
        callable(thing) and not isinstance(thing, type) and not hasattr(thing, "reduce")
    )


def _public_functions(module: ModuleType) -> dict[str, object]:
    return {
        name: thing
        for name, thing in vars(module).items()
        if not name.startswith("_") and _is_function(thing)
    }


def _tells(frame: FrameType | None, caller: FrameType) -> bool:
    """Tell whether a traceback or a warning is being written below ``caller``."""
    while frame is not None and frame is not caller:
        file = frame.f_code.co_filename
        if file.startswith(LIBRARY) and file.endswith(_TELLS):
            return True
        frame = frame.f_back
    return False
