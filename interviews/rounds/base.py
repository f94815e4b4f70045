"""What a round is to the session that runs it.

The log is the truth. A round changes only in ``apply``, which the session calls for
every event as it is recorded and again, in the same order, when a session is
resumed; what a round needs to go on must therefore be in its events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Event = Mapping[str, object]
LEVELS = ("junior", "mid", "senior", "staff")


@dataclass(frozen=True)
class Phase:
    """A part of a round: ``share`` of its time, and what is said when it begins."""

    name: str
    share: float
    says: str


@dataclass(frozen=True)
class Spec:
    """What was asked for: the round's number, from one, its kind, time and seed."""

    number: int
    kind: str
    minutes: float
    level: str
    seed: int
    tracks: tuple[str, ...] = ()
    item: str = ""


@dataclass(frozen=True)
class Opening:
    """What a round begins with.

    ``files`` go into the round's folder, by relative path; ``subject`` is all that
    the report will want to say of what was asked, as plain JSON data; ``lines`` are
    shown.
    """

    title: str
    par: float
    phases: tuple[Phase, ...]
    lines: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    subject: Mapping[str, object] = field(default_factory=dict)


class Host(Protocol):
    """What a round may ask of the session."""

    @property
    def folder(self) -> Path:
        """The round's own folder, where the candidate works."""

    @property
    def now(self) -> float:
        """Seconds since the session began."""

    @property
    def left(self) -> float:
        """Seconds that are left of the round."""

    def record(self, event: str, **data: object) -> None:
        """Append to the log; on disk, and applied to the round, when this returns."""

    def say(self, *lines: str) -> None:
        """Show lines to the candidate; record first, say afterwards."""


class Ticket(Protocol):
    """Work that goes on elsewhere."""

    def done(self) -> bool:
        """Tell whether there is a result."""

    def result(self) -> dict[str, object]:
        """Return the result; waits for it."""


class Judging(Protocol):
    """Who judges code, in a process of its own (see ``interviews.judging``)."""

    def submit(self, request: Mapping[str, object]) -> Ticket:
        """Begin to judge."""


class Interviewer(Protocol):
    """The optional interviewer: it may choose and phrase, and moves no score."""

    def choose(
        self,
        stage: str,
        said: str,
        options: Mapping[str, str],
        facts: Sequence[str],
        words: str,
    ) -> Ticket:
        """Choose one of the authored ``options`` by id, or phrase a reply.

        The result has ``choice`` (an id, or ""), ``reply`` (a text, or "") and
        ``fallback`` (why the script goes on alone, or "").
        """


@dataclass
class Tools:
    """What rounds are made with."""

    root: Path
    judging: Judging
    seen: frozenset[str] = frozenset()
    interviewer: Interviewer | None = None


class Round(Protocol):
    """One round; made anew when a session is resumed, then fed its events."""

    def open(self) -> Opening:
        """Draw from the seed; the same for the same spec, content and ``seen``."""

    def apply(self, event: Event) -> None:
        """Take an event of this round, ``opened`` included, into the state."""

    def enter(self, host: Host, phase: str) -> None:
        """Begin a phase, after the session has shown its ``says``.

        May be called a second time after a crash; must do only what is still to do.
        """

    def handle(self, host: Host, text: str) -> None:
        """Take a line of the candidate; one that begins with "/" is a command."""

    def poll(self, host: Host) -> None:
        """Go on with what has finished elsewhere; called often."""

    def end(self, host: Host) -> None:
        """The time is up or the candidate moved on: take the draft, begin to judge.

        May be called a second time after a crash; must do only what is still to do.
        """

    @property
    def busy(self) -> bool:
        """Whether the round waits for work that goes on elsewhere."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask: the session may end the round."""

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The commands there are now, each with a word or two."""

    @property
    def prompt(self) -> str:
        """What stands before the cursor."""

    @property
    def debrief(self) -> Sequence[str]:
        """What may be told once the round has ended."""
