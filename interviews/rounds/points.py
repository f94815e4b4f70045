"""Key points, revealed one at a time once the answer is locked.

A yes must quote the candidate's own words (see ``interviews.evidence``). What comes
of it is self-reported: it is shown apart and decides nothing.
"""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Protocol

from interviews.evidence import refusal, words
from interviews.rounds.base import Event, Host

ASK = "Did you say so?  y <the words of your answer that say it>  or  n"
QUOTES = " \t\"'«»“”„‘’"
TRIES = 2
WIDTH = 78


class Point(Protocol):
    """One checkable idea; a quotation for it must contain one of ``terms``."""

    @property
    def id(self) -> str:
        """Name it within its question."""

    @property
    def text(self) -> str:
        """Say it in a sentence."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the beginnings of words that speak of it."""

    @property
    def source(self) -> str:
        """Tell where to read on."""


class Reveal:
    """The points of one answer, each to be claimed with a quotation or denied.

    It changes in ``apply`` alone, with the events that ``handle`` records:
    ``refused`` {item, point, quote, why} for a quotation that may be tried once
    more, and ``point`` {item, point, text, source, said, quote, accepted, why} when
    a point is done with. The round passes both on. An answer without a word has
    nothing to quote, so that all of its points are done with at once.
    """

    def __init__(
        self, points: Sequence[Point], answer: str, prompt: str, item: str = ""
    ) -> None:
        """Take the points in the order of showing; ``item`` goes into the events."""
        self.points = tuple(points)
        self.answer = answer
        self.prompt = prompt
        self.item = item
        self._done: list[Event] = []
        self._refused = 0

    @property
    def current(self) -> Point | None:
        """The point that is asked now; None when there is none left."""
        if not words(self.answer) or len(self._done) >= len(self.points):
            return None
        return self.points[len(self._done)]

    @property
    def complete(self) -> bool:
        """Whether no point is left to ask."""
        return self.current is None

    @property
    def left(self) -> int:
        """How many points are still to be asked."""
        return 0 if self.complete else len(self.points) - len(self._done)

    @property
    def accepted(self) -> int:
        """How many points were quoted and accepted so far."""
        return sum(bool(event["accepted"]) for event in self._done)

    @property
    def lines(self) -> tuple[str, ...]:
        """What is shown of the present point; nothing when there is none."""
        point = self.current
        if point is None:
            return ()
        number = len(self._done) + 1
        return (
            *wrap(f"Point {number} of {len(self.points)}: {point.text}", WIDTH),
            *wrap(f"  Source: {point.source}", WIDTH, subsequent_indent="  "),
            ASK,
        )

    def apply(self, event: Event) -> None:
        """Take a ``refused`` or ``point`` event of this item into the state."""
        if event.get("item", "") != self.item:
            return
        if event["event"] == "refused":
            self._refused += 1
        elif event["event"] == "point":
            self._refused = 0
            self._done.append(event)

    def handle(self, host: Host, text: str) -> None:
        """Take ``y <quote>`` or ``n`` for the present point, then show the next.

        Anything else is answered with what is expected and costs nothing.
        """
        point = self.current
        if point is None:
            return
        said, _, rest = text.strip().partition(" ")
        quote = rest.strip(QUOTES)
        if said.lower() in {"n", "no"}:
            self._close(host, point, said=False)
        elif said.lower() in {"y", "yes"} and quote:
            self._judge(host, point, quote)
        else:
            host.say(f"Not understood. {ASK}")

    def _judge(self, host: Host, point: Point, quote: str) -> None:
        why = refusal(
            quote,
            answer=self.answer,
            prompt=self.prompt,
            terms=point.terms,
            used=[str(done["quote"]) for done in self._done if done["accepted"]],
        )
        if why and self._refused + 1 < TRIES:
            host.record("refused", item=self.item, point=point.id, quote=quote, why=why)
            host.say(f"Not accepted: {why}. You may try once more, or say n.")
        else:
            self._close(host, point, said=True, quote=quote, why=why)

    def _close(
        self, host: Host, point: Point, *, said: bool, quote: str = "", why: str = ""
    ) -> None:
        data: Mapping[str, object] = {
            "item": self.item,
            "point": point.id,
            "text": point.text,
            "source": point.source,
            "said": said,
            "quote": quote,
            "accepted": said and not why,
            "why": why,
        }
        host.record("point", **data)
        told = "Noted: no."
        if said:
            told = f"Not accepted: {why}. It counts as no." if why else "Accepted."
        host.say(told, *self.lines)
