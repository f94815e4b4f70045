"""What both terminals say: the clock, the line of status, how to leave."""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import Protocol

WIDTH = 80
# Who does not know how to go on or what there is must always find these.
_ALWAYS = ("/next", "/help")
_MORE = "…"


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
    def takes_text(self) -> bool:
        """Whether a line of plain text counts as it stands, half typed too."""

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
    return f"[{head}{_fitted(keys, ' · ', WIDTH - 2 - len(head))}]"


def toolbar(status: Status, columns: int) -> str:
    """Return the line that always stands at the foot of the screen.

    The clocks come first: what has no room is left out from the end, and of the
    clocks their words, never a time.
    """
    room = columns - 2
    clocks = _clocks(status, room)
    told = [f"{command} {word}".rstrip() for command, word in status.keys]
    bare = [command for command, _ in status.keys]
    for text in (
        f"{clocks} · {status.round}/{status.rounds} {status.title} │ {'  '.join(told)}",
        f"{clocks} · {status.round}/{status.rounds} │ {'  '.join(told)}",
        f"{clocks} │ {'  '.join(told)}",
        f"{clocks} │ {' '.join(bare)}",
    ):
        if len(text) <= room:
            return f" {text} "
    return f" {clocks}{_fitted(bare, ' │ ', room - len(clocks))} "[:columns]


def _clocks(status: Status, room: int) -> str:
    """Return the three times, with as many words as there is room for."""
    whole, part = clock(status.left_round), clock(status.left_phase)
    loop = clock(status.left_loop)
    full = f"round {whole} · {status.phase} {part} · loop {loop}"
    texts = (
        *((f"{full} · judging",) if status.busy else ()),
        full,
        f"{whole} · {status.phase} {part} · loop {loop}",
        f"{whole} · {part} · loop {loop}",
    )
    bare = f"{whole} · {part} · {loop}"
    return next((text for text in texts if len(text) <= room), bare)


def _fitted(keys: Sequence[str], mark: str, room: int) -> str:
    """Join keys behind a mark; where all are too many, some make way to a sign.

    The round's come first and the first of them stay longest; two always stay.
    """
    kept = [key for key in keys if key in _ALWAYS]
    others = list(takewhile(lambda key: key not in _ALWAYS, keys))
    shorter = ([*others[:many], _MORE, *kept] for many in range(len(others), -1, -1))
    for chosen in (list(keys), *shorter, kept, kept[:1]):
        text = mark + " ".join(chosen)
        if chosen and len(text) <= room:
            return text
    return ""


def left_behind(session: str) -> tuple[str, ...]:
    """Say how to come back to a session that was left."""
    return (
        f"You left; session {session} is kept, and its clock runs on.",
        f"Go on with:  kata interview --resume {session}",
    )
