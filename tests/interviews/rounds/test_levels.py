from pathlib import Path

import pytest

from interviews.rounds.base import Spec
from interviews.rounds.levels import LevelsRound, codebases
from tests.interviews.rounds.playing import (
    Answer,
    Judge,
    Request,
    Table,
    tools,
    verdict,
)

CODEBASE = "cache_codebase"


def spec(item: str = CODEBASE, seed: int = 1) -> Spec:
    return Spec(1, "levels", 45, "senior", seed, (), item)


def by_text(request: Request) -> Answer:
    kata = str(request["kata"])
    return verdict(first=kata in str(request["text"]), second=True)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    judge = Judge(by_text)
    made = Table(lambda: LevelsRound(spec(), tools(judge)), tmp_path)
    made.round.poll(made)
    return made


def write(table: Table, *levels: str) -> None:
    (table.folder / f"{CODEBASE}.py").write_text("\n".join(levels))


def test_there_are_three_codebases_of_four_levels() -> None:
    assert len(codebases()) >= 3
    assert all(len(track.katas) >= 4 for track in codebases())


def test_a_codebase_is_drawn_that_was_not_seen() -> None:
    names = {track.name for track in codebases()}
    judge = Judge(by_text)
    for unseen in names:
        seen = names - {unseen}
        made = LevelsRound(spec(""), tools(judge, *seen))
        assert made.track.name == unseen
    drawn = {
        LevelsRound(spec("", s), tools(judge, *names)).track.name for s in range(30)
    }
    assert drawn == names


def test_an_unknown_codebase_is_refused() -> None:
    with pytest.raises(ValueError, match=r"codebase must be one of .*, got 'nonsense'"):
        LevelsRound(spec("nonsense"), tools(Judge(by_text)))


def test_the_stub_of_the_first_level_is_handed_out(table: Table) -> None:
    text = (table.folder / f"{CODEBASE}.py").read_text()
    assert "NotImplementedError" in text
    assert table.opening.subject["codebase"] == CODEBASE
    levels = table.opening.subject["levels"]
    assert isinstance(levels, list)
    assert len(levels) == 4


def test_only_passed_or_not_is_told(table: Table) -> None:
    write(table, "nothing")
    said = table.type("/judge")
    assert "  ✗ first holds." in said
    assert "  ✓ second holds." in said
    assert not table.named("level")


def test_a_level_is_unlocked_when_all_before_it_hold(table: Table) -> None:
    write(table, "cache_basic")
    said = " ".join(table.type("/judge"))
    assert "Level 2" in said
    assert (table.folder / "level_2.py").exists()
    write(table, "cache_ttl")
    said = " ".join(table.type("/judge"))
    assert "Level 1 has broken: 1 of 2 hold." in said
    assert len(table.named("level")) == 1
    write(table, "cache_basic", "cache_ttl")
    table.type("/judge")
    assert [event["level"] for event in table.named("level")] == [2, 3]
    runs = [(event["run"], event["level"]) for event in table.named("judged")]
    assert runs == [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2)]


def test_the_end_judges_what_there_is_then(table: Table) -> None:
    write(table, "cache_basic")
    table.type("/judge")
    table.end()
    finals = [event for event in table.named("judged") if event["final"]]
    assert [event["level"] for event in finals] == [1, 2]
    assert not table.is_busy()
    assert "reached 2" in table.round.debrief[0]
    before = len(table.events)
    table.end()
    assert len(table.events) == before


def test_all_levels_end_without_another(table: Table) -> None:
    track = next(track for track in codebases() if track.name == CODEBASE)
    write(table, *(kata.name for kata in track.katas))
    for _ in track.katas:
        said = " ".join(table.type("/judge"))
    assert "All levels hold" in said
    assert len(table.named("level")) == 3


def test_a_crash_in_a_run_judges_it_again_as_it_was(table: Table) -> None:
    write(table, "cache_basic")
    table.type("/judge")
    write(table, "cache_basic", "cache_ttl")
    table.round.handle(table, "/judge")  # the process dies before the judge answers
    write(table, "something else")
    (table.folder / "level_2.py").unlink()
    table.resume()
    assert table.is_busy()
    table.round.enter(table, "write")
    assert (table.folder / "level_2.py").exists()
    table.round.poll(table)
    assert not table.is_busy()
    assert table.events[-1]["event"] == "level"
    table.resume()
    table.said.clear()
    table.round.enter(table, "write")
    assert "You are at level 3" in table.said[0]
    assert "level_3.py" in table.said[1]
    assert "cache_ttl" in str(table.named("judged")[-1]["text"])


def test_another_run_waits_for_the_first(table: Table) -> None:
    judge = Judge(lambda _: None)
    table._make = lambda: LevelsRound(spec(), tools(judge))
    table.resume()
    table.type("/judge")
    assert table.type("/judge") == ["The judge is still at work."]
    assert len(table.named("asked-judge")) == 1
    assert table.is_busy()


def test_words_are_kept(table: Table) -> None:
    table.type("the journal costs one write a change")
    assert table.named("said")[0]["text"] == "the journal costs one write a change"
    assert "No such key" in table.type("/nonsense")[0]
