"""What the rounds have in common in which a file of the candidate is judged.

The text of the file is recorded before the judge begins, so that a run that a crash
interrupts is judged again, as it was; at the end of the round the text of that moment
counts and later edits do not.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from interviews.engine.lines import no_such_key
from interviews.engine.plan import derive
from interviews.rounds.base import Event, Host, Phase, Spec, Ticket, Tools
from interviews.rounds.submitting import LONGEST, deadline, read_draft

JUDGE = ("/judge", "judge the file")
PHASES = (
    Phase("read", 0.1, "Read the task. Nothing needs to be written yet."),
    Phase("write", 0.75, "Write in your own editor; /judge as often as you like."),
    Phase(
        "explain",
        0.15,
        "Say what you built, its cost in time and memory, and what you would do next; "
        "the file still counts.",
    ),
)


@dataclass
class Run:
    """One run of the judge: what was asked, for how many verdicts, and its tickets."""

    number: int
    final: bool
    texts: tuple[str, ...]
    verdicts: int = 1
    tickets: list[Ticket] = field(default_factory=list)


class JudgedRound:
    """A round whose score comes from judging the candidate's files."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        self.spec = spec
        self.tools = tools
        self.subject: Mapping[str, object] = {}
        self.runs = 0
        self.over = False
        self.said: list[str] = []
        self.opened: Event = {}
        self.submitted: dict[str, str] = {}
        self.waiting: Run | None = None

    # What a kind of round fills in

    @property
    def files(self) -> Sequence[str]:
        """The files that are judged, by their names in the round's folder."""
        return (str(self.subject["file"]),)

    def requests(self, run: Run) -> Sequence[Mapping[str, object]]:
        """What to ask of the judge, in the order in which ``take`` records it."""
        raise NotImplementedError

    def take(self, host: Host, run: Run, answers: Sequence[dict[str, object]]) -> None:
        """Record what the judge answered, the last record ending the run; tell it."""
        raise NotImplementedError

    @property
    def verdicts(self) -> int:
        """How many verdicts a run has: one for each level or part that is judged."""
        return 1

    def is_answer(self, event: Event, run: Run) -> bool:
        """Tell whether an event ends the run: its last verdict."""
        return event["event"] == "judged" and event["level"] == run.verdicts

    # What they share

    def apply(self, event: Event) -> None:
        """Take an event into the state."""
        if event["event"] == "opened" and isinstance(event["subject"], Mapping):
            self.opened, self.subject = event, event["subject"]
        elif event["event"] == "said":
            self.said.append(str(event["text"]))
        elif event["event"] == "asked-judge":
            self.runs = max(self.runs, int(str(event["run"])))
            texts = event["texts"]
            assert isinstance(texts, list)  # noqa: S101 - as recorded below
            self.waiting = Run(
                int(str(event["run"])),
                bool(event["final"]),
                tuple(map(str, texts)),
                int(str(event["verdicts"])),
            )
            self.submitted |= dict(zip(self.files, self.waiting.texts, strict=False))
        elif self.waiting is not None and self.is_answer(event, self.waiting):
            self.over = self.over or self.waiting.final
            self.waiting = None

    def enter(self, host: Host, phase: str) -> None:
        """Begin a phase; the session has said what it asks."""
        del host, phase

    def handle(self, host: Host, text: str) -> None:
        """Judge on request; keep what is said."""
        if text.split(maxsplit=1)[0] in ("/judge", "/j"):
            self.ask(host, final=False)
        elif text.startswith("/"):
            host.say(no_such_key(text))
        else:
            host.record("said", text=text)
            host.say("Noted.")

    def ask(self, host: Host, *, final: bool) -> None:
        """Record the files as they are now; ``poll`` lets them be judged."""
        if self.waiting is not None and not final:
            host.say("The judge is still at work.")
            return
        texts = [self._text(host, name, final=final) for name in self.files]
        host.record(
            "asked-judge",
            run=self.runs + 1,
            final=final,
            digest=digest(texts),
            texts=texts,
            verdicts=self.verdicts,
        )
        host.say("Judging as it stands now …" if final else "Judging …")

    def _text(self, host: Host, name: str, *, final: bool) -> str:
        """Return a file as it is; at the end, as it was when the time was up."""
        until = deadline(self.opened, host) if final else None
        text, late = read_draft(host.folder / name, until)
        if late:
            host.say(f"{name} was changed after the time; it counts as last judged.")
            text = self.submitted.get(name, "")
        return text[:LONGEST]

    def poll(self, host: Host) -> None:
        """Ask the judge, and take its answers once all are there."""
        run = self.waiting
        if run is None:
            return
        if not run.tickets:
            run.tickets = [self.tools.judging.submit(r) for r in self.requests(run)]
        if all(ticket.done() for ticket in run.tickets):
            self.take(host, run, [ticket.result() for ticket in run.tickets])

    def end(self, host: Host) -> None:
        """Let the files of this moment be judged for the last time."""
        if not self.over and not (self.waiting and self.waiting.final):
            self.ask(host, final=True)

    @property
    def busy(self) -> bool:
        """Whether the judge is at work."""
        return self.waiting is not None

    @property
    def takes_text(self) -> bool:
        """What is said is kept in every phase."""
        return True

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do; the candidate decides that with /next."""
        return False

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The commands."""
        return (JUDGE,)

    @property
    def prompt(self) -> str:
        """What stands before the cursor."""
        return "> "

    def seed_of(self, run: Run) -> int:
        """Return the seed of a run: fresh inputs each time."""
        return derive(self.spec.seed, "run", run.number)

    def judged(
        self, host: Host, run: Run, answer: Mapping[str, object], level: int, text: str
    ) -> None:
        """Record one verdict."""
        host.record(
            "judged",
            run=run.number,
            final=run.final,
            level=level,
            results=answer.get("results", []),
            state=answer.get("state", "broken"),
            refused=answer.get("refused", ""),
            error=answer.get("error", ""),
            digest=digest([text]),
            seconds=answer.get("seconds", 0.0),
            text=text,
        )


def properties_request(
    shelf: str, kata: str, text: str, seed: int, *, explain: bool = False
) -> dict[str, object]:
    """Return the request to judge a text by a kata's properties."""
    return {
        "kind": "properties",
        "shelf": shelf,
        "kata": kata,
        "text": text,
        "seed": seed,
        "explain": explain,
        "only": [],
    }


def digest(texts: Iterable[str]) -> str:
    """Return the digest of the texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def results_of(event: Event) -> list[Mapping[str, object]]:
    """Return the properties of a ``judged`` event or of the judge's answer."""
    found = event.get("results")
    return (
        [r for r in found if isinstance(r, Mapping)] if isinstance(found, list) else []
    )


def all_held(event: Event) -> bool:
    """Tell whether every property held; no property is no success."""
    results = results_of(event)
    return bool(results) and all(result["held"] for result in results)


def property_lines(results: Sequence[Mapping[str, object]]) -> list[str]:
    """Return what may be told in a round: pass or fail a property, and no more."""
    held = sum(bool(result["held"]) for result in results)
    lines = [f"  {'✓' if r['held'] else '✗'} {r['sentence']}" for r in results]
    return [*lines, f"  {held} of {len(results)} properties hold."]


def problem_lines(answer: Mapping[str, object]) -> list[str]:
    """Return why nothing was judged, where that is so."""
    if answer.get("refused"):
        return [f"  Refused: {answer['refused']}."]
    if answer.get("error"):
        return [f"  Not judged: {answer['error']}"]
    if answer.get("state") == "not started":
        return ["  The file is as it was handed out."]
    return []
