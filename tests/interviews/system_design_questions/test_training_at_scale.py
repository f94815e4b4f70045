"""The numbers of a training run, step by step and failure by failure."""

import pytest

from interviews.system_design_questions import training_at_scale as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    seconds = 1.68e24 / (2000 * 395.6e12)
    assert expected("training_at_scale") == pytest.approx(
        {
            "state": 1120,
            "days": seconds / 86_400,
            # A checkpoint of 980 GB takes 49 s, failures are 25 hours apart.
            "interval": (2 * 49 * 25 * 3600) ** 0.5 / 60,
            "failures": seconds / 3600 / 25,
            "cost": 1.68e24 / 395.6e12 / 3600 * 2,
        }
    )


@pytest.mark.parametrize("given", assumptions("training_at_scale"))
def test_operations_by_the_passes_over_one_token(given: dict[str, float]) -> None:
    # A multiplication and an addition for each weight; backward twice as many.
    forward = 2 * given["parameters"] * 1e9
    backward = 2 * forward
    one_token = forward + backward
    total = called(numbers.operations, given) * 1e21
    assert total / one_token == pytest.approx(given["tokens"] * 1e9)
    cluster = given["gpus"] * given["gpu_tflops"] * 1e12 * given["mfu"] / 100
    tokens_a_second = cluster / one_token
    count, each = called(numbers.steps, given), called(numbers.step_time, given)
    assert each * tokens_a_second == pytest.approx(given["batch_tokens"] * 1e6)
    assert called(numbers.ideal_days, given) == pytest.approx(count * each / 86_400)
    ratio = called(numbers.tokens_per_parameter, given)
    assert ratio * given["parameters"] == pytest.approx(given["tokens"])


@pytest.mark.parametrize("given", assumptions("training_at_scale"))
def test_hours_and_money(given: dict[str, float]) -> None:
    on_one_gpu = called(numbers.ideal_days, given | {"gpus": 1.0}) * 24
    assert called(numbers.gpu_hours, given) == pytest.approx(on_one_gpu)
    paid = called(numbers.cost, given)
    assert paid / given["gpu_hour"] == pytest.approx(on_one_gpu)
    # Accelerator hours over the hours until one of them fails.
    assert called(numbers.failures, given) == pytest.approx(
        on_one_gpu / given["gpu_mtbf"]
    )


@pytest.mark.parametrize("given", assumptions("training_at_scale"))
def test_memory_and_checkpoints(given: dict[str, float]) -> None:
    billion = 10**9
    kept = called(numbers.state, given) * billion
    assert kept / (given["parameters"] * billion) == pytest.approx(given["state_bytes"])
    one = called(numbers.sharded_state, given)
    assert one * billion * given["shards"] == pytest.approx(kept)
    saved = called(numbers.checkpoint, given)
    assert saved / given["checkpoint_bytes"] == pytest.approx(given["parameters"])
    seconds = called(numbers.save_time, given)
    assert seconds * given["storage"] == pytest.approx(saved)


@pytest.mark.parametrize("given", assumptions("training_at_scale"))
def test_no_other_interval_loses_less(given: dict[str, float]) -> None:
    apart = called(numbers.time_between_failures, given) * 60
    assert apart * given["gpus"] == pytest.approx(given["gpu_mtbf"] * 60)
    save = called(numbers.save_time, given) / 60
    best = called(numbers.checkpoint_interval, given)

    def wasted(interval: float) -> float:
        saves = apart / interval  # between two failures
        return saves * save + interval / 2 + given["restart"]

    assert called(numbers.lost, given) == pytest.approx(100 * wasted(best) / apart)
    for factor in (0.5, 0.9, 1.1, 2):
        assert wasted(best * factor) > wasted(best)
    pure = called(numbers.ideal_days, given)
    on_top = pure * wasted(best) / apart
    assert called(numbers.days, given) == pytest.approx(pure + on_top)
