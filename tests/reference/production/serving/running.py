"""A real server in a process of its own, for tests."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[4]
PATIENCE = 60.0

MODULE = ("-m", "reference.production.serving", "--port", "0")


class Server:
    """A server that was started; it told its port in its log."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self._port = 0
        self._told = threading.Event()
        self._read_more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_it_listens(self) -> Self:
        """Return when it accepts connections."""
        assert self._told.wait(PATIENCE), self.lines
        assert self._port, self.lines
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self._port

    @property
    def url(self) -> str:
        """The same as a URL without a path."""
        return f"http://127.0.0.1:{self._port}"

    def terminate(self) -> None:
        """Send SIGTERM, and return at once."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end, and return the exit status."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._read_more:
                self.lines.append(line)
                self._read_more.notify_all()
            if "running on http" in line:
                self._port = int(line.partition("127.0.0.1:")[2].split()[0].strip('",'))
                self._told.set()
        self._told.set()

    def wait_for_line(self, text: str) -> str:
        """Return the first line of its log that holds ``text``, once it was read."""

        def found() -> str:
            return next((line for line in self.lines if text in line), "")

        with self._read_more:
            assert self._read_more.wait_for(found, PATIENCE), self.lines
        return found()

    def entries(self) -> list[dict[str, object]]:
        """Return its log so far; every line must be a JSON object."""
        return [json.loads(line) for line in list(self.lines)]


@contextmanager
def running(arguments: Sequence[str] = MODULE, **environment: str) -> Iterator[Server]:
    """Start a server, give it when it listens, and see to its end."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        # Tests ask more than one client may.
        env={"RATE_LIMIT": "0", **os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    server = Server(process)
    try:
        yield server.wait_until_it_listens()
    finally:
        process.kill()
        server.wait()


def poll(attempt: Callable[[], bool]) -> None:
    """Try until it is so; fail when that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not attempt():
        assert time.monotonic() < deadline, "it took too long"
