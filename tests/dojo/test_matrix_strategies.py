"""Matrices, memory layouts and magnitudes are drawn as they are described."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo import testing
from tests.dojo.searching import anything, is_plain, smallest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@given(testing.matrices())
def test_matrices_have_distinct_sides(A: Floats) -> None:
    assert is_plain(A)
    rows, columns = A.shape
    assert rows != columns
    assert 1 <= min(A.shape) < max(A.shape) <= 5


@given(testing.matrices(rows=3), testing.matrices(columns=2), testing.matrices(2, 2))
def test_matrices_of_stated_sides(A: Floats, B: Floats, C: Floats) -> None:
    assert A.shape[0] == 3
    assert B.shape[1] == 2
    assert C.shape == (2, 2)


@given(testing.matrices(min_side=2, max_side=2))
def test_sides_are_equal_where_the_bounds_leave_no_choice(A: Floats) -> None:
    assert A.shape == (2, 2)


def test_matrices_come_tall_wide_and_square() -> None:
    smallest(testing.matrices(), lambda A: A.shape[0] > A.shape[1] > 1)
    smallest(testing.matrices(), lambda A: A.shape[1] > A.shape[0] > 1)
    smallest(testing.matrices(distinct=False), lambda A: A.shape == (3, 3))


@given(testing.symmetric_matrices())
def test_symmetric_matrices(A: Floats) -> None:
    assert is_plain(A)
    np.testing.assert_array_equal(A, A.T)
    assert np.abs(A).max() <= 1e3


@given(testing.orthogonal_matrices())
def test_orthogonal_matrices(Q: Floats) -> None:
    assert is_plain(Q)
    np.testing.assert_allclose(Q.T @ Q, np.eye(len(Q)), atol=1e-14)


def test_orthogonal_matrices_are_identities_rotations_and_reflections() -> None:
    strategy = testing.orthogonal_matrices(3)
    np.testing.assert_array_equal(smallest(strategy, anything), np.eye(3))
    smallest(strategy, lambda Q: np.linalg.det(Q) < 0)
    smallest(strategy, lambda Q: np.linalg.det(Q) > 0 and Q[0, 1] != 0)


@given(testing.positive_definite_matrices(), testing.positive_definite_matrices(3))
def test_positive_definite_matrices(A: Floats, B: Floats) -> None:
    assert B.shape == (3, 3)
    for matrix in (A, B):
        assert is_plain(matrix)
        np.testing.assert_array_equal(matrix, matrix.T)
        eigenvalues = np.linalg.eigvalsh(matrix)
        assert eigenvalues.min() > 0
        # A relative error of eps in A moves the smallest eigenvalue by 1e4 times that.
        assert eigenvalues.max() / eigenvalues.min() <= 1e4 * (1 + 1e-9)


def test_positive_definite_matrices_reach_their_condition() -> None:
    strategy = testing.positive_definite_matrices(3, max_condition=50.0)
    np.testing.assert_allclose(smallest(strategy, anything), np.eye(3))
    smallest(strategy, lambda A: bool(np.linalg.cond(A) > 40))
    smallest(strategy, lambda A: np.linalg.cond(A) > 10 and abs(A[0, 1]) > 0.1)


@given(testing.well_conditioned_matrices(), testing.well_conditioned_matrices(4, 2))
def test_well_conditioned_matrices(A: Floats, B: Floats) -> None:
    assert A.shape[0] != A.shape[1]
    assert B.shape == (4, 2)
    for matrix in (A, B):
        assert is_plain(matrix)
        assert np.linalg.matrix_rank(matrix) == min(matrix.shape)
        assert np.linalg.cond(matrix) <= 1e3 * (1 + 1e-9)


def test_well_conditioned_matrices_reach_their_condition() -> None:
    strategy = testing.well_conditioned_matrices(3, 3)
    smallest(strategy, lambda A: bool(np.linalg.cond(A) > 900))
    smallest(strategy, lambda A: bool(np.linalg.cond(A) < 1.01))


FIXED = np.arange(6.0).reshape(2, 3)


@given(testing.layouts(st.just(FIXED)))
def test_a_layout_keeps_shape_dtype_and_values(array: Floats) -> None:
    assert array.dtype == np.float64
    assert not np.shares_memory(array, FIXED)
    np.testing.assert_array_equal(array, FIXED, strict=True)


@pytest.mark.parametrize(
    "condition",
    [
        lambda a: a.flags.c_contiguous and a.flags.writeable,
        lambda a: a.flags.f_contiguous and not a.flags.c_contiguous,
        lambda a: a.strides == (96, 16),
        lambda a: max(a.strides) < 0,
        lambda a: not a.flags.writeable,
    ],
)
def test_every_layout_occurs(condition: Callable[[Floats], bool]) -> None:
    smallest(testing.layouts(st.just(FIXED)), condition)


def test_what_lies_between_strided_entries_is_poison() -> None:
    array = smallest(testing.layouts(st.just(FIXED)), lambda a: a.strides == (96, 16))
    assert array.base is not None
    assert np.isnan(array.base).sum() == 18


@pytest.mark.parametrize(
    "array",
    [np.array(2.0), np.zeros((0, 3)), np.arange(3), np.array([True, False])],
)
@given(data=st.data())
def test_layouts_of_any_array(data: st.DataObject, array: NDArray[np.generic]) -> None:
    drawn = data.draw(testing.layouts(st.just(array)))
    np.testing.assert_array_equal(drawn, array, strict=True)


@given(testing.magnitudes(testing.vectors()))
def test_magnitudes_are_finite_and_so_are_their_squares(v: Floats) -> None:
    assert is_plain(v)
    assert np.isfinite(v**2).all()


def test_magnitudes_are_huge_tiny_and_plain() -> None:
    ones = st.just(np.ones(2))
    strategy = testing.magnitudes(ones)
    np.testing.assert_array_equal(smallest(strategy, anything), np.ones(2))
    smallest(strategy, lambda v: v[0] > 1e140)
    smallest(strategy, lambda v: v[0] < 1e-140)
    bounded = testing.magnitudes(ones, powers=(2, 3))
    assert smallest(bounded, lambda v: v[0] > 100)[0] == 1000
