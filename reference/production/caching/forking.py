"""What a forked child must not take over: locks, threads, and work of its parent's."""

import os
from typing import Protocol
from weakref import WeakSet


class Forgetful(Protocol):
    """What begins afresh in a child."""

    def forget(self) -> None:
        """Give up what only the parent's threads could finish or release."""


def forget_in_children(thing: Forgetful) -> None:
    """Have ``thing.forget()`` called in each child that forks, while it lives."""
    _FORGETFUL.add(thing)


def _forget_all() -> None:
    for thing in list(_FORGETFUL):
        thing.forget()


_FORGETFUL: WeakSet[Forgetful] = WeakSet()
if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_forget_all)
