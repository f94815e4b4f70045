"""Fixtures of the runner's tests."""

from pathlib import Path

import pytest

from tests.dojo.tree import Tree, make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A fresh small tree of two katas that nobody has begun."""
    return make_tree(tmp_path)
