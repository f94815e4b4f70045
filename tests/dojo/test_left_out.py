"""Katas whose judge needs what this machine lacks are left out, and it is said."""

from dataclasses import replace

import pytest

from dojo.catalogue import Kata
from dojo.session import runnable
from dojo.testing import redis

PLAIN = Kata("plain", "track", "A kata", 1, 10, "often", 5)


def test_a_redis_kata_needs_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    needy = replace(PLAIN, name="needy", redis=True)
    monkeypatch.setattr(redis, "program", lambda: None)
    assert runnable([PLAIN, needy]) == (
        [PLAIN],
        [(needy, "a Redis server (redis-server)")],
    )
    monkeypatch.setattr(redis, "program", lambda: "/usr/bin/redis-server")
    assert runnable([PLAIN, needy]) == ([PLAIN, needy], [])


def test_a_torch_kata_needs_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    needy = replace(PLAIN, name="needy", torch=True)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert runnable([PLAIN, needy]) == ([PLAIN], [(needy, "PyTorch")])
