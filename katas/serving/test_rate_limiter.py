import inspect
import math

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.clock import Clock
from dojo.testing.stateful import StateMachine, run_machine
from dojo.testing.threads import VisitedClock, VisitedText, run_inside
from katas.serving.rate_limiter import Decision, RateLimiter
from reference.production.serving import rate_limit

# Sums, products and quotients of these are exact in binary, so that a bucket can be
# met at exactly the cost of a request.
rates = st.sampled_from([0.5, 1.0, 2.0, 4.0])
bursts = st.integers(1, 6).map(float)
quarters = st.integers(0, 24).map(lambda n: n / 4)
costs = st.sampled_from([0.5, 1.0, 2.0])
clients = st.sampled_from("abcd")


def limiter_of(
    rate: float, burst: float, max_clients: int = 100
) -> tuple[RateLimiter, Clock]:
    """Return a limiter and the clock that it reads."""
    clock = Clock()
    return RateLimiter(rate, burst, max_clients, clock=clock), clock


def answer(decision: Decision) -> tuple[bool, float, float]:
    """Return the three fields, whatever type carries them."""
    return decision.allowed, decision.remaining, decision.retry_after


@given(rates, st.integers(1, 6))
@example(1.0, 1)
@example(2.0, 3)
def test_a_burst_passes_and_no_more(rate: float, burst: int) -> None:
    """A new client may send `burst` requests at once; the next one is refused."""
    limiter, _ = limiter_of(rate, float(burst))
    for left in range(burst - 1, -1, -1):
        assert_equal(answer(limiter.allow("a")), (True, float(left), 0.0))
    assert_equal(answer(limiter.allow("a")), (False, 0.0, 1 / rate))


@given(rates, bursts, st.lists(st.tuples(quarters, costs), max_size=12))
@example(1.0, 1.0, [(0.0, 1.0), (1.0, 1.0)])
@example(2.0, 1.0, [(0.0, 1.0), (0.25, 0.5), (0.0, 1.0), (0.5, 0.5)])
@example(1.0, 2.0, [(0.0, 2.0), (0.5, 2.0), (0.5, 2.0), (1.0, 2.0)])
@example(4.0, 2.0, [(0.0, 2.0), (6.0, 2.0), (0.0, 0.5)])
def test_agrees_with_the_reference(
    rate: float, burst: float, requests: list[tuple[float, float]]
) -> None:
    """A bucket refills with `rate` tokens a second, up to `burst`, and no further."""
    limiter, clock = limiter_of(rate, burst)
    expected = rate_limit.RateLimiter(rate, burst, clock=clock)
    for seconds, wanted in requests:
        clock.advance(seconds)
        cost = min(wanted, burst)
        assert_equal(
            answer(limiter.allow("a", cost)), answer(expected.allow("a", cost))
        )


@given(rates, bursts, costs)
@example(1.0, 2.0, 2.0)
@example(0.5, 1.0, 1.0)
def test_coming_back_in_time_is_enough(rate: float, burst: float, cost: float) -> None:
    """A refused request passes after exactly `retry_after` seconds, and not before."""
    cost = min(cost, burst)
    limiter, clock = limiter_of(rate, burst)
    limiter.allow("a", burst)
    wait = limiter.allow("a", cost).retry_after
    assert_equal(wait, cost / rate, "retry_after")
    clock.advance(wait - 0.0625)
    early = limiter.allow("a", cost)
    assert_equal(answer(early), (False, cost - rate / 16, 0.0625))
    clock.advance(0.0625)
    assert_equal(answer(limiter.allow("a", cost)), (True, 0.0, 0.0))


@given(rates, bursts, st.integers(1, 8))
@example(1.0, 1.0, 3)
def test_a_refusal_takes_nothing(rate: float, burst: float, times: int) -> None:
    """However often a client is refused, its tokens come back as fast as ever."""
    limiter, clock = limiter_of(rate, burst)
    limiter.allow("a", burst)
    for _ in range(times):
        clock.advance(burst / rate / 16)
        assert_equal(limiter.allow("a", burst).allowed, False, "allowed")
    clock.advance(burst / rate * (16 - times) / 16)
    assert_equal(answer(limiter.allow("a", burst)), (True, 0.0, 0.0))


@given(rates, bursts, st.lists(st.integers(1, 40), min_size=1, max_size=30))
@example(1.0, 1.0, [8] * 30)
def test_no_window_gets_more_than_its_share(
    rate: float, burst: float, gaps: list[int]
) -> None:
    """In any window of w seconds at most burst + rate · w requests are allowed."""
    limiter, clock = limiter_of(rate, burst)
    passed = []
    for gap in gaps:
        clock.advance(gap / 16)
        passed += [clock.now] * sum(limiter.allow("a").allowed for _ in range(3))
    for first, begin in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            most = burst + rate * (end - begin)
            claim = f"at most {most} requests in {end - begin} s"
            assert_holds(last - first + 1 <= most, claim, actual=last - first + 1)


