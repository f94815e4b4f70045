"""The numbers of a code assistant, through the day of one developer."""

import math
import statistics

import pytest

from interviews.system_design_questions import code_assistant as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("code_assistant") == pytest.approx(
        {
            "index": 1.28,  # 50e6 / 30 x 768
            "sample": 16 * (12 / 0.84) ** 2,
            "time": 375,  # 75 + 60 + 240
            # 22,222 a second x 2,500 x 14e9 = 7.78e17 operations a second
            "gpus": 7.7778e17 / 395.6e12,
            "value": 6_720_000,  # 67.2 million accepted, 6 s each, 60 USD an hour
        },
        rel=1e-4,
    )


@pytest.mark.parametrize("given", assumptions("code_assistant"))
def test_the_day_of_one_developer(given: dict[str, float]) -> None:
    every = called(numbers.requests_per_day, given)
    assert every / given["pauses"] == pytest.approx(given["developers"])
    seen = called(numbers.shown, given)
    assert 100 * seen / every == pytest.approx(given["show_rate"])
    taken = called(numbers.accepted, given)
    assert 100 * taken / seen == pytest.approx(given["accept_rate"])
    seconds = taken * given["seconds_saved"]
    minutes = called(numbers.minutes_saved, given)
    assert minutes * 60 * given["developers"] == pytest.approx(seconds)
    worth = called(numbers.value, given)
    assert worth / given["hour_price"] == pytest.approx(seconds / 3600)


@pytest.mark.parametrize("given", assumptions("code_assistant"))
def test_the_fleet_reads_the_busiest_second(given: dict[str, float]) -> None:
    peak = called(numbers.peak_rate, given)
    working_day = peak / given["peak_factor"] * 3600 * given["work_hours"]
    assert working_day == pytest.approx(given["developers"] * given["pauses"])
    tokens = called(numbers.prompt_rate, given)
    assert tokens / peak == pytest.approx(given["prompt_tokens"])
    operations = given["gpu_tflops"] * 1e12 * given["utilisation"] / 100
    for function, billions in (
        (numbers.prefill_gpus, given["parameters"]),
        (numbers.gpus_for_chat_model, given["chat_parameters"]),
    ):
        tokens_of_a_gpu = operations / (2 * billions * 1e9)
        assert called(function, given) * tokens_of_a_gpu == pytest.approx(tokens)
    whole = called(numbers.prefill_gpus, given)
    cached = called(numbers.cached_gpus, given)
    assert cached + whole * given["reused"] / 100 == pytest.approx(whole)
    hourly = cached * given["gpu_hour"]
    assert called(numbers.cost, given) == pytest.approx(sum([hourly] * 24))


@pytest.mark.parametrize("given", assumptions("code_assistant"))
def test_the_clock_of_one_suggestion(given: dict[str, float]) -> None:
    whole = given | {"output_tokens": float(math.ceil(given["output_tokens"]))}
    clock = given["wait_ms"] + given["prefill_ms"]
    for _ in range(int(whole["output_tokens"])):
        clock += given["token_ms"]
    assert called(numbers.time_to_suggestion, whole) == pytest.approx(clock)
    read = given["wait_ms"] + given["prefill_ms"]
    drafted = called(numbers.speculative_time, whole) - read
    assert drafted * given["tokens_per_step"] == pytest.approx(clock - read)


@pytest.mark.parametrize("given", assumptions("code_assistant"))
def test_index_and_sample(given: dict[str, float]) -> None:
    pieces = given["lines"] / given["chunk_lines"]
    stored = called(numbers.index, given) * 1e9
    assert stored / pieces == pytest.approx(given["dimension"])
    developers = called(numbers.sample, given)
    error = given["own_share"] * math.sqrt(2 / developers)
    difference = given["accept_rate"] * given["lift"] / 100
    normal = statistics.NormalDist()
    power = 1 - normal.cdf(normal.inv_cdf(0.975) - difference / error)
    # Sixteen is 2 (1.96 + 0.84)^2 = 15.7, rounded up: a little more than 80 %.
    assert power == pytest.approx(0.8074, abs=1e-3)
