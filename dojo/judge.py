"""The parent's side of judging: look at the file, run a child, read the verdict."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TextIO

from dojo.catalogue import Catalogue, CatalogueError, Kata
from dojo.child import IMPORT, Job, run
from dojo.inspection import forbidden_use, is_not_started, place_in, read_source
from dojo.notes import read_notes
from dojo.stub import StubError, make_stub, public_signatures
from dojo.verdict import (
    Failure,
    Place,
    PropertyResult,
    State,
    Verdict,
    Warned,
    failure_from,
)

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
# Past its watchdog's time a child holds the interpreter lock in C code.
_GRACE = 1.0
# A fresh interpreter imports NumPy, Hypothesis and the reference first.
_START_UP = 60.0
_NO_FORK = "KATA_SUBPROCESS"
Event = dict[str, object]


def judge(
    job: Job, catalogue: Catalogue, *, told: Callable[[Event], None] | None = None
) -> Verdict:
    """Return the verdict on one kata; ``told`` hears every event as it comes."""
    began = time.perf_counter()
    file = job.target.file(job.kata)
    verdict = Verdict(
        job.kata.name, job.kata.track, job.target.name, State.BROKEN,
        str(file or ", ".join(job.kata.reference)), seed=job.seed,
    )  # fmt: skip
    early = _before_running(job, catalogue, file)
    if isinstance(early, State):
        verdict = replace(verdict, state=early)
    elif early is not None and not job.arguments:
        state = State.WRONG if early.kind == "forbidden" else State.BROKEN
        verdict = replace(verdict, state=state, failure=early)
    else:
        verdict = _Run(job, catalogue, verdict, told).verdict()
    return replace(verdict, seconds=time.perf_counter() - began)


def stub_of(kata: Kata, catalogue: Catalogue) -> str:
    """Return the stub that the generator makes of the kata's solution."""
    try:
        return make_stub(catalogue.solution_file(kata).read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"{kata.path} has no solution: {error}") from error
    except (StubError, SyntaxError) as error:
        raise CatalogueError(f"the solution of {kata.path}: {error}") from error


def _before_running(
    job: Job, catalogue: Catalogue, file: Path | None
) -> State | Failure | None:
    if file is None:
        return None
    source = read_source(file)
    if isinstance(source, Failure):
        return source
    if is_not_started(source, stub_of(job.kata, catalogue)) and not job.arguments:
        return State.NOT_STARTED
    return forbidden_use(source, job.kata)


