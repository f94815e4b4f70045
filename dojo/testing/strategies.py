"""Inputs for the properties of a kata, as Hypothesis strategies.

Everything shrinks towards small and simple. Sizes are small, since a mistake shows
on small inputs, and two sizes of one input differ by default, since equal ones hide
a wrong axis. Each bound on a magnitude says what lies beyond it.
"""

import itertools
from typing import TYPE_CHECKING

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import note
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing.arrays import (
    Floats,
    Kind,
    Layout,
    Scalar,
    laid_out,
    normalized,
    orthogonal,
    sample,
    symmetric,
)

if TYPE_CHECKING:
    import torch

__all__ = [
    "float_tensors",
    "floats",
    "generators",
    "labels",
    "layouts",
    "magnitudes",
    "matrices",
    "orthogonal_matrices",
    "positive_definite_matrices",
    "probabilities",
    "samples",
    "seeds",
    "symmetric_matrices",
    "token_batches",
    "vector_pairs",
    "vectors",
    "well_conditioned_matrices",
]

Integers = NDArray[np.int64]
Size = int | st.SearchStrategy[int] | None
Shape = tuple[int, ...]

# Below these the sixth power of a value is no longer a normal number, so that squares,
# fourth moments and products of a few values would lose digits to underflow.
# Smaller magnitudes come only where a kata asks for them, through ``magnitudes``.
_SMALLEST = {"float64": 1e-50, "float32": 1e-6, "bfloat16": 1e-6}


def floats(max_magnitude: float = 1e3) -> st.SearchStrategy[float]:
    """Return finite float64 numbers in [−max_magnitude, max_magnitude], or 0.

    In a sum with an entry of 1e3, the default bound, a neighbour near 1 keeps thirteen
    of its sixteen digits; a tolerance set by larger entries would not judge it.
    """
    return _floats(max_magnitude, "float64")


def vectors(
    size: Size = None,
    *,
    min_size: int = 1,
    max_size: int = 6,
    max_magnitude: float = 1e3,
) -> st.SearchStrategy[Floats]:
    """Return float64 vectors of shape (size,); half of them small integers, with ties.

    ``size`` is a number or a strategy; without it from ``min_size`` to ``max_size``.
    Magnitudes are bounded as in ``floats``.
    """
    lengths = _sizes(size, min_size, max_size)
    return _arrays(lengths.map(lambda n: (n,)), max_magnitude)


def vector_pairs(
    size: Size = None,
    *,
    min_size: int = 1,
    max_size: int = 6,
    max_magnitude: float = 1e3,
) -> st.SearchStrategy[tuple[Floats, Floats]]:
    """Return two vectors of the same length, drawn as in ``vectors``."""
    return _sizes(size, min_size, max_size).flatmap(
        lambda n: st.tuples(*[vectors(n, max_magnitude=max_magnitude)] * 2)
    )


def matrices(
    rows: int | None = None,
    columns: int | None = None,
    *,
    min_side: int = 1,
    max_side: int = 5,
    max_magnitude: float = 1e3,
    distinct: bool = True,
) -> st.SearchStrategy[Floats]:
    """Return float64 matrices of shape (rows, columns), entries as in ``vectors``.

    If both sides are free and ``distinct``, they differ wherever ``max_side`` allows.
    """
    shapes = _sides(rows, columns, min_side, max_side, distinct=distinct)
    return _arrays(shapes, max_magnitude)


def symmetric_matrices(
    size: Size = None,
    *,
    min_size: int = 1,
    max_size: int = 5,
    max_magnitude: float = 1e3,
) -> st.SearchStrategy[Floats]:
    """Return float64 matrices of shape (size, size) that equal their transpose."""
    shapes = _sizes(size, min_size, max_size).map(lambda n: (n, n))
    return _arrays(shapes, max_magnitude).map(
        lambda square: np.tril(square) + np.tril(square, -1).T
    )


def orthogonal_matrices(
    size: Size = None, *, min_size: int = 1, max_size: int = 5
) -> st.SearchStrategy[Floats]:
    """Return float64 matrices Q of shape (size, size) with QᵀQ = I to rounding.

    Either the identity, or uniformly distributed over the rotations and reflections.
    """
    return _sizes(size, min_size, max_size).flatmap(
        lambda n: st.one_of(
            st.builds(np.eye, st.just(n)),
            seeds().map(lambda seed: orthogonal(np.random.default_rng(seed), n)),
        )
    )


