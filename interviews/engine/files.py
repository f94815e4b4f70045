"""The files that a round begins with."""

from collections.abc import Mapping
from pathlib import Path

from dojo.progress import write_atomically


def write_missing(folder: Path, files: Mapping[str, str]) -> None:
    """Write each file whole or not at all, and none that is there already.

    What the candidate wrote must survive a resumed session.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        file = folder / name
        if not file.exists():
            write_atomically(file, text)
