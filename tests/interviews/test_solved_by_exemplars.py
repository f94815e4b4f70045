"""Every kind of round, sat once by its own exemplar: it must earn everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from interviews.ml_theory_questions import items, open_questions
from interviews.rounds.base import Judging
from interviews.rounds.levels import codebases
from interviews.system_design_questions import Prompt, prompts
from tests.interviews.loops import Knowing, Loop, Patient, solution

TOPICS = sorted({i.topic for i in items()} | {o.topic for o in open_questions()})
SOFTMAX_TESTS = """
import numpy as np
import pytest

from katas.activations.softmax import log_softmax, softmax


def test_each_slice_is_shifted_by_its_own_maximum():
    assert np.allclose(softmax([[0.0, 0.0], [2000.0, 2000.0]]), 0.5)


@pytest.mark.parametrize("axis", [0, 1])
def test_probabilities_sum_to_one(axis):
    x = np.arange(6.0).reshape(2, 3)
    assert np.allclose(softmax(x, axis).sum(axis), 1, rtol=0, atol=1e-12)


def test_logarithms_neither_underflow_nor_keep_the_shift():
    assert np.allclose(log_softmax([0.0, 1000.0]), [-1000.0, 0.0])
    assert np.allclose(log_softmax([1000.0, 1000.0]), -np.log(2))


def test_the_input_is_not_changed():
    x = np.array([1.0, 2.0])
    softmax(x)
    assert x.tolist() == [1.0, 2.0]


def test_nan_is_refused():
    with pytest.raises(ValueError, match="x"):
        softmax([1.0, np.nan])
"""


@pytest.fixture(scope="module")
def real() -> Iterator[Patient]:
    judge = Patient()
    yield judge
    judge.process.close()


def all_fours(loop: Loop, number: int = 1) -> None:
    scores = loop.scores(number)
    assert scores
    assert set(scores.values()) == {4}, loop.report.rounds[number - 1].scored


# Words ------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_of_theory(topic: str, tmp_path: Path) -> None:
    loop = Loop(tmp_path / "s", f"theory:180:{topic}", judging=Knowing())
    paper = loop.paper
    loop.answer_theory()
    assert loop.session.over
    assert all(event["correct"] is not False for event in loop.of("answered"))
    assert len(loop.of("answered")) == len(paper.numbers) + len(paper.open)
    assert all(event["accepted"] for event in loop.of("point"))
    if paper.numbers:
        measured = loop.scores()
        assert {measured["accuracy"], measured["pace"]} == {4}
        assert measured["calibration"] in (4, None)
    assert loop.claims() == [4] * bool(paper.open)


@pytest.mark.parametrize("prompt", prompts(), ids=lambda prompt: prompt.id)
def test_a_design(prompt: Prompt, tmp_path: Path) -> None:
    loop = Loop(tmp_path / "s", f"design:60:{prompt.id}", judging=Knowing())
    loop.answer_design()
    assert loop.session.over
    all_fours(loop)
    assert loop.claims() == [4]
    assert loop.report.rounds[0].scored.caps == ()


# Code -------------------------------------------------------------------------------


def test_coding(real: Patient, tmp_path: Path) -> None:
    loop = Loop(tmp_path / "s", "coding:20:softmax", judging=real)
    loop.answer_coding("softmax")
    all_fours(loop)


def climb(loop: Loop, codebase: str) -> int:
    """Save each level's solution when its turn comes; return how many there are."""
    track = next(track for track in codebases() if track.name == codebase)
    for kata in track.katas:
        loop.save(f"{codebase}.py", solution(kata.name))
        loop.type("/judge")
    loop.end_round()
    return len(track.katas)


@pytest.mark.parametrize("codebase", [track.name for track in codebases()])
def test_levels(codebase: str, tmp_path: Path) -> None:
    loop = Loop(tmp_path / "s", f"levels:60:{codebase}", judging=Knowing())
    levels = climb(loop, codebase)
    all_fours(loop)
    assert [event["level"] for event in loop.of("level")] == list(range(2, levels + 1))


def test_levels_by_the_real_judge(real: Patient, tmp_path: Path) -> None:
    loop = Loop(tmp_path / "s", "levels:60:cache_codebase", judging=real)
    climb(loop, "cache_codebase")
    all_fours(loop)


def mend(folder: Path, kata: str, extension: str, judging: Judging) -> Loop:
    """Mend a kata with its solution, then solve what extends it."""
    loop = Loop(folder, f"repair:60:{kata}", level="senior", judging=judging)
    loop.save(f"{kata}.py", solution(kata))
    loop.type("/judge")
    assert loop.of("extension"), loop.shown[-12:]
    (opened,) = loop.of("opened")
    subject = opened["subject"]
    assert isinstance(subject, dict)
    assert subject["extension"] == extension
    loop.save(str(subject["extension_file"]), solution(extension))
    loop.type("/judge")
    loop.end_round()
    return loop


def test_repair_of_the_small_gpt(tmp_path: Path) -> None:
    all_fours(mend(tmp_path / "s", "small_gpt", "kv_cache", Knowing()))


def test_repair_by_the_real_judge(real: Patient, tmp_path: Path) -> None:
    all_fours(mend(tmp_path / "s", "vectors", "power_iteration", real))


def test_tests_of_ones_own(real: Patient, tmp_path: Path) -> None:
    loop = Loop(tmp_path / "s", "tests:30:softmax", judging=real)
    loop.save("test_softmax.py", SOFTMAX_TESTS)
    loop.type("/judge")
    loop.end_round()
    all_fours(loop)


# All together -----------------------------------------------------------------------


@pytest.mark.parametrize("level", ["junior", "mid", "senior", "staff"])
def test_a_loop_that_is_sat_well_ends_in_a_hire(level: str, tmp_path: Path) -> None:
    rounds = ("coding:30:softmax", "theory:20", "design:40")
    loop = Loop(tmp_path / "s", *rounds, level=level, judging=Knowing())
    loop.answer_coding("softmax")
    loop.answer_theory()
    loop.type("/next")
    loop.answer_design()
    assert loop.session.over
    assert loop.decision == "hire"
    assert loop.report.decision.score == 4
