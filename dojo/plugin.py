"""The pytest plugin: plain ``pytest katas/…`` gives a verdict for each kata.

The process that the learner starts never imports the learner's code. It forks
(or starts) a child for each kata and reads what the child reports, so that no
file can hang it or spoil another kata's verdict. With ``-v``, ``-k`` or a single
property's name the child runs pytest's own report instead.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dojo.catalogue import Kata

_OWN_WAY = (
    "collectonly", "usepdb", "trace", "showfixtures", "show_fixtures_per_test",
    "help", "version", "markers",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the judge."""
    group = parser.getgroup("dojo", "judging katas")
    group.addoption(
        "--target",
        metavar="TREE",
        help="who answers for the katas: katas (default), solutions, reference, or "
        "a folder laid out like katas/; also as KATA_TARGET",
    )
    group.addoption("--json", metavar="FILE", help="write the verdicts as JSON")
    group.addoption(
        "--seed", type=int, default=0, metavar="N", help="seed of the generated inputs"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let the target answer for the katas where pytest runs them by itself."""
    if os.environ.get("DOJO_CHILD"):
        return
    from dojo.catalogue import CatalogueError, catalogue
    from dojo.targets import install, resolve_target

    try:
        shelf = catalogue()
        install(shelf, resolve_target(config.getoption("--target"), shelf.root))
    except CatalogueError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Take over where all that is asked for are katas."""
    if os.environ.get("DOJO_CHILD") or any(
        config.getoption(name, False) for name in _OWN_WAY
    ):
        return None
    from dojo.catalogue import CatalogueError, catalogue

    try:
        shelf = catalogue()
        chosen = _chosen(config, shelf.root)
        if chosen is None:
            return None
        katas = [kata for kata in shelf.katas if shelf.test_file(kata) in chosen]
        return _judge_all(config, katas)
    except CatalogueError as error:
        sys.stderr.write(f"pytest: {error}\n")
        return int(pytest.ExitCode.USAGE_ERROR)


def _chosen(config: pytest.Config, root: Path) -> set[Path] | None:
    """Return the test files asked for, None where anything else is."""
    tree = root / "katas"
    chosen: set[Path] = set()
    for argument in config.args:
        path = (config.invocation_params.dir / argument.split("::")[0]).resolve()
        if not path.is_relative_to(tree) or not path.exists():
            return None
        chosen.update(path.glob("**/test_*.py") if path.is_dir() else {path})
    return chosen or None


def _judge_all(config: pytest.Config, katas: "list[Kata]") -> int:
    from dojo.screen import wants_colour
    from dojo.session import judge_session

    wants_report = (
        config.getoption("verbose") > 0
        or bool(config.getoption("keyword"))
        or bool(config.getoption("markexpr"))
        or any("::" in argument for argument in config.args)
    )
    arguments = tuple(map(str, config.invocation_params.args))
    return judge_session(
        katas,
        target=config.getoption("--target"),
        seed=config.getoption("--seed"),
        json_file=config.getoption("--json"),
        arguments=arguments if wants_report else (),
        colour=wants_colour(str(config.getoption("color"))),
    )
