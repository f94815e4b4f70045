"""A table to play at."""

from pathlib import Path

import pytest

from tests.interviews.engine.playing import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A folder for a session, its clock, judge and screen."""
    return Table(tmp_path / "session-1")
