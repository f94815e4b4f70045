"""The coding round: one unseen kata, judged by its properties, pass or fail each."""

import textwrap
from collections.abc import Mapping, Sequence

from dojo.catalogue import CatalogueError
from dojo.notes import read_notes
from dojo.stub import make_stub
from interviews.engine.lines import no_such_key
from interviews.engine.plan import derive
from interviews.rounds.base import Event, Host, Opening, Phase, Spec, Tools
from interviews.rounds.draw import Drawn, draw
from interviews.rounds.submitting import (
    Submission,
    Submissions,
    deadline,
    read_draft,
    result_of,
)

PHASES = (
    Phase(
        "read", 0.10,
        "Read the statement in the file. Say nothing yet; think of the edges.",
    ),
    Phase(
        "write", 0.75,
        "Write it in the file with your own editor. /judge runs the properties.",
    ),
    Phase(
        "explain", 0.15,
        "Say what you wrote, its cost and its limits. What you type here is kept.",
    ),
)  # fmt: skip
_WIDTH = 80
_CALLS = 8


class CodingRound:
    """A round on one kata."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        self._spec = spec
        self._tools = tools
        self._drawn: Drawn | None = None
        self._submissions = Submissions(tools.judging, self._request)
        self._phase = ""
        self._opened: Event = {}
        self._warm = False

    def open(self) -> Opening:
        """Draw the kata and lay out its stub."""
        drawn = self._draw()
        kata = drawn.kata
        return Opening(
            title=f"coding, {kata.title}",
            par=float(kata.minutes),
            phases=PHASES,
            lines=(
                *drawn.notes,
                f"The file is {self._file}; its par is {kata.minutes} minutes.",
                "The properties are judged on inputs that are drawn anew each time.",
            ),
            files={self._file: self._stub()},
            subject={
                "kata": kata.name,
                "shelf": drawn.shelf,
                "file": self._file,
                "par": kata.minutes,
                "difficulty": kata.difficulty,
                "pool": drawn.pool,
                "seed": self._spec.seed,
                "needs_unmet": list(drawn.needs_unmet),
            },
        )

    def apply(self, event: Event) -> None:
        """Take an event into the state."""
        kind = event["event"]
        if kind == "opened":
            self._opened = event
        elif kind == "phase":
            self._phase = str(event["name"])
        else:
            self._submissions.apply(event)

    def enter(self, host: Host, phase: str) -> None:
        """Tell where the file is."""
        self._phase = phase
        if not self._warm:
            self._warm = True
            drawn = self._draw()
            self._tools.judging.submit(
                {"kind": "warm", "shelf": drawn.shelf, "katas": [drawn.kata.name]}
            )
        if phase in ("read", "write"):
            host.say(f"  {host.folder / self._file}")

    def handle(self, host: Host, text: str) -> None:
        """Judge on request; keep what is said while explaining."""
        command = text.strip()
        if command in ("/judge", "/j"):
            self._judge(host)
        elif command.startswith("/"):
            host.say(no_such_key(command))
        elif self._phase == "explain":
            host.record("said", text=text)
            host.say("Noted.")
        else:
            host.say("Write in the file; what you type is kept in the phase explain.")

    def poll(self, host: Host) -> None:
        """Record and show what the judge has found."""
        for submission in self._submissions.poll(host):
            if not submission.final:
                host.say(*shown(submission))

    def end(self, host: Host) -> None:
        """Take the file as it is, and judge it once more with every detail."""
        if self._submissions.final_asked:
            return
        text, late = read_draft(host.folder / self._file, deadline(self._opened, host))
        if late:
            text = self._submissions.last_text or self._stub()
            host.say("The file was changed after the time: the last submission counts.")
        self._submissions.ask(host, text, final=True)

    def _judge(self, host: Host) -> None:
        if self._submissions.waiting:
            host.say("The judge is at work.")
            return
        text, _ = read_draft(host.folder / self._file)
        self._submissions.ask(host, text)
        host.say("Judging.")

    @property
    def busy(self) -> bool:
        """Whether the judge is at work."""
        return self._submissions.waiting

    @property
    def complete(self) -> bool:
        """The candidate decides when it is done."""
        return False

    @property
    def takes_text(self) -> bool:
        """Whether what is typed is kept."""
        return self._phase == "explain"

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The one command."""
        return (("/judge", "run the properties"),)

    @property
    def prompt(self) -> str:
        """What stands before the cursor."""
        return "explain> " if self._phase == "explain" else "coding> "

    @property
    def debrief(self) -> Sequence[str]:
        """What broke, and where the worked solution is."""
        drawn = self._draw()
        kata = drawn.kata
        folder = "" if drawn.shelf == "katas" else "interviews/coding_challenges/"
        lines: list[str] = []
        final = self._submissions.final
        if final is not None:
            lines += [*shown(final), *_what_broke(final.failure)]
            lines += self._likely_mistake(final.failure)
        return [
            *lines,
            f"The worked solution is {folder}solutions/{kata.path}.py.",
        ]

    def _likely_mistake(self, failure: Mapping[str, object]) -> list[str]:
        name = str(failure.get("mistake") or "")
        drawn = self._draw()
        try:
            notes = read_notes(drawn.catalogue.notes_file(drawn.kata))
        except CatalogueError:
            return []
        mistake = notes.mistake(name)
        return (
            wrapped(f"It answers like this mistake: {mistake.why}") if mistake else []
        )

    def _draw(self) -> Drawn:
        if self._drawn is None:
            self._drawn = draw(self._spec, self._tools.root, self._tools.seen)
        return self._drawn

    @property
    def _file(self) -> str:
        return f"{self._draw().kata.name}.py"

    def _stub(self) -> str:
        drawn = self._draw()
        solution = drawn.catalogue.solution_file(drawn.kata)
        return make_stub(solution.read_text(encoding="utf-8"))

    def _request(self, run: int, text: str, *, final: bool) -> dict[str, object]:
        drawn = self._draw()
        return {
            "kind": "properties",
            "shelf": drawn.shelf,
            "kata": drawn.kata.name,
            "text": text,
            "seed": derive(self._spec.seed, "judge", run),
            "explain": final,
            "only": [],
        }


