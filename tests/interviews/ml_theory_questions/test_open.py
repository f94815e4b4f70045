from pathlib import Path

import pytest

from interviews.ml_theory_questions.open import OpenQuestion, open_questions
from interviews.rounds.base import LEVELS

QUESTIONS = open_questions()
ENTRY = """
[[open]]
id = "averaging"
title = "Averaging"
level = "mid"
minutes = 4
prompt = "Why average?"
source = "A book, section 1"

[[open.point]]
id = "drop"
text = "The variance drops."
terms = ["variance"]
source = "A book, section 1"
quote = "the variance drops with more trees"
"""
EXEMPLAR = (
    "# Answers\n\n## averaging\n\nAs we see, the variance drops with more trees.\n"
)


def read(folder: Path, entry: str, exemplar: str = EXEMPLAR) -> OpenQuestion:
    (folder / "topic.open.toml").write_text(entry, "utf-8")
    (folder / "topic.md").write_text(exemplar, "utf-8")
    return open_questions(folder)[0]


def of_each() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)


def test_there_are_questions_of_every_level() -> None:
    assert len(QUESTIONS) >= 60
    assert {one.level for one in QUESTIONS} == set(LEVELS)


@pytest.mark.parametrize(
    "topic",
    [
        "bias_variance_tradeoff",
        "data_and_drift",
        "deep_learning",
        "evaluation_metrics",
        "language_models",
        "optimization_methods",
        "retrieval_and_serving",
    ],
)
def test_the_topics_have_eight_each(topic: str) -> None:
    assert sum(one.topic == topic for one in QUESTIONS) >= 8


def test_ids_are_unique() -> None:
    ids = [one.id for one in QUESTIONS]
    assert len(set(ids)) == len(ids)


@of_each()
def test_a_question_is_complete(question: OpenQuestion) -> None:
    assert 4 <= len(question.points) <= 6
    assert 3 <= question.minutes <= 8
    assert len(question.prompt) <= 400
    assert 90 <= len(question.exemplar.split()) <= 180
    for point in question.points:
        assert any(letter.isdigit() for letter in point.source)
        assert point.terms


@of_each()
def test_each_quote_is_in_the_exemplar_word_for_word(question: OpenQuestion) -> None:
    exemplar = " ".join(question.exemplar.split())
    for point in question.points:
        assert " ".join(point.quote.split()) in exemplar


def test_an_entry_is_read(tmp_path: Path) -> None:
    question = read(tmp_path, ENTRY)
    assert (question.topic, question.minutes) == ("topic", 4.0)
    assert question.exemplar == "As we see, the variance drops with more trees."
    assert question.points[0].terms == ("variance",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Averaging"', "", "averaging: title must be a text, got None"),
        ('"mid"', '"expert"', "level must be one of junior"),
        ("minutes = 4", "minutes = 0", "minutes must be a number above 0, got 0"),
        ('"Why average?"', f'"{"a" * 401}"', "at most 400 characters, got 401"),
        ('["variance"]', "[]", "averaging, drop: terms must be a list of words"),
        ('["variance"]', "[1]", "terms must be a list of words, got [1]"),
        ('id = "drop"', "", "a point without id: id must be a text"),
        ('id = "averaging"', 'id = "other"', "must have an answer under ## other"),
        ("[[open.point]]", "[other]", "at least one [[open.point]]"),
        ("minutes = 4", "minutes =", "topic.open.toml is no TOML"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"topic\.open\.toml") as caught:
        read(tmp_path, ENTRY.replace(old, new, 1))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_id_may_be_there_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="averaging is there twice"):
        read(tmp_path, ENTRY + ENTRY)


def test_the_points_of_a_question_have_ids_of_their_own(tmp_path: Path) -> None:
    point = ENTRY[ENTRY.index("[[open.point]]") :]
    with pytest.raises(ValueError, match="ids of its points must differ"):
        read(tmp_path, ENTRY + point)
