"""Level 4 of the cache: many threads, and one computation for all who wait.

All that levels 1 to 3 asked for goes on to hold. New:

- Any number of threads may call at the same time, and it must look as if the calls had
  come one after another; so it does in the journal.
- `get_or_compute(key, compute, ttl=None)` returns the live value of `key`, which is a
  use like `get`. If there is none, it calls `compute()`, stores the value like
  `set(key, value, ttl)` does, its lifetime beginning then, and returns it.
- Single flight: of all threads that ask for the same missing key at one time, one
  computes, and the others wait for its value. Meanwhile every other call goes on.
  `compute` may use the cache too, though not ask for the same key.
- What goes wrong (in `compute`, or in storing its value) is raised in all threads that
  wait, the one that computed included. Nothing is stored; the next call tries again.

A bad `ttl` is refused as in `set`, before anything is computed or waited for; also
where the key is there.

Source: Nishtala et al., Scaling Memcache at Facebook (NSDI 2013), section 3.2.1, on
thundering herds; the name is that of Go's package singleflight.

In production: waiting has a limit, hot keys are computed anew shortly before they end,
and a flight spans machines as well, by a lease in the shared cache.
"""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path


class Cache:
    """At most `capacity` live entries; the least recently used one leaves first."""

    def __init__(
        self,
        capacity: int,
        clock: Callable[[], float] = time.time,
        journal: str | Path | None = None,
    ) -> None:
        """Make a cache of what the journal holds, or an empty one."""
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity = capacity
        self._clock = clock
        # Each value with the time when it ends, the oldest use first.
        self._entries: dict[str, tuple[object, float]] = {}
        self._flights: dict[str, Future[object]] = {}
        self._lock = threading.Lock()
        self._journal = journal
        if journal is not None:
            self._replay(Path(journal))

    def get(self, key: str, default: object = None) -> object:
        """Return the live value of `key`, now the most recently used, or `default`."""
        with self._lock:
            entry = self._use(key)
        return default if entry is None else entry[0]

    def set(self, key: str, value: object, ttl: float | None = None) -> None:
        """Store `value` for `ttl` seconds, or for good; that is a use of `key`."""
        _check_lifetime(ttl)
        with self._lock:
            self._drop_expired()
            gone = []
            if key not in self._entries and len(self._entries) == self._capacity:
                gone.append(next(iter(self._entries)))
            ends = math.inf if ttl is None else self._clock() + ttl
            self._change(gone, {key: (value, ends)})

    def delete(self, key: str) -> bool:
        """Remove `key` and return whether it was there and live."""
        with self._lock:
            self._drop_expired()
            if key not in self._entries:
                return False
            self._change([key], {})
            return True

    def __len__(self) -> int:
        """Return the number of live entries."""
        with self._lock:
            self._drop_expired()
            return len(self._entries)

    def get_or_compute(
        self, key: str, compute: Callable[[], object], ttl: float | None = None
    ) -> object:
        """Return the value of `key`, which one of all who ask computes if need be."""
        _check_lifetime(ttl)
        with self._lock:
            entry = self._use(key)
            if entry is not None:
                return entry[0]
            waits = key in self._flights
            flight = self._flights.setdefault(key, Future())
        if not waits:
            try:
                value = compute()
                self.set(key, value, ttl)
                flight.set_result(value)
            except BaseException as error:
                flight.set_exception(error)
            # One step, which needs no lock.
            del self._flights[key]
        return flight.result()

    def _use(self, key: str) -> tuple[object, float] | None:
        """Return the live entry of `key`, now the most recently used."""
        self._drop_expired()
        if key in self._entries:
            self._entries[key] = self._entries.pop(key)
        return self._entries.get(key)

    def _drop_expired(self) -> None:
        now = self._clock()
        over = [key for key, (_, ends) in self._entries.items() if ends <= now]
        for key in over:
            del self._entries[key]

    def _change(
        self, gone: Iterable[str], new: Mapping[str, tuple[object, float]]
    ) -> None:
        """Write a change down, on one line so that it happens whole, and make it."""
        if self._journal is not None:
            line = json.dumps([gone, new]) + "\n"
            with Path(self._journal).open("a") as file:
                file.write(line)
                file.flush()
                os.fsync(file)
        self._apply(gone, new)

    def _apply(
        self, gone: Iterable[str], new: Mapping[str, tuple[object, float]]
    ) -> None:
        for key in (*gone, *new):
            self._entries.pop(key, None)
        self._entries.update(new)

    def _replay(self, journal: Path) -> None:
        """Make the changes of all whole lines, and cut off what is behind them."""
        journal.touch()
        whole = journal.read_bytes().rpartition(b"\n")[0:2]
        os.truncate(journal, sum(map(len, whole)))
        for line in whole[0].splitlines():
            self._apply(*json.loads(line))


def _check_lifetime(ttl: float | None) -> None:
    if ttl is not None and ttl <= 0:
        raise ValueError(f"ttl must be above 0, got {ttl}")
