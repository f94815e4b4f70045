import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dojo.catalogue import ROOT
from dojo.progress import Progress
from interviews import past
from interviews.cli import help_text, interview, plan_lines, run
from interviews.engine.log import Log
from interviews.engine.plan import plan_of, read_presets

_NAMES = ("product-ml-engineer", "lab-research-engineer", "applied-scientist")


@pytest.fixture(autouse=True)
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERVIEW_SESSIONS", str(tmp_path / "sessions"))
    return tmp_path / "sessions"


def test_the_help_is_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for said in (*_NAMES, "phone-screen", "Example: kata interview", "can read them"):
        assert said in shown
    assert run(["-h"]) == 0
    assert capsys.readouterr().out == shown


def test_the_help_tells_of_every_option() -> None:
    from typer.main import get_command

    from interviews.cli import app

    (command,) = [get_command(app)]
    options = [name for parameter in command.params for name in parameter.opts]
    assert len(options) > 10
    for name in options:
        if name.startswith("--") and name != "--help":
            assert name in help_text()
    assert interview.__doc__


_MISTAKES = {
    ("phnoe-screen",): "no preset is called 'phnoe-screen'; there are: product-",
    ("phone-screen", "more"): "unexpected extra argument",
    ("phone-screen", "--round", "coding:30"): "choose a preset or compose rounds",
    ("--round", "codng:30"): "kinds are coding, levels, repair, tests, theory, design",
    ("--round", "coding"): "as in coding:30",
    ("--round", "coding:x"): "as in coding:30",
    ("--round", "coding:0"): "minutes must be from 1 to",
    ("--round", "coding:-5"): "minutes must be from 1 to",
    ("--round", "coding:nan"): "minutes must be from 1 to",
    ("--round", "coding:1e9"): "minutes must be from 1 to",
    ("--round",): "requires an argument",
    ("--level", "mid"): "choose a preset or compose rounds",
    ("phone-screen", "--level", "boss"): "junior, mid, senior, staff, got 'boss'",
    ("phone-screen", "--seed", "x"): "invalid value for '--seed'",
    ("phone-screen", "--seed", "-1"): "seed must be at least 0, got -1",
    ("phone-screen", "--track", "atention"): "did you mean 'attention'?",
    ("phone-screen", "--sed", "1"): "--sed",
    ("--resume",): "there is no unfinished session in",
    ("--resume", "20200101-000000-1"): "there is no session '20200101-000000-1'",
    ("--resume", "../x"): "there is no session '../x'",
    ("--report",): "requires an argument",
    ("--report", "20200101-000000-1"): "there is no session '20200101-000000-1'",
    ("--list", "--report", "x"): "--report and --list are two things: choose one",
    ("phone-screen", "--list"): "--list takes no preset",
    ("--resume", "--seed", "1"): "--resume takes no preset",
    ("--list", "--interviewer", "http://127.0.0.1:1", "--model", "m"): (
        "--list takes no interviewer"
    ),
    ("phone-screen", "--model", "m"): "--interviewer URL and --model NAME go together",
    ("phone-screen", "--interviewer", "http://127.0.0.1:1"): "go together",
    ("phone-screen", "--yes-remote"): "--yes-remote says yes to an --interviewer",
    ("phone-screen", "--interviewer", "nonsense", "--model", "m"): "URL must be like",
    ("phone-screen", "--interviewer", "https://example.org/v1", "--model", "m"): (
        "'example.org' is another machine"
    ),
}


@pytest.mark.parametrize("arguments", _MISTAKES, ids=" ".join)
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], sessions: Path
) -> None:
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("kata interview: ")
    assert told.err.count("\n") == 1
    assert _MISTAKES[arguments].lower() in told.err.lower()
    assert not sessions.exists()


def test_an_item_that_there_is_not_is_found_before_the_clock_starts(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    sessions: Path,
) -> None:
    from interviews.engine import rounds

    fake = ("tests.interviews.terminal.fake_round", "FakeRound")
    monkeypatch.setitem(rounds._CLASSES, "theory", fake)
    assert run(["--round", "theory:1", "--round", "theory:1:unknown"]) == 2
    assert capsys.readouterr().err == ("kata interview: no item is called 'unknown'\n")
    assert not sessions.exists()


def test_without_a_terminal_no_argument_is_a_mistake() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "interviews"],
        input="",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "phone-screen" in done.stdout


