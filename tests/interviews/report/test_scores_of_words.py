"""Tests of one's own, theory and design: every bar and every cap."""

import pytest

from interviews.report.evidence_of import read_session
from interviews.report.scale import Scored
from interviews.report.score_theory import calibration_of
from interviews.report.scoring import score
from tests.interviews.report.logs import Script, answer, design, items, theory


def scored(script: Script) -> Scored:
    return score(read_session(script.events).rounds[-1])


def numbers(found: Scored) -> list[int | None]:
    return [dimension.score for dimension in found.dimensions]


def own_tests(
    caught: int, alarms: int = 0, tests: int = 10, after: float = 10, **more: object
) -> Script:
    names = [f"m{i}" for i in range(10)]
    script = Script().open("tests", 30, 20, kata="softmax", mistakes=names)
    false = [f"test_wrong_{i}" for i in range(alarms)]
    data: dict[str, object] = {
        "run": 1,
        "final": True,
        "tests": tests,
        "false_alarms": false,
        "caught": [{"mistake": name, "by": ["test_a"]} for name in names[:caught]],
        "missed": names[caught:],
        "refused": "",
    }
    data |= more
    script.add("tested", at=script.after(after))
    script.made[-1][3].update(data | {"final": False})
    script.add("ending", at=script.after(30), by="time").add("tested")
    script.made[-1][3].update(data | {"run": 2})
    return script.add("closed", by="time", used=30.0)


@pytest.mark.parametrize(
    ("caught", "alarms", "net", "precision", "reach"),
    [
        (10, 0, 4, 4, 4),
        (9, 0, 4, 4, 4),
        (9, 1, 3, 3, 4),
        (7, 0, 3, 4, 3),
        (7, 3, 2, 2, 3),
        (7, 4, 1, 1, 3),
        (3, 0, 1, 4, 1),
    ],
)
def test_mistakes_caught_and_false_alarms(
    caught: int, alarms: int, net: int, precision: int, reach: int
) -> None:
    found = numbers(scored(own_tests(caught, alarms)))
    assert found[:3] == [net, precision, reach]


@pytest.mark.parametrize(("after", "pace"), [(12, 4), (20, 3), (29, 2)])
def test_pace_of_tests(after: float, pace: int) -> None:
    assert numbers(scored(own_tests(8, after=after)))[3] == pace
    assert numbers(scored(own_tests(8, 1, after=after)))[3] == 1


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (own_tests(10, 10), "every test fails on the solution too"),
        (own_tests(0), "no test tells a mistake from the solution"),
        (own_tests(0, tests=0), "there was no test"),
        (own_tests(9, refused="it opens solutions/"), "refused: it opens"),
    ],
)
def test_a_worthless_test_file_scores_1_everywhere(script: Script, why: str) -> None:
    found = scored(script)
    assert numbers(found) == [1, 1, 1, 1]
    assert why in found.dimensions[0].basis


def test_a_test_that_fails_on_the_solution_catches_nothing() -> None:
    script = own_tests(1, false_alarms=["test_a"])
    assert numbers(scored(script)) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("right", "accuracy"),
    [
        ("++++++++++", 4),
        ("+++++++++-", 4),
        ("++++++++--", 3),
        ("+++++++---", 3),
        ("++++++----", 2),
        ("+++++-----", 2),
        ("++++------", 1),
        ("+++++++sss", 3),
        ("ssssssssss", 1),
    ],
)
def test_accuracy_counts_what_was_skipped_as_wrong(right: str, accuracy: int) -> None:
    assert numbers(scored(theory(Script(), right)))[0] == accuracy


def test_leaving_early_counts_what_was_not_asked() -> None:
    for by, accuracy in (("time", 4), ("candidate", 1)):
        script = Script().open("theory", 20, 20, items=items(6))
        answer(script, "item-0", True)
        assert numbers(scored(script.close(by)))[0] == accuracy


@pytest.mark.parametrize(
    ("confidence", "right", "calibration"),
    [
        (1.0, "++++++++++", 4),
        (0.9, "+++++++++-", 4),
        (0.8, "++++++++--", 3),
        (0.7, "+++++++---", 2),
        (0.5, "++++++++++", 1),
        (1.0, "+++++-----", 1),
        (0.9, "++", None),
        (None, "++++++++++", None),
    ],
)
def test_calibration_is_the_brier_score(
    confidence: float | None, right: str, calibration: int | None
) -> None:
    script = theory(Script(), right, confidence=confidence)
    assert numbers(scored(script))[1] == calibration


