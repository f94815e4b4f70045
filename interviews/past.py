"""The sessions below ``interviews/sessions``: made, found, read again."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from dojo.catalogue import ROOT, catalogue
from dojo.progress import Progress
from interviews.engine.log import LOG, is_held, read_log
from interviews.engine.rounds import drawn
from interviews.rounds.base import Event


def sessions_root() -> Path:
    """Return where sessions are kept; INTERVIEW_SESSIONS says otherwise."""
    chosen = os.environ.get("INTERVIEW_SESSIONS")
    return Path(chosen).resolve() if chosen else ROOT / "interviews" / "sessions"


def make_folder(root: Path, seed: int, now: datetime) -> Path:
    """Make the folder of a new session, which no other process can have made too."""
    root.mkdir(parents=True, exist_ok=True)
    name = f"{now:%Y%m%d-%H%M%S}-{seed}"
    number = 1
    while True:
        folder = root / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def session_folders(root: Path) -> tuple[Path, ...]:
    """Return the folders that hold a log, the oldest first."""
    return tuple(sorted(file.parent for file in root.glob(f"*/{LOG}")))


def find_folder(root: Path, session: str, *, unfinished: bool = False) -> Path:
    """Return a session's folder; "" stands for the last one, or the last unfinished.

    Of the unfinished ones, those that no other process holds come first.
    ValueError with one line where there is none.
    """
    folders = session_folders(root)
    if not session:
        if unfinished:
            folders = tuple(one for one in folders if state(read_events(one)) == "open")
        if not folders:
            what = "unfinished session" if unfinished else "session"
            raise ValueError(f"there is no {what} in {root}")
        if unfinished:
            folders = tuple(one for one in folders if not is_held(one)) or folders
        return folders[-1]
    for folder in folders:
        if folder.name == session:
            return folder
    raise ValueError(f"there is no session '{session}': kata interview --list")


def read_events(folder: Path) -> tuple[Event, ...]:
    """Read a session's log without taking its lock."""
    return read_log(folder / LOG)


def state(events: Sequence[Event]) -> str:
    """Return ``open``, ``finished`` or ``aborted``."""
    names = {event["event"] for event in events}
    if "finished" not in names:
        return "open"
    return "aborted" if "aborted" in names else "finished"


def seen_before(root: Path) -> frozenset[str]:
    """Return what is not new: katas worked on or looked up, and all drawn before."""
    history = Progress(catalogue()).history()
    known = {str(record.get("kata")) for record in history if _shows(record)}
    return frozenset(known.union(*map(_drawn, session_folders(root))))


def _shows(record: dict[str, object]) -> bool:
    """Whether the learner has worked on the kata, or looked at its solution."""
    if record.get("event") == "attempt":
        mine = record.get("target") == "katas"
        return mine and record.get("state") != "not started"
    return record.get("event") == "peek"


def _drawn(folder: Path) -> frozenset[str]:
    try:
        events = read_events(folder)
    except ValueError:
        return frozenset()  # a log that cannot be read tells nothing
    subjects = [e.get("subject") for e in events if e["event"] == "opened"]
    none: frozenset[str] = frozenset()
    return none.union(*(drawn(s) for s in subjects if isinstance(s, dict)))
