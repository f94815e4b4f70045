"""The plain terminal: lines in, lines out, for pipes, scripts and simple screens.

Input is taken a line at a time, and no further line while a judge is at work: a
script's next line then meets the state that it was written for. Time passes all
the while, so that phases advance although nothing comes.
"""

import codecs
import os
import select
from collections import deque
from contextlib import nullcontext
from typing import TextIO

from interviews.terminal.interrupts import uninterrupted
from interviews.terminal.words import Sitting, Status, status_line

# How long to wait for input, in seconds, before time is looked at again.
_PATIENCE, _BUSY = 0.2, 0.02


class Plain:
    """Reads a file descriptor and writes lines."""

    def __init__(self, source: int, sink: TextIO) -> None:
        self._source = source
        self._sink = sink
        self._lines: deque[str] = deque()
        self._partial = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._ended = False

    def show(self, text: str) -> None:
        """Write a text and a line's end, at once."""
        self._sink.write(text + "\n")
        self._sink.flush()

    def run(self, sitting: Sitting) -> bool:
        """Run the session; False where the input ended before it was over."""
        # Where a person could have pressed Ctrl-C; a script is not in the way.
        careful = uninterrupted(self.show) if os.isatty(self._source) else nullcontext()
        with careful:
            phase, judging = self._tell(sitting.status()), False
            while not (status := sitting.status()).over:
                # A verdict that came meanwhile is an answer too.
                if _place(status) != phase or (judging and not status.busy):
                    phase = self._tell(status)
                judging = status.busy
                if status.busy:
                    self._read(_BUSY)
                    sitting.tick()
                elif self._lines:
                    sitting.handle(self._lines.popleft())
                    phase = self._tell(sitting.status())
                elif self._ended:
                    return False
                else:
                    self._read(_PATIENCE)
                    sitting.tick()
        return True

    def _tell(self, status: Status) -> tuple[str, str]:
        if not status.over:
            self.show(status_line(status))
        return _place(status)

    def _read(self, seconds: float) -> None:
        """Wait for input, no longer than ``seconds``, and keep its whole lines."""
        if self._ended:
            select.select([], [], [], seconds)
            return
        ready, _, _ = select.select([self._source], [], [], seconds)
        if not ready:
            return
        data = os.read(self._source, 65_536)
        self._ended = not data
        self._partial += self._decoder.decode(data, final=self._ended)
        *whole, self._partial = self._partial.split("\n")
        if self._ended and self._partial:
            whole.append(self._partial)
        self._lines.extend(line.rstrip("\r") for line in whole)


def _place(status: Status) -> tuple[str, str]:
    return status.title, status.phase
