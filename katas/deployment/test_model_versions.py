import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import rule

from dojo.recording import RECORDER
from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.files import MOVES, SYNCS, empty_folder, instead
from dojo.testing.stateful import StateMachine, run_machine
from katas.deployment.model_versions import ModelVersionManager

BASE = "models/churn"
LOOKALIKES = [
    *("v1", "V1", "v1.json", "v1.tmp", "state", "state.json", "state.tmp", "models"),
    *("versions", "history", "active", "active.json", "lock", "0", "1", "0.json"),
    *("000001.model", "manifest.json", "index.json", "registry.json", "a" * 64),
]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


@dataclass
class Registry:
    """What a manager is to do, in memory."""

    models: dict[str, object] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    @property
    def active(self) -> str | None:
        return self.history[-1] if self.history else None

    def register(self, version: str, model: object) -> None:
        self.models[version] = deepcopy(model)

    def activate(self, version: str) -> bool:
        if version in self.models and version != self.active:
            self.history.append(version)
        return version in self.models

    def rollback(self) -> bool:
        possible = len(self.history) > 1
        if possible:
            self.history.pop()
        return possible


Call = Callable[[ModelVersionManager | Registry], object]


@contextmanager
def quick_folder() -> Iterator[None]:
    """Work in a folder of one's own, on a disk that needs no waiting for."""
    unhurried = dict.fromkeys(SYNCS, lambda _handle: None)
    with empty_folder(), instead(unhurried, ModelVersionManager.register):
        yield


def assert_agrees(manager: ModelVersionManager, registry: Registry) -> None:
    """Check what a manager answers, changing nothing."""
    assert_equal(manager.versions(), list(registry.models), "the versions")
    assert_equal(manager.active, registry.active, "the active version")
    model = registry.models.get(registry.active or "")
    assert_equal(manager.load_active(), model, "the active model")


def assert_works(manager: ModelVersionManager, registry: Registry) -> None:
    """Check all of a manager's history and models, and that it can go on."""
    assert_agrees(manager, registry)
    while registry.rollback():
        assert_equal(manager.rollback(), True, "rollback")
        assert_equal(manager.active, registry.active, "the version rolled back to")
    assert_equal(manager.rollback(), False, "rollback at the beginning of the history")
    for version in ("a", "b", "c", "d"):
        if version not in registry.models:
            manager.register(version, f"{version}, registered again")
            registry.register(version, f"{version}, registered again")
    for version in registry.models:
        assert_equal(manager.activate(version), True, f"activate {version}")
        registry.activate(version)
        assert_agrees(manager, registry)


@given(names, values)
@example("v1", {"weights": [0.1, -2.0, 1e300], "classes": ["no", "städte"], "n": 3})
@example("2024-06-01", None)
@example("x" * 64, [[], {}, ""])
@example("7", False)
def test_a_registered_model_is_served(version: str, model: object) -> None:
    """A version that was registered and activated is the one that is loaded."""
    with quick_folder():
        manager = ModelVersionManager(BASE)
        path = manager.register(version, model)
        assert_equal(type(path), str, "the type of the path")
        assert_holds(Path(path).is_file(), "the path is that of a file", actual=path)
        inside = Path(BASE).resolve() in Path(path).resolve().parents
        assert_holds(inside, "the file is below base_path", actual=path)
        assert_equal(manager.active, None, "the active version")
        assert_equal(manager.activate(version), True, "activate")
        assert_equal(manager.active, version, "the active version")
        assert_equal(manager.versions(), [version], "the versions")
        assert_equal(manager.load_active(), model, "the active model")


def test_nothing_is_active_at_first() -> None:
    """An empty registry has no versions and no model, and nothing to go back to."""
    with quick_folder():
        manager = ModelVersionManager(Path(BASE))
        assert_agrees(manager, Registry())
        assert_equal(manager.activate("v1"), False, "activate an unknown version")
        assert_equal(manager.rollback(), False, "rollback")
        assert_agrees(ModelVersionManager(BASE), Registry())


