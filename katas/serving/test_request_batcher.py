import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import Mismatch, assert_equal, assert_raises_naming
from dojo.testing.loops import START, in_virtual_time, now, run_virtual, settle
from dojo.testing.stateful import step
from katas.serving.request_batcher import QueueFull, RequestBatcher

Task = asyncio.Task[Any]

WAITS, CANCELLED = "still waits", "was cancelled"


class Predictor:
    """Doubles the items of a batch; it keeps when each batch began, and with what.

    With ``seconds`` a batch takes so long; without, it runs until it is told to end.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.batches: list[tuple[float, list[object]]] = []
        self.running = False
        self._end: asyncio.Future[object] | None = None

    def __repr__(self) -> str:
        return "predict" if self.seconds is None else f"predict_in({self.seconds} s)"

    async def __call__(self, items: list[Any]) -> Sequence[object]:
        assert_equal(type(items), list, "the type of what predict_batch gets")
        self.batches.append((now(), list(items)))
        assert_equal(self.running, False, "whether one batch starts while another runs")
        self.running = True
        results = [2 * item for item in items]
        items.clear()  # the list is the function's own
        try:
            told = await self._told()
        finally:
            self.running = False
        if isinstance(told, Exception):
            raise told
        return results if told is None else told

    async def _told(self) -> Any:
        if self.seconds is not None:
            return await asyncio.sleep(self.seconds)
        self._end = asyncio.get_running_loop().create_future()
        return await self._end

    async def end(self, told: object = None) -> None:
        """Let the batch that runs end: as it would, with results or an exception."""
        step("# the batch ends" if told is None else f"# the batch ends: {told!r}")
        if self.running and self._end is not None:
            self._end.set_result(told)
        await settle()

    def assert_batches(self, *expected: tuple[float, list[Any]]) -> None:
        """Check all batches up to now: when each began, after START, and its items."""
        __tracebackhide__ = True
        got = [(begin - START, items) for begin, items in self.batches]
        assert_equal(got, list(expected), "the batches, each with its start")


def doubles(items: Iterable[int]) -> list[str]:
    """Say that each call gave the double of its item."""
    return [gives(2 * item) for item in items]


async def submit(batcher: RequestBatcher[Any, Any], *items: object) -> list[Task]:
    """Submit items one after the other; what can happen at once happens."""
    tasks = []
    for item in items:
        tasks.append(asyncio.ensure_future(batcher.submit(item)))
        await settle()
    return tasks


async def wait(seconds: float) -> None:
    """Let time go by, and all happen that happens in it."""
    step(f"# {seconds} s go by")
    await asyncio.sleep(seconds)
    await settle()


async def cancel(*tasks: Task, what: str) -> None:
    """Cancel calls, and let all happen that comes of it."""
    step(f"# cancelled: {what}")
    for task in tasks:
        task.cancel()
    await settle()


def outcome(task: Task) -> str:
    """Say what has become of a call."""
    if not task.done():
        return WAITS
    if task.cancelled():
        return CANCELLED
    error = task.exception()
    if isinstance(error, NotImplementedError | Mismatch):
        raise error
    return gives(task.result()) if error is None else raises(type(error).__name__)


def gives(result: object) -> str:
    """Say that a call gave a result."""
    return f"gives {result!r}"


def raises(error: str) -> str:
    """Say that a call raised an error of this name."""
    return f"raises {error}"


def assert_outcomes(tasks: list[Task], *expected: str) -> None:
    """Check what has become of the calls up to now."""
    __tracebackhide__ = True
    for place, (task, wanted) in enumerate(zip(tasks, expected, strict=True), 1):
        assert_equal(outcome(task), wanted, f"submit number {place} of {len(tasks)}")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(1, 4))
@example([3, 1, 2], 4)
@example([0], 1)
@in_virtual_time
async def test_everyone_gets_the_result_for_their_item(
    items: list[int], size: int
) -> None:
    """Each submit returns the result that stands in the place of its own item."""
    predict = Predictor(0.25)
    batcher = RequestBatcher(predict, size, 0.5)
    results = await asyncio.gather(*map(batcher.submit, items))
    assert_equal(results, [2 * item for item in items], "the results")
    assert_equal(await batcher.submit(7), 14, "a later result")


@given(st.integers(1, 4))
@example(2)
@in_virtual_time
async def test_a_full_batch_starts_at_once(size: int) -> None:
    """The request that fills a batch starts it: one fewer wait for their window."""
    predict = Predictor()
    batcher = RequestBatcher(predict, size, 8.0)
    await wait(0.5)
    await submit(batcher, *range(size - 1))
    await wait(0.25)
    predict.assert_batches()
    tasks = await submit(batcher, size - 1)
    predict.assert_batches((0.75, [*range(size)]))
    await predict.end()
    assert_outcomes(tasks, gives(2 * (size - 1)))


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=1, max_size=3))
@example([0.25, 0.5])
@example([0.0])
@in_virtual_time
async def test_nobody_waits_longer_than_the_window(gaps: list[float]) -> None:
    """A batch starts when its oldest has waited max_wait, whoever comes later."""
    predict = Predictor(0.0)
    batcher = RequestBatcher(predict, 10, 2.0)
    tasks = await submit(batcher, 0)
    for item, gap in enumerate(gaps, 1):
        await wait(gap)
        tasks += await submit(batcher, item)
    await wait(1.75 - sum(gaps))
    predict.assert_batches()
    await wait(0.25)
    first = (2.0, [*range(len(tasks))])
    predict.assert_batches(first)
    assert_outcomes(tasks, *doubles(range(len(tasks))))
    await wait(4.0)
    await submit(batcher, 1)
    await wait(2.0)
    predict.assert_batches(first, (8.0, [1]))


def test_what_holds_if_nothing_is_said() -> None:
    """A batcher takes 32 at a time, for at most 0.01 s, and lets 1000 wait."""
    predict = Predictor()
    batcher = RequestBatcher(predict)  # where no loop runs

    async def story() -> None:
        tasks = [asyncio.ensure_future(batcher.submit(item)) for item in range(31)]
        await settle()
        await asyncio.sleep(0.01)
        await settle()
        assert_equal(predict.batches, [(0.01, [*range(31)])], "the first batch")
        tasks = [asyncio.ensure_future(batcher.submit(item)) for item in range(1001)]
        await settle()
        assert_outcomes(tasks[-2:], WAITS, raises("QueueFull"))
        await predict.end()
        assert_equal(predict.batches[1:], [(0.01, [*range(32)])], "the second batch")

    run_virtual(story, start=0.0)


@given(st.integers(1, 3), st.integers(0, 7))
@example(2, 5)
@example(2, 4)
@example(3, 1)
@in_virtual_time
async def test_one_batch_at_a_time_first_come_first_served(
    size: int, late: int
) -> None:
    """Who comes while a batch runs is served after it, in order, by the same rule."""
    predict = Predictor()
    batcher = RequestBatcher(predict, size, 1.0)
    await submit(batcher, *range(size))
    expected = [(0.0, [*range(size)])]
    await wait(0.25)
    tasks = await submit(batcher, *range(size, size + late))
    predict.assert_batches(*expected)
    await wait(0.25)
    waiting = [*range(size, size + late)]
    while len(waiting) >= size:
        await predict.end()
        expected.append((0.5, waiting[:size]))
        waiting = waiting[size:]
        predict.assert_batches(*expected)
    await predict.end()
    await wait(0.5)
    predict.assert_batches(*expected)
    await wait(0.25)
    if waiting:
        expected.append((1.25, waiting))
    predict.assert_batches(*expected)
    await predict.end()
    assert_outcomes(tasks, *doubles(range(size, size + late)))


@in_virtual_time
async def test_a_window_goes_on_while_a_batch_runs() -> None:
    """Who has waited long enough when a batch ends is served at once, with others."""
    predict = Predictor()
    batcher = RequestBatcher(predict, 3, 1.0)
    await submit(batcher, 0, 1, 2)
    await submit(batcher, 3)
    await wait(1.5)
    await submit(batcher, 4)
    predict.assert_batches((0.0, [0, 1, 2]))
    await predict.end()
    predict.assert_batches((0.0, [0, 1, 2]), (1.5, [3, 4]))
    await submit(batcher, 5)
    await wait(0.5)
    await predict.end()
    await wait(0.25)
    batches = (0.0, [0, 1, 2]), (1.5, [3, 4])
    predict.assert_batches(*batches)
    await wait(0.25)
    predict.assert_batches(*batches, (2.5, [5]))


@in_virtual_time
async def test_an_error_of_an_item_is_its_own() -> None:
    """A result that is an exception is raised for its item, and for no other one."""
    predict = Predictor()
    batcher = RequestBatcher(predict, 3, 1.0)
    tasks = await submit(batcher, 0, 1, 2)
    await predict.end((0, KeyError("bad item"), 4))
    assert_outcomes(tasks, gives(0), raises("KeyError"), gives(4))
    assert_equal(str(tasks[1].exception()), "'bad item'", "what the exception says")


@given(st.sampled_from([OSError("out of memory"), [], [0], [0, 2, 4]]))
@example(OSError("out of memory"))
@example([0])
@example([0, 2, 4])
@in_virtual_time
async def test_an_error_of_a_batch_ends_with_it(told: object) -> None:
    """A batch that fails, or gives too few results or too many, fails alone."""
    predict = Predictor()
    batcher = RequestBatcher(predict, 2, 1.0)
    tasks = await submit(batcher, 0, 1, 2, 3)
    await predict.end(told)
    error = raises("OSError" if isinstance(told, OSError) else "RuntimeError")
    assert_outcomes(tasks, error, error, WAITS, WAITS)
    await predict.end()
    assert_outcomes(tasks[2:], *doubles([2, 3]))
    predict.assert_batches((0.0, [0, 1]), (0.0, [2, 3]))


@in_virtual_time
async def test_who_is_cancelled_leaves_the_queue() -> None:
    """A cancelled request is not computed, and its window counts for nobody else."""
    predict = Predictor()
    batcher = RequestBatcher(predict, 3, 1.0)
    tasks = await submit(batcher, 0)
    await wait(0.5)
    tasks += await submit(batcher, 1, 2)
    predict.assert_batches((0.5, [0, 1, 2]))
    tasks += await submit(batcher, 3)
    await predict.end()
    await wait(0.25)
    tasks += await submit(batcher, 4)
    await cancel(tasks[3], what="the submit of 3")
    await wait(0.75)
    predict.assert_batches((0.5, [0, 1, 2]))
    await wait(0.25)
    predict.assert_batches((0.5, [0, 1, 2]), (1.75, [4]))
    await predict.end()
    assert_outcomes(tasks, *doubles([0, 1, 2]), CANCELLED, gives(8))
    tasks = await submit(batcher, 5, 6)
    await cancel(*tasks, what="the submits of 5 and 6")
    await wait(2.0)
    assert_equal(len(predict.batches), 2, "how many batches have started")
    await submit(batcher, 7, 8)
    await wait(1.0)
    assert_equal(predict.batches[2:], [(START + 4.75, [7, 8])], "the next batch")


@given(st.sets(st.integers(0, 2), min_size=1), st.sampled_from([None, OSError("x")]))
@example({1}, None)
@example({0, 1, 2}, None)
@example({0}, OSError("x"))
@in_virtual_time
async def test_who_is_cancelled_disturbs_nobody(
    places: set[int], told: OSError | None
) -> None:
    """A request cancelled while its batch runs changes nothing for all the others."""
    predict = Predictor()
    batcher = RequestBatcher(predict, 3, 1.0)
    tasks = await submit(batcher, 0, 1, 2, 3, 4, 5)
    await cancel(*[tasks[place] for place in places], what=f"the submits of {places}")
    assert_equal(predict.running, True, "whether the batch runs on")
    predict.assert_batches((0.0, [0, 1, 2]))
    await predict.end(told)
    expected = doubles([0, 1, 2]) if told is None else [raises("OSError")] * 3
    for place in places:
        expected[place] = CANCELLED
    assert_outcomes(tasks[:3], *expected)
    await predict.end()
    assert_outcomes(tasks[3:], *doubles([3, 4, 5]))


@given(st.integers(1, 4))
@example(1)
@example(2)
@in_virtual_time
async def test_a_full_queue_refuses_at_once(bound: int) -> None:
    """With max_queue waiting, not counting those in a batch, one more is refused."""
    predict = Predictor()
    batcher = RequestBatcher(predict, 1, 8.0, bound)
    tasks = await submit(batcher, 0, *range(1, bound + 1), 10, 11)
    waiting = [WAITS] * bound
    assert_outcomes(tasks, WAITS, *waiting, raises("QueueFull"), raises("QueueFull"))
    assert_equal(isinstance(tasks[-1].exception(), QueueFull), True, "whose it is")
    await cancel(tasks[bound], what="the last one who waits")
    tasks = await submit(batcher, 12, 13)
    assert_outcomes(tasks, WAITS, raises("QueueFull"))
    await predict.end()
    assert_outcomes(await submit(batcher, 14, 15), WAITS, raises("QueueFull"))
    served = [item for _, items in predict.batches for item in items]
    assert_equal(served, [0, 1 if bound > 1 else 12], "who has been served")


@given(st.integers(0, 5), st.booleans())
@example(5, True)
@example(1, False)
@example(0, False)
@in_virtual_time
async def test_close_answers_everyone_who_was_accepted(count: int, twice: bool) -> None:
    """Close lets nobody in, runs what waits, full or not, and then returns."""
    predict = Predictor()
    batcher = RequestBatcher(predict, 2, 8.0)
    tasks = await submit(batcher, *range(count))
    closing = [asyncio.ensure_future(batcher.close()) for _ in range(1 + twice)]
    await settle()
    if twice:
        await cancel(closing[0], what="a close")
    assert_outcomes(await submit(batcher, 9), raises("RuntimeError"))
    for _ in range(0, count, 2):
        assert_equal(outcome(closing[-1]), WAITS, "close, while a batch runs")
        await predict.end()
    assert_equal(outcome(closing[-1]), gives(None), "close, when all is answered")
    batches = [(0.0, [*range(count)][k : k + 2]) for k in range(0, count, 2)]
    predict.assert_batches(*batches)
    assert_outcomes(tasks, *doubles(range(count)))
    await batcher.close()
    assert_outcomes(await submit(batcher, 9), raises("RuntimeError"))


@dataclass
class _Model:
    """The rules, one after the other, without any waiting."""

    size: int
    window: float
    bound: int
    waiting: list[int] = field(default_factory=list)
    since: dict[int, float] = field(default_factory=dict)
    running: list[int] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    batches: list[tuple[float, list[Any]]] = field(default_factory=list)
    closed: bool = False

    def submit(self, time: float) -> None:
        item = len(self.outcomes)
        if self.closed:
            self.outcomes.append(raises("RuntimeError"))
        elif len(self.waiting) >= self.bound:
            self.outcomes.append(raises("QueueFull"))
        else:
            self.outcomes.append(WAITS)
            self.waiting.append(item)
            self.since[item] = time
        self.start(time)

    def cancel(self, item: int) -> None:
        if self.outcomes[item] == WAITS:
            self.outcomes[item] = CANCELLED
        if item in self.waiting:
            self.waiting.remove(item)

    def end(self, told: object, time: float) -> None:
        for item in self.running:
            if self.outcomes[item] == WAITS:
                error = type(told).__name__
                self.outcomes[item] = gives(2 * item) if told is None else raises(error)
        self.running = []
        self.start(time)

    def start(self, time: float) -> None:
        if self.running or not self.waiting:
            return
        waited = time - self.since[self.waiting[0]]
        if len(self.waiting) >= self.size or waited >= self.window or self.closed:
            self.running = self.waiting[: self.size]
            self.waiting = self.waiting[self.size :]
            self.batches.append((time, self.running))

    def wait(self, seconds: float, time: float) -> None:
        end = time + seconds
        if self.waiting and not self.running:
            self.start(min(end, self.since[self.waiting[0]] + self.window))


events = st.one_of(
    st.tuples(st.just("submit"), st.none()),
    st.tuples(st.just("submit"), st.none()),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("end"), st.sampled_from([None, None, OSError("x")])),
    st.tuples(st.just("wait"), st.sampled_from([0.25, 0.5, 1.0])),
    st.tuples(st.just("close"), st.none()),
)


@given(
    st.lists(events, max_size=25),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.5, 0.75]),
    st.integers(1, 3),
)
@in_virtual_time
async def test_any_order_of_events(
    story: list[tuple[str, Any]], size: int, window: float, bound: int
) -> None:
    """Whatever comes in whatever order, batches and answers are those of the rules."""
    predict = Predictor()
    batcher = RequestBatcher(predict, size, window, bound)
    model = _Model(size, window, bound)
    tasks: list[Task] = []
    closing: list[Task] = []
    for event, value in [*story, ("close", None), *[("end", None)] * 9]:
        time = now() - START
        match event:
            case "submit":
                tasks += await submit(batcher, len(tasks))
                model.submit(time)
            case "cancel" if value < len(tasks):
                await cancel(tasks[value], what=f"the submit of {value}")
                model.cancel(value)
            case "end":
                await predict.end(value)
                model.end(value, time)
            case "wait":
                await wait(value)
                model.wait(value, time)
            case "close":
                closing.append(asyncio.ensure_future(batcher.close()))
                await settle()
                model.closed = True
                model.start(time)
        predict.assert_batches(*model.batches)
        assert_outcomes(tasks, *model.outcomes)
        idle = not model.running and not model.waiting
        done = [task.done() for task in closing]
        assert_equal(done, [idle] * len(closing), "whether each close has returned")


def test_bad_arguments_are_refused() -> None:
    """A size or a bound below 1 and a negative window are refused by their names."""
    predict = Predictor()
    for number in (0, -1):
        assert_raises_naming("max_batch_size", RequestBatcher, predict, number)
        assert_raises_naming("max_queue", RequestBatcher, predict, 1, 0.5, number)
    for seconds in (-1.0, -5e-324, math.nan):
        assert_raises_naming("max_wait", RequestBatcher, predict, 1, seconds)
    RequestBatcher(predict, 1, 0.0, 1)
