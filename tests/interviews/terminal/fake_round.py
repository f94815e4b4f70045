"""A round that repeats what it hears, for sessions without content."""

from collections.abc import Sequence

from interviews.rounds.base import Event, Host, Opening, Phase, Spec, Tools


class FakeRound:
    """Two phases; ``/judge`` keeps it busy for a few looks."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        del tools
        self._spec = spec
        self._waiting = 0

    def open(self) -> Opening:
        """Open the same round each time."""
        if self._spec.item == "unknown":
            raise ValueError("no item is called 'unknown'")
        return Opening(
            title="An echo",
            par=1,
            phases=(Phase("read", 0.3, "Read."), Phase("write", 0.7, "Write.")),
            lines=("Say something.",),
            subject={"kata": f"echo{self._spec.number}"},
        )

    def apply(self, event: Event) -> None:
        """Keep nothing."""

    def enter(self, host: Host, phase: str) -> None:
        """Name the phase."""
        host.say(f"This is the phase {phase}.")

    def handle(self, host: Host, text: str) -> None:
        """Repeat the line."""
        if text == "/judge":
            self._waiting = 3
            host.say("The judge is at work.")
            return
        host.record("said", text=text)
        host.say(f"heard {text}")

    def poll(self, host: Host) -> None:
        """Let the judge come nearer to its verdict."""
        if self._waiting:
            self._waiting -= 1
            if not self._waiting:
                host.say("The judge has spoken.")

    def end(self, host: Host) -> None:
        """Leave nothing to do."""

    @property
    def busy(self) -> bool:
        """Whether the judge is at work."""
        return self._waiting > 0

    @property
    def complete(self) -> bool:
        """Never, by itself."""
        return False

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The one command."""
        return (("/judge", "judge"),)

    @property
    def prompt(self) -> str:
        """What stands before the cursor."""
        return "echo> "

    @property
    def debrief(self) -> Sequence[str]:
        """What is told afterwards."""
        return ("That was the echo.",)
