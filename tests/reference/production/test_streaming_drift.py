"""Drift of streams: as the batch detector while short, within the error beyond."""

import math
import pickle
import tracemalloc

import numpy as np
import pytest

from reference.production.drift import (
    DriftDetector,
    DriftResult,
    StreamingDriftDetector,
    StreamingDriftResult,
    StreamSummary,
    ks_test,
)
from reference.production.drift.categories import CategoryCounts
from reference.production.drift.stability import (
    bin_counts,
    edges_of,
    index_bounds,
    stability_index,
)

SIZE = 512


def fields(result: DriftResult) -> tuple[object, ...]:
    return (
        result.feature,
        result.method,
        result.statistic,
        result.p_value,
        result.threshold,
        result.drifted,
        result.note,
    )


def table(
    generator: np.random.Generator, rows: int, shift: float
) -> dict[str, list[object]]:
    words = generator.choice(["a", "b", "c"], rows, p=[0.5, 0.5 - shift / 4, shift / 4])
    numbers = generator.normal(shift, size=rows)
    holes = np.where(generator.random(rows) < 0.1, np.nan, numbers)
    return {
        "word": words.tolist(),
        "number": holes.tolist(),
        "same": (numbers - shift).tolist(),
    }


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_short_streams_give_what_the_batch_detector_gives(shift: float) -> None:
    generator = np.random.default_rng(0)
    first = table(generator, 300, 0.0)
    batches = [table(generator, rows, shift) for rows in (1, 50, 120)]
    whole = {name: [v for batch in batches for v in batch[name]] for name in first}
    streaming = StreamingDriftDetector("auto", seed=0).set_reference(first)
    for batch in batches:
        streaming.update(batch)
    expected = DriftDetector("auto").set_reference(first).detect_drift(whole)
    results = streaming.detect_drift()
    assert [fields(one) for one in results] == [fields(one) for one in expected]
    assert [one.statistic_error for one in results] == [0.0] * 3


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1, 0.5])
def test_ks_of_long_streams_is_within_its_error(shift: float) -> None:
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(2, 40_000))
    second += shift
    exact = ks_test(first, second)
    for seed in range(10):
        detector = StreamingDriftDetector("ks", size=2048, seed=seed)
        detector.set_reference({"x": first}).update({"x": second})
        (result,) = detector.detect_drift()
        assert 0 < result.statistic_error < 0.04
        assert abs(result.statistic - exact.statistic) <= result.statistic_error
        assert result.p_value is not None
        # Never surer than the test of all values.
        assert result.p_value >= exact.p_value
        assert result.drifted == (shift >= 0.1)


def test_without_drift_long_streams_keep_to_the_level() -> None:
    generator = np.random.default_rng(2)
    alarms = 0
    for seed in range(100):
        detector = StreamingDriftDetector("ks", size=512, seed=seed)
        detector.set_reference({"x": generator.normal(size=5000)})
        (result,) = detector.update({"x": generator.normal(size=5000)}).detect_drift()
        alarms += result.drifted
        # Had the sketch's error been ignored, its own noise would be an alarm.
    assert alarms <= 5


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_psi_of_long_streams_is_within_its_error(shift: float) -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=(2, 40_000))
    second += shift
    for seed in range(10):
        detector = StreamingDriftDetector("psi", 0.1, seed=seed)
        reference = detector.summary().update({"x": first})
        detector.set_reference(reference).update({"x": second})
        (result,) = detector.detect_drift()
        # The same edges, with all values counted.
        sketch = reference.features["x"]
        assert sketch is not None
        assert not isinstance(sketch, CategoryCounts)
        edges = edges_of(sketch.quantiles(np.arange(11) / 10))
        counts = [bin_counts(sample, edges) for sample in (first, second)]
        exact = stability_index(counts[0], counts[1], 1e-4)
        assert abs(result.statistic - exact) <= result.statistic_error
        assert result.p_value is None
        certain = result.statistic - result.statistic_error > 0.1
        assert result.drifted == certain
        assert certain == (shift == 1.0)


