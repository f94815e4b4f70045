"""Single flight: what several ask for at once is worked out by one of them.

Each key that is being worked out is in flight. A caller claims, in one step, all of
its keys that nobody has in flight, and lands every one of them before it waits for
the keys of others. So whoever waits holds nothing that another could wait for, and
two batches that overlap in opposite orders cannot block each other. Work that itself
asks would hold something: it is refused.
"""

import threading
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from reference.production.caching.forking import forget_in_children

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

V = TypeVar("V")

Publish: TypeAlias = Callable[[Mapping[str, V]], None]
Work: TypeAlias = Callable[[list[str], Publish[V]], None]
AsyncWork: TypeAlias = Callable[[list[str], Publish[V]], Awaitable[None]]

_LOOK = 0.5  # seconds after which those who wait look whether a flight is lost


class _Flight(Generic[V]):
    """One key in flight: lands with a value in a tuple, or with None in failure."""

    def __init__(self, loop: "AbstractEventLoop | None") -> None:
        # Of the task that leads it; None where a plain call does. The task itself is
        # not kept: one that nobody else keeps is collected, and lets the key land.
        self._loop = None if loop is None else weakref.ref(loop)
        self.thread = threading.get_ident()
        self.landing: Future[tuple[V] | None] = Future()
        # A running future cannot be cancelled: a waiting task that is cancelled
        # does not take the landing from the others.
        self.landing.set_running_or_notify_cancel()

    def is_lost(self) -> bool:
        """Return whether its task can never go on, as its loop is gone."""
        if self._loop is None:
            return False
        loop = self._loop()
        return loop is None or loop.is_closed()


class _Mark:
    """Says whose work a context is within; nobody's once the work is done."""

    def __init__(self, owner: object) -> None:
        self.owner: object | None = owner


# A mark is not taken back but made void: a task that is collected with its work half
# done ends it in a context of somebody else's.
_WITHIN: ContextVar[tuple[_Mark, ...]] = ContextVar("within", default=())


class SingleFlight(Generic[V]):
    """Shares work on keys between threads, and between tasks of any event loop."""

    def __init__(self) -> None:
        self.forget()
        forget_in_children(self)

    def forget(self) -> None:
        """Begin with nothing in flight."""
        # Reentrant: a collection within it may end the work of a forgotten task.
        self._lock = threading.RLock()
        self._flights: dict[str, _Flight[V]] = {}
        self._owner = object()

    def collect(self, keys: Sequence[str], work: Work[V]) -> dict[str, V]:
        """Return a value for each key, from ``work`` or from whoever is at it.

        ``work(claimed, publish)`` is called with the keys that nobody else is
        working out, in the order of ``keys``, and hands over their values by
        ``publish``, at once or bit by bit. Where it raises, what is not published has
        failed: the exception goes to this caller alone, and those who waited try for
        themselves. So they do where a task can never go on, as its event loop is
        closed. Nothing is kept of keys that have landed, or in a forked child.

        Raises ``RuntimeError`` from within ``work``, and in the thread of an event
        loop that is working out one of the keys.
        """
        self._refuse_within()
        found: dict[str, V] = {}
        while missing := [key for key in keys if key not in found]:
            claimed, awaited = self._claim(missing, None)
            if claimed:
                landed = _Landings(self, claimed)
                with landed:
                    work(list(claimed), landed.publish)
                found.update(landed.values)
            for key, flight in awaited.items():
                outcome = self._wait(key, flight)
                if outcome is not None:
                    found[key] = outcome[0]
        return found

    async def acollect(self, keys: Sequence[str], work: AsyncWork[V]) -> dict[str, V]:
        """Do as ``collect`` does, awaiting ``work`` and the others' flights."""
        import asyncio

        self._refuse_within()
        found: dict[str, V] = {}
        loop = asyncio.get_running_loop()
        while missing := [key for key in keys if key not in found]:
            claimed, awaited = self._claim(missing, loop)
            if claimed:
                landed = _Landings(self, claimed)
                with landed:
                    await work(list(claimed), landed.publish)
                found.update(landed.values)
            for key, flight in awaited.items():
                outcome = await self._await(key, flight)
                if outcome is not None:
                    found[key] = outcome[0]
        return found

    def _refuse_within(self) -> None:
        if any(mark.owner is self._owner for mark in _WITHIN.get()):
            raise RuntimeError("a computation must not ask the cache that it is for")

    def _claim(
        self, keys: Sequence[str], loop: "AbstractEventLoop | None"
    ) -> tuple[dict[str, _Flight[V]], dict[str, _Flight[V]]]:
        """Put in flight those keys that are not; return these and other flights."""
        claimed: dict[str, _Flight[V]] = {}
        awaited: dict[str, _Flight[V]] = {}
        with self._lock:
            for key in keys:
                flight = self._flights.get(key)
                if flight is not None and flight.is_lost():
                    self._land(key, flight, None)
                    flight = None
                if flight is None:
                    claimed[key] = self._flights[key] = _Flight(loop)
                else:
                    awaited[key] = flight
        return claimed, awaited

    def _wait(self, key: str, flight: _Flight[V]) -> tuple[V] | None:
        """Return what a flight lands with."""
        # A task of this thread's loop cannot land while the thread waits.
        if flight.thread == threading.get_ident():
            raise RuntimeError("an event loop must not wait for what it works out")
        while True:
            try:
                return flight.landing.result(_LOOK)
            except TimeoutError:
                if flight.is_lost():
                    self._land(key, flight, None)

    async def _await(self, key: str, flight: _Flight[V]) -> tuple[V] | None:
        """Return what a flight lands with."""
        import asyncio

        landing = asyncio.wrap_future(flight.landing)
        try:
            while not landing.done():
                await asyncio.wait([landing], timeout=_LOOK)
                if flight.is_lost():
                    self._land(key, flight, None)
            return landing.result()
        finally:
            landing.cancel()

    def _land(self, key: str, flight: _Flight[V], outcome: tuple[V] | None) -> None:
        with self._lock:
            # Not one that was given up, or that a fork has left behind.
            if self._flights.get(key) is flight:
                del self._flights[key]
                flight.landing.set_result(outcome)


class _Landings(Generic[V]):
    """Sees to it that all claimed keys land, whatever becomes of the work."""

    def __init__(
        self, flights: SingleFlight[V], claimed: Mapping[str, _Flight[V]]
    ) -> None:
        self.values: dict[str, V] = {}
        self._flights = flights
        self._open = dict(claimed)
        self._mark = _Mark(flights._owner)

    def publish(self, values: Mapping[str, V]) -> None:
        """Land these keys with their values."""
        for key, value in values.items():
            flight = self._open.pop(key)
            self.values[key] = value
            self._flights._land(key, flight, (value,))

    def __enter__(self) -> None:
        """Mark the context of the work."""
        marks = [mark for mark in _WITHIN.get() if mark.owner is not None]
        _WITHIN.set((*marks, self._mark))

    def __exit__(self, *_: object) -> None:
        """Let what has not landed fail."""
        self._mark.owner = None
        for key, flight in self._open.items():
            self._flights._land(key, flight, None)
