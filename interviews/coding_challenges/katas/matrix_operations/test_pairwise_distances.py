import math
import tracemalloc

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    layouts,
    matrices,
    unchanged,
)
from katas.matrix_operations.pairwise_distances import pairwise_distances

Matrix = NDArray[np.float64]


@st.composite
def pairs(draw: st.DrawFn, smallest: int = 1) -> tuple[Matrix, Matrix]:
    """Two sets of points in one space, with some in both of them."""
    m, n, d = (draw(st.integers(smallest, 5)) for _ in range(3))
    points = draw(matrices(m + n, d)) if m + n and d else np.zeros((m + n, d))
    x, y = points[:m].copy(), points[m:].copy()
    if m and n and draw(st.booleans()):
        y[-1] = x[0]
    return draw(layouts(st.just(x))), draw(layouts(st.just(y)))


def _expected(x: Matrix, y: Matrix) -> Matrix:
    """One pair at a time, by the standard library."""
    rows = [[math.dist(a, b) for b in y.tolist()] for a in x.tolist()]
    return np.array(rows, dtype=np.float64).reshape(len(x), len(y))


def _assert_right(distances: object, x: Matrix, y: Matrix) -> None:
    # A sum of positive terms has no cancellation: each distance is right by itself,
    # to a few roundings a coordinate.
    rtol = 8 * max(x.shape[1], 4) * float(np.finfo(np.float64).eps)
    assert_close(distances, _expected(x, y), what="D", rtol=rtol, atol=0.0)


CORNERS = (np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))


@given(pairs(smallest=0))
@example(CORNERS)
@example((np.zeros((2, 3)), np.ones((4, 3))))
@example((np.zeros((2, 0)), np.zeros((3, 0))))
@example((np.zeros((0, 2)), np.zeros((3, 2))))
def test_the_distances_of_all_pairs(points: tuple[Matrix, Matrix]) -> None:
    """Entry (i, j) is the distance of row i of x from row j of y."""
    x, y = points
    with unchanged(x=x, y=y):
        distances = pairwise_distances(x, y)
    assert_shape(distances, (len(x), len(y)))
    assert_dtype(distances, np.float64)
    _assert_right(distances, x, y)


@given(matrices())
@example(CORNERS[0])
@example(np.array([[0.1, 0.7, 1e3], [0.2, -1e-3, 3.0], [0.1, 0.7, 1e3]]))
def test_the_distances_within_one_set(x: Matrix) -> None:
    """Without y the result is symmetric, with zeros where points are the same."""
    distances = pairwise_distances(x)
    _assert_right(distances, x, x)
    assert_equal(distances, distances.T.copy(), "D, and D turned")
    assert_equal(np.diag(distances), np.zeros(len(x)), "the diagonal")


@given(st.integers(20, 50), st.integers(1, 4))
@example(30, 2)
@example(50, 1)
def test_near_points_far_from_the_origin(power: int, size: int) -> None:
    """Moving all points far away, by a number that is exact, changes no distance."""
    # Small integers and a power of two up to 2**50: every coordinate is exact.
    x, y = np.arange(3.0 * size).reshape(3, size), np.ones((2, size))
    moved = pairwise_distances(x + 2.0**power, y + 2.0**power)
    assert_equal(moved, pairwise_distances(x, y), "D after the move")
    _assert_right(moved, x, y)


@given(pairs(), st.sampled_from([-300, -200, -160, 160, 200, 297]))
@example(CORNERS, 200)
@example(CORNERS, -200)
def test_huge_and_tiny_coordinates(points: tuple[Matrix, Matrix], power: int) -> None:
    """No square overflows or vanishes, be points far apart, near, or some of each."""
    # Coordinates below 1e-3 go out: times 1e-300 they would be no normal numbers.
    x, y = (np.where(np.abs(p) < 1e-3, 0.0, p) * 10.0**power for p in points)
    _assert_right(pairwise_distances(x, y), x, y)
    far = np.full((1, x.shape[1]), 1e299)
    mixed = np.concatenate([x, far])
    _assert_right(pairwise_distances(mixed, x), mixed, x)


@given(pairs(), st.integers(1, 6))
@example(CORNERS, 1)
@example((np.arange(10.0).reshape(5, 2), np.ones((3, 2))), 2)
@example((np.arange(10.0).reshape(5, 2), np.ones((3, 2))), 5)
def test_blocks_change_nothing(points: tuple[Matrix, Matrix], block: int) -> None:
    """However many rows are taken at a time, the result is the same."""
    whole = pairwise_distances(*points)
    assert_equal(pairwise_distances(*points, block=block), whole, "D in blocks")
    within = pairwise_distances(points[0])
    assert_equal(pairwise_distances(points[0], None, block), within, "D within x")


def test_no_more_than_a_block_at_a_time() -> None:
    """With blocks of one row no array is made that is as large as all differences."""
    x = np.ones((40, 600))
    pairwise_distances(x, block=1)
    tracemalloc.start()
    try:
        pairwise_distances(x, block=1)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # All differences are 40·40·600 numbers; one row's are a fortieth, and may be held
    # several times over.
    limit = 8 * 40 * 40 * 600 // 4
    assert_holds(most < limit, "the memory at most is a quarter of all differences")


@given(st.integers(-3, 0))
@example(0)
def test_what_does_not_fit_is_refused(block: int) -> None:
    """No matrix, other columns, or a block below one: all refused by name."""
    x, y = np.zeros((2, 3)), np.zeros((4, 3))
    for bad in (1.0, x[0], x[None]):
        assert_raises_naming("x", pairwise_distances, bad, y)
        assert_raises_naming("x", pairwise_distances, bad)
    for bad in (1.0, y[0], y[None], y[:, :2], y.T):
        assert_raises_naming("y", pairwise_distances, x, bad)
    assert_raises_naming("block", pairwise_distances, x, y, block)
    integers = pairwise_distances([[0, 0]], [[3, 4]])
    assert_equal(integers, np.array([[5.0]]), "D of lists of integers")
