"""What every cache offers, whatever it keeps its values in.

Imports nothing but the standard library, so that a service without NumPy can use it.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

V = TypeVar("V")
D = TypeVar("D")

_MISSING: Final = object()


class CacheInterface(ABC, Generic[V]):
    """What every cache with text keys offers; an implementation may take more keys."""

    @abstractmethod
    def get(self, key: str, default: D | None = None) -> V | D | None:
        """Return the value of ``key``, or ``default`` where there is none."""

    @abstractmethod
    def set(self, key: str, value: V, ttl: float | None = None) -> bool:
        """Store ``value`` for ``ttl`` seconds and return whether it was stored."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Remove ``key`` and return whether it had a value."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Return whether ``key`` has a value."""

    @abstractmethod
    def clear(self) -> None:
        """Remove every entry."""

    def get_many(self, keys: Iterable[str]) -> dict[str, V]:
        """Return the values of those ``keys`` that have one, each as ``get`` does."""
        found: dict[str, V] = {}
        for key in dict.fromkeys(keys):
            value = self.get(key, _MISSING)
            if value is not _MISSING:
                found[key] = cast("V", value)
        return found

    def set_many(self, items: Mapping[str, V], ttl: float | None = None) -> bool:
        """Store each item as ``set`` does; return whether all were stored."""
        stored = True
        for key, value in items.items():
            stored = self.set(key, value, ttl) and stored
        return stored


@dataclass(frozen=True)
class CacheStatistics:
    """Counts since the cache was made.

    ``hits`` and ``misses`` count the keys that were got; ``evictions`` the live
    entries that made room for another; ``expirations`` the entries that were found
    expired; ``errors`` the calls that the store behind the cache failed.
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    expirations: int = 0
    errors: int = 0


def check_ttl(ttl: float, argument: str) -> None:
    """Raise unless ``ttl`` is a float's number of seconds above zero, or infinity."""
    if isinstance(ttl, bool) or not isinstance(ttl, int | float):
        raise TypeError(f"{argument} must be a number of seconds, got {ttl!r}")
    if not ttl > 0:
        raise ValueError(f"{argument} must be above zero, got {ttl!r}")
    try:
        float(ttl)
    except OverflowError as error:
        message = f"{argument} must be infinite or at most {sys.float_info.max}"
        raise ValueError(f"{message}, got a longer integer") from error
