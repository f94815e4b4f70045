import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_dtype,
    assert_equal,
    assert_raises_naming,
    assert_shape,
    layouts,
    unchanged,
)
from katas.matrix_operations.sparse_matvec import matvec, to_csr, transposed_matvec

Floats = NDArray[np.float64]
Csr = tuple[Floats, NDArray[np.int64], NDArray[np.int64]]

EXAMPLE = [[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 4.0], [0.0, 3.0, 0.0]]


@st.composite
def sparse(draw: st.DrawFn, smallest: int = 1) -> Floats:
    """Matrices of small integers, so that sums are exact, most of them zero."""
    m, n = draw(st.integers(smallest, 6)), draw(st.integers(smallest, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = rng.random((m, n)) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    matrix = np.where(kept, rng.integers(-9, 10, (m, n)), 0).astype(np.float64)
    return draw(layouts(st.just(matrix)))


def _csr(dense: Floats, backwards: bool = False) -> Csr:
    """The three vectors, collected entry by entry; backwards within the rows."""
    values, columns, starts = [], [], [0]
    for row in np.asarray(dense).tolist():
        entries = [(j, value) for j, value in enumerate(row) if value != 0]
        for j, value in reversed(entries) if backwards else entries:
            values.append(value)
            columns.append(j)
        starts.append(len(values))
    whole = np.array(columns, dtype=np.int64), np.array(starts, dtype=np.int64)
    return np.array(values, dtype=np.float64), *whole


def _vector(size: int) -> Floats:
    return np.arange(size) * 2.0 - 3.0


def test_a_worked_example() -> None:
    """The entries of a matrix that are not zero come row by row, with their columns."""
    values, columns, starts = to_csr(EXAMPLE)
    assert_equal(values, np.array([2.0, -1.0, 4.0, 3.0]), "values")
    assert_equal(columns, np.array([1, 0, 2, 1]), "columns")
    assert_equal(starts, np.array([0, 1, 1, 3, 4]), "starts")


@given(sparse(smallest=0))
@example(np.array(EXAMPLE))
@example(np.zeros((3, 2)))
@example(np.array([[0.0, -1.0, -0.0], [math.nan, 0.0, -math.inf], [0.0] * 3]))
@example(np.zeros((0, 3)))
@example(np.zeros((2, 0)))
def test_any_matrix_becomes_its_rows(dense: Floats) -> None:
    """All that is not zero is kept, NaN too; each row has a start, empty ones too."""
    with unchanged(dense=dense):
        given_back = to_csr(dense)
    names = ("values", "columns", "starts")
    dtypes = (np.float64, np.int64, np.int64)
    expected = _csr(dense)
    for name, dtype, got, wanted in zip(
        names, dtypes, given_back, expected, strict=True
    ):
        assert_dtype(got, dtype, name)
        assert_equal(got, wanted, name)
    whole, *_ = to_csr(np.array([[0, 7]]))
    assert_dtype(whole, np.float64, "the values of a matrix of integers")


@given(sparse(), st.booleans())
@example(np.array(EXAMPLE), False)
@example(np.ones((2, 3)), True)
def test_the_product_with_a_vector(dense: Floats, backwards: bool) -> None:
    """Each row gives the sum of its values times the entries at their columns."""
    values, columns, starts = _csr(dense, backwards)
    x = _vector(dense.shape[1])
    with unchanged(values=values, columns=columns, starts=starts, x=x):
        product = matvec(values, columns, starts, x)
    assert_shape(product, (len(dense),))
    assert_dtype(product, np.float64)
    assert_equal(product, (dense * x).sum(axis=1), "the product")


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
@example([0, 1, 0, 0, 2, 0])
@example([1, 0, 1])
@example([0, 0])
def test_empty_rows_give_zero(sizes: list[int]) -> None:
    """A row without values is zero, wherever it stands; a column twice counts twice."""
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    values, columns = np.full(starts[-1], 3.0), np.ones(starts[-1], dtype=np.int64)
    product = matvec(values, columns, starts, [5.0, 2.0])
    assert_equal(product, 6.0 * np.array(sizes), "the product")
    back = transposed_matvec(values, columns, starts, np.ones(len(sizes)), 3)
    assert_equal(back, np.array([0.0, 3.0 * sum(sizes), 0.0]), "the transposed product")


@given(st.sampled_from([math.inf, -math.inf, math.nan, 1e300]), st.integers(0, 2))
@example(math.inf, 0)
@example(1e300, 0)
@example(math.nan, 1)
def test_rows_do_not_touch_each_other(value: float, where: int) -> None:
    """An infinity in x reaches only the rows that have its column, and no other."""
    values, columns, starts = _csr(np.eye(3))
    x = np.array([1.0, 2.0, 3.0])
    x[where] = value
    assert_equal(matvec(values, columns, starts, x), x, "the product with the identity")
    back = transposed_matvec(values, columns, starts, x, 3)
    assert_equal(back, x, "the transposed product")


@given(sparse(), st.booleans(), st.integers(0, 2))
@example(np.array(EXAMPLE), False, 0)
@example(np.ones((3, 2)), True, 2)
def test_the_transposed_product(dense: Floats, backwards: bool, more: int) -> None:
    """Each column gives the sum of its values times the entries of y at their rows."""
    values, columns, starts = _csr(dense, backwards)
    y = _vector(len(dense))
    size = dense.shape[1] + more
    with unchanged(values=values, columns=columns, starts=starts, y=y):
        product = transposed_matvec(values, columns, starts, y, size)
    assert_shape(product, (size,))
    assert_dtype(product, np.float64)
    expected = np.append((dense.T * y).sum(axis=1), np.zeros(more))
    assert_equal(product, expected, "the transposed product")


@given(st.integers(1, 3))
@example(1)
def test_what_does_not_fit_is_refused(extra: int) -> None:
    """Vectors that are too short, or no vectors, are refused; x may be longer."""
    csr = _csr(np.array(EXAMPLE))
    for bad in (np.zeros(3), np.zeros((1, 2, 3)), 1.0):
        assert_raises_naming("dense", to_csr, bad)
    for bad_x in (np.zeros(2), np.zeros(0), np.zeros((4, 1)), 1.0):
        assert_raises_naming("x", matvec, *csr, bad_x)
    longer = matvec(*csr, [1] * (3 + extra))
    assert_equal(longer, np.array([2.0, 0.0, 3.0, 3.0]), "the product")
    for bad_y in (np.zeros(3), np.zeros(4 + extra), np.zeros((4, 1)), 1.0):
        assert_raises_naming("y", transposed_matvec, *csr, bad_y, 3)
    nothing = _csr(np.zeros((2, 0)))
    assert_equal(matvec(*nothing, []), np.zeros(2), "the product without columns")
    back = transposed_matvec(*csr, [1, 1, 1, 1], 3)
    assert_equal(back, np.array([-1.0, 5.0, 4.0]), "the product with integers")
