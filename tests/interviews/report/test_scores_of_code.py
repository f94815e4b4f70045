"""Coding, levels and repair: every bar and every cap."""

import pytest

from interviews.report.evidence_of import read_session
from interviews.report.scale import Scored
from interviews.report.scoring import score
from tests.interviews.report.logs import Script, results


def scored(script: Script) -> Scored:
    return score(read_session(script.events).rounds[-1])


def numbers(found: Scored) -> list[int | None]:
    return [dimension.score for dimension in found.dimensions]


def coding(held: str = "CCee", *, par: float = 20, after: float = 10) -> Script:
    script = Script().open("coding", 30, par, kata="softmax")
    return script.run(held, after=after).judged_close(held)


@pytest.mark.parametrize(
    ("held", "core", "edge"),
    [
        ("CCeeee", 4, 4),
        ("CCeeee-", 4, 3),
        ("CCeee-e-", 4, 2),
        ("CCee-e-e-", 4, 1),
        ("CC-eeee", 2, 2),
        ("C-C-eeee", 1, 2),
        ("CC", 4, None),
    ],
)
def test_properties_of_a_coding_round(held: str, core: int, edge: int | None) -> None:
    assert numbers(scored(coding(held)))[:2] == [core, edge]


def test_a_broken_core_caps_the_whole_round() -> None:
    found = scored(coding("CCC-eeee"))
    assert all(number is None or number <= 2 for number in numbers(found))
    assert found.caps == ("1 core property broken at the end: no dimension above 2",)
    assert "(capped from 4)" in found.dimensions[1].basis


@pytest.mark.parametrize(
    ("after", "pace"), [(12, 4), (12.1, 3), (20, 3), (20.1, 2), (30, 2), (30.1, 1)]
)
def test_pace_is_the_time_to_the_first_run_with_all_held(
    after: float, pace: int
) -> None:
    script = coding(after=after)
    assert numbers(scored(script))[2] == pace


def test_the_time_of_a_run_is_when_it_was_asked_for() -> None:
    script = Script().open("coding", 30, 20)
    script.add("asked-judge", at=script.after(12), run=1, digest="d", text="x")
    script.run("CC", after=19).judged_close("CC")
    assert numbers(scored(script))[2] == 4


@pytest.mark.parametrize(
    ("failing", "verification"), [(0, 4), (1, 4), (2, 3), (3, 3), (4, 2), (20, 2)]
)
def test_verification_is_the_runs_until_all_held(
    failing: int, verification: int
) -> None:
    script = Script().open("coding", 30, 20)
    for run in range(1, failing + 1):
        script.run("CCe-", number=run, after=1)
    script.run("CCe", number=failing + 1, after=2).judged_close("CCe")
    assert numbers(scored(script))[3] == verification


def test_what_held_once_and_is_broken_at_the_end_is_not_solved() -> None:
    script = Script().open("coding", 30, 20).run("CCe", after=2).judged_close("CCe-")
    assert numbers(scored(script)) == [4, 1, 1, 1]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"refused": "it imports solutions.softmax"}, "refused: it imports"),
        ({"text": "  \n"}, "the file was empty"),
        ({"state": "not started"}, "the file was not started"),
        ({"results": [], "state": "broken"}, "the file could not be judged"),
    ],
)
@pytest.mark.parametrize("kind", ["coding", "levels", "repair"])
def test_what_is_no_work_scores_1_everywhere(
    kind: str, more: dict[str, object], why: str
) -> None:
    script = Script().open(kind, 30, 20).run("CCe", after=2)
    found = scored(script.judged_close("CCe", more=more))
    assert numbers(found) == [1, 1, 1, 1]
    assert all(why in dimension.basis for dimension in found.dimensions)


@pytest.mark.parametrize("kind", ["coding", "levels", "repair"])
def test_a_round_without_any_run_scores_1(kind: str) -> None:
    assert numbers(scored(Script().open(kind).close())) == [1, 1, 1, 1]


def test_a_round_that_goes_on_is_not_measured() -> None:
    script = Script().open("coding").run("CCe", after=2)
    assert scored(script).score is None


def test_without_a_final_run_the_last_one_counts() -> None:
    script = Script().open("coding", 30, 20).run("CCe-", after=2)
    assert numbers(scored(script.close()))[:2] == [4, 1]


