"""A small tree of katas in a temporary folder, and the commands run on it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dojo.stub import make_stub

ROOT = Path(__file__).parents[2]

TRACK = """
title = "Arithmetic"
order = 1

[[kata]]
name = "double"
title = "Doubling"
difficulty = 1
minutes = 5
asked = "rarely"
seconds = 2
forbidden = ["math.fsum"]
tags = []

[[kata]]
name = "counter"
title = "A counter"
difficulty = 2
minutes = 5
asked = "rarely"
seconds = 2
needs = ["double"]
tags = []
"""

DOUBLE = '''"""Doubling.

double(x) = x + x, for a float64 array of any shape.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def double(x: ArrayLike) -> NDArray[np.float64]:
    """Return twice `x`, float64."""
    return 2.0 * np.asarray(x, dtype=np.float64)


def halve(x: ArrayLike) -> NDArray[np.float64]:
    """Return half of `x`, float64."""
    return 0.5 * np.asarray(x, dtype=np.float64)
'''

TEST_DOUBLE = '''
import numpy as np
from hypothesis import example, given
from numpy.typing import NDArray

from dojo.testing import assert_close, assert_shape, vectors
from katas.arithmetic.double import double, halve


@given(vectors())
@example(np.array([1.0]))
def test_doubles(x: NDArray[np.float64]) -> None:
    """double(x) is x + x."""
    result = double(x)
    assert_shape(result, x.shape)
    assert_close(result, x + x)


@given(vectors())
@example(np.array([3.0]))
def test_halves(x: NDArray[np.float64]) -> None:
    """halve(x) is what gives x when it is added to itself."""
    result = halve(x)
    assert_shape(result, x.shape)
    assert_close(result + result, x)
'''

DOUBLE_NOTES = """
hints = ["Add it to itself.", "Two times x."]

[[mistake]]
name = "squares"
why = "Takes the square for the double."
hint = 2
breaks = "test_doubles"
find = "2.0 * np.asarray(x, dtype=np.float64)"
replace = "np.asarray(x, dtype=np.float64) ** 2.0"
"""

COUNTER = '''"""A counter that starts at zero."""


class Counter:
    """Counts."""

    def __init__(self, step: int = 1) -> None:
        self._step = step
        self._total = 0

    def add(self) -> int:
        """Add one step and return the total."""
        self._total += self._step
        return self._total
'''

TEST_COUNTER = '''
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal
from dojo.testing.stateful import StateMachine, run_machine
from katas.arithmetic.counter import Counter


class CounterMachine(StateMachine):
    @initialize(step=st.integers(1, 3))
    def begin(self, step: int) -> None:
        self.counter = Counter(step)
        self.step, self.total = step, 0

    @rule()
    def add(self) -> None:
        self.total += self.step
        assert_equal(self.counter.add(), self.total)


def test_counts() -> None:
    """Every call adds one step."""
    run_machine(CounterMachine)
'''

COUNTER_NOTES = 'hints = ["Keep a total."]\n'


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    screen: str
    errors: str


@dataclass(frozen=True)
class Tree:
    """A root with ``katas/`` and ``solutions/``."""

    root: Path

    @property
    def double(self) -> Path:
        """The learner's file of the first kata."""
        return self.root / "katas" / "arithmetic" / "double.py"

    @property
    def counter(self) -> Path:
        """The learner's file of the second kata."""
        return self.root / "katas" / "arithmetic" / "counter.py"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment in which this tree is the dojo."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        return kept | {"DOJO_ROOT": str(self.root), "NO_COLOR": "1"} | more

    def run(self, *command: str, cwd: Path | None = None, **more: str) -> Answer:
        """Run a Python module in the tree."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=cwd or self.root,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def kata(self, *arguments: str, **more: str) -> Answer:
        """Run the command line."""
        return self.run("dojo", *arguments, cwd=None, **more)

    def pytest(self, *arguments: str, cwd: Path | None = None) -> Answer:
        """Run plain pytest."""
        return self.run("pytest", *arguments, cwd=cwd)


def make_tree(root: Path) -> Tree:
    """Write the tree with untouched stubs."""
    katas, solutions = root / "katas" / "arithmetic", root / "solutions" / "arithmetic"
    katas.mkdir(parents=True)
    solutions.mkdir(parents=True)
    shutil.copy(ROOT / "katas" / "pytest.ini", root / "katas" / "pytest.ini")
    (katas / "track.toml").write_text(TRACK)
    for name, solution, test, notes in (
        ("double", DOUBLE, TEST_DOUBLE, DOUBLE_NOTES),
        ("counter", COUNTER, TEST_COUNTER, COUNTER_NOTES),
    ):
        (solutions / f"{name}.py").write_text(solution)
        (solutions / f"{name}.toml").write_text(notes)
        (katas / f"test_{name}.py").write_text(test)
        (katas / f"{name}.py").write_text(make_stub(solution))
    return Tree(root)
