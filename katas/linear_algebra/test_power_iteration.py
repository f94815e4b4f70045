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
    orthogonal_matrices,
    unchanged,
    well_conditioned_matrices,
)
from katas.linear_algebra.power_iteration import power_iteration
from reference.core import math_operations as reference

Array = NDArray[np.float64]

# A vector that moves by 1e-10 a step, half as much each time, is 2e-10 from rest.
AT_REST = 1e-9

# Neighbours at most half as large: 100 products reach 2⁻¹⁰⁰ of the start.
ratios = st.sampled_from([0.5, -0.5, 0.25, 0.0])
signs = st.sampled_from([1.0, -1.0])
axes = orthogonal_matrices(min_size=2, max_size=4)


def symmetric(Q: Array, dominant: float, ratio: float) -> Array:
    """Return a matrix with eigenvalues 1, r, r², … times the dominant one.

    The last column of Q is the eigenvector of the dominant one.
    """
    eigenvalues = dominant * np.array([ratio**k for k in range(len(Q))])[::-1]
    return np.asarray((Q * eigenvalues) @ Q.T)


def assert_on_line(vector: object, expected: Array) -> None:
    """Check that the vector is a unit vector on the line of the expected one."""
    assert_shape(vector, expected.shape, what="the eigenvector")
    assert_dtype(vector, np.float64, what="the eigenvector")
    assert isinstance(vector, np.ndarray)
    length = float(np.linalg.norm(vector))
    assert_close(length, 1.0, what="the length of the eigenvector")
    sign = -1.0 if float(np.sum(vector * expected)) < 0 else 1.0
    assert_close(
        sign * vector, expected, what="the eigenvector", rtol=0.0, atol=AT_REST
    )


def assert_not_at_rest(A: Array, *limits: float) -> None:
    """Check that the iteration gives up, and says so."""
    assert_raises_naming("A", power_iteration, A, *limits, error=np.linalg.LinAlgError)


def test_small_matrices_by_hand() -> None:
    """Matrices small enough for paper give their dominant eigenvalue and vector."""
    for A, eigenvalue, vector in (
        ([[5.0]], 5.0, [1.0]),
        ([[0.5, 0.0], [0.0, 2.0]], 2.0, [0.0, 1.0]),
        ([[3.0, 1.0], [0.0, 1.0]], 3.0, [1.0, 0.0]),
        ([[4.0, -2.0, -2.0], [-2.0, 1.0, 1.0], [-2.0, 1.0, 1.0]], 6.0, [2, -1, -1]),
    ):
        value, found = power_iteration(A)
        # The vector of the third, not symmetric, passes its error on.
        assert_close(value, eigenvalue, what="the eigenvalue", rtol=AT_REST)
        expected = np.array(vector, dtype=np.float64)
        assert_on_line(found, expected / np.linalg.norm(expected))


@given(axes, ratios, signs)
@example(np.eye(2), 0.5, 1.0)
@example(np.eye(2), 0.5, -1.0)
@example(np.eye(2), -0.5, -1.0)
def test_the_dominant_pair_of_a_symmetric_matrix(
    Q: Array, ratio: float, sign: float
) -> None:
    """The eigenvalue is the largest in magnitude, with its sign: +3 as well as −3."""
    A = symmetric(Q, 3.0 * sign, ratio)
    value, vector = power_iteration(A)
    # The quotient of a vector at rest has the square of its error: rounding is left.
    assert_close(value, 3.0 * sign, what="the eigenvalue", rtol=1e-13)
    assert_on_line(vector, Q[:, -1])