@pytest.mark.parametrize("command", ["interview", "review"])
def test_kata_passes_its_arguments_on(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dojo", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert f"kata {command}" in done.stdout
    wrong = subprocess.run(
        [sys.executable, "-m", "dojo", command, "--no-such-option", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2
    assert "--no-such-option" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_the_command_line_is_light() -> None:
    heavy = (
        "numpy",
        "hypothesis",
        "pytest",
        "torch",
        "scipy",
        "prompt_toolkit",
        "httpx",
    )
    code = (
        f"import sys, interviews.cli; print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_presets_claim_no_more_than_they_can_name() -> None:
    presets = {preset.name: preset for preset in read_presets()}
    assert {*_NAMES, "phone-screen"} <= set(presets)
    for preset in presets.values():
        assert preset.source.startswith("https://")
        assert datetime.fromisoformat(preset.date)
        assert preset.claim
        assert preset.ai_policy
    screen = presets["phone-screen"]
    assert [(asked.kind, asked.minutes) for asked in screen.rounds] == [
        ("coding", 15),
        ("theory", 12),
        ("design", 18),
    ]


@pytest.mark.parametrize("preset", read_presets(), ids=lambda preset: preset.name)
def test_the_plan_tells_all_that_was_agreed_on(preset: object, tmp_path: Path) -> None:
    (chosen,) = [one for one in read_presets() if one == preset]
    plan = plan_of(preset=chosen.name, seed=7)
    lines = plan_lines(plan, chosen, tmp_path)
    told = " ".join(" ".join(lines).split())
    for said in (chosen.title, f"{plan.minutes:g} minutes", chosen.level, "Seed: 7"):
        assert said in told
    for said in (chosen.ai_policy, " ".join(chosen.claim.split()), chosen.source):
        assert said in told
    assert chosen.date in told
    for line in lines:
        # An address is not broken; a path is as long as it is.
        assert len(line) <= 80 or line.startswith(("Source:", "Files:"))


def test_two_sessions_never_share_a_folder(sessions: Path) -> None:
    now = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
    names = [past.make_folder(sessions, 7, now).name for _ in range(3)]
    assert names == ["20261121-090507-7", "20261121-090507-7-2", "20261121-090507-7-3"]


def test_what_another_process_holds_is_not_gone_on_with(sessions: Path) -> None:
    for name in ("20260101-000000-1", "20260102-000000-1"):
        Log.create(sessions / name).close()
    held = Log.open(sessions / "20260102-000000-1")
    found = past.find_folder(sessions, "", unfinished=True)
    assert found.name == "20260101-000000-1"
    assert past.find_folder(sessions, "") == held.folder
    other = Log.open(found)
    assert past.find_folder(sessions, "", unfinished=True) == held.folder
    other.close()
    held.close()
    assert past.find_folder(sessions, "", unfinished=True) == held.folder


def test_a_session_that_is_held_is_refused_in_a_short_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    sessions: Path,
) -> None:
    held = Log.create(sessions / "20260101-000000-4294967295")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert run(["--resume", "20260101-000000-4294967295"]) == 2
    held.close()
    told = capsys.readouterr().err
    assert "another process holds this session" in told
    assert len(told.rstrip()) <= 80


def test_a_folder_elsewhere_is_named_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(rounds=("coding:30",), seed=7)
    assert f"Files:   {tmp_path}" in plan_lines(plan, None, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert f"Files:   {Path('here') / '1'}" in plan_lines(
        plan, None, tmp_path / "here" / "1"
    )


def test_a_list_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--list"]) == 0
    assert capsys.readouterr().out.startswith("no session yet in ")


def test_a_log_that_cannot_be_read_does_not_end_the_list(
    capsys: pytest.CaptureFixture[str], sessions: Path
) -> None:
    (sessions / "broken").mkdir(parents=True)
    (sessions / "broken" / "log.jsonl").write_text("nonsense\nmore\n")
    assert run(["--list"]) == 0
    assert "broken  unreadable: " in capsys.readouterr().out
    assert run(["--report", "broken"]) == 2
    assert run(["--resume", "broken"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_what_was_attempted_or_looked_up_is_not_new(
    monkeypatch: pytest.MonkeyPatch, sessions: Path
) -> None:
    records: list[dict[str, object]] = [
        {"event": "attempt", "kata": "tried", "target": "katas", "state": "wrong"},
        {"event": "attempt", "kata": "stub", "target": "katas", "state": "not started"},
        {
            "event": "attempt",
            "kata": "theirs",
            "target": "solutions",
            "state": "solved",
        },
        {"event": "peek", "kata": "peeked"},
        {"event": "hint", "kata": "hinted"},
    ]
    monkeypatch.setattr(Progress, "history", lambda _: iter(records))
    assert past.seen_before(sessions) == {"tried", "peeked"}