def levels(*runs: tuple[str, ...], par: float = 10, apart: bool = False) -> Script:
    """Judge levels, run by run; the last is final; ``apart``: an event a level."""
    offered = [{"kata": f"k{i}", "title": f"L{i}", "minutes": par} for i in range(4)]
    script = Script().open("levels", 60, 60, codebase="cache", levels=offered)
    for number, held in enumerate(runs, 1):
        after = 5.0 * number
        final = number == len(runs)
        if final:
            script.add("ending", at=script.after(after), by="time")
        parts = [results(h, i, f"l{i}-") for i, h in enumerate(held, 1)]
        if apart:
            for i, part in enumerate(parts, 1):
                plain = [{k: v for k, v in r.items() if k != "level"} for r in part]
                script.run(
                    "", number=number, final=final, after=after, level=i, results=plain
                )
        else:
            whole = [result for part in parts for result in part]
            script.run("", number=number, final=final, after=after, results=whole)
    return script.add("closed", by="time", used=60.0)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("held", "reached"),
    [
        (("Ce", "Ce", "Ce", "Ce"), 4),
        (("Ce", "Ce", "Ce", "C-e"), 3),
        (("Ce", "Ce", "Ce-"), 2),
        (("Ce", "Ce-"), 1),
        (("Ce-",), 1),
    ],
)
def test_levels_reached(held: tuple[str, ...], reached: int, apart: bool) -> None:
    assert numbers(scored(levels(held, apart=apart)))[0] == reached


@pytest.mark.parametrize(
    ("last", "regressions"),
    [
        (("Cee", "C"), 3),
        (("Cee-", "C"), 2),
        (("Ce-e-", "C"), 1),
    ],
)
def test_a_regression_counts_more_where_it_stays(
    last: tuple[str, ...], regressions: int
) -> None:
    script = levels(("Cee", "C-"), ("Ce-e", "C-"), last)
    assert numbers(scored(script))[1] == regressions


def test_no_regression_and_nothing_to_keep() -> None:
    assert numbers(scored(levels(("Ce",), ("Ce", "C"))))[1] == 4
    assert numbers(scored(levels(("Ce-",))))[1] == 1


def test_a_core_property_of_a_reached_level_caps_the_round() -> None:
    found = scored(levels(("Ce", "Ce"), ("C-e", "Ce")))
    assert found.caps
    assert all(number is None or number <= 2 for number in numbers(found))
    assert not scored(levels(("Ce", "C-e"))).caps


def test_levels_pace_is_at_most_2_before_the_last_level() -> None:
    some = ("Ce", "Ce")
    assert numbers(scored(levels(some)))[3] == 2
    assert numbers(scored(levels((*some, "Ce", "Ce"))))[3] == 4


def repair(*runs: str, extension: str = "") -> Script:
    planted = [
        {"name": f"m{i}", "why": "", "breaks": f"property_{i}"} for i in range(3)
    ]
    script = Script().open("repair", 30, 20, planted=planted, extension=extension)
    script.run("C-e-e-e", number=0)
    for number, held in enumerate(runs[:-1], 1):
        script.run(held, number=number, after=4.0 * number)
    return script.judged_close(runs[-1])


@pytest.mark.parametrize(
    ("held", "fixed"), [("Ceee", 4), ("Cee-e", 2), ("Ce-e-e", 1), ("C-e-e-e", 1)]
)
def test_mistakes_fixed(held: str, fixed: int) -> None:
    assert numbers(scored(repair(held)))[0] == fixed


def test_what_worked_before_the_repair_must_work_after_it() -> None:
    assert numbers(scored(repair("Ceee")))[1] == 4
    assert numbers(scored(repair("Ceee-", "Ceee")))[1] == 3
    assert numbers(scored(repair("Ceee-")))[1] == 2


def test_a_file_handed_in_as_it_was_given_scores_1() -> None:
    script = Script().open("repair", planted=[{"name": "m", "breaks": "property_0"}])
    script.run("C-e", number=0, digest="same").judged_close(
        "C-e", more={"digest": "same"}
    )
    found = scored(script)
    assert numbers(found) == [1, 1, 1, 1]
    assert "as it was given" in found.dimensions[0].basis


@pytest.mark.parametrize(
    ("held", "extension"), [("Ceee", 4), ("Ceee-", 3), ("Cee-e-", 2), ("C-e-e-e-", 1)]
)
def test_the_extension_counts_by_its_own_properties(held: str, extension: int) -> None:
    script = repair("Ceee", extension="cache")
    closed = script.made.pop()
    script.run("", number=99, final=True, after=30, level=2, results=results(held))
    script.made[-1][3]["state"] = "not started" if held == "C-e-e-e-" else "wrong"
    script.made.append(closed)
    found = scored(script)
    assert numbers(found)[2] == extension
    assert not found.caps


def test_an_extension_not_begun_scores_1_and_none_is_not_measured() -> None:
    assert numbers(scored(repair("Ceee", extension="cache")))[2] == 1
    assert numbers(scored(repair("Ceee")))[2] is None


def test_judging_the_stub_is_no_attempt() -> None:
    script = Script().open("coding", 30, 20, kata="softmax")
    for number in range(1, 4):
        script.run("C-e-", number=number, after=number, state="not started")
    script.run("CCee", number=4, after=9).judged_close("CCee")
    assert scored(script).dimensions[3].score == 4
    assert scored(script).dimensions[3].basis == "solved at run 1 of the judge"
