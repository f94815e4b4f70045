"""A prediction cache with canonical keys.

A model gives the same prediction for the same features, so why compute it again? The
whole difficulty is the word "same". A key that is too fine never hits: {"a": 1, "b": 2}
in another order, 1 and 1.0. A key that is too coarse is worse: it serves the prediction
of somebody else. So write features in a canonical form, one text for all that are the
same and another one for all that are not, and digest it:

    key = SHA-256( canonical(model name, version, features) )

What is the same:

- A mapping is its names with their values, in any order. A list or a tuple is its
  values, in order; the two are the same, a mapping is never one of them.
- Numbers go by their exact value: 1 and 1.0 are the same, 0.0 and −0.0 are, all NaN
  are, while 2⁵³ + 1 and 2.0⁵³ are not. ∞ and −∞ are themselves alone.
- True and False are no numbers: True is not 1. None is itself alone.
- Text, in names and values, goes by its normal form NFC: é in one code point is é in
  two. The model's name and version go by their characters as they are.
- A NumPy array is the list that it holds, a NumPy scalar the plain value (`tolist`).

Features may be nested. No text may imitate a structure: ["a", "b"] is not ["a,b"], the
text "1" is not the number, model "m1" in version "2" is not "m" in version "12".

Write `PredictionCache(cache_backend, default_ttl=None)`. The backend is a cache with
`get(key, default)` and `set(key, value, ttl) -> bool`; its keys are text.

- `key(model_name, version, features)` returns the key, a text.
- `get(model_name, version, features, default=None)` returns what the backend has.
- `set(model_name, version, features, prediction, ttl=None)` stores, for `ttl` seconds,
  else `default_ttl`, else None, which leaves the lifetime to the backend; it returns
  what the backend returns.
- `get_or_compute(model_name, version, features, predict_fn, ttl=None)` returns the
  cached prediction, or else `predict_fn(features)`, which it stores. A prediction of
  None is a prediction. What `predict_fn` raises passes through, and nothing is stored.

`TypeError` that names `features`: they are neither a mapping nor a list, a tuple or an
array; or hold something else than these, text, numbers, True, False and None (bytes,
sets, objects); or a name is no text. `ValueError` that names `features`: two names of
one mapping are the same in NFC.

Source: Unicode Standard Annex 15, Unicode Normalization Forms; RFC 8785, JSON
Canonicalization Scheme, on what a canonical form has to settle.

In production: threads that miss the same key at once compute once, and a deployment
warms the cache, since a new version begins with an empty one.
"""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np


class Backend(Protocol):
    """What the predictions are kept in."""

    def get(self, key: str, default: object = None) -> object:
        """Return the value of `key`, or `default`."""

    def set(self, key: str, value: object, ttl: float | None = None) -> bool:
        """Store `value` for `ttl` seconds and return whether it was stored."""


class PredictionCache:
    """Predictions by model, version and features."""

    def __init__(
        self, cache_backend: Backend, default_ttl: float | None = None
    ) -> None:
        """Keep predictions in `cache_backend`, for `default_ttl` seconds."""
        self._backend = cache_backend
        self._default_ttl = default_ttl

    def key(self, model_name: str, version: str, features: object) -> str:
        """Return the key of a prediction: the same for the same features."""
        if not isinstance(features, Mapping | list | tuple | np.ndarray):
            raise TypeError(f"features must be a mapping or a list, got {features!r}")
        text = json.dumps([model_name, version, _canonical(features)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(
        self, model_name: str, version: str, features: object, default: object = None
    ) -> object:
        """Return the cached prediction, or `default`."""
        return self._backend.get(self.key(model_name, version, features), default)

    def set(
        self,
        model_name: str,
        version: str,
        features: object,
        prediction: object,
        ttl: float | None = None,
    ) -> bool:
        """Store a prediction and return whether the backend has taken it."""
        lifetime = self._default_ttl if ttl is None else ttl
        key = self.key(model_name, version, features)
        return self._backend.set(key, prediction, lifetime)

    def get_or_compute(
        self,
        model_name: str,
        version: str,
        features: object,
        predict_fn: Callable[[object], object],
        ttl: float | None = None,
    ) -> object:
        """Return the cached prediction, computed and stored where there is none."""
        missing = object()
        found = self.get(model_name, version, features, missing)
        if found is missing:
            found = predict_fn(features)
            self.set(model_name, version, features, found, ttl)
        return found


def _canonical(value: object) -> object:
    """Return a tree whose JSON is the same exactly for what is the same."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, int | float):
        return value  # JSON spells True, 1 and "1" apart, and all NaN alike
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, Mapping):
        return _canonical_mapping(value)
    raise TypeError(f"features must hold plain values, got {value!r}")


def _canonical_mapping(mapping: Mapping[object, object]) -> object:
    items: dict[str, object] = {}
    for name, value in mapping.items():
        if not isinstance(name, str):
            raise TypeError(f"features must have text for names, got {name!r}")
        normal = unicodedata.normalize("NFC", name)
        if normal in items:
            raise ValueError(f"features must not have the name {normal!r} twice")
        items[normal] = _canonical(value)
    return items
