"""Single flight: what several ask for at once is worked out by one of them.

Each key that is being worked out is in flight. A caller claims, in one step, all of
its keys that nobody has in flight, and lands every one of them before it waits for
the keys of others. So whoever waits holds nothing that another could wait for, and
two batches that overlap in opposite orders cannot block each other.
"""

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Generic, TypeAlias, TypeVar

V = TypeVar("V")

Publish: TypeAlias = Callable[[Mapping[str, V]], None]
Work: TypeAlias = Callable[[list[str], Publish[V]], None]
AsyncWork: TypeAlias = Callable[[list[str], Publish[V]], Awaitable[None]]


class _Flight(Generic[V]):
    """One key in flight: lands with a value in a tuple, or with None in failure."""

    def __init__(self, task: object) -> None:
        self.task = task  # that leads it; None where a plain call does
        self.thread = threading.get_ident()
        self.landing: Future[tuple[V] | None] = Future()
        # A running future cannot be cancelled: a waiting task that is cancelled
        # does not take the landing from the others.
        self.landing.set_running_or_notify_cancel()


class SingleFlight(Generic[V]):
    """Shares work on keys between threads, and between tasks of any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight[V]] = {}

    def collect(self, keys: Sequence[str], work: Work[V]) -> dict[str, V]:
        """Return a value for each key, from ``work`` or from whoever is at it.

        ``work(claimed, publish)`` is called with the keys that nobody else is
        working out, in the order of ``keys``, and hands over their values by
        ``publish``, at once or bit by bit. Where it raises, what is not published has
        failed: the exception goes to this caller alone, and those who waited try for
        themselves. Nothing is kept of keys that have landed.

        Raises ``RuntimeError`` where it would wait for the very thread that waits.
        """
        found: dict[str, V] = {}
        while missing := [key for key in keys if key not in found]:
            claimed, awaited = self._claim(missing, None)
            if claimed:
                landed = _Landings(self, claimed)
                with landed:
                    work(claimed, landed.publish)
                found.update(landed.values)
            for key, flight in awaited.items():
                # A task of this thread's loop cannot land while the thread waits.
                _refuse_own(flight.thread == threading.get_ident())
                outcome = flight.landing.result()
                if outcome is not None:
                    found[key] = outcome[0]
        return found

    async def acollect(self, keys: Sequence[str], work: AsyncWork[V]) -> dict[str, V]:
        """Do as ``collect`` does, awaiting ``work`` and the others' flights."""
        import asyncio

        found: dict[str, V] = {}
        task, thread = asyncio.current_task(), threading.get_ident()
        while missing := [key for key in keys if key not in found]:
            claimed, awaited = self._claim(missing, task)
            if claimed:
                landed = _Landings(self, claimed)
                with landed:
                    await work(claimed, landed.publish)
                found.update(landed.values)
            for key, flight in awaited.items():
                _refuse_own(
                    flight.task is task
                    or (flight.task, flight.thread) == (None, thread)
                )
                outcome = await asyncio.wrap_future(flight.landing)
                if outcome is not None:
                    found[key] = outcome[0]
        return found

    def _claim(
        self, keys: Sequence[str], task: object
    ) -> tuple[list[str], dict[str, _Flight[V]]]:
        """Put in flight those keys that are not; return them, and the other flights."""
        claimed: list[str] = []
        awaited: dict[str, _Flight[V]] = {}
        with self._lock:
            for key in keys:
                flight = self._flights.get(key)
                if flight is None:
                    self._flights[key] = _Flight(task)
                    claimed.append(key)
                else:
                    awaited[key] = flight
        return claimed, awaited

    def _land(self, key: str, outcome: tuple[V] | None) -> None:
        with self._lock:
            flight = self._flights.pop(key)
        flight.landing.set_result(outcome)


def _refuse_own(own: bool) -> None:
    if own:
        raise RuntimeError("a key was asked for by the very call that works it out")


class _Landings(Generic[V]):
    """Sees to it that all claimed keys land, whatever becomes of the work."""

    def __init__(self, flights: SingleFlight[V], claimed: Sequence[str]) -> None:
        self.values: dict[str, V] = {}
        self._flights = flights
        self._open = dict.fromkeys(claimed)

    def publish(self, values: Mapping[str, V]) -> None:
        """Land these keys with their values."""
        for key, value in values.items():
            del self._open[key]
            self.values[key] = value
            self._flights._land(key, (value,))

    def __enter__(self) -> None:
        """Begin the work."""

    def __exit__(self, *_: object) -> None:
        """Let what has not landed fail."""
        for key in self._open:
            self._flights._land(key, None)
