"""A verdict in a warm process, beside the properties alone."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.commands import Tree
from benchmarks.pairs import compare
from benchmarks.warm import Worker
from dojo.catalogue import catalogue

_KATAS = [
    kata.name
    for kata in catalogue().katas
    if kata.name in ("softmax", "scaled_dot_product_attention")
    and catalogue().test_file(kata).exists()
]


@pytest.mark.parametrize("kata", _KATAS)
def test_verdict_in_a_warm_process(
    benchmark: BenchmarkFixture, tree: Tree, kata: str
) -> None:
    at = (kata, tree.root, tree.environment)
    with Worker("verdict", *at) as judge, Worker("properties", *at) as properties:
        answer = judge.ask()
        # All properties hold, and both ran as many.
        assert properties.ask() == answer
        compare(benchmark, f"watch_{kata}", judge.ask, properties.ask, detail=answer)
