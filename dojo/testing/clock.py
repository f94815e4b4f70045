"""A clock that a property sets, for code that takes ``clock`` as an argument.

    clock = Clock()
    cache = LRUCache(default_ttl=2.0, clock=clock)
    cache.set("a", 1)
    clock.advance(2.0)
    assert_equal(cache.exists("a"), False)

Halves and quarters are exact in binary, so that a deadline can be met exactly.
"""

from dojo.recording import RECORDER

__all__ = ["START", "Clock"]

START = 100.0


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def __repr__(self) -> str:
        return "clock"

    def advance(self, seconds: float) -> None:
        """Go on, or back where ``seconds`` is negative; the verdict shows it."""
        RECORDER.step(f"clock.now += {seconds}")
        self.now += seconds
