"""Interviews in processes of their own, on a pipe or on a pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dojo.catalogue import ROOT
from tests.interviews.terminal.display import Display

_DRIVE = "tests.interviews.terminal.drive"
_LIMIT = 30.0


def environment(sessions: Path) -> dict[str, str]:
    return os.environ | {
        "INTERVIEW_SESSIONS": str(sessions),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
        "COLUMNS": "80",
    }


def on_pipe(
    sessions: Path, *arguments: str, typed: str = "", speed: float = 1
) -> "subprocess.CompletedProcess[str]":
    """Run an interview on a pipe that holds ``typed`` and then ends."""
    return subprocess.run(
        [sys.executable, "-m", _DRIVE, str(speed), *arguments],
        input=typed,
        env=environment(sessions),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
    )


@dataclass
class Terminal:
    """The other end of a pseudo-terminal, and what is seen there."""

    process: "subprocess.Popen[bytes]"
    handle: int
    answers: bool = True
    written: bytes = b""
    display: Display = field(default_factory=Display)
    waited: int = 0

    def type(self, text: str) -> None:
        """Type, as fast as a paste."""
        os.write(self.handle, text.encode())

    def interrupt(self, told: str) -> None:
        """Do what a terminal does for Ctrl-C, until the program tells that it heard.

        A signal that comes just before a read is noticed only after it.
        """
        until = time.monotonic() + _LIMIT
        while told.encode() not in self.written:
            assert time.monotonic() < until, told
            self.process.send_signal(signal.SIGINT)
            self._read(0.5)

    def wait_for(self, text: str) -> None:
        """Read until ``text`` is written after what was waited for before."""
        wanted = text.encode()
        self._until(lambda: self.written.find(wanted, self.waited) >= 0, text)
        self.waited = self.written.find(wanted, self.waited) + len(wanted)

    def wait_until_seen(self, pattern: str) -> "re.Match[str]":
        """Read until the display matches ``pattern``, and return the match."""
        found: list[re.Match[str]] = []

        def seen() -> bool:
            match = re.search(pattern, "\n".join(self.display.lines), re.M)
            found.extend([match] if match else [])
            return bool(match)

        self._until(seen, pattern)
        return found[-1]

    def end(self) -> int:
        """Read to the end; return the exit code."""
        while self._read():
            pass
        return self.process.wait(_LIMIT)

    def _until(self, come: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _LIMIT
        while not come():
            going_on = self._read() and time.monotonic() < until
            assert going_on, f"{what!r} in:\n" + "\n".join(self.display.lines)

    def _read(self, seconds: float = _LIMIT) -> bool:
        """Read what comes within ``seconds``; False where nothing did."""
        ready, _, _ = select.select([self.handle], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.handle, 65_536)
        except OSError:  # the other end is closed
            return False
        self.written += data
        asked = self.display.asked
        self.display.write(data)
        if self.answers and self.display.asked > asked:
            os.write(self.handle, self.display.position)
        return bool(data)


@contextmanager
def on_terminal(
    sessions: Path, *arguments: str, speed: float = 1, **more: str
) -> Iterator[Terminal]:
    """Run an interview on a pseudo-terminal of 80 columns and 24 lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", _DRIVE, str(speed), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(sessions) | more,
        cwd=ROOT,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours, answers="PROMPT_TOOLKIT_NO_CPR" not in more)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        with suppress(OSError):
            os.close(ours)
