"""Model versions that survive a crash.

A registry keeps the versions of a model in a folder, says which one serves, and goes
back to the one before when it must. Its state is

    versions = (v₁, …, vₙ)      in order of registration
    history  = (a₁, …, aₘ)      the activations that hold, each aᵢ a version, aᵢ ≠ aᵢ₊₁

and the active version is aₘ, or none where the history is empty.

Write `ModelVersionManager(base_path)`; `base_path`, text or a `Path`, is made where it
is missing, with the folders above it. Models are JSON values.

- `register(version, model)` appends to the versions and returns the path, as text, of
  the file below `base_path` that holds this version alone. Versions are immutable:
  nothing changes that file any more, and the name cannot be registered again.
- `activate(version)` appends to the history. It returns True, and where this version
  is the active one already, it changes nothing. False for one that was not registered.
- `rollback()` takes the last one off the history, so that the one before it is active
  again, and returns True; repeated, it goes further back. False, and no change, where
  there is none before.
- `load_active()` returns the model of the active version, equal to what was registered
  whatever the caller does to either; None where none is active.
- `versions()` returns a list, and the property `active` a name or None.

The name of a version is a letter or digit (of ASCII) followed by at most 63 letters,
digits, dots, underscores and hyphens. `register` raises `ValueError` that names
`version` for any other text and for a name that exists. A name is data: no version
may reach a file outside of the folder or the files of the registry itself, were it
called "state.json", and no two share a file, not even where the file system takes "V1"
and "v1" for one (let paths differ by more than case). A model that JSON cannot hold
raises `TypeError`. Whatever raises changes nothing.

All of it lives on the disk. Several managers may stand on one folder, and each call of
each sees what the others have done: keep no copy of the state. And a process may be
killed at any point, in the midst of a call, with no chance to clean up: a new manager
on the folder then finds the state before that call or the state after it, whole, and
all calls work, that of registering the same version again where it was lost included.
The usual way: one file for each version, and one small file for the state, never
written in place. Write a temporary file in the same folder, bring all of it to the
disk (`os.fsync`), then move it over the old one with `os.replace`, which is atomic. The
file of a version is complete and on the disk before the state names it. Files that a
killed process left behind may stay, and are in nobody's way.

Only one call changes the folder at a time; no lock is asked for.

Sources: POSIX.1-2017, `rename` and `fsync`; Pillai et al., "All File Systems Are Not
Created Equal: On the Complexity of Crafting Crash-Consistent Applications" (OSDI 2014),
section 2.

In production: a lock file (`flock`) makes the changes of several processes exclude each
other, the folder is synced too, and the files are signed.
"""

import json
import os
import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ModelVersionManager:
    """Keeps the versions of a model in one folder."""

    def __init__(self, base_path: str | Path) -> None:
        """Make the folder where it is missing."""
        self._folder = Path(base_path)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = self._folder / "state.json"

    @property
    def active(self) -> str | None:
        """The version that serves; None where there is none."""
        history = self._read()["history"]
        return history[-1] if history else None

    def versions(self) -> list[str]:
        """Return the versions in order of registration."""
        return self._read()["versions"]

    def register(self, version: str, model: object) -> str:
        """Keep `model`, a JSON value, as a new version; return the path of its file."""
        state = self._read()
        if not _NAME.fullmatch(version):
            raise ValueError(f"version must be a plain name, got {version!r}")
        if version in state["versions"]:
            raise ValueError(f"version must be a new one, got {version!r}")
        file = self._file(len(state["versions"]))
        _write(file, model)
        state["versions"].append(version)
        _write(self._state, state)
        return str(file)

    def activate(self, version: str) -> bool:
        """Make `version` the active one; return whether there is such a version."""
        state = self._read()
        if version not in state["versions"]:
            return False
        if state["history"][-1:] != [version]:
            state["history"].append(version)
            _write(self._state, state)
        return True

    def rollback(self) -> bool:
        """Make the version before active again; return whether there was one."""
        state = self._read()
        if len(state["history"]) < 2:
            return False
        state["history"].pop()
        _write(self._state, state)
        return True

    def load_active(self) -> object:
        """Return the model of the active version; None where none is active."""
        state = self._read()
        if not state["history"]:
            return None
        number = state["versions"].index(state["history"][-1])
        return json.loads(self._file(number).read_bytes())

    def _file(self, number: int) -> Path:
        return self._folder / f"{number}.json"

    def _read(self) -> dict[str, list[str]]:
        """Return the state on the disk."""
        if not self._state.exists():
            return {"versions": [], "history": []}
        state: dict[str, list[str]] = json.loads(self._state.read_bytes())
        return state


def _write(file: Path, value: object) -> None:
    """Put `value` into a file that others see whole or not at all."""
    content = json.dumps(value).encode()
    temporary = file.with_suffix(".tmp")
    with temporary.open("wb") as writer:
        writer.write(content)
        writer.flush()
        os.fsync(writer)
    temporary.replace(file)
