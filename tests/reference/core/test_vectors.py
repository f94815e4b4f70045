"""Vector operations against NumPy and SciPy, and where those overflow."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import distance

from reference.core import math_operations
from reference.core.math_operations import (
    cosine_similarity,
    dot_product,
    euclidean_distance,
    magnitude,
    manhattan_distance,
    normalize,
    vector_norm,
)

Array = NDArray[np.float64]

# A sum of n terms has a relative error of at most about n·1.1e-16 with n ≤ 20, and
# the two sides round in different orders.
RTOL = 1e-14

Measure = Callable[[ArrayLike, ArrayLike], float]

PAIRS: list[Measure] = [
    dot_product,
    cosine_similarity,
    euclidean_distance,
    manhattan_distance,
]


@st.composite
def pairs(draw: st.DrawFn, bound: float = 1e100) -> tuple[Array, Array]:
    """Two vectors of one length; squares of up to 1e200 stay within range."""
    length = draw(st.integers(0, 20))
    entries = st.floats(-bound, bound)
    vectors = arrays(np.float64, length, elements=entries)
    return draw(vectors), draw(vectors)


@settings(deadline=None)
@given(pairs())
def test_dot_product_equals_numpy(pair: tuple[Array, Array]) -> None:
    first, second = pair
    # Cancellation: the error is relative to the sum of magnitudes.
    scale = float(np.abs(first) @ np.abs(second))
    result = dot_product(first, second)
    assert type(result) is float
    assert abs(result - float(np.dot(first, second))) <= RTOL * scale


def test_dot_product_cancels_terms_beyond_the_range() -> None:
    # Powers of two, so that the products are exact and cancel whole.
    large = 2.0**700
    assert dot_product([large, large, 3.0], [large, -large, 0.0]) == 0.0
    assert dot_product([large, 3 * large], [3 * large, -large]) == 0.0
    assert dot_product([1e200], [1e200]) == math.inf
    assert dot_product([1e200], [-1e200]) == -math.inf
    assert dot_product([1e300, 1e-300], [0.0, 1.0]) == 1e-300


@settings(deadline=None)
@given(pairs())
def test_magnitude_equals_hypot(pair: tuple[Array, Array]) -> None:
    # math.hypot is exact to one unit in the last place at every magnitude.
    assert magnitude(pair[0]) == pytest.approx(math.hypot(*pair[0]), rel=RTOL, abs=0)


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-200, 1e200, 1e307])
def test_lengths_and_distances_hold_at_extreme_magnitudes(scale: float) -> None:
    vector = np.array([3.0, -4.0, 12.0]) * scale
    # The unit in the last place of subnormal numbers is 5e-324.
    expected = pytest.approx(13 * scale, rel=RTOL, abs=1e-323)
    assert magnitude(vector) == expected
    assert euclidean_distance(vector, np.zeros(3)) == expected
    assert manhattan_distance(vector, np.zeros(3)) == pytest.approx(
        19 * scale, rel=RTOL, abs=1e-323
    )


@pytest.mark.parametrize("scale", [5e-324, 1e-200, 1.0, 1e200, 1.7e308])
def test_directions_hold_at_extreme_magnitudes(scale: float) -> None:
    first, second = np.array([scale, scale]), np.array([scale, 0.0])
    np.testing.assert_allclose(normalize(first), np.full(2, 0.5**0.5), rtol=RTOL)
    assert cosine_similarity(first, second) == pytest.approx(0.5**0.5, rel=RTOL)
    assert cosine_similarity(first, -first) == pytest.approx(-1.0, rel=RTOL)
    assert cosine_similarity(first, [1.0, 0.0]) == pytest.approx(0.5**0.5, rel=RTOL)


@pytest.mark.filterwarnings("error")
def test_a_result_beyond_the_range_is_infinite() -> None:
    assert magnitude([1.7e308, 1.7e308]) == math.inf
    assert euclidean_distance([1.7e308], [-1.7e308]) == math.inf
    assert manhattan_distance([1.7e308, 0.0], [0.0, 1.7e308]) == math.inf


@settings(deadline=None)
@given(pairs(bound=1e3))
def test_distances_equal_scipy(pair: tuple[Array, Array]) -> None:
    first, second = pair
    euclidean = math.dist(first, second)
    assert euclidean_distance(first, second) == pytest.approx(euclidean, rel=RTOL)
    cityblock = distance.cityblock(first, second) if len(first) else 0.0
    assert manhattan_distance(first, second) == pytest.approx(cityblock, rel=RTOL)


@settings(deadline=None)
@given(pairs(bound=1e3))
def test_cosine_similarity_is_scipys_and_bounded(pair: tuple[Array, Array]) -> None:
    first, second = pair
    cosine = cosine_similarity(first, second)
    assert -1.0 <= cosine <= 1.0
    # SciPy squares, so tiny entries are left to the tests above.
    if min(np.abs(first).max(initial=0), np.abs(second).max(initial=0)) > 1e-3:
        expected = 1 - float(distance.cosine(first, second))
        assert cosine == pytest.approx(expected, rel=0, abs=RTOL)


@settings(deadline=None)
@given(pairs(bound=1.7e308))
def test_normalize_gives_length_one_or_the_zero_vector(
    pair: tuple[Array, Array],
) -> None:
    vector = pair[0]
    unit = normalize(vector)
    assert unit.shape == vector.shape
    assert unit.dtype == np.float64
    length = np.linalg.norm(unit)
    assert length == pytest.approx(1.0 if vector.any() else 0.0, rel=RTOL)
    assert ((unit == 0) | (np.sign(unit) == np.sign(vector))).all()


def test_a_zero_vector_has_cosine_zero() -> None:
    assert cosine_similarity([0.0, 0.0], [1.0, 2.0]) == 0.0
    assert cosine_similarity([1.0, 2.0], [0, 0]) == 0.0


def test_inputs_are_unchanged_and_not_shared() -> None:
    vector = np.array([0.0, 0.0])
    normalize(vector)[:] = 7
    assert not vector.any()


def test_vector_norm_is_magnitude() -> None:
    assert vector_norm is magnitude


def test_every_promised_name_is_exported() -> None:
    for name in math_operations.__all__:
        assert callable(getattr(math_operations, name))


BAD = [
    ([[1.0, 2.0]], ValueError),
    (3.0, ValueError),
    ([1.0, math.nan], ValueError),
    ([math.inf, 1.0], ValueError),
    ([1j, 0], TypeError),
    (["a", "b"], TypeError),
]


@pytest.mark.parametrize(("bad", "error"), BAD)
@pytest.mark.parametrize("function", PAIRS)
def test_bad_pairs_are_refused_by_name(
    function: Measure, bad: ArrayLike, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"^v1 must be"):
        function(bad, [1.0, 2.0])
    with pytest.raises(error, match=r"^v2 must be"):
        function([1.0, 2.0], bad)


@pytest.mark.parametrize("function", PAIRS)
def test_unequal_lengths_are_refused(function: Measure) -> None:
    with pytest.raises(ValueError, match=r"^v2 must be .*\(2,\), got .*\(1,\)"):
        function([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("bad", "error"), BAD)
def test_bad_vectors_are_refused_by_name(
    bad: ArrayLike, error: type[Exception]
) -> None:
    for function in (magnitude, normalize):
        with pytest.raises(error, match=r"^v must be"):
            function(bad)
