"""``kata watch``: a verdict on every save, from a process that stays warm."""

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from dojo.catalogue import Catalogue, Kata
from dojo.progress import Progress
from dojo.screen import Line, Span, hint_lines, line, verdict_lines, wants_colour
from dojo.session import (
    advice,
    listing,
    next_kata,
    overview,
    preload,
    standing,
    tell,
    verdicts,
)
from dojo.targets import resolve_target
from dojo.verdict import Verdict

_TICK = 0.05
# Editors that replace a file leave a moment without one.
_PATIENCE = 6
_KEYS = "[n] next   [h] hint   [l] list   [c] check all   [q] quit"


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Give a function that returns a key that was pressed, after at most a tick."""
    if os.name == "nt":
        yield _windows_key
        return
    handle = sys.stdin.fileno()
    ended = False

    def read() -> str:
        nonlocal ended
        ready, _, _ = select.select([] if ended else [handle], [], [], _TICK)
        if not ready:
            return ""
        key = os.read(handle, 1).decode("ascii", "ignore")
        # At the end of a pipe there are no more keys, but saves go on.
        ended = not key
        return key

    if not sys.stdin.isatty():
        yield read
        return
    import termios
    import tty

    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        yield read
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _windows_key() -> str:
    import importlib
    import time

    console = importlib.import_module("msvcrt")
    if console.kbhit():
        return str(console.getwch())
    time.sleep(_TICK)
    return ""


class Watch:
    """One learner at one kata at a time."""

    def __init__(self, shelf: Catalogue, kata: Kata) -> None:
        self.shelf = shelf
        self.kata = kata
        self.progress = Progress(shelf)
        self.judged: tuple[int, int, int] | None = None
        self.actions: dict[str, Callable[[], None]] = {
            "n": self.go_on,
            "h": self.show_hint,
            "l": self.show_list,
            "c": self.check_all,
            "\n": self.judge,
        }

    def run(self) -> None:
        """Judge on every save until the learner quits."""
        self._show([line(Span("warming up …", "dim"))])
        preload([self.kata])
        self.judge()
        missing = 0
        with _keys() as key:
            while (pressed := key().lower()) != "q":
                if pressed in self.actions:
                    self.actions[pressed]()
                now = _stamp(self._file)
                missing = missing + 1 if now is None else 0
                if now != self.judged and (now is not None or missing > _PATIENCE):
                    self.judge()

    @property
    def _file(self) -> Path:
        return self.shelf.stub_file(self.kata)

    def _verdicts(self, katas: tuple[Kata, ...], *, fresh: bool) -> list[Verdict]:
        target = resolve_target("katas", self.shelf.root)
        return list(verdicts(katas, self.shelf, target, fresh=fresh))

    def judge(self) -> None:
        """Judge the file as it is now."""
        # Before judging: what is saved meanwhile is judged next.
        self.judged = _stamp(self._file)
        (verdict,) = self._verdicts((self.kata,), fresh=True)
        self._show(verdict_lines(verdict))

    def go_on(self) -> None:
        """Go to the next kata."""
        found = standing(self.shelf, self.progress)
        states = {name: verdict.state for name, verdict in found.items()}
        states.pop(self.kata.name, None)
        order = [kata.name for kata in self.shelf.katas]
        after = order.index(self.kata.name) + 1
        following = self.shelf.katas[after % len(order)]
        if found[self.kata.name].state == "solved":
            states[self.kata.name] = found[self.kata.name].state
            following = next_kata(self.shelf, states) or following
        self.kata = following
        preload([self.kata])
        self.judge()

    def show_hint(self) -> None:
        """Show the next rung."""
        from dojo.notes import read_notes

        hints = read_notes(self.shelf.notes_file(self.kata)).hints
        seen = min(self.progress.hints_seen(self.kata), len(hints))
        if seen < len(hints):
            self.progress.note("hint", self.kata, rung=seen + 1)
            seen += 1
        self._show(hint_lines(hints[:seen], len(hints), self.kata.name))

    def show_list(self) -> None:
        """Show where the learner stands."""
        found = standing(self.shelf, self.progress)
        lines = overview(self.shelf, self.shelf.katas, found)
        self._show([*lines, *advice(self.shelf, found)])

    def check_all(self) -> None:
        """Judge everything that changed."""
        self._show([line(Span("judging all …", "dim"))])
        self._show(listing(self._verdicts(self.shelf.katas, fresh=False)))

    def _show(self, lines: list[Line]) -> None:
        if sys.stdout.isatty():
            sys.stdout.write("\x1b[2J\x1b[3J\x1b[H")
        head = line(Span(self.kata.title, "bold"), "  ", os.path.relpath(self._file))
        foot = line(Span(_KEYS, "dim"))
        tell([head, line(), *lines, line(), foot], colour=wants_colour())


def watch_kata(shelf: Catalogue, kata: Kata) -> None:
    """Watch until the learner quits."""
    with contextlib.suppress(KeyboardInterrupt):
        Watch(shelf, kata).run()
