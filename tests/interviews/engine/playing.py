"""A clock that is set, a round that records what it is told, a judge on command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from interviews.engine.log import Event
from interviews.engine.plan import Plan, plan_of
from interviews.engine.session import Session
from interviews.rounds.base import Event as Seen
from interviews.rounds.base import Host, Opening, Phase, Spec, Tools

MORNING = datetime(2028, 2, 29, 9, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that stands still until it is set."""

    seconds: float = 5000.0
    time_of_day: datetime = MORNING
    machine: str = "boot-1"

    def monotonic(self) -> float:
        """Seconds since the boot."""
        return self.seconds

    def wall(self) -> datetime:
        """The time of day."""
        return self.time_of_day

    def boot(self) -> str:
        """The name of the boot."""
        return self.machine

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds
        self.time_of_day += timedelta(seconds=seconds)

    def reboot(self, seconds: float) -> None:
        """Let time go by while the machine is started anew."""
        self.time_of_day += timedelta(seconds=seconds)
        self.machine += "'"
        self.seconds = 3.0


@dataclass
class Bench:
    """A judge; what it is given is done when ``ready`` says so."""

    ready: bool = True
    requests: list[Mapping[str, object]] = field(default_factory=list)

    def submit(self, request: Mapping[str, object]) -> "Work":
        """Take a request."""
        self.requests.append(request)
        return Work(self, request)


@dataclass(frozen=True)
class Work:
    """What the judge was given."""

    bench: Bench
    request: Mapping[str, object]

    def done(self) -> bool:
        """Tell whether it is done."""
        return self.bench.ready

    def result(self) -> dict[str, object]:
        """Give back the text that was judged."""
        return {"text": self.request["text"]}


class FakeRound:
    """Two phases, each asked about once; a draft that is judged at the end."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        self.spec = spec
        self.tools = tools
        self.applied: list[Seen] = []
        self.work: Work | None = None

    def open(self) -> Opening:
        """Draw."""
        return Opening(
            title=f"{self.spec.kind} of seed {self.spec.seed}",
            par=10.0,
            phases=(Phase("read", 0.25, "Read it."), Phase("write", 0.75, "Write it.")),
            lines=("Open draft.py.",),
            files={"draft.py": "# the stub\n", "data/table.csv": "a,b\n"},
            subject={
                "kata": f"kata-{self.spec.number}",
                "seen": sorted(self.tools.seen),
            },
        )

    def apply(self, event: Seen) -> None:
        """Remember an event."""
        self.applied.append(event)

    def names(self) -> list[object]:
        """The events so far."""
        return [event["event"] for event in self.applied]

    def enter(self, host: Host, phase: str) -> None:
        """Ask once a phase."""
        asked = [e["phase"] for e in self.applied if e["event"] == "asked"]
        if phase not in asked:
            host.record("asked", phase=phase)
        host.say(f"This is {phase}.")

    def handle(self, host: Host, text: str) -> None:
        """Record a line; two commands do something else."""
        if text == "/boom":
            host.record("said", text="before it broke")
            raise RuntimeError("broken")
        if text == "/done":
            host.record("done")
        else:
            host.record("said", text=text, left=host.left)
            host.say(f"noted {text[:20]}")

    def poll(self, host: Host) -> None:
        """Record what was judged."""
        if self.work is not None and self.work.done() and "judged" not in self.names():
            host.record("judged", **self.work.result())

    def end(self, host: Host) -> None:
        """Take the draft once, and have it judged."""
        if "judged" in self.names():
            return
        if "asked-judge" not in self.names():
            draft = (host.folder / "draft.py").read_text()
            host.record("asked-judge", text=draft)
        asked = next(e for e in self.applied if e["event"] == "asked-judge")
        assert isinstance(self.tools.judging, Bench)
        self.work = self.tools.judging.submit({"text": asked["text"]})

    @property
    def busy(self) -> bool:
        """Whether the judge is at work."""
        return self.work is not None and "judged" not in self.names()

    @property
    def complete(self) -> bool:
        """Whether the candidate is done."""
        return "done" in self.names()

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The one command."""
        return (("/done", "finish"),)

    @property
    def prompt(self) -> str:
        """An arrow."""
        return "> "

    @property
    def debrief(self) -> Sequence[str]:
        """Whether it was judged."""
        return (f"Judged: {'judged' in self.names()}.",)


@dataclass
class Table:
    """A session folder with its clock, judge and screen."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    bench: Bench = field(default_factory=Bench)
    shown: list[str] = field(default_factory=list)
    made: list[FakeRound] = field(default_factory=list)
    seen: frozenset[str] = frozenset()

    def make(self, spec: Spec, tools: Tools) -> FakeRound:
        """Make a round and remember it."""
        self.made.append(FakeRound(spec, tools))
        return self.made[-1]

    def tools(self) -> Tools:
        """What rounds are made with."""
        return Tools(self.folder, self.bench, self.seen)

    def begin(self, *rounds: str) -> Session:
        """Begin a session of these rounds."""
        return self._play(lambda **k: Session.begin(self.folder, plan(*rounds), **k))

    def resume(self) -> Session:
        """Go on with the session."""
        return self._play(lambda **k: Session.resume(self.folder, **k))

    def _play(self, play: Callable[..., Session]) -> Session:
        return play(
            clock=self.clock,
            tools=self.tools(),
            show=self.shown.append,
            make=self.make,
        )


def plan(*rounds: str) -> Plan:
    """A plan of these rounds; one of ten minutes if none is named."""
    return plan_of(rounds=rounds or ("coding:10",), seed=7)


def told(events: Sequence[Event], *names: str) -> list[tuple[object, ...]]:
    """When which events happened: at, event, and the values of the named data."""
    return [
        (e["at"], e["event"], *(e[n] for n in names if n in e))
        for e in events
        if e["event"] not in ("began", "asked", "asked-judge", "judged")
    ]
