import math
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_holds, assert_raises_naming
from katas.caching.prediction_cache import PredictionCache
from reference.production import caching

ACUTE = "\u00e9"  # é in one code point
COMBINED = "e\u0301"  # and in two

texts = st.sampled_from(["a", "b", "ab", "a,b", "1", "", "null", "list", ACUTE, "e"])
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.5, -0.0, 1.0, 1e300, 1e-300, math.nan, math.inf, -math.inf]),
    st.sampled_from([2**53, 2**53 + 1, 2.0**53, 10**400]),
)
plain = st.one_of(texts, numbers, st.booleans(), st.none())
names = st.sampled_from(["a", "b", "ab", "1", "", ACUTE])
nested = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=5,
)
features = st.one_of(
    st.lists(nested, max_size=3), st.dictionaries(names, nested, max_size=3)
)


class Store:
    """A backend that keeps all and notes how it was called."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.lifetimes: list[float | None] = []

    def __repr__(self) -> str:
        return "store"

    def get(self, key: str, default: object = None) -> object:
        return self.values.get(key, default)

    def set(self, key: str, value: object, ttl: float | None = None) -> bool:
        self.values[key] = value
        self.lifetimes.append(ttl)
        return True


def key_of(features: object, model: str = "m", version: str = "1") -> str:
    """Return the key under a new cache."""
    return PredictionCache(Store()).key(model, version, features)


def assert_same(one: object, other: object) -> None:
    """Check that the two have one key."""
    got = key_of(one) == key_of(other)
    assert_holds(got, f"{one!r} and {other!r} have the same key")


def assert_distinct(one: object, other: object) -> None:
    """Check that the two have different keys."""
    got = key_of(one) != key_of(other)
    assert_holds(got, f"{one!r} and {other!r} have different keys")


def test_the_order_of_names_does_not_matter() -> None:
    """A mapping is its names with their values, in any order and of any class."""
    assert_same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert_same({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}})
    assert_same({"a": 1, "b": 2}, OrderedDict([("b", 2), ("a", 1)]))
    assert_same({"a": 1}, MappingProxyType({"a": 1}))
    assert_distinct({"a": 1, "b": 2}, {"a": 2, "b": 1})
    assert_distinct({"a": 1}, {"b": 1})


def test_the_order_of_a_sequence_matters() -> None:
    """Lists and tuples of the same values in order are the same, and no mapping is."""
    assert_same([1, 2], (1, 2))
    assert_same([[1], 2], ((1,), 2))
    assert_distinct([1, 2], [2, 1])
    assert_distinct([1, 2], [1, 2, 2])
    assert_distinct(["a", 1], {"a": 1})
    assert_distinct([["a", 1]], {"a": 1})
    assert_distinct([], {})


def test_numbers_go_by_their_exact_value() -> None:
    """1 and 1.0 are the same, and so are 0.0 and −0.0 and all NaN; True is not 1."""
    for one, other in (
        (1, 1.0),
        (0.0, -0.0),
        (0, -0.0),
        (-2, -2.0),
        (math.nan, -math.nan),
        (math.nan, math.inf - math.inf),
        (1e300, int(1e300)),
    ):
        assert_same([one], [other])
        assert_same({"a": one}, {"a": other})
    for one, other in (
        (True, 1),
        (False, 0),
        (False, None),
        (None, 0),
        (2**53 + 1, 2.0**53),
        (0.1, 0.1 + 2**-56),
        (1, -1),
        (math.inf, -math.inf),
        (math.inf, 1.7976931348623157e308),
        (math.inf, math.nan),
        (10**400, math.inf),
        (10**400, 10**400 + 1),
    ):
        assert_distinct([one], [other])


def test_text_goes_by_its_normal_form() -> None:
    """A text in one code point is the same as in two, as a name and as a value."""
    assert_same([ACUTE], [COMBINED])
    assert_same({ACUTE: 1, "z": 2}, {"z": 2, COMBINED: 1})
    assert_same({"a": {COMBINED: 1}}, {"a": {ACUTE: 1}})
    assert_distinct([ACUTE], ["e"])
    assert_distinct(["A"], ["a"])
    assert_distinct(["\u2460"], ["1"])  # a 1 in a circle: NFC, not NFKC
    assert_distinct([" a"], ["a"])


def test_arrays_are_the_lists_that_they_hold() -> None:
    """NumPy arrays and scalars are their plain values, wherever they stand."""
    assert_same(np.array([1.0, 2.0]), [1, 2])
    assert_same(np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]])
    assert_same({"a": np.array([True, False])}, {"a": [True, False]})
    assert_same([np.int64(3), np.float64(0.5), np.bool_(True)], [3, 0.5, True])
    assert_same([np.str_("a")], ["a"])
    # float32 is exact in float64, and 0.1 in float32 is another number.
    assert_same([np.float32(0.5)], [0.5])
    assert_distinct([np.float32(0.1)], [0.1])


def test_no_text_imitates_a_structure() -> None:
    """Separators, quotes and words in a text are text and nothing else."""
    for one, other in (
        (["a", "b"], ["a,b"]),
        (["a", "b"], ['a", "b']),
        (["1"], [1]),
        (["1.0"], [1.0]),
        (["nan"], [math.nan]),
        (["None"], [None]),
        (["null"], [None]),
        (["true"], [True]),
        ([[1], 2], [[1, 2]]),
        ([[]], []),
        ([{}], [[]]),
        (["[]"], [[]]),
        (["number", "1"], [1]),
        ([["number", "1"]], [1]),
        (["list", "a"], [["a"]]),
        ({"a": 1, "b": 2}, {"a=1,b": 2}),
        ({"a": {"b": 1}}, {"a.b": 1}),
        ([["mapping", ["a", 1]]], [{"a": 1}]),
        ([["a", 1]], [{"a": 1}]),
    ):
        assert_distinct(one, other)


@given(features, features)
@example([1], [1.0])
@example([True], [1])
@example({"a": [1, {"b": math.nan}]}, {"a": (1.0, {"b": -math.nan})})
@example(["a", "b"], ["ab"])
def test_same_and_different_agree_with_the_reference(
    one: object, other: object
) -> None:
    """Two features have one key exactly where they are the same."""
    twin: caching.PredictionCache[object] = caching.PredictionCache()
    expected = twin.key("m", "1", one) == twin.key("m", "1", other)
    got = key_of(one) == key_of(other)
    assert_equal(got, expected, f"whether {one!r} and {other!r} are the same")
    assert_equal(key_of(one), key_of(one), "the key of the same features again")


def test_model_and_version_are_part_of_the_key() -> None:
    """A new version never serves an old answer, nor does another model."""
    triples = [
        ("m", "1"), ("m", "2"), ("n", "1"), ("m1", "2"), ("m", "12"), ("1", "m"),
        ("m,1", ""), ("", "m,1"), ('m", "1', ""), ("m:1", "2"), ("m", "1:2"), ("", ""),
        (ACUTE, "1"), (COMBINED, "1"), ("M", "1"),
    ]  # fmt: skip
    keys = {key_of([1], model, version) for model, version in triples}
    assert_equal(len(keys), len(triples), "the number of different keys")
    cache = PredictionCache(Store())
    cache.set("m", "1", [1], "old")
    assert_equal(cache.get("m", "2", [1], "nothing"), "nothing", "under version 2")
    assert_equal(cache.get("m", "1", [1]), "old", "under version 1")


@given(features, st.one_of(st.none(), st.integers(), texts), st.booleans())
@example([1], None, True)
@example({"a": math.nan}, 0, False)
def test_what_is_set_is_got(features: object, prediction: object, ask: bool) -> None:
    """A prediction comes back for the same features; None is a prediction."""
    cache = PredictionCache(Store())
    assert_equal(cache.get("m", "1", features), None, "before")
    assert_equal(cache.get("m", "1", features, "nothing"), "nothing", "before")
    if ask:
        cache.get_or_compute("m", "1", features, lambda _: prediction)
    else:
        assert_equal(cache.set("m", "1", features, prediction), True, "set")
    assert_equal(cache.get("m", "1", features, "nothing"), prediction, "after")


def test_a_prediction_is_computed_once() -> None:
    """The function gets the features, and is called where nothing is cached."""
    for prediction in (None, 0, "spam"):
        cache, asked = PredictionCache(Store()), []

        def predict(
            features: object, prediction: object = prediction, asked: list = asked
        ) -> object:
            asked.append(features)
            return prediction

        for features in ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}):
            got = cache.get_or_compute("m", "1", features, predict)
            assert_equal(got, prediction, "the prediction")
        assert_equal(asked, [{"a": 1, "b": 2}], "what was computed")
        cache.get_or_compute("m", "2", {"a": 1, "b": 2}, predict)
        assert_equal(len(asked), 2, "how often, under a new version too")


def test_a_failure_is_not_kept() -> None:
    """What the function raises passes through, and the next call computes."""
    store = Store()
    cache = PredictionCache(store)

    def fail(_: object) -> object:
        raise OSError("features are away")

    assert_raises_naming(
        "away", cache.get_or_compute, "m", "1", [1], fail, error=OSError
    )
    assert_equal(store.values, {}, "what is stored")
    assert_equal(cache.get_or_compute("m", "1", [1], lambda _: 7), 7)


def test_lifetimes_reach_the_backend() -> None:
    """The lifetime is `ttl`, else the cache's own, else None; so is the answer."""
    store = Store()
    cache = PredictionCache(store, 60.0)
    cache.set("m", "1", [1], "x")
    cache.set("m", "1", [1], "x", 5.0)
    cache.get_or_compute("m", "1", [2], lambda _: "x")
    cache.get_or_compute("m", "1", [3], lambda _: "x", 7.0)
    PredictionCache(store).set("m", "1", [1], "x")
    assert_equal(store.lifetimes, [60.0, 5.0, 60.0, 7.0, None], "the lifetimes")

    class Full(Store):
        def set(self, key: str, value: object, ttl: float | None = None) -> bool:
            return False

    assert_equal(PredictionCache(Full()).set("m", "1", [1], "x"), False, "set")
    got = PredictionCache(Full()).get_or_compute("m", "1", [1], lambda _: 3)
    assert_equal(got, 3, "the prediction where the backend is full")


def test_keys_are_text_of_bounded_length() -> None:
    """However many features there are, the key is a short text."""
    key = key_of({f"feature {number}": number for number in range(1000)})
    assert_equal(type(key), str, "the type of the key")
    assert_holds(len(key) <= 200, "the key has at most 200 characters", actual=key)


def test_other_features_are_refused() -> None:
    """What has no canonical form raises, names `features`, and is not stored."""
    store = Store()
    cache = PredictionCache(store)
    for bad in (
        "abc", b"abc", 1, None, {1, 2}, object(), iter([1]),
        [b"a"], [{1}], [object()], {"a": {1: 2}}, {1: 2}, {None: 1}, [1 + 2j],
    ):  # fmt: skip
        for call in (cache.key, cache.get):
            assert_raises_naming("features", call, "m", "1", bad, error=TypeError)
        assert_raises_naming("features", cache.set, "m", "1", bad, 1, error=TypeError)
    twice: list[Mapping[str, object]] = [{ACUTE: 1, COMBINED: 1}]
    assert_raises_naming("features", cache.key, "m", "1", twice)
    assert_raises_naming("features", cache.set, "m", "1", twice[0], 1)
    assert_equal(store.values, {}, "what is stored")
