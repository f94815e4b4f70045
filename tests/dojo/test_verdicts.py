"""Every kind of file that a learner may save gets a verdict of its own."""

import json

import pytest

from tests.dojo.tree import DOUBLE, Tree

PYTEST = ("katas/arithmetic/test_double.py",)


def attempt(body: str, head: str = "") -> str:
    """A file whose `double` has this body, and whose `halve` is right."""
    return (
        f"{head}import numpy as np\n\n"
        f"def double(x):\n    {body}\n\n"
        "def halve(x):\n    return 0.5 * np.asarray(x, dtype=float)\n"
    )


SWALLOWS_ALL = """while True:
        try:
            while True: pass
        except BaseException: pass"""

# name, file, state, texts that the screen must hold
BAD_FILES = [
    ("endless Python loop", attempt("while True: pass"), "TOO SLOW",
     ("double(x) is x + x.", "while True: pass", "double(np.array([1.0]))")),
    ("endless C loop", attempt("return sum(range(10**12))"), "TOO SLOW",
     ("double(x) is x + x.", "sum(range(10**12))", "double(np.array([1.0]))")),
    ("loop that swallows exceptions", attempt(SWALLOWS_ALL), "TOO SLOW",
     ("double(np.array([1.0]))",)),
    ("endless recursion", attempt("return double(x)"), "WRONG",
     ("RecursionError", "return double(x)", "double(np.array([1.0]))")),
    ("one huge allocation", attempt("return [0] * 10**12"), "WRONG",
     ("MemoryError", "[0] * 10**12", "double(np.array([1.0]))")),
    ("exit", attempt("exit(3)"), "WRONG", ("SystemExit: 3", "exit(3)")),
    ("hard exit", attempt("import os; os._exit(0)"), "WRONG",
     ("ended the process with exit code 0", "double(np.array([1.0]))")),
    ("crash in C", attempt("import ctypes; ctypes.string_at(0)"), "WRONG",
     ("signal SIGSEGV", "double(np.array([1.0]))")),
    ("megabytes of output", attempt("print('x' * 10**7); return 3.0 * np.asarray(x)"),
     "WRONG", ("Printed", "3.0 instead of 2.0")),
    ("shadowed builtin", attempt("return sum(x)", "sum = 3\n"), "WRONG",
     ("'int' object is not callable", "return sum(x)")),
    ("rebound builtin", "import builtins\nbuiltins.len = lambda x: 0\n" + DOUBLE,
     "BROKEN", ("changes `len`",)),
    ("monkeypatched NumPy", attempt("np.add = None; return 2.0 * np.asarray(x)"),
     "BROKEN", ("changes `numpy.add`",)),
    ("missing import", "import nowhere_to_be_found\n" + DOUBLE, "BROKEN",
     ("No module named", "nowhere_to_be_found")),
    ("syntax error", "def double(x:\n    pass\n", "BROKEN",
     ("SyntaxError", "def double(x:", "double.py:1")),
    ("not text", "\udcff", "BROKEN", ("not UTF-8",)),
    ("empty", "", "BROKEN", ("`double` is missing",)),
    ("one name missing", DOUBLE.replace("def halve", "def third"), "BROKEN",
     ("`halve` is missing",)),
    ("changed signature", attempt("return x").replace("double(x)", "double(x, y)"),
     "BROKEN", ("signature of `double` changed", "double(x, y)")),
    ("endless loop on import", "while True: pass\n", "TOO SLOW",
     ("importing the file", "while True: pass")),
    ("exit on import", "import sys\nsys.exit(0)\n", "BROKEN",
     ("SystemExit", "sys.exit(0)")),
    ("forbidden call", attempt("return math.fsum([x, x])", "import math\n"), "WRONG",
     ("`math.fsum` is not allowed",)),
    ("the solution itself", "from solutions.arithmetic.double import *\n", "WRONG",
     ("`solutions.arithmetic.double` is not allowed",)),
    ("nothing returned", attempt("x + x"), "WRONG",
     ("None", "double(np.array([1.0]))")),
    ("wrong value", attempt("return np.asarray(x, dtype=float) ** 2"), "WRONG",
     ("1.0 instead of 2.0", "Hint 2", "Two times x.", "double(np.array([1.0]))")),
    ("a warning", attempt("return np.asarray(x) / np.float64(0)"), "WRONG",
     ("RuntimeWarning: divide by zero", "np.asarray(x) / np.float64(0)")),
    ("half written", attempt("raise NotImplementedError"), "WRONG",
     ("`double` is not written yet", "1 of 2 properties hold")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "state", "texts"),
    [case[1:] for case in BAD_FILES],
    ids=[case[0] for case in BAD_FILES],
)
def test_each_bad_file_has_a_clear_verdict(
    tree: Tree, source: str, state: str, texts: tuple[str, ...]
) -> None:
    tree.double.write_text(source, encoding="utf-8", errors="surrogateescape")
    answer = tree.pytest(*PYTEST)
    assert f"✗ {state}  arithmetic/double" in answer.screen
    for text in texts:
        assert text in answer.screen
    assert answer.code == 1
    assert "Traceback" not in answer.screen + answer.errors
    assert max(map(len, answer.screen.splitlines())) <= 88


