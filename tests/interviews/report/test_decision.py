"""Hire, no hire, and where the evidence is insufficient."""

import pytest

from interviews.report.content import build
from interviews.report.decision import HIRE, INSUFFICIENT, NO_HIRE, Decision
from tests.interviews.report.logs import Script, design, full, theory

TWO = (("coding", 30.0), ("theory", 20.0))


def decided(script: Script, altered: int = 0) -> Decision:
    return build(script.events, altered).decision


def two(held: str = "CCee", right: str = "++++++++", level: str = "mid") -> Script:
    script = Script(level, TWO).open("coding", 30, 30, kata="softmax")
    script.run(held, after=10).judged_close(held)
    return theory(script, right)


@pytest.mark.parametrize("level", ["junior", "mid", "senior", "staff"])
def test_a_loop_well_sat_is_a_hire_at_every_level(level: str) -> None:
    found = decided(full(level))
    assert found.verdict == HIRE
    assert found.level == level
    assert f"the bar for {level}" in found.reason


def test_a_loop_badly_sat_is_no_hire() -> None:
    script = two("C-C-e-e-", "--------", "junior").end()
    found = decided(script)
    assert found.verdict == NO_HIRE
    assert found.score == 1.0


def test_nothing_written_is_no_hire() -> None:
    script = Script("junior", TWO).open("coding", 30, 30)
    script.run("C-C-e-e-", number=0, state="not started")
    script.judged_close("C-C-e-e-", more={"state": "not started"})
    assert decided(theory(script, "ssss").end()).verdict == NO_HIRE


def test_the_bar_rises_with_the_level() -> None:
    # 4, 2, 1, 1 on code and 3, 2, 3 on theory: 2.0 and 2.67 over 30 and 20 minutes.
    def at(level: str) -> Decision:
        script = Script(level, TWO).open("coding", 30, 20)
        script.judged_close("CCee-")
        return decided(theory(script, "++++++--", confidence=0.8).end())

    assert at("junior").score == pytest.approx((30 * 2.0 + 20 * 8 / 3) / 50)
    assert at("junior").verdict == NO_HIRE
    found = [decided(two("CCe-e", "++++++++", level).end()).verdict for level in
             ("junior", "mid", "senior", "staff")]  # fmt: skip
    # 4, 2, 1, 1 and 4, 4, 4 over 30 and 20 minutes: 2.8
    assert found == [HIRE, HIRE, NO_HIRE, NO_HIRE]


def test_rounds_weigh_by_their_minutes() -> None:
    found = decided(two("CCe-e").end())
    assert found.score == pytest.approx((30 * 2.0 + 20 * 4.0) / 50)


def test_a_core_at_1_is_no_hire_whatever_the_rest() -> None:
    rounds = (("coding", 10.0), ("theory", 20.0), ("design", 45.0))
    script = Script("junior", rounds).open("coding", 10, 10)
    script.judged_close("C-C-C-e")
    found = decided(design(theory(script, "++++++++")).end())
    assert found.score is not None
    assert found.score > found.bar
    assert found.verdict == NO_HIRE
    assert "round 1 (coding): core correctness" in found.reason


def test_a_changed_log_is_insufficient() -> None:
    found = decided(full(), altered=12)
    assert found.verdict == INSUFFICIENT
    assert found.reason == "The log was changed at line 12; insufficient evidence."


def test_a_session_that_goes_on_is_insufficient() -> None:
    found = decided(two())
    assert (found.verdict, found.reason) == (
        INSUFFICIENT,
        "The session has not ended.",
    )


@pytest.mark.parametrize(
    ("planned", "verdict"), [(66.0, NO_HIRE), (68.0, INSUFFICIENT)]
)
def test_broken_off_before_60_percent(planned: float, verdict: str) -> None:
    # 30 and 10 minutes were used: 60.6 % of 66 minutes, 58.8 % of 68.
    rounds = (("coding", 30.0), ("coding", planned - 30))
    script = Script("mid", rounds).open("coding", 30, 30).judged_close("CCe-e")
    script.open("coding", planned - 30, 20).run("C-e-", after=1)
    found = decided(script.close("abort", used=10).end("aborted"))
    assert found.verdict == verdict


def test_who_breaks_off_late_is_not_hired() -> None:
    rounds = (*TWO, ("design", 20.0))
    script = Script("junior", rounds).open("coding", 30, 30)
    script.run("CCee", after=10).judged_close("CCee")
    found = decided(theory(script, "++++++++").end("aborted"))
    assert found.verdict == INSUFFICIENT
    assert "not sat to its end" in found.reason


def test_one_round_is_insufficient() -> None:
    script = Script("mid", TWO[:1]).open("coding", 30, 30)
    found = decided(script.run("CCee", after=9).judged_close("CCee").end())
    assert found.verdict == INSUFFICIENT
    assert found.reason == "1 round measured; 2 are needed."


def test_less_than_30_minutes_are_insufficient() -> None:
    rounds = (("coding", 9.0), ("theory", 20.0))
    script = Script("mid", rounds).open("coding", 9, 9).judged_close("CCee")
    found = decided(theory(script, "++++++++").end())
    assert found.reason == "Rounds of 29 min were measured; 30 are needed."


@pytest.mark.parametrize(("right", "verdict"), [("+++", INSUFFICIENT), ("++++", HIRE)])
def test_fewer_than_6_items_are_insufficient(right: str, verdict: str) -> None:
    assert decided(two("Ce", right).end()).verdict == verdict


def test_an_unknown_level_is_judged_as_mid() -> None:
    assert decided(two(level="principal").end()).level == "mid"