def test_rollback_goes_back_through_the_history() -> None:
    """Each rollback makes the version active that was so before, down to the first."""
    with quick_folder():
        manager = ModelVersionManager(BASE)
        for version in ("a", "b", "c", "d"):
            manager.register(version, f"model {version}")
        assert_equal(manager.activate("b"), True, "activate")
        assert_equal(manager.rollback(), False, "rollback of the first activation")
        assert_equal(manager.active, "b", "the active version")
        for version in ("a", "d", "a", "c"):
            manager.activate(version)
        for version in ("a", "d"):
            assert_equal(manager.rollback(), True, "rollback")
            assert_equal(manager.active, version, "the active version")
            assert_equal(manager.load_active(), f"model {version}", "the model")
        manager.activate("c")
        for version in ("d", "a", "b"):
            assert_equal(manager.rollback(), True, "rollback")
            assert_equal(manager.active, version, "the active version")
        assert_equal(manager.rollback(), False, "rollback of the first activation")
        assert_equal(manager.versions(), ["a", "b", "c", "d"], "the versions")


def test_activating_the_active_one_changes_nothing() -> None:
    """To activate the active version again is answered by True, and is no history."""
    with quick_folder():
        manager = ModelVersionManager(BASE)
        manager.register("a", 1)
        manager.register("b", 2)
        for version in ("a", "a", "b", "b", "b"):
            assert_equal(manager.activate(version), True, f"activate {version}")
        assert_equal(manager.activate("c"), False, "activate an unknown version")
        assert_equal(manager.active, "b", "the active version")
        assert_equal(manager.rollback(), True, "rollback")
        assert_equal(manager.active, "a", "the active version")
        assert_equal(manager.rollback(), False, "rollback")


def test_versions_are_immutable() -> None:
    """A version's name is taken for good, and its file and its model never change."""
    with quick_folder():
        manager = ModelVersionManager(BASE)
        model = {"weights": [1.0, 2.0]}
        path = Path(manager.register("a", model))
        content = path.read_bytes()
        model["weights"].append(3.0)
        assert_raises_naming("version", manager.register, "a", "another model")
        manager.register("b", "b")
        for version in ("a", "b", "a"):
            manager.activate(version)
        assert_raises_naming("version", manager.register, "a", {"weights": [1.0, 2.0]})
        expected = {"weights": [1.0, 2.0]}
        for _ in range(2):
            loaded = manager.load_active()
            assert_equal(loaded, expected, "the model")
            loaded["weights"].clear()
        manager.versions().clear()
        assert_equal(manager.versions(), ["a", "b"], "the versions")
        assert_equal(path.read_bytes(), content, "the content of the version's file")


bad_names = st.text(max_size=3).filter(lambda name: not name.isascii()) | st.builds(
    lambda left, bad, right: left + bad + right,
    st.sampled_from(["v", "1", ""]),
    st.sampled_from([*"/\\ \n\0:*?<>|$~+=,;@#%&é²"]),
    st.sampled_from(["", "1", "v"]),
)


@given(bad_names)
@example("../v1")
@example("v1\n")
@example("")
@example("..")
@example(".hidden")
@example("-rf")
@example("_v1")
@example("é1")
@example("vé")
@example("v٣")
@example("/etc/passwd")
@example("a/b")
@example("x" * 65)
def test_names_cannot_escape(version: str) -> None:
    """A version that is not a plain name of at most 64 characters is refused."""
    with quick_folder():
        manager = ModelVersionManager(BASE)
        manager.register("a", 1)
        manager.activate("a")
        before = files()
        assert_raises_naming("version", manager.register, version, 2)
        assert_equal(files(), before, "the files")
        assert_agrees(manager, Registry({"a": 1}, ["a"]))


def files() -> list[str]:
    """Return the paths of all files."""
    found = (path for path in Path().rglob("*") if path.is_file())
    return sorted(str(path) for path in found)


def test_versions_never_share_a_file() -> None:
    """Names that look like the registry's files, or differ by case, do no harm."""
    with quick_folder():
        manager = ModelVersionManager(BASE)
        paths = [manager.register(name, f"model {name}") for name in LOOKALIKES]
        distinct = {str(Path(path).resolve()).casefold() for path in paths}
        claim = "the paths differ by more than case"
        assert_holds(len(distinct) == len(paths), claim, actual=paths)
        assert_equal(manager.versions(), LOOKALIKES, "the versions")
        for name in LOOKALIKES:
            assert_equal(manager.activate(name), True, f"activate {name}")
            assert_equal(manager.load_active(), f"model {name}", f"the model {name}")


