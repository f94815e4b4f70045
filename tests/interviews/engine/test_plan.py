"""Plans: rounds by preset or composed, and the seeds that they derive."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.engine.plan import (
    KINDS,
    Asked,
    data_of,
    derive,
    parse_round,
    plan_from,
    plan_of,
    read_presets,
)
from interviews.engine.rounds import drawn, make_round
from interviews.rounds.base import Spec, Tools
from tests.interviews.engine.playing import Bench

PRESET = """
[[preset]]
name = "short"
title = "A short loop"
level = "senior"
ai_policy = "none"
claim = "Some loops are short."
source = "a page"
date = 2026-11-21
rounds = ["coding:30", "theory:7.5"]
"""


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("coding:30", Asked("coding", 30.0)),
        ("theory:7.5", Asked("theory", 7.5)),
        ("design:18:fraud_detection", Asked("design", 18.0, "fraud_detection")),
        (" tests:1 ", Asked("tests", 1.0)),
        ("repair:180:softmax", Asked("repair", 180.0, "softmax")),
    ],
)
def test_rounds_are_read(text: str, asked: Asked) -> None:
    assert parse_round(text) == asked


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("coding", "as in coding:30"),
        ("coding:", "as in coding:30"),
        ("coding:soon", "as in coding:30"),
        ("cooking:30", "kinds are coding, levels"),
        ("", "kinds are coding, levels"),
        ("coding:0.5", "minutes must be from 1 to 180, got 0.5"),
        ("coding:181", "minutes must be from 1 to 180, got 181"),
        ("coding:-3", "minutes must be from 1 to 180, got -3"),
        ("coding:nan", "minutes must be from 1 to 180, got nan"),
        ("coding:inf", "minutes must be from 1 to 180, got inf"),
    ],
)
def test_what_is_no_round_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_round(text)
    assert "\n" not in str(caught.value)


@given(
    rounds=st.lists(
        st.builds(
            Asked,
            st.sampled_from(KINDS),
            st.floats(1, 180),
            st.from_regex(r"[a-z_]{0,9}", fullmatch=True),
        ),
        min_size=1,
        max_size=10,
    ),
    level=st.sampled_from(["junior", "mid", "senior", "staff"]),
    tracks=st.lists(st.text(min_size=1), max_size=3),
    seed=st.integers(0, 2**40),
)
def test_a_plan_is_read_from_the_log_as_it_was(
    rounds: list[Asked], level: str, tracks: list[str], seed: int
) -> None:
    texts = [f"{asked.kind}:{asked.minutes!r}:{asked.item}" for asked in rounds]
    plan = plan_of(rounds=texts, level=level, tracks=tracks, seed=seed)
    assert plan.rounds == tuple(rounds)
    assert plan_from(json.loads(json.dumps(data_of(plan)))) == plan
    numbers = [spec.number for spec in plan.specs]
    assert numbers == list(range(1, len(rounds) + 1))
    assert {spec.level for spec in plan.specs} == {level}


@pytest.mark.parametrize("data", [{}, {"preset": 3}, {"rounds": [3]}])
def test_what_is_no_plan(data: dict[str, object]) -> None:
    whole = data_of(plan_of(rounds=["coding:30"], seed=1))
    with pytest.raises(ValueError, match="first line tells no plan"):
        plan_from({**whole, **data} if data else {})


def test_seeds_are_the_same_on_every_machine() -> None:
    # sha256('[7, "round", "1"]'), the first four bytes.
    assert derive(7, "round", 1) == 0x4056727D
    assert derive(7, "round", "1") == 0x4056727D


@given(st.integers(), st.lists(st.text()), st.integers(), st.lists(st.text()))
def test_seeds_differ_where_anything_differs(
    one: int, words: list[str], other: int, more: list[str]
) -> None:
    seed = derive(one, *words)
    assert 0 <= seed < 2**32
    same = (one, words) == (other, more)
    assert (seed == derive(other, *more)) == same


def test_words_are_not_run_together() -> None:
    assert derive(7, "ab", "c") != derive(7, "a", "bc")


def test_presets_are_read(tmp_path: Path) -> None:
    file = tmp_path / "presets.toml"
    file.write_text(PRESET)
    (preset,) = read_presets(file)
    assert (preset.name, preset.date) == ("short", "2026-11-21")
    assert preset.rounds == (Asked("coding", 30.0), Asked("theory", 7.5))
    plan = plan_of(preset="short", seed=3, presets=(preset,))
    assert (plan.level, plan.minutes, plan.claim) == (
        "senior",
        37.5,
        "Some loops are short.",
    )
    assert plan_of(preset="short", level="staff", presets=(preset,)).level == "staff"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PRESET.replace("a page", ""), "preset 'short': source must be given"),
        (PRESET.replace("senior", "boss"), "preset 'short': level must be one of"),
        (PRESET.replace("coding:30", "cooking:30"), "preset 'short': round 'cook"),
        (PRESET + PRESET, "two presets are called 'short'"),
        ("[[preset", "presets.toml: "),
    ],
)
def test_a_preset_that_is_off_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "presets.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_presets(file)


def test_the_presets_that_there_are() -> None:
    for preset in read_presets():
        assert plan_of(preset=preset.name, seed=1).rounds == preset.rounds


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "choose a preset or compose rounds"),
        ({"preset": "short", "rounds": ["coding:30"]}, "one of the two"),
        ({"preset": "long"}, "no preset is called 'long'"),
        ({"rounds": ["coding:30"], "level": "boss"}, "level must be one of junior"),
        ({"rounds": ["coding:30"], "seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_what_cannot_be_a_plan(asked: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_of(**asked)  # type: ignore[arg-type]  # the point of the test


def test_a_plan_without_a_seed_has_one() -> None:
    seeds = {plan_of(rounds=["coding:30"]).seed for _ in range(5)}
    assert len(seeds) > 1


def test_a_kind_that_there_is_not(tmp_path: Path) -> None:
    spec = Spec(1, "cooking", 10.0, "mid", 7)
    with pytest.raises(ValueError, match="kind must be one of coding, levels"):
        make_round(spec, Tools(tmp_path, Bench()))


def test_what_a_subject_uses_up() -> None:
    assert drawn({"kata": "softmax", "seed": 3}) == {"softmax"}
    assert drawn({"codebase": "cache", "kata": ""}) == {"cache"}
    assert drawn({"prompt_id": "fraud", "items": [{"id": "a"}, {"id": "b"}]}) == {
        *("fraud", "a", "b")
    }
