"""What must be true of every prompt."""

import inspect
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import interviews.system_design_questions as shelf
from interviews.evidence import refusal
from interviews.quantities import interval, parse
from interviews.rounds.design_record import Record
from interviews.system_design_questions import Prompt, PromptError, prompts
from interviews.system_design_questions.prompt import STAGES, Stage
from interviews.system_design_questions.reading import read_prompt
from interviews.system_design_questions.spoken import spoken

ALL = prompts()
HERE = Path(inspect.getfile(shelf)).parent
each = pytest.mark.parametrize("prompt", ALL, ids=lambda prompt: prompt.id)


def points() -> Iterator[object]:
    """Yield every point of every stage of every prompt."""
    for prompt in ALL:
        for stage in prompt.stages:
            for place, point in enumerate(stage.points):
                name = f"{prompt.id}-{stage.name}-{point.id}"
                yield pytest.param(prompt, stage, place, id=name)


def test_the_prompts_that_the_source_documents_name_are_there() -> None:
    names = {prompt.id for prompt in ALL}
    assert {"fraud_detection", "recommendation_systems", "llm_infrastructure"} <= names


def test_they_come_by_id_and_load_once() -> None:
    assert [prompt.id for prompt in ALL] == sorted(prompt.id for prompt in ALL)
    assert prompts() is ALL


@each
def test_the_stages_and_the_review_take_the_whole_time(prompt: Prompt) -> None:
    assert tuple(stage.name for stage in prompt.stages) == STAGES
    shares = [stage.share for stage in prompt.stages]
    assert sum(shares) + prompt.review == pytest.approx(1)
    assert 0.1 <= prompt.review <= 0.2
    assert min(shares) >= 0.05


@each
def test_there_is_enough_of_everything(prompt: Prompt) -> None:
    assert 20 <= prompt.minutes <= 60
    assert 3 <= len(prompt.estimates) <= 5
    assert len(prompt.followups) >= 2
    assert prompt.decisions
    for stage in prompt.stages:
        assert 3 <= len(stage.points) <= 5, stage.name
        assert 2 <= len(stage.facts) <= 4, stage.name
        assert 80 <= len(stage.exemplar.split()) <= 170, stage.name


@each
def test_no_placeholder_is_left(prompt: Prompt) -> None:
    shown = [prompt.text, *(fact.text for fact in prompt.facts)]
    for stage in prompt.stages:
        shown += [stage.asks, stage.exemplar]
        shown += [text for one in stage.points for text in (one.text, one.quote)]
    for followup in prompt.followups:
        shown += [prompt.fill(followup.text, {}).replace("{given}", "")]
        shown += [prompt.fill(point, {}) for point in followup.points]
    assert not re.search(r"\{[a-z_]*\}", "\n".join(shown))


@each
def test_each_number_has_a_second_derivation(prompt: Prompt) -> None:
    test = Path(__file__).parent / f"test_{prompt.id}.py"
    text = test.read_text(encoding="utf-8")
    module = (HERE / f"{prompt.id}.py").read_text(encoding="utf-8")
    for name in re.findall(r"^def ([a-z]\w*)", module, re.MULTILINE):
        assert re.search(rf"\b{name}\b", text), f"{test.name} does not derive {name}"


@each
def test_every_function_is_used(prompt: Prompt) -> None:
    texts = "".join(
        (HERE / f"{prompt.id}{end}").read_text(encoding="utf-8")
        for end in (".toml", ".md")
    )
    module = (HERE / f"{prompt.id}.py").read_text(encoding="utf-8")
    for name in re.findall(r"^    \"(\w+)\": \"", module, re.MULTILINE):
        assert f"{{{name}}}" in texts or f'function = "{name}"' in texts, name


@each
def test_every_assumption_is_used(prompt: Prompt) -> None:
    module = (HERE / f"{prompt.id}.py").read_text(encoding="utf-8")
    for one in prompt.assumptions:
        assert re.search(rf"\b{one.name}: float", module), one.name
        assert one.low < one.high, one.name


@each
def test_estimates_follow_their_assumptions(prompt: Prompt) -> None:
    for one in prompt.estimates:
        usual = one.expected(prompt.defaults)
        for name in one.uses:
            assumption = prompt.assumption(name)
            assert assumption is not None
            ends = {
                one.expected(prompt.defaults | {name: value})
                for value in (assumption.low, assumption.high)
            }
            assert len({*ends, usual}) > 1, f"{one.id} does not depend on {name}"
            assert min(ends) > 0


@each
def test_units_can_be_typed(prompt: Prompt) -> None:
    for assumption in prompt.assumptions:
        typed = f"{assumption.value!r} {assumption.unit}"
        assert parse(typed, assumption.unit) == pytest.approx(assumption.value)
    for estimate in prompt.estimates:
        value = estimate.expected(prompt.defaults)
        typed = f"{value:.6g} {2 * value:.6g} {estimate.unit}"
        assert interval(typed, estimate.unit) == pytest.approx((value, 2 * value), 1e-4)


@each
def test_follow_ups_can_fire(prompt: Prompt) -> None:
    at_the_expected = 0
    for followup in prompt.followups:
        if followup.estimate:
            estimate = prompt.estimate(followup.estimate)
            assert estimate is not None
            expected = estimate.expected(prompt.defaults)
            at_the_expected += followup.fires(expected)
            reachable = [expected * 10**step for step in (-2, -1, 0, 1, 2)]
        else:
            assumption = prompt.assumption(followup.assumption)
            assert assumption is not None
            reachable = [assumption.low, assumption.value, assumption.high]
        fired = [followup.fires(value) for value in reachable]
        assert any(fired), followup.id
        assert not all(fired), followup.id
    assert at_the_expected >= 1, "a right estimate calls for no follow-up"


