"""Drift of large samples beside SciPy and NumPy, and the memory for long streams."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.stats import ks_2samp

from benchmarks.pairs import compare, compare_bytes
from reference.production.drift import StreamingDriftDetector, ks_test, psi

_SIZE = 1_000_000
_BATCH = 10_000


def _samples() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(0)
    return generator.normal(size=_SIZE), generator.normal(loc=0.002, size=_SIZE)


def test_ks_test(benchmark: BenchmarkFixture) -> None:
    first, second = _samples()
    ours, peer = ks_test(first, second), ks_2samp(first, second, method="asymp")
    np.testing.assert_allclose(ours, (peer.statistic, peer.pvalue), rtol=1e-6)
    compare(
        benchmark,
        "ks_test_million",
        lambda: ks_test(first, second),
        lambda: ks_2samp(first, second, method="asymp"),
    )


def _numpy_psi(
    reference: NDArray[np.float64], current: NDArray[np.float64], bins: int = 10
) -> float:
    """Return the index as it is usually written; without ties no atoms are needed."""
    edges = np.quantile(reference, np.linspace(0, 1, bins + 1))
    edges[0], edges[-1] = -np.inf, np.inf
    p = np.histogram(reference, edges)[0] / reference.size
    q = np.histogram(current, edges)[0] / current.size
    return float(np.sum((p - q) * np.log(p / q)))


def test_psi(benchmark: BenchmarkFixture) -> None:
    first, second = _samples()
    # The peer does not smooth by 1e-4, and puts a value on an edge into the next bin.
    np.testing.assert_allclose(psi(first, second), _numpy_psi(first, second), rtol=1e-2)
    compare(
        benchmark,
        "psi_million",
        lambda: psi(first, second),
        lambda: _numpy_psi(first, second),
    )


def _memory(values: int) -> int:
    """Return the most bytes taken while so many values come and are judged."""
    generator = np.random.default_rng(0)
    batch = np.empty(_BATCH)
    detector = StreamingDriftDetector(seed=0)
    detector.set_reference({"x": generator.normal(size=_SIZE)})
    tracemalloc.start()
    for _ in range(values // _BATCH):
        generator.standard_normal(out=batch)
        detector.update({"x": batch})
    (result,) = detector.detect_drift()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not result.drifted
    return most


@pytest.mark.parametrize("values", [100_000, 1_000_000, 10_000_000])
def test_memory_of_a_stream(benchmark: BenchmarkFixture, values: int) -> None:
    _memory(_BATCH)  # what is imported on first use is not counted
    compare_bytes(
        benchmark,
        f"stream_{values}",
        lambda: _memory(values),
        lambda: _memory(_BATCH),
    )