@pytest.mark.parametrize("errors", [(0.0, 0.0), (0.02, 0.05), (0.3, 0.0), (1.0, 1.0)])
def test_the_bounds_of_an_index_hold_and_are_reached(
    errors: tuple[float, float],
) -> None:
    generator = np.random.default_rng(5)
    counts = generator.multinomial(10_000, [0.1, 0.2, 0.3, 0.4], size=2)
    least, most = index_bounds(counts[0], counts[1], *errors, 1e-4)
    sides = [
        np.clip(row / 10_000 + error * generator.uniform(-1, 1, (20_000, 4)), 0, 1)
        for row, error in zip(counts, errors, strict=True)
    ]
    p, q = ((side + 1e-4) / (1 + 4e-4) for side in sides)
    values = np.sum((p - q) * np.log(p / q), axis=1)
    # Equal only up to the rounding of four terms.
    assert values.min() >= least - 1e-12
    assert values.max() <= most + 1e-12
    if errors == (0.0, 0.0):
        assert least == most == stability_index(counts[0], counts[1], 1e-4)


def test_one_outlier_hides_no_shift_from_a_stream() -> None:
    generator = np.random.default_rng(4)
    first, second = generator.normal(size=(2, 20_000))
    first[7] = 1e18
    detector = StreamingDriftDetector("psi", 0.25, seed=0).set_reference({"x": first})
    assert detector.update({"x": second + 1.0}).detect_drift()[0].drifted


@pytest.mark.parametrize("method", ["ks", "psi"])
def test_shards_merge(method: str) -> None:
    generator = np.random.default_rng(5)
    threshold = 0.05 if method == "ks" else 0.1
    first = generator.normal(size=30_000)
    parts = np.array_split(np.sort(generator.normal(1.0, size=30_000)), 8)
    detector = StreamingDriftDetector(method, threshold, seed=0)
    begun = detector.summary()
    for part in np.array_split(first, 3):
        begun.merge(detector.summary().update({"x": part}))
    detector.set_reference(begun)
    for part in parts:
        shard = pickle.loads(pickle.dumps(detector.summary()))  # noqa: S301 - our own
        detector.merge(shard.update({"x": part}))
    (merged,) = detector.detect_drift()
    alone = StreamingDriftDetector(method, threshold, seed=9).set_reference(
        {"x": first}
    )
    (whole,) = alone.update({"x": np.concatenate(parts)}).detect_drift()
    assert merged.drifted
    assert whole.drifted
    error = merged.statistic_error + whole.statistic_error
    assert abs(merged.statistic - whole.statistic) <= error


def test_the_seeds_of_shards_differ() -> None:
    detector = StreamingDriftDetector(seed=0).set_reference({"x": np.arange(100.0)})
    stream = np.random.default_rng(6).normal(size=20_000)
    sketches = [detector.summary().update({"x": stream}) for _ in range(2)]
    held = [sketch.features["x"] for sketch in sketches]
    assert held[0] is not None
    assert held[1] is not None
    assert not isinstance(held[0], CategoryCounts)
    assert not isinstance(held[1], CategoryCounts)
    assert held[0].values()[0].tolist() != held[1].values()[0].tolist()


def test_an_index_within_its_error_of_the_threshold_is_no_drift() -> None:
    generator = np.random.default_rng(8)
    first, second = generator.normal(size=(2, 20_000))
    summary = StreamSummary("psi", seed=0).update({"x": first})

    def judged(threshold: float) -> StreamingDriftResult:
        detector = StreamingDriftDetector("psi", threshold, seed=1)
        detector.set_reference(summary).update({"x": second + 1.0})
        return detector.detect_drift()[0]

    found = judged(0.1)
    least = found.statistic - found.statistic_error
    assert 0 < least < found.statistic
    assert not judged((least + found.statistic) / 2).drifted
    assert judged(least * 0.99).drifted


