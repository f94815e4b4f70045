"""A cache of predictions by model, version and features."""

import hashlib
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, cast

from reference.production.caching.canonical import canonical_bytes, text_bytes
from reference.production.caching.interface import CacheInterface, check_ttl
from reference.production.caching.lru import LRUCache
from reference.production.caching.single_flight import Publish, SingleFlight

P = TypeVar("P")
F = TypeVar("F")
D = TypeVar("D")

_MISSING: Final = object()


class PredictionCache(Generic[P]):
    """Predictions by model, version and a canonical form of the features.

    Features are a mapping of names, or a sequence. Which ones are equal is said at
    ``canonical_bytes``: the order of names does not matter, 1 equals 1.0, -0.0 equals
    0.0, NaN equals NaN, text is compared in its form NFC. The names of model and
    version are compared as they are. The key is a SHA-256 digest of them all, each
    with its length, so that a new version never serves an old answer.

    A prediction is kept in ``cache_backend`` (default: an ``LRUCache``) as it is: one
    that a backend cannot carry is refused by it, and one that the backend does not
    copy must not be changed. A cached None is a prediction. Without ``ttl`` a
    prediction lives for ``default_ttl`` seconds, or as the backend has it where that
    is None.
    """

    def __init__(
        self,
        cache_backend: CacheInterface[Any] | None = None,
        default_ttl: float | None = None,
    ) -> None:
        if default_ttl is not None:
            check_ttl(default_ttl, "default_ttl")
        self._backend = LRUCache[Any]() if cache_backend is None else cache_backend
        self._default_ttl = default_ttl
        self._flights = SingleFlight[P]()

    def key(self, model_name: str, version: str, features: object) -> str:
        """Return the key under which the backend has the prediction.

        Raises ``TypeError`` where ``model_name`` or ``version`` is no text or
        ``features`` holds what no feature is, and ``ValueError`` where two of its
        names are equal; so do all methods.
        """
        _check_text(model_name, "model_name")
        _check_text(version, "version")
        triple = text_bytes(model_name) + text_bytes(version)
        digest = hashlib.sha256(triple + canonical_bytes(features)).hexdigest()
        return f"prediction:{digest}"

    def get(
        self,
        model_name: str,
        version: str,
        features: object,
        default: D | None = None,
    ) -> P | D | None:
        """Return the prediction, or ``default`` where there is none."""
        found = self._backend.get(self.key(model_name, version, features), default)
        return cast("P | D | None", found)

    def set(
        self,
        model_name: str,
        version: str,
        features: object,
        prediction: P,
        ttl: float | None = None,
    ) -> bool:
        """Store the prediction and return whether the backend has taken it."""
        key = self.key(model_name, version, features)
        return self._backend.set(key, prediction, self._lifetime(ttl))

    def get_or_compute(
        self,
        model_name: str,
        version: str,
        features: F,
        predict_fn: Callable[[F], P],
        ttl: float | None = None,
    ) -> P:
        """Return the prediction, by ``predict_fn(features)`` where there is none.

        Threads that ask for the same one at once compute it once. Where that fails,
        the exception goes to the caller whose computation it was, nothing is stored,
        and those who waited try for themselves.

        Raises ``RuntimeError`` from within a ``predict_fn`` of this cache: two that
        ask for each other's prediction would wait without end.
        """
        key = self.key(model_name, version, features)
        lifetime = self._lifetime(ttl)

        def work(_: list[str], publish: Publish[P]) -> None:
            found = self._backend.get(key, _MISSING)
            if found is _MISSING:
                found = predict_fn(features)
                self._backend.set(key, found, lifetime)
            publish({key: cast("P", found)})

        return self._flights.collect([key], work)[key]

    def _lifetime(self, ttl: float | None) -> float | None:
        if ttl is None:
            return self._default_ttl
        check_ttl(ttl, "ttl")
        return ttl


def _check_text(value: str, argument: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a text, got {value!r:.60}")
