from pathlib import Path

import pytest

from interviews.rounds.base import LEVELS, Spec
from interviews.rounds.own_tests import OwnTestsRound
from tests.interviews.rounds.playing import Answer, Judge, Table, tools


def spec(item: str = "softmax", seed: int = 1, level: str = "mid") -> Spec:
    return Spec(1, "tests", 60, level, seed, (), item)


def answer(tests: list[str], alarms: list[str]) -> Answer:
    return {"tests": tests, "false_alarms": alarms, "refused": "", "error": "",
            "caught": {}}  # fmt: skip


def table_of(folder: Path, result: Answer) -> Table:
    judge = Judge(lambda _: result)
    return Table(lambda: OwnTestsRound(spec(), tools(judge)), folder)


def test_the_statement_and_a_template_are_handed_out(tmp_path: Path) -> None:
    table = table_of(tmp_path, answer([], []))
    stub = (tmp_path / "softmax.py").read_text()
    template = (tmp_path / "test_softmax.py").read_text()
    assert "NotImplementedError" in stub
    assert "from katas.activations.softmax import log_softmax, softmax" in template
    mistakes = table.opening.subject["mistakes"]
    assert isinstance(mistakes, list)
    assert 5 <= len(mistakes) <= 8
    assert "allowed_names" not in str(mistakes)


def test_how_many_are_caught_is_told_and_not_which(tmp_path: Path) -> None:
    table = table_of(tmp_path, {})
    mistakes = table.opening.subject["mistakes"]
    assert isinstance(mistakes, list)
    caught = {mistakes[0]: ["test_a"], mistakes[1]: []}
    judge = Judge(
        lambda _: answer(["test_a", "test_b"], ["test_b"]) | {"caught": caught}
    )
    table._make = lambda: OwnTestsRound(spec(), tools(judge))
    table.resume()
    said = " ".join(table.type("/judge"))
    assert f"2 tests catch 1 of {len(mistakes)}" in said
    assert "test_b fails on a right one" in said
    assert not any(name in said for name in mistakes)
    (tested,) = table.named("tested")
    assert tested["caught"] == [{"mistake": mistakes[0], "by": ["test_a"]}]
    assert tested["missed"] == mistakes[1:]
    (request,) = judge.requests
    assert request["mistakes"] == mistakes
    table.end()
    told = "\n".join(table.round.debrief)
    assert mistakes[1] in told
    assert mistakes[0] not in told


def test_one_test_is_told_of_as_one(tmp_path: Path) -> None:
    table = table_of(tmp_path, answer(["test_a"], []))
    assert "Run 1: 1 test catches " in table.type("/judge")[-1]


def test_a_file_that_cannot_run_is_one_line(tmp_path: Path) -> None:
    failed: Answer = {"tests": [], "caught": {}, "refused": "", "error": "no tests"}
    table = table_of(tmp_path, failed)
    assert "Run 1: no tests" in table.type("/judge")
    assert table.named("tested")[0]["error"] == "no tests"


def test_a_crash_in_a_run_tests_again(tmp_path: Path) -> None:
    table = table_of(tmp_path, answer(["test_a"], []))
    table.round.handle(table, "/judge")
    table.resume()
    assert table.is_busy()
    table.round.poll(table)
    assert not table.is_busy()
    assert len(table.named("tested")) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_a_kata_that_is_judged_quickly_is_drawn(level: str) -> None:
    judge = Judge(lambda _: answer([], []))
    drawn = [OwnTestsRound(spec("", s, level), tools(judge)).kata for s in range(20)]
    assert all(kata.seconds <= 5 for kata in drawn)
    assert len({kata.name for kata in drawn}) > 3


def test_a_track_can_be_asked_for() -> None:
    asked = Spec(1, "tests", 30, "mid", 1, ("drift",))
    made = OwnTestsRound(asked, tools(Judge(lambda _: {})))
    assert made.kata.track == "drift"
    nowhere = Spec(1, "tests", 30, "mid", 1, ("nonsense",))
    with pytest.raises(
        ValueError, match="there is no kata in nonsense for a tests round"
    ):
        OwnTestsRound(nowhere, tools(Judge(lambda _: {})))
