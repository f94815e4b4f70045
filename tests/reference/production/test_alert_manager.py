"""The alert manager beside a plain model, on a clock that the tests move."""

import logging
import threading
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reference.production.monitoring import SEVERITIES, Alert, AlertManager

SECONDS = st.integers(0, 12).map(lambda quarters: quarters / 4)
SEVERITY = st.sampled_from(SEVERITIES)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Machine(RuleBasedStateMachine):
    """Several handlers, some of which fail, and a table of what was let through."""

    @initialize(cooldown=SECONDS)
    def begin(self, cooldown: float) -> None:
        """Begin without handlers."""
        self.clock = Clock()
        self.cooldown = cooldown
        self.manager = AlertManager(cooldown, clock=self.clock)
        self.told: list[tuple[int, Alert]] = []
        self.expected: list[tuple[int, Alert]] = []
        self.handlers: list[tuple[str, bool]] = []
        self.past: dict[tuple[str, str], tuple[float, int]] = {}
        self.failures = 0

    @rule(least=SEVERITY, fails=st.booleans())
    def add(self, least: str, fails: bool) -> None:
        """Add a handler that keeps what it is told, and may fail then."""
        place = len(self.handlers)

        def handler(alert: Alert) -> None:
            self.told.append((place, alert))
            if fails:
                raise OSError("unreachable")

        self.manager.add_handler(handler, least)
        self.handlers.append((least, fails))

    @rule(severity=SEVERITY, message=st.sampled_from(["disk", "drift"]))
    def alert(self, severity: str, message: str) -> None:
        """Alert, and expect what the table says."""
        key, now = (severity, message), self.clock.now
        last, held = self.past.get(key, (float("-inf"), 0))
        goes = now - last >= self.cooldown
        assert self.manager.alert(severity, message, {"k": [1]}) == goes
        if not goes:
            self.past[key] = (last, held + 1)
            return
        self.past = {
            other: entry
            for other, entry in self.past.items()
            if now - entry[0] < self.cooldown
        } | {key: (now, 0)}
        for place, (least, fails) in enumerate(self.handlers):
            if SEVERITIES.index(severity) >= SEVERITIES.index(least):
                told = Alert(severity, message, {"k": [1]}, now, held)
                self.expected.append((place, told))
                self.failures += fails

    @rule(passed=SECONDS)
    def wait(self, passed: float) -> None:
        """Let time pass."""
        self.clock.now += passed

    @invariant()
    def agrees(self) -> None:
        """Compare all that was told, in order."""
        assert self.told == self.expected
        assert self.manager.failures == self.failures
        assert len(self.manager) == len(self.past)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_end_of_the_cool_down() -> None:
    clock = Clock()
    manager = AlertManager(clock=clock)
    told: list[Alert] = []
    manager.add_handler(told.append)
    assert manager.alert("error", "disk")
    clock.now += 299.75
    assert not manager.alert("error", "disk", {"other": "metadata"})
    clock.now += 0.25
    assert manager.alert("error", "disk")
    assert [(one.timestamp, one.suppressed) for one in told] == [(100, 0), (400, 1)]
    assert told[0].metadata == {}


def test_metadata_is_copied_to_its_depth() -> None:
    manager = AlertManager(clock=Clock())
    seen: list[str] = []

    def greedy(alert: Alert) -> None:
        seen.append(repr(alert.metadata))
        inner = alert.metadata["hosts"]
        assert isinstance(inner, list)
        inner.clear()

    manager.add_handler(greedy)
    manager.add_handler(greedy)
    metadata = {"hosts": ["a"]}
    manager.alert("error", "disk", metadata)
    assert seen == ["{'hosts': ['a']}"] * 2
    assert metadata == {"hosts": ["a"]}


class Odd:
    """Fails to be copied, and as it likes to be shown."""

    def __init__(self, *, shown: bool) -> None:
        self.shown = shown

    def __deepcopy__(self, memory: object) -> "Odd":
        """Refuse."""
        raise RuntimeError("one of a kind")

    def __repr__(self) -> str:
        if self.shown:
            return "odd"
        raise RuntimeError("not to be shown")


