"""Sitting a session: the tools, the terminal, and what is left behind."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from dojo.catalogue import ROOT
from interviews.engine.clock import SystemClock
from interviews.engine.plan import Plan
from interviews.engine.rounds import drawn, make_round
from interviews.engine.session import Session
from interviews.judging import JudgeProcess
from interviews.past import read_events, state
from interviews.rounds.base import Interviewer, Tools
from interviews.terminal.plain import Plain
from interviews.terminal.words import Sitting, left_behind


class UserError(ValueError):
    """A user's mistake, in one line."""


@contextmanager
def mistakes() -> Iterator[None]:
    """Take what is refused in here for the user's mistake."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error


@dataclass(frozen=True)
class Wanted:
    """How to sit: on which terminal, and with an interviewer or without."""

    plain: bool = False
    url: str = ""
    model: str = ""
    yes_remote: bool = False

    def check(self) -> None:
        """Refuse half of an interviewer."""
        if bool(self.url) != bool(self.model):
            raise UserError("--interviewer URL and --model NAME go together")
        if self.yes_remote and not self.url:
            raise UserError("--yes-remote says yes to an --interviewer: name one")


class Terminal(Protocol):
    """Where a session is sat."""

    def show(self, text: str) -> None:
        """Show a text of the session."""

    def run(self, sitting: Sitting) -> bool:
        """Run the session; False where the candidate left before it was over."""


@contextmanager
def tools_for(wanted: Wanted, seen: frozenset[str]) -> Iterator[Tools]:
    """Give the tools of rounds; the judge's process ends with the block."""
    interviewer = _interviewer(wanted)
    with closing(JudgeProcess()) as judging:
        yield Tools(ROOT, judging, seen, interviewer)


def _interviewer(wanted: Wanted) -> Interviewer | None:
    if not wanted.url:
        return None
    from interviews.interviewer import connect

    allowed = wanted.yes_remote
    if not allowed and _is_remote(wanted.url) and sys.stdin.isatty():
        sys.stdout.write(
            f"{wanted.url} is another machine: it would get what you write in design "
            "rounds.\nType yes to allow it: "
        )
        sys.stdout.flush()
        allowed = sys.stdin.readline().strip().lower() == "yes"
    with mistakes():
        return connect(wanted.url, wanted.model, remote_allowed=allowed)


def _is_remote(url: str) -> bool:
    from urllib.parse import urlsplit

    from interviews.interviewer.client import is_loopback

    with mistakes():
        host = urlsplit(url).hostname
    return bool(host) and not is_loopback(str(host))


def check_drawable(plan: Plan, tools: Tools) -> None:
    """Refuse a loop of which a later round could not be drawn."""
    for spec in plan.specs:
        with mistakes():
            opening = make_round(spec, tools).open()
        tools = replace(tools, seen=tools.seen | drawn(opening.subject))


def sit(folder: Path, plan: Plan, tools: Tools, wanted: Wanted) -> bool:
    """Begin a session in an empty folder and sit it; tell whether it came to an end."""
    if _has_screen(wanted) and not _ready():
        folder.rmdir()
        return False
    terminal = _terminal(wanted)
    with mistakes():
        session = Session.begin(
            folder, plan, clock=SystemClock(), tools=tools, show=terminal.show
        )
    return _run(terminal, session, folder)


def resume_session(folder: Path, wanted: Wanted) -> bool:
    """Go on with a session; tell whether it came to an end."""
    with mistakes():
        events = read_events(folder)
    if state(events) != "open":
        raise UserError(
            f"session {folder.name} is over: kata interview --report {folder.name}"
        )
    began = events[0].get("seen") if events else ()
    seen = frozenset(map(str, began)) if isinstance(began, Sequence) else frozenset()
    terminal = _terminal(wanted)
    with tools_for(wanted, seen) as tools:
        with mistakes():
            session = Session.resume(
                folder, clock=SystemClock(), tools=tools, show=terminal.show
            )
        return _run(terminal, session, folder)


def _run(terminal: Terminal, session: Session, folder: Path) -> bool:
    with closing(session):
        ended = terminal.run(session)
    if not ended:
        sys.stdout.write("\n".join(("", *left_behind(folder.name))) + "\n")
    return ended


def _has_screen(wanted: Wanted) -> bool:
    """Tell whether both ends are a terminal that can show more than lines."""
    able = os.environ.get("TERM", "dumb") not in ("dumb", "")
    both = sys.stdin.isatty() and sys.stdout.isatty()
    return both and able and not wanted.plain


def _terminal(wanted: Wanted) -> Terminal:
    if _has_screen(wanted):
        from interviews.terminal.screen import Screen

        return Screen()
    return Plain(sys.stdin.fileno(), sys.stdout)


def _ready() -> bool:
    """Wait for Enter: the clock starts with it."""
    try:
        input("Press Enter to begin; the clock starts then. ")
    except (EOFError, KeyboardInterrupt):
        sys.stdout.write("\nNothing was begun.\n")
        return False
    return True
