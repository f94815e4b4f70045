"""The model cache: a bound, recency, and one load for all who ask at once."""

import threading
from collections import OrderedDict
from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dojo.testing.threads import Gate, Team, all_at_once, run_together
from reference.production.serving.model_cache import ModelCache

NAMES = st.sampled_from("abcde")
MODELS = st.integers(0, 3)


class CacheMachine(RuleBasedStateMachine):
    """Compare with an ordered dictionary of at most three entries."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = ModelCache[int](3)
        self.model: OrderedDict[str, int] = OrderedDict()

    def keep(self, name: str, model: int) -> None:
        """Make an entry the most recent one of the model."""
        self.model[name] = model
        self.model.move_to_end(name)
        if len(self.model) > 3:
            self.model.popitem(last=False)

    @rule(name=NAMES, model=MODELS)
    def load(self, name: str, model: int) -> None:
        """Add or swap in both."""
        self.cache.load_model(name, model)
        self.keep(name, model)

    @rule(name=NAMES)
    def get(self, name: str) -> None:
        """Use a name, which may have no model."""
        assert self.cache.get_model(name) == self.model.get(name)
        if name in self.model:
            self.model.move_to_end(name)

    @rule(name=NAMES, model=MODELS, fails=st.booleans())
    def get_or_load(self, name: str, model: int, fails: bool) -> None:
        """Load where there is none; a failure changes nothing."""

        def loader() -> int:
            if fails:
                raise OSError(name)
            return model

        if name not in self.model and fails:
            with pytest.raises(OSError, match=name):
                self.cache.get_or_load(name, loader)
            return
        self.keep(name, self.model.get(name, model))
        assert self.cache.get_or_load(name, loader) == self.model[name]

    @rule(name=NAMES)
    def unload(self, name: str) -> None:
        """Remove from both."""
        assert self.cache.unload(name) == (self.model.pop(name, None) is not None)

    @invariant()
    def agrees(self) -> None:
        """The names are the same, in the same order."""
        assert self.cache.names() == list(self.model)
        assert len(self.cache) == len(self.model)


TestModelCache = CacheMachine.TestCase


def counting(counts: list[object]) -> Callable[[], object]:
    def loader() -> object:
        counts.append(None)
        return object()

    return loader


def test_one_load_for_all_who_ask_at_once() -> None:
    cache = ModelCache[object]()
    gate = Gate()
    counts: list[object] = []
    ask = gate.guarding(counting(counts))
    team = Team([lambda: cache.get_or_load("a", ask)] * 6)
    gate.wait_for(1)
    team.settle()
    assert cache.names() == []
    gate.open()
    first, *others = team.join()
    assert len(counts) == 1
    assert all(other is first for other in others)
    assert cache.get_model("a") is first


def test_different_names_load_at_the_same_time() -> None:
    cache = ModelCache[str]()
    both = threading.Barrier(2, timeout=5)

    def load(name: str) -> str:
        both.wait()  # broken unless both loaders are inside at one time
        return name

    results = run_together(
        [
            lambda: cache.get_or_load("a", lambda: load("a")),
            lambda: cache.get_or_load("b", lambda: load("b")),
        ]
    )
    assert results == ["a", "b"]


def test_a_failed_load_reaches_all_who_wait_and_is_not_kept() -> None:
    cache = ModelCache[int]()
    gate = Gate()

    def fail() -> int:
        raise OSError("no such file")

    ask = gate.guarding(fail)
    team = Team([lambda: cache.get_or_load("a", ask)] * 3)
    gate.wait_for(1)
    team.settle()
    gate.open()
    results = team.join()
    assert [str(result) for result in results] == ["no such file"] * 3
    assert gate.entered == 1
    assert cache.get_model("a") is None
    assert cache.get_or_load("a", lambda: 1) == 1


@pytest.mark.parametrize("word", ["load_model", "unload"])
def test_the_last_word_during_a_load_counts(word: str) -> None:
    cache = ModelCache[str]()
    gate = Gate()
    ask = gate.guarding(lambda: "late")
    team = Team([lambda: cache.get_or_load("a", ask)] * 2)
    gate.wait_for(1)
    team.settle()
    if word == "load_model":
        cache.load_model("a", "new")
    else:
        assert cache.unload("a") is False
    # Who asks now gets no part in the load that is too late.
    expected = "new" if word == "load_model" else "newer"
    assert cache.get_or_load("a", lambda: "newer") == expected
    gate.open()
    assert team.join() == ["late", "late"]
    assert cache.get_model("a") == expected


def test_a_late_load_leaves_the_next_one_alone() -> None:
    cache = ModelCache[str]()
    first, second = Gate(), Gate()
    late = Team([lambda: cache.get_or_load("a", first.guarding(lambda: "late"))])
    first.wait_for(1)
    cache.unload("a")
    new = Team([lambda: cache.get_or_load("a", second.guarding(lambda: "new"))])
    second.wait_for(1)
    first.open()
    assert late.join() == ["late"]
    assert cache.get_model("a") is None
    second.open()
    assert new.join() == ["new"]
    assert cache.get_model("a") == "new"


def test_a_failing_late_load_leaves_what_was_loaded_meanwhile() -> None:
    cache = ModelCache[str]()

    def fail() -> str:
        cache.load_model("a", "new")
        raise OSError("late")

    with pytest.raises(OSError, match="late"):
        cache.get_or_load("a", fail)
    assert cache.get_model("a") == "new"


def test_a_loader_that_asks_for_itself_is_told_so() -> None:
    cache = ModelCache[int]()

    def loader() -> int:
        return cache.get_or_load("a", loader)

    with pytest.raises(RuntimeError, match="its own model"):
        cache.get_or_load("a", loader)
    assert cache.get_or_load("a", lambda: 1) == 1


def test_a_loader_may_ask_for_another_model() -> None:
    cache = ModelCache[int]()
    assert cache.get_or_load("a", lambda: cache.get_or_load("b", lambda: 1) + 1) == 2
    assert cache.names() == ["b", "a"]


def test_the_bound_holds_under_threads() -> None:
    cache = ModelCache[int](3)

    def work(place: int) -> None:
        for turn in range(100):
            name = str((place + turn) % 5)
            assert cache.get_or_load(name, lambda: 1) == 1
            cache.load_model(name, 1)
            cache.unload(str(turn % 5))
            assert len(cache) <= 3

    all_at_once(work)


def test_wrong_arguments() -> None:
    cache = ModelCache[object](1)
    with pytest.raises(ValueError, match="max_models must be at least 1, got 0"):
        ModelCache(0)
    with pytest.raises(TypeError, match="max_models must be an integer"):
        ModelCache(2.0)  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(TypeError, match="name must be text, got 1"):
        cache.get_model(1)  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(TypeError, match="model must be a model, got None"):
        cache.load_model("a", None)
    with pytest.raises(TypeError, match="loader must be callable"):
        cache.get_or_load("a", 1)  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(TypeError, match="the loader of 'a' returns must be a model"):
        cache.get_or_load("a", lambda: None)
    assert cache.names() == []
