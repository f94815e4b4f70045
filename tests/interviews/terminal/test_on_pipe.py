"""Whole interviews on a pipe."""

import json
import re
from pathlib import Path

from tests.interviews.terminal.processes import on_pipe

_LOOP = ("--round", "theory:2", "--round", "design:1", "--seed", "7")


def events(sessions: Path) -> list[dict[str, object]]:
    (log,) = sessions.glob("*/log.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_scripted_loop_from_plan_to_report(tmp_path: Path) -> None:
    typed = "first\n/judge\n/next\nsecond\n/next\n/next\nthird\n/next\n/next\n"
    done = on_pipe(tmp_path, *_LOOP, typed=typed)
    assert done.stderr == ""
    assert done.returncode == 0
    for said in ("heard first", "The judge has spoken.", "heard second", "heard third"):
        assert said in done.stdout
    assert re.search(r"^\[0[12]:\d\d left · read · /judge /next", done.stdout, re.M)
    assert re.search(r"^\[\d\d:\d\d left · break · /next", done.stdout, re.M)
    assert "1 log was summed up" in done.stdout
    assert "report.html" in done.stdout
    names = [event["event"] for event in events(tmp_path)]
    assert names.count("opened") == names.count("closed") == 2
    assert names[-1] == "finished"


def test_the_plan_comes_first(tmp_path: Path) -> None:
    done = on_pipe(tmp_path, *_LOOP, "--level", "staff", "--track", "attention")
    plan = done.stdout.split("\n\n")[0]
    assert "theory 2, design 1" in plan
    assert "3 minutes" in plan
    assert "staff" in plan
    assert "Seed: 7" in plan
    assert "attention" in plan
    (folder,) = tmp_path.iterdir()
    assert folder.name in plan
    assert folder.name.endswith("-7")


def test_no_line_moves_the_cursor_or_is_too_wide(tmp_path: Path) -> None:
    done = on_pipe(tmp_path, *_LOOP, typed="a\n/help\n/time\n/judge\n/abort yes\n")
    assert done.returncode == 0
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout) is None
    for line in done.stdout.splitlines():
        if not line.startswith("Files:") and not line.startswith("Report:"):
            assert len(line) <= 80, line


def test_an_input_that_ends_leaves_a_session_to_go_on_with(tmp_path: Path) -> None:
    left = on_pipe(tmp_path, *_LOOP, typed="before\n")
    assert left.returncode == 0
    (folder,) = tmp_path.iterdir()
    assert f"kata interview --resume {folder.name}" in left.stdout
    listed = on_pipe(tmp_path, "--list")
    assert listed.stdout.startswith(f"{folder.name}  open  ")
    again = on_pipe(tmp_path, "--resume", typed="after\n/abort yes\n")
    assert again.returncode == 0
    assert "heard after" in again.stdout
    texts = [event["text"] for event in events(tmp_path) if event["event"] == "said"]
    assert texts == ["before", "after"]
    assert "aborted" in on_pipe(tmp_path, "--list").stdout
    told = on_pipe(tmp_path, "--report", folder.name).stdout
    assert "1 log was summed up" in told
    over = on_pipe(tmp_path, "--resume", folder.name)
    assert over.returncode == 2
    assert over.stderr == (
        f"kata interview: session {folder.name} is over: "
        f"kata interview --report {folder.name}\n"
    )


def test_what_was_drawn_before_is_seen(tmp_path: Path) -> None:
    on_pipe(tmp_path, *_LOOP, typed="/abort yes\n")
    on_pipe(tmp_path, *_LOOP, typed="/abort yes\n")
    first, second = (
        json.loads(log.read_text().splitlines()[0])["seen"]
        for log in sorted(
            tmp_path.glob("*/log.jsonl"), key=lambda log: log.stat().st_ino
        )
    )
    assert set(second) ^ set(first) == {"echo1"}