def shown(submission: Submission) -> list[str]:
    """Return a verdict as the candidate sees it: pass or fail, property by property."""
    if submission.error:
        return [f"The judge could not answer: {submission.error}"]
    if submission.refused:
        return wrapped(f"Refused, and nothing counts: {submission.refused}")
    if submission.state == "not started":
        return ["The file is as it was handed out: not started."]
    lines: list[str] = []
    for name, sentence, held in map(result_of, submission.results):
        lines += wrapped(f"{'✓' if held else '✗'} {sentence or name}")
    if submission.state == "broken":
        lines.append("The file does not run: no property could be judged.")
    which = "At the end" if submission.final else f"Run {submission.run}"
    count = f"{submission.held} of {len(submission.results)}"
    return [*lines, f"{which}: {count} properties hold."]


def _what_broke(failure: Mapping[str, object]) -> list[str]:
    if not failure:
        return []
    lines = ["What broke first:"]
    for key in ("sentence", "message"):
        if failure.get(key):
            lines += wrapped(f"  {failure[key]}")
    calls = failure.get("calls")
    if isinstance(calls, list):
        lines += [f"    {call}" for call in calls[-_CALLS:]]
    for key in ("got", "expected", "detail"):
        if failure.get(key):
            lines += [f"  {key}: {part}" for part in str(failure[key]).splitlines()]
    if failure.get("text"):
        lines.append(f"  line {failure['line']}: {failure['text']}")
    return lines


def wrapped(text: str) -> list[str]:
    """Wrap prose at the width of the terminal, indented by two below its first line."""
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ", drop_whitespace=True)
