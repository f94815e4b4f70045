"""Records the calls that properties make to the learner's code.

The recorder wraps the public functions, and the public methods of the classes,
of the module that is judged. It keeps the calls of the current example only, so
that after Hypothesis has replayed the smallest failing example they are the
smallest input that breaks the property, as lines that can be pasted.
"""

import functools
import inspect
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

from dojo.paste import paste, snapshot

_KEPT = 60


@dataclass
class Call:
    """One call: ``owner`` is the object whose method it is, None for a function."""

    name: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    owner: object = None
    constructs: bool = False
    returned: object = None
    raised: BaseException | None = None
    finished: bool = False


@dataclass(frozen=True)
class Step:
    """A line that a property adds by itself, such as a request to an endpoint."""

    text: str


@dataclass
class Recorder:
    """The calls of the current example."""

    calls: deque[Call | Step] = field(default_factory=lambda: deque(maxlen=_KEPT))
    publish: Callable[[str], None] | None = None
    dropped: int = 0
    seed: int = 0
    _inside: threading.local = field(default_factory=threading.local)
    on_begin: list[Callable[[], None]] = field(default_factory=list)

    def begin(self) -> None:
        """Forget the last example."""
        self.calls.clear()
        self.dropped = 0
        for action in self.on_begin:
            action()

    def step(self, text: str) -> None:
        """Add a line of the property's own."""
        self._add(Step(text))

    def _add(self, call: Call | Step) -> None:
        self.dropped += len(self.calls) == _KEPT
        self.calls.append(call)
        if self.publish is not None:
            self.publish("\n".join(self.script()))

    def script(self) -> list[str]:
        """Return the calls as lines that can be pasted."""
        names: dict[int, str] = {}
        lines = [f"# … {self.dropped} earlier calls"] if self.dropped else []
        return lines + [_line(call, names) for call in tuple(self.calls)]

    def watch(self, module: ModuleType, names: list[str]) -> None:
        """Wrap the public functions and classes called ``names`` in ``module``."""
        for name in names:
            thing = getattr(module, name, None)
            if inspect.isclass(thing):
                self._watch_class(thing)
            elif inspect.isfunction(thing):
                setattr(module, name, self._wrap(thing, name, method=False))

    def _watch_class(self, cls: type) -> None:
        for name, thing in list(vars(cls).items()):
            public = not name.startswith("_") or name in ("__init__", "__len__")
            if public and inspect.isfunction(thing):
                setattr(cls, name, self._wrap(thing, name, method=True))

    def _wrap(
        self, function: Callable[..., object], name: str, *, method: bool
    ) -> Callable[..., object]:
        inside = self._inside

        @functools.wraps(function)
        def recorded(*args: object, **kwargs: object) -> object:
            if getattr(inside, "depth", 0):
                return function(*args, **kwargs)
            call = _call_of(name, args, kwargs, method=method)
            self._add(call)
            inside.depth = 1
            try:
                call.returned = function(*args, **kwargs)
            except BaseException as error:
                call.raised = error
                raise
            finally:
                inside.depth = 0
                call.finished = True
            return call.returned

        return recorded


def _call_of(
    name: str, args: tuple[object, ...], kwargs: dict[str, object], *, method: bool
) -> Call:
    kept = tuple(map(snapshot, args[1:] if method else args))
    keywords = {key: snapshot(value) for key, value in kwargs.items()}
    owner = args[0] if method and args else None
    constructs = method and name == "__init__"
    return Call(name, kept, keywords, owner, constructs)


def _snake(name: str) -> str:
    plain = name.removesuffix("Scratch")
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+", plain)
    return "_".join(words).lower() or "it"


def _variable(owner: object, names: dict[int, str]) -> str:
    if id(owner) not in names:
        name = _snake(type(owner).__name__)
        count = sum(known.rstrip("0123456789") == name for known in names.values())
        names[id(owner)] = f"{name}{count + 1}" if count else name
    return names[id(owner)]


def _line(call: Call | Step, names: dict[int, str]) -> str:
    if isinstance(call, Step):
        return call.text
    values = [names.get(id(value)) or paste(value) for value in call.args]
    values += [
        f"{key}={names.get(id(value)) or paste(value)}"
        for key, value in call.kwargs.items()
    ]
    inside = ", ".join(values)
    if call.constructs:
        # A new object: an earlier one that had this identity is gone.
        names.pop(id(call.owner), None)
        variable = _variable(call.owner, names)
        return f"{variable} = {type(call.owner).__name__}({inside})"
    if call.owner is None:
        return f"{call.name}({inside})"
    if call.name == "__len__":
        return f"len({_variable(call.owner, names)})"
    return f"{_variable(call.owner, names)}.{call.name}({inside})"


RECORDER = Recorder()


def fix_seed(test: object, seed: int) -> None:
    """Let Hypothesis draw from ``seed`` and still replay failing examples first.

    Its own ``seed`` decorator sets the same name, and turns the replay off.
    """
    test._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]  # its name
