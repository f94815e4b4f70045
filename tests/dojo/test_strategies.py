"""The strategies draw what they say: in bounds, and every flavour of it."""

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo import testing
from tests.dojo.searching import anything, is_plain, smallest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@given(testing.floats())
def test_floats_are_in_bounds_and_not_tiny(x: float) -> None:
    assert isinstance(x, float)
    assert x == 0 or 1e-50 <= abs(x) <= 1e3


@given(testing.floats(0.25))
def test_floats_keep_a_stated_bound(x: float) -> None:
    assert abs(x) <= 0.25


@pytest.mark.parametrize(
    "condition",
    [
        lambda x: x == 0,
        lambda x: x < 0,
        lambda x: x > 500,
        lambda x: 0 < x < 1e-20,
        lambda x: x != round(x),
        lambda x: x == round(x) != 0,
    ],
)
def test_floats_come_in_every_flavour(condition: Callable[[float], bool]) -> None:
    smallest(testing.floats(), condition)


@given(testing.vectors())
def test_vectors(v: Floats) -> None:
    assert is_plain(v)
    assert v.ndim == 1
    assert 1 <= len(v) <= 6
    assert np.abs(v).max() <= 1e3
    assert v.flags.writeable


@given(testing.vectors(4, max_magnitude=0.1), testing.vectors(st.sampled_from([2, 9])))
def test_vectors_of_a_stated_size(v: Floats, w: Floats) -> None:
    assert v.shape == (4,)
    assert np.abs(v).max() <= 0.1
    assert len(w) in {2, 9}


@pytest.mark.parametrize(
    "condition",
    [
        lambda v: len(v) == 1,
        lambda v: len(v) == 6,
        lambda v: len(v) > 2 and len(set(v)) < len(v) and len(set(v)) > 1,
        lambda v: len(v) > 2 and (v == v[0]).all() and v[0] != 0,
        lambda v: len(v) > 2 and len(set(v)) == len(v),
        lambda v: len(v) > 2 and not v.any(),
        lambda v: len(v) > 2 and (v < 0).all(),
        lambda v: (v != np.round(v)).any(),
        lambda v: np.abs(v).max() > 100,
    ],
)
def test_vectors_come_in_every_flavour(condition: Callable[[Floats], bool]) -> None:
    smallest(testing.vectors(), condition)


def test_an_empty_vector_is_drawn_where_allowed() -> None:
    assert smallest(testing.vectors(min_size=0), anything).shape == (0,)


@pytest.mark.parametrize("magnitude", [0.1, 1.0, 3.0])
def test_ties_reach_a_small_bound(magnitude: float) -> None:
    strategy = testing.vectors(2, max_magnitude=magnitude)
    smallest(strategy, lambda v: v[0] == v[1] == magnitude)


@given(testing.vector_pairs(), testing.vector_pairs(3))
def test_vector_pairs_have_one_length(
    free: tuple[Floats, Floats], three: tuple[Floats, Floats]
) -> None:
    assert free[0].shape == free[1].shape
    assert three[0].shape == three[1].shape == (3,)
    assert all(is_plain(v) for v in (*free, *three))
    assert not np.shares_memory(free[0], free[1])


@given(testing.probabilities(), testing.probabilities(4, allow_zeros=False))
def test_probabilities(p: Floats, q: Floats) -> None:
    assert len(q) == 4
    assert q.min() > 0
    for distribution in (p, q):
        assert is_plain(distribution)
        assert distribution.min() >= 0
        assert math.isclose(math.fsum(distribution), 1.0, rel_tol=1e-15)


@pytest.mark.parametrize(
    "condition",
    [
        lambda p: len(p) == 1,
        lambda p: len(p) > 2 and (p == p[0]).all(),
        lambda p: len(p) > 2 and p[1] == 1.0,
        lambda p: len(p) > 2 and p[0] == 0 and 0 < p[1] < 1,
        lambda p: len(p) > 2 and 0 < p.min() < 1e-9,
        lambda p: len(p) > 2 and len(set(p)) == len(p),
    ],
)
def test_probabilities_come_in_every_flavour(
    condition: Callable[[Floats], bool],
) -> None:
    smallest(testing.probabilities(), condition)


@given(testing.labels(5), testing.labels(st.integers(0, 4), classes=2))
def test_labels(five: Integers, few: Integers) -> None:
    assert five.shape == (5,)
    assert len(few) <= 4
    assert five.dtype == few.dtype == np.int64
    assert set(five) <= {0, 1, 2}
    assert set(few) <= {0, 1}


