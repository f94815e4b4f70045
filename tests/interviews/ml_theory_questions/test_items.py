"""What holds for every parametrised question."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest

from interviews.ml_theory_questions import draw, items, judge_answer, numbers
from interviews.ml_theory_questions.numbers import Item, ItemError, show_answer
from interviews.ml_theory_questions.question import (
    Distractor,
    Question,
    agree,
    apart,
    separated,
)

SEEDS = range(40)
ITEM = Item("an-item", "An item", "topic", "mid", 3, "A book", "", 0.01, "number")
EACH = pytest.mark.parametrize("item", items(), ids=lambda item: item.id)


@EACH
def test_the_seed_alone_decides(item: Item) -> None:
    drawn = [draw(item.id, seed) for seed in SEEDS]
    assert drawn == [draw(item.id, seed) for seed in SEEDS]
    assert len({question.prompt for question in drawn}) > 5


@EACH
def test_distractors_are_named_and_apart(item: Item) -> None:
    for seed in SEEDS:
        question = draw(item.id, seed)
        names = [each.misconception for each in question.distractors]
        values = [question.answer, *(each.value for each in question.distractors)]
        assert len(names) >= 3
        assert all(name.strip() for name in names)
        assert len(set(names)) == len(names)
        assert separated(question, item.tolerance)
        for place, one in enumerate(values):
            for other in values[:place]:
                assert not agree(one, other, item.tolerance)
                assert not agree(other, one, item.tolerance)


@EACH
def test_the_judge_knows_the_answer_and_every_misconception(item: Item) -> None:
    for seed in SEEDS:
        question = draw(item.id, seed)
        judged = judge_answer(item, question, show_answer(item, question.answer))
        assert (judged.correct, judged.misconception, judged.problem) == (True, "", "")
        for each in question.distractors:
            judged = judge_answer(item, question, show_answer(item, each.value))
            assert not judged.correct
            assert judged.misconception == each.misconception


@EACH
def test_texts_are_clean(item: Item) -> None:
    for seed in SEEDS:
        question = draw(item.id, seed)
        texts = [question.prompt, *question.steps]
        texts += [each.misconception for each in question.distractors]
        for text in texts:
            assert not re.search(r"\d\.\d{10}|\d{6}\.\d|\bnan\b|\binf\b", text), text
            assert "\n" not in text
            assert text == text.strip()
            assert max(map(len, textwrap.wrap(text, 80))) <= 80
        assert len(textwrap.wrap(question.prompt, 80)) <= 10
        assert question.prompt.rstrip(")").endswith((".", "?")) or "?" in texts[0]
        assert question.steps


@EACH
def test_junk_is_a_problem_and_no_answer(item: Item) -> None:
    question = draw(item.id, 0)
    for text in ("", "   ", "{}"):
        judged = judge_answer(item, question, text)
        assert not judged.correct
        assert judged.value is None
        assert len(judged.problem.splitlines()) == 1


def test_a_number_is_right_within_the_tolerance_only() -> None:
    question = Question("?", 200.0, ("",), (Distractor("half", 100.0),))
    for text in ("200", "202", "198", "0.2k", "400/2"):
        assert judge_answer(ITEM, question, text).correct
    assert not judge_answer(ITEM, question, "202.1").correct
    assert judge_answer(ITEM, question, "100.9").misconception == "half"
    assert judge_answer(ITEM, question, "150").misconception == ""
    assert "fine" in judge_answer(ITEM, question, "fine").problem


def test_sequences_sets_and_words_are_read() -> None:
    def judge(form: str, answer: Question, text: str) -> bool:
        item = Item("a", "A", "t", "mid", 3, "A book", "", 0.01, form)
        return judge_answer(item, answer, text).correct

    pair = Question("?", (0.5, -2.0), (), ())
    for text in ("0.5 -2", "(1/2, −2)", "[.5; -2.01]", "0.5 -> -2"):
        assert judge("sequence", pair, text)
    assert not judge("sequence", pair, "-2, 0.5")
    assert not judge("sequence", pair, "0.5")
    tokens = Question("?", ("l o", "lo w"), (), ())
    assert judge("sequence", tokens, "L o, lo  w")
    kept = Question("?", frozenset({"a", "b"}), (), ())
    assert judge("set", kept, "{b, a, a}")
    assert not judge("set", kept, "a")
    assert judge("word", Question("?", "recall", (), ()), "“Recall”".strip("“”"))


def test_zero_has_an_absolute_tolerance() -> None:
    assert agree(0.009, 0.0, 0.01)
    assert not agree(0.02, 0.0, 0.01)
    assert not apart(0.009, 0.0, 0.01)
    assert apart(0.02, 0.0, 0.01)


def test_coinciding_distractors_are_drawn_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(random: Random) -> Question:
        drawn = float(random.randint(1, 4))
        wrong = [Distractor(f"{i}", float(i)) for i in (1, 2, 3)]
        return Question("?", drawn, (), tuple(wrong))

    monkeypatch.setattr(numbers, "items", lambda: (ITEM,))
    monkeypatch.setattr(numbers, "_generator", lambda _: make)
    assert {draw("an-item", seed).answer for seed in range(50)} == {4.0}
    monkeypatch.setattr(
        numbers, "_generator", lambda _: lambda _: Question("", 1, (), ())
    )
    with pytest.raises(ItemError, match="no distinct distractors"):
        draw("an-item", 0)


def test_unknown_items_and_broken_entries_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ItemError, match="'no-such-item'"):
        draw("no-such-item", 1)
    good = 'id = "a"\ntitle = "A"\nlevel = "mid"\nminutes = 3\nsource = "A book"\n'
    good += 'unit = ""\ntolerance = 0.01\nform = "number"\n'
    broken = {
        good.replace('"mid"', '"expert"'): "level must be in",
        good.replace('"number"', '"essay"'): "form in",
        good.replace('"A book"', '""'): "source must be given",
        good.replace("minutes = 3\n", ""): "minutes must be given",
        good.replace("0.01", "0.5"): "tolerance in",
        good + "colour = 1\n": "unknown fields",
        good + f"[[item]]\n{good}": "ids of their own",
    }
    monkeypatch.setattr(numbers, "FOLDER", tmp_path)
    for text, message in broken.items():
        (tmp_path / "topic.toml").write_text(f"[[item]]\n{text}")
        with pytest.raises(ItemError, match=message):
            numbers.items.__wrapped__()


def test_the_list_of_items_imports_nothing_heavy() -> None:
    code = (
        "import sys; from interviews.ml_theory_questions import items, draw; "
        "[draw(item.id, 1) for item in items()]; "
        "print({'numpy', 'scipy', 'torch', 'sklearn', 'pytest'} & {*sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("set()\n", "")


def test_there_are_enough_of_every_level() -> None:
    levels = [item.level for item in items()]
    assert len(levels) >= 34
    assert min(levels.count(level) for level in ("junior", "mid", "senior")) >= 8


def test_a_sequence_has_as_many_values_as_were_asked_for() -> None:
    item = Item("a", "A", "t", "mid", 3, "A book", "", 0.01, "sequence")
    both = Question("?", (0.5, -2.0), (), (Distractor("swapped", (-2.0, 0.5)),))
    for text in ("70", "1, 2, 3"):
        judged = judge_answer(item, both, text)
        assert judged.problem == f"2 values must be given, got {len(text.split(','))}"
        assert judged.value is None
    assert judge_answer(item, both, "-2, 0.5").misconception == "swapped"
    # Here the length is part of the answer.
    open_ended = Question("?", (0.5, -2.0), (), (Distractor("one", (0.5,)),))
    assert not judge_answer(item, open_ended, "70").problem


def test_an_empty_set_is_a_problem() -> None:
    item = Item("a", "A", "t", "mid", 3, "A book", "", 0.01, "set")
    kept = Question("?", frozenset({"a", "b"}), (), ())
    for text in ("{}", ",", "( )"):
        assert "nothing to read" in judge_answer(item, kept, text).problem