@given(well_conditioned_matrices(3, 3, max_condition=10.0), signs)
@example(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]]), 1.0)
def test_a_matrix_that_is_not_symmetric(S: Array, sign: float) -> None:
    """Av = λv holds for a matrix whose eigenvectors are not orthogonal, too."""
    A = np.asarray((S * [2.0 * sign, 0.5, -1.0]) @ np.linalg.inv(S))
    value, vector = power_iteration(A)
    # The eigenvectors are skewed by a condition of 10, and so multiply an error.
    assert_close(value, 2.0 * sign, what="the eigenvalue", rtol=1e-8)
    assert_shape(vector, (3,), what="the eigenvector")
    assert_close(A @ vector, value * vector, what="Av", rtol=0.0, atol=1e-7)
    theirs = reference.power_iteration(A)[0]
    assert_close(value, theirs, what="the eigenvalue", rtol=1e-8)


def test_the_largest_entry_is_positive() -> None:
    """The entry of the eigenvector that is largest in magnitude is positive."""
    for x, y in ((0.6, 0.8), (0.8, 0.6), (-0.6, 0.8), (0.8, -0.6)):
        Q = np.array([[y, x], [-x, y]])
        for dominant in (3.0, -3.0):
            _, vector = power_iteration(symmetric(Q, dominant, 0.5))
            # The last column of Q, of which the larger entry is 0.8.
            expected = np.array([x, y])
            assert_close(vector, expected, what="the eigenvector", atol=AT_REST)


def test_of_equal_entries_the_first_is_positive() -> None:
    """Where several entries share the largest magnitude, the first is positive."""
    half = np.full(2, 0.5**0.5)
    assert_close(power_iteration([[1.0, 1.0], [1.0, 1.0]])[1], half)
    assert_close(power_iteration([[1.0, -1.0], [-1.0, 1.0]])[1], half * [1.0, -1.0])
    assert_close(power_iteration([[-1.0, 1.0], [1.0, -1.0]])[1], half * [1.0, -1.0])


def test_a_product_of_zero_is_an_eigenvector_of_zero() -> None:
    """A vector that A takes to zero is returned with the eigenvalue 0.0."""
    for n in (1, 3):
        value, vector = power_iteration(np.zeros((n, n)))
        assert_equal(value, 0.0, what="the eigenvalue")
        assert_shape(vector, (n,), what="the eigenvector")
        length = float(np.linalg.norm(vector))
        assert_close(length, 1.0, what="the length of the eigenvector")
        peak = vector[np.argmax(np.abs(vector))]
        assert_holds(peak > 0, "the largest entry is positive", actual=vector)
    for corner in (2.0, -2.0):
        value, vector = power_iteration([[0.0, corner], [0.0, 0.0]])
        assert_equal(value, 0.0, what="the eigenvalue")
        assert_equal(vector, np.array([1.0, 0.0]), what="the eigenvector")


