"""Server-sent events, taken apart as the standard has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo.testing.events import Event, EventParser, parse_events
from tests.dojo.failing import mismatch

STREAM = (
    b"\xef\xbb\xbf: a comment\n\ndata: one\n\n"
    b"event: add\rid: 7\rdata:two\rdata:  three\r\r"
    b"data\r\nretry: 250\r\n\r\n"
    b'id\nunknown: x\ndata: {"a": "\xc3\xa9"}\n\nevent: lost\n\n'
)
EVENTS = [
    Event("one"),
    Event("two\n three", "add", "7"),
    Event("", "message", "7"),
    Event('{"a": "é"}'),
]


def test_a_whole_stream() -> None:
    events = parse_events(STREAM)
    assert events == EVENTS
    assert events[-1].json() == {"a": "é"}
    assert parse_events(b"") == []


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_pieces_make_the_same_events(cuts: list[int]) -> None:
    parser, events = EventParser(), []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
        events += parser.feed(STREAM[begin:end])
    assert (events, parser.rest, parser.retry) == (EVENTS, "", 250)


def test_an_event_comes_with_its_blank_line() -> None:
    parser = EventParser()
    assert parser.feed(b"data: 1\r\n\r") == [Event("1")]
    assert parser.feed(b"\ndata: 2\n") == []
    assert parser.rest == "data: 2"


@pytest.mark.parametrize("stream", [b"data: 1", b"data: 1\n", b"data: 0\n\ndata: 1\n"])
def test_an_event_without_an_end_is_a_mismatch(stream: bytes) -> None:
    assert mismatch(parse_events, stream).actual == "data: 1"


def test_data_that_is_no_json_is_a_mismatch() -> None:
    assert "no JSON" in mismatch(Event("[DONE]").json).detail
