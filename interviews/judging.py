"""Judges code in a process of its own, so that the screen never waits.

The process imports NumPy, Hypothesis and the reference once and then forks a child
for each verdict, as ``kata check`` does; this side only writes a request as a line of
JSON and reads a line back. One thread talks to the process; whoever asks gets a ticket
at once.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from interviews.rounds.base import Ticket

_REPOSITORY = Path(__file__).resolve().parent.parent
# Every judge has limits of its own; past this one the process itself is lost.
_LOST = 300.0
_CLOSED = "the judge was closed"


def broken(error: str) -> dict[str, object]:
    """Return the answer to a request that could not be judged."""
    return {"state": "broken", "refused": "", "results": [], "error": error}


class Pending:
    """A ticket whose result another thread brings."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._result: dict[str, object] = {}

    def done(self) -> bool:
        """Tell whether there is a result."""
        return self._done.is_set()

    def result(self) -> dict[str, object]:
        """Return the result; waits for it."""
        self._done.wait()
        return self._result

    def bring(self, result: dict[str, object]) -> None:
        """Set the result, once."""
        if not self._done.is_set():
            self._result = result
            self._done.set()


class JudgeProcess:
    """The process that judges; started at the first request, again if it dies."""

    def __init__(self) -> None:
        self._requests: queue.Queue[tuple[Mapping[str, object], Pending] | None]
        self._requests = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._talker: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, request: Mapping[str, object]) -> Ticket:
        """Begin to judge; requests are taken one after the other."""
        ticket = Pending()
        with self._lock:
            if self._closed:
                ticket.bring(broken(_CLOSED))
                return ticket
            if self._talker is None:
                self._talker = threading.Thread(target=self._talk, daemon=True)
                self._talker.start()
            self._requests.put((dict(request), ticket))
        return ticket

    def close(self) -> None:
        """End the process and whatever it is judging; what waits is answered."""
        with self._lock:
            self._closed = True
            self._requests.put(None)
            self._kill()
        if self._talker is not None:
            self._talker.join(timeout=5)

    def _talk(self) -> None:
        while (entry := self._requests.get()) is not None:
            request, ticket = entry
            try:
                ticket.bring(broken(_CLOSED) if self._closed else self._ask(request))
            except (OSError, ValueError, TypeError) as error:
                ticket.bring(broken(f"the judge cannot be asked: {error}"))

    def _ask(self, request: Mapping[str, object]) -> dict[str, object]:
        line = json.dumps(request) + "\n"
        # Once more where the process has died, whether before or of this request.
        for _ in range(2):
            sending, receiving = self._pipes()
            lost = threading.Timer(_LOST, self._kill)
            lost.daemon = True
            lost.start()
            try:
                sending.write(line)
                sending.flush()
            except OSError:
                answer = ""
            else:
                answer = receiving.readline()
            finally:
                lost.cancel()
            if answer.endswith("\n"):
                result = json.loads(answer)
                return result if isinstance(result, dict) else broken("no answer")
            self._kill()
        return broken(_CLOSED if self._closed else "the judge died; submit again")

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        with self._lock:
            if self._closed:
                raise OSError(_CLOSED)
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            process = self._process
        assert process.stdin is not None  # noqa: S101 - pipes were asked for
        assert process.stdout is not None  # noqa: S101 - pipes were asked for
        return process.stdin, process.stdout

    def _start(self) -> subprocess.Popen[str]:
        paths = [str(_REPOSITORY), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONUTF8": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "interviews.judging_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # an interrupt at the keyboard is not for it
        )

    def _kill(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        judged = children_of(process.pid)
        process.kill()
        for child in judged:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child, 9)
        process.wait()


def children_of(process: int) -> list[int]:
    """Return the ids of a process's children; none where the system does not tell."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    except (OSError, ValueError):
        return []
    return [int(word) for word in text.split()]
