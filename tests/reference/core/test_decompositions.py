"""Decompositions against numpy.linalg, and on matrices that break naive ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from reference.core.math_operations import (
    gram_schmidt,
    power_iteration,
    qr_decomposition,
)

Array = NDArray[np.float64]

# A few hundred roundings of 1.1e-16 on entries of at most 1.
ORTHOGONAL = 1e-13


def matrix_with_eigenvalues(values: list[float], seed: int) -> Array:
    """Return a symmetric matrix with these eigenvalues in random directions."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((len(values), len(values))))[0]
    return np.asarray((Q * values) @ Q.T)


def matrix_with_condition(m: int, n: int, condition: float, seed: int) -> Array:
    """Return a full rank matrix whose singular values run from 1 to 1/condition."""
    rng = np.random.default_rng(seed)
    k = min(m, n)
    U = np.linalg.qr(rng.standard_normal((m, k)))[0]
    V = np.linalg.qr(rng.standard_normal((n, k)))[0]
    return np.asarray((U * np.geomspace(1, 1 / condition, k)) @ V.T)


@settings(deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.floats(-0.7, 0.7), max_size=6),
    st.sampled_from([1.0, -1.0]),
    st.sampled_from([1e-200, 1.0, 1e200]),
)
def test_power_iteration_finds_the_dominant_eigenpair(
    seed: int, others: list[float], sign: float, scale: float
) -> None:
    # A gap of 0.7 reaches a change of 1e-10 in about 70 of the 100 iterations.
    A = matrix_with_eigenvalues([sign, *others], seed)
    eigenvalue, vector = power_iteration(A * scale)
    values, vectors = np.linalg.eigh(A)
    place = np.argmax(np.abs(values))
    assert type(eigenvalue) is float
    # The eigenvalue of a symmetric matrix has the square of the vector's error.
    assert eigenvalue == pytest.approx(values[place] * scale, rel=1e-13)
    assert vector.shape == (len(A),)
    assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-14)
    # change 1e-10 · 1 / (1 − 0.7), rounded up
    assert abs(vector @ vectors[:, place]) == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(A @ vector, values[place] * vector, atol=1e-9)
    assert vector[np.argmax(np.abs(vector))] > 0


@pytest.mark.parametrize(
    "A",
    [
        [[2.0, 1.0], [0.0, 1.0]],
        [[0.1, 5.0, -3.0], [0.0, -4.0, 1.0], [0.0, 0.0, 1.0]],
        [[0.5, 1e6], [0.0, 0.9]],
        [[-3]],
        [[0.0, 1.0], [0.0, 1e-3]],
    ],
)
def test_power_iteration_finds_the_eigenvalue_of_a_non_symmetric_matrix(
    A: list[list[float]],
) -> None:
    values = np.linalg.eigvals(np.array(A))
    expected = values[np.argmax(np.abs(values))]
    eigenvalue, vector = power_iteration(A)
    # The vector is at rest to 1e-10; ‖A‖ / |λ|, up to 1e6 here, multiplies that.
    norm = float(np.linalg.norm(A))
    assert eigenvalue == pytest.approx(expected, abs=1e-9 * norm)
    assert eigenvalue == pytest.approx(expected, rel=1e-3)
    np.testing.assert_allclose(
        np.array(A) @ vector, eigenvalue * vector, atol=1e-9 * norm
    )


def test_power_iteration_a_repeated_eigenvalue_gives_a_vector_of_its_space() -> None:
    A = matrix_with_eigenvalues([-2.0, -2.0, 0.5], seed=1)
    eigenvalue, vector = power_iteration(A)
    assert eigenvalue == pytest.approx(-2.0, rel=1e-13)
    np.testing.assert_allclose(A @ vector, -2 * vector, atol=1e-9)
    identity, unit = power_iteration(np.eye(4))
    assert identity == pytest.approx(1.0, rel=1e-15)
    assert np.linalg.norm(unit) == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize(
    "A",
    [
        np.diag([1.0, -1.0]),
        matrix_with_eigenvalues([3.0, -3.0, 1.0, 0.5], seed=2),
        np.array([[0.0, -1.0], [1.0, 0.0]]),
        np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        np.array([[1.0, 50.0, 0.0], [-0.01, 1.0, 0.0], [0.0, 0.0, 0.9]]),
        np.diag([1.0, -0.999]),
        np.array([[1.0, 1.0], [0.0, 1.0]]),
    ],
    ids=["±1", "±3", "rotation", "cycle", "ellipse", "near tie", "defective"],
)
def test_power_iteration_no_convergence_is_reported(A: Array) -> None:
    for count in (1, 2, 99, 100):
        with pytest.raises(np.linalg.LinAlgError, match="num_iterations") as error:
            power_iteration(A, num_iterations=count)
        assert "\n" not in str(error.value)


