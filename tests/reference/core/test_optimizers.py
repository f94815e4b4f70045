"""Optimizers step by step against torch.optim."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from reference.core.optimization import Adam, AdamW, NAdam, Optimizer

Array = NDArray[np.float64]

# A step has some twenty roundings of 1.1e-16, and sixty steps add up.
RTOL = 1e-12

KINDS: list[type[Adam]] = [Adam, AdamW, NAdam]

# Torch averages as m + (g − m)·(1 − β), which cancels for tiny β that are not 0.
beta_values = st.one_of(st.just(0.0), st.floats(0.1, 0.9999))


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    """Torch keeps NAdam's product of momenta in the default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def pair_of(
    kind: type[Adam],
    hyperparameters: dict[str, float],
    extra: float,
    variable: torch.Tensor,
) -> tuple[Optimizer, torch.optim.Optimizer]:
    """Return our optimizer and torch's with the same settings."""
    learning_rate, epsilon = (
        hyperparameters["learning_rate"],
        hyperparameters["epsilon"],
    )
    betas = hyperparameters["beta1"], hyperparameters["beta2"]
    theirs: torch.optim.Optimizer
    if kind is AdamW:
        ours: Optimizer = AdamW(**hyperparameters, weight_decay=extra)
        theirs = torch.optim.AdamW(
            [variable], learning_rate, betas, epsilon, weight_decay=extra
        )
    elif kind is NAdam:
        ours = NAdam(**hyperparameters, momentum_decay=extra)
        theirs = torch.optim.NAdam(
            [variable], learning_rate, betas, epsilon, momentum_decay=extra
        )
    else:
        ours = Adam(**hyperparameters)
        theirs = torch.optim.Adam([variable], learning_rate, betas, epsilon)
    return ours, theirs


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.fixed_dictionaries(
        {
            "learning_rate": st.floats(1e-4, 0.5),
            "beta1": beta_values,
            "beta2": beta_values,
            "epsilon": st.floats(1e-10, 1e-2),
        }
    ),
    st.floats(0, 0.5),
    st.sampled_from([1e-6, 1.0, 1e6]),
    st.integers(0, 10_000),
)
def test_every_step_equals_torch(
    kind: type[Adam],
    hyperparameters: dict[str, float],
    extra: float,
    scale: float,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    params = rng.standard_normal((3, 2))
    variable = torch.tensor(params, requires_grad=True)
    ours, theirs = pair_of(kind, hyperparameters, extra, variable)
    largest = np.ones((3, 2))
    for step in range(60):
        # Some gradients are zero, so that the averages decay.
        gradient = rng.standard_normal((3, 2)) * scale * (step % 7 != 3)
        variable.grad = torch.tensor(gradient)
        theirs.step()
        params = ours.step(params, gradient)
        # Roundings of a large value stay when it shrinks again.
        largest = np.maximum(largest, np.abs(params))
        difference = np.abs(params - variable.detach().numpy())
        assert (difference <= RTOL * largest).all()


def test_the_defaults_are_those_of_the_field() -> None:
    variable = torch.tensor([1.0, -2.0], requires_grad=True)
    for ours, theirs in (
        (Adam(), torch.optim.Adam([variable])),
        (AdamW(), torch.optim.AdamW([variable])),
        (NAdam(), torch.optim.NAdam([variable], lr=0.001)),
    ):
        params = variable.detach().numpy().copy()
        for _ in range(5):
            variable.grad = torch.tensor([0.5, 3.0])
            theirs.step()
            params = ours.step(params, [0.5, 3.0])
        np.testing.assert_allclose(params, variable.detach().numpy(), rtol=RTOL)


def test_the_learning_rate_may_change_between_steps() -> None:
    variable = torch.tensor([1.0, -2.0], requires_grad=True)
    ours, theirs = AdamW(0.1), torch.optim.AdamW([variable], 0.1)
    params = np.array([1.0, -2.0])
    for rate in (0.1, 0.02, 0.5):
        ours.learning_rate = rate
        theirs.param_groups[0]["lr"] = rate
        variable.grad = torch.tensor([0.5, -3.0])
        theirs.step()
        params = ours.step(params, [0.5, -3.0])
    # Weight decay in torch's default is 0.01, as here.
    np.testing.assert_allclose(params, variable.detach().numpy(), rtol=RTOL)


@pytest.mark.parametrize("kind", KINDS)
def test_structures_are_kept_and_each_part_is_updated_alone(kind: type[Adam]) -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.standard_normal((2, 3)), rng.standard_normal(3)
    alone = [kind(0.1), kind(0.1)]
    listed, tupled, named = kind(0.1), kind(0.1), kind(0.1)
    expected = [weight, bias]
    as_list = [weight, bias]
    as_tuple: tuple[Array, ...] = (weight, bias)
    as_dict = {"weight": weight, "bias": bias}
    for _ in range(3):
        slopes = [rng.standard_normal((2, 3)), rng.standard_normal(3)]
        expected = [
            optimizer.step(param, slope)
            for optimizer, param, slope in zip(alone, expected, slopes, strict=True)
        ]
        as_list = listed.step(as_list, slopes)
        as_tuple = tupled.step(as_tuple, slopes)
        as_dict = named.step(as_dict, {"bias": slopes[1], "weight": slopes[0]})
    assert type(as_list) is list
    assert type(as_tuple) is tuple
    assert list(as_dict) == ["weight", "bias"]
    for parts in (as_list, as_tuple, list(as_dict.values())):
        for part, wanted in zip(parts, expected, strict=True):
            assert part.dtype == np.float64
            np.testing.assert_array_equal(part, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_unchanged_and_results_are_new(kind: type[Adam]) -> None:
    optimizer = kind(0.1)
    params, gradient = np.array([[1.0, 2.0]]), np.array([[0.0, -1.0]])
    first = optimizer.step(params, gradient)
    second = optimizer.step(first, gradient)
    first[:] = gradient[:] = 77
    np.testing.assert_array_equal(params, [[1.0, 2.0]])
    assert not np.shares_memory(first, second)
    # The state holds no view of what was passed or returned.
    other = kind(0.1)
    start = np.array([[1.0, 2.0]])
    slope = np.array([[0.0, -1.0]])
    again = other.step(other.step(start, slope), slope)
    np.testing.assert_array_equal(again, second)
    np.testing.assert_array_equal(
        optimizer.step(second, slope), other.step(again, slope)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [2.0, 2, [1, 2], [[1.0], [2.0]], [], np.array(2.0)])
def test_array_likes_of_any_shape_give_arrays(
    kind: type[Adam], value: ArrayLike
) -> None:
    result = kind().step(value, np.ones(np.shape(value)))
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float64
    assert result.shape == np.shape(value)
    assert (result < np.asarray(value)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("params", "gradients", "error"),
    [
        ([1.0, 2.0], [1.0], ValueError),
        ([1.0, 2.0], [[1.0, 2.0]], ValueError),
        ([1.0], [math.nan], ValueError),
        ([1.0], [math.inf], ValueError),
        ([1.0], [1j], TypeError),
        ([1.0], {"w": [1.0]}, ValueError),
        ({"w": [1.0]}, [1.0], ValueError),
        ({"w": [1.0]}, {"b": [1.0]}, ValueError),
        ({"w": [1.0]}, {"w": [1.0], "b": [1.0]}, ValueError),
        ({"w": [1.0]}, {"w": [1.0, 2.0]}, ValueError),
        ([np.ones(1), np.ones(2)], [np.ones(1)], ValueError),
        ([np.ones(1), np.ones(2)], [np.ones(1), np.ones(3)], ValueError),
        ([np.ones(2), np.ones(2)], np.ones((2, 2)), ValueError),
    ],
)
def test_bad_gradients_are_refused(
    kind: type[Adam],
    params: ArrayLike,
    gradients: ArrayLike,
    error: type[Exception],
) -> None:
    with pytest.raises(error, match=r"^gradients.* must be"):
        kind().step(params, gradients)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_step_leaves_the_state_as_it_was(kind: type[Adam]) -> None:
    optimizer, other = kind(0.1), kind(0.1)
    params = {"w": np.ones((2, 2)), "b": np.zeros(2)}
    slopes = {"w": np.full((2, 2), 0.3), "b": np.ones(2)}
    other.step(params, slopes)
    params = optimizer.step(params, slopes)
    for bad in (
        {"w": np.ones(4), "b": np.zeros(2)},
        {"w": np.ones((2, 2))},
        {"w": np.ones((2, 2)), "c": np.zeros(2)},
    ):
        with pytest.raises(ValueError, match=r"^params must be .* got"):
            optimizer.step(bad, bad)
    with pytest.raises(ValueError, match="params"):
        optimizer.step(np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"^gradients\['b'\] must be finite"):
        optimizer.step(params, {"w": np.ones((2, 2)), "b": [math.nan, 0.0]})
    after, expected = optimizer.step(params, slopes), other.step(params, slopes)
    np.testing.assert_array_equal(after["w"], expected["w"])
    np.testing.assert_array_equal(after["b"], expected["b"])


def test_bad_params_are_refused() -> None:
    for bad, error in (
        ([math.nan], ValueError),
        ([1j], TypeError),
        (["a"], TypeError),
    ):
        with pytest.raises(error, match=r"^params must be"):
            Adam().step(bad, [1.0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("learning_rate", [0.0, -1.0, math.nan, math.inf]),
        ("beta1", [-0.1, 1.0, 2.0, math.nan]),
        ("beta2", [-0.1, 1.0, 2.0, math.nan]),
        ("epsilon", [0.0, -1e-8, math.nan, math.inf]),
    ],
)
def test_bad_hyperparameters_are_refused_by_name(
    kind: type[Adam], name: str, values: list[float]
) -> None:
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} must be"):
            kind(**{name: value})


def test_bad_decays_are_refused_by_name() -> None:
    for value in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^weight_decay must be"):
            AdamW(weight_decay=value)
        with pytest.raises(ValueError, match=r"^momentum_decay must be"):
            NAdam(momentum_decay=value)


def test_the_base_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Optimizer(0.1)  # type: ignore[abstract]  # what is refused
