"""A session in a process of its own, to be killed: a line in, a line out."""

import sys
from pathlib import Path

from interviews.engine.clock import SystemClock
from interviews.engine.session import Session
from interviews.rounds.base import Tools
from tests.interviews.engine.playing import Bench, FakeRound, plan


def main() -> None:
    """Begin or resume in the folder that is named, then echo what was handled."""
    folder = Path(sys.argv[1])
    tools = Tools(folder, Bench())
    clock = SystemClock()
    if (folder / "log.jsonl").exists():
        session = Session.resume(
            folder, clock=clock, tools=tools, show=_ignore, make=FakeRound
        )
    else:
        session = Session.begin(
            folder, plan(), clock=clock, tools=tools, show=_ignore, make=FakeRound
        )
    print("ready", flush=True)
    for line in sys.stdin:
        session.handle(line)
        print("handled", line, end="", flush=True)


def _ignore(_line: str) -> None:
    """Show nothing."""


if __name__ == "__main__":
    main()
