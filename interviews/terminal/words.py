"""What both terminals say: the clock, the line of status, how to leave."""

import math
from collections.abc import Sequence
from typing import Protocol

WIDTH = 80


class Status(Protocol):
    """Where a session stands, as far as a terminal shows it; times in seconds."""

    @property
    def title(self) -> str:
        """The round's title."""

    @property
    def round(self) -> int:
        """The round's number, from one."""

    @property
    def rounds(self) -> int:
        """How many rounds there are."""

    @property
    def phase(self) -> str:
        """The phase of the round."""

    @property
    def left_phase(self) -> float:
        """What is left of the phase."""

    @property
    def left_round(self) -> float:
        """What is left of the round."""

    @property
    def left_loop(self) -> float:
        """What is left of all rounds."""

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The commands there are now, each with a word or two."""

    @property
    def prompt(self) -> str:
        """What stands before the cursor."""

    @property
    def busy(self) -> bool:
        """Whether the session waits for a judge."""

    @property
    def over(self) -> bool:
        """Whether nothing will follow."""


class Sitting(Protocol):
    """A session, as a terminal drives it."""

    def handle(self, text: str) -> None:
        """Take a line of the candidate."""

    def tick(self) -> None:
        """Let time pass: phases and rounds advance."""

    def status(self) -> Status:
        """Tell where the session stands."""


def clock(seconds: float) -> str:
    """Write a time left as ``14:32`` or ``1:02:05``; 00:00 only when it is over."""
    whole = max(0, math.ceil(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minute:02}:{second:02}"
    return f"{minute:02}:{second:02}"


def status_line(status: Status) -> str:
    """Return the line that plain mode prints after each answer."""
    # A break has a time of its own, and belongs to no round.
    left = status.left_phase if status.phase == "break" else status.left_round
    head = f"{clock(left)} left · {status.phase}"
    if status.busy:
        head += " · judging"
    keys = [command for command, _ in status.keys]
    return f"[{_fitted(head, ' · ', keys, WIDTH - 2)}]"


def toolbar(status: Status, columns: int) -> str:
    """Return the line that always stands at the foot of the screen.

    The clocks come first, and what does not fit is left out from the end.
    """
    clocks = (
        f"round {clock(status.left_round)} · "
        f"{status.phase} {clock(status.left_phase)} · loop {clock(status.left_loop)}"
    )
    if status.busy:
        clocks += " · judging"
    told = [f"{command} {word}".rstrip() for command, word in status.keys]
    bare = [command for command, _ in status.keys]
    room = columns - 2
    for text in (
        f"{clocks} · {status.round}/{status.rounds} {status.title} │ {'  '.join(told)}",
        f"{clocks} · {status.round}/{status.rounds} │ {'  '.join(told)}",
        f"{clocks} │ {'  '.join(told)}",
        f"{clocks} │ {' '.join(bare)}",
    ):
        if len(text) <= room:
            return f" {text} "
    return f" {_fitted(clocks, ' │ ', bare, room)} "[:columns]


def _fitted(head: str, mark: str, keys: Sequence[str], room: int) -> str:
    """Join as many keys to the head as there is room for."""
    text = head
    for number, key in enumerate(keys):
        longer = text + (" " if number else mark) + key
        if len(longer) > room:
            break
        text = longer
    return text


def left_behind(session: str) -> tuple[str, ...]:
    """Say how to come back to a session that was left."""
    return (
        f"You left; session {session} is kept, and its clock runs on.",
        f"Go on with:  kata interview --resume {session}",
    )