def test_labels_may_lack_a_class_or_have_them_all() -> None:
    smallest(testing.labels(5), lambda y: len(set(y)) == 1)
    smallest(testing.labels(5), lambda y: len(set(y)) == 3)


@given(testing.token_batches(), testing.token_batches(max_batch=3, max_length=1))
def test_token_batches(tokens: Integers, columns: Integers) -> None:
    assert tokens.dtype == np.int64
    batch, length = tokens.shape
    assert batch != length
    assert 1 <= batch <= 3
    assert 1 <= length <= 5
    assert 0 <= tokens.min() <= tokens.max() < 7
    assert columns.shape in {(2, 1), (3, 1)}


@given(testing.seeds(), testing.generators())
def test_seeds_and_generators_make_the_same_again(
    seed: int, rng: np.random.Generator
) -> None:
    assert 0 <= seed < 2**32
    assert isinstance(rng, np.random.Generator)
    again = eval(repr(rng), {"np": np})  # noqa: S307 - the repr is to be pasted
    np.testing.assert_array_equal(rng.random(4), again.random(4))


def test_a_generator_is_shown_and_copied() -> None:
    rng = smallest(testing.generators(), anything)
    assert repr(rng) == "np.random.default_rng(0)"
    assert copy.deepcopy(rng).random() == rng.random()


@given(testing.samples(), testing.samples(5, 5))
def test_samples(sample: Floats, five: Floats) -> None:
    assert is_plain(sample)
    assert 2 <= len(sample) <= 60
    assert five.shape == (5,)


@pytest.mark.parametrize(
    "condition",
    [
        lambda x: len(x) == 2,
        lambda x: len(x) > 50,
        lambda x: len(x) > 20 and len(set(x)) <= 5,
        # A uniform sample reaches less than 1.8 deviations from its mean, or not far
        # beyond; a normal one has tails.
        lambda x: len(set(x)) > 30 and np.ptp(x) < 3.9 * x.std(),
        lambda x: len(set(x)) > 30 and np.ptp(x) > 4.5 * x.std(),
        lambda x: x.mean() < -5,
    ],
)
def test_samples_come_in_every_flavour(condition: Callable[[Floats], bool]) -> None:
    smallest(testing.samples(), condition)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@given(data=st.data())
def test_float_tensors(data: st.DataObject, dtype: str) -> None:
    tensor = data.draw(testing.float_tensors((2, 3), dtype=dtype))
    assert tensor.shape == (2, 3)
    assert tensor.dtype == getattr(torch, dtype)
    assert tensor.abs().max() <= 3
    squares = tensor[tensor != 0] ** 2
    assert (squares >= torch.finfo(tensor.dtype).tiny).all()


def test_float_tensors_of_a_drawn_shape() -> None:
    shapes = st.tuples(st.integers(1, 2), st.integers(3, 4))
    strategy = testing.float_tensors(shapes, max_magnitude=10.0)
    assert smallest(strategy, anything).equal(torch.zeros(1, 3).double())
    smallest(strategy, lambda t: t.shape == (2, 4) and bool((t > 5).any()))


def test_float_tensors_refuse_an_unknown_dtype() -> None:
    with pytest.raises(ValueError, match=r"dtype must be one of .*, got 'int64'"):
        testing.float_tensors((2,), dtype="int64")


@pytest.mark.parametrize(
    ("strategy", "simplest"),
    [
        (testing.floats(), 0.0),
        (testing.vectors(), np.zeros(1)),
        (testing.matrices(), np.zeros((1, 2))),
        (testing.symmetric_matrices(), np.zeros((1, 1))),
        (testing.positive_definite_matrices(), np.ones((1, 1))),
        (testing.probabilities(), np.ones(1)),
        (testing.labels(3), np.zeros(3, np.int64)),
        (testing.token_batches(), np.zeros((1, 2), np.int64)),
        (testing.seeds(), 0),
    ],
)
def test_the_simplest_draw_is_small(
    strategy: st.SearchStrategy[object], simplest: object
) -> None:
    testing.assert_equal(smallest(strategy, anything), simplest)


def test_a_large_entry_shrinks_to_a_round_one() -> None:
    found = smallest(testing.vectors(), lambda v: bool((v > 99.5).any()))
    np.testing.assert_array_equal(found, [100.0])


def test_every_name_of_the_package_is_there() -> None:
    assert all(hasattr(testing, name) for name in testing.__all__)
