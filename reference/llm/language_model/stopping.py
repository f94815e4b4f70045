"""Ends a stream of pieces where a stop sequence is complete."""

from collections.abc import Sequence

from reference.core.validation import require


class StopFilter:
    """Lets text through up to the first completed stop sequence, which is cut off.

    What could be the beginning of a stop sequence is held back until it is known, so
    the outcome does not depend on where pieces begin and end. Of two sequences that
    complete at the same character the longer one counts. Raises ``ValueError`` for an
    empty stop sequence.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        require("" not in stops, "stop", "of non-empty sequences", list(stops))
        self._stops = tuple(stops)
        self._held: list[str] = []
        self.stopped = False

    def push(self, piece: str) -> list[str]:
        """Return the pieces that may now be shown; after a stop there are none."""
        if self.stopped:
            return []
        self._held.append(piece)
        text = "".join(self._held)
        cut = self._find(text)
        if cut is None:
            return self._release(len(text) - self._undecided(text))
        self.stopped = True
        shown = self._release(cut)
        self._held.clear()
        return shown

    def finish(self) -> list[str]:
        """Return what was held back: no more text will come to complete it."""
        shown, self._held = self._held, []
        return shown

    def _find(self, text: str) -> int | None:
        """Return where the stop sequence begins that is complete first."""
        found = [
            (place + len(stop), place)
            for stop in self._stops
            if (place := text.find(stop)) >= 0
        ]
        return min(found)[1] if found else None

    def _undecided(self, text: str) -> int:
        """Return the length of the longest end of ``text`` that begins a stop."""
        longest = max(map(len, self._stops), default=1) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0

    def _release(self, length: int) -> list[str]:
        """Take ``length`` characters from what is held, by whole pieces and a part."""
        shown = []
        while self._held and len(self._held[0]) <= length:
            shown.append(self._held.pop(0))
            length -= len(shown[-1])
        if length > 0:
            shown.append(self._held[0][:length])
            self._held[0] = self._held[0][length:]
        return shown
