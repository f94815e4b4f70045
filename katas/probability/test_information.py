import math
from collections.abc import Callable

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_holds,
    assert_raises_naming,
    layouts,
    probabilities,
    unchanged,
)
from katas.probability.information import (
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    mutual_information,
)
from reference.core import probability as reference

Array = NDArray[np.float64]
Pair = tuple[Array, Array]

# What the logarithms of six terms, each at most 28 times its probability of 1e-12 or
# more, round to. A divergence is the difference of such sums, so its error is absolute.
ATOL = 1e-13

# One strategy for each length, since making them anew for each example takes longer
# than the functions under test.
of_length = {n: probabilities(n) for n in range(1, 7)}
pairs = st.one_of([st.tuples(one, one) for one in of_length.values()])
bases = st.sampled_from([2.0, math.e, 10.0, 0.5])


def _table(values: Array) -> Array:
    values = values if values.any() else values + 1.0
    return np.asarray(values / values.sum(), dtype=np.float64)


# Joint tables with empty cells, rows and columns, over many orders of magnitude.
tables = hnp.arrays(
    np.float64,
    st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (2, 4), (4, 3)]),
    elements=st.sampled_from([0.0, 1.0, 2.0, 5.0, 1e-3, 1e-9]),
    fill=st.nothing(),
).map(_table)

OVER_TWO: tuple[tuple[Callable[..., float], Callable[..., float]], ...] = (
    (cross_entropy, reference.cross_entropy),
    (kl_divergence, reference.kl_divergence),
    (js_divergence, reference.js_divergence),
)


def test_entropy_by_hand() -> None:
    """A fair coin tells one bit, eight equal outcomes three, a certain one nothing."""
    assert_close(entropy([0.5, 0.5]), 1.0)
    assert_close(entropy([0.125] * 8), 3.0)
    assert_close(entropy([0.5, 0.25, 0.125, 0.125]), 1.75)
    assert_close(entropy([0.0, 1.0, 0.0]), 0.0)
    assert_close(entropy([1.0]), 0.0)
    assert_close(entropy([0.5, 0.5], base=math.e), 0.6931471805599453)
    assert_close(entropy([0.1] * 10, base=10), 1.0)


@given(probabilities(), bases)
@example(np.array([0.25, 0.75]), 2.0)
@example(np.array([0.5, 0.0, 0.5]), 2.0)
def test_entropy_agrees_with_the_reference(p: Array, base: float) -> None:
    """H(p) is −Σ pᵢ·log pᵢ in units of `base`, where 0·log 0 counts 0."""
    expected = reference.entropy(p, base)
    assert_close(entropy(p, base), expected, rtol=1e-13, atol=ATOL)
    if base == 2.0:
        assert_close(entropy(p), expected, rtol=1e-13, atol=ATOL)


def test_two_distributions_by_hand() -> None:
    """Nats by default: KL of (½, ½) from (¼, ¾) is ½·log(4/3), and so on."""
    p, q = [0.5, 0.5], [0.25, 0.75]
    # ½·log 4 + ½·log(4/3); the cross-entropy less log 2; and the other way round.
    assert_close(cross_entropy(p, q), 0.5 * math.log(16 / 3))
    assert_close(kl_divergence(p, q), 0.5 * math.log(4 / 3))
    assert_close(kl_divergence(q, p), 0.75 * math.log(3) - math.log(2))
    # The middle is (3/8, 5/8).
    expected = 0.25 * (math.log(4 / 3) + math.log(4 / 5))
    expected += 0.5 * (0.25 * math.log(2 / 3) + 0.75 * math.log(6 / 5))
    assert_close(js_divergence(p, q), expected, rtol=1e-13)


@given(pairs, bases)
@example((np.array([0.25, 0.75]), np.array([0.5, 0.5])), math.e)
@example((np.array([0.5, 0.0, 0.5]), np.array([0.25, 0.25, 0.5])), math.e)
@example((np.array([0.5, 0.5]), np.array([0.0, 1.0])), 2.0)
def test_two_distributions_agree_with_the_reference(pair: Pair, base: float) -> None:
    """H(p, q), KL(p ‖ q) and JS(p, q) follow their definitions in any base."""
    for mine, theirs in OVER_TWO:
        what = f"{mine.__name__} in base {base:g}"
        expected = theirs(*pair, base)
        assert_close(mine(*pair, base), expected, what=what, rtol=1e-13, atol=ATOL)
        if base == math.e:
            assert_close(mine(*pair), expected, what=what, rtol=1e-13, atol=ATOL)


