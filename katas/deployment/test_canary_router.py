import hashlib
import math
from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dojo.testing import (
    assert_close,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    seeds,
)
from katas.deployment.canary_router import CanaryRouter
from reference.production import deployment

KEYS = [f"user-{number}" for number in range(2000)]

shares = st.integers(0, 16).map(lambda sixteenths: sixteenths / 16)
keys = st.text(st.characters(codec="utf-8"), max_size=8)
answers = st.lists(st.tuples(st.sampled_from(["v1", "v2"]), st.booleans()), max_size=40)
# Errors and good answers of the canary, errors often enough that some roll back.
ERRORS = [("v2", True)] * 12
GOOD = [("v2", False)] * 12


def place_of(key: str, salt: str) -> Fraction:
    """Return u(key) as the statement defines it."""
    digest = hashlib.sha256(f"{salt}:{key}".encode()).digest()
    return Fraction(int.from_bytes(digest[:8], "big"), 2**64)


def of_canary(router: CanaryRouter) -> set[str]:
    """Return the keys that the canary gets."""
    return {key for key in KEYS if router.route(key) == "v2"}


@given(keys, shares, st.sampled_from(["", "june", ":"]))
@example("user-1", 0.5, "")
@example("", 0.5, "june")
@example("é", 0.5, "")
def test_a_key_goes_where_its_hash_says(key: str, share: float, salt: str) -> None:
    """The canary answers exactly where u(key) < share."""
    router = CanaryRouter("v1", "v2", share, salt=salt)
    expected = "v2" if place_of(key, salt) < share else "v1"
    assert_equal(router.route(key), expected, f"the version for {key!r}")


def test_the_share_itself_is_not_below_the_share() -> None:
    """A key with u(key) = share exactly stays with the stable version."""
    # Multiples of 2⁻⁵³ are floats: one key in 2,048 has such a place.
    exact = next(
        key for key in map(str, range(100_000)) if place_of(key, "") * 2**53 % 1 == 0
    )
    share = float(place_of(exact, ""))
    assert_equal(CanaryRouter("v1", "v2", share).route(exact), "v1", "at the share")
    above = math.nextafter(share, 1.0)
    assert_equal(CanaryRouter("v1", "v2", above).route(exact), "v2", "just below it")


def test_the_share_is_met() -> None:
    """Of 2,000 keys the canary gets its share, none at 0 and all at 1."""
    for share in (0.0, 0.01, 0.1, 0.5, 1.0):
        got = len(of_canary(CanaryRouter("v1", "v2", share)))
        # Five standard deviations of a binomial count.
        slack = 5 * math.sqrt(2000 * share * (1 - share))
        claim = f"{2000 * share:g} ± {slack:.0f} of 2000 keys at share {share}"
        assert_holds(abs(got - 2000 * share) <= slack, claim, actual=got)
    got = len(of_canary(CanaryRouter("v1", "v2")))
    assert_equal(got, sum(place_of(key, "") < 0.1 for key in KEYS), "keys at default")


@given(shares, shares)
@example(0.25, 0.5)
def test_a_greater_share_takes_no_key_away(one: float, other: float) -> None:
    """Every key that the canary has at some share it has at any greater one."""
    router = CanaryRouter("v1", "v2", min(one, other))
    before = of_canary(router)
    router.set_share(max(one, other))
    assert_holds(before <= of_canary(router), "no key leaves the canary")
    router.set_share(min(one, other))
    assert_equal(of_canary(router), before, "the keys at the first share again")


def test_another_salt_draws_other_keys() -> None:
    """Half of the keys drawn under one salt are not drawn under another."""
    june = of_canary(CanaryRouter("v1", "v2", 0.5, salt="june"))
    july = of_canary(CanaryRouter("v1", "v2", 0.5, salt="july"))
    claim = "some 500 of 2000 keys are drawn by both"
    # The overlap of two halves has a standard deviation of 22 around 500.
    assert_holds(390 <= len(june & july) <= 610, claim, actual=len(june & july))


@given(answers)
@example([("v1", True), ("v1", False), ("v2", False)])
@example([("v2", True)])
def test_error_rates_are_counted(recorded: list[tuple[str, bool]]) -> None:
    """The error rate of a version is its errors over its answers, None for none."""
    router = CanaryRouter("v1", "v2")
    for version, error in recorded:
        router.record(version, error)
    for version in ("v1", "v2"):
        errors = [error for name, error in recorded if name == version]
        expected = sum(errors) / len(errors) if errors else None
        assert_equal(router.error_rate(version), expected, f"the rate of {version}")


rates = st.sampled_from([(0.01, 0.05), (0.02, 0.3), (0.1, 0.2), (0.25, 0.9)])


@given(rates, st.sampled_from([0.01, 0.05, 0.3]), answers)
@example((0.01, 0.05), 0.01, ERRORS)
@example((0.1, 0.2), 0.05, ERRORS)
@example((0.1, 0.2), 0.3, [*GOOD, *ERRORS])
@example((0.01, 0.05), 0.01, [*GOOD[:3], *ERRORS, *GOOD])
@example((0.02, 0.3), 0.3, [("v1", True), *GOOD[:8], ("v2", True), ("v2", True)])
def test_it_rolls_back_when_the_evidence_is_there(
    rate: tuple[float, float], alpha: float, recorded: list[tuple[str, bool]]
) -> None:
    """It is rolled back from the answer at which S ≥ log(1/α) on, and not before."""
    options = {"acceptable_error_rate": rate[0], "harmful_error_rate": rate[1]}
    router = CanaryRouter("v1", "v2", 1.0, alpha=alpha, **options)
    twin = deployment.CanaryRouter("v1", "v2", 1.0, alpha=alpha, **options)
    # exp(S) in fractions of the decimal rates: 1/α is never met exactly by these.
    acceptable, harmful = (Fraction(str(each)) for each in rate)
    ratio, rolled_back = Fraction(1), False
    for version, error in recorded:
        router.record(version, error)
        twin.record(version, error)
        if version == "v2":
            ratio *= harmful / acceptable if error else (1 - harmful) / (1 - acceptable)
        rolled_back = rolled_back or ratio >= 1 / Fraction(str(alpha))
        assert_equal(router.rolled_back, rolled_back, "rolled_back")
        assert_equal(router.rolled_back, twin.rolled_back, "rolled_back")
        assert_equal(router.route("a"), "v1" if rolled_back else "v2", "route")


