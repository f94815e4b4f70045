"""Information measures against SciPy, and their inequalities."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.spatial import distance

from reference.core.probability import (
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    mutual_information,
)

Array = NDArray[np.float64]

# Terms p·log p are below 40 in magnitude for weights above 1e-12, and there are at
# most 12: the roundings of 1.1e-16 add up to less than 1e-13.
ATOL = 1e-13

PAIRWISE: list[Callable[..., float]] = [cross_entropy, kl_divergence, js_divergence]

weights = st.one_of(st.just(0.0), st.floats(1e-12, 1.0))
bases = st.sampled_from([2.0, math.e, 10.0, 1.5])


@st.composite
def distributions(draw: st.DrawFn, shape: tuple[int, ...]) -> Array:
    """Draw a distribution, often with zeros."""
    drawn = draw(arrays(np.float64, shape, elements=weights))
    if drawn.sum() == 0:
        drawn.flat[draw(st.integers(0, drawn.size - 1))] = 1.0
    return np.asarray(drawn / drawn.sum())


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Array, Array]:
    length = draw(st.integers(1, 12))
    return draw(distributions((length,))), draw(distributions((length,)))


@settings(deadline=None)
@given(pairs(), bases)
def test_entropy_equals_scipy_and_is_bounded(
    pair: tuple[Array, Array], base: float
) -> None:
    p = pair[0]
    result = entropy(p, base=base)
    assert type(result) is float
    assert result == pytest.approx(stats.entropy(p, base=base), abs=ATOL / 0.4)
    assert 0 <= result <= math.log(len(p), base) + ATOL / 0.4


@settings(deadline=None)
@given(pairs(), bases)
def test_kl_divergence_equals_scipy(pair: tuple[Array, Array], base: float) -> None:
    p, q = pair
    result = kl_divergence(p, q, base=base)
    expected = float(stats.entropy(p, q, base=base))
    assert type(result) is float
    assert result == pytest.approx(expected, abs=ATOL / math.log(base))
    assert result >= 0
    assert math.isinf(result) == bool(((q == 0) & (p > 0)).any())


@settings(deadline=None)
@given(pairs(), bases)
def test_cross_entropy_is_entropy_plus_divergence(
    pair: tuple[Array, Array], base: float
) -> None:
    p, q = pair
    expected = float(stats.entropy(p, base=base) + stats.entropy(p, q, base=base))
    result = cross_entropy(p, q, base=base)
    assert result == pytest.approx(expected, abs=ATOL / 0.4)


@settings(deadline=None)
@given(pairs(), bases)
def test_js_divergence_is_scipys_distance_squared(
    pair: tuple[Array, Array], base: float
) -> None:
    p, q = pair
    result = js_divergence(p, q, base=base)
    expected = float(distance.jensenshannon(p, q, base=base)) ** 2
    # SciPy gives NaN where rounding makes its divergence negative.
    if not math.isnan(expected):
        assert result == pytest.approx(expected, abs=ATOL / 0.4)
    assert 0 <= result <= math.log(2) / math.log(base)
    assert result == js_divergence(q, p, base=base)


@settings(deadline=None)
@given(st.data(), st.integers(1, 5), st.integers(1, 5), bases)
def test_mutual_information_is_the_divergence_from_independence(
    data: st.DataObject, m: int, n: int, base: float
) -> None:
    joint = data.draw(distributions((m, n)))
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    result = mutual_information(joint, base=base)
    expected = float(stats.entropy(joint.ravel(), product.ravel(), base=base))
    assert type(result) is float
    # SciPy rescales the product to the sum 1, which it has to within rounding.
    assert result == pytest.approx(expected, abs=ATOL / 0.4)
    bound = min(entropy(joint.sum(axis=1), base), entropy(joint.sum(axis=0), base))
    assert 0 <= result <= bound + ATOL / 0.4
    swapped = mutual_information(joint.T, base=base)
    assert result == pytest.approx(swapped, abs=ATOL / 0.4)


@settings(deadline=None)
@given(pairs())
def test_a_distribution_does_not_diverge_from_itself(
    pair: tuple[Array, Array],
) -> None:
    p, q = pair
    assert kl_divergence(p, p) == 0.0
    assert js_divergence(p, p) == pytest.approx(0, abs=1e-15)
    assert mutual_information(np.outer(p, q)) == pytest.approx(0, abs=ATOL)


def test_known_values_and_default_units() -> None:
    assert entropy([0.5, 0.5]) == 1.0
    assert entropy([0.25] * 4) == 2.0
    assert entropy([1.0, 0.0]) == 0.0
    assert entropy([1]) == 0.0
    uniform, sure = [0.5, 0.5], [1.0, 0.0]
    assert cross_entropy(uniform, uniform) == pytest.approx(math.log(2), rel=1e-15)
    assert kl_divergence(sure, uniform) == pytest.approx(math.log(2), rel=1e-15)
    assert kl_divergence(sure, uniform, base=2) == 1.0
    assert kl_divergence(uniform, sure) == math.inf
    assert cross_entropy(uniform, sure) == math.inf
    assert js_divergence([1, 0], [0, 1]) == math.log(2)
    assert js_divergence([1, 0], [0, 1], base=2) == 1.0
    equal = mutual_information([[0.5, 0.0], [0.0, 0.5]])
    assert equal == pytest.approx(math.log(2), rel=1e-15)
    assert mutual_information([[0.25, 0.25], [0.25, 0.25]]) == 0.0


def test_a_zero_result_has_no_sign() -> None:
    for base in (2, 0.5):
        assert math.copysign(1, entropy([1.0], base)) == 1
        assert math.copysign(1, kl_divergence([1.0], [1.0], base)) == 1


def test_a_base_below_one_turns_the_sign() -> None:
    # As SciPy does: log to the base ½ is −log to the base 2.
    assert entropy([0.5, 0.5], base=0.5) == -1.0
    assert js_divergence([1, 0], [0, 1], base=0.5) == -1.0


def test_tiny_probabilities_neither_underflow_nor_overflow() -> None:
    tiny = 5e-324
    nats = -math.log(tiny)
    assert kl_divergence([1.0, 0.0], [tiny, 1.0]) == pytest.approx(nats, rel=1e-15)
    assert kl_divergence([tiny, 1.0], [1.0, tiny]) == pytest.approx(nats, rel=1e-15)
    assert js_divergence([tiny, 1.0], [0.0, 1.0]) == 0.0
    joint = [[tiny, 0.0], [0.0, 1.0]]
    assert mutual_information(joint) == pytest.approx(0, abs=1e-300)


def test_rounded_probabilities_are_taken_as_given() -> None:
    p = np.full(7, 1 / 7, dtype=np.float32)
    assert entropy(p) == pytest.approx(math.log2(7), abs=1e-6)
    # Sums off by the tolerance bring no false divergence.
    off = np.array([0.5, 0.5 - 9e-7])
    assert js_divergence(off, off) == pytest.approx(0, abs=1e-15)
    assert kl_divergence(off, off) == 0.0
    assert entropy([1 + 9e-7]) == 0.0


BAD = [
    ([0.5, 0.4], ValueError),
    ([0.5, 0.5 + 2e-6], ValueError),
    ([1.5, -0.5], ValueError),
    ([math.nan, 1.0], ValueError),
    ([math.inf, 0.0], ValueError),
    ([1.7e308, 1.7e308], ValueError),
    ([], ValueError),
    (1.0, ValueError),
    ([[0.5, 0.5], [0.5]], ValueError),
    ([1j, 0], TypeError),
    (["a", "b"], TypeError),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("bad", "error"), BAD)
def test_what_is_no_distribution_is_refused_by_name(
    bad: ArrayLike, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"^p must be"):
        entropy(bad)
    for measure in PAIRWISE:
        with pytest.raises(error, match=r"^p must be"):
            measure(bad, [0.5, 0.5])
        with pytest.raises(error, match=r"^q must be"):
            measure([0.5, 0.5], bad)
    with pytest.raises(error, match=r"^joint_probs must be"):
        mutual_information(bad)


def test_wrong_shapes_are_refused_by_name() -> None:
    for measure in PAIRWISE:
        with pytest.raises(ValueError, match=r"^q must be as long as p"):
            measure([0.5, 0.5], [1.0])
    with pytest.raises(ValueError, match=r"^p must be"):
        entropy([[0.5, 0.5]])
    for joint in ([0.5, 0.5], np.full((2, 2, 2), 1 / 8), np.empty((0, 3))):
        with pytest.raises(ValueError, match=r"^joint_probs must be"):
            mutual_information(joint)


@pytest.mark.parametrize("base", [0, 1, -2, math.nan, math.inf])
def test_bad_bases_are_refused(base: float) -> None:
    for measure in PAIRWISE:
        with pytest.raises(ValueError, match=r"^base must be"):
            measure([1.0], [1.0], base=base)
    with pytest.raises(ValueError, match=r"^base must be"):
        entropy([1.0], base)
    with pytest.raises(ValueError, match=r"^base must be"):
        mutual_information([[1.0]], base)
