"""What is kept between runs: found by content, never lost, never torn."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

from dojo.catalogue import read_catalogue
from dojo.progress import Progress, append_line, write_atomically
from dojo.targets import resolve_target
from tests.dojo.tree import DOUBLE, Tree


def attempts(tree: Tree) -> list[dict[str, object]]:
    """The attempts in the history."""
    history = Progress(read_catalogue(tree.root)).history()
    return [record for record in history if record["event"] == "attempt"]


def test_an_unchanged_kata_is_not_judged_again(tree: Tree) -> None:
    tree.double.write_text(DOUBLE)
    for expected in (1, 1):
        assert tree.kata("check", "double").code == 0
        assert len(attempts(tree)) == expected
    tree.kata("check", "double", "--fresh")
    assert len(attempts(tree)) == 2


def test_a_verdict_is_valid_for_exactly_the_files_that_gave_it(tree: Tree) -> None:
    def key() -> str:
        shelf = read_catalogue(tree.root)
        (kata,) = shelf.find("double")
        target = resolve_target("katas", tree.root)
        return Progress(shelf).key(kata, target, 0)

    folder = tree.double.parent
    keys = {key()}
    for file in (
        tree.double,
        folder / "test_double.py",
        tree.root / "solutions" / "arithmetic" / "double.py",
        tree.root / "solutions" / "arithmetic" / "double.toml",
    ):
        file.write_text(file.read_text() + "\n# one more line\n")
        keys.add(key())
    track = folder / "track.toml"
    track.write_text(track.read_text().replace("seconds = 2", "seconds = 3", 1))
    keys.add(key())
    assert len(keys) == 6


def test_the_reference_and_all_that_it_imports_count(tree: Tree) -> None:
    track = tree.double.parent / "track.toml"
    entry = 'name = "double"\nreference = ["reference.core.optimization"]'
    track.write_text(track.read_text().replace('name = "double"', entry))
    shelf = read_catalogue(tree.root)
    (kata,) = shelf.find("double")
    names = {file.name for file in Progress(shelf).sources(kata)}
    assert {"optimizers.py", "gradients.py", "validation.py"} <= names


def test_torn_files_are_survived(tree: Tree) -> None:
    tree.double.write_text(DOUBLE)
    tree.kata("check", "double")
    folder = tree.root / ".dojo"
    (verdict,) = (folder / "verdicts").iterdir()
    verdict.write_text(verdict.read_text()[:100])
    with (folder / "history.jsonl").open("a") as history:
        history.write('{"event": "attempt", "ka')
    answer = tree.kata("check", "double")
    assert "✓ SOLVED" in answer.screen
    assert len(attempts(tree)) == 2
    lines = (folder / "history.jsonl").read_text().splitlines()
    assert [line.endswith("}") for line in lines] == [True, False, True]


def test_killed_at_any_point_nothing_is_lost(tree: Tree) -> None:
    """Kill judging runs after ever more of their events; every file stays whole."""
    tree.double.write_text(DOUBLE)
    tree.kata("check", "double")
    before = tree.double.read_bytes()
    for seen in range(1, 8):
        process = subprocess.Popen(
            [sys.executable, "-c", _KILLS_ITSELF, str(seen)],
            cwd=tree.root,
            env=tree.environment(),
            start_new_session=True,
        )
        assert process.wait(timeout=60) == -signal.SIGKILL
    assert tree.double.read_bytes() == before
    for record in (tree.root / ".dojo" / "history.jsonl").read_text().splitlines():
        json.loads(record)
    for verdict in (tree.root / ".dojo" / "verdicts").glob("*.json"):
        json.loads(verdict.read_text())
    assert "✓ SOLVED" in tree.kata("check", "double").screen


# Dies at the N-th call of the system that changes a file.
_KILLS_ITSELF = """
import os, signal, sys
from pathlib import Path

left = int(sys.argv[1])

def deadly(call):
    def counted(*args, **kwargs):
        global left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return counted

os.write, os.fsync = deadly(os.write), deadly(os.fsync)
Path.replace = deadly(Path.replace)

from dojo.catalogue import catalogue
from dojo.progress import Progress
from dojo.session import verdicts
from dojo.targets import resolve_target

shelf = catalogue()
for again in range(4):
    list(verdicts(
        shelf.select(["double"]), shelf, resolve_target("katas", shelf.root), fresh=True
    ))
"""


def test_two_runs_at_once(tree: Tree) -> None:
    tree.double.write_text(DOUBLE)
    answers = []
    runs = [
        threading.Thread(
            target=lambda: answers.append(tree.kata("check", "double", "--fresh"))
        )
        for _ in range(4)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [answer.code for answer in answers] == [0, 0, 0, 0]
    assert len(attempts(tree)) == 4


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomically(file, "old")
    try:
        write_atomically(file, "new \udcff")  # cannot be encoded
    except UnicodeEncodeError:
        pass
    else:
        raise AssertionError("a lone surrogate was written")
    assert file.read_text() == "old"
    assert [kept.name for kept in tmp_path.iterdir()] == ["file"]


def test_appending_after_a_torn_line(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_text('{"cut": ')
    append_line(file, {"whole": 1})
    assert file.read_text() == '{"cut": \n{"whole": 1}\n'
