"""Judges a candidate's tests: what they catch, and what they wrongly complain of.

The tests take the place of the kata's properties in a private shelf. They run on right
implementations, where a test that fails is a false alarm, and on the worked solution
with one mistake in it at a time. The order is drawn anew each time, with right
implementations first, last and in between, and each run has its own folders: a test
that looks at anything but the implementation cannot know which one it has.
"""

import ast
import os
import random
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from dojo.catalogue import Catalogue, Kata, read_catalogue
from dojo.child import Job
from dojo.inspection import dotted_names
from dojo.judge import judge
from dojo.notes import read_notes
from dojo.targets import Target
from dojo.verdict import State, Verdict
from interviews.judging import children_of

SECONDS_A_TEST = 4.0
SECONDS_A_RUN = 10.0
SECONDS_IN_ALL = 90.0
_SEEDS = (1, 2)
_CLOSED = ("reference", "solutions", "interviews", "dojo")
_OPEN = "dojo.testing"


@dataclass
class Tested:
    """What came of a candidate's tests."""

    tests: list[str] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)
    caught: dict[str, list[str]] = field(default_factory=dict)
    refused: str = ""
    error: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return dict(vars(self))


class _NoTestsError(ValueError):
    """The file cannot be run as tests, in one line."""


class _RefusedError(ValueError):
    """The tests reach for what would answer in their place, in one line."""


def judge_own_tests(
    shelf: Catalogue, kata: Kata, text: str, mistakes: Sequence[str], children: int
) -> dict[str, object]:
    """Return the names of the tests, the false alarms, and who caught which mistake."""
    tested = Tested()
    try:
        _look_at(text)
        with tempfile.TemporaryDirectory(prefix="interview-") as folder:
            root = Path(folder).resolve()
            bench = _Bench(_private_shelf(root, shelf, kata, text), kata.name, children)
            _run_all(bench, _mixed(bench, mistakes), tested)
    except _RefusedError as error:
        tested = Tested(tests=tested.tests, refused=str(error))
    except _NoTestsError as error:
        tested.caught, tested.error = {}, str(error)
    return tested.as_dict()


def _look_at(text: str) -> None:
    """Refuse what needs not be run to be refused."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        line = f"line {error.lineno}: {error.msg}"
        raise _NoTestsError(f"the tests are not Python, {line}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _NoTestsError(f"the tests do not parse: {error}") from error
    for name, number in dotted_names(tree):
        if name == _OPEN or name.startswith(f"{_OPEN}."):
            continue
        if name.partition(".")[0] in _CLOSED:
            message = f"`{name}` is not allowed in your tests (line {number})"
            raise _RefusedError(message)


def _private_shelf(root: Path, shelf: Catalogue, kata: Kata, text: str) -> Catalogue:
    katas, solutions = root / "katas" / kata.track, root / "solutions" / kata.track
    katas.mkdir(parents=True)
    solutions.mkdir(parents=True)
    (katas / f"test_{kata.name}.py").write_text(text, "utf-8", "surrogateescape")
    (katas / "track.toml").write_text(_track(kata), "utf-8")
    shutil.copy(shelf.solution_file(kata), solutions)
    shutil.copy(shelf.notes_file(kata), solutions)
    return read_catalogue(root)


def _track(kata: Kata) -> str:
    def texts(values: Sequence[str]) -> str:
        return "[" + ", ".join(f'"{value}"' for value in values) + "]"

    return (
        f'title = "The tests of a candidate"\norder = 1\n\n[[kata]]\n'
        f'name = "{kata.name}"\ntitle = "{kata.name}"\n'
        f'difficulty = {kata.difficulty}\nminutes = {kata.minutes}\nasked = "rarely"\n'
        f"seconds = {SECONDS_A_TEST}\nreference = {texts(kata.reference)}\n"
        f"torch = {str(kata.torch).lower()}\nredis = {str(kata.redis).lower()}\n"
    )


class _Bench:
    """Runs the tests on one implementation after the other, in bounded time."""

    def __init__(self, shelf: Catalogue, name: str, children: int) -> None:
        self.shelf = shelf
        (self.kata,) = shelf.find(name)
        self._children = children
        self._until = time.monotonic() + SECONDS_IN_ALL

    def run(self, run: "_Run") -> Verdict:
        """Return the verdict of the tests, from folders that nothing else uses."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise _NoTestsError(f"the tests take more than {SECONDS_IN_ALL:g} s in all")
        folder = self.shelf.root / secrets.token_hex(8)
        room = folder / "room"
        room.mkdir(parents=True)
        try:
            job = Job(
                self.kata,
                self._target(run, folder / "tree"),
                seed=run.seed,
                explain=False,
                watched=self.shelf.test_file(self.kata),
                room=room,
            )
            with _at_most(min(left, SECONDS_A_RUN)):
                verdict = judge(job, self.shelf, children=self._children)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        failure = verdict.failure
        if failure is not None and failure.kind in ("forbidden", "tampering"):
            raise _RefusedError(failure.message)
        return verdict

    def _target(self, run: "_Run", tree: Path) -> Target:
        if run.source is None:
            return Target("reference", None)
        file = self.kata.file_in(tree)
        file.parent.mkdir(parents=True)
        file.write_text(run.source, encoding="utf-8")
        return Target(str(tree), tree)


@dataclass(frozen=True)
class _Run:
    """An implementation (the reference if ``source`` is None), and its mistake."""

    source: str | None
    mistake: str = ""
    seed: int = _SEEDS[0]


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End the children of a run that takes too long; the judge tells what it had."""

    def end(signal_number: int, frame: FrameType | None) -> None:
        del signal_number, frame
        for child in children_of(os.getpid()):
            os.kill(child, signal.SIGKILL)

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _failing(verdict: Verdict) -> list[str]:
    return [p.name for p in verdict.properties if p.outcome in ("broken", "slow")]


def _mixed(bench: _Bench, mistakes: Sequence[str]) -> list[_Run]:
    """Return a right implementation, all others in a drawn order, and a right one."""
    kata = bench.kata
    notes = read_notes(bench.shelf.notes_file(kata))
    source = bench.shelf.solution_file(kata).read_text(encoding="utf-8")
    right = _Run(source)
    between = [right, _Run(source, seed=_SEEDS[1])]
    between.append(_Run(None) if kata.reference else right)
    for name in mistakes:
        mistake = notes.mistake(name)
        if mistake is None:
            raise _NoTestsError(f"{kata.name} has no mistake called '{name}'")
        between.append(_Run(mistake.patch(source), name))
    # Not from the session's seed, which the candidate may know.
    random.SystemRandom().shuffle(between)
    return [right, *between, right]


def _run_all(bench: _Bench, runs: Sequence[_Run], tested: Tested) -> None:
    failing: dict[str, list[str]] = {}
    for run in runs:
        verdict = bench.run(run)
        names = [entry.name for entry in verdict.properties]
        tested.tests = tested.tests or names
        if run.mistake:
            failing[run.mistake] = _failing(verdict)
        else:
            alarms = [*tested.false_alarms, *_failing(verdict)]
            tested.false_alarms = list(dict.fromkeys(alarms))
            _refuse_unfinished(verdict)
    alarmed = set(tested.false_alarms)
    caught = {name: [t for t in by if t not in alarmed] for name, by in failing.items()}
    tested.caught = {name: caught[name] for name in sorted(caught) if caught[name]}


def _refuse_unfinished(verdict: Verdict) -> None:
    """Raise where not every test came to an end on a right implementation."""
    failure = verdict.failure
    if not verdict.properties:
        collected = failure is None or failure.message == "the judge found no property"
        if collected:
            raise _NoTestsError("there are no tests: write functions called test_…")
        assert failure is not None  # noqa: S101 - the other case is above
        raise _NoTestsError(f"the tests cannot be collected: {failure.message}")
    if verdict.state is State.TOO_SLOW and failure is not None:
        raise _NoTestsError(f"{failure.property} does not end: {failure.message}")
    if any(entry.outcome == "unchecked" for entry in verdict.properties):
        why = failure.message if failure else "not every test was run"
        raise _NoTestsError(f"the tests do not come to an end: {why}")
