"""Level 3 of the cache: a journal on disk, so that a crash loses nothing.

All that levels 1 and 2 asked for goes on to hold. New:

- `Cache(capacity, clock=time.time, journal=None)`: with the path of a file, the cache
  starts with what the file holds, and goes on with it. A file that is not there is
  made. The same capacity and clock are given each time.
- Each `set`, and each `delete` that removed something, appends one line to the file,
  which ends in a newline. When the call returns, the line is in the file and has been
  given to `os.fsync`. What is in the file is never changed; other calls write nothing.
- A new cache on the file has the same entries, with their values and the times when
  they end. Who was pushed out stays out. The order of use is that of the last `set`
  of each entry, since reads are not written.
- A crash may cut the file off at any byte. A last line without its newline was torn:
  it counts as not written, and it must not spoil what is written after it.
- With a journal, keys are texts of any characters and values what JSON can carry
  (dicts have texts for keys). Any other value is a `TypeError`, and nothing changes.

Source: Mohan et al., ARIES (ACM Transactions on Database Systems 17(1), 1992), on
writing a change to the log before it is made.

In production: lines carry a checksum, the journal is replaced by a snapshot once it
has grown, and one fsync serves many calls that came at about the same time.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
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
        self._journal = journal
        if journal is not None:
            self._replay(Path(journal))

    def get(self, key: str, default: object = None) -> object:
        """Return the live value of `key`, now the most recently used, or `default`."""
        self._drop_expired()
        if key not in self._entries:
            return default
        entry = self._entries.pop(key)
        self._entries[key] = entry
        return entry[0]

    def set(self, key: str, value: object, ttl: float | None = None) -> None:
        """Store `value` for `ttl` seconds, or for good; that is a use of `key`."""
        if ttl is not None and ttl <= 0:
            raise ValueError(f"ttl must be above 0, got {ttl}")
        self._drop_expired()
        gone = []
        if key not in self._entries and len(self._entries) == self._capacity:
            gone.append(next(iter(self._entries)))
        ends = math.inf if ttl is None else self._clock() + ttl
        self._change(gone, {key: (value, ends)})

    def delete(self, key: str) -> bool:
        """Remove `key` and return whether it was there and live."""
        self._drop_expired()
        if key not in self._entries:
            return False
        self._change([key], {})
        return True

    def __len__(self) -> int:
        """Return the number of live entries."""
        self._drop_expired()
        return len(self._entries)

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
