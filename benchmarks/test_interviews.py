"""Interviews: from a key to the screen, a round's judge, and a long report."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.commands import Tree
from benchmarks.pairs import compare
from dojo.catalogue import ROOT, catalogue
from interviews.judging import JudgeProcess
from interviews.report import write
from tests.interviews.report.logs import Script
from tests.interviews.terminal.processes import Terminal, on_terminal

_BARE = "from prompt_toolkit import prompt; prompt('ready> ')"


@pytest.mark.parametrize("name", ["softmax", "lru_cache"])
def test_judge_of_a_coding_round(
    benchmark: BenchmarkFixture, tree: Tree, name: str
) -> None:
    shelf = catalogue()
    (kata,) = shelf.find(name)
    request = {
        "kind": "properties", "shelf": "katas", "kata": name, "seed": 1,
        "text": shelf.solution_file(kata).read_text(), "explain": False, "only": [],
    }  # fmt: skip
    judge = JudgeProcess()

    def ours() -> None:
        assert judge.submit(request).result()["state"] == "solved"

    try:
        compare(
            benchmark,
            f"interview_judge_{name}",
            ours,
            lambda: tree.succeed(
                "-m", "dojo", "check", "--target", "solutions", "--fresh", name
            ),
        )
    finally:
        judge.close()


def test_report_of_ten_rounds(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    script = Script("senior", [("coding", 30.0)] * 10)
    for _ in range(10):
        script.open("coding", 30, 25, kata="softmax", shelf="katas")
        for run in range(30):
            script.run("CCC-ee-", number=run + 1, after=run)
        script.judged_close("CCCee-")
    script.end().write(folder)
    compare(
        benchmark,
        "interview_report",
        lambda: write(folder),
        lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        detail=f"{len(script.made)} events",
    )


def _type(handle: int, key: bytes) -> None:
    """Type a key, and wait until the screen shows it."""
    os.write(handle, key)
    seen = b""
    while key not in seen:
        ready, _, _ = select.select([handle], [], [], 10.0)
        assert ready, "the key was never shown"
        seen += os.read(handle, 65_536)


@contextmanager
def _bare_prompt() -> Iterator[int]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", _BARE],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT,
        env=os.environ | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"ready>" not in seen:
        seen += os.read(ours, 65_536)
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _begin(terminal: Terminal) -> int:
    terminal.wait_for("Press Enter")
    terminal.type("\r")
    terminal.wait_for("This is the phase read.")
    terminal.wait_until_seen(r"^echo>$")
    return terminal.handle


def test_key_to_screen(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    loop = ("--round", "theory:60", "--seed", "7")
    with on_terminal(tmp_path, *loop) as terminal, _bare_prompt() as bare:
        handle = _begin(terminal)
        # Two keys in turns, so that each is new on the screen.
        keys = {handle: b"zq" * 500, bare: b"zq" * 500}

        def press(where: int) -> None:
            key, keys[where] = keys[where][:1], keys[where][1:]
            _type(where, key)

        compare(
            benchmark,
            "interview_key",
            lambda: press(handle),
            lambda: press(bare),
        )
        terminal.process.kill()