def test_power_iteration_zero_and_nilpotent_matrices_have_eigenvalue_zero() -> None:
    nilpotent = np.array([[0.0, 3.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    for A in (np.zeros((3, 3)), nilpotent, nilpotent * 1e-250):
        eigenvalue, vector = power_iteration(A)
        assert eigenvalue == 0.0
        assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-14)
        assert not (A @ vector).any()


def test_power_iteration_a_nilpotent_matrix_in_other_axes_is_zero_or_reported() -> None:
    rng = np.random.default_rng(5)
    nilpotent = np.diag([1.0, 1.0, 1.0], k=1)
    for _ in range(20):
        S = rng.standard_normal((4, 4))
        A = S @ nilpotent @ np.linalg.inv(S)
        try:
            eigenvalue, _ = power_iteration(A)
        except np.linalg.LinAlgError:
            continue
        assert eigenvalue == pytest.approx(0, abs=1e-10 * float(np.linalg.norm(A)))


def test_power_iteration_more_iterations_resolve_a_small_gap() -> None:
    A = np.diag([1.0, -0.99, 0.3])
    with pytest.raises(np.linalg.LinAlgError):
        power_iteration(A)
    eigenvalue, vector = power_iteration(A, num_iterations=5000, tolerance=1e-12)
    assert eigenvalue == pytest.approx(1.0, rel=1e-13)
    np.testing.assert_allclose(vector, [1, 0, 0], atol=1e-10)


def test_power_iteration_a_looser_tolerance_takes_fewer_iterations() -> None:
    A = np.diag([1.0, 0.5])
    eigenvalue, _ = power_iteration(A, num_iterations=12, tolerance=1e-2)
    assert eigenvalue == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(np.linalg.LinAlgError):
        power_iteration(A, num_iterations=12)


def test_power_iteration_the_result_is_deterministic() -> None:
    A = matrix_with_eigenvalues([2.0, 1.0, 0.5], seed=3)
    first, second = power_iteration(A), power_iteration(A)
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("bad", [np.ones((2, 3)), [1.0, 2.0], np.ones((0, 0))])
def test_power_iteration_a_matrix_that_is_not_square_is_refused(bad: ArrayLike) -> None:
    with pytest.raises(ValueError, match=r"^A must be"):
        power_iteration(bad)


def test_power_iteration_bad_limits_are_refused_by_name() -> None:
    for count in (0, -1):
        with pytest.raises(ValueError, match="num_iterations"):
            power_iteration(np.eye(2), num_iterations=count)
    with pytest.raises(TypeError, match="num_iterations"):
        power_iteration(np.eye(2), num_iterations=2.5)  # type: ignore[arg-type]  # what is refused
    for tolerance in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="tolerance"):
            power_iteration(np.eye(2), tolerance=tolerance)


sizes = st.integers(1, 8)


@settings(deadline=None)
@given(sizes, sizes, st.integers(0, 10_000))
def test_gram_schmidt_rows_are_orthonormal_and_span_the_same(
    k: int, n: int, seed: int
) -> None:
    vectors = np.random.default_rng(seed).standard_normal((k, n))
    basis = gram_schmidt(vectors)
    rank = int(np.linalg.matrix_rank(vectors))
    assert basis.shape == (rank, n)
    assert basis.dtype == np.float64
    np.testing.assert_allclose(basis @ basis.T, np.eye(rank), atol=ORTHOGONAL)
    rebuilt = vectors @ basis.T @ basis
    np.testing.assert_allclose(rebuilt, vectors, atol=ORTHOGONAL)


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(0, 10_000))
def test_gram_schmidt_each_row_is_new_in_order(k: int, seed: int) -> None:
    # The coefficients of vector i end at row i, and that one is positive.
    vectors = np.random.default_rng(seed).standard_normal((k, 10))
    coefficients = vectors @ gram_schmidt(vectors).T
    np.testing.assert_allclose(np.triu(coefficients, 1), 0, atol=ORTHOGONAL)
    assert (np.diag(coefficients) > 0).all()


@pytest.mark.parametrize("condition", [1e3, 1e6, 1e8])
def test_gram_schmidt_orthogonality_does_not_depend_on_the_condition(
    condition: float,
) -> None:
    vectors = matrix_with_condition(20, 40, condition, seed=4)
    basis = gram_schmidt(vectors)
    assert basis.shape == (20, 40)
    np.testing.assert_allclose(basis @ basis.T, np.eye(20), atol=ORTHOGONAL)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_gram_schmidt_dependent_vectors_are_dropped(seed: int) -> None:
    # Multiples and sums of small integers: rank without rounding.
    rng = np.random.default_rng(seed)
    a, b = np.eye(5)[:2] + rng.integers(0, 3, (2, 1)) * np.eye(5)[3]
    vectors = [a, 2 * a, np.zeros(5), b, a - 3 * b, 0.1 * a + 0.7 * b]
    basis = gram_schmidt(vectors)
    expected = gram_schmidt([a, b])
    np.testing.assert_allclose(basis, expected, atol=ORTHOGONAL)


