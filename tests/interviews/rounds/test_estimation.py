import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.rounds.estimation import middle, refusal, score

positive = st.floats(1e-6, 1e15)


@pytest.mark.parametrize(
    ("decades", "credit"),
    [
        (0.0, 1.0),
        (0.1, 1.0),
        (0.11, 0.75),
        (0.3, 0.75),
        (0.31, 0.5),
        (0.5, 0.5),
        (0.51, 0.25),
        (1.0, 0.25),
        (1.01, 0.0),
        (6.0, 0.0),
    ],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_credit_falls_with_the_distance_in_decades(
    decades: float, credit: float, sign: float
) -> None:
    given_value = 3.888e6 * 10 ** (sign * decades)
    earned = score(given_value / 1.02, given_value * 1.02, 3.888e6)
    assert earned.credit == credit
    assert earned.error == pytest.approx(decades, abs=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "credit"),
    [
        (50, 200, 1.0),
        (100 / math.sqrt(10), 100 * math.sqrt(10), 1.0),
        (30, 330, 0.5),
        (10, 1000, 0.5),
        (9, 1111, 0.0),
        (1e-3, 1e7, 0.0),
    ],
)
def test_a_wide_interval_is_worth_less(low: float, high: float, credit: float) -> None:
    assert score(low, high, 100).credit == credit


def test_a_wide_interval_that_is_off_earns_no_more_than_a_narrow_one() -> None:
    assert score(1_000 / 4, 1_000 * 4, 100).credit == 0.25


@given(positive, st.floats(1, 100), positive)
def test_the_unit_does_not_matter(low: float, ratio: float, expected: float) -> None:
    one = score(low, low * ratio, expected)
    other = score(low * 1024, low * ratio * 1024, expected * 1024)
    # Equal but for rounding of the logarithms, far below a border's width.
    assert one.error == pytest.approx(other.error, abs=1e-9)


@given(positive, positive)
def test_the_middle_is_the_geometric_mean(low: float, high: float) -> None:
    assert middle(low, high) ** 2 == pytest.approx(low * high, rel=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (5, 3, "low must not be above high, got 5 to 3"),
        (0, 3, "above zero"),
        (-3, -1, "above zero"),
        (1, math.inf, "finite"),
        (math.nan, 1, "finite"),
    ],
)
def test_what_is_no_interval_is_refused(low: float, high: float, words: str) -> None:
    assert words in refusal(low, high)
    with pytest.raises(ValueError, match=r"must"):
        score(low, high, 10)


def test_an_interval_is_taken() -> None:
    assert refusal(3, 3) == ""


@pytest.mark.parametrize(
    ("low", "high", "credit"),
    [
        (100, 100, 1.0),
        (110, 110, 1.0),
        (100 / 1.1, 100 / 1.1, 1.0),
        (112, 112, 0.75),
        (88, 88.5, 0.75),
        (112, 115, 1.0),
        (190, 190, 0.75),
        (300, 300, 0.5),
    ],
)
def test_false_certainty_is_no_full_mark(
    low: float, high: float, credit: float
) -> None:
    earned = score(low, high, 100)
    assert earned.credit == credit
    assert ("surer than" in earned.why) == (low in (112, 88) and high != 115)
