"""Arguments as text that makes them again; answers as text that can be read."""

import numpy as np
import pytest
import torch
from hypothesis import given
from numpy.typing import NDArray

from dojo.paste import paste, show, snapshot
from dojo.testing import layouts, matrices, vectors

NAMES = {"np": np, "torch": torch}


def made_again(value: object) -> object:
    """What the pasted text evaluates to."""
    return eval(paste(value), NAMES)  # noqa: S307 - our own text


@given(layouts(matrices()) | vectors(min_size=0))
def test_arrays_come_back_bit_for_bit(array: NDArray[np.float64]) -> None:
    again = made_again(array)
    assert isinstance(again, np.ndarray)
    assert again.dtype == array.dtype
    assert np.array_equal(again, array)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[np.nan, np.inf], [-np.inf, -0.0]]),
        np.zeros((0, 3)),
        np.zeros((2, 0), dtype=np.int64),
        np.array([1, 2], dtype=np.int8),
        np.array([0.1], dtype=np.float32),
        np.array([True, False]),
        np.array(["a", "bc"]),
        np.array(3.0),
    ],
)
def test_odd_arrays_come_back(array: NDArray[np.generic]) -> None:
    again = made_again(array)
    assert isinstance(again, np.ndarray)
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bool])
def test_tensors_come_back(dtype: torch.dtype) -> None:
    tensor = torch.tensor([[0.0, 1.0, float("inf")]]).to(dtype)
    again = made_again(tensor)
    assert isinstance(again, torch.Tensor)
    assert again.dtype == dtype
    assert torch.equal(again, tensor)


@pytest.mark.parametrize(
    "value",
    [1.5, True, None, "text", (1,), (), [1, [2.0]], {"a": (1, None)}, np.float64(0.1)],
)
def test_plain_values_come_back(value: object) -> None:
    assert made_again(value) == value


def test_what_has_no_text_of_its_own_is_bounded() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise OSError

    assert paste(Broken()) == "<Broken whose repr raises OSError>"
    assert paste(np.zeros((100, 100))) == "<array of shape (100, 100)>"
    assert len(paste("x" * 10**6)) < 1_000
    assert " at 0x" not in paste(object())


def test_an_answer_begins_with_shape_and_dtype() -> None:
    assert show(np.array([1.0, 2.0])) == "array of shape (2,), float64\n[1., 2.]"
    assert show(torch.ones(2)) == "tensor of shape (2,), torch.float32\n[1., 1.]"
    assert show(np.float32(0.5)) == "0.5 (float32)"
    assert show((np.zeros(1), 2)).splitlines()[0] == "[0] array of shape (1,), float64"
    assert show(None) == "None"


def test_a_snapshot_does_not_follow_later_changes() -> None:
    array, tensor, numbers = np.zeros(2), torch.zeros(2), [1.0]
    kept = snapshot((array, tensor, {"n": numbers}))
    array += 1
    tensor += 1
    numbers.append(2.0)
    assert isinstance(kept, tuple)
    assert kept[0].tolist() == [0.0, 0.0]
    assert kept[1].tolist() == [0.0, 0.0]
    assert kept[2] == {"n": [1.0]}
