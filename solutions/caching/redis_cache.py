"""A cache on Redis that may fail.

Many processes share a cache in Redis. Three things make that harder than a dictionary:
others can write there too, so that what is read may be anything; a value travels as
bytes, so that it may come back as another one; and the server may be down, hang or be
full, while a cache is never worth an outage: without it the service is slower, no more.

Write `RedisCache(url=None, prefix="cache:", default_ttl=3600, serializer="json", *,
timeout=0.5, clock=time.time)` on the library `redis`. Without `url` the environment's
REDIS_URL counts, or else redis://127.0.0.1:6379/0. The constructor does not connect.

- `set(key, value, ttl=None)` stores and returns True; False where Redis does not.
- `get(key, default=None)` returns the value, or `default`. None is a value.
- `exists(key)` tells whether `get` would find a value.
- `delete(key)` removes whatever is stored there, and returns True if that was a live
  entry of this cache. Of two deletes at once only one returns True.
- `clear()` removes every key under the prefix, whatever it holds, and no other one. It
  goes by SCAN: KEYS would stop the server for all. Returns None.

The entry of a key is Redis's string `prefix + key`. It holds an envelope, a JSON object
of three names: {"format": …, "deadline": …, "value": …}. The format is a text of yours
that names this layout and its version.

Lifetime: an entry set at t with `ttl` seconds, else `default_ttl`, has the deadline
t + ttl and lives while `clock()` is below it. Without either it has the deadline null
and lives for ever. Redis's own expiry is set as well, as housekeeping: not before the
deadline and at most a minute after it, none without a deadline. A call that only reads
never removes what somebody has set in the meantime.

Whatever else is stored under a key is a miss, never another object and never an
exception: bytes that are no JSON or nested without end, other JSON, another format, a
name that lacks, a deadline that is neither a number nor null, a Redis list. `set`
overwrites it.

Values are text, numbers, True, False, None, and lists and dicts of them with text for
names: of exactly these types, since JSON would bring back a tuple as a list, the name 1
as "1" and a subclass such as NumPy's float64 as its base. Another type is a `TypeError`
and NaN or ±∞ a `ValueError`, wherever in the value it stands. Both name `value` and are
raised before anything is sent.

Trouble: no method raises because of Redis. Where it is down, hangs or refuses, `get`
returns `default`, the others False (`clear` None), each wait for the server ends after
`timeout` seconds, and every call tries anew, so that the cache is back as soon as Redis
is. A full server refuses only what needs memory: `set` is False there and the old value
stays, while all else works as ever (a plain DEL does; MULTI is refused). Threads share
a cache; the number that the client's `delete` returns tells who removed a value.

`ValueError` that names the argument: an empty `prefix`; a `serializer` other than
"json"; `default_ttl`, `timeout` or `ttl` not above 0. What is refused changes nothing.

Useful: `redis.Redis.from_url(url, socket_timeout=…, socket_connect_timeout=…)` gives a
client that connects at the first command, and again after a failure; threads may share
it. Its `get`, `set(name, data, px=milliseconds)`, `delete(name)` and
`scan_iter(match=pattern)` raise subclasses of `redis.RedisError`. In a pattern the
characters * ? [ and the backslash mean something unless a backslash stands before them.

Source: the Redis documentation of the commands SET, SCAN and KEYS; RFC 8259, The
JavaScript Object Notation (JSON) Data Interchange Format.

In production: failures are counted and logged once, not at every call, and pickle is
not offered, since loading it runs what anybody who can write to Redis has put there.
"""

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Callable

import redis

_FORMAT = "redis_cache/1"
_LOCAL = "redis://127.0.0.1:6379/0"
# What reading raises where there is no envelope: no text, no JSON, no object, an object
# without the names, a deadline that is no number, endless nesting.
_FOREIGN = (ValueError, TypeError, KeyError, RecursionError)
_TYPES = (str, int, float, bool, type(None), list, dict)


class RedisCache:
    """A cache that processes share, and that answers whatever state Redis is in."""

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
        """Make a cache of the keys under `prefix`; nothing connects yet."""
        if prefix == "":
            raise ValueError("prefix must not be empty, got ''")
        if serializer != "json":
            raise ValueError(f"serializer must be 'json', got {serializer!r}")
        _check_seconds("default_ttl", default_ttl)
        _check_seconds("timeout", timeout)
        self._prefix = prefix
        self._default_ttl = default_ttl
        self._clock = clock
        self._redis = redis.Redis.from_url(
            url or os.environ.get("REDIS_URL", _LOCAL),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
        )

    def get(self, key: str, default: object = None) -> object:
        """Return the value of `key`, or `default` where there is none to be had."""
        entry = self._read(key)
        return default if entry is None else entry[0]

    def set(self, key: str, value: object, ttl: float | None = None) -> bool:
        """Store `value` for `ttl` seconds and return whether Redis has taken it."""
        _check_value(value)
        _check_seconds("ttl", ttl)
        lifetime = self._default_ttl if ttl is None else ttl
        deadline = milliseconds = None
        if lifetime is not None:
            deadline = self._clock() + lifetime
            milliseconds = math.ceil(lifetime * 1000)
        envelope = {"format": _FORMAT, "deadline": deadline, "value": value}
        try:
            self._redis.set(self._prefix + key, json.dumps(envelope), px=milliseconds)
        except redis.RedisError:
            return False
        return True

    def exists(self, key: str) -> bool:
        """Return whether `key` has a value."""
        return self._read(key) is not None

    def delete(self, key: str) -> bool:
        """Remove what is stored for `key` and return whether it was a live entry."""
        live = self.exists(key)
        try:
            removed = self._redis.delete(self._prefix + key)
        except redis.RedisError:
            return False
        return live and removed == 1

    def clear(self) -> None:
        """Remove every key under the prefix."""
        pattern = re.sub(r"([*?\[\\])", r"\\\1", self._prefix) + "*"
        with contextlib.suppress(redis.RedisError):
            for name in self._redis.scan_iter(match=pattern):
                self._redis.delete(name)

    def _read(self, key: str) -> tuple[object] | None:
        """Return the live value of `key` in a tuple, None where there is none."""
        try:
            data = self._redis.get(self._prefix + key)
        except redis.RedisError:
            return None
        with contextlib.suppress(*_FOREIGN):
            envelope = json.loads(data or b"")
            deadline = envelope["deadline"]
            live = deadline is None or self._clock() < deadline
            if live and envelope["format"] == _FORMAT:
                return (envelope["value"],)
        return None


def _check_seconds(name: str, seconds: float | None) -> None:
    if seconds is not None and seconds <= 0:
        raise ValueError(f"{name} must be above 0 seconds, got {seconds}")


def _check_value(value: object) -> None:
    """Refuse what JSON would not bring back as it was."""
    if type(value) not in _TYPES:
        raise TypeError(f"value must be of types that JSON has, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"value must hold finite numbers, got {value}")
    if isinstance(value, dict):
        for name in value:
            if type(name) is not str:
                raise TypeError(f"value must have text for names, got {name!r}")
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            _check_value(part)
