"""Numba's decorators with types, and what all kernels share.

Imported on first use, since it imports numba. The machine code of a ``kernel`` is kept
on disk; Numba notices a change of the kernel's own file only, so after a change of this
one the ``__pycache__`` beside it has to go. Where there is no place for it, each
process compiles anew.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic

from reference.production.vector_db.metrics import SQUARED, Floats, Nodes

P = ParamSpec("P")
R = TypeVar("R")


# Of a vector this many cache lines are asked for; the rest of a longer one is read in
# order, and the processor foresees that itself.
_LINES = 4
_LINE_BYTES = 64


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile for calls from Python, without the interpreter lock."""
    result: Callable[P, R]
    try:
        result = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither this folder nor a home folder can be written
        result = numba.njit(nogil=True)(function)
    return result


def routine(function: Callable[P, R]) -> Callable[P, R]:
    """Compile for calls from kernels."""
    result: Callable[P, R] = numba.njit(nogil=True)(function)
    return result


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile into the caller: a call with arrays costs as much as a short loop."""
    result: Callable[P, R] = numba.njit(nogil=True, forceinline=True)(function)
    return result


def _vectorised(function: Callable[P, R]) -> Callable[P, R]:
    """Like ``inlined``; sums may be taken in another order, several at a time."""
    result: Callable[P, R] = numba.njit(nogil=True, forceinline=True, fastmath=True)(
        function
    )
    return result


@_vectorised
def measure(vectors: Floats, row: int, query: Floats, what: int) -> float:
    """Return what is compared of ``vectors[row]`` and ``query``, both ``(d,)``."""
    total: float = vectors.dtype.type(0)  # type: ignore[assignment]  # a scalar
    if what == SQUARED:
        for i in range(len(query)):
            difference = vectors[row, i] - query[i]
            total += difference * difference
        return total
    for i in range(len(query)):
        total += vectors[row, i] * query[i]
    return -total


@_vectorised
def least_sum(first: Floats, second: Floats, start: int, stop: int) -> float:
    """Return the least ``first[i] + second[i]``; neither holds NaN."""
    least: float = first.dtype.type(np.inf)  # type: ignore[assignment]  # a scalar
    for i in range(start, stop):
        least = min(least, first[i] + second[i])
    return least


def _prefetch(_context: object, array: Any, index: Any) -> tuple[Any, Any]:
    """Describe to Numba how a row, or an entry and what follows, is asked for."""
    types, tools = numba.types, vars(cgutils)
    ir, declare = tools["ir"], tools["get_or_insert_function"]
    unpack = tools["unpack_tuple"]

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # as Numba
        kind, index_kind = signature.args
        data = context.make_array(kind)(context, builder, arguments[0])
        index = context.cast(builder, arguments[1], index_kind, types.intp)
        if kind.ndim == 2:
            columns = unpack(builder, data.shape)[1]
            index = builder.mul(index, columns)
        address = builder.bitcast(builder.gep(data.data, [index]), cgutils.voidptr_t)
        number = cgutils.int32_t
        form = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, *[number] * 3])
        hint = declare(builder.module, form, "llvm.prefetch.p0")
        for line in range(_LINES):
            there = builder.gep(address, [cgutils.intp_t(line * _LINE_BYTES)])
            # To read, needed again soon, data and not code.
            builder.call(hint, [there, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


# Asks for memory before it is needed; changes nothing.
_make: Any = intrinsic
prefetch: Callable[[Floats | Nodes, int], None] = _make(_prefetch)
