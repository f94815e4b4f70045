"""LSH: buckets as they are defined, and how often they are shared."""

import numpy as np
import pytest
from scipy.stats import binomtest

from reference.production.vector_db import LSH, BruteForceIndex


@pytest.mark.parametrize("seed", [0, 7])
def test_candidates_share_a_bucket(seed: int) -> None:
    generator = np.random.default_rng(1)
    vectors, queries = generator.normal(size=(500, 8)), generator.normal(size=(30, 8))
    index = LSH(8, n_tables=4, n_bits=6, seed=seed, dtype="float64")
    index.add(vectors)
    planes = np.random.default_rng(seed).standard_normal((4, 6, 8))
    bits = np.einsum("tbd,nd->ntb", planes, vectors) >= 0
    exact = BruteForceIndex(8, dtype="float64")
    exact.add(vectors)
    for query in queries:
        own = np.einsum("tbd,d->tb", planes, query) >= 0
        expected = set(np.flatnonzero((bits == own).all(axis=2).any(axis=1)).tolist())
        assert index.candidates(query) == expected
        ids, distances = index.search(query, 5)
        if expected:
            best, best_distances = exact.search(query, 5, expected)
            np.testing.assert_array_equal(ids, best)
            np.testing.assert_allclose(distances, best_distances, atol=1e-15)
        allowed = set(range(250))
        assert set(index.search(query, 500, allowed)[0].tolist()) == expected & allowed


def test_equal_vectors_always_share_a_bucket() -> None:
    """The bits do not depend on what else is in the batch, nor on scale."""
    vectors = np.random.default_rng(2).normal(size=(200, 24)).astype(np.float32)
    vectors[0] = 0
    index = LSH(24, n_tables=1, n_bits=40)
    index.add(vectors)
    for row, vector in enumerate(vectors):
        assert row in index.candidates(vector)
        assert row in index.candidates(4 * vector)


def test_a_bit_agrees_as_often_as_the_angle_says() -> None:
    """Probability 1 − θ/π for a bit; 4,000 independent planes, 99.9 % interval."""
    for angle in (0.3, 1.5, 2.8):
        index = LSH(2, n_tables=4000, n_bits=1, seed=5)
        keys = index._keys(np.array([[1, 0], [np.cos(angle), np.sin(angle)]]))
        agree = sum(a == b for a, b in zip(*keys, strict=True))
        assert binomtest(agree, 4000, 1 - angle / np.pi).pvalue > 0.001


def test_batch_rows_are_padded() -> None:
    index = LSH(2, n_tables=1, n_bits=10)
    index.add([[1.0, 0.0], [1.0, 1e-9], [-1.0, 0.0]])
    ids, distances = index.search_batch([[1, 0], [-1, 0]], 3)
    assert ids.tolist() == [[0, 1, -1], [2, -1, -1]]
    assert np.isinf(distances[ids < 0]).all()


def test_euclidean_finds_what_is_near() -> None:
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(1000, 8)) * 10
    index = LSH(8, n_tables=8, n_bits=4, metric="euclidean", width=8.0)
    index.add(vectors)
    near = vectors + 0.01 * generator.normal(size=vectors.shape)
    found = index.search_batch(near, 1)[0][:, 0]
    assert np.mean(found == np.arange(1000)) > 0.99
    assert np.mean([len(index.candidates(one)) for one in near[:100]]) < 500
