"""Ctrl-C, which a hand may press by habit, ends no interview."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = (
    "Ctrl-C does not stop an interview: /abort ends it, Ctrl-D leaves and the\n"
    "clock runs on."
)


@contextmanager
def uninterrupted(show: Callable[[str], None]) -> Iterator[None]:
    """Answer an interrupt with how to end instead."""

    def advise(number: int, frame: FrameType | None) -> None:
        del number, frame
        show(INTERRUPTED)

    before = signal.signal(signal.SIGINT, advise)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
