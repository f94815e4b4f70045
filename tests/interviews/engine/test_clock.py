"""What time it is, whatever happens to the process, the machine or its clock."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.engine.clock import SystemClock, Timekeeper, away, stamp
from interviews.engine.log import Event, LogError
from tests.interviews.engine.playing import FakeClock

TOKYO = timezone(timedelta(hours=9))


def log_of(clock: FakeClock, at: float = 0.0) -> list[Event]:
    """What a session that began just now has recorded."""
    wall = Timekeeper(clock, at).wall(at)
    data = stamp(clock)
    return [{"line": 1, "at": at, "wall": wall, "event": "began", "round": 0, **data}]


def later(clock: FakeClock, events: list[Event], seconds: float) -> None:
    """Let time go by, and record that something was said."""
    clock.advance(seconds)
    at = float(str(events[-1]["at"])) + seconds
    wall = Timekeeper(clock, at).wall(at)
    events.append({"line": 2, "at": at, "wall": wall, "event": "said", "round": 1})


def test_on_the_same_boot_the_monotonic_clock_tells() -> None:
    clock = FakeClock()
    events = log_of(clock)
    later(clock, events, 100)
    clock.advance(40)
    clock.time_of_day -= timedelta(days=400)
    assert away(events, clock) == (40.0, "")


def test_the_last_resumption_counts_where_there_was_one() -> None:
    clock = FakeClock()
    events = log_of(clock)
    clock.reboot(500)
    wall = "2028-02-29T09:00:00.000Z"
    resumed = {"line": 2, "at": 0.0, "wall": wall, "event": "resumed", "round": 0}
    events.append({**resumed, "away": 500.0, **stamp(clock)})
    clock.advance(30)
    assert away(events, clock) == (530.0, "")
    # What had been due meanwhile was recorded at its own time.
    caught = {"line": 3, "at": 150.0, "wall": wall, "event": "phase", "round": 1}
    assert away([*events, caught], clock) == (380.0, "")


@pytest.mark.parametrize("unknown", [False, True])
def test_on_another_boot_the_wall_clock_tells(unknown: bool) -> None:
    clock = FakeClock(machine="" if unknown else "boot-1")
    events = log_of(clock)
    later(clock, events, 100)
    clock.reboot(3600)
    clock.machine = "" if unknown else clock.machine
    passed, note = away(events, clock)
    assert passed == 3600.0
    assert "wall clock" in note


def test_a_wall_clock_that_was_set_back_is_no_negative_time() -> None:
    clock = FakeClock()
    events = log_of(clock)
    clock.reboot(-3600)
    passed, note = away(events, clock)
    assert passed == 0.0
    assert "set back" in note


def test_a_monotonic_clock_that_fell_is_not_believed() -> None:
    clock = FakeClock()
    events = log_of(clock)
    clock.advance(60)
    clock.seconds = 10.0
    passed, note = away(events, clock)
    assert passed == 60.0
    assert note


def test_another_time_zone_changes_nothing() -> None:
    clock = FakeClock()
    events = log_of(clock)
    clock.reboot(90)
    clock.time_of_day = clock.time_of_day.astimezone(TOKYO)
    assert away(events, clock)[0] == 90.0
    assert Timekeeper(clock, 5.0).wall(5.0) == "2028-02-29T09:01:30.000Z"


def test_a_log_with_a_time_that_is_none() -> None:
    clock = FakeClock()
    events = log_of(clock)
    events[0]["wall"] = "yesterday"
    clock.reboot(90)
    with pytest.raises(LogError, match="line 1: wall is no time: yesterday"):
        away(events, clock)


@given(st.lists(st.floats(-100, 100), max_size=20))
def test_the_seconds_of_a_session_never_fall(steps: list[float]) -> None:
    clock = FakeClock()
    time = Timekeeper(clock, 50.0)
    before = time.now()
    assert before == 50.0
    for step in steps:
        clock.seconds += step
        assert time.now() >= before
        before = time.now()


def test_the_time_of_day_belongs_to_the_second() -> None:
    clock = FakeClock()
    time = Timekeeper(clock)
    clock.advance(86_400)
    assert time.wall(time.now()) == "2028-03-01T09:00:00.000Z"
    assert time.wall(0.5) == "2028-02-29T09:00:00.500Z"
    assert time.wall(time.now() + 1) == "2028-03-01T09:00:00.000Z"


def test_the_clocks_of_this_machine() -> None:
    clock = SystemClock()
    first = clock.monotonic()
    assert clock.monotonic() >= first
    assert clock.wall().tzinfo is UTC
    assert abs(clock.wall() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.boot() == SystemClock().boot()
