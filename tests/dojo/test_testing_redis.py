"""The Redis server of a process: real, quick to start, and gone with its process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dojo.testing.redis import RedisServer, server

CHILD = """
import sys, time
from dojo.testing.redis import server
print(server().url.removeprefix("unix://"), server().command("PING"), flush=True)
time.sleep(600)
"""


@pytest.fixture
def own() -> Iterator[RedisServer]:
    with RedisServer("--maxmemory", "3mb") as running:
        yield running


def test_commands_have_answers() -> None:
    shared = server()
    shared.flush()
    assert shared.command("SET", "key", b"\xff\r\n") == "OK"
    assert shared.command("GET", "key") == b"\xff\r\n"
    assert shared.command("GET", "none") is None
    assert shared.command("KEYS", "*") == [b"key"]
    assert shared.command("EXPIRE", "key", 5) == 1
    with pytest.raises(RuntimeError, match="unknown command"):
        shared.command("NONSENSE")
    shared.flush()
    assert shared.command("DBSIZE") == 0


def test_a_process_has_one_server() -> None:
    assert server() is server()


def test_a_client_reaches_it_by_its_url(own: RedisServer) -> None:
    client = redis.Redis.from_url(own.url)
    client.set("key", "value")
    assert own.command("GET", "key") == b"value"
    assert own.command("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"3145728"]


def test_it_hangs_while_it_is_paused(own: RedisServer) -> None:
    client = redis.Redis.from_url(own.url, socket_timeout=0.05)
    with own.paused(), pytest.raises(redis.TimeoutError):
        client.get("key")
    assert client.get("key") is None


def test_it_stops_and_starts_again_empty_at_the_same_url(own: RedisServer) -> None:
    own.command("SET", "key", 1)
    own.stop()
    own.stop()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(own.url).get("key")
    with pytest.raises(RuntimeError, match="not running"):
        own.pause()
    own.start()
    own.start()
    assert own.command("GET", "key") is None


def test_a_wrong_option_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"does not start.*nonsense"):
        RedisServer("--nonsense", "1").start()


def test_without_a_server_the_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(RuntimeError, match="no Redis server here: install"):
        RedisServer().start()


def test_it_ends_with_a_process_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        path, answer = child.stdout.readline().split()
        folder = Path(path).parent
        assert answer == "PONG"
        os.kill(child.pid, signal.SIGKILL)
    end = time.monotonic() + 10.0
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not folder.exists()
    listed = subprocess.run(["ps", "ax"], capture_output=True, text=True, check=True)
    assert path not in listed.stdout
