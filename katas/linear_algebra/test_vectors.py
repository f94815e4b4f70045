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
    seeds,
    unchanged,
    vectors,
)
from katas.linear_algebra.vectors import (
    cosine_similarity,
    dot_product,
    euclidean_distance,
    magnitude,
    manhattan_distance,
    normalize,
)
from reference.core import math_operations as reference

Array = NDArray[np.float64]
Pair = tuple[Array, Array]

OF_ONE = (magnitude, normalize)
OF_TWO = (dot_product, cosine_similarity, euclidean_distance, manhattan_distance)

# Rounding of a sum of at most five terms with absolute values that sum to one.
FIVE_ROUNDINGS = 8 * 5 * float(np.finfo(np.float64).eps)

# The statement promises precision for entries from 1e-200 to 1e200.
powers = st.integers(-199, 197)
# Two rows of one matrix are drawn faster than two vectors.
pairs = matrices(2).map(lambda rows: (rows[0], rows[1]))


def scaled(v: Array, power: int) -> Array:
    """Return v · 10ᵖ, without the entries that fall below what is promised."""
    result = np.asarray(v * 10.0**power, dtype=np.float64)
    result[np.abs(result) < 1e-200] = 0.0
    return result


def test_small_vectors_by_hand() -> None:
    """Vectors small enough for paper give the numbers that paper gives."""
    assert_equal(dot_product([1.0, 2.0, 3.0], [4.0, -5.0, 6.0]), 12.0)
    assert_close(magnitude([2.0, -3.0, 6.0]), 7.0)
    assert_close(normalize([3.0, -4.0]), np.array([0.6, -0.8]))
    assert_close(cosine_similarity([2.0, 0.0], [3.0, -3.0]), 0.5**0.5)
    assert_close(cosine_similarity([1.0, 2.0], [-3.0, -6.0]), -1.0)
    assert_close(euclidean_distance([1.0, 5.0, 2.0], [3.0, 2.0, 8.0]), 7.0)
    assert_equal(manhattan_distance([1.0, 5.0, 2.0], [3.0, 2.0, 8.0]), 11.0)


@given(pairs)
def test_dot_product_is_the_sum_of_products(pair: Pair) -> None:
    """dot_product(v, w) is Σ vᵢwᵢ."""
    # Terms that cancel leave the rounding of the largest ones.
    atol = FIVE_ROUNDINGS * float(np.abs(pair[0] * pair[1]).sum())
    assert_close(dot_product(*pair), reference.dot_product(*pair), rtol=0.0, atol=atol)


@given(vectors(max_size=5), powers)
@example(np.array([3.0, -4.0]), 197)
@example(np.array([3.0, -4.0]), -200)
@example(np.array([0.0, 0.0]), 0)
def test_magnitude_at_any_scale(v: Array, power: int) -> None:
    """The length is exact to rounding, even where its square has no float64."""
    v = scaled(v, power)
    assert_close(magnitude(v), reference.magnitude(v), terms=v.size)


@given(vectors(max_size=5), powers)
@example(np.array([3.0, -4.0]), 0)
@example(np.array([3.0, -4.0]), 197)
@example(np.array([3.0, -4.0]), -200)
@example(np.array([0.0, 0.0]), 0)
def test_normalize_keeps_the_direction(v: Array, power: int) -> None:
    """The result has length 1 and the direction of v; a zero vector stays zero."""
    result = normalize(scaled(v, power))
    assert_shape(result, v.shape)
    assert_dtype(result, np.float64)
    assert_close(result, reference.normalize(scaled(v, power)))
    length = float(np.hypot.reduce(result))
    assert_close(length, float(v.any()), what="the length of normalize(v)", terms=5)


@given(pairs, powers, powers)
@example((np.array([1.0, 2.0]), np.array([3.0, 1.0])), 0, 0)
@example((np.array([1.0, 2.0]), np.array([3.0, 1.0])), 197, 197)
@example((np.array([1.0, 2.0]), np.array([3.0, 1.0])), -200, -200)
@example((np.array([1.0, 2.0]), np.array([3.0, 1.0])), 197, -200)
@example((np.array([0.0, 0.0]), np.array([3.0, 1.0])), 0, 0)
@example((np.array([3.0, 1.0]), np.array([0.0, 0.0])), 0, 0)
def test_cosine_depends_on_the_directions_only(pair: Pair, p: int, q: int) -> None:
    """The cosine ignores both lengths, and is 0.0 where one of them is 0."""
    v, w = scaled(pair[0], p), scaled(pair[1], q)
    expected = reference.cosine_similarity(v, w)
    assert_close(cosine_similarity(v, w), expected, rtol=0.0, atol=FIVE_ROUNDINGS)


