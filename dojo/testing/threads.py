"""Threads that meet where a property wants them to, and never wait without end.

Several calls at once, with their results in order:

    results = run_together([lambda: cache.get("a"), lambda: cache.delete("a")])

A call in the midst of another one, at the second point where the code comes back to
the judge's (a ``VisitedText`` that it hashes, a ``VisitedClock`` that it reads):

    answers = run_inside(lambda: cache.get(key), lambda: cache.delete(key), turn=1)

Single flight: four threads ask, one computes, and it is held until the others wait.

    gate = Gate()
    team = Team([lambda: cache.get_or_load("a", gate.guarding(load))] * 4)
    gate.wait_for(1)
    team.settle()
    gate.open()
    models = team.join()
    assert_equal(gate.entered, 1, "how often the model was loaded")

A ``NotImplementedError`` and a ``Mismatch`` of a thread are raised again: neither is
an answer of the judged code.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar, cast

from dojo.guards import frame_of
from dojo.testing.clock import Clock
from dojo.testing.mismatch import UNSTATED, Mismatch, fail

__all__ = [
    "Gate",
    "Team",
    "VisitedClock",
    "VisitedText",
    "all_at_once",
    "run_inside",
    "run_together",
    "visit",
]

Result = TypeVar("Result")
Other = TypeVar("Other")

# Seconds that a thread may take for what needs a fraction of a millisecond. All of it
# is spent only where a thread hangs.
PATIENCE = 3.0
# Seconds that a thread gets to finish its call while another one waits in the middle of
# its own. Behind a lock it cannot, and all of the time is spent.
TURN = 0.05
# A thread that is seen so often in one place, this long apart, waits there.
_LOOKS, _APART = 4, 0.0005


class Team(Generic[Result]):
    """Threads that have begun to call ``functions``, one each, all at once."""

    def __init__(self, functions: Sequence[Callable[[], Result]]) -> None:
        self._results: list[Result | Exception | None] = [None] * len(functions)
        self._barrier = threading.Barrier(len(functions) or 1)
        self._threads = [
            threading.Thread(target=self._run, args=(place, function), daemon=True)
            for place, function in enumerate(functions)
        ]
        for thread in self._threads:
            thread.start()

    def settle(self, patience: float = PATIENCE) -> None:
        """Wait until each thread has come to its end or stands still.

        To stand still is to be seen in one place, asleep, several times in a row. On a
        busy machine a thread may go on afterwards all the same: a property must hold
        then too.
        """
        __tracebackhide__ = True
        end = time.monotonic() + patience
        seen: list[object] = []
        while len(seen) < _LOOKS or any(place != seen[-1] for place in seen[-_LOOKS:]):
            if time.monotonic() > end:
                fail("threads at once", UNSTATED, UNSTATED, self._hanging("run on"))
            seen.append([_place(thread) for thread in self._threads])
            time.sleep(_APART)

    def join(self, patience: float = PATIENCE) -> list[Result | Exception]:
        """Return what each function returned or raised, in order.

        A ``Mismatch`` tells where a thread stands that is not done within
        ``patience`` seconds.
        """
        __tracebackhide__ = True
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            fail("threads at once", UNSTATED, UNSTATED, self._hanging("never end"))
        for result in self._results:
            if isinstance(result, NotImplementedError | Mismatch):
                raise result
        return cast("list[Result | Exception]", self._results)

    def _run(self, place: int, function: Callable[[], Result]) -> None:
        try:
            self._barrier.wait()
            self._results[place] = function()
        except Exception as error:
            self._results[place] = error

    def _hanging(self, what: str) -> str:
        alive = [thread for thread in self._threads if thread.is_alive()]
        where = ", ".join(sorted({_line_of(thread) for thread in alive}))
        return f"{len(alive)} of {len(self._threads)} threads {what}: {where}"


def run_together(
    functions: Sequence[Callable[[], Result]], patience: float = PATIENCE
) -> list[Result | Exception]:
    """Call the functions in a thread each; return results or exceptions in order."""
    __tracebackhide__ = True
    return Team(functions).join(patience)


def all_at_once(work: Callable[[int], object], threads: int = 8) -> None:
    """Call ``work(0)``, ``work(1)``, ... in threads that change places all the time.

    What one of them raises is raised again.
    """
    __tracebackhide__ = True
    with _restless():
        results = run_together([partial(work, place) for place in range(threads)])
    for result in results:
        if isinstance(result, Exception):
            raise result


class Gate:
    """Holds whoever enters until it is opened, and counts them.

    ``entered`` is how many have entered, ``inside`` how many of them are still held
    and ``most_inside`` the most that were held at one time.
    """

    def __init__(self, *, is_open: bool = False) -> None:
        self.entered = 0
        self.inside = 0
        self.most_inside = 0
        self._is_open = is_open
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        return "gate"

    def enter(self, patience: float = PATIENCE) -> None:
        """Wait until the gate is open."""
        __tracebackhide__ = True
        with self._changed:
            self.entered += 1
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            self._changed.notify_all()
            opened = self._changed.wait_for(lambda: self._is_open, patience)
            self.inside -= 1
        if not opened:
            fail("a call at the gate", UNSTATED, UNSTATED, "nobody opened the gate")

    def open(self) -> None:
        """Let everyone in, from now on."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def close(self) -> None:
        """Hold everyone who comes from now on."""
        with self._changed:
            self._is_open = False

    def wait_for(self, count: int, patience: float = PATIENCE) -> None:
        """Wait until ``count`` have entered, since the gate was made."""
        __tracebackhide__ = True
        with self._changed:
            if not self._changed.wait_for(lambda: self.entered >= count, patience):
                what = "how many calls came in while others were held"
                fail(what, self.entered, count)

    def guarding(self, function: Callable[..., Result]) -> Callable[..., Result]:
        """Return the function behind the gate: each call enters first."""

        def guarded(*args: object, **kwargs: object) -> Result:
            self.enter()
            return function(*args, **kwargs)

        return guarded


