import errno
import hmac
import json
import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from dojo.recording import RECORDER
from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.files import MOVES, SYNCS, empty_folder, instead
from dojo.testing.threads import run_inside, visit
from katas.deployment.model_serializer import (
    IntegrityError,
    ModelMetadata,
    ModelSerializer,
)

KEY = b"sixteen bytes ok"
FILE = "churn.model"
SPRUNG = "the trap was sprung"

texts = st.text(max_size=6)
numbers = st.floats(allow_nan=False, allow_infinity=False)
models = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts | st.binary(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(texts | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
facts = st.tuples(
    texts,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.dictionaries(texts, numbers, max_size=3),
    texts,
)
Facts = tuple[str, str, tuple[str, ...], dict[str, float], str]
CHURN: Facts = ("churn", "v3", ("age", "städte"), {"auc": 0.875}, "2025-03-01")


class Trap:
    """Unpickling one makes a folder: a harmless stand-in for any command."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (SPRUNG,)


class Unpicklable:
    """Raises after the pickle of its left neighbour is complete."""

    def __reduce__(self) -> tuple[object, ...]:
        raise ArithmeticError("this model cannot be pickled")


def files() -> list[str]:
    """Return the names of the files in the folder."""
    return sorted(path.name for path in Path().iterdir())


def facts_of(metadata: ModelMetadata | None) -> object:
    """Return the values of metadata as a plain tuple."""
    if metadata is None:
        return None
    plain = metadata.name, metadata.version, metadata.features
    return *plain, dict(metadata.metrics), metadata.created_at


def assert_refused(content: bytes, how: str) -> None:
    """Check that a file of this content is refused and that nothing in it is run."""
    Path(FILE).write_bytes(content)
    RECORDER.begin()
    RECORDER.step(f"# {how}")
    serializer = ModelSerializer(KEY)
    assert_raises_naming("path", serializer.load, FILE, error=IntegrityError)
    assert_raises_naming("path", serializer.get_metadata, FILE, error=IntegrityError)
    assert_holds(not Path(SPRUNG).exists(), "nothing of a refused file is unpickled")


def saved(model: object, facts: Facts, key: bytes = KEY) -> bytes:
    """Return the bytes of the file of a model."""
    ModelSerializer(key).save(model, FILE, metadata=ModelMetadata(*facts))
    return Path(FILE).read_bytes()


@given(models)
@example({"weights": np.arange(6.0).reshape(2, 3), "rate": Fraction(1, 3)})
@example((1, {2: "two"}, b"\x00", None))
@example("x" * 70_000)
def test_a_model_comes_back(model: object) -> None:
    """What was saved is loaded again, by another serializer with the same key too."""
    with empty_folder():
        serializer = ModelSerializer(KEY)
        assert_equal(serializer.save(model, FILE), FILE, "the path")
        assert_equal(files(), [FILE], "the files in the folder")
        assert_equal(serializer.load(FILE), model, "the model")
        assert_equal(ModelSerializer(KEY).load(Path(FILE)), model, "the model")


def test_a_newer_model_takes_the_place_of_the_older() -> None:
    """Saving to a path where there is a file replaces it, shorter or longer."""
    with empty_folder():
        serializer = ModelSerializer(KEY)
        for model in ("first", "x" * 5000, "3"):
            path = serializer.save(model, Path(FILE), format="pickle")
            assert_equal(path, FILE, "the path")
            assert_equal(serializer.load(FILE), model, "the model")
            assert_equal(serializer.get_metadata(FILE), None, "the metadata")
            assert_equal(files(), [FILE], "the files in the folder")


@given(facts)
@example(("", "", (), {}, ""))
@example(CHURN)
@example(("a", "b", ("feature",) * 60, {"auc": 0.1, "f1": 1e300}, "c"))
def test_metadata_comes_back(values: Facts) -> None:
    """The metadata of a file equals what was saved, the features a tuple again."""
    with empty_folder():
        saved("model", values)
        metadata = ModelSerializer(KEY).get_metadata(Path(FILE))
        assert_equal(facts_of(metadata), values, "the metadata")
        assert_holds(metadata == ModelMetadata(*values), "metadata is equal by value")
        assert_equal(ModelSerializer(KEY).load(FILE), "model", "the model")


def test_metadata_is_read_without_unpickling_the_model() -> None:
    """`get_metadata` runs nothing of the model, not even of one that we signed."""
    with empty_folder():
        saved(Trap(), CHURN)
        metadata = ModelSerializer(KEY).get_metadata(FILE)
        assert_equal(facts_of(metadata), CHURN, "the metadata")
        assert_holds(not Path(SPRUNG).exists(), "the model is not unpickled")
        ModelSerializer(KEY).load(FILE)
        assert_holds(Path(SPRUNG).exists(), "loading does unpickle it")


def test_what_we_did_not_sign_is_never_run() -> None:
    """A foreign pickle, or a file under another key, is refused before unpickling."""
    parsing = json.JSONDecodeError("bad", "{", 0)
    own = issubclass(IntegrityError, ValueError)
    assert_holds(
        own and not isinstance(parsing, IntegrityError), "the error is its own"
    )
    with empty_folder():
        assert_refused(b"", "an empty file")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for payload in (Trap(), {"model": Trap(), "metadata": None}):
                content = pickle.dumps(payload, protocol)
                assert_refused(content, f"a foreign pickle, protocol {protocol}")
        for key in (KEY[::-1], KEY + b"!", b"sixteen bytes of"):
            assert_refused(saved(Trap(), CHURN, key), f"a file under the key {key!r}")
        assert_refused(b"\0" * 32 + pickle.dumps(Trap()), "a pickle behind zeros")


def test_no_byte_may_differ() -> None:
    """A file with one bit flipped, the end cut off or something added is refused."""
    with empty_folder():
        content = saved(Trap(), CHURN)
        for place, byte in enumerate(content):
            flipped = bytes([byte ^ 1 << place % 8])
            changed = content[:place] + flipped + content[place + 1 :]
            assert_refused(changed, f"byte {place} of the file is changed")
            assert_refused(content[:place], f"the file is cut to {place} bytes")
        for more in (b"\0", b"\n", pickle.dumps(Trap())):
            assert_refused(content + more, "the file has more bytes at the end")
            assert_refused(more + content, "the file has more bytes at the beginning")
        ModelSerializer(KEY).save(None, FILE)
        # HMAC fills a short key with zeros: content in the key's place would be.
        assert_refused(
            Path(FILE).read_bytes() + b"\0", "the file has a zero at the end"
        )


def mixtures(one: bytes, other: bytes) -> set[bytes]:
    """Return the two files put together from parts of each other."""
    places = range(1, min(len(one), len(other)))
    # Where a stretch in which they differ begins or ends. A tag may be any part of one.
    differ = [left != right for left, right in zip(one, other, strict=False)]
    edges = [place for place in places if differ[place] != differ[place - 1]]
    mixed = {one[:place] + other[place:] for place in places}
    for begin, end in combinations(edges, 2):
        swapped = one[:begin] + other[begin:end] + one[end:]
        mixed.add(swapped)
        mixed |= {other[:place] + swapped[place:] for place in places[7::8]}
    return mixed - {one, other}


def test_parts_of_two_files_do_not_mix() -> None:
    """Parts of two signed files, put together, make no signed file."""
    with empty_folder():
        one = saved(["model", 1], CHURN)
        other = saved(["trap!", 2], ("churn", "v4", *CHURN[2:]))
        for mixed in sorted(mixtures(one, other)):
            assert_refused(mixed, "a file of parts of two signed files")


def test_what_is_verified_is_what_is_loaded() -> None:
    """A file that is exchanged after it was verified changes nothing any more."""
    foreign = pickle.dumps(Trap())

    def exchange(left: bytes, right: bytes) -> bool:
        Path(FILE).write_bytes(foreign)
        return compare(left, right)

    compare = hmac.compare_digest
    with empty_folder():
        content = saved("model", CHURN)
        with instead({compare: exchange}, ModelSerializer.save):
            assert_equal(ModelSerializer(KEY).load(FILE), "model", "the model")
            exchanged = Path(FILE).read_bytes() == foreign
            assert_holds(exchanged, "load compares the tags by hmac.compare_digest")
            Path(FILE).write_bytes(content)
            metadata = ModelSerializer(KEY).get_metadata(FILE)
            assert_equal(facts_of(metadata), CHURN, "the metadata")
            exchanged = Path(FILE).read_bytes() == foreign
            claim = "get_metadata compares the tags by hmac.compare_digest"
            assert_holds(exchanged, claim)


def failing(error: BaseException) -> Callable[..., None]:
    """Return a function that raises."""

    def fail(*_args: object, **_kwargs: object) -> None:
        raise error

    return fail


def test_a_failing_save_leaves_all_as_it_was() -> None:
    """A save that fails raises the error, and leaves the old file and no other."""
    full, interrupt = OSError(errno.ENOSPC, "the disk is full"), KeyboardInterrupt()
    cases = [
        (["x" * 100_000, Unpicklable()], {}, ArithmeticError),
        ("new", dict.fromkeys(SYNCS, failing(full)), OSError),
        ("new", dict.fromkeys(SYNCS, failing(interrupt)), KeyboardInterrupt),
        ("new", dict.fromkeys(MOVES, failing(full)), OSError),
        ("new", dict.fromkeys(MOVES, failing(interrupt)), KeyboardInterrupt),
    ]
    for model, replacements, error in cases:
        for old in (None, "old"):
            RECORDER.begin()
            names = {function.__name__ for function in replacements}
            how = f"os.{' and os.'.join(sorted(names))}" if names else "the pickling"
            with empty_folder():
                serializer = ModelSerializer(KEY)
                if old is not None:
                    serializer.save(old, FILE)
                RECORDER.step(f"# {how} now raises {error.__name__}")
                with instead(replacements, ModelSerializer.save):
                    raised = _raised(lambda: serializer.save(model, FILE), error)  # noqa: B023 - called at once
                assert_holds(raised, f"the {error.__name__} is raised")
                left = [FILE] if old is not None else []
                assert_equal(files(), left, "the files in the folder")
                if old is not None:
                    assert_equal(serializer.load(FILE), old, "the model")


def _raised(call: Callable[[], object], error: type[BaseException]) -> bool:
    try:
        call()
    except error:
        return True
    return False


def test_all_is_on_the_disk_before_it_takes_the_place() -> None:
    """All bytes of a file in the same folder are synced, then it is put in place."""
    synced: dict[int, int] = {}
    moves: list[tuple[Path, int | None, object]] = []

    def sync(handle: object) -> None:
        about = os.fstat(handle if isinstance(handle, int) else handle.fileno())
        synced[about.st_ino] = about.st_size

    def watched(move: Callable[..., None]) -> Callable[..., None]:
        def moved(source: str, target: str, **options: object) -> None:
            folder = Path(source).resolve().parent
            old = ModelSerializer(KEY).load(FILE)
            moves.append((folder, synced.get(Path(source).stat().st_ino), old))
            move(source, target, **options)

        return moved

    with empty_folder():
        ModelSerializer(KEY).save("old", FILE)
        watching = {**dict.fromkeys(SYNCS, sync), **{m: watched(m) for m in MOVES}}
        with instead(watching, ModelSerializer.save):
            ModelSerializer(KEY).save("new", FILE)
        assert_equal(len(moves), 1, "how often a file is put in place")
        folder, size, old = moves[0]
        assert_equal(folder, Path.cwd().resolve(), "the folder of the temporary file")
        wanted = Path(FILE).stat().st_size
        assert_equal(size, wanted, "how many of its bytes are on the disk by then")
        assert_equal(old, "old", "the model that others load until then")
        assert_equal(ModelSerializer(KEY).load(FILE), "new", "the model afterwards")


def test_two_may_save_at_once() -> None:
    """A save in the midst of another one to the same path disturbs neither."""
    visited = dict.fromkeys(SYNCS, lambda _handle: visit())
    with empty_folder(), instead(visited, ModelSerializer.save):
        run_inside(
            lambda: ModelSerializer(KEY).save("first", FILE),
            lambda: ModelSerializer(KEY).save("the second", FILE),
            turn=0,
        )
        model = ModelSerializer(KEY).load(FILE)
        claim = "the file is one of the two, whole"
        assert_holds(model in ("first", "the second"), claim, actual=model)
        assert_equal(files(), [FILE], "the files in the folder")


def test_bad_input_is_refused() -> None:
    """Short keys, unknown formats and missing files raise, and nothing is written."""
    for key in (b"", b"x", b"x" * 15):
        assert_raises_naming("key", ModelSerializer, key)
    with empty_folder():
        serializer = ModelSerializer(b"x" * 16)
        for name in ("csv", "Pickle", ""):
            assert_raises_naming("format", serializer.save, 1, FILE, name)
        assert_equal(files(), [], "the files in the folder")
        for call in (serializer.load, serializer.get_metadata):
            assert_raises_naming(FILE, call, FILE, error=FileNotFoundError)
