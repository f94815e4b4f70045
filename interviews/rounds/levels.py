"""Levels: one codebase, whose requirements come one after the other."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from dojo.catalogue import Catalogue, Track
from dojo.stub import make_stub
from interviews.engine.plan import derive
from interviews.rounds.base import Event, Host, Opening, Spec, Tools
from interviews.rounds.draw import shelves
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

ROOT = Path(__file__).resolve().parent.parent.parent
_SHELF = "challenges"
_TAG = "levels"


def codebases(root: Path = ROOT) -> tuple[Track, ...]:
    """Return the codebases: the tracks whose katas are levels."""
    return tuple(
        track
        for track in shelves(root)[_SHELF].tracks
        if all(_TAG in kata.tags for kata in track.katas)
    )


class LevelsRound(JudgedRound):
    """The next level is unlocked when this one and all before it hold."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        super().__init__(spec, tools)
        self.track = self._drawn()
        self.level = 1
        self._last: dict[int, Event] = {}

    def _drawn(self) -> Track:
        there = {track.name: track for track in codebases(self.tools.root)}
        if self.spec.item:
            if self.spec.item not in there:
                raise ValueError(
                    f"codebase must be one of {', '.join(there)}, "
                    f"got '{self.spec.item}'"
                )
            return there[self.spec.item]
        new = [t for name, t in there.items() if name not in self.tools.seen]
        seed = derive(self.spec.seed, "codebase")
        return random.Random(seed).choice(new or list(there.values()))  # noqa: S311 - replayed

    @property
    def _shelf(self) -> Catalogue:
        return shelves(self.tools.root)[_SHELF]

    @property
    def _file(self) -> str:
        return f"{self.track.name}.py"

    def open(self) -> Opening:
        """Hand out the stub of the first level."""
        levels = [
            {"kata": kata.name, "title": kata.title, "minutes": kata.minutes}
            for kata in self.track.katas
        ]
        return Opening(
            self.track.title,
            float(sum(kata.minutes for kata in self.track.katas)),
            PHASES,
            (
                f"Write {self._file} in the round's folder: {len(levels)} levels.",
                "The next is told when this one and all before it hold.",
                f"It begins with level 1, {self.track.katas[0].title}.",
            ),
            {self._file: self._stub(1)},
            {"codebase": self.track.name, "levels": levels, "file": self._file},
        )

    def _stub(self, level: int) -> str:
        solution = self._shelf.solution_file(self.track.katas[level - 1])
        return make_stub(solution.read_text(encoding="utf-8"))

    def apply(self, event: Event) -> None:
        """Take an event into the state."""
        if event["event"] == "level":
            self.level = int(str(event["level"]))
        elif event["event"] == "judged":
            self._last[int(str(event["level"]))] = event
        super().apply(event)

    @property
    def verdicts(self) -> int:
        """One for each level so far."""
        return self.level

    def enter(self, host: Host, phase: str) -> None:
        """Make sure that the present level's statement is there, and tell of it."""
        super().enter(host, phase)
        self._hand_out(host.folder)
        if self.level > 1:
            title = self.track.katas[self.level - 1].title
            host.say(
                f"You are at level {self.level}: {title}.",
                f"level_{self.level}.py in the round's folder states it.",
            )

    def _hand_out(self, folder: Path) -> None:
        file = folder / f"level_{self.level}.py"
        if self.level > 1 and not file.exists():
            file.write_text(self._stub(self.level), encoding="utf-8")

    def requests(self, run: Run) -> Sequence[Mapping[str, object]]:
        """Ask for every level up to the present one, all of the same text."""
        return [
            properties_request(_SHELF, kata.name, run.texts[0], self.seed_of(run))
            for kata in self.track.katas[: run.verdicts]
        ]

    def take(self, host: Host, run: Run, answers: Sequence[dict[str, object]]) -> None:
        """Record the levels; tell what holds, and what is next."""
        held_before = {level for level, event in self._last.items() if all_held(event)}
        for level, answer in enumerate(answers, start=1):
            self.judged(host, run, answer, level, run.texts[0])
        broke = [
            level
            for level, answer in enumerate(answers[:-1], start=1)
            if level in held_before and not all_held(answer)
        ]
        lines = [f"Run {run.number}, level {run.verdicts}:"]
        lines += problem_lines(answers[-1]) or property_lines(results_of(answers[-1]))
        for level in broke:
            held = sum(bool(r["held"]) for r in results_of(answers[level - 1]))
            total = len(results_of(answers[level - 1]))
            lines.append(f"  Level {level} has broken: {held} of {total} hold.")
        host.say(*lines)
        if not run.final and all(map(all_held, answers)):
            self._unlock(host)

    def _unlock(self, host: Host) -> None:
        if self.level == len(self.track.katas):
            host.say("All levels hold. /next ends the phase when you are ready.")
            return
        title = self.track.katas[self.level].title
        host.record("level", level=self.level + 1, title=title)
        self._hand_out(host.folder)
        host.say(
            f"Level {self.level}: {title}.",
            f"level_{self.level}.py in the round's folder states it; go on in "
            f"{self._file}: what you have goes on to be judged.",
        )

    @property
    def debrief(self) -> Sequence[str]:
        """What may be told once the round has ended."""
        lines = [f"Levels of {self.track.title}: reached {self.level}."]
        for level, event in sorted(self._last.items()):
            failed = [r for r in results_of(event) if not r["held"]]
            lines.append(f"  Level {level}: {'holds' if all_held(event) else 'open'}")
            lines += [f"    ✗ {result['sentence']}" for result in failed]
        last = self.track.katas[-1]
        where = self._shelf.solution_file(last).relative_to(self.tools.root)
        return [*lines, f"A worked solution: {where}"]
