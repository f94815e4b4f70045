"""Repair: a working solution with planted mistakes, then one extension."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dojo.catalogue import CatalogueError, Kata
from dojo.notes import Mistake, read_notes
from dojo.stub import make_stub
from interviews.engine.plan import derive
from interviews.rounds.base import LEVELS, Event, Host, Opening, Spec, Tools
from interviews.rounds.draw import Drawn, draw, missing
from interviews.rounds.judged import (
    PHASES,
    JudgedRound,
    Run,
    all_held,
    problem_lines,
    properties_request,
    property_lines,
    results_of,
)

# The runner's own check of names is no mistake to repair.
_NAMES = "allowed_names"
_PLANTED = {"junior": 2, "mid": 3, "senior": 4, "staff": 4}
_SAME_FILE = "extends"


@dataclass(frozen=True)
class Planted:
    """A solution with mistakes in it."""

    text: str
    mistakes: tuple[Mistake, ...]


def plant(source: str, mistakes: Sequence[Mistake], count: int, seed: int) -> Planted:
    """Plant up to ``count`` mistakes, each seen by a property of its own.

    Drawn in the order of the seed; what no longer applies, or is hidden by the same
    property as one before, is passed over.
    """
    order = [mistake for mistake in mistakes if mistake.breaks != _NAMES]
    random.Random(seed).shuffle(order)  # noqa: S311 - to be replayed, not secret
    text = source
    chosen: list[Mistake] = []
    for mistake in order:
        if len(chosen) == count:
            break
        if mistake.breaks in {before.breaks for before in chosen}:
            continue
        try:
            patched = mistake.patch(text)
            # What was planted before must still be there to be found.
            whole = all(before.replace in patched for before in chosen)
            compile(patched, "planted", "exec")
        except (CatalogueError, SyntaxError):
            continue
        if whole:
            text, chosen = patched, [*chosen, mistake]
    return Planted(text, tuple(chosen))


class RepairRound(JudgedRound):
    """The candidate finds what is wrong; then the code grows by one thing."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        super().__init__(spec, tools)
        self.drawn: Drawn = draw(
            spec, tools.root, tools.seen, without=frozenset({"levels", _SAME_FILE})
        )
        self.kata = self.drawn.kata
        self.extended = False
        self._last: dict[int, Event] = {}
        self._began = False

    @property
    def _file(self) -> str:
        return f"{self.kata.name}.py"

    @property
    def files(self) -> Sequence[str]:
        """The repaired file, and that of the extension where it is another."""
        other = str(self.subject.get("extension_file", ""))
        return (self._file, other) if self._two_files else (self._file,)

    @property
    def _two_files(self) -> bool:
        other = str(self.subject.get("extension_file", ""))
        return self.extended and other not in ("", self._file)

    def open(self) -> Opening:
        """Hand out the solution with its mistakes."""
        planted = self._planted()
        extension = self._extension()
        same = extension is not None and _SAME_FILE in extension.tags
        subject: dict[str, object] = {
            "kata": self.kata.name,
            "shelf": self.drawn.shelf,
            "file": self._file,
            "planted": [
                {"name": m.name, "why": m.why, "breaks": m.breaks}
                for m in planted.mistakes
            ],
            "extension": extension.name if extension else "",
            "extension_file": self._file if same or not extension
            else f"{extension.name}.py",
        }  # fmt: skip
        return Opening(
            f"Repair: {self.kata.title}",
            float(self.kata.minutes),
            PHASES,
            (
                f"{self._file} was right; it has {len(planted.mistakes)} mistakes now.",
                "Find and mend them; what holds must go on to hold.",
                *(("Then an extension follows.",) if extension else ()),
            ),
            {self._file: planted.text},
            subject,
        )

    def _planted(self) -> Planted:
        shelf = self.drawn.catalogue
        source = shelf.solution_file(self.kata).read_text(encoding="utf-8")
        mistakes = read_notes(shelf.notes_file(self.kata)).mistakes
        count = _PLANTED[self.spec.level] if self.spec.level in LEVELS else 4
        return plant(source, mistakes, count, derive(self.spec.seed, "mistakes"))

    def _extension(self) -> Kata | None:
        """Return the first kata that builds on this one, unseen ones first."""
        following = [
            kata
            for kata in self.drawn.catalogue.katas
            if self.kata.name in kata.needs and not missing(kata)
        ]
        unseen = [kata for kata in following if kata.name not in self.tools.seen]
        return next(iter(unseen or following), None)

    def apply(self, event: Event) -> None:
        """Take an event into the state."""
        if event["event"] == "extension":
            self.extended = True
        elif event["event"] == "judged":
            self._last[int(str(event["level"]))] = event
        elif event["event"] == "asked-judge":
            self._began = True
        super().apply(event)

    @property
    def verdicts(self) -> int:
        """One for the repair, one for the extension."""
        return 2 if self.extended else 1

    def poll(self, host: Host) -> None:
        """Begin with a run of the file as it was handed out, to tell what it broke."""
        if not self._began:
            texts = [self._planted().text]
            host.record(
                "asked-judge", run=0, final=False, digest="", texts=texts, verdicts=1
            )
        super().poll(host)

    def requests(self, run: Run) -> Sequence[Mapping[str, object]]:
        """Ask for the repaired kata, and for the extension once it is unlocked."""
        seed = self.seed_of(run)
        asked = [
            properties_request(self.drawn.shelf, self.kata.name, run.texts[0], seed)
        ]
        if run.verdicts > 1:
            name = str(self.subject["extension"])
            asked.append(
                properties_request(self.drawn.shelf, name, run.texts[-1], seed)
            )
        return asked

    def take(self, host: Host, run: Run, answers: Sequence[dict[str, object]]) -> None:
        """Record the verdicts; tell what holds, and unlock the extension."""
        for level, answer in enumerate(answers, start=1):
            text = run.texts[min(level, len(run.texts)) - 1]
            self.judged(host, run, answer, level, text)
        if run.number == 0:
            return
        lines = [f"Run {run.number}:"]
        lines += problem_lines(answers[0]) or property_lines(results_of(answers[0]))
        if len(answers) > 1:
            lines.append(f"The extension, {self.subject['extension']}:")
            lines += problem_lines(answers[1]) or property_lines(results_of(answers[1]))
        host.say(*lines)
        if all_held(answers[0]) and not run.final:
            self._extend(host)

    def handle(self, host: Host, text: str) -> None:
        """Take /extend as well: go on before all is mended."""
        if text.split(maxsplit=1)[0] in ("/extend", "/x"):
            self._extend(host)
        else:
            super().handle(host, text)

    def _extend(self, host: Host) -> None:
        name = str(self.subject["extension"])
        if self.extended:
            return
        if not name:
            host.say("All holds, and there is no extension: /next when you are ready.")
            return
        host.record("extension", kata=name)
        self._hand_out(host)
        self._tell_extension(host)

    def _tell_extension(self, host: Host) -> None:
        name = str(self.subject["extension"])
        host.say(
            f"The extension: {name}. extension_{name}.py in the round's folder states "
            "it;",
            f"write it in {self.subject['extension_file']}, and /judge.",
        )

    def _hand_out(self, host: Host) -> None:
        """Put the extension's statement into the folder, and its stub if it has one."""
        if not self.extended:
            return
        name = str(self.subject["extension"])
        shelf = self.drawn.catalogue
        kata = next(kata for kata in shelf.katas if kata.name == name)
        stub = make_stub(shelf.solution_file(kata).read_text(encoding="utf-8"))
        for file in (f"extension_{name}.py", str(self.subject["extension_file"])):
            if not (host.folder / file).exists():
                (host.folder / file).write_text(stub, encoding="utf-8")

    def enter(self, host: Host, phase: str) -> None:
        """Make sure that what was unlocked is there, and tell of it."""
        super().enter(host, phase)
        self._hand_out(host)
        if self.extended:
            self._tell_extension(host)

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The commands."""
        further = bool(self.subject.get("extension")) and not self.extended
        return (*super().keys, *((("/extend", "to the extension"),) if further else ()))

    @property
    def debrief(self) -> Sequence[str]:
        """Tell each planted mistake, and whether its property holds now."""
        last = self._last.get(1)
        held = {r["name"]: bool(r["held"]) for r in results_of(last)} if last else {}
        planted = self.subject.get("planted")
        lines = ["What was planted:"]
        for mistake in planted if isinstance(planted, list) else []:
            mended = "mended" if held.get(mistake["breaks"]) else "still there"
            lines.append(f"  {mistake['name']} ({mended}): {mistake['why']}")
        return lines