@given(seeds())
@example(0)
def test_rounding_does_not_carry_the_cosine_beyond_one(seed: int) -> None:
    """No cosine leaves [−1, 1], not by one bit: arccos would have no answer."""
    # One vector in four or so rounds the wrong way.
    for v in np.random.default_rng(seed).normal(size=(6, 5)):
        for w, expected in ((v, 1.0), (-v, -1.0)):
            cosine = cosine_similarity(v, w)
            assert_close(cosine, expected)
            assert_holds(abs(cosine) <= 1.0, "a cosine in [-1, 1]", actual=cosine)


@given(pairs, powers)
@example((np.array([1.0, 2.0]), np.array([3.0, -2.0])), 0)
@example((np.array([1.0, 2.0]), np.array([3.0, -2.0])), 197)
@example((np.array([1.0, 2.0]), np.array([3.0, -2.0])), -200)
@example((np.array([1e9, 1.0]), np.array([1e9 + 1.0, 1.0])), 0)
def test_distances_at_any_scale(pair: Pair, power: int) -> None:
    """Both distances are exact to rounding, for points far out and close together."""
    v, w = scaled(pair[0], power), scaled(pair[1], power)
    for mine, theirs in (
        (euclidean_distance, reference.euclidean_distance),
        (manhattan_distance, reference.manhattan_distance),
    ):
        distance = theirs(v, w)
        assert_close(mine(v, w), distance, terms=v.size)
        assert_close(mine(w, v), distance, what="the way back", terms=v.size)
        assert_equal(mine(v, v), 0.0, what="the distance of a vector from itself")


def test_empty_vectors() -> None:
    """A vector without entries has length, distance, product and cosine 0.0."""
    assert_equal(magnitude([]), 0.0)
    for function in OF_TWO:
        assert_equal(function([], []), 0.0)
    assert_equal(normalize([]), np.zeros(0))


@given(layouts(vectors(3)))
@example(np.zeros(3))
def test_the_inputs_are_not_changed(v: Array) -> None:
    """Vectors are the same after the call, however they lie in memory."""
    w = np.array([1.0, -2.0, 3.0])
    with unchanged(v=v, w=w):
        lengths = [magnitude(v)]
        answers = [function(v, w) for function in OF_TWO]
        result = normalize(v)
    theirs = (getattr(reference, function.__name__)(v, w) for function in OF_TWO)
    # A product may cancel: by the magnitude of its terms, at most 1e3 · 6.
    assert_close(answers, list(theirs), rtol=1e-13, atol=1e-11)
    assert_close(lengths, [reference.magnitude(v)])
    assert_holds(not np.shares_memory(result, v), "normalize(v) is a new array")


def test_whole_numbers_are_taken_as_floats() -> None:
    """Lists and arrays of whole numbers are taken as float64, whatever their width."""
    v = np.array([100, -128, 3], dtype=np.int8)
    w = np.array([100, 100, 3], dtype=np.uint8)
    for first, second in ((v, w), (v.tolist(), w.tolist())):
        for function, expected in zip(
            OF_TWO,
            (-2791.0, -2791.0 / (26393.0 * 20009.0) ** 0.5, 228.0, 228.0),
            strict=True,
        ):
            assert_close(function(first, second), expected)
        assert_close(magnitude(first), 26393.0**0.5)
        assert_close(normalize(first), v / 26393.0**0.5)
    assert_dtype(normalize(np.zeros(2, dtype=np.int8)), np.float64)


def test_bad_vectors_are_refused() -> None:
    """What is no vector of finite numbers, or of another length, raises by name."""
    bad_vectors = (3.0, [[1.0, 2.0]], [[1.0], [2.0]], [1.0, np.nan], [np.inf, 0.0])
    for bad in bad_vectors:
        for function in OF_ONE:
            assert_raises_naming("v", function, bad)
        for function in OF_TWO:
            assert_raises_naming("v1", function, bad, [1.0, 2.0])
            assert_raises_naming("v2", function, [1.0, 2.0], bad)
    for function in OF_TWO:
        for short, long in (([1.0], [1.0, 2.0]), ([], [1.0]), ([1.0, 2.0], [1.0] * 3)):
            assert_raises_naming("v2", function, short, long)
            assert_raises_naming("v2", function, long, short)
