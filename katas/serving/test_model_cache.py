import threading
from collections.abc import Callable, Sequence
from functools import partial

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dojo.testing import Mismatch, assert_equal, assert_holds, assert_raises_naming
from dojo.testing.http import new_input
from dojo.testing.stateful import StateMachine, run_machine, step
from dojo.testing.threads import Gate, Team, VisitedText, run_inside
from katas.serving.model_cache import ModelCache

# Seconds of real time for what takes a millisecond; spent only where a thread hangs.
PATIENCE = 2.0


class Model:
    """A model that is false, as one with a length of 0 is."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"Model({self.number})"


class Loader:
    """Returns a model, or raises an exception; ``held``, it waits for its gate."""

    def __init__(self, outcome: object, held: bool = False) -> None:
        self.outcome = outcome
        self.gate = Gate(is_open=not held)
        self.threads: list[int] = []

    def __repr__(self) -> str:
        return f"loader_of({self.outcome!r})"

    def __call__(self) -> Model:
        self.threads.append(threading.get_ident())
        self.gate.enter()
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome  # type: ignore[return-value] # None is one of the mistakes

    @property
    def calls(self) -> int:
        return self.gate.entered


Cache = ModelCache[Model]
FAILURES: tuple[object, ...] = (OSError("no file"), SystemExit("stopped"), None)
names = st.sampled_from("abcd")
few = settings(max_examples=8)


def outcome_of(call: Callable[[], object]) -> object:
    """Return what a call returned or raised, whatever it is."""
    try:
        return call()
    except (NotImplementedError, Mismatch):
        raise
    except (Exception, SystemExit) as error:
        return error


def ask(cache: Cache, loader: Callable[[], Model], count: int = 1) -> Team[object]:
    """Let threads ask for the model "a" until each of them has an answer or waits."""
    step(f"# {count} threads: get_or_load('a', {loader!r})")
    call = partial(cache.get_or_load, "a", loader)
    team = Team([partial(outcome_of, call)] * count)
    team.settle()
    return team


def end(loader: Loader, team: Team[object]) -> Sequence[object]:
    """Let a loader go on, and return what the threads of the team got."""
    __tracebackhide__ = True
    loader.gate.wait_for(1, PATIENCE)
    step(f"# {loader!r} comes to its end")
    loader.gate.open()
    return team.join(PATIENCE)


def in_time(call: Callable[[], object]) -> object:
    """Return the outcome of a call that must not wait for anybody."""
    __tracebackhide__ = True
    (answer,) = Team([partial(outcome_of, call)]).join(PATIENCE)
    return answer


def assert_failed(error: object, failure: object) -> None:
    """Check that this is the exception of a loader with such a failure."""
    __tracebackhide__ = True
    if failure is None:
        assert_equal(type(error).__name__, "TypeError", "what a caller got")
    else:
        assert_equal(error, failure, "what a caller got")


class Plain:
    """The rules for calls that come one after the other."""

    def __init__(self, bound: int, *kept: tuple[str, Model]) -> None:
        self.bound = bound
        self.kept = list(kept)

    def get_model(self, name: str) -> Model | None:
        found = [pair for pair in self.kept if pair[0] == name]
        self.kept = [pair for pair in self.kept if pair[0] != name] + found
        return found[0][1] if found else None

    def load_model(self, name: str, model: Model) -> None:
        self.unload(name)
        self.kept = [*self.kept, (name, model)][-self.bound :]

    def get_or_load(self, name: str, loader: Loader) -> object:
        model = self.get_model(name)
        if model is None and isinstance(loader.outcome, Model):
            self.load_model(name, loader.outcome)
            return loader.outcome
        return model

    def unload(self, name: str) -> bool:
        before = len(self.kept)
        self.kept = [pair for pair in self.kept if pair[0] != name]
        return len(self.kept) < before

    def names(self) -> list[str]:
        return [name for name, _ in self.kept]


def test_models_come_and_go() -> None:
    """A name has the model that was loaded last, or none; a swap drops no other one."""
    cache = Cache(2)
    first, second, third = Model(1), Model(2), Model(3)
    assert_equal(cache.get_model("a"), None, "a model that nobody loaded")
    cache.load_model("a", first)
    cache.load_model("b", second)
    cache.load_model("b", third)
    listed = cache.names()
    assert_equal(listed, ["a", "b"], "the names after the swap")
    listed.clear()
    assert_equal(cache.get_model("a"), first, "the other model")
    assert_equal(cache.get_model("b"), third, "the model after the swap")
    assert_equal(cache.unload("a"), True, "whether there was a model")
    assert_equal(cache.unload("a"), False, "whether there was a model")
    assert_equal(cache.get_model("a"), None, "the model after unload")
    assert_equal(cache.names(), ["b"], "the names")


def test_a_model_is_loaded_when_it_is_asked_for() -> None:
    """The loader runs only where there is no model, in the thread of who asks."""
    cache, model = Cache(), Model(1)
    loader, other = Loader(model), Loader(Model(2))
    assert_equal(loader.calls, 0, "how often the loader has run")
    assert_equal(cache.get_or_load("a", loader), model, "the model")
    assert_equal(loader.threads, [threading.get_ident()], "where the loader has run")
    assert_equal(cache.get_or_load("a", other), model, "the model, the second time")
    assert_equal(cache.get_model("a"), model, "get_model")
    assert_equal(other.calls, 0, "how often the second loader has run")
    cache.load_model("b", model)
    assert_equal(cache.get_or_load("b", other), model, "a model from load_model")


@given(st.integers(1, 4))
@example(1)
@example(2)
def test_the_least_recently_used_model_is_dropped(bound: int) -> None:
    """One more than max_models drops the one that nobody has used for the longest."""
    cache = Cache(bound)
    for number in range(bound):
        cache.load_model(str(number), Model(number))
    order = [str(number) for number in range(bound)]
    assert_equal(cache.names(), order, "the names")
    cache.get_model("0")
    cache.get_or_load("new", Loader(Model(9)))
    order = [*order[1:], "0", "new"][-bound:]
    assert_equal(cache.names(), order, "the names after one more")
    default = Cache()
    for number in range(9):
        default.load_model(str(number), Model(number))
    assert_equal(default.names(), list("12345678"), "nine names, max_models left out")


class Machine(StateMachine):
    """A few names, and fewer models."""

    @initialize(bound=st.integers(1, 3))
    def begin(self, bound: int) -> None:
        self.cache: Cache = ModelCache(bound)
        self.plain = Plain(bound)
        self.numbers = iter(range(1000))

    def new(self) -> Model:
        return Model(next(self.numbers))

    def compare(self, method: str, *args: object) -> None:
        __tracebackhide__ = True
        got = getattr(self.cache, method)(*args)
        assert_equal(got, getattr(self.plain, method)(*args), f"what {method} returns")
        self.check_names()

    def check_names(self) -> None:
        __tracebackhide__ = True
        assert_equal(self.cache.names(), self.plain.names(), "the names")

    @rule(name=names)
    def load(self, name: str) -> None:
        """Load a new model."""
        self.compare("load_model", name, self.new())

    @rule(name=names)
    def get(self, name: str) -> None:
        """Ask for a model."""
        self.compare("get_model", name)

    @rule(name=names)
    def get_or_load(self, name: str) -> None:
        """Ask for a model that a loader has."""
        loader = Loader(self.new())
        missing = name not in self.plain.names()
        self.compare("get_or_load", name, loader)
        assert_equal(loader.calls, int(missing), "how often the loader has run")

    @rule(name=names, failure=st.sampled_from(FAILURES))
    def fail_to_load(self, name: str, failure: object) -> None:
        """Ask for a model that cannot be loaded."""
        loader = Loader(failure)
        got = outcome_of(partial(self.cache.get_or_load, name, loader))
        expected = self.plain.get_or_load(name, loader)
        if expected is None:
            assert_failed(got, failure)
        else:
            assert_equal(got, expected, "what get_or_load returns")
        self.check_names()

    @rule(name=names)
    def unload(self, name: str) -> None:
        """Drop a model."""
        self.compare("unload", name)


def test_agrees_with_a_plain_model() -> None:
    """One call after the other, the cache holds what a plain list of models would."""
    run_machine(Machine)


@few
@given(st.integers(2, 6))
@example(4)
def test_one_load_serves_everyone(count: int) -> None:
    """However many ask for a name at once, one loader runs, and all get its model."""
    cache, model = Cache(), Model(1)
    loader = Loader(model, held=True)
    team = ask(cache, loader, count)
    assert_equal(end(loader, team), [model] * count, "what the callers got")
    assert_equal(loader.calls, 1, "how often a loader has run")
    assert_equal(cache.get_model("a"), model, "the model afterwards")


@few
@given(st.integers(2, 4))
@example(3)
def test_other_names_load_at_the_same_time(count: int) -> None:
    """The loaders of different names run at once: none waits for another one."""
    cache = Cache(count)
    loaders = {f"m{number}": Loader(Model(number), True) for number in range(count)}
    calls = [
        partial(cache.get_or_load, name, loader) for name, loader in loaders.items()
    ]
    step(f"# at the same time: get_or_load of {', '.join(loaders)}")
    team = Team([partial(outcome_of, call) for call in calls])
    for loader in loaders.values():
        loader.gate.wait_for(1, PATIENCE)
    for loader in reversed(loaders.values()):
        loader.gate.open()
    expected = [loader.outcome for loader in loaders.values()]
    assert_equal(team.join(PATIENCE), expected, "what the callers got")
    assert_equal(sorted(cache.names()), sorted(loaders), "the names")


def test_nobody_else_waits_for_a_load() -> None:
    """While a name is loaded the cache answers at once, as if it were not there yet."""
    cache = Cache(3)
    cache.load_model("b", Model(2))
    loader = Loader(Model(1), held=True)
    team = ask(cache, loader)
    new = Model(4)

    def others() -> list[object]:
        cache.load_model("c", Model(3))
        loaded = cache.get_or_load("d", Loader(new))
        return [loaded, cache.get_model("a"), cache.unload("b"), cache.names()]

    expected = [new, None, True, ["c", "d"]]
    assert_equal(in_time(others), expected, "the answers during the load")
    end(loader, team)
    assert_equal(cache.names(), ["c", "d", "a"], "the names after the load")


@few
@given(st.sampled_from(FAILURES), st.integers(1, 4))
@example(OSError("no file"), 3)
@example(SystemExit("stopped"), 3)
@example(None, 3)
def test_a_failure_reaches_everyone_and_is_not_kept(
    failure: object, count: int
) -> None:
    """All who wait get the exception of the loader; who asks next loads again."""
    cache, model = Cache(), Model(1)
    loader = Loader(failure, held=True)
    team = ask(cache, loader, count)
    for error in end(loader, team):
        assert_failed(error, failure)
    assert_equal(loader.calls, 1, "how often the loader has run")
    assert_equal(cache.names(), [], "the names after the failure")
    again = Loader(model)
    got = in_time(partial(cache.get_or_load, "a", again))
    assert_equal(got, model, "the model, when it is loaded again")
    assert_equal(again.calls, 1, "how often the next loader has run")


@few
@given(st.integers(1, 3), st.sampled_from([Model(1), OSError("no file")]))
@example(2, Model(1))
@example(2, OSError("no file"))
def test_a_swap_during_a_load_wins(count: int, late: object) -> None:
    """A model loaded meanwhile stays; the late one goes only to those who waited."""
    cache, swapped = Cache(), Model(2)
    loader, other = Loader(late, held=True), Loader(Model(3))
    team = ask(cache, loader, count)
    in_time(lambda: cache.load_model("a", swapped))
    assert_equal(cache.get_model("a"), swapped, "the model during the load")
    got = in_time(lambda: cache.get_or_load("a", other))
    assert_equal(got, swapped, "get_or_load during the load")
    assert_equal(end(loader, team), [late] * count, "what those who waited got")
    assert_equal(cache.get_model("a"), swapped, "the model after the load")
    assert_equal(other.calls, 0, "how often another loader has run")


@few
@given(st.integers(1, 3), st.booleans())
@example(2, True)
@example(1, False)
def test_unload_during_a_load_begins_anew(count: int, swap: bool) -> None:
    """After unload the late model is not kept, and the next load is one of its own."""
    cache, model = Cache(), Model(2)
    late, loader = Loader(Model(1), held=True), Loader(model, held=True)
    first = ask(cache, late, count)
    if swap:
        in_time(lambda: cache.load_model("a", Model(4)))
    gone = in_time(lambda: cache.unload("a"))
    assert_equal(gone, swap, "whether there was a model")
    second = ask(cache, loader, count)
    loader.gate.wait_for(1, PATIENCE)
    assert_equal(end(late, first), [late.outcome] * count, "what the first ones got")
    assert_equal(cache.names(), [], "the names after the first load")
    third = ask(cache, Loader(Model(3)), count)
    got = [*end(loader, second), *third.join(PATIENCE)]
    assert_equal(got, [model] * 2 * count, "what all others got")
    assert_equal(loader.calls, 1, "how often the second loader has run")
    assert_equal(cache.get_model("a"), model, "the model in the end")


def test_a_late_model_is_gone_for_good() -> None:
    """A model that is unloaded while it is being loaded leaves nothing behind."""
    cache = Cache()
    loader = Loader(Model(1), held=True)
    team = ask(cache, loader, 2)
    in_time(lambda: cache.unload("a"))
    assert_equal(end(loader, team), [loader.outcome] * 2, "what the callers got")
    assert_equal(cache.names(), [], "the names")
    assert_equal(cache.get_model("a"), None, "the model")
    model = Model(2)
    got = in_time(lambda: cache.get_or_load("a", Loader(model)))
    assert_equal(got, model, "the model, when it is loaded again")


def test_a_loader_may_ask_for_other_names() -> None:
    """A loader gets other models from the cache, and RuntimeError for its own."""
    cache, model = Cache(), Model(1)
    base = Loader(Model(2))

    def loads_base() -> Model:
        cache.get_or_load("base", base)
        return model

    got = in_time(lambda: cache.get_or_load("a", loads_base))
    assert_equal(got, model, "the model that is made from another one")
    assert_equal(cache.names(), ["base", "a"], "the names")

    calls: list[str] = []

    def asks_itself() -> Model:
        calls.append("self")
        return cache.get_or_load("self", asks_itself)

    def asks_right() -> Model:
        calls.append("left")
        return cache.get_or_load("right", asks_left)

    def asks_left() -> Model:
        calls.append("right")
        return cache.get_or_load("left", asks_right)

    def goes_on() -> Model:
        error = outcome_of(lambda: cache.get_or_load("on", goes_on))
        calls.append(type(error).__name__)
        return model

    got = in_time(lambda: cache.get_or_load("self", asks_itself))
    assert_equal(type(got).__name__, "RuntimeError", "who asks for itself")
    got = in_time(lambda: cache.get_or_load("left", asks_right))
    assert_equal(type(got).__name__, "RuntimeError", "who asks for itself by another")
    got = in_time(lambda: cache.get_or_load("on", goes_on))
    assert_equal(got, model, "the model of a loader that goes on all the same")
    expected = ["self", "left", "right", "RuntimeError"]
    assert_equal(calls, expected, "the loaders in order, and what the last one met")
    assert_equal(cache.names(), ["base", "a", "on"], "the names")


# The name and the method of two calls at once, and how often the first one comes back
# to the judge's code, which is where the second one begins.
PAIRS: tuple[tuple[str, str, str, str, int], ...] = (
    ("get_model", "a", "get_model", "a", 3),
    ("get_model", "a", "names", "", 3),
    ("load_model", "a", "get_model", "a", 3),
    ("unload", "a", "unload", "a", 2),
    ("get_or_load", "c", "get_or_load", "c", 8),
    ("get_or_load", "c", "unload", "c", 8),
)


def call_of(cache: object, method: str, name: str, new: Loader) -> Callable[[], object]:
    """Return a call of a method with the arguments that it takes."""
    values: dict[str, list[object]] = {
        "names": [],
        "load_model": [name, new.outcome],
        "get_or_load": [name, new],
    }
    return partial(getattr(cache, method), *values.get(method, [name]))


def test_each_change_is_one_step() -> None:
    """Two calls at once answer as if one had come after the other."""
    a, b = Model(1), Model(2)
    loaders = Loader(Model(3)), Loader(Model(4))
    for first, its_name, second, name, turns in PAIRS:
        answers: list[tuple[object, ...]] = []
        for order in (1, -1):
            plain = Plain(2, ("a", a), ("b", b))
            calls = (first, its_name, loaders[0]), (second, name, loaders[1])
            told = [call_of(plain, *call)() for call in calls[::order]]
            answers.append((*told[::order], plain.names()))
        if (first, second) == ("get_or_load", "unload"):
            answers.append((loaders[0].outcome, False, ["a", "b"]))  # in its midst
        for turn in range(turns):
            new_input()
            cache = Cache(2)
            cache.load_model("a", a)
            cache.load_model("b", b)
            asked = VisitedText(its_name)
            step(f"# at the same time: {first}({its_name!r}), {second}({name})")
            both = run_inside(
                call_of(cache, first, asked, loaders[0]),
                call_of(cache, second, name, loaders[1]),
                turn,
            )
            got = (*both, [str(each) for each in cache.names()])
            claim = "the two answers, and the names then, are those of one order"
            assert_holds(got in answers, claim, actual=got, expected=answers)


def test_bad_arguments_are_refused() -> None:
    """A bound below 1 and a model that is None are refused, and nothing changes."""
    for number in (0, -1):
        assert_raises_naming("max_models", ModelCache, number)
    cache, model = Cache(1), Model(1)
    cache.load_model("a", model)
    for name in ("a", "b"):
        assert_raises_naming("model", cache.load_model, name, None, error=TypeError)
        assert_equal(cache.names(), ["a"], "the names")
    assert_equal(cache.get_model("a"), model, "the model")
    loader = Loader(Model(2), held=True)
    cache.unload("a")
    team = ask(cache, loader)
    assert_raises_naming("model", cache.load_model, "a", None, error=TypeError)
    end(loader, team)
    assert_equal(cache.get_model("a"), loader.outcome, "the model after the load")
