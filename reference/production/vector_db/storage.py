"""The file of an index: a header in JSON, raw arrays, a checksum; nothing executable.

========  ====================================================================
bytes     content
========  ====================================================================
8         the magic ``VECINDEX``
4         the version, unsigned, little-endian as everything here
8         the length of the header
...       the header: a JSON object; ``arrays`` lists name, dtype and shape
...       the arrays in that order, row by row, one directly after the other
32        SHA-256 of all that stands before
========  ====================================================================

The checksum tells accidents, a torn write or a flipped bit. It is no signature: who
can write the file can also write a fitting checksum, so what is read is still checked.
"""

import hashlib
import json
import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reference.production.files import write_atomically

MAGIC = b"VECINDEX"
VERSION = 1

_START = struct.Struct("<8sIQ")
_DIGEST = hashlib.sha256().digest_size
_DTYPES = ("<f4", "<f8", "<i4", "<i8", "|u1")

Stored = NDArray[np.generic]
T = TypeVar("T", bound=np.generic)
Header = dict[str, object]


def write(
    path: str | os.PathLike[str], header: Header, arrays: Mapping[str, Stored]
) -> None:
    """Write all or nothing: a reader sees the old file or the new one.

    ``header`` holds what JSON can carry. Raises ``OSError`` where the folder cannot
    be written; no half-written file stays behind. See ``write_atomically``.
    """
    write_atomically(Path(path), _pieces(header, arrays))


def read(path: str | os.PathLike[str]) -> tuple[Header, dict[str, Stored]]:
    """Return header and arrays; the arrays are copies that may be written to.

    Raises ``ValueError`` where the file is not whole and unchanged, or of another
    version, and ``FileNotFoundError`` where there is none.
    """
    data = Path(path).read_bytes()
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if len(data) < _START.size + _DIGEST or not data.startswith(MAGIC):
        raise _refused(path, "it is not an index")
    if hashlib.sha256(body).digest() != digest:
        raise _refused(path, "its checksum does not fit: it is torn or was changed")
    _, version, length = _START.unpack_from(body)
    if version != VERSION:
        raise _refused(path, f"its version is {version}")
    try:
        header = json.loads(body[_START.size : _START.size + length])
        arrays = _arrays(header.pop("arrays"), body, _START.size + length)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused(path, f"its header is not understood ({error})") from error
    except (RecursionError, MemoryError, OverflowError) as error:
        raise _refused(path, f"its header asks for too much ({error})") from error
    return header, arrays


def taken(
    arrays: Mapping[str, Stored],
    name: str,
    dtype: np.dtype[T],
    row: tuple[int, ...] = (),
) -> NDArray[T]:
    """Return the array of that name, rows of shape ``row``.

    Raises ``ValueError`` where it is missing or of another dtype or shape.
    """
    array = arrays.get(name)
    if (
        array is None
        or array.dtype != dtype
        or array.shape[1:] != row
        or not array.ndim
    ):
        raise ValueError(f"array {name} of rows {row} in {dtype}, not there")
    same: NDArray[T] = array.astype(dtype, copy=False)
    return same


def _pieces(
    header: Header, arrays: Mapping[str, Stored]
) -> Iterator[bytes | memoryview]:
    flat = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in arrays.items()
    }
    listed = [[name, one.dtype.str, list(one.shape)] for name, one in flat.items()]
    text = json.dumps({**header, "arrays": listed}, allow_nan=False).encode()
    start = _START.pack(MAGIC, VERSION, len(text)) + text
    digest = hashlib.sha256(start)
    yield start
    for array in flat.values():
        if array.size:  # no view of bytes exists of nothing
            piece = memoryview(array.data).cast("B")
            digest.update(piece)
            yield piece
    yield digest.digest()


def _arrays(
    listed: list[tuple[str, str, list[int]]], body: bytes, offset: int
) -> dict[str, Stored]:
    arrays: dict[str, Stored] = {}
    for name, dtype, shape in listed:
        if dtype not in _DTYPES or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError(f"array {name} of dtype {dtype} and shape {shape}")
        count = math.prod(shape)
        flat = (
            np.frombuffer(body, dtype, count, offset) if count else np.empty(0, dtype)
        )
        # A copy in the byte order of this machine.
        arrays[name] = flat.astype(flat.dtype.newbyteorder("=")).reshape(shape)
        offset += count * flat.itemsize
    if offset != len(body):
        raise ValueError(f"{len(body) - offset} bytes too many")
    return arrays


def _refused(path: str | os.PathLike[str], reason: str) -> ValueError:
    return ValueError(
        f"path must be the file of a whole, unchanged index, got {path}: {reason}"
    )
