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

import time
from collections.abc import Callable


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
        raise NotImplementedError

    def get(self, key: str, default: object = None) -> object:
        """Return the value of `key`, or `default` where there is none to be had."""
        raise NotImplementedError

    def set(self, key: str, value: object, ttl: float | None = None) -> bool:
        """Store `value` for `ttl` seconds and return whether Redis has taken it."""
        raise NotImplementedError

    def exists(self, key: str) -> bool:
        """Return whether `key` has a value."""
        raise NotImplementedError

    def delete(self, key: str) -> bool:
        """Remove what is stored for `key` and return whether it was a live entry."""
        raise NotImplementedError

    def clear(self) -> None:
        """Remove every key under the prefix."""
        raise NotImplementedError
