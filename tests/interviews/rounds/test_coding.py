"""A coding round: drawn, judged on request, judged at the end, resumed."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dojo.catalogue import ROOT
from interviews.judging import JudgeProcess
from interviews.rounds.base import Judging, Spec, Tools
from interviews.rounds.coding import CodingRound
from tests.interviews.rounds.judging import FakeHost, FakeJudging

SPEC = Spec(1, "coding", 20, "junior", 7, (), "softmax")
SOLUTION = (ROOT / "solutions/activations/softmax.py").read_text(encoding="utf-8")


def answer(request: Mapping[str, object]) -> dict[str, object]:
    """Two properties: the second holds where the text says so."""
    held = "right" in str(request.get("text"))
    failure = {"message": "2 instead of 1", "calls": ["softmax([1])"], "got": "2"}
    return {
        "state": "solved" if held else "wrong",
        "refused": "",
        "results": [
            {"name": "test_a", "sentence": "It sums.", "held": True, "core": True},
            {"name": "test_b", "sentence": "It shifts.", "held": held, "core": False},
        ],
        "seconds": 0.1,
        "failure": failure if request.get("explain") and not held else None,
    }


def play(judging: Judging, folder: Path) -> tuple[CodingRound, FakeHost]:
    round_ = CodingRound(SPEC, Tools(ROOT, judging))
    host = FakeHost(folder, round_)
    host.begin()
    host.record("phase", name="write", by="start")
    round_.enter(host, "write")
    return round_, host


@pytest.fixture
def judging() -> FakeJudging:
    return FakeJudging(answer)


def test_the_stub_lies_in_the_folder(judging: FakeJudging, tmp_path: Path) -> None:
    round_, host = play(judging, tmp_path)
    file = tmp_path / "softmax.py"
    assert "raise NotImplementedError" in file.read_text(encoding="utf-8")
    assert any(str(file) in line for line in host.lines)
    opening = round_.open()
    assert opening.par == 15
    assert [phase.share for phase in opening.phases] == [0.10, 0.75, 0.15]
    assert opening.subject["kata"] == "softmax"
    assert opening == CodingRound(SPEC, Tools(ROOT, judging)).open()


def test_a_run_tells_pass_or_fail_and_no_more(
    judging: FakeJudging, tmp_path: Path
) -> None:
    round_, host = play(judging, tmp_path)
    judging.slow = True
    (tmp_path / "softmax.py").write_text("x = 1\n", encoding="utf-8")
    round_.handle(host, "/judge")
    assert host.named("asked-judge")[0]["text"] == "x = 1\n"
    assert round_.busy
    round_.handle(host, "/j")
    assert len(judging.requests) == 1
    (tmp_path / "softmax.py").write_text("changed meanwhile\n", encoding="utf-8")
    round_.poll(host)
    assert not host.named("judged")
    judging.tickets[0].is_done = True
    host.lines.clear()
    round_.poll(host)
    assert host.lines == [
        "✓ It sums.",
        "✗ It shifts.",
        "Run 1: 1 of 2 properties hold.",
    ]
    (judged,) = host.named("judged")
    assert (judged["run"], judged["final"], judged["text"]) == (1, False, "x = 1\n")
    assert "failure" not in judged
    assert not round_.busy


def test_each_run_has_a_seed_of_its_own(judging: FakeJudging, tmp_path: Path) -> None:
    round_, host = play(judging, tmp_path)
    for _ in range(3):
        round_.handle(host, "/judge")
        round_.poll(host)
    assert len({request["seed"] for request in judging.requests}) == 3
    assert not any(request["explain"] for request in judging.requests)


def test_the_end_judges_the_draft_with_every_detail(
    judging: FakeJudging, tmp_path: Path
) -> None:
    round_, host = play(judging, tmp_path)
    judging.slow = True
    round_.handle(host, "/judge")
    host.now = 1e9  # the file is older than the round's end
    round_.end(host)
    round_.end(host)
    before = round_.busy
    assert [entry["final"] for entry in host.named("asked-judge")] == [False, True]
    judging.slow = False
    judging.tickets[0].is_done = True
    round_.poll(host)
    assert (before, round_.busy) == (True, False)
    assert [entry["final"] for entry in host.named("judged")] == [False, True]
    assert judging.requests[-1]["explain"] is True
    text = "\n".join(round_.debrief)
    for part in ("At the end: 1 of 2", "softmax([1])", "got: 2", "solutions/activ"):
        assert part in text
    assert all(len(line) <= 80 for line in round_.debrief)


def test_a_file_that_was_changed_after_the_time_counts_nothing(
    judging: FakeJudging, tmp_path: Path
) -> None:
    round_, host = play(judging, tmp_path)
    file = tmp_path / "softmax.py"
    stub = file.read_text(encoding="utf-8")
    file.write_text("right, but late\n", encoding="utf-8")
    late = 1893456000 + 3600  # an hour after the round began, in 2030
    os.utime(file, (late, late))
    host.now = 1200.0
    round_.end(host)
    assert host.named("asked-judge")[-1]["text"] == stub
    assert any("after the time" in line for line in host.lines)


def test_what_is_said_is_kept_while_explaining(
    judging: FakeJudging, tmp_path: Path
) -> None:
    round_, host = play(judging, tmp_path)
    round_.handle(host, "too early")
    assert not host.named("said")
    host.record("phase", name="explain", by="candidate")
    round_.handle(host, "O(n), one pass.")
    assert [entry["text"] for entry in host.named("said")] == ["O(n), one pass."]
    round_.handle(host, "/hint")
    assert host.lines[-1].startswith("No such key here: /hint.")


def test_a_resumed_round_judges_what_was_asked(
    judging: FakeJudging, tmp_path: Path
) -> None:
    first, host = play(judging, tmp_path)
    judging.slow = True
    (tmp_path / "softmax.py").write_text("right\n", encoding="utf-8")
    first.handle(host, "/judge")
    again = FakeJudging(answer)
    round_ = CodingRound(SPEC, Tools(ROOT, again))
    round_.open()
    for event in host.events:
        round_.apply(event)
    host.round = round_
    assert round_.busy
    round_.poll(host)
    assert again.requests == judging.requests
    assert host.named("judged")[0]["state"] == "solved"
    assert not round_.busy


def test_a_judge_that_dies_is_asked_again(tmp_path: Path) -> None:
    answers: Iterator[dict[str, object]] = iter(
        [{}, {"state": "broken", "results": [], "error": "died"}]
    )
    judging = FakeJudging(lambda request: next(answers, answer(request)))
    round_, host = play(judging, tmp_path)
    round_.handle(host, "/judge")
    round_.poll(host)
    assert len(judging.requests) == 2
    assert host.named("judged")[0]["state"] == "wrong"


def test_a_real_judge(tmp_path: Path) -> None:
    judging = JudgeProcess()
    try:
        round_, host = play(judging, tmp_path)
        host.now = 1e9
        file = tmp_path / "softmax.py"
        stub = file.read_text(encoding="utf-8")
        texts = (stub, SOLUTION, SOLUTION + "\nimport reference\n", SOLUTION[:-9])
        for text in texts:
            file.write_text(text, encoding="utf-8")
            round_.handle(host, "/judge")
            while round_.busy:
                round_.poll(host)
        states = [entry["state"] for entry in host.named("judged")]
        assert states[:3] == ["not started", "solved", "wrong"]
        assert states[3] != "solved"
        refused = host.named("judged")[2]
        assert "`reference` is not allowed" in str(refused["refused"])
        for number in (0, 2):
            results = host.named("judged")[number]["results"]
            assert isinstance(results, list)
            assert len(results) == 9
            assert not any(entry["held"] for entry in results)
        file.write_text(
            SOLUTION.replace("exponentials / total", "exponentials")
            if "exponentials / total" in SOLUTION
            else SOLUTION.replace("np.exp", "np.cosh"),
            encoding="utf-8",
        )
        round_.end(host)
        while round_.busy:
            round_.poll(host)
        debrief = "\n".join(round_.debrief)
        assert "What broke first" in debrief
        assert "softmax(" in debrief
    finally:
        judging.close()
