import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.http import Client, assert_status
from dojo.testing.loops import START, in_virtual_time, now, settle
from dojo.testing.stateful import step
from katas.serving.health_checks import HealthChecker, HealthCheckResult, create_app

# A new application takes some milliseconds.
few = settings(max_examples=10)
quarters = st.integers(0, 12).map(lambda n: n / 4)
messages = st.sampled_from(["", "3 of 4", "é «x»"])
# Never equal to a number of quarters, so that a check ends before its time or after it.
timeouts = st.integers(0, 10).map(lambda n: n / 4 + 0.125)


@dataclass
class Check:
    """What ``run`` tells, after how long; it keeps when it began and was cancelled.

    When it is cancelled it goes on for ``resists`` seconds, if that is not 0.
    """

    told: object = True
    seconds: float = 0.0
    resists: float = 0.0
    began: list[float] = field(default_factory=list)
    cancelled: list[float] = field(default_factory=list)

    async def run(self) -> Any:
        self.began.append(now() - START)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled.append(now() - START)
            if not self.resists:
                raise
            await asyncio.sleep(self.resists)
        if isinstance(self.told, BaseException):
            raise self.told
        return self.told


class Checks:
    """Checks by name, and the checker to which they have been added."""

    def __init__(self) -> None:
        self.checker = HealthChecker()

    def add(self, check: Check, name: str = "a", **options: Any) -> Check:
        resists = f", resists for {check.resists} s" if check.resists else ""
        step(f"# {name} takes {check.seconds} s{resists}; outcome {check.told!r}")
        self.checker.add_check(name, check.run, **options)
        return check

    async def report(self) -> tuple[str, list[tuple[str, bool, str]]]:
        """Run all checks, and return the status and each (name, healthy, message)."""
        report = await self.checker.run_all()
        assert_equal(type(report), dict, "the type of the report")
        assert_equal(set(report), {"status", "checks"}, "the keys of the report")
        results = []
        for name, result in report["checks"].items():
            assert_equal(type(result).__name__, "HealthCheckResult", f"what {name} has")
            results.append((name, result.healthy, result.message))
        return report["status"], results


def status_of(parts: list[tuple[bool, bool]]) -> str:
    """Return the status of the whole: of (healthy, critical) for each check."""
    sick = {critical for healthy, critical in parts if not healthy}
    return "unhealthy" if True in sick else "degraded" if sick else "healthy"


@given(
    st.lists(st.one_of(st.booleans(), st.tuples(st.booleans(), st.text(max_size=3))))
)
@example([(False, "disk full"), True, (True, "3 replicas"), False])
@example([])
@in_virtual_time
async def test_each_check_has_its_result(told: list[Any]) -> None:
    """A result is what the check returned: one of its own, or one for its bool."""
    checks, expected = Checks(), []
    for place, each in enumerate(told):
        name = f"c{9 - place}"
        if isinstance(each, bool):
            checks.add(Check(each), name)
            expected.append((name, each, ""))
        else:
            checks.add(Check(HealthCheckResult(*each)), name)
            expected.append((name, *each))
    _, results = await checks.report()
    assert_equal(results, expected, "each check with its result, in order")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=5))
@example([])
@example([(True, True), (True, False)])
@example([(False, False), (True, True)])
@example([(False, True), (False, False)])
@example([(False, False), (False, True), (True, True)])
@in_virtual_time
async def test_only_critical_checks_make_it_unhealthy(
    parts: list[tuple[bool, bool]],
) -> None:
    """It is unhealthy by a critical check, degraded by others only, else healthy."""
    checks = Checks()
    for place, (healthy, critical) in enumerate(parts):
        checks.add(Check(healthy), f"c{place}", critical=critical)
    status, _ = await checks.report()
    assert_equal(status, status_of(parts), "the status")


@given(st.sampled_from([None, 1, 0, "", "ok", [True], 1.0, (True, "fine")]))
@example(1)
@example("ok")
@example(None)
@in_virtual_time
async def test_nothing_else_is_healthy(told: object) -> None:
    """What is neither a bool nor a result is ill health, with a message."""
    checks = Checks()
    checks.add(Check(told))
    status, [(_, healthy, message)] = await checks.report()
    assert_equal((status, healthy), ("unhealthy", False), "the status, and the check's")
    assert_holds(message != "", "the message is not empty", actual=message)


ERRORS = (
    ConnectionError("db at 10.0.0.1"),
    KeyError("replica"),
    TimeoutError("of the driver"),
    ValueError(),
    asyncio.CancelledError(),
)