def positive_definite_matrices(
    size: Size = None,
    *,
    min_size: int = 1,
    max_size: int = 5,
    max_condition: float = 1e4,
) -> st.SearchStrategy[Floats]:
    """Return symmetric positive definite float64 matrices of shape (size, size).

    Beyond a condition number of 1e4, the default, the Cholesky factor and the inverse
    lose more than four of sixteen digits, and the tolerance has to follow.
    """

    def build(q: Floats, condition: float, scale: float) -> Floats:
        eigenvalues = scale * np.geomspace(1.0, 1.0 / condition, len(q))
        return symmetric((q * eigenvalues) @ q.T)

    q = orthogonal_matrices(size, min_size=min_size, max_size=max_size)
    return st.builds(build, q, st.floats(1.0, max_condition), _scales())


def well_conditioned_matrices(
    rows: int | None = None,
    columns: int | None = None,
    *,
    min_side: int = 1,
    max_side: int = 5,
    max_condition: float = 1e3,
    distinct: bool = True,
) -> st.SearchStrategy[Floats]:
    """Return float64 matrices of full rank and shape (rows, columns).

    The singular values are evenly spaced in their logarithms. Beyond a condition
    number of 1e3, the default, normal equations, which square it, lose more than six
    of sixteen digits.
    """

    def build(shape: Shape, seed: int, condition: float, scale: float) -> Floats:
        rng = np.random.default_rng(seed)
        rank = min(shape)
        left = orthogonal(rng, shape[0])[:, :rank]
        right = orthogonal(rng, shape[1])[:, :rank]
        singular_values = scale * np.geomspace(1.0, 1.0 / condition, rank)
        return np.asarray((left * singular_values) @ right.T, dtype=np.float64)

    shapes = _sides(rows, columns, min_side, max_side, distinct=distinct)
    return st.builds(build, shapes, seeds(), st.floats(1.0, max_condition), _scales())


def probabilities(
    size: Size = None,
    *,
    min_size: int = 1,
    max_size: int = 6,
    allow_zeros: bool = True,
) -> st.SearchStrategy[Floats]:
    """Return float64 vectors of shape (size,), at least 0, with sum 1 to rounding.

    Uniform, in simple ratios, or over many orders of magnitude; with ``allow_zeros``
    also with zeros, and with all mass on one outcome.
    """
    # Below 1e-12 a probability vanishes in the rounding of 1 − p.
    steep = st.integers(-12, 0).map(lambda power: 10.0**power)
    simple = st.integers(0 if allow_zeros else 1, 9).map(float)

    def of_size(n: int) -> st.SearchStrategy[Floats]:
        kinds = [
            st.builds(np.ones, st.just(n)),
            _filled((n,), simple),
            _filled((n,), steep),
        ]
        if allow_zeros:
            kinds.append(st.integers(0, n - 1).map(lambda place: np.eye(n)[place]))
        return st.one_of(kinds).map(normalized)

    return _sizes(size, min_size, max_size).flatmap(of_size)


def labels(
    size: int | st.SearchStrategy[int], classes: int = 3
) -> st.SearchStrategy[Integers]:
    """Return int64 vectors of shape (size,) with entries from 0 to classes − 1."""
    lengths = size if isinstance(size, st.SearchStrategy) else st.just(size)
    return _integers(lengths.map(lambda n: (n,)), classes)


@st.composite
def layouts(
    draw: st.DrawFn, arrays: st.SearchStrategy[NDArray[Scalar]]
) -> NDArray[Scalar]:
    """Return the arrays drawn, laid out in memory in one of several ways.

    In rows (C order), in columns (Fortran order), as every second entry of a larger
    array, in reverse (negative strides), or read-only. The values are the same.
    """
    array = draw(arrays)
    layout = draw(st.sampled_from(Layout))
    # The repr of an array does not tell its layout.
    note(f"memory layout: {layout.value}")
    return laid_out(array, layout)


def magnitudes(
    arrays: st.SearchStrategy[Floats], powers: tuple[int, int] = (-150, 150)
) -> st.SearchStrategy[Floats]:
    """Return the arrays drawn times 10ᵏ, for k in the closed range ``powers``.

    Beyond ±150 the square of an entry of the order of 1e3 overflows, or that of an
    entry of the order of 1e-3 falls below the normal numbers.
    """
    return st.builds(
        lambda array, power: np.asarray(array * 10.0**power, dtype=np.float64),
        arrays,
        st.integers(*powers),
    )


def token_batches(
    *, vocabulary: int = 7, max_batch: int = 3, max_length: int = 5
) -> st.SearchStrategy[Integers]:
    """Return int64 arrays of token numbers below ``vocabulary``, (batch, length).

    The two sizes differ wherever the bounds allow.
    """
    return _integers(_two_sizes(1, max_batch, max_length), vocabulary)


