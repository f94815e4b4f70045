import inspect
import itertools
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from numpy.typing import NDArray

from dojo.recording import RECORDER
from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    seeds,
    unchanged,
)
from dojo.testing.stateful import StateMachine, run_machine, step
from dojo.testing.threads import Team
from katas.vector_search.vector_index import VectorIndex

if TYPE_CHECKING:
    from _typeshed import TraceFunction

Vector = NDArray[np.float64]
Vectors = dict[int, Vector]
Answer = TypeVar("Answer")
Other = TypeVar("Other")

METRICS = ("euclidean", "inner_product")
# Of whole numbers, squares and products are exact, and often tie.
whole = st.integers(-2, 2).map(float)
points = st.tuples(whole, whole).map(np.array)
few_ids = st.lists(st.integers(0, 6), max_size=4)
SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])


def exact(
    vectors: Vectors, metric: str, query: Vector, k: int
) -> tuple[list[int], list[float]]:
    """Return the ids and the distances of the k nearest."""
    found = []
    for one, vector in vectors.items():
        gap = np.sqrt(np.square(vector - query).sum())
        distance = gap if metric == "euclidean" else -(vector * query).sum()
        found.append((float(np.float32(distance)), one))
    nearest = sorted(found)[:k]
    return [one for _, one in nearest], [distance for distance, _ in nearest]


def assert_answers(
    index: VectorIndex, vectors: Vectors, metric: str, query: Vector, k: int
) -> None:
    """Check one search, with shapes and dtypes."""
    ids, distances = index.search(query, k)
    expected, gaps = exact(vectors, metric, query, k)
    assert_shape(ids, (len(expected),), "ids")
    assert_dtype(ids, np.int64, "ids")
    assert_dtype(distances, np.float32, "distances")
    assert_equal(ids.tolist(), expected, "ids")
    assert_equal(distances.tolist(), gaps, "distances")


def square() -> VectorIndex:
    """Return an index of the first two corners."""
    index = VectorIndex.create("brute_force", 2, "euclidean")
    index.add(SQUARE[:2])
    return index


