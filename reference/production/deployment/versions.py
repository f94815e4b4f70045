"""Versions of a model in one folder: which there are, which one serves, which before.

Layout below the folder::

    state.json     the versions in order of registration, the numbers of their files,
                   the history of activations, and the number being written
    000001.model   a version's signed file; never changed
    lock           held by whoever changes something
    signing.key    the key, where none was given

``state.json`` is the only truth and is replaced atomically, always after the files that
it names are on disk: whenever a process dies, the state is the one before or the one
after. Files are named by number, so that no version's name can reach the file system.
A new version takes a number above all that are there, so that nothing is overwritten,
even where ``state.json`` was lost. Its number is put down before its file is written:
that, and nothing else, proves later that a dead process left the file.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reference.core.validation import require
from reference.production.deployment.formats import ModelFormat, ModuleBuilder
from reference.production.deployment.serializer import (
    ModelMetadata,
    ModelSerializer,
    VerifiedModel,
    checked_metrics,
)
from reference.production.files import (
    LOCK,
    IntegrityError,
    exclusive,
    read_whole,
    remove_leftovers,
    write_atomically,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE = re.compile(r"([0-9]{6,})\.model", re.ASCII)


@dataclass(frozen=True)
class _State:
    versions: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()  # of their files
    history: tuple[str, ...] = ()  # the last one is active
    writing: int | None = None  # the number of a file that no version has yet

    @property
    def active(self) -> str | None:
        return self.history[-1] if self.history else None


class ModelVersionManager:
    """Register, activate and roll back the versions of one model.

    Versions are immutable. Every operation acts on the state on disk, so that any
    number of processes and threads may use one folder; changes exclude each other by a
    lock, readers wait for nobody. A version's file is verified before it is activated
    and before it is loaded.

    ``serializer`` signs the files; by default its key is ``MODEL_SIGNING_KEY`` or else
    ``signing.key`` in the folder. ``name`` is the model's: where it is given, files of
    other models are refused, be they signed with the same key. ``clock`` gives seconds
    since the epoch and dates the versions. The folder is made where it is missing, and
    the key by the first ``register``; where either is missing later, reading raises.

    A change that raises is not made, with one exception: an ``OSError`` from waiting
    for the folder, the last step, which a power cut may yet undo.
    """

    def __init__(
        self,
        base_path: str | os.PathLike[str],
        *,
        serializer: ModelSerializer | None = None,
        name: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(base_path, str | os.PathLike):
            raise TypeError(f"base_path must be text or a path, got {base_path!r}")
        require("\0" not in os.fspath(base_path), "base_path", "without NUL", base_path)
        # resolved once: a change of directory later must not move the versions
        self.base_path = Path(base_path).resolve()
        self.base_path.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._clock = clock
        self._serializer = serializer or ModelSerializer(
            key_file=self.base_path / "signing.key"
        )

    @property
    def active(self) -> str | None:
        """The version that serves now; None before the first activation."""
        return self._read().active

    def versions(self) -> list[str]:
        """Return the versions in order of registration."""
        return list(self._read().versions)

    def register(
        self,
        version: str,
        model: object,
        metrics: Mapping[str, float] | None = None,
        format: str = ModelFormat.JOBLIB,  # noqa: A002 - the documents' name
        *,
        example_inputs: Sequence[object] | None = None,
    ) -> str:
        """Keep ``model`` as ``version`` and return the path of its file.

        Raises ``ValueError`` where the version exists or its name is not a plain one.
        """
        _require_name(version)
        _require_new(version, self._read())
        created = datetime.fromtimestamp(self._clock(), UTC)
        metadata = ModelMetadata(
            name=self.name,
            version=version,
            metrics=checked_metrics(metrics or {}),
            created_at=created.isoformat(timespec="seconds"),
        )
        # the slow part, before the lock
        content = self._serializer.pack(
            model, format, metadata, example_inputs=example_inputs
        )
        with self._changing() as state:
            _require_new(version, state)
            number = self._free_number(state)
            file = self._file(number)
            try:
                self._write(replace(state, writing=number))
                write_atomically(file, [content], locked=True)
                versions = (*state.versions, version)
                numbers = (*state.numbers, number)
                self._write(replace(state, versions=versions, numbers=numbers))
            except BaseException:
                with suppress(OSError):  # then the next change does it
                    self._undo(state, version, file)
                raise
        return str(file)

    def activate(self, version: str) -> bool:
        """Make ``version`` the active one; False where there is no such version.

        Raises ``IntegrityError``, and changes nothing, where its file is damaged.
        """
        _require_name(version)
        with self._changing() as state:
            if version not in state.versions:
                return False
            self._open(version, state)
            if version != state.active:
                self._write(replace(state, history=(*state.history, version)))
            return True

    def rollback(self) -> bool:
        """Make the version active that was so before; False where there was none.

        Repeated, it goes further back. Raises ``IntegrityError``, and changes nothing,
        where that version's file is damaged.
        """
        with self._changing() as state:
            history = state.history[:-1]
            if not history:
                return False
            self._open(history[-1], state)
            self._write(replace(state, history=history))
            return True

    def load_active(self, model_class: ModuleBuilder | None = None) -> Any:
        """Return the active version's model, verified; None where none is active."""
        state = self._read()
        if state.active is None:
            return None
        return self._open(state.active, state).unpack(model_class)

    def load(self, version: str, model_class: ModuleBuilder | None = None) -> Any:
        """Return the model of ``version``, verified, whether it is active or not."""
        return self.open(version).unpack(model_class)

    def get_metadata(self, version: str) -> ModelMetadata:
        """Return what was registered about ``version``: its metrics and its date."""
        metadata = self.open(version).metadata
        return metadata if metadata is not None else ModelMetadata()

    def open(self, version: str) -> VerifiedModel:
        """Verify the file of ``version``; nothing in it has run when this returns."""
        _require_name(version)
        state = self._read()
        require(version in state.versions, "version", "a registered one", version)
        return self._open(version, state)

    def _open(self, version: str, state: _State) -> VerifiedModel:
        file = self._file(state.numbers[state.versions.index(version)])
        verified = self._serializer.open(file, follow_links=False)
        found = verified.metadata or ModelMetadata()
        # a good file that this key signed, but in another one's place
        if found.version != version or (self.name and found.name != self.name):
            raise IntegrityError(
                f"path must be version {version!r} of {self.name!r}, got "
                f"{found.version!r} of {found.name!r} at {file}"
            )
        return verified

    def _file(self, number: int) -> Path:
        return self.base_path / f"{number:06d}.model"

    def _free_number(self, state: _State) -> int:
        found = (_FILE.fullmatch(file.name) for file in self.base_path.iterdir())
        there = (int(name[1]) for name in found if name)
        return max((0, *state.numbers, *there)) + 1

    @contextmanager
    def _changing(self) -> Iterator[_State]:
        self._require_folder()
        with exclusive(self.base_path / LOCK):
            # whoever wrote these is dead
            remove_leftovers(self.base_path)
            state = self._read()
            if state.writing is not None:
                self._file(state.writing).unlink(missing_ok=True)
                state = replace(state, writing=None)
                self._write(state)
            yield state

    def _undo(self, before: _State, version: str, file: Path) -> None:
        """Take back a registration that failed, unless it is in place already."""
        if version not in self._read().versions:
            file.unlink(missing_ok=True)
            self._write(before)

    def _require_folder(self) -> None:
        if not self.base_path.is_dir():
            raise FileNotFoundError(
                f"base_path must be a folder, got {self.base_path}, which has gone"
            )

    def _read(self) -> _State:
        file = self.base_path / "state.json"
        try:
            content = read_whole(file, follow_links=False)
        except (FileNotFoundError, NotADirectoryError):
            self._require_folder()
            return _State()
        try:
            return _state_from(json.loads(content))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise IntegrityError(
                f"base_path must hold a state that was written here, got {file} with "
                f"{error}"
            ) from error

    def _write(self, state: _State) -> None:
        text = json.dumps(asdict(state), indent=1) + "\n"
        file = self.base_path / "state.json"
        write_atomically(file, [text.encode("ascii")], locked=True)


def _state_from(record: object) -> _State:
    if not isinstance(record, dict):
        raise TypeError("another kind of JSON")
    versions, history = _list(record["versions"]), _list(record["history"])
    # the first states had no numbers: files were counted from one
    numbers = _list(record.get("numbers", list(range(1, len(versions) + 1))))
    writing = record.get("writing")
    for version in versions:
        _require_name(version)
    if len(set(versions)) != len(versions):
        raise ValueError("a version that is there twice")
    if not set(history) <= set(versions):
        raise ValueError("a history of unknown versions")
    used = numbers if writing is None else (*numbers, writing)
    whole = all(type(number) is int and number > 0 for number in used)
    if not whole or len(set(used)) != len(used) or len(numbers) != len(versions):
        raise ValueError("numbers that are not one file a version")
    return _State(versions, numbers, history, writing)


def _list(value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} instead of a list")
    return tuple(value)


def _require_name(version: str) -> None:
    if not isinstance(version, str):
        raise TypeError(f"version must be text, got {version!r}")
    plain = _NAME.fullmatch(version) is not None
    expected = "1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first"
    require(plain, "version", expected, version)


def _require_new(version: str, state: _State) -> None:
    require(version not in state.versions, "version", "a new one", version)
