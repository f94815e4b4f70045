"""The machine's description, and a copy of the katas to judge."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks.commands import Tree, copy_tree, fill

_LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "numba",
    "cachetools",
    "redis",
    "hnswlib",
    "faiss-cpu",
    "fastapi",
    "uvicorn",
    "litserve",
    "pytest",
)


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, object]
) -> None:
    """Tell which versions were measured, and on how many cores."""
    del config
    machine_info["versions"] = {name: version(name) for name in _LIBRARIES}
    machine_info["cores"] = os.cpu_count()


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A copy of katas and solutions, so that the learner's records stay as they are."""
    return copy_tree(tmp_path_factory.mktemp("dojo"))


@pytest.fixture(scope="session")
def solved(tree: Tree) -> Sequence[str]:
    """The katas whose solutions hold; their verdicts are now kept."""
    return fill(tree)


@pytest.fixture(scope="session")
def empty_test(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test file with one empty test, in a folder of its own."""
    file = tmp_path_factory.mktemp("empty") / "test_empty.py"
    file.write_text("def test_nothing() -> None:\n    pass\n", encoding="utf-8")
    return file
