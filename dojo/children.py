"""Starts the processes that judge, listens to them, and ends them."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from dojo.catalogue import Catalogue
from dojo.child import GRACE, Job, run
from dojo.guards import ROUNDS
from dojo.inspection import place_in
from dojo.stub import Signature
from dojo.verdict import Place

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
# A fresh interpreter imports NumPy, Hypothesis and the reference first.
_START_UP = 60.0
_NO_FORK = "KATA_SUBPROCESS"
Event = dict[str, object]


class Child:
    """A running child: the lines it writes, and how it ended."""

    def __init__(
        self, job: Job, catalogue: Catalogue, expected: Mapping[str, Signature]
    ):
        self._patience = job.kata.seconds + GRACE
        self._stacks = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in end
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._pid = 0
        self._process: subprocess.Popen[str] | None = None
        self.timed_out = False
        if CAN_FORK and not os.environ.get(_NO_FORK):
            self._events = self._fork(job, catalogue, expected)
        else:
            self._events = self._spawn(job, catalogue)

    def _fork(
        self, job: Job, catalogue: Catalogue, expected: Mapping[str, Signature]
    ) -> IO[str]:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid:
            os.close(writing)
            return os.fdopen(reading, encoding="utf-8")
        os.close(reading)
        os.setsid()
        self._enter(job)
        events = os.fdopen(writing, "w", encoding="utf-8")
        run(job, catalogue, events, expected, self._stacks)
        os._exit(0)

    def _enter(self, job: Job) -> None:
        """Leave the parent's terminal and plugins behind."""
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        os.environ["DOJO_CHILD"] = "1"
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0,) if job.arguments else (0, 1, 2):
            os.dup2(nothing, stream)

    def _spawn(self, job: Job, catalogue: Catalogue) -> IO[str]:
        """Start a fresh interpreter: for systems where forking is not safe."""
        order = {
            "kata": job.kata.name, "target": job.target.name, "seed": job.seed,
            "only": job.only, "stop_first": job.stop_first, "publish": job.publish,
            "examples": str(job.examples) if job.examples else None,
            "explain": job.explain, "part": job.part, "arguments": job.arguments,
            "watched": str(job.watched) if job.watched else None,
            "room": str(job.room) if job.room else None,
        }  # fmt: skip
        environment = os.environ | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "DOJO_CHILD": "1",
            "DOJO_ROOT": str(catalogue.root),
            "PYTHONUTF8": "1",
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "dojo.spawned", json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if job.arguments else subprocess.DEVNULL,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        return self._process.stdout

    def listen(self) -> None:
        """Begin to read; no process may be forked while a thread runs."""
        self._reader.start()

    def _read(self) -> None:
        for line in self._events:
            self._lines.put(line)
        self._lines.put(None)

    def events(self) -> Iterator[Event]:
        """Yield events until the child is done, is gone, or says nothing in time."""
        patience, rounds = _START_UP, 1
        computed = self._computed()
        while True:
            try:
                line = self._lines.get(timeout=patience)
            except queue.Empty:
                used = self._computed() - computed
                if rounds >= ROUNDS or used > patience / 2:
                    self.timed_out = True
                    return
                rounds += 1
                continue
            if line is None:
                return
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                return
            # A property's time begins with the property, not with each call.
            if event["event"] in ("start", "result", "collected"):
                patience, rounds, computed = self._patience, 1, self._computed()
            yield event
            if event["event"] == "done":
                return

    def _computed(self) -> float:
        """Seconds the child has computed; those of the clock where nobody tells."""
        pid = self._pid or (self._process.pid if self._process else 0)
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
            ticks = fields.rpartition(")")[2].split()[11:13]
            return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            return time.monotonic()

    def end(self) -> int:
        """End the child and all that it started; return its exit code."""
        if self._process is None:
            if self.timed_out:
                _kill_group(self._pid)
            _, status = os.waitpid(self._pid, 0)
            _kill_group(self._pid)
            code = os.waitstatus_to_exitcode(status)
        else:
            if self.timed_out:
                self._process.kill()
            code = self._process.wait()
        self._reader.join(timeout=5)
        self._events.close()
        return code

    def learners_line(self, file: Path) -> Place | None:
        """Read the innermost line of ``file`` in the last stacks of faulthandler."""
        self._stacks.seek(0)
        last = self._stacks.read().rpartition("Timeout (")[2]
        for line in last.splitlines():
            where, _, rest = line.strip().partition(", line ")
            if where == f'File "{file}"':
                return place_in(file, int(rest.split()[0]))
        return None

    def close(self) -> None:
        """Let go of the file of stacks."""
        self._stacks.close()


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def how_it_ended(code: int) -> str:
    """Say how a process ended that should not have."""
    if code < 0:
        return f"ended the process with signal {signal.Signals(-code).name}"
    return f"ended the process with exit code {code}"
