import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from interviews.engine.log import Log
from interviews.review import cli
from tests.dojo.tree import Tree

NOW = datetime(2028, 2, 29, 9, 0, tzinfo=UTC)
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command over the small tree; return its exit code and its words."""
    from dojo.catalogue import read_catalogue

    monkeypatch.setattr(cli, "catalogue", lambda: read_catalogue(tree.root))
    monkeypatch.setenv("INTERVIEW_SESSIONS", str(tree.root / "sessions"))

    def command(*argv: str, now: datetime = NOW) -> tuple[int, str]:
        code = cli.main(argv, now)
        told = capsys.readouterr()
        assert all(len(line) <= 80 for line in told.out.splitlines())
        return code, told.out + told.err

    return command


def solve(tree: Tree, name: str, when: datetime) -> None:
    file = tree.root / ".dojo" / "history.jsonl"
    file.parent.mkdir(exist_ok=True)
    record = {"event": "attempt", "kata": name, "when": when.isoformat(),
              "target": "katas", "state": "solved"}  # fmt: skip
    with file.open("a") as history:
        history.write(json.dumps(record) + "\n")


def sit(folder: Path, when: datetime) -> None:
    wall = when.isoformat()
    log = Log.create(folder)
    item = {"id": "auc-with-ties", "form": "number", "minutes": 2, "points": 0}
    log.append("began", 0, 0, wall, session="one")
    log.append("opened", 1, 0, wall, kind="theory", subject={"items": [item]})
    log.append("answered", 1, 60, wall, item="auc-with-ties", correct=False, took=60)
    log.append("closed", 1, 90, wall, by="time", used=1.5)
    log.close()


def test_nothing_yet(run: Run) -> None:
    assert run() == (
        0, "Nothing to review yet: solve a kata or sit an interview first.\n"
    )  # fmt: skip


def test_katas_and_theory_are_due_in_their_time(run: Run, tree: Tree) -> None:
    name = "double"
    solve(tree, name, NOW)
    sit(tree.root / "sessions" / "one", NOW)
    _, told = run()
    assert told.startswith("Due today: 0 of 2\n")
    assert "auc-with-ties on 2028-03-01" in told
    _, told = run(now=NOW + timedelta(days=1))
    assert "Due today: 1 of 2" in told
    assert "theory  auc-with-ties" in told
    assert "last again" in told
    _, told = run(now=NOW + timedelta(days=2))
    assert "Due today: 2 of 2" in told
    assert f"kata    {name}" in told


def test_the_state_is_rebuilt_from_the_log_alone(run: Run, tree: Tree) -> None:
    solve(tree, "double", NOW)
    sit(tree.root / "sessions" / "one", NOW)
    first = run()
    log = tree.root / ".dojo" / "reviews.jsonl"
    kept = log.read_bytes()
    (tree.root / ".dojo" / "history.jsonl").unlink()
    assert run() == first
    assert log.read_bytes() == kept


def test_an_altered_session_is_no_evidence(run: Run, tree: Tree) -> None:
    sit(tree.root / "sessions" / "one", NOW)
    file = tree.root / "sessions" / "one" / "log.jsonl"
    file.write_text(file.read_text().replace('"correct": false', '"correct": true'))
    assert "Nothing to review" in run()[1]


@pytest.mark.parametrize(
    "now",
    [
        NOW - timedelta(days=400),
        NOW.astimezone(timezone(timedelta(hours=14))),
        NOW.astimezone(timezone(timedelta(hours=-11))),
    ],
)
def test_another_clock_does_no_harm(run: Run, tree: Tree, now: datetime) -> None:
    solve(tree, "double", NOW)
    code, told = run(now=now)
    assert (code, told.splitlines()[0]) == (0, "Due today: 0 of 1")


def test_an_interview_date_plans_the_days(run: Run, tree: Tree) -> None:
    solve(tree, "double", NOW)
    code, told = run("--interview-date", "2028-03-30")
    assert code == 0
    assert "Days until 2028-03-30: 30" in told
    assert "Tue 2028-02-29  back to  0  new: " in told
    assert "… 16 more days" in told


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2028-02-29", "must be after today, 2028-02-29, got 2028-02-29"),
        ("2027-02-29", "must be a day like"),
        ("soon", "must be a day like 2027-02-28, got 'soon'"),
    ],
)
def test_a_bad_date_is_one_line(run: Run, day: str, said: str) -> None:
    code, told = run("--interview-date", day)
    assert code == 2
    assert said in told
    assert "Traceback" not in told
