"""The log: whole lines, on disk at once, held by one, and any change is found."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.engine.log import Log, LogError, altered, is_held, read_log

WALL = "2026-11-21T10:00:00.000Z"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def filled(folder: Path, count: int = 4) -> Log:
    log = Log.create(folder)
    for number in range(count):
        log.append("said", 1, number / 2, WALL, text=f"line {number} – é")
    return log


def test_a_line_has_its_fields_in_order(tmp_path: Path) -> None:
    log = Log.create(tmp_path)
    event = log.append("phase", 2, 1.23456, WALL, name="read", shares=(1, 2))
    (line,) = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == event
    assert list(event) == [
        *("line", "at", "wall", "event", "round", "name", "shares", "chain")
    ]
    # As it will be read again: lists for tuples, milliseconds.
    assert (event["shares"], event["at"], event["line"]) == ([1, 2], 1.235, 1)


def test_the_chain_is_what_the_contract_says(tmp_path: Path) -> None:
    from hashlib import sha256

    first, second = filled(tmp_path, 2).events
    raw = (tmp_path / "log.jsonl").read_bytes().splitlines()
    body = raw[0][: raw[0].rindex(b', "chain"')] + b"}"
    assert first["chain"] == sha256(body).hexdigest()[:16]
    body = raw[1][: raw[1].rindex(b', "chain"')] + b"}"
    chain = sha256(str(first["chain"]).encode() + body).hexdigest()[:16]
    assert second["chain"] == chain


@given(data=st.dictionaries(st.from_regex(r"[a-z]{6,9}x", fullmatch=True), json_values))
def test_what_is_appended_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = Log.create(folder)
    log.append("first", 0, 0.0, WALL, **data)
    log.append("second", 0, 1.0, WALL, **data)
    log.close()
    read = read_log(folder / "log.jsonl")
    assert read == log.events == Log.open(folder).events
    assert altered(read) == 0


def test_time_never_falls(tmp_path: Path) -> None:
    log = Log.create(tmp_path)
    for at in (1.0, 0.5, -3.0, 2.0):
        log.append("tick", 0, at, WALL)
    assert [event["at"] for event in log.events] == [1.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "data",
    [{"chain": "x"}, {"line": 3}, {"value": float("nan")}, {"value": {1, 2}}],
)
def test_what_cannot_be_kept_is_refused_and_nothing_written(
    tmp_path: Path, data: dict[str, object]
) -> None:
    log = filled(tmp_path)
    kept = (tmp_path / "log.jsonl").read_bytes()
    with pytest.raises((ValueError, TypeError)):
        log.append("bad", 1, 9.0, WALL, **data)
    assert (tmp_path / "log.jsonl").read_bytes() == kept
    assert len(log.events) == 4


def test_half_a_surrogate_pair_does_no_harm(tmp_path: Path) -> None:
    log = Log.create(tmp_path)
    log.append("said", 1, 0.0, WALL, text="a\ud800b")
    assert log.events[0]["text"] == "a?b"
    assert read_log(tmp_path / "log.jsonl") == log.events
    assert altered(log.events) == 0


def test_a_write_that_fails_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = filled(tmp_path)
    kept = (tmp_path / "log.jsonl").read_bytes()

    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    sync, write = os.fsync, os.write
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        log.append("said", 1, 9.0, WALL)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:10]))
    with pytest.raises(OSError, match="written"):
        log.append("said", 1, 9.0, WALL)
    monkeypatch.setattr(os, "write", write)
    assert (tmp_path / "log.jsonl").read_bytes() == kept
    log.append("said", 1, 9.0, WALL)
    assert altered(read_log(tmp_path / "log.jsonl")) == 0


def test_each_line_is_on_disk_before_append_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log.create(tmp_path)
    order: list[str] = []
    write, sync = os.write, os.fsync

    def watched_write(handle: int, line: bytes) -> int:
        order.append("write")
        return write(handle, line)

    def watched_sync(handle: int) -> None:
        order.append("fsync")
        sync(handle)

    monkeypatch.setattr(os, "write", watched_write)
    monkeypatch.setattr(os, "fsync", watched_sync)
    log.append("said", 1, 0.0, WALL, text="x" * 100_000)
    assert order == ["write", "fsync"]


def test_appending_is_quick(tmp_path: Path) -> None:
    log = Log.create(tmp_path)
    took: list[float] = []
    for number in range(40):
        start = time.perf_counter()
        log.append("said", 1, float(number), WALL, text="x" * 2000)
        took.append(time.perf_counter() - start)
    # From key to screen there are 50 ms; the median, as the disk is not ours alone.
    assert sorted(took)[20] < 0.025


def test_a_torn_line_is_cut_at_every_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)  # thousands of times
    filled(tmp_path / "whole").close()
    whole = (tmp_path / "whole" / "log.jsonl").read_bytes()
    events = read_log(tmp_path / "whole" / "log.jsonl")
    folder = tmp_path / "torn"
    folder.mkdir()
    for size in range(len(whole) + 1):
        file = folder / "log.jsonl"
        file.write_bytes(whole[:size])
        (folder / "log.torn").unlink(missing_ok=True)
        lines = whole[:size].count(b"\n")
        tail = whole[:size].rpartition(b"\n")[2]
        assert read_log(file) == events[:lines]
        log = Log.open(folder)
        assert log.events == events[:lines]
        assert bool(log.repaired) == bool(tail)
        if tail:
            assert (folder / "log.torn").read_bytes() == tail + b"\n"
            assert f"{len(tail)} bytes" in log.repaired
        log.append("said", 1, 99.0, WALL, text="goes on")
        log.close()
        read = read_log(file)
        assert read[:lines] == events[:lines]
        assert len(read) == lines + 1
        assert altered(read) == 0


@pytest.mark.parametrize("tail", [b"\0\0\0\0", b"{}\n", b"\xff\n", b'["a"]\n'])
def test_a_last_line_that_is_none_is_torn(tmp_path: Path, tail: bytes) -> None:
    filled(tmp_path).close()
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(tail)
    log = Log.open(tmp_path)
    assert len(log.events) == 4
    assert log.repaired


def test_a_line_in_the_middle_that_cannot_be_read(tmp_path: Path) -> None:
    filled(tmp_path).close()
    file = tmp_path / "log.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    kept = b"".join([lines[0], b"oops\n", *lines[2:]])
    file.write_bytes(kept)
    for read in (lambda: read_log(file), lambda: Log.open(tmp_path)):
        with pytest.raises(LogError, match="line 2 cannot be read"):
            read()
    assert file.read_bytes() == kept


@given(data=st.data())
def test_what_was_edited_taken_out_or_moved_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    events = list(filled(tmp_path_factory.mktemp("log"), 6).events)
    place = data.draw(st.integers(0, 5))
    how = data.draw(st.sampled_from(["edit", "remove", "swap", "repeat", "time"]))
    if how == "edit":
        events[place] = {**events[place], "text": data.draw(st.text(max_size=3))}
    elif how == "time":
        events[place] = {**events[place], "at": 0.25}
    elif how == "remove":
        place = data.draw(st.integers(0, 4))  # a log that ends early is a whole log
        del events[place]
    elif how == "swap":
        place = data.draw(st.integers(0, 4))
        events[place : place + 2] = events[place + 1], events[place]
    else:
        events.insert(place, events[place])
        place += 1
    assert altered(events) == place + 1


def test_one_process_holds_a_folder(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with pytest.raises(LogError, match="another process holds this session"):
        Log.open(tmp_path)
    assert is_held(tmp_path)
    log.close()
    log.close()
    assert not is_held(tmp_path)
    assert not is_held(tmp_path / "nowhere")
    with pytest.raises(LogError, match="the log is closed"):
        log.append("said", 1, 9.0, WALL)
    again = Log.open(tmp_path)
    assert len(again.events) == 4


def test_another_process_is_refused_until_this_one_lets_go(tmp_path: Path) -> None:
    log = filled(tmp_path)
    program = (
        "import sys; from pathlib import Path; from interviews.engine.log import Log\n"
        "try: print(len(Log.open(Path(sys.argv[1])).events))\n"
        "except ValueError as error: print(error)"
    )

    def other() -> str:
        command = [sys.executable, "-c", program, str(tmp_path)]
        return subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert "another process holds this session" in other()
    log.close()
    assert other() == "4"


def test_a_log_is_begun_once(tmp_path: Path) -> None:
    filled(tmp_path).close()
    kept = (tmp_path / "log.jsonl").read_bytes()
    with pytest.raises(LogError, match="began here already"):
        Log.create(tmp_path)
    assert (tmp_path / "log.jsonl").read_bytes() == kept


def test_there_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no session began here"):
        Log.open(tmp_path / "nothing")
    with pytest.raises(LogError, match="No such file"):
        read_log(tmp_path / "log.jsonl")
