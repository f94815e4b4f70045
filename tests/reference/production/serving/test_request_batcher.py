"""The batcher on virtual time, against a simulation of what its words promise."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dojo.testing.loops import START, now, run_virtual, settle
from reference.production.serving.batching import QueueFull, RequestBatcher

Kind = Literal["submit", "cancel", "close"]
Outcome = tuple[str, float]  # what became of an item, and when

# Items that make trouble, by their remainder of division by 10.
FAILS_ALONE, FAILS_ALL, DROPS_RESULTS = 3, 7, 9
# Fractions of a second keep events of different kinds apart: submits come at whole
# seconds, windows end at quarters, cancellations and the end have eighths, and each
# batch adds a hair.
WINDOW, CANCEL, CLOSE, HAIR = 1 / 4, 1 / 8, 3 / 8, 1 / 1024


@dataclass
class Plan:
    """What happens: ``events`` are (time, kind, item), in order."""

    max_batch_size: int
    max_wait: float
    max_queue: int
    seconds_per_batch: float
    events: list[tuple[float, Kind, int]]


@dataclass
class Story:
    """What came of it."""

    batches: list[tuple[float, list[int]]] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    gaps = draw(st.lists(st.integers(0, 3), min_size=1, max_size=14))
    events: list[tuple[float, Kind, int]] = []
    second = 0
    for item, gap in enumerate(gaps):
        second += gap
        events.append((second, "submit", item))
        delay = draw(st.none() | st.integers(0, 5))
        if delay is not None:
            events.append((second + delay + CANCEL, "cancel", item))
    if draw(st.booleans()):
        events.append((draw(st.integers(0, second)) + CLOSE, "close", -1))
    return Plan(
        max_batch_size=draw(st.integers(1, 4)),
        max_wait=draw(st.just(0.0) | st.integers(0, 4).map(lambda n: n + WINDOW)),
        max_queue=draw(st.integers(1, 6)),
        seconds_per_batch=draw(st.integers(0, 4)) + HAIR,
        events=sorted(events, key=lambda event: event[0]),
    )


def outcome_in(batch: list[int], item: int) -> str:
    """Return what the batch makes of one of its items."""
    kinds = {item % 10 for item in batch}
    if FAILS_ALL in kinds:
        return "OSError"
    if DROPS_RESULTS in kinds:
        return "RuntimeError"
    return "KeyError" if item % 10 == FAILS_ALONE else str(-item)


class Simulation:
    """The model: a queue, one batch at a time, and a list of events."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.story = Story()
        self.queue: list[tuple[int, float]] = []  # with the time of arrival
        self.running: tuple[float, list[int]] | None = None
        self.closed = False

    def run(self) -> Story:
        """Play everything, and return the story."""
        for time, kind, item in self.plan.events:
            self.advance(time)
            if kind == "submit":
                self.submit(time, item)
            elif kind == "cancel":
                self.cancel(time, item)
            else:
                self.closed = True
            self.start_if_due(time)
        self.advance(float("inf"))
        return self.story

    def advance(self, until: float) -> None:
        """Play the ends of batches and windows that come before ``until``."""
        while True:
            if self.running is not None:
                time = self.running[0]
            elif self.queue:
                time = self.queue[0][1] + self.plan.max_wait
            else:
                return
            if time >= until:
                return
            if self.running is not None:
                self.finish(*self.running)
            self.start_if_due(time)

    def submit(self, time: float, item: int) -> None:
        """Put into the queue, or refuse."""
        if self.closed:
            self.story.outcomes[item] = ("RuntimeError", time)
        elif len(self.queue) >= self.plan.max_queue:
            self.story.outcomes[item] = ("QueueFull", time)
        else:
            self.queue.append((item, time))

    def cancel(self, time: float, item: int) -> None:
        """Take out of the queue; what has its answer already keeps it."""
        self.queue = [entry for entry in self.queue if entry[0] != item]
        self.story.outcomes.setdefault(item, ("cancelled", time))

    def start_if_due(self, time: float) -> None:
        """Start a batch if one is due."""
        if self.running is not None or not self.queue:
            return
        full = len(self.queue) >= self.plan.max_batch_size
        waited = time >= self.queue[0][1] + self.plan.max_wait
        if full or waited or self.closed:
            size = self.plan.max_batch_size
            batch = [item for item, _ in self.queue[:size]]
            del self.queue[:size]
            self.story.batches.append((time, batch))
            self.running = (time + self.plan.seconds_per_batch, batch)

    def finish(self, time: float, batch: list[int]) -> None:
        """Give the answers of the batch that runs."""
        self.running = None
        for item in batch:
            self.story.outcomes.setdefault(item, (outcome_in(batch, item), time))


