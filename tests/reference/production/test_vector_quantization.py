"""Product quantization: distances to reconstructions, and how far off they are."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from reference.production.vector_db import (
    BruteForceIndex,
    ProductQuantization,
    VectorIndex,
)
from reference.production.vector_db.metrics import METRICS
from reference.production.vector_db.product_quantization import assigned, k_means
from reference.production.vector_db.storage import read, write

Array = NDArray[np.float64]


def normal(n: int, dim: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(n, dim))


def filled(metric: str = "euclidean", **options: int) -> ProductQuantization:
    index = ProductQuantization(
        16, **{"n_subspaces": 4, "n_centroids": 64, **options},
        metric=metric, dtype="float64",
    )  # fmt: skip
    index.train(normal(1000, 16, seed=1))
    index.add(normal(800, 16))
    return index


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_those_to_the_reconstructions(metric: str) -> None:
    index, queries = filled(metric), normal(20, 16, seed=2)
    ids, distances = index.search_batch(queries, 800)
    stand_ins = index.reconstruct(range(800))
    if metric == "cosine":
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    for query, row, found in zip(queries, ids, distances, strict=True):
        if metric == "euclidean":
            expected = np.linalg.norm(stand_ins - query, axis=1)
        else:
            expected = (metric == "cosine") - stand_ins @ query
        if metric == "cosine":
            expected = np.clip(expected, 0, 2)
        # sums of 16 terms in another order
        np.testing.assert_allclose(found, expected[row], atol=1e-13)
        assert sorted(row.tolist()) == list(range(800))
        assert (np.diff(found) >= 0).all()


def test_the_error_beside_the_exact_search() -> None:
    """|d(q, x̂) − d(q, x)| ≤ ‖x − x̂‖, and more centroids make it less."""
    vectors, queries = normal(800, 16), normal(50, 16, seed=2)
    exact = BruteForceIndex(16, "euclidean", "float64")
    exact.add(vectors)
    true = np.linalg.norm(queries[:, np.newaxis] - vectors, axis=-1)
    best, _ = exact.search_batch(queries, 10)
    errors, recalls = [], []
    for n_centroids in (4, 32, 256):
        index = filled(n_centroids=n_centroids)
        off = np.linalg.norm(vectors - index.reconstruct(range(800)), axis=1)
        ids, distances = index.search_batch(queries, 800)
        told = np.empty_like(true)
        np.put_along_axis(told, ids, distances, axis=1)
        assert (np.abs(told - true) <= off + 1e-12).all()
        errors.append(float(np.square(off).mean()))
        among = index.search_batch(queries, 100)[0]
        pairs = zip(among.tolist(), best.tolist(), strict=True)
        recalls.append(np.mean([len({*few} & {*ten}) / 10 for few, ten in pairs]))
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert recalls[0] < recalls[1] < recalls[2]
    assert recalls[2] > 0.95


def test_what_the_centroids_can_hold_is_exact() -> None:
    """Pieces of 9 different kinds, 9 centroids: nothing is lost, ties included."""
    corners = np.stack(np.meshgrid([-1.0, 0, 1], [-1.0, 0, 1]), axis=-1).reshape(-1, 2)
    drawn = np.random.default_rng(0).integers(9, size=(300, 3))
    vectors = corners[drawn].reshape(300, 6)
    index = ProductQuantization(6, 3, 9, dtype="float64")
    index.train(vectors)
    index.add(vectors)
    exact = BruteForceIndex(6, "euclidean", "float64")
    exact.add(vectors)
    np.testing.assert_array_equal(index.reconstruct(range(300)), vectors)
    for allowed in (None, range(50, 150)):
        for one, other in zip(
            index.search_batch(vectors[:40], 20, allowed),
            exact.search_batch(vectors[:40], 20, allowed),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_k_means_beside_scikit_learn(offset: float) -> None:
    """One start of Lloyd's algorithm each: within a tenth of each other."""
    points = normal(2000, 4) + offset
    centroids = k_means(points, 32, np.random.default_rng(0))
    peer = KMeans(32, init="random", n_init=1, max_iter=25, random_state=0).fit(points)
    nearest, squares = assigned(points, centroids)
    apart = np.square(points[:, np.newaxis] - centroids).sum(axis=-1)
    np.testing.assert_array_equal(nearest, apart.argmin(axis=1))
    assert len(np.unique(nearest)) == 32
    assert squares.sum() < 1.1 * peer.inertia_


def test_ids_deletes_and_reload(tmp_path: Path) -> None:
    index = filled()
    assert index.delete(range(0, 800, 2)) == 400
    assert len(index) == 400
    assert 0 not in index
    assert index.add(normal(5, 16, seed=3)).tolist() == [800, 801, 802, 803, 804]
    index.save(tmp_path / "index")
    again = VectorIndex.load(tmp_path / "index")
    assert isinstance(again, ProductQuantization)
    assert again.add(normal(1, 16)).tolist() == [805]
    assert again.delete([805]) == 1
    queries = normal(9, 16, seed=4)
    for one, other in zip(
        index.search_batch(queries, 30), again.search_batch(queries, 30), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    header, arrays = read(tmp_path / "index")
    for name, place in (("codes", (0, 0)), ("ids", (0,)), ("codebooks", (0, 0, 0))):
        spoilt = {key: array.copy() for key, array in arrays.items()}
        spoilt[name][place] = {"codes": 64, "ids": 3, "codebooks": np.nan}[name]
        write(tmp_path / "spoilt", header, spoilt)
        with pytest.raises(ValueError, match=r"^path must hold a whole index"):
            VectorIndex.load(tmp_path / "spoilt")
    write(tmp_path / "spoilt", header, {**arrays, "codebooks": np.empty((0, 64, 4))})
    with pytest.raises(ValueError, match=r"^path must hold a whole index"):
        VectorIndex.load(tmp_path / "spoilt")


def test_training_comes_first_and_once(tmp_path: Path) -> None:
    index = VectorIndex.create("product_quantization", 4, n_subspaces=2, n_centroids=3)
    assert isinstance(index, ProductQuantization)
    index.save(tmp_path / "index")
    for one in (index, ProductQuantization.load(tmp_path / "index")):
        with pytest.raises(RuntimeError, match=r"^train must come before add"):
            one.add(np.eye(4))
        assert len(one) == len(one.search(np.ones(4))[0]) == 0
        with pytest.raises(ValueError, match=r"^vectors must be at least 3"):
            one.train(np.eye(4)[:2])
        one.train(np.eye(4))
        assert one.add(np.eye(4)).tolist() == [0, 1, 2, 3]
        with pytest.raises(RuntimeError, match=r"^train must come before add"):
            one.train(np.eye(4))
    with pytest.raises(ValueError, match=r"^n_subspaces must be a divisor of dim"):
        ProductQuantization(10, 4)
    with pytest.raises(ValueError, match=r"^n_centroids must be at most 256"):
        ProductQuantization(8, 4, 257)
    with pytest.raises(KeyError):
        index.reconstruct([99])
