"""The numbers of retrieval over legal documents, passage by passage."""

import statistics

import pytest

from interviews.system_design_questions import legal_retrieval as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    passages = 20e6 * 6000 / 340
    assert expected("legal_retrieval") == pytest.approx(
        {
            "index": passages * (3072 + 128) / 1e9,
            "embedding": passages * 400 / 50_000 / 3600,
            "wrong": 6000,
            "cost": 300_000 * (0.016 + 0.0048),
        }
    )


@pytest.mark.parametrize("given", assumptions("legal_retrieval"))
def test_passages_by_walking_through_the_text(given: dict[str, float]) -> None:
    # One long text, so that the end of a document does not matter.
    length, size = 1e6, given["chunk_tokens"]
    step = size - size * given["overlap"] / 100
    starts = 0
    while starts * step < length:
        starts += 1
    many = given | {"documents": 1.0, "document_tokens": length}
    assert called(numbers.chunks, many) == pytest.approx(starts, abs=1)
    whole = called(numbers.chunks, given)
    tokens = given["documents"] * given["document_tokens"]
    assert whole / tokens == pytest.approx(called(numbers.chunks, many) / length)


@pytest.mark.parametrize("given", assumptions("legal_retrieval"))
def test_index_and_embedding(given: dict[str, float]) -> None:
    passages = called(numbers.chunks, given)
    vector = given["dimension"] * given["bytes_per_value"]
    links = given["links"] * 4
    kept = called(numbers.index, given)
    assert kept * 1e9 == pytest.approx(passages * vector + passages * links)
    small = called(numbers.small_index, given)
    saved = (kept - small) * 1e9 / passages
    assert saved + given["dimension"] == pytest.approx(vector)
    hours = called(numbers.embedding_hours, given)
    read = hours * 60 * 60 * given["embedding_rate"]
    assert read / passages == pytest.approx(given["chunk_tokens"])


@pytest.mark.parametrize("given", assumptions("legal_retrieval"))
def test_a_days_questions(given: dict[str, float]) -> None:
    asked = called(numbers.questions_per_day, given)
    assert asked / given["lawyers"] == pytest.approx(given["questions"])
    right = asked * (100 - given["unsupported"]) / 100
    assert called(numbers.wrong, given) + right == pytest.approx(asked)
    read = called(numbers.prompt_tokens, given)
    assert read / given["passages"] == pytest.approx(given["chunk_tokens"])
    bill_read = read * asked / 1e6 * given["input_price"]
    bill_written = given["answer_tokens"] * asked / 1e6 * given["output_price"]
    assert called(numbers.cost, given) == pytest.approx(bill_read + bill_written)
    assert called(numbers.cost_each, given) * asked == pytest.approx(
        bill_read + bill_written
    )
    share = 50 * bill_read / (bill_read + bill_written)
    assert called(numbers.saved, given) == pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize("given", assumptions("legal_retrieval"))
def test_the_interval_is_as_wide_as_asked_for(given: dict[str, float]) -> None:
    count = called(numbers.graded, given)
    share = given["unsupported"] / 100
    error = (share * (1 - share) / count) ** 0.5
    half = statistics.NormalDist().inv_cdf(0.975) * error
    # 1.96 is rounded from 1.95996.
    assert half == pytest.approx(given["margin"] / 100, rel=1e-4)
