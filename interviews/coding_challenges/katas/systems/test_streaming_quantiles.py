import math

from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import (
    assert_close,
    assert_equal,
    assert_holds,
    assert_raises_naming,
)
from katas.systems.streaming_quantiles import QuantileSketch

# A logarithm up to 700 in magnitude, the largest there is, is off by at most about
# 700·ε, and so is, relatively, the end of a bucket: some 2e-13.
ROUNDING = 1e-12

QS = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0]

alphas = st.sampled_from([0.01, 0.05, 0.2, 0.5])
bounds = st.sampled_from([None, 1, 2, 3, 5])
indices = st.integers(-9, 9)
# From 1e-12 to 1e13, and zeros.
values = st.one_of(
    st.just(0.0),
    st.builds(
        lambda digits, power: digits * 10.0**power,
        st.floats(1, 10),
        st.integers(-12, 12),
    ),
)


def _gamma(alpha: float) -> float:
    return (1 + alpha) / (1 - alpha)


def _inside(index: int, alpha: float, share: float = 0.5) -> float:
    """A value in the bucket, that far above its lower end: no rounding moves it out."""
    return _gamma(alpha) ** (index - 1 + share)


def _estimate(index: int, alpha: float) -> float:
    gamma = _gamma(alpha)
    return 2 * gamma**index / (gamma + 1)


def _sketch(
    stream: list[float], alpha: float, bound: int | None = None
) -> QuantileSketch:
    sketch = QuantileSketch(alpha, bound)
    for value in stream:
        sketch.add(value)
    return sketch


def _answers(sketch: QuantileSketch) -> tuple[int, int, list[float]]:
    """All that can be asked of a sketch, at every rank if it is small."""
    quantiles = [sketch.quantile(k / 16) for k in range(17)] if sketch.count else []
    return sketch.count, sketch.buckets, quantiles


def _ranked(stream: list[float], q: float) -> float:
    return sorted(stream)[math.floor(q * (len(stream) - 1))]


def test_a_worked_example() -> None:
    """With α = 1/2, γ is 3: 2 lies in (1, 3], which is answered by 3/2."""
    sketch = QuantileSketch(0.5)
    assert_equal(sketch.count, 0, "the count at first")
    assert_equal(sketch.buckets, 0, "the buckets at first")
    for value in (5.0, 0.0, 2, 0.6, 20.0, 2.5, 0):
        sketch.add(value)
    assert_equal(sketch.count, 7, "the count")
    assert_equal(sketch.buckets, 4, "the buckets")
    expected = [0.0, 0.0, 0.5, 1.5, 1.5, 4.5, 13.5]
    for rank, estimate in enumerate(expected):
        # A little above rank/6, so that rounding does not make it the rank below.
        q = min(1.0, rank / 6 + 1e-9)
        assert_close(sketch.quantile(q), estimate, what=f"the quantile {rank}/6")


@given(st.lists(values, min_size=1, max_size=30), alphas, st.floats(0, 1))
@example([_inside(4, 0.5, 1e-6)], 0.5, 0.5)
@example([_inside(4, 0.01, 1e-6), _inside(4, 0.01, 1 - 1e-6)], 0.01, 0.3)
@example([1e-12, 1e12, 0.0, 1.0, 3e7], 0.05, 0.7)
@example([1e-300, 1e300], 0.01, 1.0)
def test_every_quantile_is_within_alpha(
    stream: list[float], alpha: float, q: float
) -> None:
    """An answer is at most α times the true quantile away from it, at every scale."""
    sketch = _sketch(stream, alpha)
    for asked in (*QS, q):
        estimate, true = sketch.quantile(asked), _ranked(stream, asked)
        assert_holds(type(estimate) is float, "a quantile is a float", actual=estimate)
        error = abs(estimate - true)
        claim = f"the {asked}-quantile is within {alpha} of the true one, relatively"
        within = error <= (alpha + ROUNDING) * true
        assert_holds(within, claim, actual=estimate, expected=true)


