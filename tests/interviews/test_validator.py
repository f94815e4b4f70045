"""The content that ships holds; and each rule speaks where it is broken."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import interviews
from interviews.cli import run
from interviews.ml_theory_questions import items
from interviews.validator import LEAST, Roots, check

Broken = Callable[[str, str, str], list[str]]

NUMBERS_TOML = """
[[item]]
id = "twice"
title = "Twice"
level = "junior"
minutes = 2
source = "A book (2001), chapter 1"
unit = ""
tolerance = 0.01
form = "number"
"""
NUMBERS_PY = """
from interviews.ml_theory_questions.question import Distractor, Question


def twice(random):
    x = random.randint(10, 99)
    wrong = [("not doubled", x), ("squared", x * x), ("doubled twice", 4 * x)]
    return Question(
        prompt=f"Twice {x}?",
        answer=2.0 * x,
        steps=(f"2 × {x}",),
        distractors=tuple(Distractor(name, float(value)) for name, value in wrong),
        given={"x": x},
    )
"""
PRESETS = """
[[preset]]
name = "short"
title = "Short"
level = "mid"
rounds = ["coding:20", "theory:20"]
ai_policy = "none"
claim = "One guide says so."
source = "https://example.org/guide"
date = 2026-11-21
"""


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """A little of each kind of content, which holds."""
    shipped = Roots()
    theory, design = tmp_path / "theory", tmp_path / "design"
    for folder in (theory, design):
        folder.mkdir()
    (theory / "sums.toml").write_text(NUMBERS_TOML, "utf-8")
    (theory / "sums.py").write_text(NUMBERS_PY, "utf-8")
    for end in (".open.toml", ".md"):
        shutil.copy(shipped.theory / f"evaluation_metrics{end}", theory)
    for end in (".toml", ".py", ".md"):
        shutil.copy(shipped.design / f"fraud_detection{end}", design)
    challenges = tmp_path / "challenges"
    for tree in ("katas", "solutions"):
        for track in ("cache_codebase", "small_gpt"):
            part = f"{tree}/{track}"
            shutil.copytree(shipped.challenges / part, challenges / part)
    (tmp_path / "presets.toml").write_text(PRESETS, "utf-8")
    return Roots(theory, design, challenges, tmp_path / "presets.toml")


@pytest.fixture
def broken(roots: Roots) -> Broken:
    """Break one place of one file, and tell what is found then."""

    def breaking(path: str, old: str, new: str) -> list[str]:
        file = roots.theory.parent / path
        text = file.read_text("utf-8")
        assert old in text, f"{path} has no {old}"
        file.write_text(text.replace(old, new, 1), "utf-8")
        return found(roots)

    return breaking


def found(roots: Roots) -> list[str]:
    """Return the problems but for the amounts, which a small copy has not."""
    problems = check(roots)
    assert all("\n" not in line and len(line) < 400 for line in problems)
    return [line for line in problems if not line.startswith("all content")]


def test_the_content_that_ships_holds() -> None:
    assert check() == []


def test_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["--check-content"])
    said = capsys.readouterr().out
    assert (code, said) == (0, "the content holds\n")


def test_the_examples_of_the_guide_hold(roots: Roots) -> None:
    guide = (Path(interviews.__file__).parent / "AUTHORS.md").read_text("utf-8")
    blocks = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    for name, text in blocks:
        folder = roots.presets.parent if name == "presets.toml" else roots.theory
        (folder / name).write_text(text, "utf-8")
    assert found(roots) == []


def test_each_item_has_a_second_derivation() -> None:
    folder = Path(__file__).parent / "ml_theory_questions"
    tests = "".join(file.read_text("utf-8") for file in folder.glob("test_*.py"))
    derived = set(re.findall(r'"([a-z0-9-]+)"', tests))
    assert {item.id for item in items()} <= derived


def test_a_small_copy_holds_but_for_the_amounts(roots: Roots) -> None:
    assert found(roots) == []
    amounts = [line for line in check(roots) if line.startswith("all content")]
    assert len(amounts) == len(LEAST)
    assert "60 open questions are needed, there are 8" in " ".join(amounts)


ITEM = "theory/sums.toml"
DRAWN = "theory/sums.py"
OPEN = "theory/evaluation_metrics.open.toml"
ANSWERS = "theory/evaluation_metrics.md"
PROMPT = "design/fraud_detection.toml"
CACHE = "challenges/katas/cache_codebase/track.toml"
CODE = "challenges/solutions/cache_codebase/cache_basic.py"
NOTES = "challenges/solutions/cache_codebase/cache_basic.toml"


@pytest.mark.parametrize(
    ("path", "old", "new", "says"),
    [
        (ITEM, 'source = "A book (2001), chapter 1"', "", "sums.toml: item twice: sou"),
        (ITEM, 'level = "junior"', 'level = "child"', "item twice: level must be"),
        (ITEM, "minutes = 2", "minutes = 0", "item twice: minutes must be positive"),
        (ITEM, "minutes = 2", "minutes = ", "sums.toml is no TOML"),
        (DRAWN, "def twice", "def thrice", "item twice: sums.py has no such function"),
        (DRAWN, "random.randint", "random.dice", "twice: AttributeError: "),
        (DRAWN, "2.0 * x", "float(x)", "twice: ItemError: item twice: no distinct"),
        (DRAWN, ', ("squared", x * x)', "", "twice: ItemError: item twice: no distin"),
        (DRAWN, '"squared"', '""', "twice: seed 0: the distractor '' is not named"),
        (DRAWN, '(f"2 × {x}",)', "()", "twice: seed 0: it has no prompt or no steps"),
        (OPEN, "level =", "grade =", "level must be a text"),
        (OPEN, "minutes = ", "minutes = -", "minutes must be a number above 0"),
        (OPEN, "source =", "sauce =", "source must be a text"),
        (OPEN, "terms = [", "terms = [] # [", "terms must be a list of words"),
        (OPEN, 'quote = "', 'quote = "Moreover ', "these words do not stand in your"),
        (OPEN, "quote =", "quotation =", "quote must be a text"),
        (OPEN, 'terms = ["', 'terms = ["zebra"] # ["', "does not speak of this point"),
        (ANSWERS, "## ", "## another-", "must have an answer under ##"),
        (PROMPT, "minutes = 45", "minutes = -1", "minutes must be above 0, got -1"),
        (PROMPT, 'level = "senior"', "", "fraud_detection.toml: level is missing"),
        (PROMPT, "source =", "sauce =", "source is missing"),
        (PROMPT, "above = 100000", "above = 1e15", "follow-up who-reviews: no assump"),
        (PROMPT, "right = false", "right = true", "decision split: one option must"),
        (
            "design/fraud_detection.md",
            "needs {cores}",
            "needs",
            "estimate cores: the e",
        ),
        ("design/fraud_detection.md", "## model", "## magic", "## magic is not one of"),
        ("design/fraud_detection.md", "for people's work", "{x}", "{x} is neither in"),
        ("design/fraud_detection.py", "cards * bytes", "0 * bytes", "must be positive"),
        ("design/fraud_detection.py", "NUMBERS", "NUMB", "is neither in NUMBERS"),
        (CACHE, 'tags = ["levels", "state"]', "", "track.toml: 4 levels are needed, "),
        (CACHE, "minutes = 8", "minutes = 0", "minutes must be a positive whole"),
        (CACHE, "difficulty = 2", "difficulty = 9", "difficulty must be from 1 to 5"),
        (CODE, "Source:", "From:", "cache_basic: its statement has no line 'Source"),
        (CODE, "self._entries.pop(key)", "self.pop(key)", "find must occur once in"),
        (CODE, "class Cache", "class", "cache_basic: solution: invalid syntax"),
        (NOTES, "hints = [", "hints = [ [", "cache_basic: "),
        ("presets.toml", "date = 2026-11-21", 'date = "lately"', "short: date must be"),
        ("presets.toml", 'source = "https', 'sauce = "https', "source must be given"),
        ("presets.toml", "claim =", "claims =", "claim must be given"),
        ("presets.toml", "coding:20", "dancing:20", "kinds are coding"),
    ],
)
def test_a_rule_speaks_where_it_is_broken(
    broken: Broken, path: str, old: str, new: str, says: str
) -> None:
    assert says in "\n".join(broken(path, old, new))


@pytest.mark.parametrize(
    ("answer", "distractor", "says"),
    [
        ("a, b", "c", "its own answer is judged wrong, a, b"),
        ("a b", "a, b", "the distractor 'commas' is judged right, a, b"),
    ],
)
def test_an_answer_that_cannot_be_typed_is_told(
    broken: Broken, answer: str, distractor: str, says: str
) -> None:
    """A word is read without its commas, so that one with commas is never given."""
    broken(ITEM, 'form = "number"', 'form = "word"')
    broken(DRAWN, "2.0 * x", repr(answer))
    broken(DRAWN, '("not doubled", x)', f'("commas", "{distractor}")')
    problems = broken(DRAWN, "float(value)", "str(value)")
    assert problems == [f"sums.toml: twice: seed 0: {says}"]


@pytest.mark.parametrize(
    ("unit", "says"),
    [("5x", "«250 x»: x is not 5x"), ("thousand", "the exact answer earns less than")],
)
def test_an_estimate_must_be_typed_in_its_unit(
    broken: Broken, unit: str, says: str
) -> None:
    broken("design/fraud_detection.py", '"cores": "cores"', f'"cores": "{unit}"')
    problems = broken(PROMPT, 'unit = "cores"', f'unit = "{unit}"')
    assert f"fraud_detection: estimate cores: {says}" in problems[0]


def test_an_estimate_must_be_finite(broken: Broken) -> None:
    file = "design/fraud_detection.py"
    problems = broken(file, "cards * bytes_per_card / 1e9", 'float("inf")')
    assert problems == [
        "fraud_detection.toml: fraud_detection: estimate store: it computes inf"
    ]


def test_a_temporal_prompt_needs_the_capped_option(roots: Roots) -> None:
    file = roots.design / "fraud_detection.toml"
    text = file.read_text("utf-8").replace('cap = "temporal"', "")
    file.write_text(text, "utf-8")
    (problem,) = found(roots)
    assert "temporal goes with an option that has the cap temporal" in problem


def test_a_question_may_be_there_once(roots: Roots) -> None:
    for end in (".toml", ".py"):
        shutil.copy(roots.theory / f"sums{end}", roots.theory / f"again{end}")
    assert found(roots) == ["sums.toml: twice: another question has this id"]


def test_mistakes_are_counted(roots: Roots) -> None:
    for notes, least in (("small_gpt/small_gpt", 10), ("small_gpt/kv_cache", 5)):
        file = roots.challenges / f"solutions/{notes}.toml"
        kept = file.read_text("utf-8").split("[[mistake]]")[:4]
        file.write_text("[[mistake]]".join(kept), "utf-8")
        assert f"{least} known mistakes are needed, there are 3" in " ".join(
            found(roots)
        )


@pytest.mark.parametrize("missing", ["katas", "solutions"])
def test_the_files_of_a_challenge_are_there(roots: Roots, missing: str) -> None:
    file = roots.challenges / missing / "small_gpt" / "kv_cache.py"
    file.unlink()
    (problem,) = found(roots)
    assert problem.startswith("kv_cache.py: kv_cache: ")
    assert "\n" not in problem


def test_the_small_gpt_must_be_there(roots: Roots) -> None:
    shutil.rmtree(roots.challenges / "katas" / "small_gpt")
    assert found(roots) == ["challenges: the repair round needs small_gpt"]


def test_nothing_at_all_is_too_little(tmp_path: Path) -> None:
    missing = replace(Roots(), presets=tmp_path / "presets.toml")
    assert any("presets.toml" in line for line in check(missing))
    empty = Roots(tmp_path, tmp_path, tmp_path, tmp_path / "presets.toml")
    assert sum(line.startswith("all content") for line in check(empty)) == len(LEAST)
