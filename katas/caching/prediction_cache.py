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

from collections.abc import Callable
from typing import Protocol


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
        raise NotImplementedError

    def key(self, model_name: str, version: str, features: object) -> str:
        """Return the key of a prediction: the same for the same features."""
        raise NotImplementedError

    def get(
        self, model_name: str, version: str, features: object, default: object = None
    ) -> object:
        """Return the cached prediction, or `default`."""
        raise NotImplementedError

    def set(
        self,
        model_name: str,
        version: str,
        features: object,
        prediction: object,
        ttl: float | None = None,
    ) -> bool:
        """Store a prediction and return whether the backend has taken it."""
        raise NotImplementedError

    def get_or_compute(
        self,
        model_name: str,
        version: str,
        features: object,
        predict_fn: Callable[[object], object],
        ttl: float | None = None,
    ) -> object:
        """Return the cached prediction, computed and stored where there is none."""
        raise NotImplementedError
