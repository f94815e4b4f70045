"""Folders to write in, and functions of the system that a property watches.

with empty_folder(), instead({os.replace: watched}, ModelSerializer.save):
ModelSerializer(KEY).save(model, "model")
"""

import builtins
import hmac
import inspect
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from tempfile import TemporaryDirectory

__all__ = ["MOVES", "SYNCS", "empty_folder", "instead"]

# What brings a file to the disk, and what puts it in the place of another one.
SYNCS = (os.fsync, getattr(os, "fdatasync", os.fsync))
MOVES = (os.replace, os.rename)


@contextmanager
def empty_folder() -> Iterator[None]:
    """Work in a folder of one's own, so that paths are short."""
    with TemporaryDirectory() as name, chdir(name):
        yield


@contextmanager
def instead(
    replacements: Mapping[Callable[..., object], object], judged: Callable[..., object]
) -> Iterator[None]:
    """Put other functions in place of the system's, for the length of a block.

    They are found in their own modules and under whichever name the module of
    ``judged``, one of its functions, has imported them.
    """
    space_of_judged = inspect.unwrap(judged).__globals__
    modules = (os, io, builtins, hmac, secrets)
    found = [
        (space, name, old)
        for space in [*map(vars, modules), space_of_judged]
        for name, value in list(space.items())
        for old in replacements
        if value is old
    ]
    for space, name, old in found:
        space[name] = replacements[old]
    try:
        yield
    finally:
        for space, name, old in found:
            space[name] = old