@dataclass
class _Run:
    """One child, from its start to the verdict."""

    job: Job
    catalogue: Catalogue
    draft: Verdict
    told: Callable[[Event], None] | None
    sentences: dict[str, str] = field(default_factory=dict)
    results: dict[str, PropertyResult] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    broken: bool = False
    slow: bool = False
    done: bool = False
    current: str = IMPORT
    call: str = ""
    warned: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as stacks:
            child = _start(self.job, self.catalogue, stacks)
            for event in child.events(self.job.kata.seconds + _GRACE):
                self._take(event)
            code = child.end()
            if not self.done and not self.slow:
                self._ended_early(child.timed_out, code, stacks)
        return self._made()

    def _take(self, event: Event) -> None:
        kind, name = event["event"], str(event.get("property", ""))
        if self.told:
            self.told(event)
        if kind == "collected":
            described = event["properties"]
            assert isinstance(described, list)  # noqa: S101 - the child's own form
            self.sentences = {d["name"]: d["sentence"] for d in described}
        elif kind == "start":
            self.current = name
        elif kind == "call":
            self.call = str(event["text"])
        elif kind == "failure":
            self._failed(event)
        elif kind == "slow":
            self.slow = True
            self._too_slow(event.get("calls"), event.get("place"))
        elif kind == "result":
            self._result(name, "held" if event["held"] else "broken", event)
        elif kind == "warning":
            key = (
                str(event["category"]),
                str(event["message"]),
                int(str(event["line"])),
            )
            self.warned[key] = self.warned.get(key, 0) + 1
        elif kind == "done":
            self.done = True

    def _result(self, name: str, outcome: str, event: Event) -> None:
        seconds = float(str(event.get("seconds", 0.0)))
        sentence = self.sentences.get(name, name)
        self.results[name] = PropertyResult(name, sentence, outcome, seconds)

    def _failed(self, event: Event) -> None:
        data = event["failure"]
        assert isinstance(data, dict)  # noqa: S101 - the child's own form
        failure = failure_from(data)
        name = failure.property
        self.failures.append(replace(failure, sentence=self.sentences.get(name, "")))
        self.broken = self.broken or bool(event.get("broken"))
        if name and name in self.sentences:
            self._result(name, "broken", {})

    def _too_slow(self, calls: object, place: object) -> None:
        limit = self.job.kata.seconds
        where = Place(**place) if isinstance(place, dict) else None
        script = tuple(map(str, calls)) if isinstance(calls, list) else ()
        self.failures.append(
            Failure(
                f"not finished after {limit:g} s"
                + (" of importing the file" if self.current == IMPORT else ""),
                property="" if self.current == IMPORT else self.current,
                sentence=self.sentences.get(self.current, ""),
                kind="slow",
                calls=script,
                place=where,
            )
        )
        if self.current != IMPORT:
            self._result(self.current, "slow", {})

    def _ended_early(self, timed_out: bool, code: int, stacks: TextIO) -> None:
        """The child fell silent: it hangs in C code, or it is gone."""
        if timed_out:
            self.slow = True
            place = _learners_line(stacks, Path(self.draft.file))
            calls = self.call.splitlines() or self._hanging_call()
            self._too_slow(calls, asdict(place) if place else None)
            return
        if self.broken or self.failures:
            return
        how = _how_it_ended(code)
        if self.current == IMPORT:
            self.broken = True
            self.failures.append(Failure(f"importing the file {how}", kind="died"))
            return
        calls = self.call.splitlines() or self._hanging_call()
        self.failures.append(
            Failure(
                f"the code {how}",
                property=self.current,
                sentence=self.sentences.get(self.current, ""),
                kind="died",
                calls=tuple(calls),
            )
        )
        self._result(self.current, "broken", {})

    def _hanging_call(self) -> list[str]:
        """Run the property again with every call told before it is made."""
        if self.job.publish or not self.job.explain or self.current == IMPORT:
            return []
        again = replace(self.job, only=(self.current,), publish=True, arguments=())
        last: list[str] = []

        def hear(event: Event) -> None:
            if event["event"] == "call":
                last[:] = str(event["text"]).splitlines()

        _Run(again, self.catalogue, self.draft, hear).verdict()
        return last

    def _made(self) -> Verdict:
        order = list(self.sentences)
        for name in order:
            self.results.setdefault(
                name, PropertyResult(name, self.sentences[name], "unchecked")
            )
        failure = self._first_failure(order)
        if failure is None and (not self.done or not order):
            failure = Failure("the judge ended without a verdict", kind="judge")
        file = Path(self.draft.file)
        warned = tuple(
            Warned(category, message, place_in(file, line), times)
            for (category, message, line), times in self.warned.items()
        )
        return replace(
            self.draft,
            state=self._state(failure),
            failure=_with_hint(failure, self.job.kata, self.catalogue),
            properties=tuple(self.results[name] for name in order),
            warnings=warned,
        )

    def _state(self, failure: Failure | None) -> State:
        if failure is None:
            return State.SOLVED
        if self.broken or failure.kind == "judge":
            return State.BROKEN
        return State.TOO_SLOW if failure.kind == "slow" else State.WRONG

    def _first_failure(self, order: list[str]) -> Failure | None:
        """What is broken as a whole comes first, then the first property's."""
        if self.broken:
            return self.failures[-1]
        rank = {name: position for position, name in enumerate(order)}
        ranked = sorted(self.failures, key=lambda f: rank.get(f.property, -1))
        return ranked[0] if ranked else None


def _with_hint(
    failure: Failure | None, kata: Kata, catalogue: Catalogue
) -> Failure | None:
    if failure is None or not failure.mistake:
        return failure
    try:
        notes = read_notes(catalogue.notes_file(kata))
    except CatalogueError:
        return failure
    mistake = notes.mistake(failure.mistake)
    if mistake is None:
        return failure
    return replace(failure, hint=mistake.hint, hint_text=notes.hints[mistake.hint - 1])


