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
    well_conditioned_matrices,
)
from katas.linear_algebra.qr_decomposition import gram_schmidt, qr_decomposition
from reference.core import math_operations as reference

Array = NDArray[np.float64]

# What the statement promises of everything that is returned as orthonormal.
ORTHOGONAL = 1e-12
# A condition of 10 and sums of at most five terms, generously.
EXACT = 1e-12

# Independent rows: at least as long as there are many.
independent_rows = well_conditioned_matrices(max_side=4, max_condition=10.0).map(
    lambda rows: rows if rows.shape[0] <= rows.shape[1] else rows.T
)

# Columns that differ by 1e-6, and those of a Hilbert matrix of condition 5e5.
NEARLY_EQUAL = np.vstack([np.ones((1, 3)), 1e-6 * np.eye(3)])
HILBERT = 1.0 / (np.arange(5)[:, None] + np.arange(5) + 1.0)


def with_dependent_rows(rows: Array) -> tuple[Array, list[int]]:
    """Put a zero row first, and after each row a multiple of it and a sum.

    Returns the rows and the places of those that the basis keeps.
    """
    result = [np.zeros(rows.shape[1])]
    kept = []
    for i, row in enumerate(rows):
        kept.append(len(result))
        result += [row, -3.0 * row, rows[: i + 1].sum(axis=0)]
    return np.array(result), kept


def assert_orthonormal_rows(rows: object, what: str) -> None:
    """Check that the rows are orthogonal, of length one, and float64."""
    assert_dtype(rows, np.float64, what=what)
    assert isinstance(rows, np.ndarray)
    products = np.asarray(rows @ rows.T)
    expected = np.eye(len(rows))
    assert_close(
        products, expected, what=f"{what}: the products", rtol=0.0, atol=ORTHOGONAL
    )


def assert_is_qr(A: Array, Q: Array, R: Array, error: float) -> None:
    """Check all that the statement promises; ``error`` is relative to each column."""
    m, n = A.shape
    k = min(m, n)
    assert_shape(Q, (m, k), what="Q")
    assert_shape(R, (k, n), what="R")
    assert_orthonormal_rows(Q.T, "Qᵀ")
    assert_dtype(R, np.float64, what="R")
    assert_equal(R, np.triu(R), what="R, which has zeros below the diagonal")
    assert_holds(bool((R.diagonal() >= 0).all()), "no negative diagonal", actual=R)
    largest = np.abs(A).max(axis=0)
    scale = np.where(largest > 0, largest, 1.0)
    product = np.asarray(Q @ (R / scale))
    assert_close(product, A / scale, what="QR, by column", rtol=0.0, atol=error)


def test_small_matrices_by_hand() -> None:
    """Vectors small enough for paper give the basis, and A = QR, of paper."""
    basis = np.array([[0.6, 0.8], [0.8, -0.6]])
    assert_close(gram_schmidt([[3.0, 4.0], [5.0, 0.0]]), basis)
    Q, R = qr_decomposition([[3.0, 5.0], [4.0, 0.0]])
    assert_close(Q, basis.T, what="Q")
    assert_close(R, np.array([[5.0, 3.0], [0.0, 4.0]]), what="R")


@given(independent_rows)
@example(np.array([[3.0, 4.0, 0.0], [5.0, 0.0, 1.0]]))
def test_gram_schmidt_gives_an_orthonormal_basis(rows: Array) -> None:
    """Row i of the basis is what is new in vector i, scaled to length one."""
    basis = gram_schmidt(rows)
    assert_shape(basis, rows.shape)
    assert_orthonormal_rows(basis, "the basis")
    assert_close(basis, reference.gram_schmidt(rows), rtol=0.0, atol=EXACT)
    coefficients = np.asarray(rows @ basis.T)
    size = float(np.abs(rows).max())
    above = np.triu(coefficients, 1) / size
    assert_close(
        above, np.zeros_like(above), what="the share of later rows", atol=EXACT
    )
    positive = bool((coefficients.diagonal() > 0).all())
    assert_holds(positive, "each row points as its vector does", actual=basis)


@given(independent_rows)
@example(np.array([[1.0, 2.0, 3.0]]))
def test_dependent_vectors_are_left_out(rows: Array) -> None:
    """Zero vectors, multiples and sums of earlier vectors add nothing to the basis."""
    vectors, _ = with_dependent_rows(rows)
    basis = gram_schmidt(vectors)
    assert_shape(basis, rows.shape)
    assert_orthonormal_rows(basis, "the basis")
    assert_close(basis, reference.gram_schmidt(rows), rtol=0.0, atol=EXACT)


def test_nothing_new_gives_an_empty_basis() -> None:
    """No vectors, or zero vectors only, span nothing: shape (0, n)."""
    assert_equal(gram_schmidt(np.zeros((0, 3))), np.zeros((0, 3)))
    assert_equal(gram_schmidt(np.zeros((2, 3))), np.zeros((0, 3)))


