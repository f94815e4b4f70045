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

import time
from collections.abc import Callable
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
        raise NotImplementedError

    def get(self, key: str, default: object = None) -> object:
        """Return the live value of `key`, now the most recently used, or `default`."""
        raise NotImplementedError

    def set(self, key: str, value: object, ttl: float | None = None) -> None:
        """Store `value` for `ttl` seconds, or for good; that is a use of `key`."""
        raise NotImplementedError

    def delete(self, key: str) -> bool:
        """Remove `key` and return whether it was there and live."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of live entries."""
        raise NotImplementedError