def test_the_limit_itself_is_enough() -> None:
    """S = log(1/α) exactly rolls back: p₁/p₀ = 2 and 1/α = 4 need two errors."""
    router = CanaryRouter(
        "v1", "v2", acceptable_error_rate=0.25, harmful_error_rate=0.5, alpha=0.25
    )
    router.record("v2", error=True)
    assert_equal(router.rolled_back, False, "rolled_back after one error")
    router.record("v2", error=True)
    assert_equal(router.rolled_back, True, "rolled_back after two errors")


def test_the_defaults() -> None:
    """With rates of 1 % and 5 % and α = 1 % the third error in a row rolls back."""
    router = CanaryRouter("v1", "v2")
    seen = []
    for error in (True, True, True):
        router.record("v2", error)
        seen.append(router.rolled_back)
    assert_equal(seen, [False, False, True], "rolled_back")
    # 3 log 5 exceeds log 100 by 0.223, and a good answer takes 0.041 from it.
    for good, expected in ((5, True), (6, False)):
        router = CanaryRouter("v1", "v2")
        for error in (*[False] * good, True, True, True):
            router.record("v2", error)
        what = f"rolled_back after {good} good answers and 3 errors"
        assert_equal(router.rolled_back, expected, what)


def test_the_stable_version_is_not_on_trial() -> None:
    """Errors of the stable version are counted, and roll nothing back."""
    router = CanaryRouter("v1", "v2", 1.0)
    for _ in range(50):
        router.record("v1", error=True)
    assert_equal(router.rolled_back, False, "rolled_back")
    assert_equal(router.error_rate("v1"), 1.0, "the error rate of v1")


def test_a_rollback_is_for_good() -> None:
    """Good answers and a new share bring the canary not back; answers still count."""
    for by_hand in (True, False):
        router = CanaryRouter("v1", "v2", 0.5)
        if by_hand:
            router.rollback()
        else:
            for _ in range(3):
                router.record("v2", error=True)
        for _ in range(200):
            router.record("v2", error=False)
        router.set_share(1.0)
        assert_equal(router.rolled_back, True, "rolled_back")
        assert_equal(of_canary(router), set(), "the keys of the canary")
        expected = 0.0 if by_hand else 3 / 203
        assert_close(router.error_rate("v2"), expected, what="the error rate of v2")


def test_a_canary_that_was_rolled_back_is_not_promoted() -> None:
    """promote() raises RuntimeError after a rollback, and moves no traffic."""
    router = CanaryRouter("v1", "v2", 1.0)
    router.rollback()
    assert_raises_naming("v2", router.promote, error=RuntimeError)
    assert_equal(router.route("a"), "v1", "the version after promote")


def test_a_promoted_canary_is_still_watched() -> None:
    """After promote() all keys go to the canary, and errors still roll it back."""
    router = CanaryRouter("v1", "v2", 0.25)
    router.promote()
    assert_equal(len(of_canary(router)), len(KEYS), "the number of keys")
    for _ in range(3):
        router.record("v2", error=True)
    assert_equal(router.rolled_back, True, "rolled_back")
    assert_equal(of_canary(router), set(), "the keys of the canary")


@settings(max_examples=2)
@given(seeds())
@example(0)
def test_a_good_canary_stays(seed: int) -> None:
    """At the acceptable error rate at most a share α is ever rolled back."""
    rng = np.random.default_rng(seed)
    lost = 0
    for errors in rng.random((100, 300)) < 0.1:
        router = CanaryRouter(
            "v1", "v2", acceptable_error_rate=0.1, harmful_error_rate=0.3, alpha=0.05
        )
        for error in errors.tolist():
            router.record("v2", error)
        lost += router.rolled_back
    # Binomial(100, 0.05) exceeds 18 once in 10⁶.
    assert_holds(lost <= 18, "at most 18 of 100 good ones are lost", actual=lost)


def test_bad_input_is_refused() -> None:
    """Shares, rates and versions without a meaning raise, and change nothing."""
    assert_raises_naming("canary", CanaryRouter, "v1", "v1")
    for bad in (0.0, 1.0, -0.5, math.nan):
        for name in ("acceptable_error_rate", "alpha"):
            assert_raises_naming(name, CanaryRouter, "v1", "v2", **{name: bad})
    for bad in (0.01, 0.005, 1.0, 1.5, math.nan):
        name = "harmful_error_rate"
        assert_raises_naming(name, CanaryRouter, "v1", "v2", **{name: bad})
    router = CanaryRouter("v1", "v2", 0.5)
    before = of_canary(router)
    for bad in (-0.01, 1.01, math.nan):
        assert_raises_naming("share", CanaryRouter, "v1", "v2", bad)
        assert_raises_naming("share", router.set_share, bad)
    assert_equal(of_canary(router), before, "the keys of the canary")
    assert_raises_naming("version", router.record, "v3", True)
    assert_raises_naming("version", router.error_rate, "v3")