class TwoPartError(Exception):
    """Takes two arguments and passes one on, so that it cannot be copied."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def test_what_cannot_be_copied_is_told_as_text() -> None:
    manager = AlertManager(clock=Clock())
    told: list[Alert] = []
    manager.add_handler(told.append)
    manager.add_handler(told.append)
    metadata = {
        "odd": Odd(shown=True),
        "hidden": Odd(shown=False),
        "error": TwoPartError(1, "boom"),
        "lock": threading.Lock(),
        "hosts": ["a"],
    }
    assert manager.alert("critical", "disk", metadata)
    assert (len(told), manager.failures) == (2, 0)
    for alert in told:
        assert alert.metadata["odd"] == "odd"
        assert str(alert.metadata["hidden"]).startswith("<")
        assert alert.metadata["error"] == "TwoPartError('boom')"
        assert str(alert.metadata["lock"]).startswith("<unlocked")
        assert alert.metadata["hosts"] == ["a"]


def test_a_clock_that_goes_back_ends_cool_downs() -> None:
    clock = Clock()
    manager = AlertManager(10.0, clock=clock)
    clock.now = 10_000.0
    assert manager.alert("error", "disk")
    assert not manager.alert("error", "disk")
    clock.now = 0.0
    assert manager.alert("error", "disk")
    assert not manager.alert("error", "disk")
    clock.now = 10_000.0
    manager.alert("error", "other")
    for second in range(100):
        clock.now = float(second)
        manager.alert("info", f"message {second}")
        assert len(manager) <= 10


def test_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Alert) -> None:
        raise OSError("the pager is unreachable")

    manager = AlertManager(clock=Clock())
    manager.add_handler(broken)
    with caplog.at_level(logging.ERROR):
        assert manager.alert("error", "disk")
    assert "an alert handler failed" in caplog.text
    assert "the pager is unreachable" in caplog.text


def test_what_ends_the_program_is_not_caught() -> None:
    def stop(_: Alert) -> None:
        raise KeyboardInterrupt

    manager = AlertManager(clock=Clock())
    manager.add_handler(stop)
    with pytest.raises(KeyboardInterrupt):
        manager.alert("error", "disk")


def test_the_past_is_bounded() -> None:
    clock = Clock()
    manager = AlertManager(10.0, clock=clock)
    for number in range(1000):
        manager.alert("info", f"message {number}")
        manager.alert("info", f"message {number}")
        assert len(manager) <= 10
        clock.now += 1.0


def test_one_of_many_threads_gets_through() -> None:
    manager = AlertManager(clock=Clock())
    told: list[Alert] = []
    manager.add_handler(told.append)
    ready = threading.Barrier(8)
    results: list[bool] = []

    def work() -> None:
        ready.wait()
        results.extend(manager.alert("error", "disk") for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(told), sum(results), len(results)) == (1, 1, 400)


def test_a_handler_may_alert_and_add_handlers() -> None:
    manager = AlertManager(clock=Clock())
    told: list[Alert] = []

    def more(alert: Alert) -> None:
        if alert.message == "disk":
            manager.add_handler(told.append)
            manager.alert("info", "and more")

    manager.add_handler(more)
    assert manager.alert("error", "disk")
    assert [one.message for one in told] == ["and more"]


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda m: m.alert("fatal", "disk"), ValueError, "severity"),
        (lambda m: m.alert("INFO", "disk"), ValueError, "severity"),
        (lambda m: m.alert("info", 1), TypeError, "message"),
        (lambda m: m.alert("info", "disk", [1]), TypeError, "metadata"),
        (lambda m: m.add_handler(print, "low"), ValueError, "min_severity"),
        (lambda m: m.add_handler(None), TypeError, "handler"),
        (lambda _: AlertManager(-1.0), ValueError, "cooldown"),
        (lambda _: AlertManager(float("nan")), ValueError, "cooldown"),
        (lambda _: AlertManager(True), TypeError, "cooldown"),
    ],
)
def test_wrong_arguments_are_named(
    call: Callable[[AlertManager], object], error: type[Exception], name: str
) -> None:
    manager = AlertManager(clock=Clock())
    with pytest.raises(error, match=f"^{name} must be"):
        call(manager)
    assert len(manager) == 0
