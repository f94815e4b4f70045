import math

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from dojo.testing.clock import Clock
from dojo.testing.stateful import StateMachine, run_machine
from katas.drift.alert_manager import Alert, AlertManager

SEVERITIES = ("info", "warning", "error", "critical")

severities = st.sampled_from(SEVERITIES)
messages = st.sampled_from(["disk full", "model drifted"])
# Quarters of a second are exact, so that the end of a cool-down is met exactly.
seconds = st.integers(0, 12).map(lambda quarters: quarters / 4)


class Inbox(list[Alert]):
    """A handler that keeps what it is told."""

    def __call__(self, alert: Alert) -> None:
        self.append(alert)


def manager_of(cooldown: float) -> tuple[AlertManager, Clock, Inbox]:
    """Return a manager, the clock that it reads, and a handler that it calls."""
    clock, inbox = Clock(), Inbox()
    manager = AlertManager(cooldown, clock=clock)
    manager.add_handler(inbox)
    return manager, clock, inbox


def fields(alert: Alert) -> tuple[str, str, dict[str, object], float, int]:
    """Return the five fields of an alert."""
    return (
        alert.severity,
        alert.message,
        alert.metadata,
        alert.timestamp,
        alert.suppressed,
    )


@given(severities, messages, seconds)
@example("critical", "disk full", 0.25)
def test_an_alert_reaches_its_handlers(
    severity: str, message: str, passed: float
) -> None:
    """A handler is told the severity, the message, the metadata and the time."""
    manager, clock, inbox = manager_of(10.0)
    clock.advance(passed)
    assert_equal(manager.alert(severity, message, {"host": "a"}), True)
    assert_equal(len(inbox), 1, "the number of calls")
    told = (severity, message, {"host": "a"}, clock.now, 0)
    assert_equal(fields(inbox[0]), told, "the alert")


def test_no_metadata_is_an_empty_dict() -> None:
    """Without metadata a handler is given {}, and without handlers nothing happens."""
    manager, _, inbox = manager_of(10.0)
    manager.alert("info", "disk full")
    assert_equal(inbox[0].metadata, {}, "metadata")
    assert_equal(AlertManager().alert("info", "disk full"), True)


@given(st.lists(severities, min_size=1, max_size=4), severities)
@example(["error"], "error")
@example(["error"], "warning")
@example(["critical", "info"], "error")
def test_a_handler_hears_what_is_grave_enough(
    thresholds: list[str], severity: str
) -> None:
    """Handlers of that severity and below are called, in the order they were added."""
    manager = AlertManager(10.0, clock=Clock())
    called: list[int] = []
    for number, threshold in enumerate(thresholds):
        manager.add_handler(lambda _, number=number: called.append(number), threshold)
    manager.alert(severity, "disk full")
    rank = SEVERITIES.index(severity)
    expected = [n for n, t in enumerate(thresholds) if SEVERITIES.index(t) <= rank]
    assert_equal(called, expected, "the handlers called")


@given(st.integers(1, 8), st.integers(0, 5))
@example(4, 3)
def test_equal_alerts_are_held_back(cooldown: int, times: int) -> None:
    """Within the cool-down nobody is told; at its end the next one tells how many."""
    manager, clock, inbox = manager_of(float(cooldown))
    assert_equal(manager.alert("error", "disk full"), True)
    for _ in range(times):
        clock.advance(0.125)
        assert_equal(manager.alert("error", "disk full", {"n": 1}), False)
    assert_equal(len(inbox), 1, "the number of calls")
    clock.advance(cooldown - 0.125 * times)
    assert_equal(manager.alert("error", "disk full"), True, "alert at the end")
    assert_equal([each.suppressed for each in inbox], [0, times], "suppressed")


@given(seconds, seconds)
@example(1.0, 1.0)
@example(1.0, 0.75)
def test_the_end_of_the_cool_down_is_exact(cooldown: float, passed: float) -> None:
    """An equal alert goes where clock() − last is at least the cool-down."""
    manager, clock, _ = manager_of(cooldown)
    manager.alert("error", "disk full")
    clock.advance(passed)
    assert_equal(manager.alert("error", "disk full"), passed >= cooldown)


def test_what_is_held_back_does_not_push_the_end_on() -> None:
    """An alert that comes every second is let through once in a cool-down."""
    manager, clock, inbox = manager_of(3.0)
    through = []
    for _ in range(10):
        through.append(manager.alert("error", "disk full"))
        clock.advance(1.0)
    assert_equal(through, [True, False, False] * 3 + [True])
    assert_equal([alert.suppressed for alert in inbox], [0, 2, 2, 2], "suppressed")