@contextmanager
def folder() -> Iterator[Path]:
    """Lend an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def watched(call: Callable[[], Answer], at_line: Callable[[int], object]) -> Answer:
    """Make a call, and report each line of the judged code before it is run."""
    home = str(Path(inspect.unwrap(VectorIndex.add).__code__.co_filename).parent)
    lines = 0

    def watch(frame: FrameType, event: str, _: object) -> "TraceFunction | None":
        nonlocal lines
        name = frame.f_code.co_filename
        judged = name.startswith(home) and name != __file__
        # A file may be written by a line within pathlib.
        if not (judged or name.endswith("pathlib.py")):
            return None
        if event == "line":
            lines += 1
            at_line(lines)
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return call()
    finally:
        sys.settrace(before)


class Beside(Generic[Answer]):
    """Makes a call in another thread, again and again, but one at a time."""

    def __init__(self, call: Callable[[], Answer]) -> None:
        self._call = call
        self._idle = threading.Event()
        self._idle.set()
        self._teams: list[Team[Answer]] = []

    def begin(self, line: int, at: int | None = None) -> None:
        """Begin, at that line or at any, and let the call finish if it can."""
        if self._idle.is_set() and at in (None, line):
            self._idle.clear()
            step("# at one line of this call, in another thread:")
            self._teams.append(Team([self._run]))
            # Whoever needs longer may be waiting for a lock.
            if not self._idle.wait(0.002):
                self._teams[-1].settle()

    def answers(self) -> list[Answer]:
        """Return what each call gave, now that nothing is in its way."""
        found = []
        for team in self._teams:
            for answer in team.join():
                if isinstance(answer, Exception):
                    raise answer
                found.append(answer)
        return found

    def _run(self) -> Answer:
        try:
            return self._call()
        finally:
            self._idle.set()


def meetings(
    first: Callable[[VectorIndex], Answer], second: Callable[[VectorIndex], Other]
) -> Iterator[tuple[VectorIndex, Answer, Other]]:
    """Interrupt a first call by a second one, at each of its lines in turn.

    Each time with a new index, which is returned with both answers. The second call
    is made by another thread, which may have to wait until the first one is done.
    """
    for line in itertools.count(1):
        RECORDER.begin()
        index = square()
        beside = Beside(partial(second, index))
        answer = watched(partial(first, index), partial(beside.begin, at=line))
        others = beside.answers()
        if not others:
            return
        yield index, answer, others[0]


def ids_near_origin(index: VectorIndex) -> list[int]:
    """Return the ids that a search of everything finds, sorted."""
    ids, distances = index.search([0.0, 0.0], 9)
    expected = np.sqrt(np.square(SQUARE[ids % 4]).sum(axis=1)).astype(np.float32)
    assert_equal(distances, expected, "the distances to (0, 0)")
    return sorted(ids.tolist())


def ids_in(path: Path) -> list[int] | str:
    """Return the ids of an index in a file, or why it cannot be loaded."""
    try:
        return ids_near_origin(VectorIndex.load(path))
    except (OSError, ValueError) as error:
        return repr(error)


@given(
    st.lists(points, max_size=6), points, st.integers(1, 8), st.sampled_from(METRICS)
)
@example([np.array([1.0, 0.0])] * 3, np.zeros(2), 2, "euclidean")
@example([*SQUARE], np.ones(2), 3, "inner_product")
@example([*SQUARE], np.ones(2), 4, "euclidean")
def test_the_nearest_come_first(
    vectors: list[Vector], query: Vector, k: int, metric: str
) -> None:
    """A search gives the k nearest from near to far, equal distances by the id."""
    index = VectorIndex.create("brute_force", 2, metric)
    assert_answers(index, {}, metric, query, k)
    ids = index.add(np.reshape(vectors, (-1, 2))[::-1], range(len(vectors))[::-1])
    assert_equal(ids, np.arange(len(vectors))[::-1], "ids")
    assert_answers(index, dict(enumerate(vectors)), metric, query, k)


def test_directions_are_compared_by_default() -> None:
    """The distance is 1 − cos by default, and 1 where there is a zero vector."""
    index = VectorIndex.create("brute_force", 2)
    index.add([[-2.0, 0.0], [3.0, 4.0], [0.0, 0.0], [5.0, 0.0]])
    for length in (2.0, 0.01):
        ids, distances = index.search([length, 0.0])
        assert_equal(ids, np.array([3, 1, 2, 0]), "ids")
        expected = np.array([0.0, 0.4, 1.0, 2.0], np.float32)
        # A few roundings of numbers up to 2.
        assert_close(distances, expected, what="distances", rtol=0, atol=2e-6)
    ids, distances = index.search([0.0, 0.0], 3)
    assert_equal(ids, np.array([0, 1, 2]), "ids")
    assert_equal(distances, np.ones(3, np.float32), "distances")
    index.add(np.ones((9, 2)))
    assert_equal(len(index.search([1.0, 0.0])[0]), 10, "the default of k")


@given(few_ids, st.integers(1, 5))
@example([], 2)
@example([3, 1, 3, 6], 1)
@example([0, 1, 2, 3], 4)
def test_a_filter_comes_before_the_count(allowed: list[int], k: int) -> None:
    """With `allowed`, the k nearest of those that are allowed are found."""
    index = VectorIndex.create("brute_force", 2, "euclidean")
    index.add(SQUARE)
    there = {one: SQUARE[one] for one in allowed if one < 4}
    for given_ in (allowed, set(allowed), dict.fromkeys(allowed).keys()):
        ids, distances = index.search([3.0, 3.0], k, given_)
        expected, gaps = exact(there, "euclidean", SQUARE[3], k)
        assert_equal(ids.tolist(), expected, "ids")
        assert_equal(distances.tolist(), gaps, "distances")
        assert_dtype(ids, np.int64, "ids")


class Machine(StateMachine):
    """An index that is changed, saved and loaded, beside a dictionary."""

    @initialize(metric=st.sampled_from(METRICS))
    def begin(self, metric: str) -> None:
        self.metric = metric
        self.index = VectorIndex.create("brute_force", 2, metric)
        self.vectors: Vectors = {}
        self.next_id = 0
        self.reloaded = False

    @rule(vectors=st.lists(points, max_size=3))
    def add(self, vectors: list[Vector]) -> None:
        """Add under new ids."""
        ids = self.index.add(np.reshape(vectors, (-1, 2)))
        expected = range(self.next_id, self.next_id + len(vectors))
        assert_equal(ids, np.array(expected, np.int64), "ids")
        self.vectors |= dict(zip(expected, vectors, strict=True))
        self.next_id += len(vectors)

    @rule(vector=points, one=st.integers(-1, 9), other=st.integers(0, 9))
    def add_as(self, vector: Vector, one: int, other: int) -> None:
        """Add two vectors under ids, if they are new."""
        ids = [other, one]
        if one < 0 or one == other or {one, other} & {*self.vectors}:
            assert_raises_naming("ids", self.index.add, [vector, vector], ids)
            return
        assert_equal(self.index.add([vector, -vector], ids).tolist(), ids, "ids")
        self.vectors |= {other: vector, one: -vector}
        self.next_id = max(self.next_id, one + 1, other + 1)

    @precondition(lambda self: self.vectors)
    @rule(ids=st.lists(st.integers(0, 9), max_size=3))
    def delete(self, ids: list[int]) -> None:
        """Delete what is there of these ids."""
        there = {*ids} & {*self.vectors}
        assert_equal(self.index.delete({*ids}), len(there), "how many were deleted")
        for one in there:
            del self.vectors[one]

    @precondition(lambda self: not self.reloaded)
    @rule()
    def reload(self) -> None:
        """Go on with what was saved, once, since disks are slow."""
        self.reloaded = True
        with folder() as place:
            self.index.save(place / "index")
            self.index = VectorIndex.load(place / "index")

    @rule(query=points, k=st.integers(1, 6))
    def search(self, query: Vector, k: int) -> None:
        """Look at everything."""
        assert_answers(self.index, self.vectors, self.metric, query, k)
        assert_equal(len(self.index), len(self.vectors), "len(index)")
        for one in range(10):
            assert_equal(one in self.index, one in self.vectors, f"{one} in index")


def test_agrees_with_a_dictionary() -> None:
    """Whatever is added, deleted, saved and loaded, the index holds what it must."""
    run_machine(Machine)


def test_ids_are_not_given_twice() -> None:
    """New vectors get the numbers after the largest id ever given, also reloaded."""
    index = VectorIndex.create("brute_force", 1, "euclidean")
    assert_equal(index.add(np.zeros((0, 1))), np.empty(0, np.int64), "ids")
    assert_equal(index.add([5.0]), np.array([0]), "ids")
    assert_equal(index.add([[7.0]], np.array([8], np.int32)), np.array([8]), "ids")
    assert_equal(index.add([6.0], [4]), np.array([4]), "ids")
    assert_equal(index.delete([8, 9, 8]), 1, "how many were deleted")
    assert_equal(8 in index, False, "8 in index")
    assert_equal(index.add([6.0], [5]), np.array([5]), "ids")
    assert_raises_naming("ids", index.add, [[1.0], [2.0]], [20, 4])
    with folder() as place:
        index.save(str(place / "index"))
        loaded = VectorIndex.load(str(place / "index"))
        assert_equal(loaded.add([1.0]), np.array([9]), "ids after loading")
        assert_equal(index.add([1.0]), np.array([9]), "ids")
        index.add([2.0], [8])
        assert_equal(len(VectorIndex.load(place / "index")), 3, "what was saved")


@given(seeds(), st.sampled_from(["cosine", *METRICS]), st.integers(0, 7))
@example(0, "cosine", 7)
@example(1, "euclidean", 0)
def test_a_loaded_index_gives_the_same_answers(seed: int, metric: str, n: int) -> None:
    """After loading, each answer is the same to the last bit; there is one file."""
    rng = np.random.default_rng(seed)
    index = VectorIndex.create("brute_force", 3, metric)
    ids = rng.permutation(50)[:n]
    index.add(rng.normal(size=(n, 3)) * 10.0 ** rng.integers(-9, 9, (n, 1)), ids)
    with folder() as place:
        index.save(place / "index")
        assert_equal([file.name for file in place.iterdir()], ["index"], "the files")
        loaded = VectorIndex.load(place / "index")
    for query in rng.normal(size=(3, 3)):
        assert_equal(loaded.search(query, 5), index.search(query, 5), "the answer")
    assert_equal(len(loaded), n, "len(index)")
    assert_raises_naming("query", loaded.search, [1.0, 2.0])
    after = int(index.add([0, 0, 0])[0])
    assert_equal(int(loaded.add([0, 0, 0])[0]), after, "the next id")
    assert_equal(loaded.delete([after]), 1, "how many were deleted")


def test_a_changed_file_is_refused() -> None:
    """A file of which any byte is changed, missing, or one too many is not loaded."""
    index = square()
    with folder() as place:
        path = place / "index"
        index.save(path)
        data = path.read_bytes()
        assert_equal(ids_near_origin(VectorIndex.load(path)), [0, 1], "ids")
        others = [data + b"\0", data + b"\n", b"\0" + data, data + data, b"hello"]
        for spot, byte in enumerate(data):
            changed = bytes([byte ^ 1 << spot % 8])
            others += [data[:spot] + changed + data[spot + 1 :], data[:spot]]
        for number, other in enumerate(others):
            # A file of its own: to write over one takes a hundred times as long.
            copy = place / str(number)
            copy.write_bytes(other)
            assert_raises_naming("path", VectorIndex.load, copy)
        missing = place / "missing"
        error = FileNotFoundError
        assert_raises_naming("missing", VectorIndex.load, missing, error=error)
        assert_raises_naming("missing", index.save, missing / "index", error=error)


def test_a_file_is_replaced_all_at_once() -> None:
    """At each line of a save, the old index can be loaded, or already the new one."""
    with folder() as place:
        path = place / "index"
        square().save(path)
        index = square()
        index.add(SQUARE[2:])
        found: list[list[int] | str] = []
        watched(
            lambda: index.save(path),
            lambda _: found.append(ids_in(path)),
        )
        for ids in found:
            assert_holds(ids in ([0, 1], [0, 1, 2, 3]), "old or new", actual=ids)
        assert_equal(ids_in(path), [0, 1, 2, 3], "the ids in the end")
        assert_equal([file.name for file in place.iterdir()], ["index"], "the files")


def test_readers_see_whole_changes() -> None:
    """At each line of a change, a search sees all of it, or nothing."""
    for _, _, seen in meetings(lambda index: index.add(SQUARE[2:]), ids_near_origin):
        assert_holds(seen in ([0, 1], [0, 1, 2, 3]), "all or nothing", actual=seen)
    for _, _, seen in meetings(lambda index: index.delete([0, 1]), ids_near_origin):
        assert_holds(seen in ([0, 1], []), "all or nothing", actual=seen)


def test_a_search_is_not_disturbed() -> None:
    """What changes at a line of a search is in its answer as a whole, or not at all."""

    def change(index: VectorIndex) -> None:
        index.delete([1])
        index.add(SQUARE[1:], [5, 6, 7])

    states = ([0, 1], [0], [0, 5, 6, 7])
    for _, seen, _ in meetings(
        lambda index: index.search([0.0, 0.0], 9, [0, 1, 5, 6, 7]), change
    ):
        ids, distances = seen
        there = sorted(ids.tolist())
        assert_holds(there in states, "a state that there was", actual=there)
        expected = np.sqrt(np.square(SQUARE[ids % 4]).sum(axis=1))
        assert_equal(distances, expected.astype(np.float32), "distances")


def test_a_save_is_not_disturbed() -> None:
    """What changes at a line of a save is in the file as a whole, or not at all."""
    index = VectorIndex.create("brute_force", 2, "euclidean")
    index.add(SQUARE)
    changes = Beside(lambda: index.add(SQUARE))
    with folder() as place:
        watched(lambda: index.save(place / "index"), changes.begin)
        loaded = VectorIndex.load(place / "index")
    assert_holds(len(changes.answers()) > 0, "changes at the lines of a save")
    count = len(loaded)
    ids, distances = loaded.search([0.0, 0.0], count + 1)
    assert_equal(sorted(ids.tolist()), list(range(count)), "ids")
    assert_equal(count % 4, 0, "the part of a change")
    expected = np.sqrt(np.square(SQUARE[ids % 4]).sum(axis=1))
    assert_equal(distances, expected.astype(np.float32), "distances")
    assert_equal(loaded.add([0.0, 0.0]), np.array([count]), "the next id")


def test_no_change_is_lost() -> None:
    """At each line of a change another one begins, and both are there in the end."""
    for index, first, second in meetings(
        lambda index: index.add(SQUARE[2:]), lambda index: index.add(SQUARE[:2])
    ):
        given_ = sorted([*first.tolist(), *second.tolist()])
        assert_equal(given_, [2, 3, 4, 5], "the ids of both")
        found = index.search([0.0, 0.0])[0]
        assert_equal(len(found), 6, "the number of vectors")
    for index, *counts in meetings(
        lambda index: index.delete([0, 1]), lambda index: index.delete([1, 0])
    ):
        assert_equal(sum(counts), 2, "how many were deleted")
        assert_equal(len(index), 0, "len(index)")
    for index, _, _ in meetings(
        lambda index: index.delete([0, 1]), lambda index: index.add(SQUARE[2:])
    ):
        assert_equal(ids_near_origin(index), [2, 3], "ids")


def test_the_index_keeps_its_own_copy() -> None:
    """What becomes of arguments and answers after a call does not matter."""
    vectors, ids = SQUARE.astype(np.float32), np.arange(4)
    query = vectors[3].copy()
    index = VectorIndex.create("brute_force", 2, "euclidean")
    with unchanged(vectors=vectors, ids=ids, query=query):
        returned = index.add(vectors, ids)
        found, distances = index.search(query)
    vectors[:], ids[:], returned[:], found[:], distances[:] = 9, 9, 9, 9, 9
    assert_equal(ids_near_origin(index), [0, 1, 2, 3], "ids")


def test_bad_arguments_change_nothing() -> None:
    """What makes no sense is refused by name, and nothing of it is added."""
    create = VectorIndex.create
    assert_raises_naming("kind", create, "tree", 2)
    assert_raises_naming("metric", create, "brute_force", 2, "hamming")
    for dim in (0, -1):
        assert_raises_naming("dim", create, "brute_force", dim)
    assert_equal(len(create("brute_force", 1)), 0, "len(index)")
    index = square()
    bad = SQUARE[2:].copy()
    for value in (np.nan, np.inf, -np.inf):
        bad[1, 1] = value
        assert_raises_naming("vectors", index.add, bad)
        assert_raises_naming("query", index.search, bad[1])
    for vectors in (np.zeros((1, 3)), np.zeros(3), np.zeros((2, 2, 2)), [1.0]):
        assert_raises_naming("vectors", index.add, vectors)
    for ids in ([5], [5, 6, 7], [5, 5], [5, 1], [0, 5], [5, -1], [[5, 6]], []):
        assert_raises_naming("ids", index.add, SQUARE[2:], ids)
    for query in ([0.0], np.zeros((1, 2)), 0.0):
        assert_raises_naming("query", index.search, query)
    for k in (0, -1):
        assert_raises_naming("k", index.search, [0.0, 0.0], k)
    assert_equal(index.delete([]), 0, "how many were deleted")
    assert_equal(ids_near_origin(index), [0, 1], "ids")
    assert_equal(index.add(SQUARE[2:]), np.array([2, 3]), "ids")