@given(bursts)
@example(1.0)
def test_clients_do_not_share_a_bucket(burst: float) -> None:
    """What one client spends is not missing in the bucket of another."""
    limiter, _ = limiter_of(1.0, burst)
    limiter.allow("a", burst)
    assert_equal(answer(limiter.allow("b", burst)), (True, 0.0, 0.0))
    assert_equal(limiter.allow("a").allowed, False)
    assert_equal(len(limiter), 2, "len(limiter)")


class Machine(StateMachine):
    """A few clients, fewer buckets, and a clock that may go back."""

    @initialize(rate=rates, burst=bursts, most=st.integers(1, 3))
    def begin(self, rate: float, burst: float, most: int) -> None:
        self.rate, self.burst, self.most = rate, burst, most
        self.limiter, self.clock = limiter_of(rate, burst, most)
        # [client, level, when], the one that asked last at the end
        self.buckets: list[tuple[str, float, float]] = []

    @rule(client=clients, cost=costs)
    def ask(self, client: str, cost: float) -> None:
        """Ask, and expect what a plain list of buckets says."""
        cost, now = min(cost, self.burst), self.clock.now
        level, since = self.burst, now
        for bucket in self.buckets:
            if bucket[0] == client:
                _, level, since = bucket
        level = min(self.burst, level + self.rate * max(0.0, now - since))
        allowed = level >= cost
        wait = 0.0 if allowed else (cost - level) / self.rate
        level -= cost if allowed else 0.0
        others = [bucket for bucket in self.buckets if bucket[0] != client]
        self.buckets = [*others, (client, level, max(now, since))][-self.most :]
        assert_equal(answer(self.limiter.allow(client, cost)), (allowed, level, wait))
        assert_equal(len(self.limiter), len(self.buckets), "len(limiter)")

    @rule(seconds=quarters)
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    @rule(seconds=quarters)
    def go_back(self, seconds: float) -> None:
        """Set the clock back."""
        self.clock.advance(-seconds)


def test_agrees_with_a_plain_model() -> None:
    """Buckets are as a list of them says: bounded, the least recent asker forgotten."""
    run_machine(Machine)


def test_the_least_recent_asker_is_forgotten() -> None:
    """A refused request counts as asking, and who is forgotten begins with `burst`."""
    limiter, _ = limiter_of(1.0, 1.0, 2)
    limiter.allow("a")
    limiter.allow("b")
    assert_equal(limiter.allow("a").allowed, False, "allowed, of a")
    limiter.allow("c")
    assert_equal(len(limiter), 2, "len(limiter)")
    assert_equal(limiter.allow("a").allowed, False, "allowed, of a after c came")
    assert_equal(limiter.allow("b").allowed, True, "allowed, of b, forgotten for c")
    default = inspect.signature(RateLimiter).parameters["max_clients"].default
    assert_equal(default, 10_000, "the default of max_clients")


def test_a_clock_that_goes_back_moves_no_tokens() -> None:
    """Nothing is refilled until the clock has caught up with the last refill."""
    limiter, clock = limiter_of(1.0, 2.0)
    limiter.allow("a", 2.0)
    clock.advance(-4.0)
    assert_equal(answer(limiter.allow("a")), (False, 0.0, 1.0))
    clock.advance(4.0)
    assert_equal(answer(limiter.allow("a")), (False, 0.0, 1.0))
    clock.advance(1.0)
    assert_equal(answer(limiter.allow("a")), (True, 0.0, 0.0))


@given(st.integers(0, 8), st.booleans())
@example(0, True)
@example(1, True)
@example(2, True)
@example(3, True)
@example(1, False)
def test_threads_never_spend_the_same_token(turn: int, known: bool) -> None:
    """A second request that comes in the midst of the first one finds what is left."""
    limiter = RateLimiter(1.0, 2.0, clock=VisitedClock())
    if known:
        limiter.allow("a")
    asked = VisitedText("a")
    both = run_inside(
        lambda: limiter.allow(asked), lambda: limiter.allow("a"), turn=turn
    )
    left = sorted(answer(decision) for decision in both)
    expected = [(True, 0.0, 0.0), (True, 1.0, 0.0)]
    if known:
        expected = [(False, 0.0, 1.0), (True, 0.0, 0.0)]
    assert_equal(left, expected, "the two decisions")


def test_bad_input_is_refused() -> None:
    """Rates, sizes and costs without a meaning raise, name the argument, take none."""
    for bad in (0.0, -1.0, math.inf, math.nan):
        assert_raises_naming("rate", RateLimiter, bad, 1.0)
        assert_raises_naming("burst", RateLimiter, 1.0, bad)
    for few in (0, -1):
        assert_raises_naming("max_clients", RateLimiter, 1.0, 1.0, few)
    limiter, _ = limiter_of(1.0, 2.0)
    for bad in (0.0, -1.0, 2.5, math.inf, math.nan):
        assert_raises_naming("cost", limiter.allow, "a", bad)
    assert_equal(len(limiter), 0, "len(limiter) after refusals")
    assert_equal(answer(limiter.allow("a", 2.0)), (True, 0.0, 0.0))