def test_what_cannot_be_written_changes_nothing() -> None:
    """A model that JSON cannot hold raises, and its name can still be registered."""
    with quick_folder():
        manager = ModelVersionManager(BASE)
        manager.register("a", 1)
        manager.activate("a")
        bad = {"weights": ["x" * 10_000, (number for number in range(3))]}
        try:
            manager.register("b", bad)
        except TypeError:
            assert_agrees(manager, Registry({"a": 1}, ["a"]))
        else:
            assert_holds(condition=False, claim="a TypeError is raised")
        manager.register("b", 2)
        assert_agrees(manager, Registry({"a": 1, "b": 2}, ["a"]))


class TwoManagers(StateMachine):
    """Two managers on one folder, either of which may be a new one at any time."""

    versions = st.sampled_from(["v1", "V1", "2.0", "state"])
    which = st.integers(0, 1)

    def __init__(self) -> None:
        super().__init__()
        self.folder = quick_folder()
        self.folder.__enter__()
        self.managers = [ModelVersionManager(BASE), ModelVersionManager(Path(BASE))]
        self.registry = Registry()

    @rule(which=which, version=versions, model=values)
    def register(self, which: int, version: str, model: object) -> None:
        manager = self.managers[which]
        if version in self.registry.models:
            assert_raises_naming("version", manager.register, version, model)
        else:
            manager.register(version, model)
            self.registry.register(version, model)
        self.check()

    @rule(which=which, version=versions)
    def activate(self, which: int, version: str) -> None:
        expected = self.registry.activate(version)
        assert_equal(self.managers[which].activate(version), expected, "activate")
        self.check()

    @rule(which=which)
    def rollback(self, which: int) -> None:
        expected = self.registry.rollback()
        assert_equal(self.managers[which].rollback(), expected, "rollback")
        self.check()

    @rule(which=which)
    def restart(self, which: int) -> None:
        self.managers[which] = ModelVersionManager(BASE)
        self.check()

    def check(self) -> None:
        for manager in self.managers:
            assert_agrees(manager, self.registry)

    def teardown(self) -> None:
        self.folder.__exit__(None, None, None)


def test_two_managers_see_each_other() -> None:
    """What one manager changes, another one on the folder and a new one see at once."""
    run_machine(TwoManagers, steps=12)


class Killed(BaseException):
    """The process is no more."""


class Fate:
    """Kills the process at a turn, counted from 0: before or after a file operation.

    Once it is dead, it can do nothing more to files. Reading takes no turn.
    """

    _OPENING = (io.open, os.open)
    _CHANGING = (
        *("write", "fsync", "fdatasync", "replace", "rename", "link", "symlink"),
        *("unlink", "remove", "mkdir", "rmdir", "truncate", "ftruncate"),
    )

    def __init__(self, turn: int) -> None:
        self.turns_left = turn
        self.death = ""
        self._handles: set[int] = set()

    def replacements(self) -> dict[Callable[..., object], Callable[..., object]]:
        changing = [getattr(os, name) for name in self._CHANGING if hasattr(os, name)]
        return {
            **{function: self._changing(function) for function in changing},
            **{function: self._opening(function) for function in self._OPENING},
        }

    def _pass(self, point: str) -> None:
        if not self.death and self.turns_left == 0:
            self.death = point
        self.turns_left -= 1
        if self.death:
            raise Killed(self.death)

    def _changing(self, function: Callable[..., object]) -> Callable[..., object]:
        name = getattr(function, "__name__", "fsync")

        def operation(*args: object, **options: object) -> object:
            # The judge's own pipes are no file of the registry.
            foreign = isinstance(args[0], int) and args[0] not in self._handles
            if foreign:
                return function(*args, **options)
            self._pass(f"before os.{name}")
            result = function(*args, **options)
            self._pass(f"after os.{name}")
            return result

        return operation

    def _opening(self, function: Callable[..., object]) -> Callable[..., object]:
        def opening(*args: object, **options: object) -> object:
            mode = options.get("mode", options.get("flags", [*args, "r"][1]))
            reads = mode & 3 == os.O_RDONLY if isinstance(mode, int) else "r" in mode
            if reads and not self.death:
                return function(*args, **options)
            self._pass("before a file is opened for writing")
            opened = function(*args, **options)
            handle = opened if isinstance(opened, int) else opened.fileno()
            self._handles.add(handle)
            try:
                self._pass("after a file was opened for writing")
            except Killed:
                if isinstance(opened, int):
                    os.close(opened)
                else:
                    opened.close()
                raise
            return opened

        return opening