async def play(plan: Plan) -> Story:
    """Do to a batcher what the plan says."""
    story = Story()

    async def predict(batch: list[int]) -> Sequence[str | Exception]:
        story.batches.append((now() - START, list(batch)))
        outcomes = [outcome_in(batch, item) for item in batch]
        await asyncio.sleep(plan.seconds_per_batch)
        if "OSError" in outcomes:
            raise OSError("all of them")
        if "RuntimeError" in outcomes:
            return outcomes[1:]
        batch.clear()  # what is done to the list is nobody's concern
        return [KeyError(word) if word == "KeyError" else word for word in outcomes]

    batcher = RequestBatcher(
        predict, plan.max_batch_size, plan.max_wait, plan.max_queue
    )

    async def ask(item: int) -> None:
        try:
            word = await batcher.submit(item)
        except asyncio.CancelledError:
            word = "cancelled"
        except Exception as error:
            word = type(error).__name__
        story.outcomes[item] = (word, now() - START)

    tasks: dict[int, asyncio.Task[None]] = {}
    closing: list[asyncio.Task[None]] = []
    for time, kind, item in plan.events:
        await asyncio.sleep(START + time - now())
        if kind == "submit":
            tasks[item] = asyncio.create_task(ask(item))
        elif kind == "cancel":
            tasks[item].cancel()
        else:
            closing.append(asyncio.create_task(batcher.close()))
    await asyncio.gather(*tasks.values(), *closing)
    assert batcher.waiting == 0
    await batcher.close()
    return story


@given(plans())
@settings(max_examples=300)
def test_agrees_with_the_simulation(plan: Plan) -> None:
    expected = Simulation(plan).run()
    story = run_virtual(lambda: play(plan))
    assert story.batches == expected.batches
    assert story.outcomes == expected.outcomes


async def double(batch: list[int]) -> list[int]:
    return [2 * item for item in batch]


def test_the_window_is_measured_from_the_oldest() -> None:
    async def main() -> None:
        batcher = RequestBatcher(double, 10, 1.0)
        first = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0.75)
        second = asyncio.create_task(batcher.submit(2))
        assert await first == 2
        assert now() == START + 1.0
        assert await second == 4
        assert now() == START + 1.0

    run_virtual(main)


def test_who_is_cancelled_in_this_very_moment_counts_no_more() -> None:
    async def main() -> None:
        batches: list[list[int]] = []

        async def predict(batch: list[int]) -> list[int]:
            batches.append(batch)
            return await double(batch)

        batcher = RequestBatcher(predict, 2, 1.0, 1)
        gone = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0.5)
        # This one runs while the other is cancelled, but has not come to it yet: its
        # place is free, it makes no batch full, and its window is over.
        other = asyncio.create_task(batcher.submit(2))
        gone.cancel()
        assert await other == 4
        assert now() == START + 1.5
        assert batches == [[2]]

    run_virtual(main)


