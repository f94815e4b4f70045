"""From the command to the verdict, as whole processes."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.commands import Tree
from benchmarks.pairs import compare
from dojo.catalogue import Kata, catalogue

_KATAS = [
    kata
    for kata in catalogue().katas
    if kata.name in ("softmax", "vectors") and catalogue().test_file(kata).exists()
]


@pytest.mark.parametrize("kata", _KATAS, ids=lambda kata: kata.name)
def test_pytest_on_one_kata(
    benchmark: BenchmarkFixture, tree: Tree, empty_test: Path, kata: Kata
) -> None:
    file = f"katas/{kata.track}/test_{kata.name}.py"
    compare(
        benchmark,
        f"pytest_{kata.name}",
        lambda: tree.succeed("-m", "pytest", file, "--target", "solutions"),
        lambda: tree.succeed(
            "-m", "pytest", "-p", "no:cacheprovider", empty_test.name,
            cwd=empty_test.parent, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        ),
    )  # fmt: skip


def _check(tree: Tree, names: Sequence[str]) -> None:
    tree.succeed("-m", "dojo", "check", "--target", "solutions", *names)


def test_check_unchanged(
    benchmark: BenchmarkFixture, tree: Tree, solved: Sequence[str]
) -> None:
    compare(
        benchmark,
        "check_unchanged",
        lambda: _check(tree, solved),
        lambda: tree.succeed("-c", "pass"),
        detail=f"{len(solved)} katas",
    )


def test_check_grows_slowly(
    benchmark: BenchmarkFixture, tree: Tree, solved: Sequence[str]
) -> None:
    compare(
        benchmark,
        "check_growth",
        lambda: _check(tree, solved),
        lambda: _check(tree, solved[:4]),
        detail=f"{len(solved)} katas",
    )
