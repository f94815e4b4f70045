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
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType, FunctionType, ModuleType

_REPOSITORY = Path(__file__).resolve().parent.parent
# Nobody's code but the judge's reaches these, through whatever library.
_HIDDEN = ("reference", "solutions", "interviews")
_JUDGE = "dojo"
_TESTING = "dojo.testing"
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_SPIES = (
    "sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile",
    "gc.get_objects", "gc.get_referrers", "gc.get_referents",
)  # fmt: skip
_PROGRAMS = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn",
)  # fmt: skip
# Code that only passes on what its caller asked for.
_PASS_ON = (
    "importlib/", "concurrent/futures/", "pkgutil.py", "runpy.py", "pydoc.py",
    "inspect.py", "functools.py", "operator.py", "threading.py", "subprocess.py",
    "os.py", "<", str(Path(__file__).resolve()),
)  # fmt: skip
_TELLS = ("traceback.py", "warnings.py", "logging/__init__.py")
_LIBRARY = str(Path(os.__file__).parent) + os.sep

Refuse = Callable[[str, FrameType | None], None]


class _Looking(threading.local):
    """Whether this thread is inside of the barrier: it does not watch itself."""

    busy = False


class Whose:
    """Tells whose code a frame runs: OWN, the JUDGE's, a library's, or nobody's."""

    OWN, JUDGE, LIBRARY, NOBODY = range(4)

    def __init__(self, tree: Path | None, watched: Path | None, root: Path) -> None:
        self._watched = str(watched) if watched else ""
        self._tree = f"{tree}{os.sep}" if tree else ""
        folders = [_REPOSITORY / n for n in ("dojo", "reference", "interviews")]
        folders += [_REPOSITORY / "katas", root / "katas", root / "solutions"]
        folders += [tree] if tree else []
        self._judges = tuple(f"{folder}{os.sep}" for folder in folders)
        self._known: dict[str, int] = {"<mistake>": self.JUDGE}

    def of(self, file: str) -> int:
        """Return whose file this is."""
        found = self._known.get(file)
        if found is None:
            found = self._known[file] = self._find(file)
        return found

    def _find(self, file: str) -> int:
        if file.removeprefix(_LIBRARY).startswith(_PASS_ON):
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


class Barrier:
    """Watches a process from now on; ``refuse`` is told what was reached for."""

    def __init__(
        self,
        root: Path,
        tree: Path | None,
        forbidden: Sequence[str],
        refuse: Refuse,
        watched: Path | None = None,
    ) -> None:
        self._refuse = refuse
        self._looking = _Looking()
        self._whose = Whose(tree, watched, root)
        self._tree = tree
        self._testing = watched is not None
        hidden = [_REPOSITORY / name for name in ("reference", "solutions")]
        hidden += [_REPOSITORY / "interviews" / "coding_challenges", root / "solutions"]
        self._hidden = tuple(f"{path}{os.sep}" for path in hidden)
        self._katas = tuple(f"{r / 'katas'}{os.sep}" for r in (_REPOSITORY, root))
        self._forbidden = tuple(forbidden)
        self._tops = {
            n.partition(".")[0] for n in (*_HIDDEN, _JUDGE, "katas", *forbidden)
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
            self._checks[event] = functools.partial(self._program, event)

    def close(self) -> None:
        """Let nothing through from here on."""
        self._watch_functions()
        self._watch_imports()
        self.shield()
        sys.addaudithook(self._heard)

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
        path = os.path.realpath(os.fsdecode(args[0]))
        if not self._is_hidden(path):
            return
        # A traceback shows the lines of whoever is on the stack: it goes without.
        if _tells(frame, caller):
            raise OSError("the judge's files are closed")
        self._refuse(f"open('{'/'.join(Path(path).parts[-3:])}')", caller)

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

    _program = _spy

    # Imports, however they are spelled ---------------------------------------------

    def _watch_imports(self) -> None:
        tops = self._tops
        original, by_name = builtins.__import__, importlib.import_module

        @functools.wraps(original)
        def looked_at(
            name: str,
            globals: Mapping[str, object] | None = None,  # noqa: A002 - its own name
            locals: Mapping[str, object] | None = None,  # noqa: A002 - its own name
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> ModuleType:
            if not level and name.partition(".")[0] in tops:
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
            direct = _is_below(full, self._forbidden)
            if direct or _is_below(full, _HIDDEN) or self._is_the_judges(full):
                caller = self._whose.caller(frame, direct=direct)
                if caller is not None:
                    self._refuse(full, caller)

    def _is_the_judges(self, name: str) -> bool:
        if self._testing and (name == _JUDGE or _is_below(name, (_TESTING,))):
            return False
        return _is_below(name, (_JUDGE,)) or _is_properties(name)

    # The judge's modules ------------------------------------------------------------

    def shield(self) -> None:
        """Let the judge's modules in ``sys.modules`` answer nobody else."""
        for name, module in list(sys.modules.items()):
            if isinstance(module, _Shield) or type(module) is not ModuleType:
                continue
            if name.partition(".")[0] in _HIDDEN or _is_properties(name):
                if self._testing and _is_properties(name):
                    continue
                sys.modules[name] = _Shield(module, self._may_use)

    def _may_use(self, module: ModuleType, name: str) -> None:
        if self._looking.busy:
            return
        self._looking.busy = True
        try:
            caller = self._whose.caller(sys._getframe(2))
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


class _Shield(ModuleType):
    """Stands for a module in ``sys.modules``, and asks who wants what of it."""

    def __init__(
        self,
        module: ModuleType,
        may_use: Callable[[ModuleType, str], None],
    ) -> None:
        super().__init__(module.__name__)
        own = object.__getattribute__(self, "__dict__")
        own["_module"], own["_may_use"] = module, may_use

    def __getattribute__(self, name: str) -> object:
        own = object.__getattribute__(self, "__dict__")
        module = own["_module"]
        # What is not there tells nothing: pickle asks every module for every name.
        told = name == "__dict__" or (name[:2] != "__" and name in vars(module))
        if told:
            own["_may_use"](module, name)
        return getattr(module, name)

    def __setattr__(self, name: str, value: object) -> None:
        own = object.__getattribute__(self, "__dict__")
        own["_may_use"](own["_module"], name)
        setattr(own["_module"], name, value)

    def __delattr__(self, name: str) -> None:
        own = object.__getattribute__(self, "__dict__")
        own["_may_use"](own["_module"], name)
        delattr(own["_module"], name)


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
        if file.startswith(_LIBRARY) and file.endswith(_TELLS):
            return True
        frame = frame.f_back
    return False
