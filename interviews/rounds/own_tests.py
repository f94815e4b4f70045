"""Test your own: the candidate writes the tests, which are run on known mistakes."""

import random
from collections.abc import Mapping, Sequence

from dojo.catalogue import Kata
from dojo.notes import read_notes
from dojo.stub import make_stub, public_signatures
from interviews.engine.plan import derive
from interviews.rounds.base import Event, Host, Opening, Phase, Spec, Tools
from interviews.rounds.draw import Drawn, draw
from interviews.rounds.judged import JudgedRound, Run, digest

# As many as a run can be waited for.
_MISTAKES = 8
_NAMES = "allowed_names"
_PHASES = (
    Phase("read", 0.15, "Read the statement: what would people get wrong?"),
    Phase("write", 0.7, "Write the tests; /judge tells how many mistakes they catch."),
    Phase("explain", 0.15, "Say what you test, and what you left out, and why."),
)
_TEMPLATE = '''\
"""Tests of {module}: they pass on every right implementation.

Plain pytest functions; Hypothesis and NumPy may be used. What is right is stated in
{file}, beside this file.
"""

from katas.{track}.{name} import {public}


def test_something() -> None:
    """Say what must hold."""
'''


class OwnTestsRound(JudgedRound):
    """Mistakes that the tests catch count for them, false alarms against them."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        super().__init__(spec, tools)
        self.drawn: Drawn = draw(spec, tools.root, tools.seen, suits=_is_quick)
        self.kata = self.drawn.kata
        self._last: Event | None = None

    @property
    def _file(self) -> str:
        return f"test_{self.kata.name}.py"

    def open(self) -> Opening:
        """Hand out the statement, and a file for the tests."""
        shelf, kata = self.drawn.catalogue, self.kata
        stub = make_stub(shelf.solution_file(kata).read_text(encoding="utf-8"))
        public = sorted({name.partition(".")[0] for name in public_signatures(stub)})
        known = [
            mistake.name
            for mistake in read_notes(shelf.notes_file(kata)).mistakes
            if mistake.breaks != _NAMES
        ]
        order = random.Random(derive(self.spec.seed, "mistakes"))  # noqa: S311 - replayed
        mistakes = sorted(order.sample(known, min(_MISTAKES, len(known))))
        template = _TEMPLATE.format(
            module=kata.name, file=f"{kata.name}.py", track=kata.track,
            name=kata.name, public=", ".join(public),
        )  # fmt: skip
        return Opening(
            f"Test it yourself: {kata.title}",
            float(kata.minutes),
            _PHASES,
            (
                f"Write tests in {self._file} for what {kata.name}.py states.",
                f"They run on right ones, and on {len(mistakes)} with a mistake each.",
            ),
            {f"{kata.name}.py": stub, self._file: template},
            {
                "kata": kata.name,
                "shelf": self.drawn.shelf,
                "file": self._file,
                "mistakes": mistakes,
            },
        )

    def apply(self, event: Event) -> None:
        """Take an event into the state."""
        if event["event"] == "tested":
            self._last = event
        super().apply(event)

    def is_answer(self, event: Event, run: Run) -> bool:
        """Tell whether an event ends a run."""
        del run
        return event["event"] == "tested"

    def requests(self, run: Run) -> Sequence[Mapping[str, object]]:
        """Ask for the tests to be run."""
        return [
            {
                "kind": "own_tests",
                "shelf": self.drawn.shelf,
                "kata": self.kata.name,
                "text": run.texts[0],
                "mistakes": self.subject["mistakes"],
            }
        ]

    def take(self, host: Host, run: Run, answers: Sequence[dict[str, object]]) -> None:
        """Record what was caught; tell how many, and which alarms were false."""
        (answer,) = answers
        tests, alarms = _names(answer.get("tests")), _names(answer.get("false_alarms"))
        caught = answer.get("caught")
        found = caught if isinstance(caught, Mapping) else {}
        by = {str(name): _names(tests) for name, tests in found.items() if tests}
        mistakes = _names(self.subject["mistakes"])
        host.record(
            "tested",
            run=run.number,
            final=run.final,
            tests=len(tests),
            false_alarms=alarms,
            caught=[
                {"mistake": name, "by": by[name]} for name in mistakes if name in by
            ],
            missed=[name for name in mistakes if name not in by],
            refused=answer.get("refused", ""),
            error=answer.get("error", ""),
            digest=digest(run.texts),
            text=run.texts[0],
        )
        why = answer.get("refused") or answer.get("error")
        if why:
            host.say(f"Run {run.number}: {why}")
            return
        catch = "test catches" if len(tests) == 1 else "tests catch"
        host.say(
            f"Run {run.number}: {len(tests)} {catch} {len(by)} of "
            f"{len(mistakes)} mistakes.",
            *(f"  False alarm: {name} fails on a right one." for name in alarms),
        )

    @property
    def debrief(self) -> Sequence[str]:
        """Tell which mistakes were caught, and what the others are about."""
        if self._last is None:
            return ["No test was run."]
        missed = _names(self._last["missed"])
        notes = read_notes(self.drawn.catalogue.notes_file(self.kata))
        lines = [f"Mistakes that passed your tests: {len(missed)}"]
        for name in missed:
            mistake = notes.mistake(name)
            lines.append(f"  {name}: {mistake.why if mistake else ''}".rstrip())
        return lines


def _is_quick(kata: Kata) -> bool:
    """Leave out what trains or serves: it takes too long to be run a dozen times."""
    return kata.seconds <= 5 and not kata.redis


def _names(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []
