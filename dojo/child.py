"""The process that runs a learner's code: it judges one kata and reports events.

Everything that the learner's file can do happens here, so the process trusts
nothing: output goes to a bounded buffer, memory is limited, a watchdog ends it
when a property takes too long, and what NumPy and the builtins hold is compared
before and after. The parent reads one JSON object a line from ``events``.
"""

import contextlib
import faulthandler
import json
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import IO, TextIO

import pytest

from dojo.barrier import Barrier
from dojo.catalogue import ROOT, Catalogue, Kata
from dojo.failures import describe_failure, find_place
from dojo.guards import Printed, Tampering, Watchdog, frame_of, limit_memory
from dojo.inspection import not_allowed, not_allowed_in_tests
from dojo.recording import RECORDER, fix_seed
from dojo.stub import Signature
from dojo.targets import Target, install
from dojo.verdict import Failure

IMPORT = "import"
SLOW, DEAD = 86, 87
# Past its watchdog's time a child holds the interpreter lock in C code.
GRACE = 1.0
_NO_PLUGINS = (
    "anyio", "cacheprovider", "doctest", "junitxml", "legacypath", "nose", "pastebin",
    "stepwise", "terminal", "unittest", "faulthandler", "logging", "debugging",
    "unraisableexception", "threadexception", "setuponly", "setupplan",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What one child has to judge.

    ``only`` names the properties to run (all of them if empty); ``publish`` sends
    every call before it is made, to learn which one never comes back; ``arguments``
    are passed on to pytest, whose own report is then shown; ``part`` (i, n) leaves
    all but every n-th property from the i-th to other children. ``watched`` is the
    file that the barrier keeps out, where it is not the one that is judged; ``room``
    is the one folder in which it may write.
    """

    kata: Kata
    target: Target
    seed: int = 0
    only: tuple[str, ...] = ()
    stop_first: bool = False
    examples: Path | None = None
    publish: bool = False
    arguments: tuple[str, ...] = ()
    explain: bool = True
    part: tuple[int, int] = (0, 1)
    watched: Path | None = None
    room: Path | None = None


class Reporter:
    """Writes events; a lock keeps the watchdog's lines and the judge's apart."""

    def __init__(self, events: TextIO) -> None:
        self._events = events
        self._lock = threading.Lock()

    def send(self, event: str, **data: object) -> None:
        """Write one event as a line of JSON."""
        line = json.dumps({"event": event, **data}, default=str)
        with self._lock:
            self._events.write(line + "\n")
            self._events.flush()

    def fail(self, failure: Failure, **data: object) -> None:
        """Report a failure."""
        self.send("failure", failure=asdict(failure), **data)


class Judge:
    """The pytest plugin of the child."""

    def __init__(
        self,
        job: Job,
        learner_file: Path | None,
        report: Reporter,
        stacks: IO[str] | None = None,
        root: Path = ROOT,
    ) -> None:
        self.job = job
        self.stacks = stacks
        self.file = learner_file
        self.report = report
        self.printed = Printed()
        self.current = IMPORT
        self.best: BaseException | None = None
        self.best_calls: list[str] = []
        self.barrier = Barrier(
            root,
            job.target.tree,
            job.kata.forbidden,
            self._forbidden,
            job.watched,
            job.room,
        )
        if learner_file is not None or job.watched is not None:
            _mark_as_seen(self.barrier.close())
        self.tampering = Tampering()
        self.main_thread = threading.get_ident()
        self.watchdog = Watchdog(job.kata.seconds, self._time_is_up)
        RECORDER.on_begin.append(lambda: setattr(self.printed, "text", ""))

    def _time_is_up(self) -> None:
        """Report from the watchdog's thread, then end the process."""
        with contextlib.suppress(Exception):
            if self.best is not None:
                self._fail(self.best, self.best_calls)
            else:
                frame = frame_of(self.main_thread)
                place = find_place(self.file, frame=frame)
                self.report.send(
                    "slow",
                    property=self.current,
                    calls=RECORDER.script(),
                    place=asdict(place) if place else None,
                )
        os._exit(SLOW)

    def start(self, name: str) -> None:
        """Begin a property."""
        self.current = name
        self.best = None
        self.report.send("start", property=name)
        self.watchdog.restart()
        if self.stacks is not None:
            # Works where the interpreter lock is held: a thread in C writes the
            # stacks, after the watchdog and before the parent loses its patience.
            seconds = self.job.kata.seconds + GRACE / 2
            faulthandler.dump_traceback_later(seconds, file=self.stacks)

    def _fail(self, error: BaseException, calls: list[str] | None = None) -> None:
        failure = describe_failure(
            error, self.file, RECORDER, self.job, self.current, self.printed.text
        )
        data = asdict(failure)
        if calls is not None:
            data["calls"] = calls
        self.report.send("failure", failure=data)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the properties asked for, tell their names, watch their examples."""
        del config
        if self.job.only:
            items[:] = [item for item in items if item.name in self.job.only]
        described = [{"name": item.name, "sentence": _sentence(item)} for item in items]
        self.report.send("collected", properties=described)
        first, step = self.job.part
        items[:] = items[first::step]
        self.barrier.shield()
        for function in {getattr(item, "obj", None): None for item in items}:
            handle = getattr(function, "hypothesis", None)
            if function is not None and handle is not None:
                fix_seed(function, self.job.seed)
                handle.inner_test = self._watched(handle.inner_test)

    def _watched(self, inner: Callable[..., None]) -> Callable[..., None]:
        """Let every example begin with an empty record, and keep what breaks it."""

        def example(*args: object, **kwargs: object) -> None:
            RECORDER.begin()
            try:
                inner(*args, **kwargs)
            except Exception as error:
                if not type(error).__module__.startswith("hypothesis"):
                    self.best, self.best_calls = error, RECORDER.script()
                raise

        return example

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Name the property before anything of it runs."""
        RECORDER.begin()
        self.start(item.name)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Report how the property came out."""
        if call.excinfo is not None:
            self._fail(call.excinfo.value)
            self.report.send("result", property=item.name, held=False)
        elif call.when == "call":
            seconds = call.duration
            self.report.send("result", property=item.name, held=True, seconds=seconds)
        if call.when == "call" and (changed := self.tampering.changed()):
            self._tampered(changed)
        return (yield)

    def _tampered(self, name: str) -> None:
        message = f"the code changes `{name}`, which everything else relies on"
        self.report.fail(
            Failure(message, property=self.current, kind="tampering"), broken=True
        )
        os._exit(DEAD)

    def _forbidden(self, name: str, frame: FrameType | None) -> None:
        """Report what the code reached for, and end before it has it."""
        try:
            file = self.job.watched or self.file
            place = find_place(file, frame=frame)
            refusal = not_allowed_in_tests if self.job.watched else not_allowed
            self.report.fail(refusal(name, place))
        finally:
            os._exit(DEAD)

    def pytest_sessionfinish(self) -> None:
        """End at once: what pytest would tidy up ends with the process."""
        if not self.job.arguments:
            self.finish()

    def finish(self) -> None:
        """Look for tampering once more, and report the end."""
        if changed := self.tampering.changed():
            self._tampered(changed)
        self.report.send("done")
        os._exit(0)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Report a test module that cannot be collected."""
        if report.failed:
            text = str(report.longrepr).strip().splitlines()
            self.report.fail(Failure(text[-1] if text else "?", kind="judge"))

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Report a warning that the learner's code gave."""
        if self.file is not None and Path(warning_message.filename) == self.file:
            self.report.send(
                "warning",
                category=warning_message.category.__name__,
                message=str(warning_message.message),
                line=warning_message.lineno,
            )


def _sentence(item: pytest.Item) -> str:
    text = getattr(getattr(item, "obj", None), "__doc__", None) or item.name
    return " ".join(text.strip().split("\n\n")[0].split())


def _mark_as_seen(modules: Iterable[ModuleType]) -> None:
    """Spare Hypothesis the sources of what it has read before it was shielded."""
    from hypothesis.internal.conjecture import providers

    vars(providers)["_seen_modules"].update(map(id, modules))


class _Everything(set[int]):
    """Has every number in it."""

    def __contains__(self, number: object) -> bool:
        return True


def _settings(job: Job) -> None:
    import hypothesis
    from hypothesis.database import DirectoryBasedExampleDatabase
    from hypothesis.internal.conjecture import engine, providers

    RECORDER.seed = job.seed
    # Shrinking is for reading: it must not take the property's whole time.
    vars(engine)["MAX_SHRINKING_SECONDS"] = min(1.5, job.kata.seconds / 3)
    if job.watched is not None:
        # It would read the sources of all modules, those of the judge too.
        vars(providers)["_seen_modules"] = _Everything()
    database = DirectoryBasedExampleDatabase(job.examples) if job.examples else None
    hypothesis.settings.register_profile(
        "kata",
        max_examples=25,
        deadline=None,
        database=database,
        print_blob=False,
        report_multiple_bugs=False,
        # A busy machine is not the learner's mistake.
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("kata")


def _enter(room: Path) -> None:
    """Make ``room`` the folder of everything that names no other."""
    os.chdir(room)
    os.environ["TMPDIR"] = tempfile.tempdir = str(room)
    sys.dont_write_bytecode = True


def _import_learner(judge: Judge, expected: Mapping[str, Signature]) -> bool:
    """Import the module that is judged; report and return False if it is broken."""
    import importlib

    from dojo.promises import broken_signature

    try:
        module = importlib.import_module(judge.job.kata.module)
    except BaseException as error:
        place = find_place(judge.file, error=error)
        name = type(error).__name__
        message = f"importing the file raises {name}: {error}".rstrip(": ")
        judge.report.fail(Failure(message, kind="import", place=place), broken=True)
        return False
    if changed := judge.tampering.changed():
        judge._tampered(changed)
    if judge.job.target.tree is not None:
        failure = broken_signature(module, expected, judge.file)
        if failure is not None:
            judge.report.fail(failure, broken=True)
            return False
    RECORDER.watch(module, [name for name in expected if "." not in name])
    return True


def run(
    job: Job,
    catalogue: Catalogue,
    events: TextIO,
    expected: Mapping[str, Signature],
    stacks: IO[str] | None = None,
) -> None:
    """Judge, report, and end the process."""
    report = Reporter(events)
    try:
        install(catalogue, job.target)
        if job.room is not None:
            _enter(job.room)
        file = job.target.file(job.kata)
        _settings(job)
        judge = Judge(job, file, report, stacks, catalogue.root)
        if job.publish:
            RECORDER.publish = lambda text: report.send("call", text=text)
        if not job.arguments:
            sys.stdout = sys.stderr = judge.printed
        limit_memory()
        judge.start(IMPORT)
        if _import_learner(judge, expected):
            pytest.main(_arguments(job, catalogue), plugins=[judge])
        judge.finish()
    except BaseException as error:
        report.fail(Failure(f"{type(error).__name__}: {error}", kind="judge"))
    finally:
        with contextlib.suppress(Exception):
            sys.__stdout__.flush()  # type: ignore[union-attr]  # suppressed
        os._exit(0)


def _arguments(job: Job, catalogue: Catalogue) -> list[str]:
    config = catalogue.root / "katas" / "pytest.ini"
    arguments = ["-c", str(config)] if config.is_file() else []
    arguments += ["--rootdir", str(catalogue.root), "--import-mode=importlib"]
    if job.arguments:
        return [*arguments, *job.arguments]
    arguments += [str(catalogue.test_file(job.kata)), "-s", "--override-ini=addopts="]
    for plugin in _NO_PLUGINS:
        arguments += ["-p", f"no:{plugin}"]
    if job.stop_first:
        arguments.append("-x")
    return arguments
