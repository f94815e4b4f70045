"""A session for one terminal, in which a tick is a second."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FakeStatus:
    """A status in the middle of a loop."""

    title: str = "Softmax"
    round: int = 2
    rounds: int = 4
    phase: str = "write"
    left_phase: float = 601.0
    left_round: float = 872.0
    left_loop: float = 4350.0
    keys: tuple[tuple[str, str], ...] = (
        ("/judge", "run the judge"),
        ("/next", "next phase"),
        ("/help", "help"),
    )
    prompt: str = "> "
    takes_text: bool = False
    busy: bool = False
    over: bool = False


@dataclass
class FakeSitting:
    """Phases change at the ticks named; a line ``/judge`` keeps it busy for three."""

    show: Callable[[str], None]
    changes: tuple[int, ...] = ()
    lasts: int = 1000
    ticks: int = 0
    until: int = 0
    heard: list[tuple[str, int]] = field(default_factory=list)

    def handle(self, text: str) -> None:
        """Repeat the line."""
        self.heard.append((text, self.ticks))
        if text == "/judge":
            self.until = self.ticks + 3
        self.show(f"heard {text}")

    def tick(self) -> None:
        """Let a second pass."""
        self.ticks += 1
        if self.ticks == self.until:
            self.show("judged")

    def status(self) -> FakeStatus:
        """Tell of the seconds that passed."""
        phase = sum(self.ticks >= change for change in self.changes)
        return FakeStatus(
            phase=("read", "write", "explain")[phase],
            left_round=self.lasts - self.ticks,
            busy=self.ticks < self.until,
            over=self.ticks >= self.lasts or ("end", self.ticks) in self.heard,
        )
