"""What a candidate hands in: asked for, judged, recorded; survives a crash between.

``asked-judge`` is in the log before the judge begins, so that a session which is
resumed judges again what was never answered.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from interviews.rounds.base import Event, Host, Judging, Ticket

LONGEST = 200_000
# File systems keep times apart by less than this.
_GRACE = timedelta(seconds=2)
_ATTEMPTS = 3


@dataclass(frozen=True)
class Submission:
    """One text and what the judge said of it."""

    run: int
    final: bool
    text: str
    state: str
    refused: str
    error: str
    results: tuple[Mapping[str, object], ...]
    failure: Mapping[str, object]

    @property
    def held(self) -> int:
        """How many properties hold."""
        return sum(entry.get("held") is True for entry in self.results)


class _Request(Protocol):
    def __call__(self, run: int, text: str, *, final: bool) -> dict[str, object]: ...


@dataclass(frozen=True)
class _Asked:
    run: int
    final: bool
    text: str


class Submissions:
    """The submissions of one round, in order."""

    def __init__(self, judging: Judging, request: _Request) -> None:
        self._judging = judging
        self._request = request
        self._asked: list[_Asked] = []
        self._ticket: Ticket | None = None
        self._attempts = 0
        self.judged: list[Submission] = []

    @property
    def waiting(self) -> bool:
        """Whether something that was asked has no answer yet."""
        return len(self.judged) < len(self._asked)

    @property
    def final_asked(self) -> bool:
        """Whether the text at the end was handed in."""
        return any(asked.final for asked in self._asked)

    @property
    def final(self) -> Submission | None:
        """The verdict at the end, once there is one."""
        return next((entry for entry in self.judged if entry.final), None)

    @property
    def last_text(self) -> str:
        """The last text that was handed in; empty if none was."""
        return self._asked[-1].text if self._asked else ""

    def apply(self, event: Event) -> None:
        """Take an event into the state; others than its own are left alone."""
        if event["event"] == "asked-judge":
            run, final = int(str(event["run"])), event.get("final") is True
            self._asked.append(_Asked(run, final, str(event["text"])))
        elif event["event"] == "judged":
            self.judged.append(_submission(event))

    def ask(self, host: Host, text: str, *, final: bool = False) -> None:
        """Record that a text is handed in, then begin to judge it."""
        run = len(self._asked) + 1
        text = text[:LONGEST]
        host.record(
            "asked-judge", run=run, final=final, digest=_digest(text), text=text
        )
        self._begin()

    def poll(self, host: Host) -> Sequence[Submission]:
        """Record what has been judged since last time, and return it."""
        found: list[Submission] = []
        while self.waiting:
            if self._ticket is None:
                self._begin()
            if self._ticket is None or not self._ticket.done():
                break
            result, self._ticket = self._ticket.result(), None
            self._attempts += 1
            if result.get("error") and self._attempts < _ATTEMPTS:
                continue  # the judge died, not the code: once more
            self._attempts = 0
            asked = self._asked[len(self.judged)]
            host.record("judged", **_told(asked, result))
            found.append(self.judged[-1])
        return found

    def _begin(self) -> None:
        if self._ticket is None and self.waiting:
            asked = self._asked[len(self.judged)]
            request = self._request(asked.run, asked.text, final=asked.final)
            self._ticket = self._judging.submit(request)


def _told(asked: _Asked, result: Mapping[str, object]) -> dict[str, object]:
    data: dict[str, object] = {
        "run": asked.run,
        "final": asked.final,
        "level": 0,
        "results": result.get("results", []),
        "state": result.get("state", "broken"),
        "refused": result.get("refused", ""),
        "digest": _digest(asked.text),
        "seconds": result.get("seconds", 0.0),
        "text": asked.text,
    }
    for name in ("error", "failure"):
        if result.get(name):
            data[name] = result[name]
    return data


def _submission(event: Event) -> Submission:
    results, failure = event.get("results"), event.get("failure")
    return Submission(
        run=int(str(event["run"])),
        final=event["final"] is True,
        text=str(event.get("text", "")),
        state=str(event["state"]),
        refused=str(event.get("refused", "")),
        error=str(event.get("error", "")),
        results=tuple(results) if isinstance(results, list | tuple) else (),
        failure=failure if isinstance(failure, Mapping) else {},
    )


def result_of(entry: Mapping[str, object]) -> tuple[str, str, bool]:
    """Return a result's name, its sentence and whether it held."""
    return str(entry["name"]), str(entry.get("sentence", "")), entry["held"] is True


def read_draft(file: Path, until: datetime | None = None) -> tuple[str, bool]:
    """Return a file's text, empty where there is none, and whether it came too late."""
    try:
        text = file.read_bytes().decode("utf-8", "replace")
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return "", False
    return text, until is not None and changed > until + _GRACE


def deadline(opened: Event, host: Host) -> datetime | None:
    """Return the time of day now, on the session's clock: what came later is late."""
    try:
        began = datetime.fromisoformat(str(opened["wall"]))
        elapsed = host.now - float(str(opened["at"]))
    except (KeyError, ValueError):
        return None
    return began + timedelta(seconds=elapsed)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
