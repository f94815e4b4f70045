"""The cache on Redis ends each call in time, however the server spends it."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from dojo.testing.redis import server
from dojo.testing.threads import Team
from reference.production.caching import CacheStatistics, RedisCache, punctual

# A call may take its time-out and what a busy machine adds, and no more.
TIMEOUT, BOUND = 0.1, 1.0

CALLS: dict[str, Callable[[RedisCache[int]], object]] = {
    "get": lambda cache: cache.get("a"),
    "set": lambda cache: cache.set("a", 1),
    "delete": lambda cache: cache.delete("a"),
    "exists": lambda cache: cache.exists("a"),
    "get_many": lambda cache: cache.get_many(["a", "b"]),
    "set_many": lambda cache: cache.set_many({"a": 1, "b": 2}),
    "len": len,
    "clear": lambda cache: cache.clear(),
}


@contextlib.contextmanager
def serving(
    answer: Callable[[socket.socket, threading.Event], None],
) -> Iterator[int]:
    """Give the port of a server that has each connection answered in a thread."""
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            answer(connection, ended)

    def accept() -> None:
        while not ended.is_set():
            connection, _address = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield port
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


def dribble(connection: socket.socket, ended: threading.Event) -> None:
    """Answer with one byte at a time, for longer than any test waits."""
    connection.recv(4096)
    for byte in itertools.chain(b"$10000\r\n", itertools.repeat(120)):
        connection.sendall(bytes([byte]))
        if ended.wait(0.02):
            return


def timed(call: Callable[[], object]) -> tuple[object, float]:
    """Return what a call returns and the seconds that it takes, a few at most."""

    def run() -> tuple[object, float]:
        began = time.monotonic()
        return call(), time.monotonic() - began

    (result,) = Team([run]).join()
    assert isinstance(result, tuple)
    return result


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_server_that_dribbles_is_too_late(name: str) -> None:
    with serving(dribble) as port:
        url = f"redis://127.0.0.1:{port}/0"
        cache = RedisCache[int](url, timeout=TIMEOUT)
        other = RedisCache[int](f"{url}?socket_timeout=60", timeout=TIMEOUT)
        for each in (cache, other):
            result, seconds = timed(lambda: CALLS[name](each))  # noqa: B023 - at once
            assert not result
            assert TIMEOUT / 2 < seconds < TIMEOUT + BOUND
            assert each.statistics.errors == 1


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_server_that_says_nothing(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"{scheme}://:secret@127.0.0.1:{listener.getsockname()[1]}/0"
        cache = RedisCache[int](url, timeout=TIMEOUT)
        result, seconds = timed(lambda: cache.get("a"))
    assert result is None
    assert seconds < TIMEOUT + BOUND
    assert cache.statistics == CacheStatistics(misses=1, errors=1)


def test_a_server_that_takes_no_more_connections() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(
            socket.create_server(("127.0.0.1", 0), backlog=0)
        )
        for _ in range(4):
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(listener.getsockname())
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        cache = RedisCache[int](url, timeout=TIMEOUT)
        result, seconds = timed(lambda: cache.set("a", 1))
    assert result is False
    assert seconds < TIMEOUT + BOUND
    assert cache.statistics == CacheStatistics(errors=1)


def test_the_greeting_counts() -> None:
    """Each answer comes in time, all of them together do not."""

    def greet(connection: socket.socket, ended: threading.Event) -> None:
        while command := connection.recv(4096):
            ended.wait(TIMEOUT * 0.6)
            # The commands of the greeting may come together.
            connection.sendall(b"+OK\r\n" * command.count(b"*"))

    with serving(greet) as port:
        url = f"redis://:secret@127.0.0.1:{port}/1"
        cache = RedisCache[int](url, timeout=TIMEOUT)
        assert cache.set("a", 1) is False
    assert cache.statistics == CacheStatistics(errors=1)


def test_nothing_is_tried_twice() -> None:
    commands: list[bytes] = []

    def hang_up(connection: socket.socket, _: threading.Event) -> None:
        received = connection.recv(4096)
        if received:
            commands.append(received)

    with serving(hang_up) as port:
        cache = RedisCache[int](f"redis://127.0.0.1:{port}/0", timeout=10)
        assert cache.set("a", 1) is False
    assert len(commands) == 1
    assert cache.statistics == CacheStatistics(errors=1)


class HastyClock:
    """A clock that goes on whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        self.now += 0.02
        return self.now


def test_each_part_of_a_scan_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    server().flush()
    full = RedisCache[int](server().url, timeout=10)
    full.set_many({str(number): number for number in range(5000)})
    clock = HastyClock()
    monkeypatch.setattr(punctual, "time", SimpleNamespace(monotonic=clock))
    cache = RedisCache[int](server().url, timeout=0.8)
    assert len(cache) == 5000
    assert clock.now > 0.8
    cache.clear()
    assert len(cache) == 0
    assert cache.statistics.errors == 0


def test_an_expired_entry_takes_no_second_time() -> None:
    """The value comes at once, and then nothing: both share the one time."""
    now = [100.0]
    server().flush()
    RedisCache[int](server().url, clock=lambda: now[0]).set("a", 1, ttl=1)
    stored = server().command("GET", "cache:a")
    assert isinstance(stored, bytes)

    def fall_silent(connection: socket.socket, ended: threading.Event) -> None:
        while b"GET" not in connection.recv(4096):
            connection.sendall(b"+OK\r\n")
        ended.wait(0.8)
        connection.sendall(b"$%d\r\n%s\r\n" % (len(stored), stored))
        ended.wait()

    with serving(fall_silent) as port:
        url = f"redis://127.0.0.1:{port}/0"
        cache = RedisCache[int](url, timeout=1, clock=lambda: 101.0)
        result, seconds = timed(lambda: cache.get("a"))
    assert result is None
    assert seconds < 1.6