def outlived(call: Call, prepare: list[Call], turn: int) -> bool:
    """Kill a process in the midst of a call; tell whether the call was done before."""
    fate = Fate(turn)
    RECORDER.begin()
    with quick_folder():
        registry = Registry()
        if prepare:
            manager = ModelVersionManager(BASE)
            for earlier in prepare:
                earlier(manager)
                earlier(registry)
        old = deepcopy(registry)
        call(registry)
        with instead(fate.replacements(), ModelVersionManager.register):
            try:
                call(ModelVersionManager(BASE))
            except Killed:
                RECORDER.step(f"# the process is killed {fate.death}")
        survivor = ModelVersionManager(BASE)
        seen = survivor.versions(), survivor.active
        is_new = seen == (list(registry.models), registry.active)
        assert_works(survivor, registry if is_new or not fate.death else old)
    return not fate.death


def test_a_kill_leaves_the_old_state_or_the_new() -> None:
    """Whenever a process is killed, the next finds one whole state and can go on."""
    prepare: list[Call] = [
        lambda it: it.register("a", {"model": "a"}),
        lambda it: it.register("b", {"model": "b"}),
        lambda it: it.activate("a"),
        lambda it: it.activate("b"),
        lambda it: it.activate("a"),
    ]
    calls: list[tuple[list[Call], Call]] = [
        (prepare, lambda it: it.activate("b")),
        (prepare, lambda it: it.rollback()),
        (prepare, lambda it: it.register("c", {"model": "c", "long": [0.5] * 9})),
        ([], lambda it: it.register("a", {"model": "a"})),
    ]
    for earlier, call in calls:
        for turn in range(400):
            if outlived(call, earlier, turn):
                break


def test_all_is_on_the_disk_before_it_takes_a_name() -> None:
    """A file is synced whole before it is moved, a version before the state has it."""
    synced: dict[int, int] = {}
    moved: list[tuple[bool, dict[int, int]]] = []

    def sync(handle: object) -> None:
        about = os.fstat(handle if isinstance(handle, int) else handle.fileno())
        synced[about.st_ino] = about.st_size

    def watched(move: Callable[..., None]) -> Callable[..., None]:
        def moving(source: str, target: str, **options: object) -> None:
            about = Path(source).stat()
            whole = synced.get(about.st_ino) == about.st_size
            moved.append((whole, dict(synced)))
            move(source, target, **options)

        return moving

    # On the outside, quick_folder() would have put its own in the place of os.fsync.
    watching = {**dict.fromkeys(SYNCS, sync), **{m: watched(m) for m in MOVES}}
    calls: list[Call] = [
        lambda it: it.register("a", {"weights": [0.25] * 20}),
        lambda it: it.register("b", 2),
        lambda it: it.activate("a"),
        lambda it: it.activate("b"),
        lambda it: it.rollback(),
    ]
    with empty_folder(), instead(watching, ModelVersionManager.register):
        manager = ModelVersionManager(BASE)
        for call in calls:
            moved.clear()
            result = call(manager)
            assert_holds(bool(moved), "the state is put in place by os.replace")
            whole = all(was_whole for was_whole, _ in moved)
            assert_holds(whole, "all bytes of a file are synced before it is moved")
            if isinstance(result, str):
                about = Path(result).stat()
                size = moved[-1][1].get(about.st_ino)
                what = "how many bytes of the version are synced before the state is"
                assert_equal(size, about.st_size, what)
