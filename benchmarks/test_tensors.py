"""Softmax and attention beside PyTorch's, on all cores."""

import math
import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from benchmarks.pairs import compare
from reference.core.math_operations import log_softmax, softmax
from reference.core.validation import Array
from reference.llm.attention import scaled_dot_product_attention

_SOFTMAX: dict[str, tuple[Callable[[Array], Array], Callable[..., Tensor]]] = {
    "softmax": (softmax, torch.softmax),
    "log_softmax": (log_softmax, torch.log_softmax),
}


@pytest.fixture(autouse=True)
def _all_cores() -> Iterator[None]:
    """Give PyTorch the threads that our own code takes: one a core."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", _SOFTMAX)
def test_softmax(benchmark: BenchmarkFixture, name: str) -> None:
    ours, peer = _SOFTMAX[name]
    x = np.random.default_rng(0).normal(scale=3.0, size=(4096, 512))
    tensor = torch.from_numpy(x)
    np.testing.assert_allclose(ours(x), peer(tensor, dim=-1).numpy(), rtol=1e-12)
    compare(benchmark, name, lambda: ours(x), lambda: peer(tensor, dim=-1))


def _plain(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    scores = Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])
    return torch.softmax(scores, dim=-1) @ V


_ATTENTION: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "fused": torch.nn.functional.scaled_dot_product_attention,
    "plain": _plain,
}


@pytest.mark.parametrize("name", _ATTENTION)
def test_attention(benchmark: BenchmarkFixture, name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    Q, K, V = torch.randn(3, 2, 8, 256, 64, generator=generator)
    peer = _ATTENTION[name]
    output, _ = scaled_dot_product_attention(Q, K, V)
    torch.testing.assert_close(output, peer(Q, K, V))
    compare(
        benchmark,
        f"attention_{name}",
        lambda: scaled_dot_product_attention(Q, K, V),
        lambda: peer(Q, K, V),
    )
