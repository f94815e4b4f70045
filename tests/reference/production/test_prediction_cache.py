"""The cache of predictions: which features are equal, and whose answers they give."""

import datetime as dt
import decimal
import enum
import itertools
import math
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dojo.testing.redis import server
from dojo.testing.threads import Gate, Team
from reference.production.caching import (
    CacheInterface,
    LRUCache,
    PredictionCache,
    RedisCache,
)
from tests.naming import shown

MISSING = object()
CACHE = PredictionCache[object]()


def key(features: object) -> str:
    """Return the key of features for one model and version."""
    return CACHE.key("model", "1", features)


# What the key should tell apart, said once more and otherwise: as nested tuples.


def form(value: object) -> object:
    """Return a hashable value that is equal for equal features, and only for them."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, str):
        return ("text", unicodedata.normalize("NFC", value))
    if isinstance(value, float) and math.isnan(value):
        return ("nan",)
    if isinstance(value, int | float):
        return ("number", value)  # Python compares and hashes them by exact value
    if isinstance(value, list | tuple):
        return ("sequence", tuple(map(form, value)))
    if isinstance(value, dict):
        return ("mapping", frozenset((form(k), form(v)) for k, v in value.items()))
    assert value is None
    return ("none",)


# Few letters, the parts of an accent and what an encoding is likely to use, so that
# equal and nearly equal features come up often.
TEXTS = st.text("a:1,{}[]\"'é\u0301e;\ud800", max_size=3)
NUMBERS = st.one_of(
    st.sampled_from([0, 0.0, -0.0, 1, 1.0, -1, 2**53, 2.0**53, 2**53 + 1, 0.5, 1e300]),
    st.sampled_from([math.nan, math.inf, -math.inf, int(1e300)]),
    st.integers(-3, 3),
    st.floats(),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)


def distinct(mapping: dict[str, Any]) -> bool:
    """Return whether no two names are equal in NFC."""
    return len({unicodedata.normalize("NFC", name) for name in mapping}) == len(mapping)


def mappings(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(TEXTS, inner, max_size=3).filter(distinct)


NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | mappings(inner),
    max_leaves=5,
)
FEATURES = st.lists(NESTED, max_size=3) | mappings(NESTED)


@given(one=FEATURES, other=FEATURES)
@example(one=["a", "b"], other=["a,b"])
@example(one=[["a"], "b"], other=[["a", "b"]])
@example(one=[[], []], other=[[[]]])
@example(one={"a": 1}, other=["a", 1])
@example(one={"a": 1}, other=[["a", 1]])
@example(one={}, other=[])
@example(one=[1], other=["1"])
@example(one=[True], other=[1])
@example(one=[None], other=["None"])
@example(one=[math.nan], other=["nan"])
@example(one=[2**53 + 1], other=[2.0**53])
@example(one=[int(1e300)], other=[1e300])
@example(one=[math.inf], other=[1.7976931348623157e308])
@example(one=["\ud83d\ude00"], other=["\U0001f600"])
def test_keys_are_equal_exactly_where_features_are(one: object, other: object) -> None:
    assert (key(one) == key(other)) is (form(one) == form(other))


@given(items=FEATURES, data=st.data())
def test_neither_order_of_names_nor_kind_of_sequence_matters(
    items: object, data: st.DataObject
) -> None:
    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            names = data.draw(st.permutations(list(value)))
            return OrderedDict((name, shuffled(value[name])) for name in names)
        if isinstance(value, list):
            kind = data.draw(st.sampled_from([list, tuple]))
            return kind(map(shuffled, value))
        if isinstance(value, str):
            return unicodedata.normalize(
                data.draw(st.sampled_from(["NFC", "NFD"])), value
            )
        return value

    assert key(shuffled(items)) == key(items)


@given(values=st.lists(SCALARS, min_size=2, max_size=4), data=st.data())
def test_the_order_of_a_sequence_matters(
    values: list[object], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(values))
    assume(list(map(form, values)) != list(map(form, other)))
    assert key(values) != key(other)


TRIPLES = st.tuples(TEXTS, TEXTS, st.lists(TEXTS, max_size=2))


@given(one=TRIPLES, other=TRIPLES)
@example(one=("a", "b", []), other=("ab", "", []))
@example(one=("a:1", "", []), other=("a", ":1", []))
@example(one=("a", "1", ["a"]), other=("a", "1", ["a", ""]))
@example(one=("é", "1", []), other=("e\u0301", "1", []))
def test_model_version_and_features_never_run_together(
    one: tuple[str, str, list[str]], other: tuple[str, str, list[str]]
) -> None:
    same = one[:2] == other[:2] and form(one[2]) == form(other[2])
    assert (CACHE.key(*one) == CACHE.key(*other)) is same


class Level(enum.IntEnum):
    """A number with a name."""

    LOW = 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([np.int64(3), np.float64(0.5)], [3, 0.5]),
        ([np.float32(0.1)], [float(np.float32(0.1))]),
        ([np.float64(math.nan)], [-math.nan]),
        ([np.bool_(True)], [True]),
        ([np.str_("é")], ["e\u0301"]),
        ([np.float16(2)], [2]),
        ([np.uint64(2**64 - 1)], [2**64 - 1]),
        (np.array([1.0, 2.0]), [1, 2]),
        (np.array([1, 2], dtype=">i2"), (1.0, 2.0)),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([1, "a", None], dtype=object), [1, "a", None]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.zeros((0,)), []),
        ({"a": np.arange(3)}, {"a": [0, 1, 2]}),
        ([np.array(5)], [5]),
        ([Level.LOW], [1]),
        (MappingProxyType({"a": 1}), {"a": 1}),
    ],
    ids=shown,
)
def test_equal_values_of_other_types(one: object, other: object) -> None:
    assert key(one) == key(other)


def test_integers_of_any_length_are_features() -> None:
    assert key([10**5000]) != key([10**5000 + 1])
    assert key([10**5000]) == key([10**4000 * 10**1000])


def test_numpy_keeps_true_and_one_apart() -> None:
    assert key([np.bool_(True)]) != key([np.int8(1)])
    assert key(np.array([True])) != key(np.array([1]))


@pytest.mark.parametrize(
    "value",
    [
        b"a",
        {1, 2},
        1j,
        object(),
        decimal.Decimal(1),
        dt.date(2020, 1, 1),
        range(2),
        np.longdouble(1),
        np.complex128(1),
        np.datetime64(5, "ns"),
        np.array([5], dtype="datetime64[ns]"),
        np.array([(1, 2)], dtype="i4,i4"),
        np.array([1], dtype=np.longdouble),
        np.array([b"a"]),
        np.array([object()], dtype=object),
        np.void(b"a"),
        {1: "a"},
        {None: "a"},
        {("a", "b"): 1},
    ],
    ids=shown,
)
def test_what_is_no_feature_is_refused(value: object) -> None:
    for features in ([value], {"a": value}, [[{"a": [value]}]]):
        with pytest.raises(TypeError, match=r"^features must"):
            key(features)


@pytest.mark.parametrize(
    "value", ["abc", 1, 1.5, True, None, np.float64(1), np.array(1)]
)
def test_one_value_is_no_collection_of_features(value: object) -> None:
    with pytest.raises(TypeError, match=r"^features must be a mapping or a sequence"):
        key(value)


def test_names_that_are_equal_in_nfc_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^features must have distinct names"):
        key({"é": 1, "e\u0301": 2})
    with pytest.raises(ValueError, match=r"^features must have distinct names"):
        key([{"a": {"é": 1, "e\u0301": 1}}])


def test_endless_features_are_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match=r"^features must be nested less deeply"):
        key(endless)


@pytest.mark.parametrize("wrong", [None, 1, b"a"])
def test_model_and_version_are_text(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^model_name must be"):
        CACHE.key(wrong, "1", [])
    with pytest.raises(TypeError, match=r"^version must be"):
        CACHE.get("model", wrong, [])
    with pytest.raises(TypeError, match=r"^version must be"):
        CACHE.set("model", wrong, [], 1)


# Storing

BACKENDS: dict[str, Callable[[], CacheInterface[Any]]] = {
    "lru": LRUCache[Any],
    "redis": lambda: RedisCache[Any](server().url, timeout=10),
}


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> CacheInterface[Any]:
    server().flush()
    return BACKENDS[request.param]()


def test_a_new_version_never_serves_an_old_answer(
    backend: CacheInterface[Any],
) -> None:
    cache = PredictionCache[str](backend)
    names = list(itertools.product(["a", "b", "a:1"], ["1", "2", "1:1", ""]))
    for model, version in names:
        assert cache.get(model, version, {"x": 1}, MISSING) is MISSING
        assert cache.set(model, version, {"x": 1}, f"{model}/{version}") is True
    for model, version in names:
        assert cache.get(model, version, {"x": 1.0}) == f"{model}/{version}"


def test_none_is_a_prediction(backend: CacheInterface[Any]) -> None:
    cache = PredictionCache[None](backend)
    calls: list[object] = []
    for _ in range(2):
        result = cache.get_or_compute("model", "1", [1], calls.append)
        assert result is None
    assert calls == [[1]]
    assert cache.get("model", "1", [1], MISSING) is None


def test_predict_gets_the_features_as_they_are(backend: CacheInterface[Any]) -> None:
    cache = PredictionCache[list[float]](backend)
    features = {"x": 1, "y": 2}
    computed = cache.get_or_compute("m", "1", features, lambda f: [f["x"] + f["y"]])
    assert computed == [3]
    again = cache.get_or_compute("m", "1", {"y": 2.0, "x": True + 0}, lambda _: [0.0])
    assert again == [3]


def test_lifetimes() -> None:
    now = [0.0]
    backend = LRUCache[Any](default_ttl=50, clock=lambda: now[0])
    plain, brief = PredictionCache[int](backend), PredictionCache[int](backend, 5)
    plain.set("backend's", "1", [], 1)
    brief.set("default", "1", [], 1)
    brief.set("own", "1", [], 1, ttl=10)
    brief.get_or_compute("computed", "1", [], lambda _: 1)
    expected = {4.75: "backend's default own computed", 5: "backend's own"}
    expected |= {9.75: "backend's own", 10: "backend's", 50: ""}
    for now[0], alive in expected.items():
        names = ("backend's", "default", "own", "computed")
        found = [n for n in names if plain.get(n, "1", []) is not None]
        assert found == alive.split()
    with pytest.raises(ValueError, match=r"^ttl must be above zero"):
        plain.get_or_compute("m", "1", [], lambda _: 1, ttl=-1)
    with pytest.raises(ValueError, match=r"^default_ttl must be above zero"):
        PredictionCache[int](default_ttl=0)


def test_what_the_backend_cannot_carry_is_refused_by_it() -> None:
    server().flush()
    cache = PredictionCache[object](RedisCache[Any](server().url, timeout=10))
    with pytest.raises(TypeError, match=r"^value must be"):
        cache.set("m", "1", [1], np.float64(1))
    assert cache.get("m", "1", [1], MISSING) is MISSING


def test_concurrent_callers_predict_once(backend: CacheInterface[Any]) -> None:
    cache, gate = PredictionCache[int](backend), Gate()
    predict = gate.guarding(len)
    forms: list[list[float]] = [[1, 2], [1.0, 2], [1, 2.0], [1.0, 2.0]]
    team = Team(
        [partial(cache.get_or_compute, "m", "1", each, predict) for each in forms]
    )
    gate.wait_for(1)
    team.settle()
    other = cache.get_or_compute("m", "2", [1, 2], lambda _: 5)
    gate.open()
    assert team.join() == [2] * 4
    assert (gate.entered, other) == (1, 5)


def test_a_failure_poisons_nothing() -> None:
    cache, gate = PredictionCache[int](), Gate()

    def fail(_: object) -> int:
        raise OSError("no model")

    leader = Team([lambda: cache.get_or_compute("m", "1", [1], gate.guarding(fail))])
    gate.wait_for(1)
    waiters = Team([lambda: cache.get_or_compute("m", "1", [1], len)] * 3)
    waiters.settle()
    gate.open()
    (failure,) = leader.join()
    assert isinstance(failure, OSError)
    assert waiters.join() == [1] * 3
    assert cache.get("m", "1", [1]) == 1