def test_an_excluded_outcome_is_infinitely_surprising() -> None:
    """Cross-entropy and KL are ∞ where q is 0 and p is not, but not where p is 0."""
    possible, excluded = [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]
    for function in (cross_entropy, kl_divergence):
        assert_close(function(possible, excluded), math.inf)
        assert_close(function(possible, excluded, base=2), math.inf)
        # The one possible outcome has ½ in q; the outcome that is 0 in both counts 0.
        assert_close(function(excluded, possible), math.log(2))
    assert_close(cross_entropy([0.0, 1.0], [0.0, 1.0]), 0.0)
    assert_close(kl_divergence([0.0, 1.0], [0.0, 1.0]), 0.0)


@given(pairs)
@example((np.array([1.0, 0.0]), np.array([0.0, 1.0])))
@example((np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.0, 0.0, 0.25, 0.75])))
@example((np.array([0.9, 0.1]), np.array([0.2, 0.8])))
def test_js_is_symmetric_and_at_most_log_2(pair: Pair) -> None:
    """JS(p, q) = JS(q, p) ≤ log 2, which it reaches where p and q share no outcome."""
    p, q = pair
    there = js_divergence(p, q)
    assert_close(js_divergence(q, p), there, rtol=1e-13, atol=ATOL)
    claim = "JS is at most log 2"
    assert_holds(there <= math.log(2) + ATOL, claim, actual=there)
    if not (p * q).any():
        assert_close(there, math.log(2), rtol=1e-13)


def test_mutual_information_by_hand() -> None:
    """Equal coins share log 2, independent ones nothing, whichever the table."""
    assert_close(mutual_information([[0.5, 0.0], [0.0, 0.5]]), math.log(2))
    assert_close(mutual_information([[0.0, 0.5], [0.5, 0.0]], base=2), 1.0)
    assert_close(mutual_information([[0.25, 0.25], [0.25, 0.25]]), 0.0, atol=ATOL)
    assert_close(mutual_information([[0.25], [0.75]]), 0.0, atol=ATOL)
    assert_close(mutual_information([[0.25, 0.75]]), 0.0, atol=ATOL)
    # Y is 0 when X is; when X is 1 it is a coin: H(Y) − H(Y | X) in bits.
    shared = 2 - 0.75 * math.log2(3) - 0.5
    assert_close(mutual_information([[0.5, 0.0], [0.25, 0.25]], base=2), shared)


@given(tables, bases)
@example(np.array([[0.1, 0.2, 0.0], [0.3, 0.0, 0.4]]), math.e)
@example(np.array([[0.1, 0.2], [0.0, 0.4], [0.3, 0.0]]), 2.0)
def test_mutual_information_agrees_with_the_reference(
    joint: Array, base: float
) -> None:
    """I(X; Y) compares the joint table with the product of its row and column sums."""
    expected = reference.mutual_information(joint, base)
    result = mutual_information(joint, base)
    assert_close(result, expected, rtol=1e-13, atol=4 * ATOL)
    if base == math.e:
        assert_close(mutual_information(joint), expected, rtol=1e-13, atol=4 * ATOL)


@given(of_length[3], of_length[4])
def test_independent_variables_share_nothing(p: Array, q: Array) -> None:
    """The table pᵢ·qⱼ has no mutual information; X with itself has the entropy of X."""
    assert_close(mutual_information(np.outer(p, q)), 0.0, atol=4 * ATOL)
    itself = mutual_information(np.diag(p), base=2)
    assert_close(itself, reference.entropy(p), rtol=1e-13, atol=4 * ATOL)


