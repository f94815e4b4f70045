"""A client of Redis whose calls end in time, however slowly the server talks.

A socket's time-out counts from one arrival of bytes to the next: a server that sends
a byte now and then is never late by it. Here each call has a deadline, and every wait
for the socket, from the connection to the last byte, gets what is left of it. Only
the look-up of a host's name is the system's affair.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.retry import Retry

_SHORTEST, _LONGEST = 1e-3, 86_400.0  # seconds that a socket is made to wait


class Deadline(threading.local):
    """The end of the call that a thread is in; each thread has its own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Begin a call; one within another ends when that one has to."""
        if self._end is not None:
            yield
            return
        self.renew()
        try:
            yield
        finally:
            self._end = None

    def renew(self) -> None:
        """Give the running call its whole time again."""
        self._end = time.monotonic() + self._seconds

    def left(self) -> float:
        """Return the seconds that are left, below zero where it has passed."""
        if self._end is None:
            return self._seconds
        return self._end - time.monotonic()

    def wait(self) -> float:
        """Return what is left as a time-out that a socket takes."""
        return min(max(self.left(), _SHORTEST), _LONGEST)


def connect(url: str, timeout: float) -> tuple[Redis, Deadline]:
    """Return a client that tries nothing twice, and the deadline of its calls.

    Nothing connects yet. Raises ``ValueError`` where ``url`` is no address.
    """
    deadline = Deadline(timeout)
    try:
        client = Redis.from_url(
            url,
            connection_class=_CLASSES.get(url.partition("://")[0], Connection),
            deadline=deadline,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # spares the greeting of the newer protocol
        )
    except ValueError as error:
        # The address may hold a password: it is not repeated.
        schemes = "redis://, rediss:// or unix://"
        raise ValueError(f"url must be an address with {schemes}: {error}") from error
    return client, deadline


class _Stream:
    """A socket that waits for the deadline's rest, and then no more."""

    def __init__(self, raw: socket.socket, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline

    def __getattr__(self, name: str) -> object:
        return getattr(self._raw, name)

    def recv(self, size: int) -> bytes:
        self._hurry()
        return self._raw.recv(size)

    def recv_into(self, buffer: bytearray) -> int:
        self._hurry()
        return self._raw.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        self._hurry()
        self._raw.sendall(data)

    def _hurry(self) -> None:
        if self._raw.gettimeout() == 0:
            return  # a glance at what has arrived
        if self._deadline.left() <= 0:
            raise TimeoutError("the call's time is over")
        self._raw.settimeout(self._deadline.wait())


class _Punctual(AbstractConnection):
    """A connection whose time-outs are what is left of the call."""

    def __init__(self, *, deadline: Deadline, **options: Any) -> None:
        self._deadline = deadline
        super().__init__(**options)

    @property
    def socket_timeout(self) -> float:
        return self._deadline.wait()

    @socket_timeout.setter
    def socket_timeout(self, value: float | None) -> None:
        """Keep to the deadline, whatever the address asks for."""

    @property
    def socket_connect_timeout(self) -> float:
        return self._deadline.wait()

    @socket_connect_timeout.setter
    def socket_connect_timeout(self, value: float | None) -> None:
        """Keep to the deadline, whatever the address asks for."""

    def _connect(self) -> _Stream:
        # The next class's, which is not abstract; redis has no types for it.
        raw = super()._connect()  # type: ignore[no-untyped-call, safe-super]  # redis-py has no types here
        return _Stream(raw, self._deadline)


class _TcpConnection(_Punctual, Connection):
    pass


class _TlsConnection(_Punctual, SSLConnection):
    pass


class _UnixConnection(_Punctual, UnixDomainSocketConnection):
    pass


_CLASSES: dict[str, type[Connection | UnixDomainSocketConnection]] = {
    "redis": _TcpConnection,
    "rediss": _TlsConnection,
    "unix": _UnixConnection,
}