@given(
    st.integers(-1000, 1000), alphas.filter(lambda a: a < 0.1), st.floats(0.01, 0.99)
)
@example(3, 0.01, 1e-6)
@example(-3, 0.05, 1 - 1e-6)
@example(0, 0.05, 0.5)
def test_a_bucket_has_one_estimate(index: int, alpha: float, share: float) -> None:
    """All values of a bucket share one counter, and are answered by its estimate."""
    sketch = _sketch([_inside(index, alpha), _inside(index, alpha, share)], alpha)
    assert_equal(sketch.buckets, 1, "the buckets")
    for q in (0, 1):
        # The power of γ is off by as many roundings as its exponent says.
        expected = _estimate(index, alpha)
        assert_close(sketch.quantile(q), expected, rtol=ROUNDING, atol=0.0)
    sketch.add(_inside(index + 1, alpha))
    assert_equal(sketch.buckets, 2, "the buckets, with a value of the next")


@given(st.integers(0, 4), st.integers(-290, -3), bounds)
@example(1, -10, None)
@example(2, -290, 1)
@example(0, -12, 2)
def test_only_zeros_are_zero(zeros: int, power: int, bound: int | None) -> None:
    """Zeros are answered by 0.0 and take no bucket; tiny values are no zeros."""
    tiny = 10.0**power
    sketch = _sketch([-0.0] * zeros, 0.05, bound)
    assert_equal(sketch.count, zeros, "the count")
    assert_equal(sketch.buckets, 0, "the buckets for zeros")
    sketch.add(tiny)
    assert_equal(sketch.buckets, 1, "the buckets with a tiny value")
    for rank in range(zeros):
        quantile = sketch.quantile((rank + 0.5) / zeros)
        assert_equal(quantile, 0.0, f"the answer at rank {rank}")
        assert_equal(math.copysign(1.0, quantile), 1.0, "the sign of zero")
    assert_close(sketch.quantile(1), tiny, rtol=0.05 + ROUNDING, atol=0.0)