def test_nothing_overflows_or_vanishes() -> None:
    """Quotients beyond 1e308 and products below 1e-308 do no harm."""
    p, q = [0.5, 0.5], [1e-310, 1.0]
    # ½·(log ½ − log q) for the first, ½·log ½ for the second.
    surprise = -0.5 * math.log(1e-310)
    assert_close(cross_entropy(p, q), surprise)
    assert_close(kl_divergence(p, q), surprise - math.log(2))
    assert_close(kl_divergence([1e-310, 1.0], p), math.log(2))
    # The small cell is alone in its row and its column: 1e-200·log(1 / 1e-200).
    shared = mutual_information([[1e-200, 0.0], [0.0, 1.0]])
    assert_close(shared, 1e-200 * math.log(1e200))


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@example(0, 3)
def test_nothing_is_negative(seed: int, n: int) -> None:
    """Rounding never makes a measure negative: its root is a number, 0 at least."""
    p = np.random.default_rng(seed).dirichlet(np.ones(n))
    q = np.nextafter(p, 1.0)
    # A sum of 1 + 5e-7 makes the logarithm of a certain outcome positive.
    more = np.array([1.0 + 5e-7])
    for what, result in (
        ("H(p)", entropy(more)),
        ("H(p, q)", cross_entropy([1.0], more)),
        ("KL(p ‖ q)", kl_divergence([1.0], more)),
        ("KL(p ‖ q)", kl_divergence(p, q)),
        ("JS(p, q)", js_divergence(p, q)),
        ("I(X; Y)", mutual_information([more])),
        ("I(X; Y)", mutual_information(np.outer(p, p))),
    ):
        assert_holds(0.0 <= result < 1e-6, f"{what} is not negative", actual=result)
    assert_close(kl_divergence(p, p), 0.0, atol=ATOL)
    assert_close(js_divergence(p, p), 0.0, atol=ATOL)


@given(layouts(of_length[4]), layouts(of_length[4]))
@example(np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.25, 0.25, 0.25, 0.25]))
def test_the_arguments_are_not_changed(p: Array, q: Array) -> None:
    """The distributions stay as they were, lie as they may in memory."""
    table = np.asfortranarray(np.outer(p, q))
    with unchanged(p=p, q=q, table=table):
        result = entropy(p)
        mutual_information(table)
        for mine, _ in OVER_TWO:
            mine(p, q)
    assert_close(result, reference.entropy(p), rtol=1e-13, atol=ATOL)


BAD_VECTORS: tuple[object, ...] = (
    1.0,
    [],
    [[0.5, 0.5]],
    [0.5, 0.4],
    [0.5, 0.6],
    [1.5, -0.5],
    [1.0, np.nan],
    [np.inf, 0.0],
    # The rounding of float32 goes through, a millionth and more does not.
    [0.5, 0.5 + 1.001e-6],
    [0.5, 0.5 - 1.001e-6],
)


def test_what_is_no_distribution_is_refused() -> None:
    """Probabilities are non-negative with sum 1, or the argument is named."""
    good = [0.5, 0.5]
    for bad in BAD_VECTORS:
        assert_raises_naming("p", entropy, bad)
        for function, _ in OVER_TWO:
            assert_raises_naming("p", function, bad, good)
            assert_raises_naming("q", function, good, bad)
    for function, _ in OVER_TWO:
        assert_raises_naming("q", function, good, [1.0])
        assert_raises_naming("q", function, [1.0], good)
    for bad in (
        [0.5, 0.5],
        [[]],
        [[[0.5, 0.5]]],
        [[0.5, 0.5], [0.5, 0.5]],
        [[1.5, -0.5]],
        [[1.0, np.nan]],
        [[1.0 + 1.001e-6]],
    ):
        assert_raises_naming("joint_probs", mutual_information, bad)


def test_a_sum_off_by_a_millionth_is_taken_as_given() -> None:
    """A sum within 1e-6 of 1 passes, and nothing is rescaled."""
    for extra in (0.999e-6, -0.999e-6):
        p = [0.5, 0.5 + extra]
        expected = 0.5 * math.log(2) - p[1] * math.log(p[1])
        assert_close(entropy(p, math.e), expected)
        assert_close(cross_entropy(p, [0.5, 0.5]), (1 + extra) * math.log(2))
        # Each variable tells the other, so that what they share is their entropy.
        assert_close(mutual_information([[0.5, 0.0], [0.0, p[1]]]), expected)


def test_a_base_without_a_logarithm_is_refused() -> None:
    """A base is positive, finite and not 1; below 1 the result changes its sign."""
    p, q = [0.5, 0.5], [0.25, 0.75]
    functions: tuple[tuple[Callable[..., float], tuple[object, ...]], ...] = (
        (entropy, (p,)),
        (cross_entropy, (p, q)),
        (kl_divergence, (p, q)),
        (js_divergence, (p, q)),
        (mutual_information, ([p, [0.0, 0.0]],)),
    )
    for function, arguments in functions:
        for base in (0, -2.0, 1, 1.0, np.nan, np.inf):
            assert_raises_naming("base", function, *arguments, base=base)
    assert_close(entropy(p, base=0.5), -1.0)
    assert_close(entropy(p, base=4), 0.5)
