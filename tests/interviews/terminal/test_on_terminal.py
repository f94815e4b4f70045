"""Whole interviews on a pseudo-terminal."""

import json
import re
from pathlib import Path

import pytest

from tests.interviews.terminal.processes import Terminal, on_terminal

_LOOP = ("--round", "theory:1", "--seed", "7")
_BAR = r"^ round (\d\d):(\d\d) · (read|write) \d\d:\d\d · loop \d\d:\d\d .*│ /judge "


def begin(terminal: Terminal) -> None:
    terminal.wait_for("Press Enter")
    terminal.type("\r")
    terminal.wait_for("This is the phase read.")


def seconds_left(bar: "re.Match[str]") -> int:
    return 60 * int(bar[1]) + int(bar[2])


def end(terminal: Terminal) -> None:
    terminal.type("/abort yes\r")
    terminal.wait_for("1 log was summed up")
    assert terminal.end() == 0


def test_phases_and_the_round_end_untouched(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *_LOOP, speed=20) as terminal:
        begin(terminal)
        terminal.wait_for("This is the phase write.")
        terminal.wait_for("That was the echo.")
        terminal.wait_for("1 log was summed up")
        assert terminal.end() == 0
    (log,) = tmp_path.glob("*/log.jsonl")
    names = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert names[-1] == "finished"


def test_the_clock_is_at_the_foot_and_advances_untouched(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *_LOOP, speed=3) as terminal:
        begin(terminal)
        first = terminal.wait_until_seen(_BAR)
        assert terminal.display.lines[-1] == first.string.splitlines()[-1]
        left = seconds_left(first)
        terminal.wait_until_seen(
            _BAR.replace(r"(\d\d):(\d\d)", f"(00):({left - 3})", 1)
        )
        end(terminal)


def test_what_is_typed_is_seen_and_heard(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *_LOOP) as terminal:
        begin(terminal)
        terminal.wait_until_seen(r"^echo>$")
        terminal.type("zebra")
        terminal.wait_until_seen(r"^echo> zebra$")
        terminal.wait_until_seen(_BAR)
        terminal.type("\r")
        terminal.wait_for("heard zebra")
        # A paste of several lines is several lines.
        terminal.type("\x1b[200~one\ntwo\x1b[201~\r")
        terminal.wait_for("heard one")
        terminal.wait_for("heard two")
        end(terminal)


def test_what_comes_meanwhile_stands_above_what_is_being_typed(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *_LOOP) as terminal:
        begin(terminal)
        terminal.wait_until_seen(r"^echo>$")
        terminal.type("/judge\r")
        terminal.wait_for("The judge is at work.")
        terminal.type("half a line")
        terminal.wait_until_seen(
            r"^The judge has spoken\.\necho> half a line\n+ round \d\d:\d\d"
        )
        terminal.type("\r")
        terminal.wait_for("heard half a line")
        end(terminal)


def test_a_half_typed_line_is_told_of_when_its_phase_ends(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *_LOOP, speed=5) as terminal:
        begin(terminal)
        terminal.type("half a line")
        terminal.wait_for("This is the phase write.")
        terminal.wait_for("not sent: Enter sends it to write")
        terminal.wait_until_seen(r"^echo> half a line$")
        terminal.type("\r")
        terminal.wait_for("heard half a line")
        terminal.wait_for("1 log was summed up")
        assert terminal.end() == 0


def test_ctrl_c_says_how_to_end(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *_LOOP) as terminal:
        begin(terminal)
        terminal.wait_until_seen(r"^echo>$")
        terminal.type("half")
        terminal.type("\x03")
        terminal.wait_for("Ctrl-C does not stop an interview: /abort ends it")
        assert terminal.process.poll() is None
        terminal.type(" whole\r")
        terminal.wait_for("heard half whole")
        end(terminal)


def test_ctrl_d_leaves_a_session_to_go_on_with(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *_LOOP) as terminal:
        begin(terminal)
        terminal.wait_until_seen(r"^echo>$")
        terminal.type("\x04")
        terminal.wait_for("kata interview --resume ")
        assert terminal.end() == 0
    (folder,) = tmp_path.iterdir()
    with on_terminal(tmp_path, "--resume", folder.name) as terminal:
        terminal.wait_for("goes on")
        terminal.wait_until_seen(r"^echo>$")
        end(terminal)


@pytest.mark.parametrize("interrupted", [True, False])
def test_who_does_not_begin_leaves_nothing(tmp_path: Path, interrupted: bool) -> None:
    with on_terminal(tmp_path, *_LOOP) as terminal:
        terminal.wait_for("Press Enter")
        if interrupted:
            terminal.interrupt("Nothing was begun.")
        else:
            terminal.type("\x04")
            terminal.wait_for("Nothing was begun.")
        assert terminal.end() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_that_hides_its_cursor_has_the_clock_above_the_prompt(
    tmp_path: Path,
) -> None:
    with on_terminal(tmp_path, *_LOOP, PROMPT_TOOLKIT_NO_CPR="1") as terminal:
        begin(terminal)
        terminal.wait_until_seen(r"^round \d\d:\d\d · read .*/judge .*\necho>$")
        end(terminal)


@pytest.mark.parametrize("asked", [True, False])
def test_plain_lines_where_they_are_wanted(tmp_path: Path, asked: bool) -> None:
    arguments = (*_LOOP, "--plain") if asked else _LOOP
    term = "xterm" if asked else "dumb"
    with on_terminal(tmp_path, *arguments, TERM=term) as terminal:
        terminal.wait_for(" left · read · /judge")
        terminal.type("one\n")
        terminal.wait_for("heard one")
        terminal.interrupt("Ctrl-C does not stop an interview")
        terminal.type("two\n")
        terminal.wait_for("heard two")
        end(terminal)
        assert b"\x1b" not in terminal.written


def test_no_argument_shows_what_there_is(tmp_path: Path) -> None:
    with on_terminal(tmp_path) as terminal:
        assert terminal.end() == 0
        assert b"phone-screen" in terminal.written
        assert b"kata interview --help" in terminal.written
