"""A process that is warm, as ``kata watch`` is, and works each time it is asked.

``python -m benchmarks.warm verdict softmax`` judges the kata for every line it
reads; with ``properties`` it calls the test functions themselves, without a child,
a record of the calls or a limit. Each answer is one line.
"""

import importlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self


class Worker:
    """Such a process, seen from outside."""

    def __init__(
        self, mode: str, kata: str, cwd: Path, environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this module
            [sys.executable, "-m", "benchmarks.warm", mode, kata],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
        )

    def ask(self) -> str:
        """Let it work once and return its answer."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write("\n")
        asked.flush()
        return answered.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()


def _verdict(name: str) -> Callable[[], str]:
    from dojo.catalogue import catalogue
    from dojo.session import preload, verdicts
    from dojo.targets import resolve_target

    shelf = catalogue()
    katas = shelf.find(name)
    target = resolve_target("solutions", shelf.root)
    preload(katas)

    def work() -> str:
        (verdict,) = verdicts(katas, shelf, target, fresh=True)
        return f"{verdict.held} hold"

    return work


def _properties(name: str) -> Callable[[], str]:
    from dojo.catalogue import catalogue
    from dojo.session import preload
    from dojo.targets import install, resolve_target

    shelf = catalogue()
    (kata,) = shelf.find(name)
    preload([kata])
    import hypothesis

    from dojo import child

    target = resolve_target("solutions", shelf.root)
    # The judge's own settings, so that both do the same number of examples.
    child._settings(child.Job(kata, target))
    install(shelf, target)
    module = importlib.import_module(f"katas.{kata.track}.test_{kata.name}")
    properties = [
        hypothesis.seed(0)(function) if hasattr(function, "hypothesis") else function
        for name, function in vars(module).items()
        if name.startswith("test_")
    ]

    def work() -> str:
        for holds in properties:
            holds()
        return f"{len(properties)} hold"

    return work


def main() -> None:
    """Work once for every line."""
    mode, name = sys.argv[1:]
    work = {"verdict": _verdict, "properties": _properties}[mode](name)
    for _ in sys.stdin:
        sys.stdout.write(work() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