def test_a_part_of_1e_10_decides() -> None:
    """A vector is kept where more than 1e-10 of its length is new."""
    along, across = np.array([2.0, 1.0, 2.0]) / 3, np.array([-2.0, 2.0, 1.0]) / 3
    for size in (1.0, 1e-60, 1e60):
        for share, rank in ((1e-9, 2), (1.2e-10, 2), (0.8e-10, 1), (1e-11, 1)):
            basis = gram_schmidt([along, size * (along + share * across)])
            assert_shape(basis, (rank, 3))
            assert_orthonormal_rows(basis, "the basis")


@given(
    well_conditioned_matrices(min_side=2, max_condition=1e6),
    st.booleans(),
)
@example(NEARLY_EQUAL, False)
@example(HILBERT, True)
def test_orthogonal_whatever_the_condition(A: Array, turned: bool) -> None:
    """The basis is orthogonal even where the vectors are nearly dependent."""
    A = A.T if turned else A
    Q, R = qr_decomposition(A)
    assert_is_qr(A, Q, R, error=1e-9)
    assert_orthonormal_rows(gram_schmidt(A.T), "the basis")


@given(matrices())
@example(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
@example(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]))
@example(np.array([[0.0, 1.0]]))
@example(np.zeros((3, 2)))
def test_every_matrix_has_a_qr_decomposition(A: Array) -> None:
    """QᵀQ = I, QR = A and R is triangular, for tall and wide, at any rank."""
    # What is left out as dependent is up to 1e-10 of a column.
    assert_is_qr(A, *qr_decomposition(A), error=1e-9)


@given(well_conditioned_matrices(max_side=4, max_condition=10.0))
@example(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]))
@example(np.array([[-1.0, 2.0], [3.0, -4.0]]))
def test_at_full_rank_there_is_one(A: Array) -> None:
    """A matrix of full column rank has one Q and one R with a positive diagonal."""
    A = A if A.shape[0] >= A.shape[1] else A.T
    Q, R = qr_decomposition(A)
    assert_is_qr(A, Q, R, error=EXACT)
    expected_Q, expected_R = reference.qr_decomposition(A)
    size = float(np.abs(A).max())
    assert_close(Q, expected_Q, what="Q", rtol=0.0, atol=EXACT)
    assert_close(R, expected_R, what="R", rtol=0.0, atol=EXACT * size)


@given(independent_rows)
@example(np.array([[1.0, 2.0, 2.0]]))
@example(np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]))
@example(np.eye(4)[:1])
@example(np.eye(4)[1:2])
def test_a_dependent_column(rows: Array) -> None:
    """A dependent column has 0 on the diagonal of R, and a column of Q all the same."""
    vectors, kept = with_dependent_rows(rows)
    A = vectors.T
    Q, R = qr_decomposition(A)
    assert_is_qr(A, Q, R, error=EXACT)
    for j, entry in enumerate(R.diagonal()):
        if j not in kept:
            assert_equal(entry, 0.0, what=f"R[{j}, {j}], of a dependent column")


@given(independent_rows, st.lists(st.integers(-100, 100), min_size=4, max_size=4))
@example(np.array([[3.0, 4.0], [5.0, 0.0]]), [100, -100, 0, 0])
def test_the_scale_of_a_vector_does_not_matter(rows: Array, powers: list[int]) -> None:
    """The basis depends on the directions only: 1e-100 counts as 1e100 does."""
    scales = 10.0 ** np.array(powers[: len(rows)])
    scaled = rows * scales[:, None]
    expected = reference.gram_schmidt(rows)
    assert_close(gram_schmidt(scaled), expected, rtol=0.0, atol=EXACT)
    Q, R = qr_decomposition(scaled.T)
    assert_close(Q, np.asarray(expected.T), what="Q", rtol=0.0, atol=EXACT)
    assert_is_qr(scaled.T, Q, R, error=EXACT)


@given(layouts(matrices(max_side=3, max_magnitude=10.0)))
@example(np.array([[0.0, 2.0]]))
def test_the_input_is_not_changed(A: Array) -> None:
    """Vectors and matrices are the same after the call, however they lie in memory."""
    with unchanged(A=A):
        basis = gram_schmidt(A)
        Q, R = qr_decomposition(A)
    assert_is_qr(A, Q, R, error=1e-9)
    assert_close(A @ basis.T @ basis, np.asarray(A), what="A in its basis", atol=1e-8)


def test_whole_numbers_are_taken_as_floats() -> None:
    """Lists and arrays of whole numbers are taken as float64."""
    basis = np.array([[0.6, 0.8], [-0.8, 0.6]])
    for rows in ([[30, 40], [0, 5]], np.array([[30, 40], [0, 5]], dtype=np.int8)):
        assert_close(gram_schmidt(rows), basis)
        assert_is_qr(np.array(rows, dtype=np.float64), *qr_decomposition(rows), EXACT)


def test_bad_input_is_refused() -> None:
    """What is no matrix of finite numbers raises, and says which argument."""
    for bad in (
        3.0,
        [1.0, 2.0],
        np.ones((2, 2, 2)),
        [[np.nan, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, np.inf]],
    ):
        assert_raises_naming("vectors", gram_schmidt, bad)
        assert_raises_naming("A", qr_decomposition, bad)