def test_memory_is_flat() -> None:
    def peak(values: int) -> int:
        """Return the most memory that a stream of so many values takes."""
        generator = np.random.default_rng(0)
        detector = StreamingDriftDetector("auto", seed=0)
        detector.set_reference({"x": generator.normal(size=10_000), "y": [0] * 20})
        batch = {
            "x": generator.normal(size=5000),
            "y": generator.integers(0, 10**9, 500),
        }
        batch["y"] = batch["y"].tolist()
        tracemalloc.start()
        for _ in range(values // 5000):
            detector.update(batch)
        detector.detect_drift()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(5000)  # what is imported on first use is not counted
    short, long = peak(10_000), peak(400_000)
    assert long < 1.3 * short
    assert long < 2_000_000


def test_windows_and_references() -> None:
    detector = StreamingDriftDetector().set_reference({"x": np.arange(100.0)})
    (nothing,) = detector.detect_drift()
    assert math.isnan(nothing.statistic)
    assert "100 in the reference and 0 in the current data" in nothing.note
    assert detector.update({"x": np.arange(200.0, 300.0)}).detect_drift()[0].drifted
    assert detector.reset().detect_drift()[0].note == nothing.note
    assert not detector.update({"x": np.arange(100.0)}).detect_drift()[0].drifted
    detector.set_reference({"x": np.arange(200.0, 300.0)})
    assert detector.update({"x": np.arange(100.0)}).detect_drift()[0].drifted


def test_a_given_reference_is_a_copy() -> None:
    detector = StreamingDriftDetector()
    given_one = detector.summary().update({"x": np.arange(100.0)})
    detector.set_reference(given_one)
    given_one.update({"x": np.full(1000, 1e6)})
    assert not detector.update({"x": np.arange(100.0)}).detect_drift()[0].drifted


def test_a_refused_batch_leaves_nothing() -> None:
    detector = StreamingDriftDetector("auto").set_reference(
        {"x": np.arange(50.0), "y": ["a", "b"] * 25}
    )
    detector.update({"x": np.arange(50.0), "y": ["a", "b"] * 25})
    before = detector.detect_drift()
    for x, y in ((["a"], ["a"]), ([1.0], [["a"]]), ([math.inf], ["a"])):
        with pytest.raises((TypeError, ValueError), match=r"^current_data\['"):
            detector.update({"x": x, "y": y})
    with pytest.raises(ValueError, match=r"^current_data must have .* without y$"):
        detector.update({"x": [1.0]})
    assert detector.detect_drift() == before


def test_before_the_reference() -> None:
    detector = StreamingDriftDetector()
    for call in (
        detector.detect_drift,
        detector.reset,
        lambda: detector.update({"x": [1.0]}),
        lambda: detector.merge(StreamSummary()),
    ):
        with pytest.raises(RuntimeError, match=r"^set_reference must be called"):
            call()


def test_summaries_that_do_not_fit_are_refused() -> None:
    numbers = StreamSummary("auto").update({"x": [1.0]})
    with pytest.raises(ValueError, match=r"^other must be of the same kind in 'x'"):
        numbers.merge(StreamSummary("auto").update({"x": ["a"]}))
    with pytest.raises(ValueError, match=r"^other must have the columns x"):
        numbers.merge(StreamSummary("auto").update({"y": [1.0]}))
    with pytest.raises(ValueError, match=r"^other must be of the same method and"):
        numbers.merge(StreamSummary("auto", size=SIZE))
    with pytest.raises(ValueError, match=r"^other must be of the same method and"):
        StreamingDriftDetector("psi").set_reference(StreamSummary("chi_square"))
    with pytest.raises(ValueError, match=r"^other must be another summary"):
        numbers.merge(numbers)
    with pytest.raises(ValueError, match=r"^confidence must be"):
        StreamingDriftDetector(confidence=0.0)
    assert numbers.count("x") == 1
    assert numbers.merge(StreamSummary("auto")).like().merge(numbers).count("x") == 1


def test_a_feature_without_values_waits_for_its_kind() -> None:
    summary = StreamSummary("auto").update({"x": [None, math.nan], "y": [1]})
    assert summary.count("x") == 0
    assert summary.update({"x": ["a"], "y": [2]}).count("x") == 1
    assert isinstance(summary.features["x"], CategoryCounts)
