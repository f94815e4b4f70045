"""The rules of a session: phases, rounds, breaks, lines, and the end of it."""

import subprocess
import sys

import pytest

from interviews.engine.lines import LONGEST
from interviews.engine.log import LogError, altered
from interviews.engine.session import Session
from interviews.rounds.base import Opening
from tests.interviews.engine.playing import FakeRound, Table, told


def test_a_loop_runs_by_itself_from_beginning_to_end(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    for _ in range(100):
        table.clock.advance(10)
        session.tick()
    assert told(session.events, "name", "by", "used") == [
        (0.0, "opened"),
        (0.0, "phase", "read", "start"),
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
    assert session.over
    assert session.status().over
    assert altered(session.events) == 0


def test_the_first_line_holds_all_that_was_asked(table: Table) -> None:
    table.seen = frozenset({"softmax", "adam"})
    session = table.begin("coding:10:relu", "design:18")
    began = dict(session.events[0])
    assert began.pop("chain")
    assert began == {
        "line": 1,
        "at": 0.0,
        "wall": "2028-02-29T09:00:00.000Z",
        "event": "began",
        "round": 0,
        "version": 1,
        "session": "session-1",
        "seed": 7,
        "level": "mid",
        "tracks": [],
        "preset": "",
        "minutes": 28.0,
        "ai_policy": "",
        "claim": "",
        "rounds": [
            {"kind": "coding", "minutes": 10.0, "item": "relu"},
            {"kind": "design", "minutes": 18.0, "item": ""},
        ],
        "monotonic": 5000.0,
        "boot": "boot-1",
        "seen": ["adam", "softmax"],
    }


def test_a_round_opens_with_its_files_and_its_lines(table: Table) -> None:
    session = table.begin()
    folder = session.folder / "1-coding"
    assert (folder / "draft.py").read_text() == "# the stub\n"
    assert (folder / "data" / "table.csv").read_text() == "a,b\n"
    assert "Open draft.py." in table.shown
    opened = session.events[1]
    assert opened["phases"] == [
        {"name": "read", "seconds": 150.0},
        {"name": "write", "seconds": 450.0},
    ]
    assert opened["subject"] == {"kata": "kata-1", "seen": []}
    assert [line for line in table.shown if line in ("Read it.", "This is read.")] == [
        "Read it.",
        "This is read.",
    ]


def test_a_later_round_knows_what_an_earlier_one_used(table: Table) -> None:
    table.seen = frozenset({"adam"})
    session = table.begin("coding:10", "coding:10")
    session.handle("/next")
    session.handle("/next")
    session.handle("/next")
    assert table.made[1].tools.seen == {"adam", "kata-1"}


def test_next_ends_the_phase_then_the_round_then_the_break(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    table.clock.advance(30)
    session.handle("/next")
    assert session.status().phase == "write"
    assert session.status().left_phase == 570.0  # what "read" left is not lost
    table.clock.advance(30)
    session.handle("/n")
    assert session.status().phase == "break"
    assert session.status().left_phase == 60.0
    table.clock.advance(5)
    session.handle("/next")
    assert told(session.events, "name", "by", "used") == [
        (0.0, "opened"),
        (0.0, "phase", "read", "start"),
        (30.0, "phase", "write", "candidate"),
        (60.0, "ending", "candidate"),
        (60.0, "closed", "candidate", 1.0),
        (65.0, "opened"),
        (65.0, "phase", "read", "start"),
    ]


class Undone(FakeRound):
    """A round that has a question left."""

    unfinished = "1 question is left"
    takes_text = True


def _with_work_left(table: Table, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(table, "make", Undone)
    return table.begin("coding:10", "theory:4")


def test_next_asks_once_before_it_ends_a_round_with_work_left(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = _with_work_left(table, monkeypatch)
    session.handle("/next")
    assert session.status().phase == "write", "a phase ends without a question"
    session.handle("/next")
    assert table.shown[-1] == (
        "1 question is left; 10:00 is left. /next again ends the round."
    )
    session.handle("something else")
    session.handle("/next")
    assert session.status().phase == "write"
    session.handle("/time")
    session.handle("/n")
    assert session.status().phase == "break"


def test_a_round_tells_whether_it_takes_text(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = _with_work_left(table, monkeypatch)
    assert session.status().takes_text
    for _ in range(3):
        session.handle("/next")
    assert session.status().phase == "break"
    assert not session.status().takes_text


def test_next_does_not_end_what_began_by_itself_just_now(table: Table) -> None:
    session = table.begin()
    table.clock.advance(150.2)
    session.handle("/next")  # meant for "read", which ends while it is typed
    assert session.status().phase == "write"
    table.clock.advance(0.5)
    session.handle("/next")
    assert session.status().phase == "write"
    table.clock.advance(1)
    session.handle("/next")
    assert session.over


def test_next_that_was_typed_in_the_break_opens_no_second_thing(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    session.handle("/next")
    session.handle("/next")
    table.clock.advance(60)
    session.handle("/next")  # the break is over by itself
    assert session.status().round == 2
    assert session.status().phase == "read"


def test_a_complete_round_ends_by_itself(table: Table) -> None:
    session = table.begin()
    table.clock.advance(20)
    session.handle("/done")
    assert told(session.events, "by")[-3:] == [
        (20.0, "ending", "candidate"),
        (20.0, "closed", "candidate"),
        (20.0, "finished"),
    ]


def test_the_draft_counts_at_time_up(table: Table) -> None:
    session = table.begin()
    (session.folder / "1-coding" / "draft.py").write_text("half of it")
    table.clock.advance(600)
    session.tick()
    (judged,) = [e for e in session.events if e["event"] == "judged"]
    assert judged["text"] == "half of it"


def test_judging_at_the_end_is_off_the_clock(table: Table) -> None:
    table.bench.ready = False
    session = table.begin("coding:10", "theory:4")
    table.clock.advance(600)
    session.tick()
    assert session.status().phase == "ending"
    assert session.status().busy
    table.clock.advance(25)
    session.tick()
    session.handle("/next")
    assert session.status().phase == "ending"
    table.bench.ready = True
    session.tick()
    assert told(session.events, "by", "used")[-2:] == [
        (600.0, "ending", "time"),
        (625.0, "closed", "time", 10.0),
    ]
    assert session.status().left_phase == 60.0
    table.clock.advance(60)
    session.tick()
    assert session.events[-2]["at"] == 685.0
    assert session.status().left_round == 240.0


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("line", ["softmax is exp", "/done", "/judge", "/next"])
def test_a_line_after_the_time_is_up_scores_nothing(
    table: Table, line: str, ready: bool
) -> None:
    table.bench.ready = ready
    session = table.begin("coding:10", "theory:4")
    table.clock.advance(600)
    session.handle(line)
    late = [e for e in session.events if e["event"] == "late"]
    assert [(e["round"], e["text"]) for e in late] == [(1, line)]
    assert "late" not in table.made[0].names()
    assert "said" not in table.made[0].names()
    assert session.status().round == 1


def test_a_line_in_the_break_scores_nothing(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    session.handle("/done")
    session.handle("one more thing")
    table.clock.advance(61)
    session.handle("and one for a round that began meanwhile")
    assert [e["round"] for e in session.events if e["event"] == "late"] == [1, 1]
    assert "said" not in table.made[1].names()


def test_a_line_at_the_very_last_moment_counts(table: Table) -> None:
    session = table.begin()
    table.clock.advance(599.9)
    session.handle("just in time")
    said = session.events[-1]
    assert (said["event"], said["text"], said["left"]) == (
        "said",
        "just in time",
        pytest.approx(0.1),
    )


def test_abort_asks_first(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    table.clock.advance(40)
    session.handle("/abort")
    session.handle("/abort no")
    assert not session.over
    assert "To do so: /abort yes" in table.shown[-1]
    session.handle("/abort yes")
    assert told(session.events, "by", "used")[-4:] == [
        (40.0, "aborted"),
        (40.0, "ending", "abort"),
        (40.0, "closed", "abort", 0.667),
        (40.0, "finished"),
    ]
    assert session.status().left_loop == 0.0


def test_abort_in_the_break_and_while_judging(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    table.bench.ready = False
    session.handle("/done")
    session.handle("/abort yes")
    session.handle("/abort yes")
    assert not session.over
    table.bench.ready = True
    table.clock.advance(2)
    session.tick()
    assert told(session.events, "by")[-3:] == [
        (0.0, "aborted"),
        (2.0, "closed", "candidate"),
        (2.0, "finished"),
    ]


def test_abort_in_the_break(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    session.handle("/done")
    table.clock.advance(12)
    session.handle("/abort yes")
    assert told(session.events)[-2:] == [(12.0, "aborted"), (12.0, "finished")]


def test_there_is_no_pause(table: Table) -> None:
    session = table.begin()
    assert "/pause" not in dict(session.status().keys)
    session.handle("/pause")
    table.clock.advance(150)
    session.tick()
    assert session.status().phase == "write"


def test_time_and_help_record_nothing(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    table.clock.advance(60)
    session.tick()
    count = len(session.events)
    session.handle("/time")
    assert table.shown[-1] == (
        "1:30 left of read, 9:00 of the round, 13:00 of the loop."
    )
    session.handle("/?")
    session.handle("/help")
    keys = [line.split()[0] for line in table.shown[-5:]]
    assert keys == ["/done", "/next", "/time", "/help", "/abort"]
    assert len(session.events) == count


def test_status_tells_where_the_session_stands(table: Table) -> None:
    session = table.begin("coding:10", "theory:4")
    table.clock.advance(200)
    session.tick()
    status = session.status()
    assert status.title == "coding of seed " + str(session.plan.specs[0].seed)
    assert (status.round, status.rounds, status.phase) == (1, 2, "write")
    assert (status.left_phase, status.left_round, status.left_loop) == (400, 400, 640)
    assert (status.prompt, status.busy, status.over) == ("> ", False, False)


@pytest.mark.parametrize("text", ["", "   ", "\n", "\x00\x07", "\x1b[A"])
def test_an_empty_line_is_nothing(table: Table, text: str) -> None:
    session = table.begin()
    count = len(session.events)
    session.handle(text)
    assert len(session.events) == count


def test_control_characters_go(table: Table) -> None:
    session = table.begin()
    session.handle("  a\x00b\x1b[31mc\td\r\ne\ud800 é∑\x7f ")
    assert session.events[-1]["text"] == "abc d  e é∑"


def test_a_line_that_is_too_long_is_cut_with_a_note(table: Table) -> None:
    session = table.begin()
    session.handle("x" * LONGEST)
    assert session.events[-1]["text"] == "x" * LONGEST
    assert not any("cut" in line for line in table.shown)
    session.handle("x" * (LONGEST + 1))
    assert session.events[-1]["text"] == "x" * LONGEST
    assert "The line was cut at 20000 characters." in table.shown


def test_all_is_recorded_before_it_is_shown(table: Table) -> None:
    counts: list[int] = []
    log = table.folder / "log.jsonl"

    def show(line: str) -> None:
        if line.startswith("noted"):
            counts.append(log.read_text().count('"event": "said"'))

    session = table.begin()
    session._run._show = show
    for number in range(3):
        session.handle(f"line {number}")
    assert counts == [1, 2, 3]


def test_a_round_that_breaks_loses_nothing(table: Table) -> None:
    session = table.begin()
    session.handle("first")
    with pytest.raises(RuntimeError, match="broken"):
        session.handle("/boom")
    for use in (session.tick, lambda: session.handle("more")):
        with pytest.raises(LogError, match="closed; resume it"):
            use()
    again = table.resume()
    said = [e["text"] for e in again.events if e["event"] == "said"]
    assert said == ["first", "before it broke"]
    again.handle("goes on")
    assert again.events[-1]["text"] == "goes on"


def test_a_round_that_cannot_be_drawn_lets_go_of_the_folder(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_round: FakeRound) -> Opening:
        raise ValueError("no kata is left")

    with monkeypatch.context() as patch:
        patch.setattr(FakeRound, "open", nothing)
        with pytest.raises(ValueError, match="no kata is left"):
            table.begin()
    assert table.resume().status().phase == "read"


def test_the_engine_is_light() -> None:
    program = (
        "import sys, interviews.engine.session\n"
        "heavy = {'numpy', 'hypothesis', 'torch', 'scipy', 'pytest', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"


def test_a_session_that_is_over_takes_nothing(table: Table) -> None:
    session = table.begin()
    session.handle("/done")
    kept = (table.folder / "log.jsonl").read_bytes()
    session.handle("more")
    session.tick()
    again = table.resume()
    again.handle("more")
    again.tick()
    assert again.over
    assert (table.folder / "log.jsonl").read_bytes() == kept


def test_two_sessions_cannot_share_a_folder(table: Table) -> None:
    session = table.begin()
    with pytest.raises(LogError, match="another process holds"):
        table.resume()
    with pytest.raises(LogError, match=r"another process holds|began here already"):
        table.begin()
    session.close()
    with pytest.raises(LogError, match="began here already"):
        table.begin()
    assert table.resume().status().phase == "read"


def test_a_folder_without_a_session(table: Table) -> None:
    with pytest.raises(LogError, match="no session began here"):
        table.resume()
    assert not table.folder.exists()


def test_the_same_seed_draws_the_same_rounds(table: Table) -> None:
    first: Session = table.begin("coding:10", "theory:4")
    specs = first.plan.specs
    assert specs[0].seed != specs[1].seed
    assert first.plan.specs == specs
    assert [e["seed"] for e in first.events if e["event"] == "opened"] == [
        specs[0].seed
    ]
