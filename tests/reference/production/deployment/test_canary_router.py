"""CanaryRouter: which keys go where, and how often the test is wrong."""

import hashlib
import math
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reference.production.deployment import CanaryRouter

KEYS = [f"user-{number}" for number in range(20_000)]
SIMULATED = 2_000
P0, P1, ALPHA = 0.1, 0.3, 0.05
# Under P0 the log ratio falls by 0.12 a request: beyond 300 nothing happens any more.
HORIZON = 300


def router(share: float = 0.1, **options: object) -> CanaryRouter:
    return CanaryRouter("v1", "v2", share, **options)  # type: ignore[arg-type]  # options by name


def on_canary(chosen: CanaryRouter, keys: list[str] = KEYS) -> set[str]:
    return {key for key in keys if chosen.route(key) == "v2"}


def requests_until_rollback(error_rate: float, seed: int) -> list[int | None]:
    """The request that ended each simulated canary, None where none did."""
    generator = np.random.default_rng(seed)
    outcomes = generator.random((SIMULATED, HORIZON)) < error_rate
    ends: list[int | None] = []
    for canary in outcomes:
        chosen = router(acceptable_error_rate=P0, harmful_error_rate=P1, alpha=ALPHA)
        end = None
        for number, error in enumerate(canary, start=1):
            chosen.record("v2", error)
            if chosen.rolled_back:
                end = number
                break
        ends.append(end)
    return ends


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_share_of_keys_is_exact_in_expectation(share: float) -> None:
    low, high = stats.binom.interval(0.999, len(KEYS), share)
    assert low <= len(on_canary(router(share))) <= high


@given(st.text(), st.text(), st.floats(0, 1))
def test_route_is_the_hash_of_salt_and_key(key: str, salt: str, share: float) -> None:
    text = f"{salt}:{key}".encode("utf-8", "surrogatepass")
    place = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
    expected = "v2" if place < share * 2.0**64 else "v1"
    chosen = router(share, salt=salt)
    assert chosen.route(key) == chosen.route(key) == expected


def test_share_zero_is_nobody_and_share_one_is_everybody() -> None:
    assert on_canary(router(0.0)) == set()
    assert on_canary(router(1)) == set(KEYS)


def test_growing_share_moves_no_key_back() -> None:
    chosen = router(0.0)
    before: set[str] = set()
    for share in (0.01, 0.05, 0.05, 0.3, 0.999, 1.0):
        chosen.set_share(share)
        now = on_canary(chosen)
        assert before <= now
        before = now
    assert before == set(KEYS)


def test_salts_choose_independently() -> None:
    both = on_canary(router(0.3, salt="a")) & on_canary(router(0.3, salt="b"))
    low, high = stats.binom.interval(0.999, len(KEYS), 0.09)
    assert low <= len(both) <= high


def test_rolls_back_from_the_boundary_on() -> None:
    chosen = router()  # log 5 an error: two reach log 25, three log 125 >= log 100
    states = []
    for _ in range(3):
        chosen.record("v2", True)
        states.append((chosen.rolled_back, bool(on_canary(chosen))))
    assert states == [(False, True), (False, True), (True, False)]


def test_boundary_itself_rolls_back() -> None:
    # log 10 an error and 1 / alpha = 100: two errors are the boundary exactly
    chosen = router(acceptable_error_rate=0.01, harmful_error_rate=0.1, alpha=0.01)
    states = []
    for _ in range(2):
        chosen.record("v2", True)
        states.append(chosen.rolled_back)
    assert states == [False, True]


@given(st.lists(st.booleans(), max_size=60))
def test_evidence_is_the_sum_of_the_steps(outcomes: list[bool]) -> None:
    chosen = router()
    evidence, crossed = 0.0, False
    for error in outcomes:
        chosen.record("v2", error)
        evidence += math.log(5) if error else math.log(0.95 / 0.99)
        crossed = crossed or evidence >= math.log(100)
        # float64 sums of at most 60 terms below 2 in size
        assert chosen.log_likelihood_ratio == pytest.approx(evidence, abs=1e-12)
        assert chosen.rolled_back == crossed


def test_rollback_is_for_good() -> None:
    chosen = router(0.5)
    for _ in range(3):
        chosen.record("v2", True)
    for _ in range(10_000):
        chosen.record("v2", False)
    assert chosen.log_likelihood_ratio < 0
    assert chosen.rolled_back
    chosen.set_share(1.0)
    assert on_canary(chosen) == set()
    with pytest.raises(RuntimeError, match="rolled back"):
        chosen.promote()


