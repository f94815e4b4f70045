import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_raises_naming,
    assert_shape,
    layouts,
    unchanged,
)
from katas.matrix_operations.block_matmul import block_matmul

Matrix = NDArray[np.float64]


@st.composite
def pairs(draw: st.DrawFn, smallest: int = 1) -> tuple[Matrix, Matrix]:
    """Two matrices that fit, of small integers, so that every sum is exact."""
    m, k, n = (draw(st.integers(smallest, 7)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    left = rng.integers(-9, 10, (m, k)).astype(np.float64)
    right = rng.integers(-9, 10, (k, n)).astype(np.float64)
    return draw(layouts(st.just(left))), draw(layouts(st.just(right)))


def _numbered(rows: int, columns: int) -> Matrix:
    return np.arange(1.0, rows * columns + 1).reshape(rows, columns)


SQUARE = (_numbered(2, 2), _numbered(2, 2))
ODD = (_numbered(3, 5), _numbered(5, 4))
LONG = (_numbered(1, 7), _numbered(7, 2))


def _product(a: Matrix, b: Matrix) -> Matrix:
    """The sum over the inner index, one outer product at a time."""
    product = np.zeros((a.shape[0], b.shape[1]))
    for inner in range(a.shape[1]):
        product += np.outer(a[:, inner], b[inner])
    return product


@given(pairs(), st.integers(1, 8))
@example(SQUARE, 1)
@example(ODD, 2)
@example(LONG, 3)
@example(ODD, 9)
def test_it_is_the_product(matrices: tuple[Matrix, Matrix], tile: int) -> None:
    """Whatever the tile, the result is the product, and the inputs stay as they are."""
    a, b = matrices
    with unchanged(a=a, b=b):
        product = block_matmul(a, b, tile)
    assert_shape(product, (a.shape[0], b.shape[1]))
    assert_dtype(product, np.float64)
    assert_equal(product, _product(a, b), "the product")


@given(pairs(), st.integers(1, 8))
@example(SQUARE, 1)
@example(ODD, 2)
@example(LONG, 3)
@example(LONG, 7)
@example(ODD, 4)
def test_no_tile_is_too_large(matrices: tuple[Matrix, Matrix], tile: int) -> None:
    """Each triple of tiles is one call, of arguments no larger than there is need."""
    a, b = matrices
    sizes: list[tuple[int, int, int]] = []

    def multiply(left: Matrix, right: Matrix) -> Matrix:
        assert_equal(left.shape[1], right.shape[0], "the inner size of a call")
        sizes.append((*left.shape, right.shape[1]))
        return _product(left, right)

    product = block_matmul(a, b, tile, multiply)
    assert_equal(product, _product(a, b), "the product")
    m, k, n = (_cuts(size, tile) for size in (*a.shape, b.shape[1]))
    expected = [(rows, inner, columns) for rows in m for inner in k for columns in n]
    assert_equal(sorted(sizes), sorted(expected), "the sizes of all calls")


def _cuts(size: int, tile: int) -> list[int]:
    whole = [tile] * (size // tile)
    return [*whole, size % tile] if size % tile else whole


@given(st.integers(1, 8))
@example(2)
def test_what_multiply_gives_is_added(tile: int) -> None:
    """Multiply may be any product: with ones for it the result counts the tiles."""
    product = block_matmul(
        *ODD, tile, multiply=lambda a, b: np.ones((len(a), len(b.T)))
    )
    assert_equal(product, np.full((3, 4), float(math.ceil(5 / tile))), "the counts")


@given(pairs(smallest=0), st.integers(1, 3))
@example((np.zeros((2, 0)), np.zeros((0, 3))), 1)
@example((np.zeros((0, 2)), np.zeros((2, 3))), 2)
@example((np.zeros((2, 3)), np.zeros((3, 0))), 2)
def test_sizes_may_be_zero(matrices: tuple[Matrix, Matrix], tile: int) -> None:
    """Without rows or columns the result is empty; without a sum it is zeros."""
    product = block_matmul(*matrices, tile)
    assert_shape(product, (len(matrices[0]), matrices[1].shape[1]))
    assert_equal(product, _product(*matrices), "the product")


@given(st.integers(1, 3), st.integers(100, 127))
@example(1, 100)
@example(2, 127)
def test_integers_become_floats(tile: int, value: int) -> None:
    """Lists and arrays of small integers give exact float64 numbers."""
    small = np.full((2, 3), value, dtype=np.int8)
    product = block_matmul(small, small.T, tile)
    assert_dtype(product, np.float64)
    assert_equal(product, np.full((2, 2), 3.0 * value * value), "the product")
    assert_equal(block_matmul([[value]], [[2]], tile), np.array([[2.0 * value]]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
@example(0, 3)
def test_any_numbers_agree_to_rounding(seed: int, tile: int) -> None:
    """For any numbers the sum in tiles is the sum, to rounding."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(5, 7)), rng.normal(size=(7, 3))
    # Each entry is a sum of 7 terms; their magnitudes set what rounding may do.
    atol = 8 * 7 * np.finfo(np.float64).eps * float((np.abs(a) @ np.abs(b)).max())
    product = block_matmul(a, b, tile)
    assert_close(product, _product(a, b), what="the product", rtol=0.0, atol=atol)


@given(st.integers(-3, 0))
@example(0)
def test_what_does_not_fit_is_refused(tile: int) -> None:
    """No matrices, sizes that do not fit and a tile below one are refused by name."""
    a, b = ODD
    for bad in (a[0], a[None], 1.0):
        assert_raises_naming("a", block_matmul, bad, b, 2)
    for bad in (b[0], b[:, 0], b[None], b[:, :, None], b[1:], b.T):
        assert_raises_naming("b", block_matmul, a, bad, 2)
    assert_raises_naming("tile", block_matmul, a, b, tile)
