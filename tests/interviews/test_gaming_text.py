"""Every trick with words earns nothing, on every open question that there is."""

import random
from pathlib import Path

import pytest

from interviews.evidence import refusal
from interviews.ml_theory_questions import open_questions
from interviews.ml_theory_questions.open import OpenQuestion, Point
from interviews.rounds.points import Reveal
from tests.interviews.rounds.hosting import MemoryHost

QUESTIONS = open_questions()
STUFFED = [
    "variance bias overfitting regularization model",
    "variance, bias, overfitting, regularization, model",
    "variance bias overfitting regularization model dropout is good",
    "variance, bias, overfitting, regularization, and the model",
    "variance and bias and model and data and loss",
    "the bias, the variance, the model, the loss, the data",
    "precision recall F1 AUC ROC PR calibration",
]
EMPTY = [
    "",
    " ",
    "...",
    "fine",
    "it is fine",
    "it is all fine really",
    "yes yes yes yes",
]
GIBBERISH = [
    "asdf qwer zxcv poiu lkjh",
    "asdf the qwer of zxcv is poiu variance and lkjh",
    "lorem ipsum dolor sit amet variance consectetur",
    "variance variance variance variance variance",
    "the variance the bias the model the variance the bias the model",
]


def claimed(question: OpenQuestion, answer: str, quote: str, tmp_path: Path) -> int:
    """Claim every point with ``quote``, twice, and count what is accepted."""
    reveal = Reveal(question.points, answer, question.prompt)
    host = MemoryHost(tmp_path, reveal)
    for _ in range(2 * len(question.points)):
        reveal.handle(host, f"y {quote}")
    return reveal.accepted


@pytest.mark.parametrize("text", [*EMPTY, *STUFFED, *GIBBERISH])
def test_empty_stuffed_and_random_words_earn_nothing(text: str, tmp_path: Path) -> None:
    assert sum(claimed(one, text, text, tmp_path) for one in QUESTIONS) == 0


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_a_filler_word_and_a_term_earn_nothing(
    question: OpenQuestion, tmp_path: Path
) -> None:
    for point in question.points:
        for filler in ("is fine I think", "is very important here"):
            term = point.terms[0].split()[0]
            text = f"the {term} {filler}"
            assert claimed(question, text, text, tmp_path) == 0


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_all_terms_of_a_question_in_a_row_earn_nothing(
    question: OpenQuestion, tmp_path: Path
) -> None:
    terms = [term for point in question.points for term in point.terms]
    for text in (", ".join(terms[:12]), " and ".join(terms[:12])):
        assert claimed(question, text, text, tmp_path) == 0


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_the_question_given_back_earns_nothing(
    question: OpenQuestion, tmp_path: Path
) -> None:
    sentences = question.prompt.replace("?", ".").split(".")
    for copied in (question.prompt, *sentences, question.prompt.upper()):
        assert claimed(question, copied, copied.strip(), tmp_path) == 0
        assert claimed(question, f"So {copied} indeed", f"So {copied}", tmp_path) == 0


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_the_words_of_the_question_in_another_order_earn_nothing(
    question: OpenQuestion, tmp_path: Path
) -> None:
    shuffled = question.prompt.split()
    random.Random(7).shuffle(shuffled)  # noqa: S311 - words, no secret
    text = " ".join(shuffled[:20])
    assert claimed(question, text, text, tmp_path) == 0


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_the_whole_answer_is_no_quotation(
    question: OpenQuestion, tmp_path: Path
) -> None:
    assert claimed(question, question.exemplar, question.exemplar, tmp_path) == 0


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_one_quotation_earns_one_point_at_most(
    question: OpenQuestion, tmp_path: Path
) -> None:
    for point in question.points:
        assert claimed(question, question.exemplar, point.quote, tmp_path) <= 1


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_a_good_sentence_that_was_not_written_earns_nothing(
    question: OpenQuestion, tmp_path: Path
) -> None:
    answer = "I do not remember this one, so I leave it for another day."
    for point in question.points:
        assert claimed(question, answer, point.quote, tmp_path) == 0


def test_a_used_quotation_is_refused_with_a_word_more_or_less() -> None:
    point = Point("p", "", ("variance",), "", "")
    answer = "Bagging averages many trees, so the variance of the sum drops a lot."
    used = ["many trees, so the variance of the sum drops"]
    for quote in (
        "trees, so the variance of the sum drops",
        "averages many trees, so the variance of the sum drops a lot",
    ):
        why = refusal(quote, answer=answer, prompt="", terms=point.terms, used=used)
        assert why == "you quoted these words for another point"


def test_sixty_words_are_the_most() -> None:
    sentence = "the variance of the mean falls as more trees are averaged because "
    answer = sentence * 7
    why = refusal(answer, answer=answer, prompt="", terms=(), used=())
    assert why == "quote the place that says it, at most 60 words, got 84"
