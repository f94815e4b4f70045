"""The rate limiter against exact arithmetic."""

import math
from collections import OrderedDict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dojo.testing.clock import Clock
from dojo.testing.threads import VisitedText, all_at_once, run_inside
from reference.production.serving.rate_limit import Decision, RateLimiter

RATE, BURST, CLIENTS = 0.5, 3.0, 3
# Quarters of seconds, of which half a token a second makes eighths: all exact.
QUARTERS = st.integers(0, 24).map(lambda quarters: quarters / 4)
COSTS = st.integers(1, 24).map(lambda eighths: eighths / 8)


class LimiterMachine(RuleBasedStateMachine):
    """Compare with buckets of fractions, the least recently asked one first."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.limiter = RateLimiter(RATE, BURST, CLIENTS, clock=self.clock)
        self.buckets: OrderedDict[str, tuple[Fraction, Fraction]] = OrderedDict()

    @rule(seconds=QUARTERS)
    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.now += seconds

    @rule(seconds=QUARTERS)
    def go_back(self, seconds: float) -> None:
        """Set the clock back."""
        self.clock.now -= seconds

    @rule(client=st.sampled_from("abcd"), cost=COSTS)
    def allow(self, client: str, cost: float) -> None:
        """Ask both."""
        now, burst = Fraction(self.clock.now), Fraction(BURST)
        tokens, seen = self.buckets.pop(client, (burst, now))
        tokens = min(burst, tokens + Fraction(RATE) * max(Fraction(0), now - seen))
        missing = max(Fraction(0), Fraction(cost) - tokens)
        if not missing:
            tokens -= Fraction(cost)
        self.buckets[client] = tokens, max(seen, now)
        if len(self.buckets) > CLIENTS:
            self.buckets.popitem(last=False)
        wait = missing / Fraction(RATE)
        expected = Decision(not missing, float(tokens), float(wait))
        assert self.limiter.allow(client, cost) == expected

    @invariant()
    def holds_as_many(self) -> None:
        """As many clients are remembered."""
        assert len(self.limiter) == len(self.buckets)


TestRateLimiter = LimiterMachine.TestCase

ANY_RATE = st.floats(1e-3, 1e3)


@given(
    rate=ANY_RATE,
    burst=st.floats(1, 1e3),
    start=st.floats(0, 1e9),
    costs=st.lists(st.floats(1e-3, 1), min_size=1, max_size=20),
)
def test_who_waits_as_told_is_allowed(
    rate: float, burst: float, start: float, costs: list[float]
) -> None:
    clock = Clock(start)
    limiter = RateLimiter(rate, burst, clock=clock)
    for cost in costs:
        decision = limiter.allow("a", cost * burst)
        if decision.allowed:
            assert decision.retry_after == 0
            continue
        assert decision.retry_after > 0
        end = clock.now + decision.retry_after
        # Refusals on the way take nothing, and add no rounding either.
        clock.now += decision.retry_after / 3
        refused = not limiter.allow("a", burst).allowed
        clock.now = end
        if refused:
            assert limiter.allow("a", cost * burst).allowed


@given(
    rate=ANY_RATE,
    burst=st.floats(1, 1e3),
    steps=st.lists(
        st.tuples(st.floats(0, 10), st.floats(1e-3, 1)), min_size=1, max_size=30
    ),
)
def test_no_more_than_burst_and_rate(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    clock = Clock(0.0)
    limiter = RateLimiter(rate, burst, clock=clock)
    taken = 0.0
    for seconds, share in steps:
        clock.now += seconds
        cost = share * burst
        decision = limiter.allow("a", cost)
        assert 0 <= decision.remaining <= burst
        taken += cost if decision.allowed else 0.0
        # Some six roundings a step, each of 2**-53 of numbers below the bound.
        bound = burst + rate * clock.now
        assert taken <= bound * (1 + 200 * 2**-53)


@pytest.mark.parametrize("taken", [1e6, 2e-10, 5e-10, 1e-7])
def test_a_tiny_rate_and_a_late_clock_end_in_an_answer(taken: float) -> None:
    # A tick of this clock is worth far less than the last bit of so many tokens.
    clock = Clock(1e9)
    limiter = RateLimiter(1e-12, 1e6, clock=clock)
    assert limiter.allow("a", taken).allowed
    decision = limiter.allow("a", 1e6)
    assert not decision.allowed
    clock.now += decision.retry_after
    assert limiter.allow("a", 1e6).allowed


def test_threads_together_take_no_more_than_there_is() -> None:
    limiter = RateLimiter(1.0, 1000.0, clock=Clock())
    allowed: list[bool] = []

    def work(_: int) -> None:
        allowed.extend(limiter.allow("a").allowed for _ in range(500))

    all_at_once(work)
    assert sum(allowed) == 1000
    assert len(allowed) == 4000


@pytest.mark.parametrize("turn", range(3))
def test_a_request_in_the_midst_of_another_takes_no_token_twice(turn: int) -> None:
    limiter = RateLimiter(1.0, 1.0, clock=Clock())
    client = VisitedText("a")
    decisions = run_inside(
        lambda: limiter.allow(client), lambda: limiter.allow("a"), turn
    )
    assert sorted(decision.allowed for decision in decisions) == [False, True]


def test_the_number_of_clients_is_bounded_under_threads() -> None:
    limiter = RateLimiter(1.0, 1.0, 5, clock=Clock())

    def work(place: int) -> None:
        for turn in range(100):
            limiter.allow(f"{place}-{turn}")
            assert len(limiter) <= 5

    all_at_once(work)


@pytest.mark.parametrize("number", [0, -1.0, math.nan, math.inf])
def test_wrong_numbers(number: float) -> None:
    with pytest.raises(ValueError, match="rate must be"):
        RateLimiter(number, 1.0)
    with pytest.raises(ValueError, match="burst must be"):
        RateLimiter(1.0, number)
    limiter = RateLimiter(1.0, 2.0)
    with pytest.raises(ValueError, match="cost must be"):
        limiter.allow("a", number)
    assert len(limiter) == 0


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="max_clients must be at least 1, got 0"):
        RateLimiter(1.0, 1.0, 0)
    with pytest.raises(TypeError, match="rate must be a number"):
        RateLimiter("1", 1.0)  # type: ignore[arg-type]  # the wrong type is the test
    limiter = RateLimiter(1.0, 2.0)
    with pytest.raises(ValueError, match=r"at most burst, which is 2, got 2\.5"):
        limiter.allow("a", 2.5)
    with pytest.raises(TypeError, match="client must be text, got None"):
        limiter.allow(None)  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(TypeError, match="cost must be a number, got True"):
        limiter.allow("a", True)
    assert len(limiter) == 0