@each
def test_a_follow_up_says_the_candidates_number(prompt: Prompt) -> None:
    record = Record(prompt)
    for estimate in prompt.estimates:
        value = estimate.expected(prompt.defaults)
        record.apply(
            {"event": "estimated", "id": estimate.id, "low": value, "high": value}
        )
    assert record.due()
    assert any("{given}" in one.text for one in prompt.followups)
    for followup in record.due():
        assert "{" not in record.worded(followup)


@each
def test_what_the_prompt_states_stands_in_it(prompt: Prompt) -> None:
    for one in prompt.assumptions:
        if one.stated:
            assert spoken(one.value, one.unit) in " ".join(prompt.text.split())
            assert one.refusal(one.value * 1.5) == one.refusal(one.value / 1.5) == ""
            for value in (one.value * 1.6, one.value / 1.6):
                assert one.refusal(value).startswith("the prompt says ")
                assert "\n" not in one.refusal(value)


@each
def test_follow_ups_can_be_worded_at_the_ends_of_the_ranges(prompt: Prompt) -> None:
    for one in prompt.assumptions:
        for value in (one.low, one.high):
            for followup in prompt.followups:
                for text in (followup.text, *followup.points):
                    assert prompt.fill(text, {one.name: value})


@each
def test_a_temporal_prompt_has_the_trap(prompt: Prompt) -> None:
    capped = [
        option
        for decision in prompt.decisions
        for option in decision.options
        if option.cap == "temporal"
    ]
    assert prompt.temporal == any(option.id == "random" for option in capped)
    assert not any(option.right for option in capped)


@each
def test_a_decision_has_one_right_option(prompt: Prompt) -> None:
    for decision in prompt.decisions:
        assert sum(option.right for option in decision.options) == 1, decision.id
        assert len(decision.options) >= 3, decision.id


@pytest.mark.parametrize(("prompt", "stage", "place"), list(points()))
def test_the_exemplar_shows_the_point(prompt: Prompt, stage: Stage, place: int) -> None:
    point = stage.points[place]
    # As hard as it can get: every fact of the stage was told, every point quoted.
    asked = [prompt.text, stage.asks, *(fact.text for fact in stage.facts)]
    asked += [option.text for one in stage.decisions for option in one.options]
    why = refusal(
        point.quote,
        answer=stage.exemplar,
        prompt="\n".join(asked),
        terms=point.terms,
        used=[one.quote for one in stage.points[:place]],
    )
    assert why == ""


@pytest.mark.parametrize(("prompt", "stage", "place"), list(points()))
def test_the_point_is_not_given_away(prompt: Prompt, stage: Stage, place: int) -> None:
    point = stage.points[place]
    why = refusal(
        point.text,
        answer=prompt.text + stage.asks,
        prompt=prompt.text + stage.asks,
        terms=point.terms,
        used=(),
    )
    assert why


def copied(folder: Path) -> Path:
    """Copy one prompt, to be broken."""
    for end in (".toml", ".py", ".md"):
        shutil.copy(HERE / f"fraud_detection{end}", folder / f"fraud{end}")
    return folder / "fraud.toml"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('level = "senior"', 'level = "wizard"', "level must be one of junior"),
        ('level = "senior"', "", "level is missing"),
        ('level = "senior"', 'level = "senior"\nmood = "good"', "unknown mood"),
        ("minutes = 45", 'minutes = "45"', "minutes must be a number"),
        ("temporal = true", "temporal = 1", "temporal must be true or false"),
        ("temporal = true", "temporal = false", "temporal goes with an option"),
        ("{recall} recall", "{skill} recall", "{skill} is neither in NUMBERS nor"),
        ("value = 10000\n", "value = 1\n", "low <= value <= high"),
        ('name = "model"', 'name = "magic"', "the exemplar has no ## magic"),
        ("share = 0.15", "share = 0.5", "leave some for the review"),
        ('["explain"', "[3", "asked_by must be a list of texts"),
        ('id = "reasons"', 'id = "today"', "fact today stands twice"),
        ('quote = "ranked by', 'quote = "sorted by', "quote of spend-the-team"),
        ('function = "cores"', 'function = "eval"', "function must be one of NUMBERS"),
        ('uses = ["cards", ', 'uses = ["tps", ', "uses must be"),
        ('unit = "cores"', 'unit = "chips"', "unit must be 'cores'"),
        ('stage = "serving"', 'stage = "lunch"', "cores has no stage lunch"),
        ("stated = true", "stated = 1", "stated must be true or false"),
        ("You said {given}: who", "You said {many}: who", "{many} is neither in"),
        ("above = 100000", "", "needs above or below"),
        ('estimate = "alerts"', "", "needs an estimate or an assumption"),
        ('estimate = "alerts"', 'estimate = "x"', "asks about nothing there is"),
        ('cap = "temporal"', 'cap = "all"', "cap must be"),
        ("title =", "title", "fraud.toml: "),
    ],
)
def test_a_broken_prompt_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = copied(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PromptError) as caught:
        read_prompt(file)
    assert says in str(caught.value)
    assert "fraud" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", [".py", ".md"])
def test_a_missing_file_is_told(tmp_path: Path, end: str) -> None:
    file = copied(tmp_path)
    file.with_suffix(end).unlink()
    with pytest.raises(PromptError, match=f"fraud\\{end}"):
        read_prompt(file)
