"""``kata watch``: a verdict on each save, keys, and quitting."""

import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.dojo.tree import DOUBLE, Tree

WRONG = DOUBLE.replace("2.0 *", "2.5 *")


@dataclass
class Session:
    """A running watch, its keys and its screen."""

    process: "subprocess.Popen[str]"
    lines: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def read(self) -> None:
        """Collect the screen."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def see(self, text: str) -> str:
        """Wait until a line holds the text."""
        seen = ""
        while text not in seen:
            seen += self.lines.get(timeout=60)
        return seen

    def press(self, key: str) -> None:
        """Press a key."""
        assert self.process.stdin is not None
        self.process.stdin.write(key)
        self.process.stdin.flush()


@contextmanager
def watching(tree: Tree, **environment: str) -> Iterator[Session]:
    """Watch the first kata."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "dojo", "watch", "double"],
        cwd=tree.root,
        env=tree.environment(**environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    session = Session(process)
    reader = threading.Thread(target=session.read, daemon=True)
    reader.start()
    try:
        yield session
    finally:
        process.kill()
        process.wait()
        reader.join()


@pytest.mark.parametrize("subprocesses", ["", "1"], ids=["fork", "no fork"])
def test_every_save_gets_its_verdict(tree: Tree, subprocesses: str) -> None:
    with watching(tree, KATA_SUBPROCESS=subprocesses) as session:
        session.see("NOT STARTED")
        session.see("[q] quit")
        tree.double.write_text(WRONG)
        assert "double(x) is x + x." in session.see("2.5 instead of 2.0")
        tree.double.write_text("def double(x:\n")
        session.see("SyntaxError")
        tree.double.write_text("while True: pass\n")
        session.see("TOO SLOW")
        tree.double.write_text(DOUBLE)
        session.see("✓ SOLVED")


def test_a_save_that_replaces_the_file_and_one_that_deletes_it(tree: Tree) -> None:
    with watching(tree) as session:
        session.see("[q] quit")
        beside = tree.double.with_suffix(".new")
        beside.write_text(DOUBLE)
        beside.replace(tree.double)
        session.see("✓ SOLVED")
        tree.double.unlink()
        session.see("the file is missing")


def test_keys(tree: Tree) -> None:
    with watching(tree) as session:
        session.see("[q] quit")
        session.press("h")
        session.see("Hint 1 of 2")
        session.press("h")
        session.see("Hint 2 of 2")
        session.press("l")
        session.see("Arithmetic")
        tree.counter.write_text("def Counter(: pass")
        session.press("c")
        session.see("counter")
        session.press("n")
        session.see("A counter")
        session.see("BROKEN")
        session.press("q")
        assert session.process.wait(timeout=30) == 0


def test_the_last_failing_example_is_tried_first(tree: Tree) -> None:
    """What one seed has found, a seed that misses it by itself finds from then on."""
    right = "2.0 * np.asarray(x, dtype=np.float64)"
    tree.double.write_text(DOUBLE.replace(right, f"{right} + (np.asarray(x) < -900)"))

    def finds(seed: int) -> bool:
        return "WRONG" in tree.kata("check", "double", "--seed", str(seed)).screen

    by_itself = {}
    for seed in range(10):
        by_itself[seed] = finds(seed)
        shutil.rmtree(tree.root / ".dojo")
    finder = next(seed for seed, found in by_itself.items() if found)
    misser = next(seed for seed, found in by_itself.items() if not found)
    assert finds(finder)
    assert finds(misser)