class _Interruption(Generic[Result]):
    """Lets a second thread make a call in the midst of the first one's."""

    current: "_Interruption[object] | None" = None

    def __init__(self, turn: int, call: Callable[[], Result]) -> None:
        self._turns = turn
        self._call = call
        self._first = threading.get_ident()
        self._team: Team[Result] | None = None

    def visit(self) -> None:
        """Start the second thread if it is time, and let it finish if it can."""
        if threading.get_ident() == self._first:
            if self._turns == 0:
                self._team = Team([self._call])
                self._team._threads[0].join(TURN)
            self._turns -= 1

    def answer(self) -> Result:
        """Return the second thread's answer, now that nothing is in its way."""
        __tracebackhide__ = True
        (answer,) = (self._team or Team([self._call])).join()
        if isinstance(answer, Exception):
            raise answer
        return answer


def visit() -> None:
    """Say that the judged code has come back to the judge's in the midst of a call."""
    if _Interruption.current is not None:
        _Interruption.current.visit()


def run_inside(
    first: Callable[[], Result], second: Callable[[], Other], turn: int
) -> tuple[Result, Other]:
    """Call ``first``, and in its midst ``second`` in another thread; return both.

    The second call begins at the visit with the number ``turn``, counted from 0, and
    gets a moment to finish before the first one goes on; behind a lock it has to wait
    for the end of the first. Without so many visits it comes after the first.
    """
    __tracebackhide__ = True
    meeting = _Interruption(turn, second)
    _Interruption.current = cast("_Interruption[object]", meeting)
    try:
        answer = first()
    finally:
        _Interruption.current = None
    return answer, meeting.answer()


class VisitedText(str):
    """A text that reports a visit when it is hashed or compared."""

    __slots__ = ()

    def __hash__(self) -> int:
        """Report, and return the hash of the text."""
        visit()
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        """Report, and compare the texts."""
        visit()
        return super().__eq__(other)


class VisitedClock(Clock):
    """A clock that reports a visit when it has been read."""

    def __call__(self) -> float:
        """Return the time as it was before the report."""
        now = self.now
        visit()
        return now


@contextmanager
def _restless() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def _place(thread: threading.Thread) -> object:
    """Return where a thread stands; a new object each time while it is running."""
    if not thread.is_alive():
        return None
    frame = frame_of(thread.ident)
    if frame is None or not _asleep(thread):
        return object()
    return id(frame), frame.f_lasti


def _asleep(thread: threading.Thread) -> bool:
    """Tell whether the system has nothing to run for a thread, where that is known."""
    try:
        text = Path(f"/proc/self/task/{thread.native_id}/stat").read_text("utf-8")
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] != "R"


def _line_of(thread: threading.Thread) -> str:
    """Name the innermost line of a thread that is not the threading module's."""
    frame = frame_of(thread.ident)
    while frame is not None and frame.f_code.co_filename == threading.__file__:
        frame = frame.f_back
    if frame is None:
        return "one is just ending"
    return f"line {frame.f_lineno} of {Path(frame.f_code.co_filename).name}"