def _how_it_ended(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return f"ended the process with signal {name}"
    return f"ended the process with exit code {code}"


def _learners_line(stacks: TextIO, file: Path) -> Place | None:
    """Read the innermost line of ``file`` in the last stacks of faulthandler."""
    stacks.seek(0)
    last = stacks.read().rpartition("Timeout (")[2]
    for line in last.splitlines():
        where, _, rest = line.strip().partition(", line ")
        if where == f'File "{file}"':
            return place_in(file, int(rest.split()[0]))
    return None


class _Child:
    """A running child and the lines it writes."""

    def __init__(self, events: TextIO, process: "subprocess.Popen[str] | int") -> None:
        self._process = process
        self._events = events
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.timed_out = False

    def _read(self) -> None:
        for line in self._events:
            self._lines.put(line)
        self._lines.put(None)

    def events(self, patience: float) -> Iterator[Event]:
        """Yield events until the child is done, is gone, or says nothing in time."""
        deadline = time.monotonic() + _START_UP
        try:
            while True:
                wait = max(deadline - time.monotonic(), 0.0)
                line = self._lines.get(timeout=wait)
                if line is None:
                    return
                event = json.loads(line)
                # A property's time begins with the property, not with each call.
                if event["event"] in ("start", "result", "collected"):
                    deadline = time.monotonic() + patience
                yield event
                if event["event"] == "done":
                    return
        except queue.Empty:
            self.timed_out = True
        except json.JSONDecodeError:
            return

    def end(self) -> int:
        """End the child and all that it started; return its exit code."""
        if isinstance(self._process, int):
            code = self._end_fork(self._process)
        else:
            if self.timed_out:
                self._process.kill()
            code = self._process.wait()
        self._reader.join(timeout=5)
        self._events.close()
        return code

    def _end_fork(self, pid: int) -> int:
        status = 0
        if self.timed_out:
            _kill_group(pid)
        _, status = os.waitpid(pid, 0)
        _kill_group(pid)
        return os.waitstatus_to_exitcode(status)


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _start(job: Job, catalogue: Catalogue, stacks: TextIO) -> _Child:
    if CAN_FORK and not os.environ.get(_NO_FORK):
        return _fork(job, catalogue, stacks)
    return _spawn(job, catalogue)


def _expected(job: Job, catalogue: Catalogue) -> dict[str, object]:
    return dict(public_signatures(stub_of(job.kata, catalogue)))


def _fork(job: Job, catalogue: Catalogue, stacks: TextIO) -> _Child:
    expected = _expected(job, catalogue)
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return _Child(os.fdopen(reading, encoding="utf-8"), pid)
    os.close(reading)
    os.setsid()
    _enter_child(job, stacks)
    run(job, catalogue, os.fdopen(writing, "w", encoding="utf-8"), expected)
    os._exit(0)


def _enter_child(job: Job, stacks: TextIO) -> None:
    import faulthandler

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["DOJO_CHILD"] = "1"
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    if not job.arguments:
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    # Works where the interpreter lock is held: a thread in C writes the stacks.
    faulthandler.dump_traceback_later(
        job.kata.seconds + _GRACE / 2, repeat=True, file=stacks
    )


def _spawn(job: Job, catalogue: Catalogue) -> _Child:
    """Start a fresh interpreter: for systems where forking is not safe."""
    order = {
        "kata": job.kata.name, "target": job.target.name, "seed": job.seed,
        "only": job.only, "stop_first": job.stop_first, "publish": job.publish,
        "examples": str(job.examples) if job.examples else None,
        "explain": job.explain,
    }  # fmt: skip
    environment = os.environ | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "DOJO_CHILD": "1",
        "DOJO_ROOT": str(catalogue.root),
        "PYTHONUTF8": "1",
    }
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "dojo.spawned", json.dumps(order)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    return _Child(process.stdout, process)  # type: ignore[arg-type]  # IO[str]
