"""A cache on Redis that answers, whatever state Redis is in."""

import logging
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast

from reference.production.caching.envelope import (
    Envelope,
    ForeignValueError,
    seal,
    unseal,
)
from reference.production.caching.interface import (
    CacheInterface,
    CacheStatistics,
    D,
    V,
    check_ttl,
)

if TYPE_CHECKING:
    from redis import Redis

    from reference.production.caching.punctual import Deadline

T = TypeVar("T")

_LOGGER = logging.getLogger(__name__)
_LOCAL = "redis://127.0.0.1:6379/0"
_BATCH = 500  # keys in one command: Redis serves nobody else meanwhile
# Redis drops an entry this much later than it expires. The cache's clock and the
# server's are two, and what is judged by the one must not go by the other before.
_GRACE = 60.0
_LONGEST = 1e10  # seconds; far below what overflows the server's milliseconds
# An expired entry goes only if nobody has written another in the meantime.
_DROP_IF_EQUAL = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisCache(CacheInterface[V]):
    """A cache that many processes share, of values that JSON carries faithfully.

    It needs Redis 6.2 or later. Values are text, numbers, True, False, None, lists,
    and dicts with text keys. They come back equal and of the same types; others are
    refused before anything is sent: ``TypeError`` for wrong types (bytes, tuples, keys
    that are no text, subclasses), ``ValueError`` for what JSON lacks (NaN, infinities,
    lone surrogates, cycles). ``serializer`` is ``"json"``: pickle would run what
    anybody who can write to Redis has put there.

    Lifetime: an entry set at t with ``ttl`` seconds is expired from
    ``clock() >= t + ttl`` on. Without ``ttl`` it lives for ``default_ttl`` seconds,
    for ever where that is None or infinite. The deadline is stored with the value, so
    processes that share a cache need clocks that agree. Redis's own expiry is set to
    a minute later; it only clears what nobody asks for.

    Trouble: no method raises because of Redis. Where it is down, slow, full or
    refuses, ``get`` returns the default, ``set``, ``delete`` and ``exists`` return
    False, and a value that ``set`` could not replace stays. Each of these ends after
    ``timeout`` seconds in all, the connection included (but for the look-up of a
    host's name), and nothing is tried twice; calls of many keys take that long for
    each batch at most, and end with the first that fails. What a hanging server has
    been sent it may do later all the same. Every failed call counts in
    ``statistics.errors``; the first is logged, the next ones are not, until the same
    thing works again. Each call tries anew, so the cache heals when Redis does.

    A key whose value is no envelope of this cache (written by another program, torn,
    of another version, not of Redis's string type) is a miss; the reason is logged,
    and ``set`` overwrites it.

    ``url`` (``redis://``, ``rediss://`` or ``unix://``) defaults to the environment's
    REDIS_URL, then to the local server; nothing connects before the first call. All
    keys begin with ``prefix``, which is not empty: ``clear`` and ``len`` go by it, so
    no cache's prefix should begin with another's. Threads may share a cache.

    Raises ``TypeError`` or ``ValueError`` for arguments of the wrong type or domain.
    """

    def __init__(
        self,
        url: str | None = None,
        prefix: str = "cache:",
        default_ttl: float | None = 3600,
        serializer: str = "json",
        *,
        timeout: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        _check_text(prefix, "prefix")
        if not prefix:
            raise ValueError("prefix must be a text that is not empty, got ''")
        if default_ttl is not None:
            check_ttl(default_ttl, "default_ttl")
        if serializer != "json":
            raise ValueError(f"serializer must be 'json', got {serializer!r}")
        _check_timeout(timeout)
        self._redis, self._deadline = _connect(url, timeout)
        self._prefix = _bytes(prefix)
        self._default_ttl = default_ttl
        self._clock = clock
        self._lock = threading.Lock()  # of the counts and the complaints
        self._hits = self._misses = self._expirations = self._errors = 0
        self._complaints: set[str] = set()

    def get(self, key: str, default: D | None = None) -> V | D | None:
        """Return the value of ``key``, or ``default`` where there is none to be had.

        Raises ``TypeError`` where ``key`` is no text, as all methods do.
        """
        envelope = self._read(key)
        self._count(hits=envelope is not None, misses=envelope is None)
        return default if envelope is None else cast("V", envelope.value)

    def set(self, key: str, value: V, ttl: float | None = None) -> bool:
        """Store ``value`` and return whether Redis has taken it.

        Raises ``ValueError`` where ``ttl`` is not positive, and ``TypeError`` or
        ``ValueError`` where it is no number or ``value`` is none that JSON carries.
        """
        return self.set_many({key: value}, ttl)

    def delete(self, key: str) -> bool:
        """Remove ``key`` and return whether it had a value; a foreign one goes too."""
        name = self._name(key)

        def remove() -> object:
            from redis.exceptions import ResponseError

            try:  # not by MULTI: a full Redis queues nothing
                return self._redis.getdel(name)
            except ResponseError as error:
                if not _is_wrong_type(error):
                    raise
                self._redis.delete(name)
                return error

        found = self._attempt("delete", remove, None)
        envelope = self._judge(key, found)
        if envelope is None or not self._is_expired(envelope):
            return envelope is not None
        self._count(expirations=1)
        return False

    def exists(self, key: str) -> bool:
        """Return whether ``key`` has a value; neither a hit nor a miss."""
        return self._read(key) is not None

    def get_many(self, keys: Iterable[str]) -> dict[str, V]:
        """Return the values of those ``keys`` that have one, by few round trips."""
        wanted = list(dict.fromkeys(keys))
        names = [self._name(key) for key in wanted]
        found: dict[str, V] = {}
        expired: list[tuple[bytes, object]] = []
        for key, name, data in zip(wanted, names, self._fetch(names), strict=True):
            envelope = self._judge(key, data)
            if envelope is not None and self._is_expired(envelope):
                expired.append((name, data))
            elif envelope is not None:
                found[key] = cast("V", envelope.value)
        self._drop(expired)
        self._count(hits=len(found), misses=len(wanted) - len(found))
        return found

    def set_many(self, items: Mapping[str, V], ttl: float | None = None) -> bool:
        """Store each item, by few round trips; return whether Redis has taken all.

        Nothing is sent where a key, a value or ``ttl`` is refused.
        """
        if ttl is None:
            ttl = math.inf if self._default_ttl is None else self._default_ttl
        else:
            check_ttl(ttl, "ttl")
        deadline = None if ttl == math.inf else self._clock() + ttl
        expiry = math.ceil((ttl + _GRACE) * 1000) if ttl < _LONGEST else None
        sealed = [
            (self._name(key), seal(value, deadline)) for key, value in items.items()
        ]

        def store(batch: Sequence[tuple[bytes, bytes]]) -> bool:
            if len(batch) == 1:
                name, data = batch[0]
                return bool(self._redis.set(name, data, px=expiry))
            pipe = self._redis.pipeline(transaction=False)
            for name, data in batch:
                pipe.set(name, data, px=expiry)
            return all(pipe.execute())

        batches = _batches(sealed)
        # all() ends at the first that fails: one time-out, not one a batch.
        return all(
            self._attempt("set", partial(store, batch), False) for batch in batches
        )

    def clear(self) -> None:
        """Remove every key under the prefix, by SCAN; the statistics go on."""

        def remove() -> None:
            for names in self._scan():
                if names:
                    self._redis.delete(*names)

        self._attempt("clear", remove, None)

    def __len__(self) -> int:
        """Return the number of keys under the prefix, expired or not; zero on trouble.

        Takes time in proportion to all keys of the database, as ``clear`` does.
        """
        # SCAN may give a key twice.
        return self._attempt("len", lambda: len(set().union(*self._scan())), 0)

    @property
    def statistics(self) -> CacheStatistics:
        """The counts of this object up to now; Redis's own evictions are not seen."""
        with self._lock:
            return CacheStatistics(
                hits=self._hits,
                misses=self._misses,
                expirations=self._expirations,
                errors=self._errors,
            )

    def close(self) -> None:
        """Give up the connections; a later call opens new ones."""
        self._redis.close()

    def _read(self, key: str) -> Envelope | None:
        """Return the live envelope of ``key``; drop it where it has expired."""
        name = self._name(key)
        with self._deadline.running():
            (data,) = self._fetch([name])
            envelope = self._judge(key, data)
            if envelope is not None and self._is_expired(envelope):
                self._drop([(name, data)])
                return None
        return envelope

    def _fetch(self, names: Sequence[bytes]) -> Iterator[object]:
        """Yield what is stored for each name; None from the first failure on.

        For a key of another type than string it is Redis's error.
        """

        def fetch(batch: Sequence[bytes]) -> list[object]:
            # Not MGET, which does not tell another type from nothing.
            pipe = self._redis.pipeline(transaction=False)
            for name in batch:
                pipe.get(name)
            answers = pipe.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception) and not _is_wrong_type(answer):
                    raise answer
            return answers

        failed = False
        for batch in _batches(names):
            answers = None
            if not failed:
                answers = self._attempt("get", partial(fetch, batch), None)
                failed = answers is None
            yield from answers or [None] * len(batch)

    def _judge(self, key: str, data: object) -> Envelope | None:
        """Return the envelope in ``data``; log where it is foreign."""
        try:
            if isinstance(data, Exception):
                raise ForeignValueError(str(data))
            return unseal(data) if isinstance(data, bytes) else None
        except ForeignValueError as error:
            _LOGGER.warning("foreign value under the key %.80r: %s", key, error)
            return None

    def _is_expired(self, envelope: Envelope) -> bool:
        return envelope.deadline is not None and self._clock() >= envelope.deadline

    def _drop(self, expired: Sequence[tuple[bytes, object]]) -> None:
        """Remove expired entries, and count those that nobody else has removed."""
        if not expired:
            return

        def drop() -> int:
            pipe = self._redis.pipeline(transaction=False)
            for name, data in expired:
                pipe.eval(_DROP_IF_EQUAL, 1, name, cast("bytes", data))
            return sum(pipe.execute())

        self._count(expirations=self._attempt("drop", drop, 0))

    def _scan(self) -> Iterator[list[bytes]]:
        """Yield the names under the prefix, part by part, each in its own time."""
        pattern = re.sub(rb"([*?\[\]\\])", rb"\\\1", self._prefix) + b"*"
        cursor = 0
        while True:
            self._deadline.renew()
            cursor, names = self._redis.scan(cursor, pattern, _BATCH)
            yield cast("list[bytes]", names)
            if cursor == 0:
                return

    def _name(self, key: str) -> bytes:
        _check_text(key, "key")
        return self._prefix + _bytes(key)

    def _attempt(self, operation: str, call: Callable[[], T], otherwise: T) -> T:
        """Return what ``call`` returns, or ``otherwise`` where Redis fails it."""
        from redis.exceptions import RedisError

        try:
            with self._deadline.running():
                result = call()
        # A server that does not speak Redis's protocol makes its reader fail with
        # ValueError; all that is sent has been encoded before.
        except (RedisError, OSError, ValueError) as error:
            self._complain(operation, error)
            return otherwise
        self._praise(operation)
        return result

    def _complain(self, operation: str, error: Exception) -> None:
        """Count a failure, and log it unless its like is known already."""
        from redis.exceptions import ResponseError

        # A full Redis refuses to write and yet reads: that heals apart.
        refused = isinstance(error, ResponseError)
        complaint = f"refused {operation}" if refused else "unreachable"
        with self._lock:
            self._errors += 1
            known = complaint in self._complaints
            self._complaints.add(complaint)
        if not known:
            kind = type(error).__name__
            _LOGGER.warning("Redis %s, going on: %s: %s", complaint, kind, error)

    def _praise(self, operation: str) -> None:
        """Take back what this success disproves."""
        if not self._complaints:  # without the lock: late by a call at most
            return
        disproved = {"unreachable", f"refused {operation}"}
        with self._lock:
            healed = self._complaints & disproved
            self._complaints -= disproved
        if healed:
            _LOGGER.info("Redis answers again (%s)", ", ".join(sorted(healed)))

    def _count(self, hits: int = 0, misses: int = 0, expirations: int = 0) -> None:
        with self._lock:
            self._hits += hits
            self._misses += misses
            self._expirations += expirations


def _connect(url: str | None, timeout: float) -> "tuple[Redis, Deadline]":
    from reference.production.caching.punctual import connect

    if url is None:
        url = os.environ.get("REDIS_URL") or _LOCAL
    _check_text(url, "url")
    return connect(url, timeout)


def _is_wrong_type(error: Exception) -> bool:
    """Return whether Redis says that a key is not of its string type."""
    from redis.exceptions import ResponseError

    return isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(items)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _bytes(text: str) -> bytes:
    # Any text is a key, even one with lone surrogates.
    return text.encode("utf-8", "surrogatepass")


def _check_text(value: str, argument: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a text, got {value!r:.60}")


def _check_timeout(timeout: float) -> None:
    check_ttl(timeout, "timeout")
    if not math.isfinite(timeout):
        raise ValueError(f"timeout must be finite, got {timeout!r}")
