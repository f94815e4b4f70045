"""A session that dies at any point goes on from its log; the clock tells the truth."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.engine.log import Event, Log, LogError, altered, read_log
from interviews.engine.session import Session
from tests.interviews.engine.playing import FakeClock, Table, told

ROUNDS = ("coding:10", "theory:4")
# Seconds since the beginning and the line that is typed then; each records something.
SCRIPT = (
    (20.0, "first"),
    (40.5, "/next"),
    (61.0, "zweite – é"),
    (601.0, "too late"),
    (650.0, "/next"),
    (655.25, "second round"),
    (680.0, "/done"),
)
ABORTED = ((20.0, "first"), (170.0, "second"), (180.0, "/abort yes"))


@pytest.fixture
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the waiting for the disk, thousands of times."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


def play(
    table: Table, session: Session, script: Sequence[tuple[float, str]], now: float
) -> None:
    """Type the lines of the script that come after ``now``, then end the session."""
    for at, line in script:
        if at > now:
            table.clock.advance(at - now)
            now = at
            session.handle(line)
    for _ in range(20):
        table.clock.advance(60)
        session.tick()


def without_stops(events: Sequence[Event]) -> list[Event]:
    """The events, but for those that tell of a crash, and but for their numbers."""
    return [
        {name: e[name] for name in e if name not in ("line", "chain")}
        for e in events
        if e["event"] not in ("repaired", "resumed")
    ]


def recorded(folder: Path, script: Sequence[tuple[float, str]]) -> bytes:
    """The log of the session that was not interrupted."""
    table = Table(folder)
    play(table, table.begin(*ROUNDS), script, 0.0)
    return (folder / "log.jsonl").read_bytes()


@pytest.mark.usefixtures("_no_disk")
@pytest.mark.parametrize("script", [SCRIPT, ABORTED])
@pytest.mark.parametrize("torn", [0, 1, 60])
def test_killed_after_any_event_the_same_lines_lead_to_the_same_end(
    tmp_path: Path, script: Sequence[tuple[float, str]], torn: int
) -> None:
    whole = recorded(tmp_path / "whole", script)
    events = read_log(tmp_path / "whole" / "log.jsonl")
    assert events[-1]["event"] == "finished"
    lines = whole.splitlines(keepends=True)
    for count in range(1, len(lines)):
        table = Table(tmp_path / f"after-{count}")
        table.folder.mkdir()
        log = table.folder / "log.jsonl"
        log.write_bytes(b"".join(lines[:count]) + lines[count][:torn])
        now = float(str(events[count - 1]["at"]))
        table.clock.advance(now)
        session = table.resume()
        play(table, session, script, now)
        again = read_log(log)
        assert again[:count] == events[:count]
        assert without_stops(again) == without_stops(events)
        stops = [e["event"] for e in again if e["event"] in ("repaired", "resumed")]
        assert stops == (["repaired", "resumed"] if torn else ["resumed"])
        assert altered(again) == 0


@pytest.mark.usefixtures("_no_disk")
def test_torn_at_any_byte_nothing_of_the_whole_lines_is_lost(tmp_path: Path) -> None:
    whole = recorded(tmp_path / "whole", ABORTED)
    events = read_log(tmp_path / "whole" / "log.jsonl")
    table = Table(tmp_path / "torn")
    table.folder.mkdir()
    log = table.folder / "log.jsonl"
    kept = table.folder / "log.torn"
    first = whole.index(b"\n") + 1
    for size in range(len(whole)):
        log.write_bytes(whole[:size])
        kept.unlink(missing_ok=True)
        table.clock = FakeClock()
        table.clock.advance(900)
        if size < first:
            with pytest.raises(LogError, match="nothing was recorded"):
                table.resume()
            continue
        session = table.resume()
        session.close()
        count = whole[:size].count(b"\n")
        tail = whole[:size].rpartition(b"\n")[2]
        again = session.events
        assert again[:count] == events[:count]
        follows = [e["event"] for e in again[count : count + 2]]
        assert follows == (["repaired", "resumed"] if tail else ["resumed", follows[1]])
        assert (kept.read_bytes() if kept.exists() else b"") == (tail and tail + b"\n")
        times = [float(str(e["at"])) for e in again]
        assert times == sorted(times)


@pytest.mark.usefixtures("_no_disk")
@given(
    stops=st.lists(st.floats(0, 900), max_size=4),
    lines=st.lists(
        st.tuples(
            st.floats(1, 1000),
            st.sampled_from(["said", "/next", "/done", "/abort yes", "/time", ""]),
        ),
        max_size=6,
    ),
)
def test_however_often_it_dies_the_log_stays_whole_and_ends(
    tmp_path_factory: pytest.TempPathFactory,
    stops: list[float],
    lines: list[tuple[float, str]],
) -> None:
    table = Table(tmp_path_factory.mktemp("session") / "s")
    session = table.begin(*ROUNDS)
    for gap, line in lines:
        table.clock.advance(gap)
        session.handle(line)
        if stops:
            before = session.events
            session.close()
            table.clock.advance(stops.pop())
            session = table.resume()
            assert session.events[: len(before)] == before
    for _ in range(30):
        table.clock.advance(60)
        session.tick()
    assert session.over
    events = read_log(table.folder / "log.jsonl")
    assert altered(events) == 0
    assert [e["event"] for e in events].count("finished") == 1
    times = [float(str(e["at"])) for e in events]
    walls = [str(e["wall"]) for e in events]
    assert times == sorted(times)
    assert walls == sorted(walls)
    for number in (1, 2):
        names = [e["event"] for e in events if e["round"] == number]
        assert names.count("opened") == names.count("closed") <= 1
        assert names.count("judged") == names.count("closed")


def test_what_was_due_meanwhile_happens_at_its_time(table: Table) -> None:
    session = table.begin(*ROUNDS)
    table.clock.advance(20)
    session.handle("first")
    session.close()
    table.clock.advance(86_400)
    session = table.resume()
    assert session.over
    assert told(session.events, "name", "by", "used", "away") == [
        (0.0, "opened"),
        (0.0, "phase", "read", "start"),
        (20.0, "said"),
        (20.0, "resumed", 86400.0),
        (150.0, "phase", "write", "time"),
        (600.0, "ending", "time"),
        (600.0, "closed", "time", 10.0),
        (660.0, "opened"),
        (660.0, "phase", "read", "start"),
        (720.0, "phase", "write", "time"),
        (900.0, "ending", "time"),
        (900.0, "closed", "time", 4.0),
        (900.0, "finished"),
    ]
    assert session.events[-1]["wall"] == "2028-02-29T09:15:00.000Z"


@pytest.mark.usefixtures("_no_disk")
def test_killed_again_while_it_catches_up(tmp_path: Path) -> None:
    table = Table(tmp_path / "whole")
    table.begin(*ROUNDS).close()
    table.clock.advance(86_400)
    events = table.resume().events
    lines = (table.folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    resumed = [e["event"] for e in events].index("resumed")
    for count in range(resumed, len(lines)):
        again = Table(tmp_path / f"after-{count}", clock=table.clock)
        again.folder.mkdir()
        (again.folder / "log.jsonl").write_bytes(b"".join(lines[:count]))
        again.clock.advance(10)
        session = again.resume()
        assert session.over
        assert without_stops(session.events) == without_stops(events)


def test_judging_late_is_off_the_clock_as_well(table: Table) -> None:
    session = table.begin(*ROUNDS)
    session.close()
    table.clock.advance(640)
    table.bench.ready = False
    session = table.resume()
    assert session.status().phase == "ending"
    table.clock.advance(15)
    table.bench.ready = True
    session.tick()
    # Ended at 600, judged for 15 seconds; the break runs until 675, and it is 655.
    closed = session.events[-1]
    assert (closed["event"], closed["at"], closed["used"]) == ("closed", 615.0, 10.0)
    assert session.status().left_phase == 20.0


def test_the_clock_goes_on_while_the_process_is_dead(table: Table) -> None:
    table.begin(*ROUNDS).close()
    table.clock.advance(100)
    session = table.resume()
    assert session.status().left_phase == 50.0
    assert session.status().left_round == 500.0
    assert any("1:40 went by" in line for line in table.shown)


def test_no_countdown_of_what_is_over_is_shown(table: Table) -> None:
    session = table.begin(*ROUNDS)
    table.clock.advance(200)
    session.tick()
    session.close()
    table.shown.clear()
    table.clock.advance(600)
    table.resume()
    counted = [line for line in table.shown if line.startswith("Phase ")]
    # Ended at 600, break until 660, "read" until 720: of 800 seconds, 100 are left.
    assert counted == [
        "Phase 2 of 2: write, over.",
        "Phase 1 of 2: read, over.",
        "Phase 2 of 2: write, 1:40.",
    ]
    assert not any("begins in" in line for line in table.shown)
    assert table.shown.count("Write it.") == 1
    assert "This is read." not in table.shown


def test_a_long_note_is_wrapped(table: Table) -> None:
    table.begin().close()
    with (table.folder / "log.jsonl").open("a") as log:
        log.write("torn")
    table.resume()
    assert any("log was repaired" in line for line in table.shown)
    assert max(map(len, table.shown)) <= 80


def test_another_boot_and_a_clock_that_was_set(table: Table) -> None:
    table.begin(*ROUNDS).close()
    table.clock.reboot(100)
    session = table.resume()
    assert session.status().left_round == 500.0
    assert "wall clock" in str(session.events[-1]["note"])
    session.close()
    table.clock.reboot(0)
    table.clock.time_of_day -= timedelta(days=366)
    session = table.resume()
    # "resumed" stands at the time of the line before it; nothing runs back.
    assert session.status().left_round <= 600.0
    assert "set back" in str(session.events[-1]["note"])
    table.clock.advance(30)
    session.handle("goes on")
    assert session.events[-1]["event"] == "said"


def test_a_phase_is_shown_again(table: Table) -> None:
    table.begin().close()
    table.shown.clear()
    session = table.resume()
    for line in ("Open draft.py.", "Read it.", "This is read."):
        assert line in table.shown
    assert [e["event"] for e in session.events].count("asked") == 1


def test_files_are_written_where_they_lack_and_kept_where_they_are(
    table: Table,
) -> None:
    session = table.begin()
    folder = session.folder / "1-coding"
    session.close()
    (folder / "draft.py").write_text("mine")
    (folder / "data" / "table.csv").unlink()
    table.resume()
    assert (folder / "draft.py").read_text() == "mine"
    assert (folder / "data" / "table.csv").read_text() == "a,b\n"


def test_a_round_that_was_ending_is_ended_again(table: Table) -> None:
    table.bench.ready = False
    session = table.begin()
    session.handle("/done")
    session.close()
    table.clock.advance(50)
    session = table.resume()
    assert [r["text"] for r in table.bench.requests] == ["# the stub\n"] * 2
    table.bench.ready = True
    session.tick()
    assert session.over
    names = [e["event"] for e in session.events]
    assert names.count("asked-judge") == names.count("judged") == 1


def test_who_had_finished_before_the_crash_had_finished(table: Table) -> None:
    session = table.begin()
    table.clock.advance(30)
    session.handle("/done")
    log = table.folder / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    done = next(i for i, line in enumerate(lines) if b'"done"' in line)
    log.write_bytes(b"".join(lines[: done + 1]))
    table.clock.advance(5000)
    session = table.resume()
    (closed,) = [e for e in session.events if e["event"] == "closed"]
    assert (closed["by"], closed["used"]) == ("candidate", 0.5)


def test_a_log_that_was_changed_is_not_gone_on_with(table: Table) -> None:
    session = table.begin()
    session.handle("I do not know")
    session.close()
    log = table.folder / "log.jsonl"
    log.write_text(log.read_text().replace("I do not know", "softmax"))
    kept = log.read_bytes()
    with pytest.raises(LogError, match=r"line 5 of the log was changed"):
        table.resume()
    assert log.read_bytes() == kept


def test_what_had_been_seen_is_what_the_log_says(table: Table) -> None:
    table.seen = frozenset({"adam"})
    table.begin().close()
    table.seen = frozenset({"adam", "relu"})
    table.resume()
    assert table.made[-1].tools.seen == {"adam"}


def test_a_log_of_another_version(table: Table) -> None:
    with_log = Log.create(table.folder)
    with_log.append("began", 0, 0.0, "2026-11-21T10:00:00Z", version=2)
    with_log.close()
    with pytest.raises(LogError, match="not of version 1"):
        table.resume()


class Sitting:
    """A session in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.interviews.engine.sitting", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.keys: IO[str] = self.process.stdin
        self.screen: IO[str] = self.process.stdout
        assert self.screen.readline() == "ready\n"

    def type(self, *lines: str) -> None:
        """Type lines."""
        self.keys.write("".join(f"{line}\n" for line in lines))
        self.keys.flush()

    def kill(self) -> None:
        """Let it die as by a power failure."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.keys.close()
        self.screen.close()


def texts(events: Sequence[Event]) -> list[object]:
    """What was said."""
    return [e["text"] for e in events if e["event"] == "said"]


def test_killed_for_real_nothing_that_was_shown_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    handled = 0
    for rounds, wait in enumerate((3, 1, 7)):
        sitting = Sitting(folder)
        try:
            start = len(texts(read_log(folder / "log.jsonl")))
            sitting.type(*(f"{rounds}-{number}" for number in range(40)))
            shown = [sitting.screen.readline() for _ in range(wait)]
            with pytest.raises(LogError, match="another process holds"):
                Log.open(folder)
        finally:
            sitting.kill()
        said = texts(read_log(folder / "log.jsonl"))
        # The rest of the forty lines may or may not have been recorded in time.
        assert said[start : start + wait] == [line.split()[1] for line in shown]
        assert said[start:] == [f"{rounds}-{n}" for n in range(len(said) - start)]
        handled += wait
    events = read_log(folder / "log.jsonl")
    assert altered(events) == 0
    assert len(texts(events)) >= handled
    assert [e["event"] for e in events].count("resumed") == 2
    away = [float(str(e["away"])) for e in events if e["event"] == "resumed"]
    assert all(0 < seconds < 300 for seconds in away)
