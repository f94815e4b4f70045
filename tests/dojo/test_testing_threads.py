"""Clocks that stand still, and threads that meet where they are told to."""

import threading
from collections.abc import Callable

import pytest

from dojo.recording import RECORDER
from dojo.testing.clock import Clock
from dojo.testing.threads import (
    Gate,
    Team,
    VisitedClock,
    VisitedText,
    all_at_once,
    run_inside,
    run_together,
    visit,
)
from tests.dojo.failing import mismatch

SHORT = 0.05


def test_a_clock_goes_on_when_it_is_told_to() -> None:
    RECORDER.begin()
    clock = Clock(5.0)
    clock.advance(0.25)
    clock.advance(-1.0)
    assert clock() == 4.25
    assert RECORDER.script() == ["clock.now += 0.25", "clock.now += -1.0"]
    assert repr(clock) == "clock"


def test_results_and_exceptions_come_in_order() -> None:
    error = ValueError("no")

    def fail() -> int:
        raise error

    assert run_together([lambda: 1, fail, lambda: 3]) == [1, error, 3]
    assert run_together([]) == []


def test_threads_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=3.0)
    assert sorted(map(str, run_together([meeting.wait] * 3))) == ["0", "1", "2"]


def test_what_is_no_answer_is_raised_again() -> None:
    def unwritten() -> None:
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        run_together([unwritten, unwritten])

    def complain() -> None:
        Gate().wait_for(1, SHORT)

    failure = mismatch(run_together, [complain])
    assert (failure.actual, failure.expected) == (0, 1)


def test_a_thread_that_hangs_is_named_with_its_place() -> None:
    never = threading.Lock()
    never.acquire()
    failure = mismatch(run_together, [never.acquire, lambda: True], SHORT)
    assert failure.detail.startswith("1 of 2 threads never end: line ")
    never.release()


def test_a_team_settles_when_its_threads_wait() -> None:
    gate, lock = Gate(), threading.Lock()
    waiting: list[int] = []

    def behind_a_lock() -> int:
        waiting.append(1)
        with lock:
            gate.enter()
        return len(waiting)

    team = Team([behind_a_lock] * 4)
    gate.wait_for(1)
    team.settle()
    assert (len(waiting), gate.entered, gate.inside) == (4, 1, 1)
    gate.open()
    assert team.join() == [4] * 4
    assert (gate.entered, gate.inside, gate.most_inside) == (4, 0, 1)


def test_a_team_that_does_not_settle_is_a_mismatch() -> None:
    done = threading.Event()

    def spin() -> None:
        while not done.is_set():
            pass

    team = Team([spin])
    assert "1 of 1 threads run on" in mismatch(team.settle, SHORT).detail
    done.set()
    team.join()


def test_a_gate_holds_counts_and_closes() -> None:
    gate = Gate()
    double = gate.guarding(lambda number: 2 * number)
    team = Team([lambda: double(1), lambda: double(2)])
    gate.wait_for(2)
    assert gate.most_inside == 2
    gate.open()
    assert team.join() == [2, 4]
    assert double(3) == 6
    gate.close()
    assert "nobody opened" in mismatch(gate.enter, SHORT).detail


def test_all_at_once_raises_what_a_thread_raises() -> None:
    seen: list[int] = []
    all_at_once(seen.append, 3)
    assert sorted(seen) == [0, 1, 2]

    def refuse(number: int) -> None:
        if number == 2:
            raise KeyError(number)

    with pytest.raises(KeyError, match="2"):
        all_at_once(refuse, 3)


@pytest.mark.parametrize(("turn", "story"), [(0, "axyb"), (1, "abxy"), (2, "abxy")])
def test_a_call_runs_inside_another_one(turn: int, story: str) -> None:
    told: list[str] = []

    def first() -> int:
        told.append("a")
        visit()
        told.append("b")
        visit()
        return 1

    def second() -> int:
        told.append("x")
        visit()
        told.append("y")
        return 2

    assert run_inside(first, second, turn) == (1, 2)
    assert "".join(told) == story


def test_behind_a_lock_the_inner_call_comes_second() -> None:
    lock, told = threading.Lock(), list[str]()

    def call(name: str) -> Callable[[], None]:
        def locked() -> None:
            with lock:
                told.append(name)
                visit()
                told.append(name)

        return locked

    run_inside(call("a"), call("b"), 0)
    assert told == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    "touch",
    [
        lambda: hash(VisitedText("a")),
        lambda: VisitedText("a") == "a",
        lambda: VisitedClock(5.0)() == 5.0,
    ],
)
def test_texts_and_clocks_report_one_visit(touch: Callable[[], object]) -> None:
    told: list[str] = []

    def first() -> None:
        touch()
        told.append("touched")

    run_inside(first, lambda: told.append("inside"), 0)
    run_inside(first, lambda: told.append("after"), 1)
    assert told == ["inside", "touched", "touched", "after"]
