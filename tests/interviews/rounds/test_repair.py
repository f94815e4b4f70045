import ast
from pathlib import Path

import pytest

from dojo.catalogue import catalogue
from dojo.notes import read_notes
from interviews.rounds.base import LEVELS, Spec
from interviews.rounds.draw import DIFFICULTY, missing, shelves
from interviews.rounds.repair import RepairRound, plant
from tests.interviews.rounds.playing import (
    ROOT,
    Answer,
    Judge,
    Request,
    Table,
    tools,
    verdict,
)

KATA = "lru_cache"


def spec(item: str = KATA, seed: int = 1, level: str = "senior") -> Spec:
    return Spec(1, "repair", 60, level, seed, (), item)


def by_text(request: Request) -> Answer:
    """Hold the property of every planted mistake whose name is in the text."""
    shelf = shelves(ROOT)[str(request["shelf"])]
    kata = next(kata for kata in shelf.katas if kata.name == request["kata"])
    mistakes = read_notes(shelf.notes_file(kata)).mistakes
    text = str(request["text"])
    held = {m.breaks: text.startswith("all") for m in mistakes}
    held |= {m.breaks: True for m in mistakes if m.name in text}
    return verdict(**held)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    judge = Judge(by_text)
    made = Table(lambda: RepairRound(spec(), tools(judge)), tmp_path)
    made.round.poll(made)
    return made


# Planting ---------------------------------------------------------------------------


@pytest.mark.parametrize("shelf", ["katas", "challenges"])
def test_every_kata_can_be_planted_with_several_mistakes(shelf: str) -> None:
    few = []
    for kata in shelves(ROOT)[shelf].katas:
        source = shelves(ROOT)[shelf].solution_file(kata).read_text()
        mistakes = read_notes(shelves(ROOT)[shelf].notes_file(kata)).mistakes
        planted = plant(source, mistakes, 4, seed=0)
        names = [mistake.breaks for mistake in planted.mistakes]
        assert len(set(names)) == len(names)
        assert "allowed_names" not in names
        ast.parse(planted.text)
        for mistake in planted.mistakes:
            assert mistake.replace in planted.text
        if len(planted.mistakes) < 3:
            few.append(kata.name)
    assert len(few) <= 2, few


def test_planting_follows_the_seed() -> None:
    shelf = catalogue()
    (kata,) = shelf.find(KATA)
    source = shelf.solution_file(kata).read_text()
    mistakes = read_notes(shelf.notes_file(kata)).mistakes
    sets = {tuple(m.name for m in plant(source, mistakes, 4, s).mistakes)
            for s in range(20)}  # fmt: skip
    assert len(sets) > 10
    assert plant(source, mistakes, 4, 3) == plant(source, mistakes, 4, 3)
    assert plant(source, mistakes, 0, 3).text == source


def test_the_small_gpt_is_large_enough_and_small_enough() -> None:
    shelf = shelves(ROOT)["challenges"]
    (kata,) = shelf.find("small_gpt")
    assert len(shelf.solution_file(kata).read_text().splitlines()) < 200
    mistakes = read_notes(shelf.notes_file(kata)).mistakes
    assert len({m.breaks for m in mistakes}) >= 4
    assert len(mistakes) >= 10
    made = RepairRound(spec("small_gpt"), tools(Judge(by_text)))
    subject = made.open().subject
    planted = subject["planted"]
    assert isinstance(planted, list)
    assert len(planted) == 4
    assert subject["extension"] == "kv_cache"
    assert subject["extension_file"] == "small_gpt.py"


@pytest.mark.parametrize("level", LEVELS)
def test_a_kata_of_the_level_is_drawn(level: str) -> None:
    judge = Judge(by_text)
    drawn = [RepairRound(spec("", s, level), tools(judge)) for s in range(20)]
    assert len({made.kata.name for made in drawn}) > 3
    assert not any(missing(made.kata) for made in drawn)
    low, high = DIFFICULTY[level]
    assert all(low <= made.kata.difficulty <= high for made in drawn)


# The round --------------------------------------------------------------------------


def planted_of(table: Table) -> list[dict[str, str]]:
    planted = table.opening.subject["planted"]
    assert isinstance(planted, list)
    return planted


def test_the_file_as_handed_out_is_judged_first(table: Table) -> None:
    (baseline,) = table.named("judged")
    assert (baseline["run"], baseline["final"], baseline["level"]) == (0, False, 1)
    assert table.said == []
    handed_out = (table.folder / f"{KATA}.py").read_text()
    assert baseline["text"] == handed_out
    assert (
        handed_out != catalogue().solution_file(catalogue().find(KATA)[0]).read_text()
    )


def test_nothing_tells_what_was_planted_before_the_end(table: Table) -> None:
    shown = " ".join([*table.opening.lines, *table.type("/judge")])
    for mistake in planted_of(table):
        assert mistake["name"] not in shown
        assert mistake["why"] not in shown


def test_the_extension_comes_when_all_is_mended(table: Table) -> None:
    (table.folder / f"{KATA}.py").write_text("all mended")
    said = " ".join(table.type("/judge"))
    (extension,) = table.named("extension")
    name = str(extension["kata"])
    assert f"extension_{name}.py" in said
    assert (table.folder / f"extension_{name}.py").exists()
    assert (table.folder / f"{name}.py").exists()
    (table.folder / f"{name}.py").write_text("all new")
    table.type("/judge")
    assert [(e["run"], e["level"]) for e in table.named("judged")] == [
        (0, 1), (1, 1), (2, 1), (2, 2)
    ]  # fmt: skip
    assert table.named("judged")[-1]["text"] == "all new"


def test_one_may_go_on_before_all_is_mended(table: Table) -> None:
    assert ("/extend", "to the extension") in table.round.keys
    table.type("/extend")
    assert table.named("extension")
    assert ("/extend", "to the extension") not in table.round.keys
    assert table.type("/extend") == []
    table.resume()
    table.said.clear()
    table.round.enter(table, "write")
    assert "The extension: " in table.said[0]


def test_going_on_while_the_judge_works_keeps_the_run(tmp_path: Path) -> None:
    waiting = Judge(lambda _: None)
    table = Table(lambda: RepairRound(spec(), tools(waiting)), tmp_path)
    table.record(
        "asked-judge", run=1, final=False, digest="", texts=["all"], verdicts=1
    )
    table.type("/extend")
    table.resume()
    assert table.is_busy()
    table._make = lambda: RepairRound(spec(), tools(Judge(by_text)))
    table.resume()
    table.round.poll(table)
    assert not table.is_busy()


def test_the_debrief_names_what_is_still_there(table: Table) -> None:
    first, *others = planted_of(table)
    (table.folder / f"{KATA}.py").write_text(first["name"])
    table.end()
    told = "\n".join(table.round.debrief)
    assert f"{first['name']} (mended)" in told
    for other in others:
        assert f"{other['name']} (still there)" in told
