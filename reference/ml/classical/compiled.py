"""Compiling plain loops with Numba, only once they are needed."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` compiled; the machine code is kept on disk.

    The first call imports Numba. The result runs without the interpreter lock, and
    takes arrays wherever ``function`` itself also takes lists.
    """
    result: Callable[P, R] = _compile(function)
    return result


@functools.cache
def _compile(function: Callable[P, R]) -> Callable[P, R]:
    import numba

    result: Callable[P, R] = numba.njit(cache=True, nogil=True)(function)
    return result