def test_errors_of_stable_roll_nothing_back() -> None:
    chosen = router()
    for _ in range(1_000):
        chosen.record("v1", True)
    assert not chosen.rolled_back
    assert chosen.error_rate("v1") == 1.0
    assert chosen.error_rate("v2") is None


def test_promote_and_manual_rollback() -> None:
    chosen = router()
    chosen.promote()
    assert chosen.share == 1.0
    assert on_canary(chosen) == set(KEYS)
    for _ in range(3):  # the test goes on
        chosen.record("v2", True)
    assert on_canary(chosen) == set()
    other = router(1.0)
    other.rollback()
    other.rollback()
    assert other.rolled_back
    assert on_canary(other) == set()


def test_false_rollbacks_stay_within_alpha() -> None:
    false = sum(end is not None for end in requests_until_rollback(P0, seed=1))
    # Ville: at most alpha. One-sided, 99.9 %.
    assert false <= stats.binom.ppf(0.999, SIMULATED, ALPHA)
    # Wald's identity: P0(crossing) = E1[exp(-ratio at crossing)], and a crossing
    # overshoots by less than one error's step: at least alpha * p0 / p1.
    assert false >= stats.binom.ppf(0.001, SIMULATED, ALPHA * P0 / P1)


def test_power_and_expected_sample_number() -> None:
    ends = requests_until_rollback(P1, seed=2)
    needed = np.array([end for end in ends if end is not None], dtype=float)
    assert len(needed) == SIMULATED  # drift 0.15 a request: e^-20 misses the horizon
    # Wald: E[N] = E[ratio at crossing] / KL(p1 || p0), the ratio between the boundary
    # and one error's step above it.
    information = P1 * math.log(P1 / P0) + (1 - P1) * math.log((1 - P1) / (1 - P0))
    lowest = math.log(1 / ALPHA) / information
    highest = (math.log(1 / ALPHA) + math.log(P1 / P0)) / information
    margin = 4 * needed.std(ddof=1) / math.sqrt(SIMULATED)
    assert lowest - margin <= needed.mean() <= highest + margin


def test_no_record_is_lost_between_threads() -> None:
    chosen = router(acceptable_error_rate=0.5, harmful_error_rate=0.9, alpha=1e-9)
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for step in range(2_000):
            chosen.record("v2", (step + number) % 4 == 0)
            chosen.route(f"{number}:{step}")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert chosen.error_rate("v2") == 0.25
    expected = 4_000 * math.log(0.9 / 0.5) + 12_000 * math.log(0.1 / 0.5)
    assert chosen.log_likelihood_ratio == pytest.approx(expected, rel=1e-12)
    assert not chosen.rolled_back


def test_a_rollback_is_seen_by_every_thread() -> None:
    chosen = router(1.0)
    barrier = threading.Barrier(4)

    def work(_: int) -> str:
        barrier.wait()
        chosen.record("v2", True)
        barrier.wait()
        return chosen.route("key")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == ["v1"] * 4


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"share": -0.1}, "share"),
        ({"share": 1.1}, "share"),
        ({"share": math.nan}, "share"),
        ({"acceptable_error_rate": 0.0}, "acceptable_error_rate"),
        ({"harmful_error_rate": 1.0}, "harmful_error_rate"),
        ({"harmful_error_rate": 0.01}, "harmful_error_rate"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 1.0}, "alpha"),
        ({"canary": "v1"}, "canary"),
    ],
)
def test_values_outside_the_domain(options: dict[str, object], argument: str) -> None:
    given_options = {"stable": "v1", "canary": "v2", **options}
    with pytest.raises(ValueError, match=rf"^{argument} must be"):
        CanaryRouter(**given_options)  # type: ignore[arg-type]  # options by name


def test_wrong_types_and_unknown_versions() -> None:
    chosen = router()
    with pytest.raises(TypeError, match=r"^share must be"):
        router("0.1")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"^key must be"):
        chosen.route(7)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"^error must be"):
        chosen.record("v2", 1)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ValueError, match=r"^version must be"):
        chosen.record("v3", False)
    with pytest.raises(ValueError, match=r"^version must be"):
        chosen.error_rate("v3")
    with pytest.raises(ValueError, match=r"^share must be"):
        chosen.set_share(2.0)
    assert chosen.share == 0.1


def test_rates_whose_reciprocal_overflows() -> None:
    chosen = router(alpha=1e-320)
    for _ in range(math.ceil(320 * math.log(10) / math.log(5)) + 1):
        chosen.record("v2", True)
    assert chosen.rolled_back
    chosen = router(acceptable_error_rate=1e-320)
    chosen.record("v2", False)
    assert math.isfinite(chosen.log_likelihood_ratio)
    assert not chosen.rolled_back
    chosen.record("v2", True)
    assert chosen.rolled_back