def test_gram_schmidt_the_scale_of_a_vector_does_not_matter() -> None:
    vectors = np.array([[3.0, 4.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 5.0]])
    scaled = vectors * np.array([[1e200], [1e-200], [1.0]])
    np.testing.assert_allclose(
        gram_schmidt(scaled), gram_schmidt(vectors), atol=ORTHOGONAL
    )


def test_gram_schmidt_no_vectors_have_an_empty_basis() -> None:
    assert gram_schmidt(np.empty((0, 3))).shape == (0, 3)
    assert gram_schmidt(np.zeros((2, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ([1.0, 2.0], ValueError),
        ([[1.0], [2.0, 3.0]], ValueError),
        ([[math.nan, 1.0]], ValueError),
        ([[1j]], TypeError),
    ],
)
def test_gram_schmidt_bad_vectors_are_refused(
    bad: ArrayLike, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"^vectors must be"):
        gram_schmidt(bad)


def assert_is_qr(A: Array, Q: Array, R: Array) -> None:
    m, n = A.shape
    k = min(m, n)
    assert Q.shape == (m, k)
    assert R.shape == (k, n)
    assert Q.dtype == R.dtype == np.float64
    np.testing.assert_allclose(Q.T @ Q, np.eye(k), atol=ORTHOGONAL)
    np.testing.assert_array_equal(R, np.triu(R))
    assert (np.diag(R) >= 0).all()
    # The error of Householder QR is relative to the length of each column.
    lengths = np.abs(A).max(axis=0, initial=0.0)
    scale = np.where(lengths > 0, lengths, 1.0)
    np.testing.assert_allclose((Q @ (R / scale)), A / scale, atol=ORTHOGONAL)


@settings(deadline=None)
@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 10_000))
def test_qr_factors_every_shape_as_numpy_does(m: int, n: int, seed: int) -> None:
    A = np.random.default_rng(seed).standard_normal((m, n))
    Q, R = qr_decomposition(A)
    assert_is_qr(A, Q, R)
    theirs_Q, theirs_R = np.linalg.qr(A)
    signs = np.where(np.diag(theirs_R) < 0, -1.0, 1.0)
    # The factors of A are unique but for signs, up to their condition.
    condition = np.linalg.cond(A[:, : min(m, n)]) if A.size else 1.0
    atol = ORTHOGONAL * float(condition)
    np.testing.assert_allclose(Q, theirs_Q * signs, atol=atol)
    np.testing.assert_allclose(R, theirs_R * signs[:, None], atol=atol)


@pytest.mark.parametrize("condition", [1e6, 1e12])
@pytest.mark.parametrize("shape", [(40, 20), (30, 30), (20, 40)])
def test_qr_orthogonality_does_not_depend_on_the_condition(
    shape: tuple[int, int], condition: float
) -> None:
    A = matrix_with_condition(*shape, condition, seed=6)
    assert_is_qr(A, *qr_decomposition(A))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8), st.integers(2, 8), st.integers(0, 10_000))
def test_qr_a_dependent_column_has_zero_on_the_diagonal(
    m: int, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    place = int(rng.integers(1, n))
    A[:, place] = A[:, :place] @ rng.integers(-2, 3, place)
    Q, R = qr_decomposition(A)
    assert_is_qr(A, Q, R)
    if place < min(m, n) and np.linalg.cond(A[:, :place]) < 10:
        assert R[place, place] == 0.0


def test_qr_the_zero_matrix_and_zero_columns() -> None:
    for A in (np.zeros((4, 3)), np.zeros((2, 5)), np.diag([0.0, 1.0, 0.0])):
        Q, R = qr_decomposition(A)
        assert_is_qr(A, Q, R)
    np.testing.assert_array_equal(qr_decomposition(np.zeros((4, 3)))[1], 0)


def test_qr_columns_of_extreme_magnitude() -> None:
    A = np.random.default_rng(7).standard_normal((5, 4))
    scales = np.array([1e200, 1e-200, 1.0, 1e-300])
    Q, R = qr_decomposition(A * scales)
    assert_is_qr(A * scales, Q, R)
    np.testing.assert_allclose(Q, qr_decomposition(A)[0], atol=ORTHOGONAL)


def test_qr_the_input_is_unchanged() -> None:
    A = np.asfortranarray(np.arange(12.0).reshape(4, 3))
    before = A.copy()
    qr_decomposition(A)
    gram_schmidt(A)
    power_iteration(A[:3])
    np.testing.assert_array_equal(A, before)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ([1.0, 2.0], ValueError),
        ([[math.inf, 1.0]], ValueError),
        (np.ones((1, 2, 2)), ValueError),
        ([["a"]], TypeError),
    ],
)
def test_qr_bad_matrices_are_refused(bad: ArrayLike, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^A must be"):
        qr_decomposition(bad)