def test_other_alerts_have_a_cool_down_of_their_own() -> None:
    """Alerts are equal in severity and message; the metadata does not matter."""
    manager, _, inbox = manager_of(10.0)
    for severity in SEVERITIES:
        for message in ("disk full", "disk", ""):
            assert_equal(manager.alert(severity, message, {"n": 1}), True)
            assert_equal(manager.alert(severity, message, {"n": 2}), False)
    assert_equal(len(inbox), 12, "the number of calls")


def test_a_failing_handler_stops_no_other() -> None:
    """The handlers after one that raises are called; the failure is counted."""
    manager, clock, inbox = manager_of(10.0)

    def broken(_: Alert) -> None:
        raise OSError("the pager is unreachable")

    manager.add_handler(broken)
    later = Inbox()
    manager.add_handler(later)
    assert_equal(manager.failures, 0, "failures")
    assert_equal(manager.alert("error", "disk full"), True)
    assert_equal((len(inbox), len(later)), (1, 1), "the calls around the broken one")
    assert_equal(manager.failures, 1, "failures")
    assert_equal(manager.alert("error", "disk full"), False, "alert once more")
    clock.advance(10.0)
    manager.alert("error", "disk full")
    assert_equal(manager.failures, 2, "failures")


def test_handlers_do_not_share_metadata() -> None:
    """What a handler does to its metadata reaches neither the next nor the caller."""
    manager = AlertManager(10.0, clock=Clock())
    metadata: dict[str, object] = {"host": "a"}
    seen = []

    def greedy(alert: Alert) -> None:
        seen.append(dict(alert.metadata))
        alert.metadata.clear()

    manager.add_handler(greedy)
    manager.add_handler(greedy)
    manager.alert("error", "disk full", metadata)
    assert_equal(seen, [{"host": "a"}] * 2, "what the handlers saw")
    assert_equal(metadata, {"host": "a"}, "the caller's metadata")


class Machine(StateMachine):
    """The manager beside a list of what was let through."""

    @initialize(cooldown=seconds)
    def begin(self, cooldown: float) -> None:
        self.cooldown = cooldown
        self.manager, self.clock, self.inbox = manager_of(cooldown)
        self.past: dict[tuple[str, str], tuple[float, int]] = {}

    @rule(severity=severities, message=messages)
    def alert(self, severity: str, message: str) -> None:
        """Alert, and expect what the list says."""
        key, now = (severity, message), self.clock.now
        last, held_back = self.past.get(key, (-math.inf, 0))
        goes = now - last >= self.cooldown
        assert_equal(self.manager.alert(severity, message), goes)
        if goes:
            self.past = {
                k: v for k, v in self.past.items() if now - v[0] < self.cooldown
            }
            told = (severity, message, {}, now, held_back)
            assert_equal(fields(self.inbox.pop()), told, "the alert")
        self.past[key] = (now, 0) if goes else (last, held_back + 1)
        assert_equal(len(self.inbox), 0, "the number of further calls")
        assert_equal(len(self.manager), len(self.past), "len(manager)")

    @rule(passed=seconds)
    def wait(self, passed: float) -> None:
        """Let time pass."""
        self.clock.advance(passed)


def test_agrees_with_a_plain_model() -> None:
    """In any order of alerts and pauses: one a cool-down, counts and times right."""
    run_machine(Machine)


def test_the_past_is_forgotten() -> None:
    """Alerts whose cool-down is over leave when another one is let through."""
    manager, clock, _ = manager_of(10.0)
    for number in range(50):
        manager.alert("info", f"message {number}")
        clock.advance(1.0)
    assert_equal(len(manager), 10, "len(manager)")


def test_the_default_cool_down_is_five_minutes() -> None:
    """Without an argument an equal alert is held back for 300 seconds."""
    clock = Clock()
    manager = AlertManager(clock=clock)
    manager.alert("error", "disk full")
    clock.advance(299.75)
    assert_equal(manager.alert("error", "disk full"), False, "alert after 299.75 s")
    clock.advance(0.25)
    assert_equal(manager.alert("error", "disk full"), True, "alert after 300 s")


def test_bad_input_is_refused() -> None:
    """Unknown severities and bad cool-downs raise, and change nothing."""
    manager, _, inbox = manager_of(10.0)
    for bad in ("INFO", "fatal", ""):
        assert_raises_naming("severity", manager.alert, bad, "disk full")
        assert_raises_naming("min_severity", manager.add_handler, inbox, bad)
    assert_holds(not inbox, "no handler is called for a bad severity")
    manager.alert("critical", "disk full")
    assert_equal(len(inbox), 1, "the number of handlers")
    for bad_cooldown in (-1.0, -0.25, math.nan):
        assert_raises_naming("cooldown", AlertManager, bad_cooldown)
