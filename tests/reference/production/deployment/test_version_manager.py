"""ModelVersionManager: against a model of it, against escapes and damage."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from reference.production.deployment import (
    IntegrityError,
    ModelFormat,
    ModelSerializer,
    ModelVersionManager,
)

SERIALIZER = ModelSerializer(b"a key of thirty-two bytes, fixed")
posix = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")


def manager(folder: str | Path) -> ModelVersionManager:
    return ModelVersionManager(folder, serializer=SERIALIZER, clock=lambda: 0.0)


class VersionMachine(RuleBasedStateMachine):
    """Two managers of one folder, beside a list, a dictionary and a stack."""

    versions = Bundle("versions")

    @initialize()
    def start(self) -> None:
        """Begin with an empty folder."""
        self.folder = TemporaryDirectory()
        self.managers = [manager(self.folder.name), manager(self.folder.name)]
        self.models: dict[str, object] = {}
        self.history: list[str] = []

    @rule(
        target=versions,
        version=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,5}", fullmatch=True),
        model=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=4,
        ),
        one=st.booleans(),
    )
    def register(self, version: str, model: object, one: bool) -> str:
        """A new version is added, an existing one refused."""
        if version in self.models:
            with pytest.raises(ValueError, match=r"^version must be a new one"):
                self.managers[one].register(version, model)
        else:
            path = Path(self.managers[one].register(version, model, {"auc": 0.5}))
            assert path.parent == Path(self.folder.name).resolve()
            assert SERIALIZER.load(path) == model
            self.models[version] = model
        return version

    @rule(version=versions, one=st.booleans())
    def activate(self, version: str, one: bool) -> None:
        """A version becomes active; the active one stays it."""
        assert self.managers[one].activate(version)
        if not self.history or self.history[-1] != version:
            self.history.append(version)

    @rule(one=st.booleans())
    def activate_unknown(self, one: bool) -> None:
        """An unknown version changes nothing."""
        assert not self.managers[one].activate("never-registered")

    @rule(one=st.booleans())
    def rollback(self, one: bool) -> None:
        """The one before becomes active, further back each time."""
        assert self.managers[one].rollback() == (len(self.history) > 1)
        if len(self.history) > 1:
            self.history.pop()

    @rule(one=st.booleans())
    def restart(self, one: bool) -> None:
        """A new process reads the same."""
        self.managers[one] = manager(self.folder.name)

    @invariant()
    def both_see_the_model(self) -> None:
        """Whatever one manager did, the other sees."""
        active = self.history[-1] if self.history else None
        expected = None if active is None else self.models[active]
        for each in self.managers:
            assert each.versions() == list(self.models)
            assert each.active == active
            assert each.load_active() == expected

    def teardown(self) -> None:
        """Remove the folder, where nothing but the versions may be left."""
        left = {entry.suffix for entry in Path(self.folder.name).iterdir()}
        assert left <= {".model", ".json", ""}
        self.folder.cleanup()


TestVersions = VersionMachine.TestCase
TestVersions.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def test_metadata_and_loading_of_any_version(tmp_path: Path) -> None:
    versions = ModelVersionManager(
        tmp_path, serializer=SERIALIZER, name="churn", clock=lambda: 1e9
    )
    versions.register("1.0", {"a": 1}, {"auc": 0.75})
    versions.register("1.1", {"a": 2}, format=ModelFormat.PICKLE)
    metadata = versions.get_metadata("1.0")
    assert (metadata.name, metadata.version) == ("churn", "1.0")
    assert metadata.metrics == {"auc": 0.75}
    assert metadata.created_at == "2001-09-09T01:46:40+00:00"
    assert versions.load("1.1") == {"a": 2}
    assert versions.load_active() is None
    with pytest.raises(ValueError, match=r"^version must be a registered one"):
        versions.load("2.0")


ESCAPES = [
    "",
    ".",
    "..",
    "../v1",
    "..\\v1",
    "/etc/passwd",
    "C:\\v1",
    "v1/../../v2",
    "a/b",
    "v1\0",
    "v1\n",
    " v1",
    "-v1",
    "_v1",
    "~",
    "$HOME",
    "%2e%2e",
    "vé",
    "１",  # a digit of full width
    "v\u2215w",  # a slash that is none
    "v\u202e1",
    "a" * 65,
]


@pytest.mark.parametrize("version", ESCAPES)
def test_versions_that_are_no_plain_names(tmp_path: Path, version: str) -> None:
    base = tmp_path / "base"
    versions = manager(base)
    for call in (
        lambda: versions.register(version, 1),
        lambda: versions.activate(version),
        lambda: versions.load(version),
    ):
        with pytest.raises(ValueError, match=r"^version must be 1 to 64"):
            call()
    assert list(tmp_path.rglob("*")) == [base]


@given(st.text(max_size=70))
def test_no_name_leaves_the_folder(version: str) -> None:
    with TemporaryDirectory() as name:
        base = Path(name, "base").resolve()
        try:
            path = manager(base).register(version, 1, format="pickle")
        except ValueError:
            return
        assert Path(path).parent == base
        assert list(Path(name).iterdir()) == [Path(name, "base")]


def test_names_that_file_systems_confuse(tmp_path: Path) -> None:
    versions = manager(tmp_path)
    for version in ("v1", "V1", "CON", "con.txt", "v1.", "lock", "state.json"):
        versions.register(version, version)
        assert versions.activate(version)
        assert versions.load_active() == version


def test_wrong_types_and_bad_arguments_leave_nothing(tmp_path: Path) -> None:
    versions = manager(tmp_path)
    attempts: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (TypeError, "version", lambda: versions.register(1, 1)),  # type: ignore[arg-type]  # wrong on purpose
        (TypeError, "version", lambda: versions.activate(None)),  # type: ignore[arg-type]  # wrong on purpose
        (TypeError, "metrics", lambda: versions.register("v", 1, {"a": "b"})),  # type: ignore[dict-item]  # wrong on purpose
        (ValueError, "format", lambda: versions.register("v", 1, format="yaml")),
        (TypeError, "model", lambda: versions.register("v", 1, format="onnx")),
        (TypeError, "base_path", lambda: ModelVersionManager(7)),  # type: ignore[arg-type]  # wrong on purpose
        (ValueError, "base_path", lambda: ModelVersionManager("a\0b")),
    ]
    for kind, argument, attempt in attempts:
        with pytest.raises(kind, match=rf"^{argument} must be"):
            attempt()
    assert list(tmp_path.iterdir()) == []


@posix
def test_symbolic_links_in_the_folder(tmp_path: Path) -> None:
    base, outside = tmp_path / "base", tmp_path / "outside"
    versions = manager(base)
    outside.write_text("precious")
    # planted where the next version would go: never written through
    (base / "000001.model").symlink_to(outside)
    path = Path(versions.register("v1", [1]))
    assert not path.is_symlink()
    assert outside.read_text() == "precious"
    assert versions.activate("v1")
    # a version's file that became a link, even to a good file
    path.rename(tmp_path / "moved.model")
    path.symlink_to(tmp_path / "moved.model")
    with pytest.raises(IntegrityError, match="symbolic link"):
        versions.load_active()
    for name in ("state.json", "lock"):
        (base / name).unlink()
        (base / name).symlink_to(outside)
        with pytest.raises((IntegrityError, OSError)):
            versions.register("v2", [2])
        assert outside.read_text() == "precious"
        (base / name).unlink()


@posix
def test_the_folder_itself_may_be_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    versions = manager("link")
    monkeypatch.chdir("/")
    assert Path(versions.register("v1", 1)).parent == (tmp_path / "real").resolve()


def test_a_damaged_version_is_never_activated(tmp_path: Path) -> None:
    versions = manager(tmp_path)
    paths = {name: Path(versions.register(name, [name])) for name in ("v1", "v2")}
    versions.activate("v1")
    good = paths["v2"].read_bytes()
    for bad in (good[:-1], b"", paths["v1"].read_bytes()):
        paths["v2"].write_bytes(bad)
        with pytest.raises(IntegrityError):
            versions.activate("v2")
        assert versions.active == "v1"
    paths["v2"].write_bytes(good)
    versions.activate("v2")
    paths["v1"].write_bytes(b"torn")
    with pytest.raises(IntegrityError):
        versions.rollback()
    assert versions.load_active() == ["v2"]


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    paths = {}
    for name in ("churn", "fraud"):
        versions = ModelVersionManager(
            tmp_path / name, serializer=SERIALIZER, name=name
        )
        paths[name] = Path(versions.register("v1", [name]))
    paths["fraud"].write_bytes(paths["churn"].read_bytes())
    with pytest.raises(IntegrityError, match="of 'fraud', got 'v1' of 'churn'"):
        versions.activate("v1")
    assert versions.active is None


@pytest.mark.parametrize("failing", range(1, 7))
def test_a_failing_disk_leaves_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    versions = manager(tmp_path)
    versions.register("v1", 1)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    fsync, calls = os.fsync, iter(range(1, 100))

    def fail(handle: int) -> None:
        if next(calls) == failing:
            raise OSError("no space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        versions.register("v2", 2)
    monkeypatch.undo()
    if failing < 6:  # the sixth waits for the folder, when all is in place
        assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        versions.register("v2", 2)
    assert versions.load("v2") == 2
