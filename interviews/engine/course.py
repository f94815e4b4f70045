"""Where a session stands: what its events, one after the other, add up to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from interviews.engine.log import Event, LogError
from interviews.engine.rounds import drawn
from interviews.rounds.base import Phase

BREAK = 60.0


@dataclass
class Course:
    """The state of a session; changed by ``apply`` alone."""

    rounds: int
    number: int = 0
    title: str = ""
    opened: float = 0.0
    ends: float = 0.0
    phases: tuple[tuple[str, float], ...] = ()
    phase: int = -1
    ending: str = ""
    ended: float = 0.0
    closed: float | None = None
    aborted: bool = False
    finished: bool = False
    seen: set[str] = field(default_factory=set)

    @property
    def stage(self) -> str:
        """One of ready, running, ending, break, over."""
        if self.finished:
            return "over"
        if self.number == 0:
            return "ready"
        if self.closed is not None:
            return "break"
        return "ending" if self.ending else "running"

    @property
    def last_round(self) -> bool:
        """Whether no round comes after this one."""
        return self.aborted or self.number == self.rounds

    @property
    def due(self) -> float | None:
        """When something happens by itself; None where a round is waited for."""
        if self.stage == "running":
            return self._phase_due
        if self.stage == "break" and self.closed is not None:
            return self.closed + (0.0 if self.last_round else BREAK)
        return 0.0 if self.stage == "ready" else None

    @property
    def _phase_due(self) -> float:
        if self.phase < 0:
            return self.opened
        return self.phases[self.phase][1] if self.more_phases else self.ends

    @property
    def more_phases(self) -> bool:
        """Whether the round has a phase after this one."""
        return self.phase + 1 < len(self.phases)

    @property
    def phase_name(self) -> str:
        """The phase of the running round, or what goes on instead of one."""
        if self.stage != "running":
            return self.stage
        return self.phases[self.phase][0] if self.phase >= 0 else ""

    def apply(self, event: Event) -> None:
        """Take an event of the session or of a round; others change nothing."""
        at = float(str(event["at"]))
        match event["event"]:
            case "opened":
                self._open(event, at)
            case "phase":
                names = [name for name, _ in self.phases]
                self.phase = names.index(str(event["name"]))
            case "ending":
                self.ending, self.ended = str(event["by"]), at
            case "closed":
                self.closed = at
            case "aborted":
                self.aborted = True
            case "finished":
                self.finished = True

    def _open(self, event: Event, at: float) -> None:
        phases = event["phases"]
        subject = event["subject"]
        if not isinstance(phases, list) or not isinstance(subject, dict):
            raise LogError(f"line {event['line']}: phases or subject cannot be read")
        ends: list[tuple[str, float]] = []
        moment = at
        for phase in phases:
            moment += float(phase["seconds"])
            ends.append((str(phase["name"]), moment))
        self.number = int(str(event["round"]))
        self.title = str(event["title"])
        self.opened = at
        self.ends = at + 60 * float(str(event["minutes"]))
        self.phases = tuple(ends)
        self.phase = -1
        self.ending, self.ended, self.closed = "", 0.0, None
        self.seen |= drawn(subject)


def phases_of(phases: Sequence[Phase], minutes: float) -> list[Event]:
    """Return the phases of a round as the log has them: names and seconds."""
    names = {phase.name for phase in phases}
    whole = sum(phase.share for phase in phases)
    if not phases or len(names) < len(phases) or min(p.share for p in phases) <= 0:
        raise ValueError(
            f"phases must have names and shares of their own, got {phases}"
        )
    return [
        {"name": p.name, "seconds": float(f"{60 * minutes * p.share / whole:.3f}")}
        for p in phases
    ]
