"""Central differences against known derivatives and autograd."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import ArrayLike, NDArray

from reference.core.optimization import gradient_check, numerical_gradient

Array = NDArray[np.float64]

entries = st.floats(-3, 3)


@settings(deadline=None)
@given(arrays(np.float64, array_shapes(min_dims=0, max_side=4), elements=entries))
def test_it_equals_autograd(x: Array) -> None:
    def f(point: Array) -> float:
        return float(np.sum(np.sin(point) * point**2))

    variable = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    loss = torch.sum(torch.sin(variable) * variable**2)
    (expected,) = torch.autograd.grad(loss, variable)
    result = numerical_gradient(f, x)
    assert result.shape == x.shape
    assert result.dtype == np.float64
    # With |f‴| ≤ 40: ε²·40/6 = 7e-10; with |f| ≤ 256·9: 2⁻⁵³·2304/ε = 3e-8.
    np.testing.assert_allclose(result, expected.numpy(), rtol=0, atol=1e-7)


@settings(deadline=None)
@given(
    arrays(np.float64, (2, 3), elements=st.floats(-100, 100)),
    st.floats(1e-3, 1.0),
)
def test_it_is_exact_for_a_quadratic_at_any_step(x: Array, epsilon: float) -> None:
    # f‴ = 0 leaves the rounding of f ≤ 6e4: 2⁻⁵³·6e4/1e-3 = 7e-9.
    result = numerical_gradient(lambda p: float(np.sum(p**2)), x, epsilon)
    np.testing.assert_allclose(result, 2 * x, rtol=0, atol=5e-8)


def test_the_step_is_the_rounded_one() -> None:
    # At 1e9 a step of 1e-5 becomes 1.0014e-5; dividing by 2e-5 would be 1e-3 off.
    result = numerical_gradient(lambda p: float(p[0]), [1e9])
    assert result[0] == 1.0


def test_f_sees_its_own_array_of_the_same_shape() -> None:
    x = np.arange(6).reshape(2, 3)
    seen: list[Array] = []

    def f(point: Array) -> float:
        seen.append(point)
        value = float(point.sum())
        point[:] = 99
        return value

    np.testing.assert_allclose(numerical_gradient(f, x), np.ones((2, 3)), rtol=1e-9)
    np.testing.assert_array_equal(x, np.arange(6).reshape(2, 3))
    assert len(seen) == 12
    assert all(p.shape == (2, 3) and p.dtype == np.float64 for p in seen)
    assert len({id(p) for p in seen}) == 12


@pytest.mark.parametrize("convert", [float, int, np.float32, np.array])
def test_f_may_return_scalars_of_every_kind(
    convert: Callable[[int], ArrayLike],
) -> None:
    # Whole numbers that rise by 2 over 2ε = 2e-5 in the first entry only.
    result = numerical_gradient(lambda p: convert(round(p[0] * 1e5)), [1, 2])
    np.testing.assert_allclose(result, [1e5, 0.0], rtol=1e-9)


def test_an_empty_point_has_an_empty_gradient() -> None:
    empty = numerical_gradient(lambda p: float(p.sum()), np.empty((0, 2)))
    assert empty.shape == (0, 2)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (np.ones(1), ValueError),
        ([1.0, 2.0], ValueError),
        (np.ones((1, 1)), ValueError),
        (None, TypeError),
        ("1", TypeError),
        (1j, TypeError),
    ],
)
def test_f_must_return_a_scalar(value: ArrayLike, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^f must be"):
        numerical_gradient(lambda _: value, [1.0])


def test_bad_arguments_are_refused_by_name() -> None:
    def f(point: Array) -> float:
        return float(point.sum())

    for bad in ([math.nan], [math.inf], [[1.0], [1.0, 2.0]]):
        with pytest.raises(ValueError, match=r"^x must be"):
            numerical_gradient(f, bad)
    with pytest.raises(TypeError, match=r"^x must be"):
        numerical_gradient(f, [1j])
    for epsilon in (0.0, -1e-5, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^epsilon must be"):
            numerical_gradient(f, [1.0], epsilon)
    with pytest.raises(ValueError, match=r"^epsilon must be .*change"):
        numerical_gradient(f, [1.0, 1e200])


@settings(deadline=None)
@given(
    arrays(np.float64, (2, 3), elements=st.floats(-10, 10)),
    arrays(np.float64, (2, 3), elements=st.floats(-10, 10)),
    st.sampled_from([1e-200, 1.0, 1e200]),
)
def test_gradient_check_is_the_relative_distance(
    a: Array, n: Array, scale: float
) -> None:
    norms = float(np.linalg.norm(a) + np.linalg.norm(n))
    # Squares of what is smaller would underflow in this formula.
    if norms < 1e-100:
        return
    ratio = float(np.linalg.norm(a - n)) / norms
    above, below = ratio * (1 + 1e-12) + 1e-15, ratio * (1 - 1e-12) - 1e-15
    assert gradient_check(a * scale, n * scale, threshold=above)
    if below > 0:
        assert not gradient_check(a * scale, n * scale, threshold=below)


def test_gradient_check_at_the_edges() -> None:
    assert gradient_check(np.zeros((2, 2)), np.zeros((2, 2)))
    assert gradient_check([], [])
    assert gradient_check(0.0, 0)
    assert gradient_check([5e-324], [5e-324])
    assert not gradient_check([1e-300], [0.0])
    assert not gradient_check([1.7e308, 1.7e308], [-1.7e308, 1.7e308])
    assert gradient_check([1.7e308] * 4, [1.7e308] * 4)
    # Opposite gradients have the ratio 1, which is not below a threshold of 1.
    assert not gradient_check([1.0], [-1.0], threshold=1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_passes(bad: float) -> None:
    assert not gradient_check([bad, 1.0], [1.0, 1.0])
    assert not gradient_check([1.0, 1.0], [bad, 1.0])
    assert not gradient_check([bad], [bad], threshold=10)


def test_it_accepts_a_true_gradient_and_refuses_a_wrong_one() -> None:
    x = np.array([[0.3, -1.2], [2.0, 0.1]])
    numerical = numerical_gradient(lambda p: float(np.exp(p).sum()), x)
    assert gradient_check(np.exp(x), numerical)
    assert not gradient_check(np.exp(x) * 1.001, numerical)
    wrong = np.exp(x)
    wrong[0, 0] *= -1
    assert not gradient_check(wrong, numerical)


def test_gradient_check_refuses_bad_arguments_by_name() -> None:
    for other in ([1.0], [[1.0, 2.0]], 1.0):
        with pytest.raises(ValueError, match=r"^numerical_grad must be"):
            gradient_check([1.0, 2.0], other)
    with pytest.raises(TypeError, match=r"^analytical_grad must be"):
        gradient_check([1j], [1.0])
    for threshold in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=r"^threshold must be"):
            gradient_check([1.0], [1.0], threshold)