@pytest.mark.parametrize("case", ["endless Python loop", "hard exit", "wrong value"])
def test_the_same_verdict_where_fork_does_not_work(tree: Tree, case: str) -> None:
    (source, state, texts) = next(rest for name, *rest in BAD_FILES if name == case)
    tree.double.write_text(str(source))
    answer = tree.kata("check", "double", KATA_SUBPROCESS="1")
    assert f"✗ {state}  arithmetic/double" in answer.screen
    for text in texts:
        assert text in answer.screen
    assert answer.code == 1


def test_a_bad_file_leaves_the_other_katas_alone(tree: Tree) -> None:
    solution = tree.root / "solutions" / "arithmetic" / "counter.py"
    tree.counter.write_text(solution.read_text())
    for source in ("while True: pass\n", "import builtins\nbuiltins.len = None\n"):
        tree.double.write_text(source)
        answer = tree.kata("check", "--fresh")
        assert "✓ solved      counter" in answer.screen
        assert answer.code == 1


def test_a_deleted_file_is_told_and_comes_back(tree: Tree) -> None:
    tree.double.unlink()
    answer = tree.kata("check", "double")
    assert "BROKEN" in answer.screen
    assert "kata reset double" in answer.screen
    assert tree.kata("reset", "double").code == 0
    assert "NOT STARTED" in tree.pytest(*PYTEST).screen


def test_an_untouched_stub_is_neither_failure_nor_pass(tree: Tree) -> None:
    alone = tree.pytest(*PYTEST)
    assert "NOT STARTED" in alone.screen
    assert alone.code == 1
    assert tree.kata("check").code == 0
    assert tree.kata("check", "--strict").code == 1
    tree.double.write_text(tree.double.read_text() + "\n# thinking\n")
    assert "NOT STARTED" in tree.pytest(*PYTEST).screen


def test_solved_and_broken_again(tree: Tree) -> None:
    tree.double.write_text(DOUBLE)
    solved = tree.pytest(*PYTEST)
    assert "✓ SOLVED  arithmetic/double  2 of 2 properties hold" in solved.screen
    assert solved.code == 0
    assert "✓ solved      double" in tree.kata("list").screen
    tree.double.write_text(DOUBLE.replace("2.0 *", "2.5 *"))
    assert "✓ solved" not in tree.kata("list").screen
    assert tree.kata("check").code == 1


def test_pytest_works_from_inside_the_folder(tree: Tree) -> None:
    tree.double.write_text(DOUBLE)
    answer = tree.pytest("test_double.py", cwd=tree.double.parent)
    assert "✓ SOLVED" in answer.screen
    assert answer.code == 0


def test_verbose_and_single_properties_bring_the_report_of_pytest(tree: Tree) -> None:
    tree.double.write_text(DOUBLE.replace("2.0 *", "2.5 *"))
    answer = tree.pytest("-v", *PYTEST)
    assert "test_doubles FAILED" in answer.screen
    assert "test_halves PASSED" in answer.screen
    assert answer.code == 1
    right = tree.pytest("-v", *PYTEST, "--target", "solutions")
    assert "test_doubles PASSED" in right.screen
    assert right.code == 0
    one = tree.pytest(f"{PYTEST[0]}::test_halves")
    assert "1 passed" in one.screen
    assert one.code == 0


def test_targets(tree: Tree) -> None:
    assert "✓ SOLVED" in tree.pytest(*PYTEST, "--target", "solutions").screen
    assert tree.kata("check", "--target", "solutions").code == 0
    assert "✓ SOLVED" in tree.kata("check", "double", KATA_TARGET="solutions").screen
    mine = tree.root / "mine" / "arithmetic"
    mine.mkdir(parents=True)
    (mine / "double.py").write_text(DOUBLE)
    answer = tree.kata("check", "double", "--target", str(mine.parent))
    assert "✓ SOLVED" in answer.screen
    lost = tree.kata("check", "--target", "nowhere")
    assert lost.code == 2
    assert lost.errors.startswith("kata: target must be")


def test_verdicts_as_json(tree: Tree) -> None:
    tree.double.write_text(attempt("return np.asarray(x, dtype=float) ** 2"))
    for command in (("dojo", "check", "double"), ("pytest", *PYTEST)):
        file = tree.root / "verdict.json"
        tree.run(*command, "--json", str(file))
        (verdict,) = json.loads(file.read_text())["verdicts"]
        assert verdict["state"] == "wrong"
        assert verdict["failure"]["property"] == "test_doubles"
        assert verdict["failure"]["calls"] == ["double(np.array([1.0]))"]
        assert verdict["failure"]["mistake"] == "squares"
        file.unlink()
