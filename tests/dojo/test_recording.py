"""Recorded calls are lines that can be pasted."""

import threading
from types import ModuleType

import pytest

from dojo.recording import Recorder


class LRUCache:
    """A stand-in with the name of a kata's class."""

    def __init__(self, size: int) -> None:
        self.size = size

    def get(self, key: str) -> str:
        """Answer through another public method."""
        return self.twice(key)

    def twice(self, key: str) -> str:
        """Answer."""
        return key * 2

    def __len__(self) -> int:
        return self.size


def double(x: float) -> float:
    """A stand-in for a kata's function."""
    if x < 0:
        raise ValueError("x must be positive")
    return 2 * x


def quadruple(x: float) -> float:
    """Call another public function."""
    return double(double(x))


@pytest.fixture
def watched() -> tuple[Recorder, ModuleType]:
    """A recorder that watches a module."""
    module = ModuleType("judged")
    copy = type("LRUCache", (), dict(vars(LRUCache)))
    vars(module).update(LRUCache=copy, double=double, quadruple=quadruple, number=3)
    recorder = Recorder()
    recorder.watch(module, ["LRUCache", "double", "quadruple", "number", "missing"])
    return recorder, module


def test_calls_of_functions(watched: tuple[Recorder, ModuleType]) -> None:
    recorder, module = watched
    assert module.double(2.0) == 4.0
    with pytest.raises(ValueError, match="positive"):
        module.double(x=-1.0)
    assert module.quadruple(1.0) == 4.0
    assert recorder.script() == ["double(2.0)", "double(x=-1.0)", "quadruple(1.0)"]
    recorder.begin()
    assert recorder.script() == []


def test_calls_of_methods_name_their_objects(
    watched: tuple[Recorder, ModuleType],
) -> None:
    recorder, module = watched
    first, second = module.LRUCache(1), module.LRUCache(size=2)
    assert second.get("a") == "aa"
    assert len(first) == 1
    recorder.step("# a line of the property's own")
    assert recorder.script() == [
        "lru_cache = LRUCache(1)",
        "lru_cache2 = LRUCache(size=2)",
        "lru_cache2.get('a')",
        "len(lru_cache)",
        "# a line of the property's own",
    ]


def test_only_the_last_calls_are_kept(watched: tuple[Recorder, ModuleType]) -> None:
    recorder, module = watched
    for number in range(100):
        module.double(float(number))
    script = recorder.script()
    assert script[0] == "# … 40 earlier calls"
    assert script[-1] == "double(99.0)"


def test_calls_of_threads_are_all_kept(watched: tuple[Recorder, ModuleType]) -> None:
    recorder, module = watched
    threads = [threading.Thread(target=module.double, args=[1.0]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.script() == ["double(1.0)"] * 8


def test_calls_are_published_before_they_are_made(
    watched: tuple[Recorder, ModuleType],
) -> None:
    recorder, module = watched
    told: list[str] = []
    recorder.publish = told.append
    with pytest.raises(ValueError, match="positive"):
        module.double(-1.0)
    assert told == ["double(-1.0)"]