@given(st.lists(indices, min_size=2, max_size=9), st.integers(0, 16))
@example([1, 2], 8)
@example([1, 2], 15)
@example([1, 2, 3, 4], 15)
@example([3, 1, 1, 2, 5], 4)
def test_the_rank_is_rounded_down(places: list[int], sixteenths: int) -> None:
    """The quantile is the value of rank ⌊q·(n − 1)⌋, from rank 0, ties included."""
    q = sixteenths / 16
    sketch = _sketch([_inside(place, 0.2) for place in places], 0.2)
    # Sixteenths of small integers are exact.
    place = sorted(places)[sixteenths * (len(places) - 1) // 16]
    expected = _estimate(place, 0.2)
    assert_close(sketch.quantile(q), expected, what=f"the {q}-quantile")


@given(st.lists(indices, min_size=1, max_size=12), st.integers(0, 3), st.integers(1, 5))
@example([1, 5, 9, 5], 1, 2)
@example([9, 5, 1, 1], 0, 2)
@example([-9, -9, 0, 4], 2, 1)
@example([2, 4, 6], 0, 3)
def test_the_lowest_buckets_collapse(places: list[int], zeros: int, bound: int) -> None:
    """The highest buckets stay; what is below is counted in the lowest of them."""
    kept = sorted(set(places))[-bound:]
    sketch = QuantileSketch(0.2, bound)
    for _ in range(zeros):
        sketch.add(0.0)
    for number, place in enumerate(places, 1):
        sketch.add(_inside(place, 0.2))
        full = min(bound, len(set(places[:number])))
        assert_equal(sketch.buckets, full, f"the buckets after {number} values")
    count = zeros + len(places)
    assert_equal(sketch.count, count, "the count")
    moved = [_estimate(max(place, kept[0]), 0.2) for place in places]
    answers = [0.0] * zeros + moved
    for k in range(17):
        expected = _ranked(answers, k / 16)
        assert_close(sketch.quantile(k / 16), expected, what=f"the {k}/16-quantile")


@given(
    st.lists(st.lists(values, max_size=6), min_size=2, max_size=4),
    alphas,
    bounds,
)
@example([[], [1.0, 2.0, 0.0]], 0.05, None)
@example([[0.0, 1.0], [0.0, 1.0, 1.0]], 0.05, 2)
@example([[100.0, 200.0], [1.0, 2.0, 4.0, 8.0]], 0.05, 2)
@example([[1.0, 2.0, 4.0, 8.0], [100.0, 0.0], []], 0.05, 1)
def test_merging_equals_one_sketch(
    parts: list[list[float]], alpha: float, bound: int | None
) -> None:
    """Sketches that are merged, in any order, answer as one to which all was added."""
    whole = [value for part in parts for value in part]
    expected = _answers(_sketch(whole[::-1], alpha, bound))
    for order in (parts, parts[::-1]):
        merged, *others = [_sketch(part, alpha, bound) for part in order]
        for other in others:
            before = _answers(other)
            merged.merge(other)
            assert_equal(_answers(other), before, "the other sketch")
        assert_equal(_answers(merged), expected, "the answers of the merged sketch")
    left = [_answers(other) for other in others]
    merged.add(7.0)
    merged.add(0.0)
    after = [_answers(other) for other in others]
    assert_equal(after, left, "the others, after values were added to the merged")
    again = _answers(_sketch([*whole, 7.0, 0.0], alpha, bound))
    assert_equal(_answers(merged), again, "the merged sketch with further values")
    merged.merge(merged)
    twice = _answers(_sketch([*whole, 7.0, 0.0] * 2, alpha, bound))
    assert_equal(_answers(merged), twice, "the sketch merged with itself")


@given(st.integers(200, 400), st.sampled_from([0.01, 0.05]))
@example(400, 0.01)
def test_buckets_do_not_grow_with_the_stream(size: int, alpha: float) -> None:
    """Over a fixed range of values the buckets are bounded, however long the stream."""
    stream = [1 + (k * 0.618034) % 1 for k in range(size)]
    sketch = _sketch(stream, alpha)
    # The two ends of the range may both lie inside a bucket.
    most = 1 + math.ceil(math.log(2) / math.log(_gamma(alpha)))
    claim = f"at most {most} buckets from 1 to 2"
    assert_holds(sketch.buckets <= most, claim, actual=sketch.buckets)
    assert_equal(sketch.count, size, "the count")


@given(bounds)
@example(None)
@example(2)
def test_other_settings_are_refused(bound: int | None) -> None:
    """A sketch with another alpha or max_buckets is refused, and nothing is changed."""
    sketch = _sketch([0.0, 1.0, 3.0], 0.2, bound)
    before = _answers(sketch)
    for alpha, other_bound in ((0.1, bound), (0.2, 4), (0.2, 7)):
        other = _sketch([0.0, 5.0, 50.0], alpha, other_bound)
        assert_raises_naming("other", sketch.merge, other)
        assert_raises_naming("other", other.merge, sketch)
    assert_equal(_answers(sketch), before, "the answers after the refusals")


@given(st.floats(1e-6, 1e6))
@example(0.1)
@example(1e-6)
def test_bad_arguments_are_refused(beyond: float) -> None:
    """What lies outside its bounds is refused, NaN too, and nothing is changed."""
    for alpha in (0.0, 1.0, 0, 1, -beyond, 1 + beyond, math.nan):
        assert_raises_naming("alpha", QuantileSketch, alpha)
    for bound in (0, -1, -5):
        assert_raises_naming("max_buckets", QuantileSketch, 0.1, bound)
    sketch = QuantileSketch(0.2, max_buckets=3)
    for q in (0, 0.5, 1):
        assert_raises_naming("empty", sketch.quantile, q)
    sketch.add(2.0)
    before = _answers(sketch)
    for value in (-beyond, -5e-324, math.nan, math.inf, -math.inf):
        assert_raises_naming("value", sketch.add, value)
    for q in (-beyond, 1 + beyond, math.nan, math.inf, -5e-324):
        assert_raises_naming("q", sketch.quantile, q)
    assert_equal(_answers(sketch), before, "the answers after the refusals")
    assert_equal(_sketch([0.0], 0.999).quantile(1.0), 0.0, "the quantile of one zero")
