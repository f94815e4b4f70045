"""What keeps a learner's code from hanging, flooding or spoiling its judge."""

import gc
import io
import sys
import threading
import time
from collections.abc import Callable, Mapping
from operator import is_
from pathlib import Path
from types import FrameType

_PRINTED = 600
_MEMORY = 2 * 2**30
ROUNDS = 4
Names = Mapping[str, object]
# The functions of a module that is loaded, by the identity of its namespace: a parent
# that looks once spares every child that it forks the search.
_LEARNT: dict[int, dict[str, object]] = {}


class Printed(io.TextIOBase):
    """Keeps the end of what the learner's code prints for one example."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep the last characters."""
        self.text = (self.text + text)[-_PRINTED:]
        return len(text)

    def writable(self) -> bool:
        """Say yes."""
        return True


class Watchdog:
    """Ends the process when a property has had its time.

    A thread is enough for Python code and for C code that releases the interpreter
    lock; for the rest, the parent kills the process a little later. On a busy
    machine, where the process got less than half of that time to compute in, it
    waits for some rounds more.
    """

    def __init__(self, seconds: float, expired: Callable[[], None]) -> None:
        self._seconds = seconds
        self._expired = expired
        self._round = 0
        self._wake = threading.Condition()
        threading.Thread(target=self._watch, daemon=True).start()

    def restart(self) -> None:
        """Give the next property its full time."""
        with self._wake:
            self._round += 1
            self._wake.notify()

    def _watch(self) -> None:
        with self._wake:
            while True:
                current, computed = self._round, time.process_time()
                for _ in range(ROUNDS):
                    self._wake.wait(self._seconds)
                    used = time.process_time() - computed
                    if current != self._round or used > self._seconds / 2:
                        break
                if current == self._round:
                    self._expired()


class Tampering:
    """Notices names of the judge's libraries that the learner's code rebinds."""

    _MODULES = ("builtins", "math", "random", "time", "numpy", "numpy.linalg", "torch")
    # Of what the judge is made of, every function and class is looked at.
    _JUDGE = ("dojo", "hypothesis", "pytest", "reference")
    # Where the methods of classes count as well.
    _CLASSES = (
        "hypothesis.core", "hypothesis.internal.conjecture.engine",
        "_pytest.python", "_pytest.raises", "_pytest.runner",
    )  # fmt: skip

    def __init__(self) -> None:
        # The builtins come first: the other comparisons are made with them.
        names = [*self._MODULES, *filter(self._is_the_judges, list(sys.modules))]
        self._modules = [(n, sys.modules[n]) for n in names if n in sys.modules]
        holders: list[tuple[str, Names]] = [(n, vars(m)) for n, m in self._modules]
        for name, inside in holders[:]:
            if name in self._CLASSES:
                own = [v for v in inside.values() if isinstance(v, type)]
                holders += [
                    (f"{name}.{cls.__name__}", vars(cls))
                    for cls in own
                    if cls.__module__ == name
                ]
        self._before = [
            (name, now, self._relied_on(name, now)) for name, now in holders
        ]

    def _is_the_judges(self, name: str) -> bool:
        return name.partition(".")[0] in self._JUDGE or name in self._CLASSES

    def _relied_on(self, module: str, names: Names) -> dict[str, object]:
        if module in self._MODULES:
            kept = {name: value for name, value in names.items() if name[:2] != "__"}
            kept.pop("_", None)  # what formatting an array adds by itself
            return kept
        known = _LEARNT.get(id(names))
        if known is None:
            known = {n: v for n, v in names.items() if callable(v) and n[:2] != "__"}
            if isinstance(names, dict):
                _LEARNT[id(names)] = known
        return known

    def changed(self) -> str:
        """Return the first rebound name, in full, or an empty text."""
        for module, now, before in self._before:
            if module != "builtins" and all(
                map(is_, map(now.get, before), before.values())
            ):
                continue
            for name, value in before.items():
                if now.get(name) is not value:
                    return name if module == "builtins" else f"{module}.{name}"
        loaded = sys.modules
        for name, thing in self._modules:
            if loaded.get(name) is not thing:
                return f"sys.modules['{name}']"
        return ""


def limit_memory() -> None:
    """Bound the address space where the system can: asking for more raises."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def frame_of(thread: int | None) -> FrameType | None:
    """Return the innermost frame of a thread, while no garbage is collected.

    A collection inside of ``_current_frames`` waits for ever where another thread
    starts or ends at that moment (CPython issue 106883).
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(thread or 0)
    finally:
        if collecting:
            gc.enable()
