"""The truth table tells a proven judge from one that is not."""

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.dojo.tree import DOUBLE, Tree

RIGHT = "2.0 * np.asarray(x, dtype=np.float64)"
LISTS = '''

def test_lists() -> None:
    """Lists are welcome."""
    assert_close(double([1.0, 2.0]), np.array([2.0, 4.0]))
    assert_close(halve([4.0, 2.0]), np.array([2.0, 1.0]))
'''
WRONGS = ("2.5 *", "3.0 *", "-2.0 *", "1.0 +", "4.0 *")


def mistake(name: str, find: str, replace: str, breaks: str = "test_doubles") -> str:
    """A known mistake as TOML."""
    return (
        f'[[mistake]]\nname = "{name}"\nwhy = "?"\nhint = 1\nbreaks = "{breaks}"\n'
        f'find = "{find}"\nreplace = "{replace}"\n\n'
    )


def notes(*more: str, wrongs: Sequence[str] = WRONGS) -> str:
    """Notes with five mistakes that are caught, and more."""
    caught = "".join(
        mistake(f"wrong-{number}", RIGHT, RIGHT.replace("2.0 *", wrong))
        for number, wrong in enumerate(wrongs)
    )
    return 'hints = ["Add it to itself."]\n\n' + caught + "".join(more)


@pytest.fixture
def proven(tree: Tree) -> Tree:
    """The tree with notes and properties for which the first kata holds."""
    test = tree.double.parent / "test_double.py"
    test.write_text(test.read_text() + LISTS)
    (tree.root / "solutions" / "arithmetic" / "double.toml").write_text(notes())
    return tree


def truth(tree: Tree, *arguments: str) -> tuple[int, str]:
    """Run the table for the first kata."""
    answer = tree.kata("truth", "double", *arguments)
    assert "Traceback" not in answer.errors, answer.errors
    return answer.code, answer.screen


def test_a_proven_kata_is_green_in_every_column(proven: Tree) -> None:
    code, screen = truth(proven, "-v")
    assert code == 0, screen
    for cell in (
        "stub red", "step yes", "solution green", "reference none", "mistakes 5/5",
        "canary sings", "all 1 katas hold",
    ):  # fmt: skip
        assert cell in screen
    assert re.search(r"mutants \d+% of \d+", screen)
    assert re.search(r"honest 100.0% of [1-9]", screen)
    assert re.search(r"killed +double: ", screen)


def test_a_mistake_that_is_not_caught_is_told(proven: Tree) -> None:
    file = proven.root / "solutions" / "arithmetic" / "double.toml"
    file.write_text(notes(mistake("none", RIGHT, "np.asarray(x, dtype=float) * 2.0")))
    code, screen = truth(proven, "--no-mutants")
    assert code == 1
    assert "mistakes 5/6" in screen
    assert "mistake 'none': not caught by test_doubles on seed 0" in screen


def test_a_mistake_that_breaks_the_file_is_no_mistake(proven: Tree) -> None:
    file = proven.root / "solutions" / "arithmetic" / "double.toml"
    file.write_text(notes(mistake("gone", "def halve", "def third")))
    code, screen = truth(proven, "--no-mutants")
    assert code == 1
    assert "mistake 'gone': red for another reason" in screen


def test_a_patch_must_apply_once(proven: Tree) -> None:
    file = proven.root / "solutions" / "arithmetic" / "double.toml"
    file.write_text(notes(mistake("twice", "return", "yield")))
    code, screen = truth(proven, "--no-mutants")
    assert code == 1
    assert "find must occur once" in screen


def test_survivors_need_reasons_and_reasons_survivors(proven: Tree) -> None:
    test = proven.double.parent / "test_double.py"
    text = test.read_text()
    weak = text.replace("    assert_close(result, x + x)\n", "").replace(LISTS, "")
    test.write_text(weak)
    code, screen = truth(proven)
    assert code == 1
    assert "survives without a reason: double: " in screen
    assert "95 % are asked for" in screen
    test.write_text(text)
    file = proven.root / "solutions" / "arithmetic" / "double.toml"
    file.write_text(notes('[[survivor]]\nmutant = "double: x"\nreason = "?"\n'))
    code, screen = truth(proven)
    assert code == 1
    assert "has a reason but is dead: double: x" in screen


def test_a_property_that_an_empty_stub_holds_is_told(proven: Tree) -> None:
    test = proven.double.parent / "test_double.py"
    vacuous = '\n\ndef test_nothing() -> None:\n    """Nothing is asked."""\n'
    test.write_text(test.read_text() + vacuous)
    code, screen = truth(proven, "--no-mutants")
    assert code == 1
    assert "test_nothing holds for a stub without a body" in screen


def test_a_stub_out_of_step_is_told_and_an_attempt_is_not(proven: Tree) -> None:
    proven.double.write_text(DOUBLE)
    code, screen = truth(proven, "--no-mutants")
    assert code == 0
    assert "step edited" in screen
    proven.double.write_text(DOUBLE.replace("any shape", "one shape"))
    code, screen = truth(proven, "--no-mutants")
    assert code == 1
    assert "kata new --refresh" in screen


def test_a_solution_that_fails_its_own_properties_is_told(proven: Tree) -> None:
    solution = proven.root / "solutions" / "arithmetic" / "double.py"
    solution.write_text(DOUBLE.replace("0.5 *", "0.25 *"))
    code, screen = truth(proven, "--no-mutants")
    assert code == 1
    assert "solution wrong" in screen
    assert "test_halves" in screen


def test_only_what_changed_since_a_revision(proven: Tree) -> None:
    def git(*arguments: str) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(
            ["git", *author, *arguments], cwd=proven.root, check=True, timeout=60
        )

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    nothing = proven.kata("truth", "--since", "HEAD")
    assert "all 0 katas hold" in nothing.screen
    test = proven.double.parent / "test_double.py"
    test.write_text(test.read_text() + "\n")
    answer = proven.kata("truth", "--since", "HEAD", "--no-mutants")
    assert "arithmetic/double" in answer.screen
    assert "arithmetic/counter" not in answer.screen
    lost = proven.kata("truth", "--since", "nowhere")
    assert lost.code == 2
    assert "not a revision" in lost.errors


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return list(map(int, file.read_text(encoding="ascii").split()))


def test_an_interrupted_table_is_partial_and_readable(proven: Tree) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dojo", "truth", "--workers", "1"],
        cwd=proven.root,
        env=proven.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The table has work for many seconds; it has begun when a worker's child is there.
    while not any(map(children_of, children_of(process.pid))):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    screen, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not judged in full" in screen
    assert "Traceback" not in errors
