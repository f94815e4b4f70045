r"""Server-sent events, as a browser takes them apart.

    events = parse_events(answer.body)
    assert_equal([event.data for event in events], ["1", "2", "[DONE]"])

Piece by piece, as they come:

    parser = EventParser()
    parser.feed(b"data: 1\n")  # []
    parser.feed(b"\n")         # [Event(data="1")]

Source: WHATWG, HTML Living Standard, section 9.2.6, Interpreting an event stream.
"""

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any

from dojo.testing.mismatch import UNSTATED, fail

__all__ = ["Event", "EventParser", "parse_events"]

_END_OF_LINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """One event: ``name`` is its type, and ``id`` the last one that was given."""

    data: str
    name: str = "message"
    id: str = ""

    def json(self) -> Any:
        """Parse the data as JSON: what is none is a mismatch."""
        __tracebackhide__ = True
        try:
            return json.loads(self.data)
        except ValueError as error:
            fail("the data of an event", self.data, UNSTATED, f"no JSON: {error}")


class EventParser:
    """Takes a stream apart; ``retry`` is the last one that was given, in ms."""

    def __init__(self) -> None:
        self.retry: int | None = None
        self._id = ""
        self._lines: list[str] = []
        self._unfinished = ""
        self._ended_in_return = False
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")

    @property
    def rest(self) -> str:
        """What no blank line has ended yet: at the end of a stream it is lost."""
        return "\n".join([*self._lines, self._unfinished]).strip("\n")

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that this piece completes."""
        text = self._decoder.decode(piece)
        if text and self._ended_in_return:
            text = text.removeprefix("\n")
        if text:
            self._ended_in_return = text.endswith("\r")
        *lines, self._unfinished = _END_OF_LINE.split(self._unfinished + text)
        events: list[Event] = []
        for line in lines:
            if line:
                self._lines.append(line)
            else:
                events += self._finished()
        return events

    def _finished(self) -> list[Event]:
        name, data = "", []
        for line in self._lines:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                name = value
            elif field == "id" and "\0" not in value:
                self._id = value
            elif field == "retry" and re.fullmatch("[0-9]+", value):
                self.retry = int(value)
        self._lines = []
        return [Event("\n".join(data), name or "message", self._id)] if data else []


def parse_events(stream: bytes) -> list[Event]:
    """Return the events of a whole stream: bytes behind the last one are a mismatch."""
    __tracebackhide__ = True
    parser = EventParser()
    events = parser.feed(stream)
    if parser.rest:
        detail = "the last event is not ended by a blank line"
        fail("a stream of events", parser.rest, UNSTATED, detail)
    return events
