"""The numbers of a batching server, by running its batches one after the other."""

import pytest

from interviews.system_design_questions import request_batching as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("request_batching") == pytest.approx(
        {
            "batch": 88,  # (50 - 6) / 0.5
            "replicas": 12_000 / (32_000 / 22) / 0.7,
            "throughput": 32_000 / 22,
            "latency": 49,  # 5 + 2 x 22
            "flight": 588,  # 12,000 x 0.049 s
        }
    )


@pytest.mark.parametrize("given", assumptions("request_batching"))
def test_a_thousand_batches_in_a_row(given: dict[str, float]) -> None:
    clock = served = alone = 0.0
    for _ in range(1000):
        clock += given["fixed_ms"]
        clock += given["batch"] * given["each_ms"]
        served += given["batch"]
        alone += given["fixed_ms"] + given["each_ms"]
    assert called(numbers.batch_time, given) == pytest.approx(clock / 1000)
    batched = served / (clock / 1000)
    single = 1000 / (alone / 1000)
    assert called(numbers.throughput, given) == pytest.approx(batched)
    assert called(numbers.single_throughput, given) == pytest.approx(single)
    assert called(numbers.gain, given) == pytest.approx(batched / single)
    # The bound is approached by ever larger batches, and never reached.
    huge = called(numbers.throughput, given | {"batch": 1e9})
    assert called(numbers.limit_throughput, given) == pytest.approx(huge, rel=1e-4)
    assert batched < called(numbers.limit_throughput, given)


@pytest.mark.parametrize("given", assumptions("request_batching"))
def test_one_more_request_would_break_the_deadline(given: dict[str, float]) -> None:
    size = called(numbers.largest_batch, given)
    assert size == int(size)
    larger = called(numbers.batch_time, given | {"batch": size + 1})
    assert 2 * larger > given["deadline_ms"]
    if size > 1:
        two = called(numbers.latency, given | {"batch": size, "wait_ms": 0.0})
        assert two <= given["deadline_ms"] * (1 + 1e-9)


@pytest.mark.parametrize("given", assumptions("request_batching"))
def test_the_fleet_at_the_peak(given: dict[str, float]) -> None:
    peak = called(numbers.peak_rate, given)
    assert peak / given["rate"] == pytest.approx(given["peak_factor"])
    for function, each in (
        (numbers.replicas, called(numbers.throughput, given)),
        (numbers.replicas_without, called(numbers.single_throughput, given)),
    ):
        fleet = called(function, given)
        assert fleet * each * given["utilisation"] / 100 == pytest.approx(peak)
    fleet = called(numbers.replicas, given)
    hourly = fleet * given["gpu_hour"]
    assert called(numbers.cost, given) == pytest.approx(sum([hourly] * 24))
    # A replica runs full batches for the busy share of the time that they gather in.
    gather = called(numbers.fill_time, given)
    run = called(numbers.batch_time, given)
    assert run / gather == pytest.approx(given["utilisation"] / 100)


@pytest.mark.parametrize("given", assumptions("request_batching"))
def test_what_waits(given: dict[str, float]) -> None:
    run = given["fixed_ms"] + given["batch"] * given["each_ms"]
    worst = given["wait_ms"] + run + run
    assert called(numbers.latency, given) == pytest.approx(worst)
    gap = 1000 / (given["rate"] * given["peak_factor"])
    assert called(numbers.in_flight, given) * gap == pytest.approx(worst)
    waiting = called(numbers.queue_bound, given)
    # The last in the queue waits for all before it and has its own batch to run.
    last = waiting / given["batch"] * run + run
    assert waiting == 1 or last == pytest.approx(given["deadline_ms"])