def test_who_is_cancelled_does_not_make_a_batch_full() -> None:
    async def main() -> None:
        batcher = RequestBatcher(double, 2, 1.0)
        gone = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0.5)
        other = asyncio.create_task(batcher.submit(2))
        gone.cancel()
        await settle()
        assert batcher.waiting == 1
        assert await other == 4
        assert now() == START + 1.5

    run_virtual(main)


def test_who_is_cancelled_between_start_and_first_step_is_not_computed() -> None:
    async def main() -> None:
        batches: list[list[int]] = []

        async def predict(batch: list[int]) -> list[int]:
            batches.append(batch)
            return await double(batch)

        batcher = RequestBatcher(predict, 2, 1.0)
        tasks = [asyncio.create_task(batcher.submit(item)) for item in (1, 2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        assert await tasks[1] == 4
        assert batches == [[2]]
        assert tasks[0].cancelled()

    run_virtual(main)


def test_close_answers_what_was_accepted_without_its_window() -> None:
    async def main() -> None:
        async def slow(batch: list[int]) -> list[int]:
            await asyncio.sleep(1.0)
            return await double(batch)

        batcher = RequestBatcher(slow, 2, 100.0)
        tasks = [asyncio.create_task(batcher.submit(item)) for item in range(5)]
        await settle()
        impatient = asyncio.create_task(batcher.close())
        await settle()
        impatient.cancel()
        await asyncio.gather(batcher.close(), batcher.close())
        assert now() == START + 3.0
        assert [await task for task in tasks] == [0, 2, 4, 6, 8]
        with pytest.raises(RuntimeError, match="closed"):
            await batcher.submit(1)
        await batcher.close()

    run_virtual(main)


def test_a_batch_that_is_cancelled_from_within_leaves_nobody_waiting() -> None:
    async def main() -> None:
        async def cancelled(batch: list[int]) -> list[int]:
            if batch == [1]:
                raise asyncio.CancelledError
            return await double(batch)

        batcher = RequestBatcher(cancelled, 1)
        with pytest.raises(RuntimeError, match="the batch was cancelled"):
            await batcher.submit(1)
        assert await batcher.submit(2) == 4
        await batcher.close()

    run_virtual(main)


def test_a_wrong_number_of_results_is_explained() -> None:
    async def main() -> None:
        async def none(_: list[int]) -> list[int]:
            return []

        batcher = RequestBatcher(none, 1)
        with pytest.raises(RuntimeError, match="must return 1 results, got 0"):
            await batcher.submit(1)

    run_virtual(main)


def test_closing_the_loop_leaves_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def never(_: list[int]) -> list[int]:
            await asyncio.get_running_loop().create_future()
            return []

        batcher = RequestBatcher(never, 2)
        tasks = [asyncio.create_task(batcher.submit(item)) for item in range(3)]
        await asyncio.sleep(0)
        assert len(tasks) == 3

    asyncio.run(main())
    assert caplog.text == ""


def test_can_be_made_without_a_loop() -> None:
    batcher = RequestBatcher(double)

    async def main() -> None:
        assert await asyncio.gather(*map(batcher.submit, range(3))) == [0, 2, 4]

    run_virtual(main)


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="predict_batch must be callable"):
        RequestBatcher(None)  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(ValueError, match="max_batch_size must be at least 1, got 0"):
        RequestBatcher(double, 0)
    with pytest.raises(ValueError, match="max_wait must be at least 0 seconds"):
        RequestBatcher(double, 1, -0.5)
    with pytest.raises(ValueError, match="max_queue must be at least 1, got 0"):
        RequestBatcher(double, 1, 0.0, 0)


def test_a_full_queue_says_so_at_once() -> None:
    async def main() -> None:
        batcher = RequestBatcher(double, 8, 1.0, 2)
        tasks = [asyncio.create_task(batcher.submit(item)) for item in range(2)]
        await settle()
        with pytest.raises(QueueFull, match="2 items wait already"):
            await batcher.submit(3)
        assert now() == START
        assert [await task for task in tasks] == [0, 2]

    run_virtual(main)