def test_a_few_sure_answers_are_no_calibration() -> None:
    script = theory(Script(), "+++sssssss", confidence=1.0)
    assert numbers(scored(script))[:2] == [1, 2]


@pytest.mark.parametrize(
    ("took", "right", "pace"),
    [(120, "++++-", 4), (121, "+++++", 1), (60, "+++--", 3), (60, "++---", 2)],
)
def test_pace_counts_right_answers_within_par(
    took: float, right: str, pace: int
) -> None:
    assert numbers(scored(theory(Script(), right, took=took)))[2] == pace


def test_an_empty_answer_is_wrong_whatever_it_says() -> None:
    assert numbers(scored(theory(Script(), "++++", text="  ")))[0] == 1


def test_only_the_first_answer_counts() -> None:
    script = Script().open("theory", 20, 20, items=items(1))
    answer(script, "item-0", False)
    answer(script, "item-0", True)
    assert numbers(scored(script.close()))[0] == 1


def test_a_theory_round_of_open_questions_only_is_not_measured() -> None:
    script = Script().open("theory", 20, 20, items=items(2, form="open"))
    script.add("answered", item="item-0", text="words", confidence=0.9, correct=None)
    assert scored(script.close("candidate")).score is None


def test_the_calibration_curve_has_counts_and_a_brier_score() -> None:
    script = Script().open("theory", 20, 20, items=items(6))
    for i, confidence in enumerate((0.5, 0.5, 0.8, 1.0, 1.0, 0.85)):
        answer(script, f"item-{i}", i % 2 == 0, confidence)
    found = calibration_of(read_session(script.close().events))
    assert [(part.count, part.right) for part in found.bins] == [
        (2, 0.5),
        (2, 0.5),
        (2, 0.5),
    ]
    squares = (0.25, 0.25, 0.04, 1.0, 0.0, 0.7225)
    assert found.brier == pytest.approx(sum(squares) / 6)
    assert found.enough


@pytest.mark.parametrize(
    ("earned", "estimates"),
    [((1.0, 1.0), 4), ((1.0, 0.5), 3), ((0.7, 0.0), 2), ((1.0,), 2), ((0.2, 0.2), 1)],
)
def test_estimates_are_the_mean_credit_of_all_asked(
    earned: tuple[float, ...], estimates: int
) -> None:
    assert numbers(scored(design(Script(), earned)))[0] == estimates


def test_a_design_without_an_estimate_is_capped() -> None:
    found = scored(design(Script(), ()))
    assert numbers(found) == [1, 2, 2]
    assert found.caps == ("no estimate was given: no dimension above 2",)


def test_a_random_split_of_temporal_data_is_capped() -> None:
    found = scored(design(Script(), decisions=(True, False), cap="temporal"))
    assert numbers(found) == [2, 2, 2]
    assert "split at random" in found.caps[0]


def test_a_decision_may_be_taken_back() -> None:
    script = design(Script(), decisions=(False,), cap="temporal")
    at = next(i for i, made in enumerate(script.made) if made[0] == "decided")
    event, number, minute, data = script.made[at]
    right = data | {"right": True, "cap": ""}
    script.made.insert(at + 1, (event, number, minute, right))
    assert not scored(script).caps
    assert numbers(scored(script))[1] == 4


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [((True,) * 4, 4), ((True,) * 3 + (False,), 3), ((True, False), 2), ((), None)],
)
def test_decisions(decisions: tuple[bool, ...], expected: int | None) -> None:
    assert numbers(scored(design(Script(), decisions=decisions)))[1] == expected


@pytest.mark.parametrize(("stages", "pace"), [(6, 4), (5, 3), (3, 2), (2, 1)])
def test_pace_of_a_design_is_the_stages_written(stages: int, pace: int) -> None:
    assert numbers(scored(design(Script(), stages=stages)))[2] == pace


def test_words_alone_earn_nothing() -> None:
    found = scored(design(Script(), (0.0, 0.0), (False,)))
    assert numbers(found) == [1, 1, 1]


def test_fine_is_no_stage() -> None:
    script = design(Script())
    for event, _, _, data in script.made:
        if event == "locked":
            data["text"] = "fine"
    assert numbers(scored(script))[2] == 1


def test_pace_of_a_design_is_at_most_one_above_its_estimates() -> None:
    """Six stages full of anything are no fast design where the numbers are wild."""
    script = Script().open("design", 30, 30)
    wild = scored(design(script, earned=(0.25, 0.0), decisions=(True,)))
    assert numbers(wild) == [1, 4, 2]
    assert "at most one above the estimates" in wild.dimensions[2].basis
