"""A cache in memory with a bound and lifetimes."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple

from reference.production.caching.interface import (
    CacheInterface,
    CacheStatistics,
    D,
    V,
    check_ttl,
)


class _Entry(NamedTuple, Generic[V]):
    value: V
    expires_at: float  # on the cache's clock; infinite where it never expires


class LRUCache(CacheInterface[V]):
    """A thread-safe cache of at most ``max_size`` entries, least recently used out.

    Every operation takes O(1) amortised time, except ``clear``. Keys are hashable; a
    stored ``None`` is a value like any other: ``get(key, default)`` and ``exists``
    tell it from a miss.

    Recency: ``set`` and a ``get`` that hits make the entry the most recent one;
    ``exists`` does not. When a new key exceeds ``max_size`` the least recently used
    entry leaves, expired or not, and a live one is not spared because an expired one
    lies elsewhere. One that leaves expired counts as an expiration, not an eviction.

    Lifetime: an entry set at t with ``ttl`` seconds is expired from
    ``clock() >= t + ttl`` on, that instant included. An entry set without ``ttl``
    lives for ``default_ttl`` seconds; with neither it never expires. An expired
    entry is dropped, and counted, by the first call that meets it: until then
    ``len`` counts it.

    ``clock`` returns seconds; it must not call the cache. Raises ``TypeError`` where
    ``max_size`` is not an integer or ``default_ttl`` no number, ``ValueError`` where
    ``max_size`` is below one or ``default_ttl`` not positive.
    """

    def __init__(
        self,
        max_size: int = 1000,
        default_ttl: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(max_size, bool) or not isinstance(max_size, int):
            raise TypeError(f"max_size must be an integer, got {max_size!r}")
        if max_size < 1:
            raise ValueError(f"max_size must be at least 1, got {max_size}")
        if default_ttl is not None:
            check_ttl(default_ttl, "default_ttl")
        self._max_size = max_size
        self._default_ttl = default_ttl
        self._clock = clock
        # Reentrant, as dropping a value may run its finalizer, which may come back.
        self._lock = threading.RLock()
        self._entries: OrderedDict[Hashable, _Entry[V]] = OrderedDict()  # oldest first
        self._hits = self._misses = self._evictions = self._expirations = 0

    def get(self, key: Hashable, default: D | None = None) -> V | D | None:
        """Return the live value of ``key``, now the most recent, else ``default``.

        Raises ``TypeError`` where ``key`` is not hashable, as all methods do.
        """
        with self._lock:
            entry = self._find(key)
            if entry is None:
                self._misses += 1
                return default
            self._hits += 1
            self._entries.move_to_end(key)
            return entry.value

    def set(self, key: Hashable, value: V, ttl: float | None = None) -> bool:
        """Store ``value`` as the most recent entry and return True.

        Overwriting renews the value, the recency and the lifetime. Raises
        ``ValueError`` where ``ttl`` is not positive and ``TypeError`` where it is no
        number; nothing is stored then.
        """
        if ttl is None:
            ttl = self._default_ttl
        else:
            check_ttl(ttl, "ttl")
        with self._lock:
            expires_at = math.inf if ttl is None else self._clock() + ttl
            if self._find(key) is not None:
                self._entries.move_to_end(key)
            self._entries[key] = _Entry(value, expires_at)
            while len(self._entries) > self._max_size:
                self._drop_least_recent()
        return True

    def delete(self, key: Hashable) -> bool:
        """Remove ``key`` and return whether it was there and live."""
        with self._lock:
            if self._find(key) is None:
                return False
            del self._entries[key]
            return True

    def exists(self, key: Hashable) -> bool:
        """Return whether ``key`` is there and live; neither a hit nor a use."""
        with self._lock:
            return self._find(key) is not None

    def clear(self) -> None:
        """Remove every entry; the statistics go on, and count none of these."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        """Return the number of entries held, with expired ones not yet met."""
        with self._lock:
            return len(self._entries)

    @property
    def statistics(self) -> CacheStatistics:
        """The counts up to now, taken together."""
        with self._lock:
            return CacheStatistics(
                self._hits, self._misses, self._evictions, self._expirations
            )

    def _find(self, key: Hashable) -> _Entry[V] | None:
        """Return the live entry of ``key``; drop it where it has expired."""
        try:
            entry = self._entries.get(key)
        except TypeError:
            _check_key(key)
            raise  # not the hash: the key's own comparison failed
        if entry is not None and self._is_expired(entry):
            del self._entries[key]
            self._expirations += 1
            return None
        return entry

    def _is_expired(self, entry: _Entry[V]) -> bool:
        # Most entries never expire in many caches: they do not read the clock.
        return entry.expires_at != math.inf and self._clock() >= entry.expires_at

    def _drop_least_recent(self) -> None:
        _, entry = self._entries.popitem(last=False)
        if self._is_expired(entry):
            self._expirations += 1
        else:
            self._evictions += 1


def _check_key(key: Hashable) -> None:
    try:
        hash(key)
    except TypeError as error:
        message = f"key must be hashable, got {type(key).__name__}"
        raise TypeError(message) from error