def seeds() -> st.SearchStrategy[int]:
    """Return seeds from 0 to 2³² − 1, the range that every library accepts."""
    return st.integers(0, 2**32 - 1)


def generators() -> st.SearchStrategy[np.random.Generator]:
    """Return NumPy generators, each shown as the call that makes it again."""
    return seeds().map(_SeededGenerator)


def samples(min_size: int = 2, max_size: int = 60) -> st.SearchStrategy[Floats]:
    """Return float64 samples of shape (n,) for statistics.

    Discrete with many ties, uniform, or normal; each shifted and scaled.
    """

    def build(kind: Kind, n: int, seed: int, shift: float, scale: float) -> Floats:
        values = shift + scale * sample(np.random.default_rng(seed), kind, n)
        return np.asarray(values, dtype=np.float64)

    return st.builds(
        build,
        st.sampled_from(Kind),
        st.integers(min_size, max_size),
        seeds(),
        # Further from zero than that, a variance loses its digits to the mean.
        st.integers(-10, 10).map(float),
        _scales(),
    )


def float_tensors(
    shape: Shape | st.SearchStrategy[Shape],
    *,
    dtype: str = "float64",
    max_magnitude: float = 3.0,
) -> "st.SearchStrategy[torch.Tensor]":
    """Return torch tensors of float64, float32 or bfloat16, drawn as in ``vectors``.

    Beyond 3, the default, a softmax of products of entries saturates, and hides what
    comes before it.
    """
    if dtype not in _SMALLEST:
        raise ValueError(f"dtype must be one of {', '.join(_SMALLEST)}, got {dtype!r}")

    def convert(array: Floats) -> "torch.Tensor":
        import torch

        return torch.tensor(array, dtype=getattr(torch, dtype))

    shapes = shape if isinstance(shape, st.SearchStrategy) else st.just(shape)
    return _arrays(shapes, max_magnitude, dtype).map(convert)


class _SeededGenerator(np.random.Generator):
    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self._seed = seed

    def __repr__(self) -> str:
        return f"np.random.default_rng({self._seed})"


def _floats(max_magnitude: float, dtype: str) -> st.SearchStrategy[float]:
    smallest = _SMALLEST[dtype]
    # Subnormal numbers, which have fewer digits, would only become zeros below.
    numbers = st.floats(
        -max_magnitude, max_magnitude, allow_nan=False, allow_subnormal=False, width=64
    )
    return numbers.map(lambda x: x if abs(x) >= smallest else 0.0)


def _arrays(
    shapes: st.SearchStrategy[Shape], max_magnitude: float, dtype: str = "float64"
) -> st.SearchStrategy[Floats]:
    """Return float64 arrays of small integers, which tie, or of any floats."""
    bound = min(3.0, max_magnitude)
    tying = st.integers(-3, 3).map(lambda k: k / 3 * bound)
    return st.one_of(
        _filled(shapes, tying), _filled(shapes, _floats(max_magnitude, dtype))
    )


def _filled(
    shape: Shape | st.SearchStrategy[Shape], elements: st.SearchStrategy[float]
) -> st.SearchStrategy[Floats]:
    # Without a fill every entry is drawn: a fill makes nearly constant arrays.
    return hnp.arrays(np.float64, shape, elements=elements, fill=st.nothing())


def _integers(
    shapes: st.SearchStrategy[Shape], bound: int
) -> st.SearchStrategy[Integers]:
    entries = st.integers(0, bound - 1)
    return hnp.arrays(np.int64, shapes, elements=entries, fill=st.nothing())


def _sizes(size: Size, smallest: int, largest: int) -> st.SearchStrategy[int]:
    if isinstance(size, st.SearchStrategy):
        return size
    return st.integers(smallest, largest) if size is None else st.just(size)


def _sides(
    rows: int | None,
    columns: int | None,
    smallest: int,
    largest: int,
    *,
    distinct: bool,
) -> st.SearchStrategy[Shape]:
    if distinct and rows is None and columns is None:
        return _two_sizes(smallest, largest, largest)
    return st.tuples(*(_sizes(side, smallest, largest) for side in (rows, columns)))


def _two_sizes(
    smallest: int, largest_first: int, largest_second: int
) -> st.SearchStrategy[Shape]:
    """Return two sizes that differ, unless the bounds leave one choice only."""
    firsts = range(smallest, largest_first + 1)
    seconds = range(smallest, largest_second + 1)
    pairs = sorted(itertools.product(firsts, seconds), key=sum)
    return st.sampled_from([(m, n) for m, n in pairs if m != n] or pairs)


def _scales() -> st.SearchStrategy[float]:
    return st.sampled_from([1.0, 10.0, 0.1, 100.0])