@given(st.sampled_from(ERRORS), st.booleans(), quarters)
@example(ConnectionError("db at 10.0.0.1"), True, 0.0)
@example(ValueError(), False, 0.5)
@example(TimeoutError("of the driver"), True, 0.25)
@example(asyncio.CancelledError(), True, 0.25)
@in_virtual_time
async def test_a_check_that_raises_is_unhealthy(
    error: BaseException, critical: bool, seconds: float
) -> None:
    """An exception is the ill health of its check, told in the message, of no other."""
    checks = Checks()
    checks.add(Check(error, seconds), "raises", critical=critical, timeout=8.0)
    other = checks.add(Check(True, 3.5), "other", timeout=8.0)
    status, results = await checks.report()
    (_, healthy, message), rest = results[0], results[1:]
    wanted = "unhealthy" if critical else "degraded"
    assert_equal((status, healthy), (wanted, False), "the status, and the check's")
    assert_equal(rest, [("other", True, "")], "the other check")
    assert_equal(other.cancelled, [], "when the other check was cancelled")
    assert_holds(not message.startswith("timed out"), "it had time", actual=message)
    if not isinstance(error, asyncio.CancelledError):
        for part in (type(error).__name__, str(error)):
            assert_holds(part in message, f"the message has {part!r}", actual=message)


@given(st.lists(quarters, min_size=1, max_size=5))
@example([1.0, 0.25, 3.0])
@example([0.5, 0.5])
@in_virtual_time
async def test_all_checks_run_at_the_same_time(seconds: list[float]) -> None:
    """A report takes as long as the slowest check, and keeps the order of addition."""
    checks = Checks()
    added = [
        checks.add(Check(True, each), f"c{9 - place}", timeout=8.0)
        for place, each in enumerate(seconds)
    ]
    status, results = await checks.report()
    assert_equal(now() - START, max(seconds), "how long the report took")
    began = [check.began for check in added]
    assert_equal(began, [[0.0]] * len(added), "when each check began")
    expected = [(f"c{9 - place}", True, "") for place in range(len(seconds))]
    assert_equal((status, results), ("healthy", expected), "the report")


@given(st.lists(st.tuples(quarters, timeouts), min_size=1, max_size=5))
@example([(3.0, 0.125)])
@example([(3.0, 0.625), (0.5, 0.625), (2.0, 2.125), (3.0, 1.125)])
@in_virtual_time
async def test_each_check_has_its_own_time(parts: list[tuple[float, float]]) -> None:
    """A check past its own time is cancelled then, and unhealthy; others go on."""
    checks = Checks()
    added, expected, cancelled = [], [], []
    for place, (seconds, timeout) in enumerate(parts):
        name, late = f"c{place}", seconds > timeout
        added.append(checks.add(Check(True, seconds), name, timeout=timeout))
        expected.append((name, not late, f"timed out after {timeout} s" * late))
        cancelled.append([timeout] * late)
    status, results = await checks.report()
    assert_equal(now() - START, max(map(min, parts)), "how long the report took")
    assert_equal(results, expected, "each check with its result, in order")
    wanted = status_of([(healthy, True) for _, healthy, _ in expected])
    assert_equal(status, wanted, "the status")
    await settle()
    got = [check.cancelled for check in added]
    assert_equal(got, cancelled, "when each check was cancelled")


@in_virtual_time
async def test_what_holds_if_nothing_is_said() -> None:
    """A check is critical, and has 1 s."""
    checks = Checks()
    checks.add(Check(True, 0.75), "quick")
    late = checks.add(Check(True, 1.25), "late")
    status, results = await checks.report()
    assert_equal(now() - START, 1.0, "how long the report took")
    expected = [("quick", True, ""), ("late", False, "timed out after 1.0 s")]
    assert_equal((status, results), ("unhealthy", expected), "the report")
    await settle()
    assert_equal(late.cancelled, [1.0], "when the late check was cancelled")


@given(st.sampled_from([True, OSError("late")]), st.booleans())
@example(True, False)
@example(OSError("late"), True)
@in_virtual_time
async def test_nobody_waits_for_a_check_that_resists(
    told: object, critical: bool
) -> None:
    """A check that goes on after it is cancelled holds nobody up, and is unhealthy."""
    checks = Checks()
    check = checks.add(Check(told, 2.0, 16.0), timeout=0.5, critical=critical)
    checks.add(Check(True, 0.75), "b")
    status, results = await checks.report()
    assert_equal(now() - START, 0.75, "how long the report took")
    expected = [("a", False, "timed out after 0.5 s"), ("b", True, "")]
    wanted = "unhealthy" if critical else "degraded"
    assert_equal((status, results), (wanted, expected), "the report")
    assert_equal(check.cancelled, [0.5], "when the check was cancelled")


