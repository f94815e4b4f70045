"""The numbers of LLM serving, counted layer by layer and second by second."""

import math

import pytest

from interviews.system_design_questions import llm_infrastructure as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("llm_infrastructure") == pytest.approx(
        {
            "kv": 589.824,  # 2 x 80 x 8 x 128 x 2 bytes x 1,800
            "floor": 140 / 13.4,
            "flight": 625,  # 50 x 12.5 s
            "prefill": 10_500 / 395.6,  # 50 x 1,500 x 140e9 = 10,500e12 a second
        }
    )


@pytest.mark.parametrize("given", assumptions("llm_infrastructure"))
def test_the_cache_counted_layer_by_layer(given: dict[str, float]) -> None:
    row = given["head_size"] * given["bytes_per_value"]
    keys = values = given["kv_heads"] * row
    layers = int(given["layers"])
    whole = sum(keys + values for _ in range(layers))
    whole += (keys + values) * (given["layers"] - layers)
    assert called(numbers.kv_token, given) * 1000 == pytest.approx(whole)
    length = given["input_tokens"] + given["output_tokens"]
    sequence = called(numbers.kv_sequence, given)
    assert sequence * 1e6 / length == pytest.approx(whole)
    held = called(numbers.concurrency, given)
    weights = called(numbers.weights, given)
    assert weights * 1e9 == pytest.approx(
        given["parameters"] * given["bytes_per_value"]
    )
    memory = given["gpus_per_replica"] * given["gpu_memory"]
    if held > 1:
        # Weights, caches and the tenth kept free fill the memory.
        full = weights + held * sequence / 1e3 + memory / 10
        assert full == pytest.approx(memory)
    else:
        assert weights + sequence / 1e3 >= 0.9 * memory * (1 - 1e-9)


@pytest.mark.parametrize("given", assumptions("llm_infrastructure"))
def test_a_step_reads_each_weight_once(given: dict[str, float]) -> None:
    each_gpu = called(numbers.weights, given) * 1e9 / given["gpus_per_replica"]
    seconds = each_gpu / (given["bandwidth"] * 1e12)
    assert called(numbers.token_floor, given) == pytest.approx(seconds * 1e3)


@pytest.mark.parametrize("given", assumptions("llm_infrastructure"))
def test_in_flight_counted_by_arrivals(given: dict[str, float]) -> None:
    stay = called(numbers.duration, given)
    first = given["first_token"] / 1e3
    step = given["token_time"] / 1e3
    assert stay == pytest.approx(first + step * given["output_tokens"])
    # Evenly spaced arrivals: those of the last ``stay`` seconds are still there.
    gap = 1 / given["rate"]
    there = math.floor(stay / gap)
    assert abs(called(numbers.in_flight, given) - there) <= 1
    full = called(numbers.memory_replicas, given)
    held = called(numbers.concurrency, given)
    assert (full - 1) * held < called(numbers.in_flight, given)
    assert full * held >= called(numbers.in_flight, given) * (1 - 1e-9)


@pytest.mark.parametrize("given", assumptions("llm_infrastructure"))
def test_the_arithmetic_of_one_second(given: dict[str, float]) -> None:
    multiply_and_add = 2 * given["parameters"]
    one_gpu = given["gpu_tflops"] * 1e12 * given["utilisation"] / 100
    tokens_of_a_gpu = one_gpu / multiply_and_add
    prompts = given["rate"] * given["input_tokens"]
    prefill = called(numbers.prefill_gpus, given)
    assert prefill * tokens_of_a_gpu == pytest.approx(prompts)
    answers = given["rate"] * given["output_tokens"]
    decode = called(numbers.decode_gpus, given)
    assert decode * tokens_of_a_gpu == pytest.approx(answers)
    fresh = prompts - prompts * given["shared_prefix"] / 100
    cached = called(numbers.cached_gpus, given)
    assert cached * tokens_of_a_gpu == pytest.approx(fresh)
    count = called(numbers.replicas, given)
    # The count is whole, and one fewer would leave prompts unread.
    read = tokens_of_a_gpu * given["gpus_per_replica"] * given["prefill_share"] / 100
    assert count == int(count)
    assert (count - 1) * read < prompts <= count * read * (1 + 1e-9)
    hourly = count * given["gpus_per_replica"] * given["gpu_hour"]
    assert called(numbers.cost, given) == pytest.approx(sum([hourly] * 24))
