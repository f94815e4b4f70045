"""Lines that are shown: none wider than the screen, but for code and values."""

import pytest

from interviews.engine.lines import WIDTH, fitted, no_such_key

WORDS = "the quick brown fox jumps over the lazy dog " * 4


def test_prose_is_wrapped_below_its_own_beginning() -> None:
    for head, further in (
        ("", ""),
        ("  ", "  "),
        ("  ✗ ", "    "),
        ("    ✓ ", "      "),
        ("- ", "  "),
    ):
        lines = fitted(head + WORDS.strip())
        assert len(lines) > 1
        assert lines[0].startswith(f"{head}the quick")
        assert all(len(line) <= WIDTH for line in lines)
        for line in lines[1:]:
            assert line.startswith(further)
            assert line[len(further)] != " "
        told = " ".join(line.strip().removeprefix(head.strip()) for line in lines)
        assert told.split() == WORDS.split()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "  short   and spaced",
        "    call(" + WORDS,
        "  got: " + WORDS,
        "  line 7: " + WORDS,
        "see https://example.org/" + WORDS,
        "  /home/" + "x" * 90,
        "x" * 90,
    ],
)
def test_what_stays_as_it_is(line: str) -> None:
    assert fitted(line) == [line]


def test_one_way_to_say_that_there_is_no_such_key() -> None:
    said = "No such key here: /nonsense. /help shows all keys."
    assert no_such_key("/nonsense with words") == said