@in_virtual_time
async def test_who_goes_away_leaves_nothing_running() -> None:
    """If a report is cancelled, so are the checks that run for it, and no others."""
    checks = Checks()
    quick = checks.add(Check(True, 0.25), "quick")
    slow = [checks.add(Check(True, 4.0), f"c{n}", timeout=8.0) for n in range(2)]
    step("# run_all() is cancelled after 0.5 s, another one is not")
    cancelled = asyncio.ensure_future(checks.checker.run_all())
    other = asyncio.ensure_future(checks.checker.run_all())
    await asyncio.sleep(0.5)
    cancelled.cancel()
    await settle()
    assert_equal(cancelled.cancelled(), True, "whether run_all raised CancelledError")
    assert_equal([c.cancelled for c in slow], [[0.5]] * 2, "when they were cancelled")
    assert_equal(quick.cancelled, [], "when the one that had ended was cancelled")
    report = await other
    assert_equal(report["status"], "healthy", "the status of the other report")
    assert_equal(now() - START, 4.0, "when the other report was there")


@given(st.lists(st.booleans(), min_size=2, max_size=5))
@example([True, False, True])
@in_virtual_time
async def test_every_report_asks_anew(truth: list[bool]) -> None:
    """Each report runs each check once, and tells what holds now."""
    checks = Checks()
    check = checks.add(Check())
    checks.add(Check(), "b", critical=False)
    for count, healthy in enumerate(truth, 1):
        check.told = healthy
        step(f"# now the outcome of a is {healthy}")
        status, results = await checks.report()
        assert_equal(results, [("a", healthy, ""), ("b", True, "")], "the results")
        assert_equal(status, status_of([(healthy, True)]), "the status")
        assert_equal(len(check.began), count, "how often the check has run")


@in_virtual_time
async def test_bad_arguments_are_refused() -> None:
    """A name that is taken and a timeout not above 0 are refused; nothing is added."""
    checks = Checks()
    add_check = checks.checker.add_check
    for seconds in (0.0, -1.0, math.nan):
        assert_raises_naming("timeout", add_check, "a", Check().run, True, seconds)
    checks.add(Check(False), "a", critical=False)
    other = Check(False)
    assert_raises_naming("name", add_check, "a", other.run)
    assert_equal(other.began, [], "when the refused check ran")
    report = await checks.report()
    assert_equal(report, ("degraded", [("a", False, "")]), "the report")
    checks.add(Check(False), "", timeout=5e-324)
    assert_equal((await checks.report())[0], "unhealthy", "the status with one more")


async def assert_answers(
    checks: Checks, status: str, parts: dict[str, tuple[str, str]]
) -> None:
    """Check status and body of both endpoints; a part is its status and message."""
    __tracebackhide__ = True
    client = Client(create_app(checks.checker))
    components = {
        name: {"status": each, "message": message}
        for name, (each, message) in parts.items()
    }
    codes = {"/health": 200, "/ready": 503 if status == "unhealthy" else 200}
    for path, code in codes.items():
        answer = await client.ask("GET", path)
        assert_status(answer, code)
        body = answer.json()
        expected = {"status": status, "components": components}
        assert_equal(body, expected, f"the body of GET {path}")
        assert_equal(list(body["components"]), list(parts), "the order of components")


@few
@given(
    st.lists(
        st.tuples(
            st.booleans(), st.sampled_from(["", "3 of 4", "é «x»"]), st.booleans()
        ),
        max_size=4,
    )
)
@example([])
@example([(True, "3 of 4", True), (True, "", False)])
@example([(True, "", True), (False, "disk full", False)])
@example([(False, "down", True), (False, "", False), (True, "fine", True)])
@in_virtual_time
async def test_the_endpoints_tell_the_state(
    parts: list[tuple[bool, str, bool]],
) -> None:
    """/health is always 200, /ready 503 if unhealthy, else 200; the body is one."""
    checks, expected = Checks(), {}
    for place, (healthy, message, critical) in enumerate(parts):
        name = f"c{9 - place}"
        result = HealthCheckResult(healthy, message)
        checks.add(Check(result), name, critical=critical)
        expected[name] = ("healthy" if healthy else "unhealthy", message)
    status = status_of([(healthy, critical) for healthy, _, critical in parts])
    await assert_answers(checks, status, expected)


@few
@given(st.booleans())
@example(True)
@example(False)
@in_virtual_time
async def test_the_endpoints_answer_in_time(critical: bool) -> None:
    """Both endpoints run the checks anew, and answer although one of them hangs."""
    checks = Checks()
    hangs = checks.add(Check(True, math.inf), critical=critical, timeout=0.5)
    checks.add(Check(True, 0.25), "b")
    parts = {"a": ("unhealthy", "timed out after 0.5 s"), "b": ("healthy", "")}
    await assert_answers(checks, "unhealthy" if critical else "degraded", parts)
    assert_equal(hangs.began, [0.0, 0.5], "when the check that hangs was run")
    assert_equal(now() - START, 1.0, "how long both answers took")
    await settle()
    assert_equal(hangs.cancelled, [0.5, 1.0], "when it was cancelled")