@given(
    axes,
    st.sampled_from([0.0, np.pi / 2, 2 * np.pi / 3, 1.0, 0.1]),
    st.integers(20, 40),
)
@example(np.eye(2), 0.0, 99)
@example(np.eye(2), 0.0, 100)
@example(np.eye(2), np.pi / 2, 100)
@example(np.eye(3), 2 * np.pi / 3, 100)
def test_a_tie_in_magnitude_is_reported(Q: Array, angle: float, count: int) -> None:
    """λ and −λ, or a complex pair, leave no direction at rest: LinAlgError."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    blocks = np.eye(len(Q)) / 2
    blocks[:2, :2] = turn if angle else np.diag([1.0, -1.0])
    A = Q @ blocks @ Q.T
    assert_not_at_rest(A, count)


def test_the_iterations_are_counted() -> None:
    """num_iterations products are made, and no more, before it gives up."""
    for A in (np.eye(3), -2 * np.eye(3)):
        value, _ = power_iteration(A, num_iterations=1)
        assert_close(value, A[0, 0], what="the eigenvalue")
    # The first product of a matrix of rank one is on the line, the second at rest.
    outer = np.array([[1.0, 2.0], [2.0, 4.0]])
    value, _ = power_iteration(outer, num_iterations=2)
    assert_close(value, 5.0, what="the eigenvalue")
    assert_not_at_rest(outer, 1)
    # A shift of n entries leaves nothing after n products, and never rests before.
    value, vector = power_iteration(np.eye(100, k=1))
    assert_equal(value, 0.0, what="the eigenvalue")
    assert_equal(vector, np.eye(100)[0], what="the eigenvector")
    assert_not_at_rest(np.eye(101, k=1))
    assert_not_at_rest(np.eye(3, k=1), 2)
    # Magnitudes 0.95 apart need some 450 products for 1e-10.
    value, _ = power_iteration(np.diag([1.0, -0.95]), num_iterations=2000)
    assert_close(value, 1.0, what="the eigenvalue", rtol=1e-13)


def test_the_tolerance_decides() -> None:
    """The direction is at rest when it moves by the tolerance, 1e-10, or less."""
    # From (a, b) a shear by s leads to (a + ksb, b) in k products. Where s is large,
    # the angle is 1 / ks, and product k turns it by 1 / sk(k − 1).
    shear = np.array([[1.0, 1e8], [0.0, 1.0]])
    for count, arguments in ((11, ()), (4, (1e-9,))):
        _, vector = power_iteration(shear, count, *arguments)
        expected = np.array([1.0, 0.0])
        assert_close(vector, expected, what="the eigenvector", rtol=0.0, atol=1e-8)
        assert_not_at_rest(shear, count - 1, *arguments)


def test_the_same_call_gives_the_same_result() -> None:
    """Two calls agree to the last bit: the start is drawn from a fixed seed."""
    for dominant in (1.0, -7.0):
        A = symmetric(np.eye(3), dominant, 0.5)
        assert_equal(power_iteration(A), power_iteration(A))


def test_the_scale_does_not_matter() -> None:
    """c·A has the eigenvector of A, and its eigenvalue times c."""
    Q = np.array([[0.6, -0.8], [0.8, 0.6]])
    for dominant in (1e-100, -1e-100, 1e-15, -1e15, 1e100):
        value, vector = power_iteration(symmetric(Q, dominant, 0.5))
        assert_close(value, dominant, what="the eigenvalue", rtol=1e-13)
        assert_on_line(vector, np.array([-0.8, 0.6]))


@given(layouts(st.builds(symmetric, axes, signs, ratios)))
@example(np.diag([1.0, 0.5]))
def test_the_input_is_not_changed(A: Array) -> None:
    """A is the same after the call, however it lies in memory."""
    with unchanged(A=A):
        value, vector = power_iteration(A)
    expected, direction = reference.power_iteration(A)
    assert_close(value, expected, what="the eigenvalue", rtol=1e-13)
    assert_on_line(vector, direction)


def test_whole_numbers_are_taken_as_floats() -> None:
    """Lists and arrays of whole numbers are taken as float64."""
    for A in ([[0, 1], [2, 1]], np.array([[0, 1], [2, 1]], dtype=np.int8)):
        value, vector = power_iteration(A)
        assert_close(value, 2.0, what="the eigenvalue", rtol=AT_REST)
        assert_on_line(vector, np.array([1.0, 2.0]) / 5**0.5)


def assert_refused(argument: str, *arguments: object) -> None:
    """Check for a ValueError which is not that of an iteration without rest."""

    def call() -> object:
        try:
            return power_iteration(*arguments)
        except np.linalg.LinAlgError as error:
            raise ArithmeticError(f"LinAlgError: {error}") from error

    assert_raises_naming(argument, call)


def test_bad_input_is_refused() -> None:
    """What is no square matrix, no count or no tolerance raises by name."""
    for bad in (
        3.0,
        [1.0, 2.0],
        np.ones((2, 3)),
        np.ones((3, 2)),
        np.ones((2, 2, 2)),
        np.ones((0, 0)),
        [[np.nan, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, np.inf]],
    ):
        assert_refused("A", bad)
    for count in (0, -1):
        assert_refused("num_iterations", np.eye(2), count)
    for tolerance in (0.0, -1e-10, np.nan):
        assert_refused("tolerance", np.eye(2), 5, tolerance)
