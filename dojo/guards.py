"""What keeps a learner's code from hanging, flooding or spoiling its judge."""

import gc
import io
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

_PRINTED = 600
_MEMORY = 2 * 2**30
ROUNDS = 4


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
    # What importing a submodule or formatting an array adds by itself.
    _MAY_CHANGE = frozenset({"_"})

    def __init__(self) -> None:
        self._before = {
            name: dict(vars(sys.modules[name]))
            for name in self._MODULES
            if name in sys.modules
        }

    def changed(self) -> str:
        """Return the first rebound name, in full, or an empty text."""
        for module, before in self._before.items():
            now = vars(sys.modules[module])
            for name, value in before.items():
                if name in self._MAY_CHANGE or name.startswith("__"):
                    continue
                if now.get(name) is not value:
                    return name if module == "builtins" else f"{module}.{name}"
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
