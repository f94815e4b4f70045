"""Features as bytes: equal features give equal bytes, others never do.

Every part begins with its kind; what varies in length tells its length or its count
first. So no text, whatever separators it holds, can imitate a structure.
"""

import math
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, cast

if TYPE_CHECKING:
    import numpy as np

_EXPECTED = (
    "a mapping or a sequence of text, numbers, True, False, None, "
    "nested mappings and lists"
)


def canonical_bytes(features: object) -> bytes:
    """Return bytes that two collections of features share exactly if they are equal.

    - Mappings are equal where the same names have equal values, in any order; lists
      and tuples where their values are equal, in order. A mapping is never a sequence.
    - Numbers are equal where their values are, exactly: 1 and 1.0, 0.0 and -0.0, but
      not 2**53 + 1 and 2.0**53. Every NaN equals every NaN, whatever its payload.
      True and False are no numbers.
    - Text, in names and values, is equal where its form NFC is (Unicode Standard
      Annex 15).
    - A NumPy scalar or array is what its ``item`` or ``tolist`` gives.

    Raises ``TypeError`` for what is none of these, and ``ValueError`` where two names
    of a mapping are equal in NFC or the nesting is too deep or without end.
    """
    if not isinstance(features, Mapping | list | tuple) and not _is_array(features):
        _refuse(features)
    try:
        return _encode(features)
    except RecursionError as error:
        raise ValueError("features must be nested less deeply") from error


def text_bytes(text: str) -> bytes:
    """Return the bytes of a text as it is, its length before it."""
    data = text.encode("utf-8", "surrogatepass")
    return b"s%d:%b" % (len(data), data)


def _encode(value: object) -> bytes:
    if value is None:
        return b"_"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, str):
        return text_bytes(unicodedata.normalize("NFC", value))
    if isinstance(value, int | float):
        return _encode_number(value)
    if isinstance(value, list | tuple):
        return _encode_sequence(value)
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    return _encode_numpy(value)


def _encode_number(value: float) -> bytes:
    if isinstance(value, int):
        return b"i%x;" % int(value)  # in hexadecimal, which no limit of digits bounds
    if math.isnan(value):
        return b"n"
    if math.isinf(value):
        return b"+" if value > 0 else b"-"
    if value.is_integer():
        return b"i%x;" % int(value)
    return b"d%b;" % float.hex(value).encode("ascii")


def _encode_sequence(values: Sequence[object]) -> bytes:
    return b"l%d:%b" % (len(values), b"".join(map(_encode, values)))


def _encode_mapping(mapping: Mapping[object, object]) -> bytes:
    parts: dict[bytes, bytes] = {}
    for name, value in mapping.items():
        if not isinstance(name, str):
            raise TypeError(f"features must have text as names, got {name!r:.60}")
        encoded = text_bytes(unicodedata.normalize("NFC", name))
        if encoded in parts:
            raise ValueError(
                f"features must have distinct names, got {name!r:.60} in two forms"
            )
        parts[encoded] = _encode(value)
    items = (name + parts[name] for name in sorted(parts))
    return b"m%d:%b" % (len(parts), b"".join(items))


def _encode_numpy(value: object) -> bytes:
    numpy = sys.modules.get("numpy")  # nobody has an array where it is not loaded
    if numpy is None or not isinstance(value, numpy.ndarray | numpy.generic):
        _refuse(value)
    array = cast("np.ndarray[tuple[int, ...], np.dtype[np.generic]]", value)
    plain = array.tolist()
    # Others lose their meaning on the way (dates become numbers, records tuples), or
    # have no plain form and stay what they are (long doubles).
    if array.dtype.kind not in "biufUO" or type(plain) is type(value):
        _refuse(value)
    return _encode(plain)


def _is_array(value: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and value.ndim > 0


def _refuse(value: object) -> NoReturn:
    kind = type(value).__name__
    raise TypeError(f"features must be {_EXPECTED}, got {kind}: {value!r:.60}")
